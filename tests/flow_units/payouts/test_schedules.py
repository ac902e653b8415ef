"""Schedules as the handbook has them, whatever the tick does; and what is missed is told."""

from dataclasses import replace
from datetime import datetime

import pytest

from linkage.domain import clock
from linkage.domain.payouts.payouts import scheduled_batch_id
from linkage.domain.terms.network import Missed, PayoutSchedule
from linkage.flow.payouts import planning
from linkage.flow.payouts.watching_batches import watch
from linkage.tables import payout_batches, settings
from tests.flow_units.network import SETTINGS, Network

SINCE = "2026-11-01T00:00:00.000Z"


def schedule(zone: str, hour: int, *days: int, currencies: tuple[str, ...] = ("USD",)) -> None:
    """What is published at this moment, as if it had been since the first of the month."""
    number = settings.current_settings().version + 1
    planned = PayoutSchedule(days, hour, zone, currencies, SINCE)
    settings.publish_settings(replace(SETTINGS, version=number, payout_schedule=planned))


def tick_at(network: Network, *moments: str) -> list[tuple[str, str]]:
    """The cutoff and the day of each batch made by ticks at these moments."""
    for moment in moments:
        network.moment = datetime.fromisoformat(f"{moment}:00.000+00:00")
        planning.tick()
    made = payout_batches.list_batches(9, None).data
    return sorted((each.cutoff, each.created_at[:13]) for each in made)


@pytest.mark.parametrize(
    ("zone", "hour", "moments", "made"),
    [
        pytest.param(
            "Africa/Harare",
            0,
            ["2026-11-24T21:59", "2026-11-24T22:10", "2026-11-25T08:00"],
            [("2026-11-24", "2026-11-24T22")],
            id="Harare at midnight, on time",
        ),
        pytest.param(
            "Africa/Harare",
            0,
            ["2026-11-25T08:00"],
            [("2026-11-24", "2026-11-25T08")],
            id="Harare at midnight, the tick late",
        ),
        pytest.param(
            "UTC",
            23,
            ["2026-11-25T22:59", "2026-11-28T22:30"],
            [("2026-11-25", "2026-11-28T22")],
            id="at 23, the tick away for nearly three days",
        ),
        pytest.param("UTC", 23, ["2026-11-28T23:00"], [], id="at 23, away for longer"),
        pytest.param(
            "Europe/Warsaw",
            2,
            ["2026-11-25T00:59", "2026-11-25T01:00"],
            [("2026-11-25", "2026-11-25T01")],
            id="Warsaw in winter",
        ),
    ],
)
def test_a_batch_is_made_once_with_the_cutoff_of_its_day(
    network: Network, zone: str, hour: int, moments: list[str], made: list[tuple[str, str]]
) -> None:
    schedule(zone, hour, 25)
    assert tick_at(network, *moments, moments[-1]) == made


def test_a_schedule_changed_on_its_day_makes_one_batch(network: Network) -> None:
    schedule("UTC", 6, 25)
    assert tick_at(network, "2026-11-25T05:30") == []
    schedule("UTC", 8, 25)
    assert tick_at(network, "2026-11-25T06:30") == []
    schedule("UTC", 7, 25)
    assert tick_at(network, "2026-11-25T07:30") == [("2026-11-25", "2026-11-25T07")]
    schedule("UTC", 9, 25)
    assert len(tick_at(network, "2026-11-25T09:30", "2026-11-26T09:30")) == 1


def test_a_missed_batch_is_told_until_one_made_by_hand_reaches_it(network: Network) -> None:
    schedule("UTC", 6, 22, currencies=("USD", "ZWG"))
    network.moment = datetime.fromisoformat("2026-11-25T05:59:00.000+00:00")
    assert watch().missed == ()
    network.pass_time(minutes=1)
    missed = (
        Missed("USD", "2026-11-22", "2026-11-22"),
        Missed("ZWG", "2026-11-22", "2026-11-22"),
    )
    assert watch().missed == missed
    planning.tick()
    assert payout_batches.list_batches(9, None).data == []
    network.start_batch("bat_1", cutoff="2026-11-21")
    assert watch().missed == missed
    network.start_batch("bat_2", cutoff="2026-11-22")
    assert watch().missed == missed[1:]
    network.start_batch("bat_3", currency="ZWG")
    assert watch().missed == ()


def test_nobody_is_told_of_a_batch_that_was_made(network: Network) -> None:
    schedule("UTC", 6, 22)
    tick_at(network, "2026-11-22T06:30", "2026-11-26T06:30")
    assert payout_batches.find_batch(scheduled_batch_id("USD", clock.now().date().replace(day=22)))
    assert watch().missed == ()


def test_without_a_schedule_nothing_is_missed(network: Network) -> None:
    assert watch().missed == ()
