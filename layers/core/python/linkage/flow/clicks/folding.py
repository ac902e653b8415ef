"""Folding: the packs of a day become its counts, which are billed once nothing can be missing.

A day is folded as soon as it is over, again when packs have come since, and closed two days later:
the stream of clicks forgets after 24 hours, so nothing comes by then. Where a repair brings packs
after that, the day is folded and billed again, which adds what was missing and changes no bill.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from linkage.domain import clock
from linkage.domain.clicks.statistics import OPEN_DAYS, fold
from linkage.domain.conversions.conversions import Conversion
from linkage.flow.clicks.billing import Billed, DayNotBilledError, bill_day
from linkage.tables.statistics import (
    DayState,
    find_days,
    find_packs,
    packs_fingerprint,
    put_counts,
    put_day,
)

CLOSED_AFTER_DAYS = 2
_HOUR_OF_LOOK = 3
"""Days folded before are looked at by the tick of 3 UTC: to look is to read every pack."""


@dataclass(frozen=True)
class FoldedDay:
    """What one fold did for a day; `error` says why its counts are not what its packs say.

    `changed_after_close` if it was closed already, from other packs than it has now.
    """

    day: date
    closed: bool
    changed_after_close: bool = False
    billed: Billed | None = None
    error: Exception | None = None

    @property
    def held(self) -> tuple[Conversion, ...]:
        """What was billed now to vendors whose confirmations are held."""
        billed = self.error if isinstance(self.error, DayNotBilledError) else self.billed
        return billed.held if billed else ()


def fold_open_days(moment: datetime) -> Iterator[FoldedDay]:
    """Folds the whole days that are not closed, oldest first, and closes those that are due.

    Once a day those folded before are looked at too, and folded again if their packs have changed
    since; a closed one is yielded only then. A day that fails is reported and passed over, so that
    it cannot hold up the others.
    """
    today = clock.day(moment)
    first, last = today - timedelta(days=OPEN_DAYS), today - timedelta(days=1)
    states = find_days(first, last)
    for back in range(OPEN_DAYS, 0, -1):
        day = today - timedelta(days=back)
        state = states.get(day)
        is_closed = state is not None and state.is_closed
        due = not is_closed and _is_complete(day, moment)
        if state is None or due or moment.hour == _HOUR_OF_LOOK:
            folded = _folded(day, state, moment)
            if folded:
                yield folded
        elif not is_closed:
            yield FoldedDay(day, closed=False)


def _is_complete(day: date, moment: datetime) -> bool:
    """Whether the stream has no click of the day left to bring."""
    return clock.day(moment) - day >= timedelta(days=CLOSED_AFTER_DAYS)


def _folded(day: date, state: DayState | None, moment: datetime) -> FoldedDay | None:
    """What came of the day, None if it is closed and has the packs it was closed with."""
    was_closed = state is not None and state.is_closed
    try:
        if state and was_closed and packs_fingerprint(day, latest=False) == state.packs:
            return None
        return replace(fold_day(day, state, moment), changed_after_close=was_closed)
    except Exception as error:  # noqa: BLE001, one of many
        return FoldedDay(day, was_closed, changed_after_close=was_closed, error=error)


def fold_day(
    day: date, state: DayState | None, moment: datetime, *, bill: bool = True
) -> FoldedDay:
    """Folds one day whose state is known, None if it has none; bills and closes it if it is due.

    Repeating changes nothing, and closes a closed day again; without `bill` only counts are
    written. Raises what billing raises, and UnreadablePackError.
    """
    due = bill and _is_complete(day, moment)
    # What is billed must be what is counted, to the last pack.
    packs = packs_fingerprint(day, latest=due)
    unchanged = state is not None and state.packs == packs
    if unchanged and not due:
        return FoldedDay(day, closed=False)
    folded = fold(find_packs(day))
    if not unchanged:
        for scope, counts in sorted(folded.counts.items()):
            put_counts(scope, day, counts)
        put_day(day, DayState("folded", packs))
    if not due:
        return FoldedDay(day, closed=False)
    billed = bill_day(day, folded.links)
    put_day(day, DayState("closed", packs))
    return FoldedDay(day, closed=True, billed=billed)


def fold_again(day: date, moment: datetime, *, bill: bool = True) -> FoldedDay:
    """Folds one day by hand, whatever its state; raises what `fold_day` raises."""
    return fold_day(day, find_days(day, day).get(day), moment, bill=bill)


def oldest_open_age_s(days: Iterable[FoldedDay], moment: datetime) -> int:
    """How long ago the oldest day that is still open was over; 0 if none is."""
    ends = (
        datetime.combine(each.day + timedelta(days=1), time(), UTC)
        for each in days
        if not each.closed
    )
    return max((int((moment - end).total_seconds()) for end in ends), default=0)
