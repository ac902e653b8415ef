"""Calls of the handlers of every other route, by the same keys."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.api.client import CONTEXT, Answer, Client
from tests.handlers import load_handler

_OWNERS = {
    "/v1/conversions": "record_conversion",
    "/v1/payout-batches/{batch_id}/results": "settle_payouts",
    "/v1/payout-batches": "batch_payouts",
    "/v1/proposals": "decide_proposals",
}
"""By the beginning of a route, the longest first; all others are of record_customer."""


@cache
def _handler(name: str) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    return load_handler(name).handler


def record(
    client: Client,
    route: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    **path: str,
) -> Answer:
    """One POST to a route as `/v1/conversions/{conversion_id}/confirmation` by a client's key."""
    event = {
        "routeKey": f"POST {route}",
        "rawPath": route.format(**path),
        "headers": {"authorization": f"Bearer {client.secret}", **(headers or {})},
        "pathParameters": path,
        "body": None if body is None else json.dumps(body),
    }
    owners = (name for start, name in _OWNERS.items() if route.startswith(start))
    name = next(owners, "record_customer")
    answer = _handler(name)(event, CONTEXT)
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, json.loads(answer["body"]))
