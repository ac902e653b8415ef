"""Answers of the API: JSON that nobody caches, and every error as problem+json."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from linkage.domain.json_text import json_text
from linkage.domain.lists import Listed, fitting
from linkage.edge.http import HEADERS

PAGE_BYTES_MAX = 900_000
"""Of the items of a list; with all that is around them an answer stays below a megabyte."""


def answer(status: int, body: object, *, replayed: bool = False) -> Response[str]:
    """A JSON answer; a replay says so in `Idempotent-Replayed`."""
    headers = dict(HEADERS)
    if replayed:
        headers["idempotent-replayed"] = "true"
    return Response(status, "application/json", json_text(body), headers)


def created(body: object, *, replayed: bool = False) -> Response[str]:
    """201 with what was made, or 200 with what the same Idempotency-Key made before."""
    return answer(200 if replayed else 201, body, replayed=replayed)


def made(
    body: Mapping[str, object], warnings: Sequence[str], *, status: int = 201
) -> Response[str]:
    """What was just made, with what its owner should know of it in time, if there is anything."""
    return answer(status, {**body, "warnings": warnings} if warnings else body)


def nothing() -> Response[str]:
    """204: it is done, and there is nothing to say."""
    return Response(204, None, "", dict(HEADERS))


def listed[T](page: Listed[T], view: Callable[[T], dict[str, Any]]) -> Response[str]:
    """One page of a list."""
    return answer(200, page_body(page, view))


def page_body[T](page: Listed[T], view: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """The fields every list has: `data`, `has_more` and `next_cursor`.

    A page that would be too large ends earlier, behind the last item that fits.
    """
    data = fitting([view(each) for each in page.data], PAGE_BYTES_MAX)
    cursor = page.next_cursor
    if len(data) < len(page.data) and page.cursor_after:
        cursor = page.cursor_after(len(data) - 1)
    return {"data": data, "has_more": cursor is not None, "next_cursor": cursor}
