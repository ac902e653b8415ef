"""Answers of the API: JSON that nobody caches, and every error as problem+json."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from linkage.edge.http import HEADERS
from linkage.tables.pages import Listed


def answer(status: int, body: object, *, replayed: bool = False) -> Response[str]:
    """A JSON answer; a replay says so in `Idempotent-Replayed`."""
    headers = dict(HEADERS)
    if replayed:
        headers["idempotent-replayed"] = "true"
    return Response(status, "application/json", json.dumps(body), headers)


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
    """The fields every list has: `data`, `has_more` and `next_cursor`."""
    return {
        "data": [view(each) for each in page.data],
        "has_more": page.next_cursor is not None,
        "next_cursor": page.next_cursor,
    }
