"""The audit table: each record under its subject, and by its UTC day. Nothing writes one over."""

import os
import secrets
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage.domain.lists import Listed
from linkage.domain.people.audit import Record
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.packed import PackedAttribute
from linkage.tables.dynamodb.pages import read_page

_RANDOM_BYTES = 6


class _DayIndex(GlobalSecondaryIndex["AuditItem"]):
    class Meta(TableMeta):
        index_name = "by_day"
        projection = AllProjection()

    day = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)


class AuditItem(Model):
    """A record as stored; two changes of one moment differ in the random end of `at`."""

    class Meta(TableMeta):
        table_name = os.environ["AUDIT_TABLE"]

    subject = UnicodeAttribute(hash_key=True)
    at = UnicodeAttribute(range_key=True)
    day = UnicodeAttribute()
    action = UnicodeAttribute()
    by_key = UnicodeAttribute()
    by_person = UnicodeAttribute(null=True)
    content = PackedAttribute()
    by_day = _DayIndex()


_PACKED = ("before", "after", "why")


def put_record(record: Record) -> dict[str, Any]:
    """The operation that keeps a record, to be written with the change it is of."""
    said = {name: getattr(record, name) for name in _PACKED}
    wire = AuditItem(
        record.subject,
        f"{record.at}#{secrets.token_hex(_RANDOM_BYTES)}",
        day=record.at[:10],
        action=record.action,
        by_key=record.by_key,
        by_person=record.by_person or None,
        content={name: value for name, value in said.items() if value is not None},
    ).serialize()
    return transactions.put_wire(AuditItem.Meta.table_name, wire, "subject")


def list_records(
    limit: int, cursor: str | None, *, subject: str | None = None, day: str | None = None
) -> Listed[Record]:
    """The records of a subject, or of a UTC day (`2026-12-01`), newest first."""
    if subject is not None:
        return read_page(
            lambda **start: AuditItem.query(
                subject, scan_index_forward=False, consistent_read=True, **start
            ),
            _record,
            keys=("subject", "at"),
            limit=limit,
            cursor=cursor,
        )
    return read_page(
        lambda **start: AuditItem.by_day.query(day, scan_index_forward=False, **start),
        _record,
        keys=("day", "at", "subject"),
        limit=limit,
        cursor=cursor,
    )


def _record(item: AuditItem) -> Record:
    return Record(
        subject=item.subject,
        at=item.at.partition("#")[0],
        action=item.action,
        by_key=item.by_key,
        by_person=item.by_person or "",
        **{name: item.content.get(name) for name in _PACKED},
    )
