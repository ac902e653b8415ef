"""A scope's counts day by day: as they were folded, or folded now from the packs of open days."""

from collections.abc import Mapping
from datetime import date, timedelta

from linkage.domain.clicks.statistics import OPEN_DAYS, Counts, fold
from linkage.tables.statistics import DayState, find_counts, find_days, find_packs

DAYS_MAX = 92
"""So many days may be asked for at once."""


def states_of_days(today: date) -> dict[date, DayState]:
    """How far the days before today are, as many as may be asked for at once."""
    return find_days(today - timedelta(days=DAYS_MAX), today - timedelta(days=1))


def complete_until(states: Mapping[date, DayState], today: date) -> date:
    """The first UTC day whose counts may still change.

    A day that was never folded, after one that was, is none that is complete, however old it is.
    """
    first = min(states, default=today - timedelta(days=OPEN_DAYS))
    days = (first + timedelta(days=number) for number in range((today - first).days))
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
