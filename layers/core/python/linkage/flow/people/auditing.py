"""Reading the audit: who changed what."""

from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import Record
from linkage.tables.audit import list_records


def records(
    by: Key, limit: int, cursor: str | None, *, subject: str | None, day: str | None
) -> Listed[Record]:
    """The records of one subject, or of one UTC day, newest first; for operators."""
    by.require("operator")
    return list_records(limit, cursor, subject=subject, day=day)
