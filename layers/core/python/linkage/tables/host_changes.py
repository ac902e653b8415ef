"""Changes of vendors' hosts that the edge has still to follow: the latest of each vendor.

A change lies in the table of links, beside them, because the stream of that table is what tells the
edge; so it is written with the member itself, and neither is without the other.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from linkage.domain import ids
from linkage.domain.errors import ConditionFailedError
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import Reading, Wire, place, reading_each, reading_one
from linkage.tables.dynamodb.transactions import from_wire

_PREFIX = "hosts#"
_TABLE = os.environ["LINKS_TABLE"]


@dataclass(frozen=True)
class HostsChange:
    """A vendor's latest change; `after` is the last link that followed it, None for none yet.

    `published_at` is when all of them had, None before.
    """

    vendor_id: str
    change: str
    after: str | None = None
    published_at: str | None = None


def vendor_of(code: str) -> str | None:
    """The vendor whose change is kept under this key of the links table; None for a link's code."""
    return code.removeprefix(_PREFIX) if code.startswith(_PREFIX) else None


def begin(vendor_id: str) -> dict[str, Any]:
    """The operation that has all links of a vendor published anew, to be written with its hosts."""
    return transactions.update(
        _TABLE,
        {"code": f"{_PREFIX}{vendor_id}"},
        # A reader of links before there were changes takes it for a link without hosts.
        "SET change = :change, allowed_hosts = :none REMOVE #after, published_at, steps",
        condition="attribute_not_exists(link_id)",
        values={":change": ids.created("chg"), ":none": []},
        names={"#after": "after"},
    )


def go_on(change: HostsChange, after: str | None) -> None:
    """Keeps how far a change was followed, which wakes whoever follows it; lost to a newer one."""
    kept = ", #after = :after" if after else ""
    _write(
        change,
        f"SET steps = if_not_exists(steps, :none) + :one{kept}",
        {":none": 0, ":one": 1, **({":after": after} if after else {})},
        {"#after": "after"} if after else {},
    )


def end(change: HostsChange, at: str) -> None:
    """Keeps when all links had followed a change; lost to a newer one."""
    _write(change, "SET published_at = :at", {":at": at}, {})


def reading_changes(vendor_ids: Iterable[str]) -> Reading[dict[str, HostsChange | None]]:
    """The latest change of each vendor, None of one that has none."""
    return reading_each(
        {each: reading_one(place(_TABLE, code=f"{_PREFIX}{each}"), _change) for each in vendor_ids}
    )


def _change(wire: Wire) -> HostsChange:
    item = from_wire(wire)
    vendor_id = item["code"].removeprefix(_PREFIX)
    return HostsChange(vendor_id, item["change"], item.get("after"), item.get("published_at"))


def _write(
    change: HostsChange, expression: str, values: dict[str, Any], names: dict[str, str]
) -> None:
    with suppress(ConditionFailedError):
        write = transactions.update(
            _TABLE,
            {"code": f"{_PREFIX}{change.vendor_id}"},
            expression,
            condition="change = :change",
            values={":change": change.change, **values},
            names=names,
        )
        transactions.write([write])
