from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.terms.network import (
    FIRST_SETTINGS,
    Missed,
    NetworkSettings,
    PayoutSchedule,
    began,
    coming_batches,
    due_batches,
    funding_gap_bps,
    missed_batches,
)


def scheduled(
    zone: str,
    hour: int = 9,
    days: tuple[int, ...] = (15,),
    currencies: tuple[str, ...] = ("USD",),
    since: str = "",
) -> NetworkSettings:
    schedule = PayoutSchedule(days, hour, zone, currencies, since)
    return replace(FIRST_SETTINGS, payout_schedule=schedule)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DUE = [
    pytest.param(scheduled("UTC"), "2026-11-15T08:59:59.999", [], id="hour not reached"),
    pytest.param(scheduled("UTC"), "2026-11-15T09:00", ["2026-11-15"], id="on the hour"),
    pytest.param(scheduled("UTC"), "2026-11-15T23:00", ["2026-11-15"], id="later that day"),
    pytest.param(scheduled("UTC"), "2026-11-17T23:59", ["2026-11-15"], id="two days late"),
    pytest.param(scheduled("UTC"), "2026-11-18T08:59", ["2026-11-15"], id="nearly three days late"),
    pytest.param(scheduled("UTC"), "2026-11-18T09:00", [], id="three days late is too late"),
    pytest.param(
        scheduled("UTC", hour=23), "2026-11-18T22:59", ["2026-11-15"], id="three days of hour 23"
    ),
    pytest.param(
        scheduled("UTC", since="2026-11-15T22:00:00.000Z"),
        "2026-11-15T22:30",
        ["2026-11-15"],
        id="published on its day, after its hour",
    ),
    pytest.param(
        scheduled("UTC", since="2026-11-16T00:00:00.000Z"),
        "2026-11-16T00:30",
        [],
        id="never for a day before it was published",
    ),
    pytest.param(
        scheduled("Pacific/Auckland", since="2026-11-14T11:30:00.000Z"),
        "2026-11-14T20:00",
        ["2026-11-15"],
        id="the day it was published is the zone's",
    ),
    pytest.param(scheduled("UTC"), "2026-11-14T12:00", [], id="the day before"),
    pytest.param(
        scheduled("UTC", days=(14, 15)),
        "2026-11-15T09:00",
        ["2026-11-14", "2026-11-15"],
        id="two days running, the older first",
    ),
    pytest.param(
        scheduled("UTC", days=(1,)), "2026-12-01T09:00", ["2026-12-01"], id="first of a month"
    ),
    pytest.param(
        scheduled("UTC", days=(30,)), "2026-12-01T09:00", ["2026-11-30"], id="late into a new month"
    ),
    pytest.param(
        scheduled("UTC", days=(31,)), "2027-01-01T08:00", ["2026-12-31"], id="late into a new year"
    ),
    pytest.param(scheduled("UTC", days=(31,)), "2026-11-30T23:00", [], id="a month without a 31st"),
    pytest.param(
        scheduled("UTC", days=(29,)), "2028-02-29T09:00", ["2028-02-29"], id="the leap day"
    ),
    pytest.param(
        scheduled("Africa/Harare"), "2026-11-15T06:59", [], id="Harare: 8:59 local is too early"
    ),
    pytest.param(
        scheduled("Africa/Harare"), "2026-11-15T07:00", ["2026-11-15"], id="Harare: 9:00 local"
    ),
    pytest.param(
        scheduled("Pacific/Auckland", hour=0),
        "2026-11-14T11:00",
        ["2026-11-15"],
        id="the local date is ahead of UTC's",
    ),
    pytest.param(
        scheduled("Pacific/Honolulu", hour=20),
        "2026-11-16T06:00",
        ["2026-11-15"],
        id="the local date is behind UTC's",
    ),
    pytest.param(
        scheduled("Europe/Warsaw", days=(28,)), "2026-03-28T08:00", ["2026-03-28"], id="winter hour"
    ),
    pytest.param(
        scheduled("Europe/Warsaw", days=(29,)),
        "2026-03-29T07:00",
        ["2026-03-29"],
        id="summer hour, on the day it begins",
    ),
    pytest.param(
        scheduled("Europe/Warsaw", days=(29,)), "2026-03-29T06:59", [], id="a minute before it"
    ),
    pytest.param(
        scheduled("Europe/Warsaw", hour=2, days=(29,)),
        "2026-03-29T01:00",
        ["2026-03-29"],
        id="an hour that does not exist is the one after it",
    ),
    pytest.param(
        scheduled("Europe/Warsaw", hour=2, days=(29,)), "2026-03-29T00:59", [], id="not before"
    ),
    pytest.param(
        scheduled("America/New_York", hour=1, days=(1,)),
        "2026-11-01T05:00",
        ["2026-11-01"],
        id="an hour that comes twice counts from the first",
    ),
    pytest.param(
        scheduled("America/New_York", hour=1, days=(1,)), "2026-11-01T04:59", [], id="not earlier"
    ),
    pytest.param(
        scheduled("America/New_York", hour=9, days=(1,)), "2026-11-01T13:59", [], id="winter again"
    ),
    pytest.param(FIRST_SETTINGS, "2026-11-15T09:00", [], id="no schedule, no batch"),
]


