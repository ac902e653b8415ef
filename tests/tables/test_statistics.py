from datetime import UTC, date, datetime

import pytest

from linkage.domain.clicks.click_packs import pack, row_of
from linkage.domain.clicks.statistics import Counts, fold
from linkage.tables.statistics import (
    DayState,
    StatisticsItem,
    find_counts,
    find_days,
    find_packs,
    packs_fingerprint,
    put_counts,
    put_day,
    put_pack,
)
from tests.domain.clicks.test_statistics import CLICK, DAY

pytestmark = pytest.mark.usefixtures("network")

NOW = datetime(2026, 11, 20, 5, 7, tzinfo=UTC)
DATE = date.fromisoformat(DAY)


def click(number: int, hour: int = 5) -> dict[str, object]:
    clicked_at = f"{DAY}T{hour:02d}:06:07.890Z"
    return CLICK | {"click_id": f"clk_{number:032d}", "clicked_at": clicked_at}


def put(*clicks: dict[str, object]) -> None:
    for each in pack(map(row_of, clicks)):
        put_pack(each, NOW)


def test_packs_come_back_by_hour_and_the_same_pack_is_one_item() -> None:
    put(click(1), click(2, hour=0), click(3, hour=23))
    put(click(2, hour=0), click(3, hour=23), click(1))
    put(click(4))
    assert StatisticsItem.count(f"clicks#{DAY}") == 4
    assert [(hour, len(list(packs))) for hour, packs in find_packs(DATE)] == [
        (0, 1),
        (5, 2),
        (23, 1),
    ]
    assert fold(find_packs(DATE)).counts["network"].total("clicks") == 4
    assert list(find_packs(date(2026, 11, 21))) == []


def test_a_pack_expires_after_40_days() -> None:
    put(click(1))
    (item,) = StatisticsItem.query(f"clicks#{DAY}")
    assert item.expires_epoch_s == int(NOW.timestamp()) + 40 * 86_400
    assert item.clicks == 1


def test_the_fingerprint_of_a_days_packs_changes_with_each_new_pack_and_no_other() -> None:
    empty = packs_fingerprint(DATE, latest=True)
    put(click(1))
    one = packs_fingerprint(DATE, latest=True)
    put(click(1))
    assert packs_fingerprint(DATE, latest=True) == one
    put(click(2))
    assert len({empty, one, packs_fingerprint(DATE, latest=True)}) == 3


def test_counts_come_back_as_they_were_stored() -> None:
    put(click(1), click(2, hour=0))
    counts = fold(find_packs(DATE)).counts
    for scope, each in counts.items():
        put_counts(scope, DATE, each)
    for scope, each in counts.items():
        assert find_counts(scope, DATE, DATE) == {DATE: each}
    assert find_counts("network", date(2026, 11, 1), date(2026, 11, 19)) == {}
    put_counts("network", DATE, Counts())
    assert find_counts("network", DATE, DATE) == {DATE: counts["network"]}


def test_a_fold_that_was_slow_does_not_undo_one_of_more_packs() -> None:
    put(click(1))
    less = fold(find_packs(DATE)).counts["network"]
    put(click(2))
    more = fold(find_packs(DATE)).counts["network"]
    for counts in (less, more, less):
        put_counts("network", DATE, counts)
    assert find_counts("network", DATE, DATE)[DATE].total("clicks") == 2


def test_days_say_how_far_they_are() -> None:
    put_day(DATE, DayState("folded", "a"))
    put_day(date(2026, 11, 18), DayState("closed", "b"))
    put_day(DATE, DayState("closed", "c"))
    put_day(DATE, DayState("folded", "of a slower fold"))
    states = find_days(date(2026, 11, 18), DATE)
    assert states == {date(2026, 11, 18): DayState("closed", "b"), DATE: DayState("closed", "c")}
    assert states[DATE].is_closed
