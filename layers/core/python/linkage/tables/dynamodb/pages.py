"""Lists a page at a time: bounded queries, and cursors that are opaque to the client."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from pynamodb.exceptions import QueryError, ScanError
from pynamodb.models import Model

from linkage.domain.lists import LIMIT_MAX, Listed, wrong_cursor

READ_MAX = 1_000
"""So many items are looked at for a page; a filtered list goes on from there with its cursor."""


def read_page[M: Model, T](
    find: Callable[..., Iterable[M]],
    as_domain: Callable[[M], T],
    *,
    keys: Sequence[str],
    limit: int,
    cursor: str | None,
    keep: Callable[[M], bool] = lambda _: True,
) -> Listed[T]:
    """Reads one page through `find(last_evaluated_key=…, page_size=…)` of the items to `keep`.

    At most READ_MAX items are looked at, so a page can be short, or empty, and not be the last.
    `keys` name the key attributes of the index and of its table.

    Raises InvalidFieldError for a cursor that this list never gave out.
    """
    start = _decoded(cursor, keys) if cursor else None
    kept: list[M] = []
    last: M | None = None
    seen = 0
    try:
        for item in islice(find(last_evaluated_key=start, page_size=LIMIT_MAX + 1), READ_MAX):
            seen += 1
            if not keep(item):
                last = item
            elif len(kept) < limit:
                kept.append(item)
                last = item
            else:
                break
        else:
            last = last if seen == READ_MAX else None
    except (QueryError, ScanError) as error:
        if start and error.cause_response_code == "ValidationException":
            raise wrong_cursor() from error
        raise
    return Listed(
        [as_domain(item) for item in kept],
        _encoded(last, keys) if last is not None else None,
        lambda place: _encoded(kept[place], keys),
    )


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