@pytest.mark.parametrize(("network", "moment", "expected"), DUE)
def test_a_batch_is_due_from_its_local_hour_for_three_days(
    network: NetworkSettings, moment: str, expected: list[str]
) -> None:
    assert [each.on.isoformat() for _, each in due_batches(network, utc(moment))] == expected


def test_each_currency_has_its_own_batch() -> None:
    network = scheduled("UTC", currencies=("USD", "ZWG"))
    due = due_batches(network, utc("2026-11-15T09:00"))
    on = date(2026, 11, 15)
    assert [(currency, each.on) for currency, each in due] == [("USD", on), ("ZWG", on)]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.sampled_from(["UTC", "Africa/Harare", "Europe/Warsaw", "America/New_York", "Asia/Kolkata"]),
    st.integers(0, 23),
    st.integers(0, 364),
    st.integers(0, 59),
)
def test_hourly_ticks_name_every_scheduled_day_once_each_whenever_they_come(
    zone: str, hour: int, start_day: int, minute: int
) -> None:
    """Whatever minute the ticks come at, across every change of the clocks."""
    network = scheduled(zone, hour, days=tuple(range(1, 32)))
    first = datetime(2026, 1, 1, 0, minute, tzinfo=UTC) + timedelta(days=start_day)
    ticks = [first + timedelta(hours=each) for each in range(24 * 6)]
    named = [each.on for tick in ticks for _, each in due_batches(network, tick)]
    days = sorted(set(named))
    assert days == [days[0] + timedelta(days=each) for each in range(len(days))]
    assert len(days) >= 7
    assert due_batches(network, ticks[0]) == due_batches(network, ticks[0])


@pytest.mark.parametrize(
    ("levels", "fees", "funding", "gap"),
    [
        ((1000, 500), (2000, 0), "network", 0),
        ((1000, 1000), (2000, 0), "network", 0),
        ((1000, 1001), (2000, 0), "network", 1),
        ((1000, 1001), (1000, 1000), "network", 1),
        ((1000, 1001), (0, 2001), "network", 0),
        ((1000, 500), (0, 0), "vendor", 0),
        ((), (0, 0), "network", 0),
    ],
)
def test_overrides_paid_out_of_the_fees_must_fit_in_them(
    levels: tuple[int, ...], fees: tuple[int, int], funding: str, gap: int
) -> None:
    network = replace(
        FIRST_SETTINGS,
        level_rates_bps=levels,
        network_fee_bps=fees[0],
        affiliate_fee_bps=fees[1],
        override_funding=funding,
    )
    assert funding_gap_bps(network) == gap


def test_without_a_minimum_the_smallest_unit_is_paid() -> None:
    network = replace(FIRST_SETTINGS, payout_minimum_minor={"USD": 1000})
    assert (network.minimum_minor("USD"), network.minimum_minor("ZWG")) == (1000, 1)


CUTOFFS = [
    pytest.param(scheduled("UTC"), "2026-11-15", id="UTC"),
    pytest.param(scheduled("Africa/Harare", 6), "2026-11-15", id="Harare at six"),
    pytest.param(scheduled("Africa/Harare", 2), "2026-11-15", id="Harare as its day begins in UTC"),
    pytest.param(scheduled("Africa/Harare", 1), "2026-11-14", id="an hour before that"),
    pytest.param(scheduled("Africa/Harare", 0), "2026-11-14", id="Harare at midnight"),
    pytest.param(scheduled("Pacific/Auckland", 9), "2026-11-14", id="far ahead of UTC"),
    pytest.param(scheduled("Pacific/Honolulu", 20), "2026-11-15", id="far behind UTC"),
]


@pytest.mark.parametrize(("network", "cutoff"), CUTOFFS)
def test_a_cutoff_is_the_same_however_late_the_tick_is(
    network: NetworkSettings, cutoff: str
) -> None:
    first = utc("2026-11-14T00:00")
    found = {
        each.cutoff.isoformat()
        for hours in range(24 * 6)
        for _, each in due_batches(network, first + timedelta(hours=hours))
    }
    assert found == {cutoff}


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.sampled_from(["UTC", "Africa/Harare", "Europe/Warsaw", "Pacific/Kiritimati", "Etc/GMT+12"]),
    st.integers(0, 23),
    st.integers(0, 24 * 365),
)
def test_no_batch_pays_what_is_not_due_yet(zone: str, hour: int, hours: int) -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hours)
    network = scheduled(zone, hour, days=tuple(range(1, 29)))
    for _, each in due_batches(network, moment):
        assert each.cutoff <= moment.date()
        assert timedelta(0) <= each.on - each.cutoff <= timedelta(days=1)


