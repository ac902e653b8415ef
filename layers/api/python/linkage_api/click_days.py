"""A scope's counts day by day: as they were folded, or folded now from the packs of open days."""

from collections.abc import Mapping
from datetime import date, timedelta

from linkage.statistics import OPEN_DAYS, Counts, fold
from linkage.tables.statistics import DayState, find_counts, find_days, find_packs


def states_of_days(today: date) -> dict[date, DayState]:
    """How far the whole days are that may still be without final counts."""
    return find_days(today - timedelta(days=OPEN_DAYS), today - timedelta(days=1))


def complete_until(states: Mapping[date, DayState], today: date) -> date:
    """The first UTC day whose counts may still change."""
    days = (today - timedelta(days=back) for back in range(OPEN_DAYS, 0, -1))
    return next((day for day in days if day not in states or not states[day].is_closed), today)


def counts_of_days(
    scope: str, first: date, last: date, states: Mapping[date, DayState], today: date
) -> dict[date, Counts]:
    """The scope's counts of each UTC day from first to last, in order."""
    stored = find_counts(scope, first, last)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {
        day: stored.get(day, Counts())
        if day in states or not _may_be_open(day, today)
        else _live(scope, day)
        for day in days
    }


def _may_be_open(day: date, today: date) -> bool:
    return timedelta(0) <= today - day <= timedelta(days=OPEN_DAYS)


def _live(scope: str, day: date) -> Counts:
    return fold(find_packs(day, latest=False), scope).counts.get(scope, Counts())
