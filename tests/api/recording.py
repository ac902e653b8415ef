"""Calls of the handlers that take reports and customers, by the same keys."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from tests.api.client import CONTEXT, Answer, Client
from tests.handlers import load_handler


@cache
def _handler(name: str) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    return load_handler(name).handler


def record(client: Client, route: str, body: object = None, **path: str) -> Answer:
    """One POST to a route as `/v1/conversions/{conversion_id}/confirmation` by a client's key."""
    event = {
        "routeKey": f"POST {route}",
        "rawPath": route.format(**path),
        "headers": {"authorization": f"Bearer {client.secret}"},
        "pathParameters": path,
        "body": None if body is None else json.dumps(body),
    }
    name = "record_conversion" if route.startswith("/v1/conversions") else "record_customer"
    answer = _handler(name)(event, CONTEXT)
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, json.loads(answer["body"]))
