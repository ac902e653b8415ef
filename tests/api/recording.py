"""Calls of record_conversion's handler, as API Gateway makes them, by the same keys."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from tests.api.client import CONTEXT, Answer, Client
from tests.handlers import load_handler


@cache
def _handler() -> Callable[[dict[str, Any], object], dict[str, Any]]:
    return load_handler("record_conversion").handler


def record(client: Client, route: str, body: object = None, **path: str) -> Answer:
    """One POST to a route as `/v1/conversions/{conversion_id}/confirmation` by a client's key."""
    event = {
        "routeKey": f"POST {route}",
        "rawPath": route.format(**path),
        "headers": {"authorization": f"Bearer {client.secret}"},
        "pathParameters": path,
        "body": None if body is None else json.dumps(body),
    }
    answer = _handler()(event, CONTEXT)
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, json.loads(answer["body"]))
