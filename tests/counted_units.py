"""Counts what the SDK asks of DynamoDB: calls, and the units they cost by the documented sizes.

1 KB of a written item is a unit, two within a transaction; 4 KB of an item read is a unit, half
without consistency. What the indexes of a table take is counted apart, at the plain price.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from tests.aws_tables import TABLES

KB = 1024


@dataclass
class Counted:
    """Calls by operation, write units of tables and of their indexes, and read units."""

    calls: Counter[str] = field(default_factory=Counter)
    table_units: int = 0
    index_units: int = 0
    read_units: float = 0

    def per(self, number: int) -> dict[str, Any]:
        """Everything divided by the number of facts."""
        return {
            "calls": sum(self.calls.values()) / number,
            "write_units": self.table_units / number,
            "index_write_units": self.index_units / number,
            "read_units": self.read_units / number,
            "by_operation": {name: each / number for name, each in sorted(self.calls.items())},
        }


@contextmanager
def counting() -> Iterator[Counted]:
    """Counts what every SDK client does while it lasts."""
    counted, real = Counted(), BaseClient._make_api_call

    def call(client: Any, operation: str, request: dict[str, Any]) -> Any:
        counted.calls[operation] += 1
        writes = list(written(operation, request))
        before = [stored(client, *write) for write in writes]
        answer = real(client, operation, request)
        counted.read_units += read_units(operation, request, answer)
        factor = 2 if operation == "TransactWriteItems" else 1
        for (table, key), was in zip(writes, before, strict=True):
            now = stored(client, table, key)
            counted.table_units += factor * write_units(max(size(was), size(now)))
            counted.index_units += sum(index_units(table, was, now))
        return answer

    def stored(client: Any, table: str, key: dict[str, Any]) -> dict[str, Any]:
        request = {"TableName": table, "Key": key, "ConsistentRead": True}
        item: dict[str, Any] = real(client, "GetItem", request).get("Item", {})
        return item

    with patch.object(BaseClient, "_make_api_call", call):
        yield counted


# ---- writing


def written(operation: str, request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The table and the key of each item a call writes or only checks: both cost the same."""
    operations = [request] if operation in {"PutItem", "UpdateItem"} else []
    for each in request.get("TransactItems", ()):
        operations += each.values()
    for each in operations:
        names = TABLES[each["TableName"]][0]
        source = each["Item"] if "Item" in each else each["Key"]
        yield each["TableName"], {name: source[name] for name in names}


def index_units(table: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[int]:
    """The units each index of a table takes to follow one item."""
    keys, indexes = TABLES[table]
    for _, partition, sort, projection in indexes:
        own = {*keys, partition, sort}
        before, after = (
            {name: value for name, value in item.items() if projection == "ALL" or name in own}
            if {partition, sort} <= item.keys()
            else {}
            for item in (was, now)
        )
        moved = any(before.get(name) != after.get(name) for name in own)
        if before != after:
            # An entry whose key changes is deleted at its old place and put at its new one.
            pieces = [size(before), size(after)] if moved else [max(size(before), size(after))]
            yield sum(write_units(each) for each in pieces if each)


def write_units(size_bytes: int) -> int:
    """Write units of a size; even nothing takes one."""
    return max(1, math.ceil(size_bytes / KB))


# ---- reading


def read_units(operation: str, request: dict[str, Any], answer: dict[str, Any]) -> float:
    """What a call reads: each item got is rounded up by itself, a query as a whole."""
    if operation == "GetItem":
        return _read(size(answer.get("Item", {})), request)
    if operation == "BatchGetItem":
        return sum(
            sum(_read(size(item), wanted) for item in answer["Responses"].get(table, ()))
            + _read(0, wanted) * (len(wanted["Keys"]) - len(answer["Responses"].get(table, ())))
            for table, wanted in request["RequestItems"].items()
        )
    if operation in {"Query", "Scan"}:
        return _read(sum(size(item) for item in answer["Items"]), request)
    return 0


def _read(size_bytes: int, request: Mapping[str, Any]) -> float:
    return max(1, math.ceil(size_bytes / (4 * KB))) / (1 if request.get("ConsistentRead") else 2)


# ---- sizes, as the DynamoDB developer guide counts them


def size(item: Mapping[str, Any]) -> int:
    """The bytes of an item: its attributes' names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """The bytes of one value in DynamoDB's form."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + value_size(each) for each in content)
    if kind == "N":
        return 1 + math.ceil(len(content.strip("-").rstrip("0")) / 2)
    if kind == "B":
        return len(content)
    return len(content.encode()) if kind == "S" else 1
