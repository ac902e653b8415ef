"""Lists a page at a time: bounded queries, and cursors that are opaque to the client."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pynamodb.exceptions import QueryError, ScanError
from pynamodb.models import Model

from linkage.errors import InvalidFieldError

LIMIT_DEFAULT, LIMIT_MAX = 50, 100


@dataclass(frozen=True)
class Listed[T]:
    """One page of a list; `next_cursor` is None on the last."""

    data: list[T]
    next_cursor: str | None


def read_page[M: Model, T](
    find: Callable[..., Iterable[M]],
    as_domain: Callable[[M], T],
    *,
    keys: Sequence[str],
    limit: int,
    cursor: str | None,
) -> Listed[T]:
    """Reads one page through `find(last_evaluated_key=…, page_size=…)`.

    `keys` name the key attributes of the index and of its table.

    Raises InvalidFieldError for a cursor that this list never gave out.
    """
    start = _decoded(cursor, keys) if cursor else None
    try:
        items = list(islice(find(last_evaluated_key=start, page_size=LIMIT_MAX + 1), limit + 1))
    except (QueryError, ScanError) as error:
        if start and error.cause_response_code == "ValidationException":
            raise wrong_cursor() from error
        raise
    shown = items[:limit]
    more = len(items) > limit
    return Listed([as_domain(item) for item in shown], _encoded(shown[-1], keys) if more else None)


def _encoded(item: Model, keys: Sequence[str]) -> str:
    values = [getattr(item, key) for key in keys]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decoded(cursor: str, keys: Sequence[str]) -> dict[str, Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise wrong_cursor() from error
    if (
        not isinstance(values, list)
        or len(values) != len(keys)
        or not all(isinstance(value, str) and value and value.isascii() for value in values)
    ):
        raise wrong_cursor()
    return {key: {"S": value} for key, value in zip(keys, values, strict=True)}


def wrong_cursor() -> InvalidFieldError:
    """The answer to a cursor that a list never gave out."""
    return InvalidFieldError("/cursor", "Use next_cursor of the list's last answer, unchanged.")
