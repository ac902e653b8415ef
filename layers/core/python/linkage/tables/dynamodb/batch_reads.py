"""Reading together: items of any tables by one call as they were last written.

A table's module says what it wants as a Reading: the places of items, and what it makes of those
that exist. Whoever needs several gathers them together, so that it costs one call and not many.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any, cast

from botocore.exceptions import ClientError

from linkage.tables.dynamodb.transactions import ATTEMPTS_MAX, attempts, client, is_transient

BATCH_MAX = 100
"""So many items DynamoDB reads by one BatchGetItem."""

type Place = tuple[str, tuple[tuple[str, str], ...]]
"""A table, and the key of one of its items: each attribute with its text."""

type Wire = dict[str, Any]
"""An item in DynamoDB's form."""

type Found = Mapping[Place, Wire]
"""The items that exist, by their places."""


@dataclass(frozen=True)
class Reading[T]:
    """The places of some items, and what becomes of them once they are gathered."""

    places: tuple[Place, ...]
    of: Callable[[Found], T]


NOTHING: Reading[None] = Reading((), lambda _: None)
"""What nobody asked for: it is not read, and it is None."""


def place(table: str, **key: str) -> Place:
    """The place of one item of a table."""
    return table, tuple(key.items())


def reading_one[T](at: Place, become: Callable[[Wire], T]) -> Reading[T | None]:
    """One item, as `become` makes it; None if there is none."""
    return Reading((at,), lambda found: become(found[at]) if at in found else None)


def reading_each[K, T](readings: Mapping[K, Reading[T]]) -> Reading[dict[K, T]]:
    """Several readings as one, each under its own name."""
    return Reading(
        tuple(at for reading in readings.values() for at in reading.places),
        lambda found: {name: reading.of(found) for name, reading in readings.items()},
    )


def read[T](reading: Reading[T]) -> T:
    """A reading gathered by itself."""
    return reading.of(gather(reading))


def gather(*readings: Reading[Any]) -> Found:
    """The items of all readings that exist, as last written, by one call for each hundred.

    An item wanted twice is read once. Raises the ClientError that DynamoDB answers.
    """
    wanted = dict.fromkeys(at for reading in readings for at in reading.places)
    found: dict[Place, Wire] = {}
    for some in batched(wanted, BATCH_MAX, strict=False):
        found |= _read(some)
    return found


def _read(places: Iterable[Place]) -> dict[Place, Wire]:
    """What DynamoDB leaves unprocessed is asked for again as often as a write is tried again."""
    left, names = _request(places), {table: [name for name, _ in key] for table, key in places}
    found: dict[Place, Wire] = {}
    for attempt in attempts():
        try:
            answer = client.batch_get_item(RequestItems=cast("Any", left))
        except ClientError as error:
            if attempt == ATTEMPTS_MAX or not is_transient(error):
                raise
            continue
        for table, items in answer["Responses"].items():
            for item in cast("list[Wire]", items):
                key = tuple((name, item[name]["S"]) for name in names[table])
                found[table, key] = item
        left = cast("dict[str, Any]", answer.get("UnprocessedKeys"))
        if not left:
            return found
    raise _unprocessed(left)


def _request(places: Iterable[Place]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for table, key in places:
        of_table = request.setdefault(table, {"Keys": [], "ConsistentRead": True})
        of_table["Keys"].append({name: {"S": text} for name, text in key})
    return request


def _unprocessed(left: Mapping[str, Any]) -> ClientError:
    """DynamoDB answers no error for some items of a batch; for one alone it would be this one."""
    said = f"{sum(len(each['Keys']) for each in left.values())} items were never read"
    return ClientError(
        {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": said}},
        "BatchGetItem",
    )


class Kept[K: Hashable, T]:
    """What never changes once it is written, kept by a warm function; the oldest goes first."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._values: dict[K, T] = {}

    def reading(self, name: K, at: Place, become: Callable[[Wire | None], T]) -> Reading[T]:
        """The value of this name: kept already, or else to be made of the item at that place."""
        if name in self._values:
            kept = self._values[name]
            return Reading((), lambda _: kept)
        return Reading((at,), lambda found: self._keep(name, become(found.get(at))))

    def _keep(self, name: K, value: T) -> T:
        while len(self._values) >= self._count_max:
            self._values.pop(next(iter(self._values)))
        self._values[name] = value
        return value

    def clear(self) -> None:
        """Forgets everything."""
        self._values.clear()
