"""Which form of an id is written when: from plain ones to keyed ones without a moment for both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from linkage.domain import clock, ids
from linkage.domain.errors import WrongSecretError
from linkage.domain.terms.keyed_ids import (
    CHANGEOVER,
    Forms,
    conversion_ids,
    link_causes,
    new_form,
    secret_mark,
)
from linkage.domain.terms.network import FIRST_SETTINGS
from tests.conversion_ids import ids_of

SECRET = "a secret"
FORMS = Forms("plain", "keyed")
BEGIN = datetime(2026, 12, 1, 10, tzinfo=UTC)
KEYED = replace(
    FIRST_SETTINGS, keyed_ids_from=clock.text(BEGIN), id_secret_mark=secret_mark(SECRET)
)
MOMENT = timedelta(milliseconds=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        pytest.param("  order-7\n", "order-7", id="trimmed"),
        pytest.param("Cafe\u0301", "Café", id="composed"),
        pytest.param("\u00a0order-7\u2003", "order-7", id="Unicode spaces trimmed"),
    ],
)
def test_one_external_id_in_two_spellings_is_one_conversion(sent: str, same: str) -> None:
    assert ids_of("v", "sale", sent) == ids_of("v", "sale", same)
    assert ids.external(ids.external(sent)) == ids.external(sent)


@pytest.mark.parametrize(
    "other",
    [("v", "sale", "ORDER-7"), ("v", "lead", "order-7"), ("w", "sale", "order-7")],
    ids=["case", "event", "vendor"],
)
def test_case_event_and_vendor_make_another_conversion(other: tuple[str, str, str]) -> None:
    pairs = zip(ids_of("v", "sale", "order-7"), ids_of(*other), strict=True)
    assert all(one != another for one, another in pairs)


def test_neither_form_of_a_conversion_id_ever_changes() -> None:
    """Stored ids were computed by this rule; a new rule would book old orders again."""
    forms = conversion_ids("a secret", "mem_1", "sale", "order-7")
    assert forms.plain == "cnv_llzsh4efl7k62igep3uddlbtjx"
    assert forms.keyed == "cnv_uhb55sr3gr25f3zrwxx5jyfja7"


def test_without_the_secret_the_keyed_form_cannot_be_computed() -> None:
    order = ("mem_1", "sale", "order-7")
    assert conversion_ids("a", *order).keyed != conversion_ids("b", *order).keyed
    assert conversion_ids("a", *order).plain == conversion_ids("b", *order).plain


def test_no_form_of_one_thing_is_a_form_of_another() -> None:
    causes = ("mem_1", "sale", "order-7")
    conversion, link = conversion_ids(SECRET, *causes), link_causes(SECRET, *causes)
    keyed = {conversion.keyed[4:], link.keyed[4:], secret_mark(SECRET)}
    assert len(keyed) == 3


@pytest.mark.parametrize(
    ("now", "new"),
    [
        (BEGIN - CHANGEOVER, ("plain", "keyed")),
        (BEGIN - MOMENT, ("plain", "keyed")),
        (BEGIN, ("keyed", "plain")),
        (BEGIN + DAY - MOMENT, ("keyed", "plain")),
        (BEGIN + DAY, ("keyed", None)),
        (BEGIN + 1000 * DAY, ("keyed", None)),
    ],
)
def test_each_form_asks_for_the_other_as_long_as_somebody_may_write_it(
    now: datetime, new: tuple[str, str | None]
) -> None:
    assert new_form(FORMS, KEYED, SECRET, now) == new


def test_a_network_that_never_turned_them_on_has_plain_ids() -> None:
    assert new_form(FORMS, FIRST_SETTINGS, SECRET, BEGIN) == ("plain", None)


def test_another_secret_than_the_networks_is_refused_from_the_moment_they_are_on() -> None:
    for now in (BEGIN - CHANGEOVER, BEGIN + DAY):
        with pytest.raises(WrongSecretError):
            new_form(FORMS, KEYED, "another secret", now)


def test_whoever_decided_before_has_written_before_the_first_keyed_id() -> None:
    """The longest function (fold_clicks) runs for 900 seconds."""
    assert timedelta(seconds=4 * 900) <= CHANGEOVER