MONTHLY = PayoutSchedule((1, 15), 9, "UTC", ("USD", "ZWG"), "2026-01-01T00:00:00.000Z")
NOW = "2026-11-20T12:00:00.000Z"


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        pytest.param(None, MONTHLY, NOW, id="the first"),
        pytest.param(MONTHLY, MONTHLY, MONTHLY.since, id="the same"),
        pytest.param(MONTHLY, replace(MONTHLY, hour=3), MONTHLY.since, id="another hour"),
        pytest.param(MONTHLY, replace(MONTHLY, days_of_month=(1,)), MONTHLY.since, id="fewer days"),
        pytest.param(MONTHLY, replace(MONTHLY, currencies=("ZWG",)), MONTHLY.since, id="fewer"),
        pytest.param(MONTHLY, replace(MONTHLY, days_of_month=(1, 16)), NOW, id="a new day"),
        pytest.param(
            MONTHLY, replace(MONTHLY, currencies=("USD", "BHD")), NOW, id="a currency more"
        ),
        pytest.param(MONTHLY, replace(MONTHLY, time_zone="Africa/Harare"), NOW, id="another zone"),
        pytest.param(
            replace(MONTHLY, since=""),
            MONTHLY,
            "2026-11-17T12:00:00.000Z",
            id="one of which it is not known: all that may still be made is",
        ),
    ],
)
def test_a_schedule_begins_when_it_is_published_or_goes_on(
    before: PayoutSchedule | None, after: PayoutSchedule, since: str
) -> None:
    sent = replace(after, since="")
    assert began(sent, before, utc("2026-11-20T12:00")) == replace(after, since=since)


def test_no_schedule_is_none() -> None:
    assert began(None, MONTHLY, utc("2026-11-20T12:00")) is None


@pytest.mark.parametrize(
    ("moment", "reached", "missed"),
    [
        pytest.param("2026-11-18T08:59", {"USD": "2026-11-01"}, [], id="it may still be made"),
        pytest.param(
            "2026-11-18T09:00",
            {"USD": "2026-11-14", "ZWG": "2026-11-15"},
            [("USD", "2026-11-15")],
            id="three days over",
        ),
        pytest.param(
            "2026-11-18T09:00",
            {"USD": "2026-11-16", "ZWG": "2026-11-15"},
            [],
            id="one made by hand that reached it",
        ),
        pytest.param(
            "2026-11-30T09:00",
            {"ZWG": "2026-11-15"},
            [("USD", "2026-11-01"), ("USD", "2026-11-15")],
            id="two of them",
        ),
    ],
)
def test_a_batch_that_nobody_made_in_three_days_is_missed(
    moment: str, reached: dict[str, str], missed: list[tuple[str, str]]
) -> None:
    schedule = replace(MONTHLY, since="2026-10-20T00:00:00.000Z")
    network = replace(FIRST_SETTINGS, payout_schedule=schedule)
    assert missed_batches(network, utc(moment), reached | {"ZWG": "2026-11-15"}) == [
        Missed(currency, on, on) for currency, on in missed
    ]


def test_nothing_is_missed_of_days_before_a_schedule_or_of_one_that_says_not_since_when() -> None:
    moment = utc("2026-11-30T09:00")
    young = replace(MONTHLY, since="2026-11-16T00:00:00.000Z")
    for schedule in (young, replace(MONTHLY, since=""), None):
        assert missed_batches(replace(FIRST_SETTINGS, payout_schedule=schedule), moment, {}) == []


@pytest.mark.parametrize(
    ("zone", "hour", "due_on", "moment", "expected"),
    [
        ("UTC", 9, "2026-11-01", "2026-10-20T00:00", ["2026-11-01", "2026-11-15"]),
        ("UTC", 9, "2026-11-02", "2026-11-02T00:00", ["2026-11-15", "2026-12-01"]),
        ("UTC", 9, "2026-10-01", "2026-11-03T00:00", ["2026-11-01", "2026-11-15"]),
        ("UTC", 9, "2026-10-01", "2026-11-04T09:00", ["2026-11-15", "2026-12-01"]),
        ("Africa/Harare", 0, "2026-11-01", "2026-10-20T00:00", ["2026-11-15", "2026-12-01"]),
        ("Africa/Harare", 0, "2026-10-31", "2026-10-20T00:00", ["2026-11-01", "2026-11-15"]),
        ("Pacific/Honolulu", 20, "2026-11-15", "2026-11-16T03:00", ["2026-11-15", "2026-12-01"]),
    ],
)
def test_the_batches_that_reach_a_due_date_are_those_whose_cutoff_does(
    zone: str, hour: int, due_on: str, moment: str, expected: list[str]
) -> None:
    schedule = PayoutSchedule((1, 15), hour, zone, ("USD",))
    coming = coming_batches(schedule, date.fromisoformat(due_on), utc(moment))
    assert [each.on.isoformat() for each in islice(coming, 2)] == expected
