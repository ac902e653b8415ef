"""Days are folded when they are over, again when packs come late, and billed once, when closed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.clicks.click_packs import Owners, UnreadablePackError
from linkage.domain.clicks.statistics import LinkDay
from linkage.domain.errors import NotFoundError
from linkage.flow.clicks import folding
from linkage.flow.clicks.billing import Billed, DayNotBilledError, NotBilled
from linkage.flow.clicks.counting import Batch, NotCounted, count_clicks
from linkage.flow.clicks.folding import fold_again, fold_day, fold_open_days, oldest_open_age_s
from linkage.tables.statistics import DayState, StatisticsItem, find_counts, find_days
from tests.domain.clicks.test_statistics import CLICK
from tests.in_memory import empty_network

NOW = datetime(2026, 11, 22, 0, 20, tzinfo=UTC)
TODAY = NOW.date()
LOOK = NOW.replace(hour=3)
"""When the tick looks at days it has folded before."""
YESTERDAY, DUE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)

type Bills = list[tuple[date, tuple[LinkDay, ...]]]


@pytest.fixture(autouse=True)
def bills() -> Iterator[Bills]:
    """What was billed, in an empty network."""
    done: Bills = []

    def bill(day: date, links: Any) -> Billed:
        done.append((day, tuple(links)))
        return Billed(accepted=1, repeated=0, refused=())

    with empty_network(), patch.object(folding, "bill_day", bill):
        yield done


def come(day: date, *numbers: int, **more: Any) -> None:
    """Clicks of a day, in one batch."""
    clicked_at = f"{day}T23:06:07.890Z"
    clicks = [
        CLICK | {"click_id": f"clk_{number:032d}", "clicked_at": clicked_at} | more
        for number in numbers
    ]
    assert count_clicks(clicks).strange == ()


def clicks_on(day: date, scope: str = "network") -> int:
    found = find_counts(scope, day, day)
    return found[day].total("clicks") if found else 0


def tick(moment: datetime = NOW) -> list[folding.FoldedDay]:
    return list(fold_open_days(moment))


def writes_of_a_tick(moment: datetime = NOW) -> int:
    with patch.object(folding, "put_counts", wraps=folding.put_counts) as put:
        tick(moment)
    return put.call_count


def test_a_day_is_closed_and_billed_two_days_later_and_then_left_alone(bills: Bills) -> None:
    come(DUE, 1, 2)
    come(DUE, 3, click_id="imp_1")
    done = tick()
    assert [each.day for each in done if each.closed] == [
        TODAY - timedelta(days=back) for back in range(7, 1, -1)
    ]
    own = [links for day, links in bills if day == DUE]
    assert own == [(LinkDay(*(CLICK[name] for name in Owners._fields), 1, 1),)]
    assert clicks_on(DUE) == clicks_on(DUE, f"link#{CLICK['code']}") == 2
    assert len(bills) == 6
    tick()
    assert len(bills) == 6


def test_yesterday_is_folded_at_once_and_again_only_if_packs_have_come_since() -> None:
    come(YESTERDAY, 1)
    assert writes_of_a_tick() == 5
    assert writes_of_a_tick(LOOK) == 0
    come(YESTERDAY, 2)
    assert writes_of_a_tick() == 0
    assert writes_of_a_tick(LOOK) == 5
    assert clicks_on(YESTERDAY) == 2
    assert find_days(YESTERDAY, YESTERDAY)[YESTERDAY].status == "folded"


def test_closing_a_day_writes_no_counts_that_are_there_already(bills: Bills) -> None:
    come(YESTERDAY, 1)
    tick()
    assert writes_of_a_tick(NOW + timedelta(days=1)) == 0
    assert bills[-1][0] == YESTERDAY
    assert find_days(YESTERDAY, YESTERDAY)[YESTERDAY].is_closed


def test_a_pack_that_came_twice_changes_nothing_and_writes_nothing() -> None:
    come(YESTERDAY, 1, 2)
    tick()
    come(YESTERDAY, 2, 1)
    assert writes_of_a_tick(LOOK) == 0
    come(YESTERDAY, 1)  # in another batch, so another pack
    assert writes_of_a_tick(LOOK) == 5
    assert clicks_on(YESTERDAY) == 2


def test_today_is_not_folded_by_the_tick() -> None:
    come(TODAY, 1)
    assert TODAY not in {each.day for each in tick()}
    assert clicks_on(TODAY) == 0


def test_a_day_that_cannot_be_billed_stays_open_and_holds_up_no_other(bills: Bills) -> None:
    failure = DayNotBilledError(DUE, [NotBilled("code", "click", 3, "busy")])

    def bill(day: date, links: Any) -> Billed:
        if day == DUE:
            raise failure
        return Billed(0, 0, (NotBilled("code", "click", 3, "suspended"),))

    come(DUE, 1)
    with patch.object(folding, "bill_day", bill):
        done = {each.day: each for each in tick()}
    assert done[DUE].error is failure
    assert not done[DUE].closed
    assert done[TODAY - timedelta(days=3)].closed
    assert clicks_on(DUE) == 1
    assert oldest_open_age_s(done.values(), NOW) == 86_400 + 20 * 60
    again = {each.day: each for each in tick()}
    assert again[DUE].closed
    assert [day for day, _ in bills] == [DUE]
    assert oldest_open_age_s(again.values(), NOW) == 20 * 60


def test_an_error_of_ours_leaves_the_day_open_too() -> None:
    with patch.object(folding, "bill_day", side_effect=NotFoundError("program")):
        done = tick()
    assert not any(each.closed for each in done)
    assert oldest_open_age_s(done, NOW) == 6 * 86_400 + 20 * 60


def test_a_closed_day_may_be_folded_again_by_hand_and_stays_closed(bills: Bills) -> None:
    come(DUE, 1)
    tick()
    come(DUE, 2)
    assert fold_again(DUE, NOW).closed
    assert clicks_on(DUE) == 2
    assert find_days(DUE, DUE)[DUE].is_closed
    assert [day for day, _ in bills].count(DUE) == 2


def test_to_count_a_day_by_hand_neither_bills_nor_closes_it(bills: Bills) -> None:
    come(DUE, 1)
    assert not fold_again(DUE, NOW, bill=False).closed
    assert (clicks_on(DUE), bills) == (1, [])
    tick()
    come(DUE, 2)
    billed = len(bills)
    fold_again(DUE, NOW, bill=False)
    assert (clicks_on(DUE), len(bills)) == (2, billed)
    assert find_days(DUE, DUE)[DUE].is_closed


def test_packs_that_come_after_the_close_are_folded_and_billed_by_the_tick(bills: Bills) -> None:
    come(DUE, 1)
    tick()
    come(DUE, 2)
    come(DUE, 3, code="newlink1")
    (late,) = [each for each in tick(LOOK) if each.closed]
    assert (late.day, late.changed_after_close, late.error) == (DUE, True, None)
    assert late.billed is not None
    assert clicks_on(DUE) == 3
    assert [each.code for each in bills[-1][1]] == [CLICK["code"], "newlink1"]
    assert [each for each in tick(LOOK) if each.closed] == []
    assert find_days(DUE, DUE)[DUE].is_closed


def test_folded_days_are_looked_at_once_a_day_and_not_by_each_tick() -> None:
    tick()
    looks = []
    for hour in range(1, 24):
        with patch.object(folding, "packs_fingerprint", wraps=folding.packs_fingerprint) as read:
            tick(NOW.replace(hour=hour))
        looks.append(read.call_count)
    assert looks == [7 if hour == 3 else 0 for hour in range(1, 24)]


def test_a_closed_day_that_cannot_be_billed_again_stays_closed_and_is_looked_at_again() -> None:
    tick()
    come(DUE, 1)
    failure = DayNotBilledError(DUE, [NotBilled("code", "click", 3, "busy")])
    with patch.object(folding, "bill_day", side_effect=failure):
        done = tick(LOOK)
    (late,) = [each for each in done if each.changed_after_close]
    assert (late.day, late.closed, late.error) == (DUE, True, failure)
    assert oldest_open_age_s(done, LOOK) == 3 * 3600 + 20 * 60
    assert [each.error for each in tick(LOOK) if each.changed_after_close] == [None]


def test_a_day_with_a_pack_that_cannot_be_read_is_reported_and_holds_up_no_other() -> None:
    bad = TODAY - timedelta(days=4)
    come(DUE, 1)
    StatisticsItem(of=f"clicks#{bad}", at="05#bad", rows=b"\x02\0\0\0\0xxxx", clicks=1).save()
    done = {each.day: each for each in tick()}
    assert isinstance(done[bad].error, UnreadablePackError)
    assert [day for day, each in done.items() if not each.closed] == [bad, YESTERDAY]
    assert find_days(DUE, DUE)[DUE].is_closed


def test_a_slow_fold_does_not_open_a_day_that_another_has_closed() -> None:
    come(DUE, 1)
    real = folding.put_day

    def slow(day: date, state: DayState) -> None:
        with patch.object(folding, "put_day", real):
            fold_day(DUE, None, NOW)
        real(day, state)

    with patch.object(folding, "put_day", slow):
        fold_day(DUE, None, NOW - timedelta(days=1))
    assert find_days(DUE, DUE)[DUE].is_closed


def test_a_day_long_open_may_be_folded_by_hand(bills: Bills) -> None:
    old = TODAY - timedelta(days=20)
    come(old, 1)
    tick()
    assert clicks_on(old) == 0
    assert fold_again(old, NOW).closed
    assert clicks_on(old) == 1


def test_what_is_no_click_is_said_and_holds_up_none_of_its_batch() -> None:
    good = CLICK | {"clicked_at": f"{TODAY}T00:00:00.000Z"}
    assert count_clicks([{"click_id": "x"}, good, good, {}]) == Batch(
        packed=1,
        strange=(
            NotCounted("x", "its clicked_at is not a text"),
            NotCounted("None", "its click_id is not a text"),
        ),
    )
    assert StatisticsItem.count(f"clicks#{TODAY}") == 1


def test_a_batch_over_midnight_is_a_pack_for_each_hour() -> None:
    come(YESTERDAY, 1)
    before = CLICK | {"clicked_at": f"{YESTERDAY}T23:59:59.999Z"}
    after = CLICK | {"click_id": "clk_after", "clicked_at": f"{TODAY}T00:00:00.000Z"}
    count_clicks([after, before])
    assert StatisticsItem.count(f"clicks#{YESTERDAY}") == 2
    assert StatisticsItem.count(f"clicks#{TODAY}") == 1
