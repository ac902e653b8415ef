from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.network import (
    FIRST_SETTINGS,
    NetworkSettings,
    PayoutSchedule,
    due_batches,
    funding_gap_bps,
    next_batch_on,
)


def scheduled(
    zone: str, hour: int = 9, days: tuple[int, ...] = (15,), currencies: tuple[str, ...] = ("USD",)
) -> NetworkSettings:
    return replace(FIRST_SETTINGS, payout_schedule=PayoutSchedule(days, hour, zone, currencies))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DUE = [
    pytest.param(scheduled("UTC"), "2026-11-15T08:59:59.999", [], id="hour not reached"),
    pytest.param(scheduled("UTC"), "2026-11-15T09:00", ["2026-11-15"], id="on the hour"),
    pytest.param(scheduled("UTC"), "2026-11-15T23:00", ["2026-11-15"], id="later that day"),
    pytest.param(scheduled("UTC"), "2026-11-17T23:59", ["2026-11-15"], id="two days late"),
    pytest.param(scheduled("UTC"), "2026-11-18T00:00", [], id="three days late is too late"),
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
    assert [on.isoformat() for _, on in due_batches(network, utc(moment))] == expected


def test_each_currency_has_its_own_batch() -> None:
    network = scheduled("UTC", currencies=("USD", "ZWG"))
    on = date(2026, 11, 15)
    assert due_batches(network, utc("2026-11-15T09:00")) == [("USD", on), ("ZWG", on)]


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
    named = [on for tick in ticks for _, on in due_batches(network, tick)]
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


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-02", "2026-11-15"),
        ("2026-12-16", "2027-01-01"),
    ],
)
def test_the_next_batch_is_on_the_first_scheduled_day_from_then_on(on: str, expected: str) -> None:
    schedule = PayoutSchedule((1, 15), 9, "UTC", ("USD",))
    assert next_batch_on(schedule, date.fromisoformat(on)).isoformat() == expected
