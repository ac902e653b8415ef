"""The statistics table: packs of clicks, a day's counts by scope, and which days are done.

| of | at | holds |
|---|---|---|
| `clicks#2026-11-22` | `05#<name of the pack>` | the pack's rows; gone after 40 days |
| `link#…`, `program#…`, `affiliate#…`, `vendor#…`, `network` | `2026-11-22` | the day's counts |
| `days` | `2026-11-22` | `folded`, or `closed` for good, and from which packs |
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.domain import clock, ids
from linkage.domain.clicks.click_packs import Pack
from linkage.domain.clicks.statistics import HOURS, MEASURES, PACK_KEEP_DAYS, Counts
from linkage.domain.errors import ConditionFailedError
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta

_DAYS = "days"
_FOLDED, _CLOSED = "folded", "closed"


class StatisticsItem(Model):
    """A pack, a scope's day or the state of a day, as stored."""

    class Meta(TableMeta):
        table_name = os.environ["STATISTICS_TABLE"]

    of = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)
    rows = BinaryAttribute(legacy_encoding=False, null=True)
    clicks = NumberAttribute(null=True)
    expires_epoch_s = NumberAttribute(null=True)
    seen = NumberAttribute(null=True)
    counts = NestedAttribute(null=True)
    status = UnicodeAttribute(null=True)
    packs = UnicodeAttribute(null=True)


_TABLE = StatisticsItem.Meta.table_name


class DayState(NamedTuple):
    """How far a day's counts are: `folded` or `closed`, from the packs of this fingerprint."""

    status: str
    packs: str

    @property
    def is_closed(self) -> bool:
        """Whether the day's counts are settled."""
        return self.status == _CLOSED


def put_pack(pack: Pack, moment: datetime) -> None:
    """Stores a pack for 40 days; the same pack again is the same item."""
    expires = clock.days_later(moment, PACK_KEEP_DAYS)
    item = StatisticsItem(
        of=f"clicks#{pack.hour[:10]}",
        at=f"{pack.hour[11:]}#{pack.name}",
        rows=pack.rows,
        clicks=pack.clicks,
        expires_epoch_s=int(expires.timestamp()),
    )
    transactions.write([{"Put": {"TableName": _TABLE, "Item": item.serialize()}}])


def find_packs(day: date, *, latest: bool = True) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The packs of each hour of a UTC day that has any, in order, as `fold` takes them.

    Without `latest`, at half the price, those of the last second may be missing.
    """
    items = StatisticsItem.query(f"clicks#{day}", consistent_read=latest)
    for hour, of_hour in groupby(items, key=lambda item: item.at[:2]):
        yield int(hour), (bytes(item.rows or b"") for item in of_hour)


def packs_fingerprint(day: date, *, latest: bool) -> str:
    """The fingerprint of which packs a UTC day has: another one when a pack has come since.

    Without `latest`, at half the price, those of the last second may be missing.
    """
    names = StatisticsItem.query(
        f"clicks#{day}", consistent_read=latest, attributes_to_get=["of", "at"]
    )
    return ids.digest(*(item.at for item in names))


def put_counts(scope: str, day: date, counts: Counts) -> None:
    """Stores a scope's counts of a day, unless more is counted there already."""
    count = transactions.update(
        _TABLE,
        {"of": scope, "at": str(day)},
        "SET seen = :seen, #counts = :counts",
        condition="attribute_not_exists(seen) OR seen <= :seen",
        values={
            ":seen": counts.seen,
            ":counts": StatisticsItem.counts.serialize(as_stored(counts)),
        },
        names={"#counts": "counts"},
    )
    try:
        transactions.write([count])
    except ConditionFailedError:
        return  # a fold of more packs was faster


def find_counts(scope: str, first: date, last: date) -> dict[date, Counts]:
    """A scope's stored counts of the days from first to last; a day without any is left out."""
    return {
        date.fromisoformat(item.at): _counts(item.counts) for item in _between(scope, first, last)
    }


def put_day(day: date, state: DayState) -> None:
    """Says how far a day's counts are; a day that is closed stays closed."""
    before = (_FOLDED, _CLOSED) if state.is_closed else (_FOLDED,)
    known = {f":was_{status}": status for status in before}
    mark = transactions.update(
        _TABLE,
        {"of": _DAYS, "at": str(day)},
        "SET #status = :status, packs = :packs",
        condition=" OR ".join(
            ["attribute_not_exists(#status)", *(f"#status = {name}" for name in known)]
        ),
        values={":status": state.status, ":packs": state.packs, **known},
        names={"#status": "status"},
    )
    try:
        transactions.write([mark])
    except ConditionFailedError:
        return  # another fold has closed it meanwhile


def find_days(first: date, last: date) -> dict[date, DayState]:
    """How far the days from first to last are; one that was never folded is left out."""
    return {
        date.fromisoformat(item.at): DayState(item.status, item.packs)
        for item in _between(_DAYS, first, last)
    }


def _between(of: str, first: date, last: date) -> Iterator[StatisticsItem]:
    between = StatisticsItem.at.between(str(first), str(last))
    return iter(StatisticsItem.query(of, between, consistent_read=True))


def as_stored(counts: Counts) -> dict[str, Any]:
    """The counts without their zeros; the totals are for whoever looks at the item."""
    hours = {
        measure: {f"{hour:02d}": number for hour, number in enumerate(numbers) if number}
        for measure, numbers in counts.hours.items()
    }
    return {
        "total": {measure: counts.total(measure) for measure in MEASURES if hours[measure]},
        "hours": {measure: numbers for measure, numbers in hours.items() if numbers},
        "devices": counts.devices,
        "countries": counts.countries,
        "subs": counts.subs,
    }


def _counts(stored: dict[str, Any]) -> Counts:
    return Counts(
        hours={
            measure: [stored["hours"].get(measure, {}).get(f"{h:02d}", 0) for h in range(HOURS)]
            for measure in MEASURES
        },
        devices=Counter(stored["devices"]),
        countries=Counter(stored["countries"]),
        subs=Counter(stored["subs"]),
    )
