"""DynamoDB's documented limits, and whether operations keep within them.

Where its documentation leaves a doubt about what counts, everything counts. Nothing is read: of an
item that is updated only what is written to it is measured.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linkage.domain.errors import NotPostableError

TRANSACTION_ITEMS_MAX, TRANSACTION_BYTES_MAX = 100, 4 * 1024 * 1024
ITEM_BYTES_MAX = 400 * 1024
EXPRESSION_BYTES_MAX, OPERATORS_MAX = 4096, 300
PLACEHOLDER_BYTES_MAX, PLACEHOLDERS_BYTES_MAX = 255, 2 * 1024 * 1024
PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX = 2048, 1024
DIGITS_MAX, LEVELS_MAX = 38, 32

PARTITION_KEYS = frozenset(
    {
        *("conversion_id", "tally", "customer_key", "unposted", "awaiting", "held", "open"),
        *("vendor_id", "affiliate_id", "operators_word"),
    }
)
SORT_KEYS = frozenset(
    {"fact", "accepted_at", "confirm_at", "held_at", "reported_at", "account", "line"}
)
"""What the facts, tallies, customers and entries are found by, in a table or an index of one."""

type Operation = Mapping[str, Any]

_OPERATORS = re.compile(r"[-=<>+,(]|\b(?:AND|OR|NOT|BETWEEN|IN|SET|ADD|REMOVE|DELETE)\b")


def require_within(operations: Sequence[Operation]) -> None:
    """Raises NotPostableError if DynamoDB would not write these operations as one transaction."""
    what = exceeded(operations)
    if what:
        raise NotPostableError(what)


def exceeded(operations: Sequence[Operation]) -> str | None:
    """The first limit the operations exceed as one transaction, in words; None if there is none."""
    return next(_exceeded(operations), None)


def is_expression(text: str) -> bool:
    """Whether DynamoDB takes a text of this length, with so many operators, for an expression."""
    return next(_beyond_expression(text), None) is None


def _exceeded(operations: Sequence[Operation]) -> Iterator[str]:
    yield from _beyond(TRANSACTION_ITEMS_MAX, len(operations), "items in one transaction")
    total = 0
    for operation in operations:
        ((_, body),) = operation.items()
        item = body.get("Item") or body["Key"]
        values = body.get("ExpressionAttributeValues", {})
        size = _item_bytes(item)
        yield from _beyond_keys(item)
        yield from _beyond_expressions(body, values)
        yield from _beyond_numbers(item | values)
        if "UpdateExpression" in body:
            size += _item_bytes(values)
        yield from _beyond(ITEM_BYTES_MAX, size, "bytes in one item")
        yield from _beyond(LEVELS_MAX, _levels(item | values), "levels in one item")
        total += size
    yield from _beyond(TRANSACTION_BYTES_MAX, total, "bytes in one transaction")


def _beyond(most: int, count: int, what: str) -> Iterator[str]:
    if count > most:
        yield f"{count:,} {what}, of which the database takes {most:,}"


def _beyond_keys(item: Mapping[str, Any]) -> Iterator[str]:
    for name, value in item.items():
        most = SORT_KEY_BYTES_MAX if name in SORT_KEYS else PARTITION_KEY_BYTES_MAX
        if name in SORT_KEYS or name in PARTITION_KEYS:
            yield from _beyond(most, len(value["S"].encode()), f"bytes in the key {name}")


def _beyond_expressions(body: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    names: Mapping[str, str] = body.get("ExpressionAttributeNames", {})
    for kind in ("UpdateExpression", "ConditionExpression"):
        yield from _beyond_expression(body.get(kind, ""))
    for placeholder in (*names, *values):
        size = len(placeholder.encode())
        yield from _beyond(PLACEHOLDER_BYTES_MAX, size, "bytes in the name of a value")
    size = sum(len(each.encode()) for each in (*names, *names.values())) + _item_bytes(values)
    yield from _beyond(PLACEHOLDERS_BYTES_MAX, size, "bytes in an expression's values")


def _beyond_expression(text: str) -> Iterator[str]:
    yield from _beyond(EXPRESSION_BYTES_MAX, len(text.encode()), "bytes in one expression")
    operators = len(_OPERATORS.findall(text))
    yield from _beyond(OPERATORS_MAX, operators, "operators in one expression")


def _beyond_numbers(item: Mapping[str, Any]) -> Iterator[str]:
    for number in _numbers({"M": item}):
        digits = len(number.lstrip("-"))
        yield from _beyond(DIGITS_MAX, digits, "digits in one number")


def _item_bytes(item: Mapping[str, Any]) -> int:
    """DynamoDB's size of an item: its names and values, and a little for what holds others."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + len(content) + _item_bytes(content)
    if kind == "L":
        return 3 + len(content) + sum(map(_value_bytes, content))
    if kind in {"S", "N"}:
        return len(content.encode())
    if kind in {"SS", "NS", "BS"}:
        return 3 + sum(map(len, content))
    return len(content) if kind == "B" else 1


def _levels(item: Mapping[str, Any]) -> int:
    """How deep an item's values go; its own attributes are the first level."""
    return 1 + max((_deeper(value) for value in item.values()), default=0)


def _deeper(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return _levels(content)
    if kind == "L":
        return 1 + max(map(_deeper, content), default=0)
    return 0


def _numbers(value: Mapping[str, Any]) -> Iterator[str]:
    ((kind, content),) = value.items()
    if kind == "N":
        yield content
    elif kind in {"M", "L"}:
        for inner in content.values() if kind == "M" else content:
            yield from _numbers(inner)
