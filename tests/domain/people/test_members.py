from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.members import normalised_email, normalised_phone, upline_below
from tests.domain.examples import MEMBER


def test_an_upline_is_the_sponsors_below_the_sponsor() -> None:
    assert upline_below(replace(MEMBER, member_id="s", upline=("t", "u"))) == ("s", "t", "u")


def test_an_upline_is_ten_deep_so_that_levels_find_somebody() -> None:
    sponsor = replace(MEMBER, member_id="0", upline=tuple("123456789a"))
    assert upline_below(sponsor) == tuple("0123456789")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("+263 77 304-7653", "+263773047653"),
        ("+1 (212) 555.0100", "+12125550100"),
        ("+26377304", "+26377304"),
    ],
)
def test_a_phone_number_is_kept_in_e164(sent: str, kept: str) -> None:
    assert normalised_phone(sent, "/phone") == kept


@pytest.mark.parametrize(
    "sent",
    ["0773047653", "263773047653", "+0773047653", "+263", "+2637730476531234", "+263a73047653",
     "+٢٦٣٧٧٣٠٤٧٦٥٣", "++263773047653"],
)  # fmt: skip
def test_a_number_without_its_country_or_with_other_characters_is_refused(sent: str) -> None:
    with pytest.raises(InvalidFieldError, match="country code"):
        normalised_phone(sent, "/phone")


def test_a_zero_in_brackets_is_refused_since_it_would_become_part_of_the_number() -> None:
    with pytest.raises(InvalidFieldError, match=r"Leave the \(0\) out"):
        normalised_phone("+263 (0)77 304 7653", "/phone")


def test_an_email_address_is_trimmed_and_lower_case() -> None:
    assert normalised_email(" Tendai@Example.COM ", "/email") == "tendai@example.com"


@pytest.mark.parametrize("sent", ["tendai", "tendai@", "@example.com", "a b@example.com", "a@b",
                                  "a@b.", "a@@b.com", "a@b..com"])  # fmt: skip
def test_what_cannot_be_an_email_address_is_refused(sent: str) -> None:
    with pytest.raises(InvalidFieldError, match="e-mail address"):
        normalised_email(sent, "/email")


def test_times_are_written_so_that_they_sort() -> None:
    start = datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    moments = [start + timedelta(milliseconds=each) for each in (0, 1, 2, 1000)]
    written = [clock.text(each) for each in moments]
    assert written == sorted(written)
    assert written[:2] == ["2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"]
    assert [clock.instant(each) for each in written] == moments


def test_a_day_is_the_utc_date() -> None:
    in_harare = datetime(2026, 11, 22, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert clock.day(in_harare).isoformat() == "2026-11-21"


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        clock.instant("2026-11-21T09:12:00")
