"""Calls of the handlers of routes that have a function of their own, by the same keys."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.api.client import CONTEXT, Answer, Client
from tests.handlers import FUNCTIONS, load_handler


@cache
def handlers() -> dict[str, Callable[[dict[str, Any], object], dict[str, Any]]]:
    """The handler of each route, such as `POST /v1/conversions`, that a function has alone."""
    folders = [path.parent for path in FUNCTIONS.glob("*/handler.py")]
    modules = [load_handler(each.name) for each in folders if _has_routes(each.name)]
    return {route: module.handler for module in modules for route in module.ROUTES}


def _has_routes(name: str) -> bool:
    return "\nROUTES" in (FUNCTIONS / name / "handler.py").read_text()


def record(
    client: Client,
    route: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    *,
    raw: str | None = None,
    query: dict[str, str] | None = None,
    **path: str,
) -> Answer:
    """One POST to a route as `/v1/conversions/{conversion_id}/confirmation` by a client's key.

    `raw` is sent as it is in place of a JSON body.
    """
    event = {
        "routeKey": f"POST {route}",
        "rawPath": route.format(**path),
        "headers": {"authorization": f"Bearer {client.secret}", **(headers or {})},
        "pathParameters": path,
        "queryStringParameters": query,
        "body": raw if body is None else json.dumps(body),
    }
    answer = handlers()[f"POST {route}"](event, CONTEXT)
    headers_back = {name.lower(): value for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers_back, json.loads(answer["body"]))
