"""Tables in memory: items by their keys, the indexes on them, and what an item may be."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.expressions import InvalidError, Item, UnsupportedError

ITEM_BYTES_MAX = 400 * 1024
KEY_BYTES_MAX = 1024
DIGITS_MAX = 38

type Key = tuple[str, str]


@dataclass(frozen=True)
class Index:
    """A global secondary index: an entry is (sort value, table key), sorted within a partition."""

    name: str
    partition: str
    sort: str
    whole: bool
    entries: dict[str, list[tuple[str, Key]]] = field(default_factory=dict)


class Table:
    """One table: items by partition and sort key ("" in a table without one)."""

    def __init__(self, name: str, keys: tuple[str, ...], indexes: tuple[Any, ...]) -> None:
        self.name, self.keys = name, keys
        self.partitions: dict[str, dict[str, Item]] = {}
        self.sizes: dict[Key, int] = {}
        self._sorted: list[Key] | None = None
        self.indexes = {
            index: Index(index, partition, sort, projection == "ALL")
            for index, partition, sort, projection in indexes
        }
        self.key_names = {*keys, *(n for i in self.indexes.values() for n in (i.partition, i.sort))}

    def find(self, key: Key) -> Item | None:
        return self.partitions.get(key[0], {}).get(key[1])

    def store(self, key: Key, item: Item | None, size: int = 0) -> None:
        """Puts an item in place of what was there, in the table and its indexes; None deletes."""
        before = self.find(key)
        self.sizes[key], self._sorted = size, None
        if item is not None:
            self.partitions.setdefault(key[0], {})[key[1]] = item
        elif before is not None:
            del self.partitions[key[0]][key[1]]
        for index in self.indexes.values():
            was, becomes = _entry(index, before), _entry(index, item)
            if was == becomes:
                continue
            if was:
                entries = index.entries[was[0]]
                del entries[bisect_left(entries, (was[1], key))]
            if becomes:
                insort(index.entries.setdefault(becomes[0], []), (becomes[1], key))

    def sorted_keys(self) -> list[Key]:
        """Every key, sorted once for all the pages of a scan."""
        if self._sorted is None:
            self._sorted = sorted((p, s) for p, items in self.partitions.items() for s in items)
        return self._sorted

    def items(self) -> Iterator[Item]:
        """Every item, in no order that means anything."""
        for partition in self.partitions.values():
            yield from partition.values()

    def clear(self) -> None:
        """Empties the table."""
        self.partitions.clear()
        self._sorted = None
        for index in self.indexes.values():
            index.entries.clear()

    def key_of(self, given: Mapping[str, Any]) -> Key:
        """The key in a Key argument, which must be just that."""
        if set(given) != set(self.keys):
            raise InvalidError("The provided key element does not match the schema")
        return self.key_in(given)

    def key_in(self, item: Mapping[str, Any]) -> Key:
        """The key of an item; raises InvalidError if it is not whole, or empty."""
        for name in self.keys:
            check_key(name, item.get(name))
        sort = item[self.keys[1]]["S"] if len(self.keys) > 1 else ""
        return item[self.keys[0]]["S"], sort


def _entry(index: Index, item: Item | None) -> tuple[str, str] | None:
    if item is None or index.partition not in item or index.sort not in item:
        return None
    return item[index.partition]["S"], item[index.sort]["S"]


def check_key(name: str, value: Any) -> None:
    if value is None:
        raise InvalidError(f"One of the required keys was not given a value: {name}")
    if set(value) != {"S"}:
        raise InvalidError(f"Type mismatch for key {name} expected: S actual: {value}")
    if not value["S"]:
        raise InvalidError(f"A key attribute cannot contain an empty string value. Key: {name}")
    if len(value["S"].encode()) > KEY_BYTES_MAX:
        raise InvalidError(f"The key {name} is longer than {KEY_BYTES_MAX} bytes")


# ---- items


def check_item(table: Table, item: Item, size: int) -> None:
    """Raises InvalidError for an item that is too large or has keys that cannot be any."""
    for name in table.key_names:
        if name in item:
            check_key(name, item[name])
    if size > ITEM_BYTES_MAX:
        raise InvalidError("Item size has exceeded the maximum allowed size")


def size_of(item: Item) -> int:
    """DynamoDB's size of an item, bytes: the names and the values; refuses what cannot be one."""
    size = 0
    for name, value in item.items():
        size += _text_bytes(name) + _bytes_of(value)
    return size


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _bytes_of(value: Any) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _text_bytes(content)
    if kind == "N":
        digits = content.removeprefix("-")
        if not digits.isdecimal() or (digits[0] == "0" and content != "0"):
            raise UnsupportedError(f"the number {content!r}, which is not written as an int")
        if len(digits) > DIGITS_MAX:
            raise InvalidError("Attempting to store more than 38 significant digits")
        return len(content) // 2 + 2
    if kind == "B":
        return len(content)
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "M":
        return 3 + size_of(content) + len(content)
    if kind == "L":
        return 3 + len(content) + sum(map(_bytes_of, content))
    raise UnsupportedError(f"the type {kind}")
