"""Lists a page at a time: their limits, and how a page says where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from linkage.domain.errors import InvalidFieldError
from linkage.domain.json_text import json_text

LIMIT_DEFAULT, LIMIT_MAX = 50, 100


@dataclass(frozen=True)
class Listed[T]:
    """One page of a list; `next_cursor` is None on the last.

    `cursor_after` gives the cursor behind one of the items, by its place, so that whoever shows
    the page can end it there; a list that is always short has none.
    """

    data: list[T]
    next_cursor: str | None
    cursor_after: Callable[[int], str] | None = None


def wrong_cursor() -> InvalidFieldError:
    """The answer to a cursor that a list never gave out."""
    return InvalidFieldError("/cursor", "Use next_cursor of the list's last answer, unchanged.")


def fitting[T](items: Sequence[T], most_bytes: int) -> Sequence[T]:
    """The first items that as JSON are together no larger, but at least one if there is any."""
    size = 0
    for place, item in enumerate(items):
        size += len(json_text(item).encode()) + len(", ")
        if size > most_bytes and place:
            return items[:place]
    return items
