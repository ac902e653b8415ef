"""The one clock, and the one way times and dates are written."""

import math
from datetime import UTC, date, datetime, timedelta


def now() -> datetime:
    """The current time, UTC, to the millisecond (what is stored is what was decided on)."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def text(moment: datetime) -> str:
    """RFC 3339 UTC with milliseconds, so that strings sort as times."""
    # A click is written with this, and `strftime` takes ten times as long.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def instant(value: str) -> datetime:
    """The moment an RFC 3339 text names; raises ValueError without a time zone."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone, for example 2026-11-21T09:12:00Z")
    return moment.astimezone(UTC)


def day(moment: datetime) -> date:
    """The UTC calendar date of a moment."""
    return moment.astimezone(UTC).date()


def day_left_s(moment: datetime) -> int:
    """In how many whole seconds the next UTC day has begun, at least one."""
    begun = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((days_later(begun, 1) - moment).total_seconds())


def days_later(moment: datetime, days: int) -> datetime:
    """The moment a whole number of 24-hour days later."""
    return moment + timedelta(days=days)


CLOCKS_APART = timedelta(seconds=300)
"""How much earlier a vendor's clock may say that something happened than ours says."""
