"""Tables in memory: items by their keys, the indexes on them, and what an item may be."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.expressions import InvalidError, Item, UnsupportedError

ITEM_BYTES_MAX = 400 * 1024
PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX = 2048, 1024
NAME_BYTES_MAX = 64 * 1024 - 1
DIGITS_MAX, LEVELS_MAX = 38, 32

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
        self.key_bytes_max = _key_lengths(
            [keys, *((each.partition, each.sort) for each in self.indexes.values())]
        )

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

    def saved(self) -> dict[Key, Item]:
        """Every item by its key: items are replaced and never changed."""
        return {(p, s): item for p, items in self.partitions.items() for s, item in items.items()}

    def go_back(self, saved: Mapping[Key, Item]) -> None:
        """Makes it hold what it did, touching only what has changed since."""
        now = self.saved()
        for key in now.keys() - saved.keys():
            self.store(key, None)
        for key, item in saved.items():
            if now.get(key) is not item:
                self.store(key, item, size_of(item))

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
            self.check_key(name, item.get(name))
        sort = item[self.keys[1]]["S"] if len(self.keys) > 1 else ""
        return item[self.keys[0]]["S"], sort

    def check_key(self, name: str, value: Any) -> None:
        """Raises InvalidError for what cannot be the value of a key attribute."""
        if value is None:
            raise InvalidError(f"One of the required keys was not given a value: {name}")
        if set(value) != {"S"}:
            raise InvalidError(f"Type mismatch for key {name} expected: S actual: {value}")
        if not value["S"]:
            raise InvalidError(f"A key attribute cannot contain an empty string value. Key: {name}")
        if len(value["S"].encode()) > self.key_bytes_max[name]:
            raise InvalidError(f"The key {name} is longer than {self.key_bytes_max[name]} bytes")


def _entry(index: Index, item: Item | None) -> tuple[str, str] | None:
    if item is None or index.partition not in item or index.sort not in item:
        return None
    return item[index.partition]["S"], item[index.sort]["S"]


def _key_lengths(keys: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """The most bytes each key attribute may have, by where it stands in its table or index."""
    lengths: dict[str, int] = {}
    for names in keys:
        for name, most in zip(names, (PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX), strict=False):
            lengths[name] = min(most, lengths.get(name, most))
    return lengths


# ---- items


def check_item(table: Table, item: Item, size: int) -> None:
    """Raises InvalidError for an item that is too large or has keys that cannot be any."""
    for name in table.key_bytes_max:
        if name in item:
            table.check_key(name, item[name])
    if size > ITEM_BYTES_MAX:
        raise InvalidError("Item size has exceeded the maximum allowed size")


def size_of(item: Item, level: int = 1) -> int:
    """DynamoDB's size of an item, bytes: the names and the values; refuses what cannot be one.

    The attributes of the item itself are its first level of nesting: the strictest reading.
    """
    if level > LEVELS_MAX:
        raise InvalidError(f"Nesting levels have exceeded {LEVELS_MAX}")
    size = 0
    for name, value in item.items():
        size += _name_bytes(name) + _bytes_of(value, level)
    return size


def _name_bytes(name: str) -> int:
    size = _text_bytes(name)
    if size > NAME_BYTES_MAX:
        raise InvalidError("An attribute's name is longer than 64 KB")
    return size


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _bytes_of(value: Any, level: int) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _text_bytes(content)
    if kind == "N":
        return _number_bytes(content)
    if kind == "B":
        return len(content)
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "M":
        return 3 + size_of(content, level + 1) + len(content)
    if kind == "L":
        if level >= LEVELS_MAX:
            raise InvalidError(f"Nesting levels have exceeded {LEVELS_MAX}")
        return 3 + len(content) + sum(_bytes_of(each, level + 1) for each in content)
    raise UnsupportedError(f"the type {kind}")


def _number_bytes(content: str) -> int:
    digits = content.removeprefix("-")
    if not digits.isdecimal() or (digits[0] == "0" and content != "0"):
        raise UnsupportedError(f"the number {content!r}, which is not written as an int")
    if len(digits) > DIGITS_MAX:
        raise InvalidError("Attempting to store more than 38 significant digits")
    return len(content) // 2 + 2
