"""Calls of manage_network's handler, as API Gateway makes them."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from linkage.domain import clock, ids
from linkage.domain.people.api_keys import Key, hashed, key_id_in, new_secret
from linkage.tables.api_keys import put_key
from tests.handlers import load_handler

CONTEXT = SimpleNamespace(
    function_name="manage_network",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:manage_network",
    aws_request_id="test",
    get_remaining_time_in_millis=lambda: 20_000,
)


@cache
def handler() -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """The handler, loaded from its file as Lambda does."""
    return load_handler("manage_network").handler


@dataclass(frozen=True)
class Answer:
    """One answer with its JSON body."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str | None:
        """The stable code of a problem."""
        return self.body.get("code")

    @property
    def pointer(self) -> str | None:
        """The JSON pointer of the field a problem is about."""
        return self.body["errors"][0]["pointer"] if "errors" in self.body else None


@dataclass(frozen=True)
class Client:
    """Calls with one key's secret; without one when it is empty."""

    secret: str
    member_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        raw: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; `raw` is sent as it is in place of a JSON body."""
        parts = urlsplit(url)
        sent = {"content-type": "application/json", **(headers or {})}
        if self.secret:
            sent["authorization"] = f"Bearer {self.secret}"
        event = {
            "version": "2.0",
            "routeKey": "ANY /v1/{proxy+}",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": sent,
            "queryStringParameters": dict(parse_qsl(parts.query, keep_blank_values=True)) or None,
            "pathParameters": {"proxy": parts.path.removeprefix("/v1/")},
            "requestContext": {
                "http": {"method": method, "path": parts.path},
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        if raw is not None or body is not None:
            event["body"] = raw if raw is not None else json.dumps(body)
        answer = handler()(event, CONTEXT)
        text = answer.get("body")
        headers_back = {name.lower(): value for name, value in answer["headers"].items()}
        return Answer(answer["statusCode"], headers_back, json.loads(text) if text else None)

    @property
    def key_id(self) -> str:
        """The id of its key."""
        return key_id_in(self.secret, os.environ["STAGE"]) or ""

    def get(self, url: str) -> Answer:
        """GET."""
        return self.call("GET", url)

    def post(self, url: str, body: object = None, *, repeat_key: str | None = None) -> Answer:
        """POST, with an Idempotency-Key if one is given."""
        headers = {"idempotency-key": repeat_key} if repeat_key else None
        return self.call("POST", url, body, headers=headers)

    def put(self, url: str, body: object) -> Answer:
        """PUT."""
        return self.call("PUT", url, body)

    def patch(self, url: str, body: object) -> Answer:
        """PATCH."""
        return self.call("PATCH", url, body)

    def delete(self, url: str) -> Answer:
        """DELETE."""
        return self.call("DELETE", url)


def client_with_key(
    role: str, member_id: str | None = None, *, person: str = "", created_at: str | None = None
) -> Client:
    """A client with a new key of this role, made now unless said otherwise."""
    key_id = ids.created("key")
    secret = new_secret(os.environ["STAGE"], key_id)
    made_at = created_at or clock.text(clock.now())
    put_key(Key(key_id, role, member_id, hashed(secret), made_at, person=person))
    return Client(secret, member_id)
