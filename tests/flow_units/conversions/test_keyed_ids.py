"""One order is one conversion: before its ids are keyed, while that begins, and after."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from linkage.domain import clock, rule_versions
from linkage.domain.clicks.statistics import LinkDay
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.errors import ConflictError, LaterReleaseError, WrongSecretError
from linkage.domain.people.customers import Customer
from linkage.domain.rule_versions import RULES_OF_KEYED_IDS
from linkage.domain.terms.keyed_ids import CHANGEOVER, secret_mark
from linkage.domain.terms.programs import Reward
from linkage.flow.clicks.billing import Billed, bill_day
from linkage.flow.conversions import recording, report_references
from linkage.tables import settings
from tests.conversion_ids import ids_of, keyed_id, plain_id
from tests.flow_units.calls import calls, reads
from tests.flow_units.network import (
    ON_REPORT,
    SETTINGS,
    VENDOR,
    Network,
    put_programs,
    reported,
    table,
)

SECRET = os.environ["ID_SECRET"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Around the first keyed id, by what a report does: it writes a plain one and asks for none; a plain
# one where no keyed one is; a keyed one where no plain one is; a keyed one and asks for none.
OFF, BEFORE, AFTER, LONG_AFTER = -3 * HOUR, -HOUR / 2, HOUR / 2, 2 * DAY


def turn_on(network: Network, secret: str = SECRET) -> None:
    settings.publish_settings(
        replace(
            SETTINGS,
            version=2,
            rules=RULES_OF_KEYED_IDS,
            keyed_ids_from=clock.text(network.moment + CHANGEOVER),
            id_secret_mark=secret_mark(secret),
        )
    )


def reports() -> list[str]:
    """The ids of all conversions there are."""
    return [item["conversion_id"] for item in table("conversions") if item["fact"] == "report"]


def sold(order: str, **changes: Any) -> tuple[Conversion, bool]:
    return recording.report(reported(order, 10_000, **changes))


def test_an_order_reported_before_during_and_after_is_one_conversion(network: Network) -> None:
    made = {}
    for order, passed in (
        ("before", timedelta()),
        ("during", CHANGEOVER / 2),
        ("after", CHANGEOVER),
        ("later", 3 * DAY),
    ):
        if order == "during":
            turn_on(network)
        network.pass_time(seconds=passed.total_seconds())
        conversion, replayed = sold(order)
        assert not replayed
        made[order] = conversion.conversion_id
        for known, conversion_id in made.items():
            again, replayed = sold(known)
            assert (again.conversion_id, replayed) == (conversion_id, True)
            with pytest.raises(ConflictError, match="already reported with other content"):
                recording.report(reported(known, 99_999))
    forms = {order: ids_of(VENDOR, "sale", order) for order in made}
    assert made == {
        "before": forms["before"].plain,
        "during": forms["during"].plain,
        "after": forms["after"].keyed,
        "later": forms["later"].keyed,
    }
    assert sorted(reports()) == sorted(made.values())


def test_what_was_reported_before_is_confirmed_refunded_and_posted_after(network: Network) -> None:
    sale, _ = sold("o-1", program_id="prg_man")
    turn_on(network)
    network.pass_time(days=2)
    keyed, _ = sold("o-2", program_id="prg_man")
    for conversion in (sale, keyed):
        network.confirm(conversion)
        network.refund(conversion, "r-1", 4_000)
    network.deliver_facts()
    assert network.unposted() == []
    assert sorted(reports()) == sorted([plain_id(VENDOR, "sale", "o-1"), keyed.conversion_id])


@contextmanager
def overtaken(by: Callable[[], None]) -> Iterator[None]:
    """Lets `by` happen in the moment before the first write to the conversions."""
    real, done = BaseClient._make_api_call, False

    def call(client: BaseClient, operation: str, given: Any) -> Any:
        nonlocal done
        if not done and operation in {"PutItem", "TransactWriteItems"}:
            done = True
            by()
        return real(client, operation, given)

    with patch.object(BaseClient, "_make_api_call", call):
        yield


@pytest.mark.parametrize("customer", [Customer(), Customer(phone="+263773000001")])
@pytest.mark.parametrize(
    ("slow", "quick"),
    [
        (OFF, BEFORE),  # it had read the settings of before
        (BEFORE, OFF),
        (BEFORE, BEFORE),
        (BEFORE, AFTER),
        (AFTER, BEFORE),
        (AFTER, AFTER),
        (AFTER, LONG_AFTER),
        (LONG_AFTER, AFTER),
        (LONG_AFTER, LONG_AFTER),
    ],
)
def test_two_that_report_one_order_at_once_make_one_conversion_whatever_each_has_read(
    network: Network, slow: timedelta, quick: timedelta, customer: Customer
) -> None:
    begin = network.moment + CHANGEOVER
    turn_on(network)
    sent = reported("o-1", 10_000, customer=customer)

    def at(moment: timedelta) -> tuple[Conversion, bool]:
        with patch.object(clock, "now", lambda: begin + moment):
            if moment == OFF:
                # Only a function that has read the settings before they were published is there.
                with patch.object(report_references, "reading_settings", _first_settings):
                    return recording.report(sent)
            return recording.report(sent)

    answers = []
    with overtaken(lambda: answers.append(at(quick))):
        answers.append(at(slow))
    (first, replayed), (second, again) = answers
    assert (replayed, again) == (False, True)
    assert first.conversion_id == second.conversion_id
    assert reports() == [first.conversion_id]


def _first_settings() -> Any:
    return settings.reading_settings_version(1)


def test_a_release_that_knows_no_keyed_ids_accepts_nothing_once_they_are_on(
    network: Network,
) -> None:
    turn_on(network)
    with (
        patch.object(rule_versions, "RULES_KNOWN", RULES_OF_KEYED_IDS - 1),
        pytest.raises(LaterReleaseError),
    ):
        sold("o-1")
    assert reports() == []


def test_both_forms_are_read_in_the_first_call_and_a_check_is_paid_for_a_day(
    network: Network,
) -> None:
    shapes = []
    turn_on(network)
    for moment in (BEFORE, AFTER, LONG_AFTER):
        network.moment += CHANGEOVER + moment
        with calls() as made, checks() as checked:
            sold(f"o-{moment}", program_id="prg_man")
        shapes.append((len(reads(made)), sum(checked)))
    assert shapes == [(1, 1), (1, 1), (1, 0)]


@contextmanager
def checks() -> Iterator[list[int]]:
    """How many condition checks each transaction has."""
    real, found = BaseClient._make_api_call, []

    def call(client: BaseClient, operation: str, given: Any) -> Any:
        if operation == "TransactWriteItems":
            found.append(sum("ConditionCheck" in each for each in given["TransactItems"]))
        return real(client, operation, given)

    with patch.object(BaseClient, "_make_api_call", call):
        yield found


def test_with_another_secret_nothing_is_accepted_and_nothing_known_is_made_again(
    network: Network,
) -> None:
    sold("before")
    turn_on(network, secret="what the network was made with")
    for order in ("before", "new"):
        with pytest.raises(WrongSecretError):
            sold(order)
    assert reports() == [plain_id(VENDOR, "sale", "before")]


COUNTED = replace(
    ON_REPORT,
    program_id="prg_cpc",
    rewards=(Reward("click", amount_minor=20, currency="USD"),),
    created_at="2026-01-01T00:00:00.000Z",
    published_at="2026-01-01T00:00:00.000Z",
)


def test_a_day_of_clicks_billed_before_is_not_billed_again_after(network: Network) -> None:
    put_programs(COUNTED)
    links = [LinkDay("annslink", "prg_cpc", VENDOR, "mem_ann", 10, 0)]
    days = [date(2026, 11, 18), date(2026, 11, 19)]

    def billed(day: date) -> Billed:
        return bill_day(day, links)

    assert billed(days[0]).accepted == 1
    turn_on(network)
    network.pass_time(days=2)
    assert (billed(days[0]).accepted, billed(days[0]).repeated) == (0, 1)
    assert [(billed(days[1]).accepted, billed(days[1]).repeated)] == [(1, 1)]
    names = [f"click/annslink/{day}" for day in days]
    expected = [plain_id(VENDOR, "click", names[0]), keyed_id(VENDOR, "click", names[1])]
    assert sorted(reports()) == sorted(expected)
