"""HTTP for functions with a handful of routes: JSON in, JSON out, every error as problem+json."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from linkage.domain.errors import (
    InvalidFieldError,
    LinkageError,
    MalformedRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from linkage.domain.ids import is_id
from linkage.domain.json_text import BROKEN, json_text
from linkage.edge.failures import INTERNAL, in_time, request_id, said
from linkage.edge.headers import SAFE_HEADERS

BODY_BYTES_MAX = 64 * 1024
DEPTH_MAX = 20

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")

HEADERS = {"cache-control": "no-store", **SAFE_HEADERS}
"""What every answer of the API has."""

type Answer = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One HTTP request; its body is read when asked for, so that a caller is known before it."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes

    @property
    def body(self) -> Any:
        """The JSON body, None when there is none; raises MalformedRequestError."""
        return parsed(self.raw_body)

    def require_expected(self, *, has_body: bool, query: Collection[str] = ()) -> None:
        """Refuses what the route does not read: a parameter not in `query`, or what a body says.

        Raises InvalidFieldError or MalformedRequestError; no body and `{}` say nothing.
        """
        for name in self.query:
            if name not in query:
                raise _unknown(name, "parameter of this route")
        if has_body or self.body is None:
            return
        if not isinstance(self.body, dict):
            raise InvalidFieldError("", "Send a JSON object.", code="invalid_body")
        for name in self.body:
            raise _unknown(name, "field of this request")

    def id(self, name: str, noun: str) -> str:
        """The id of a noun in the path; raises NotFoundError if it cannot be one."""
        value = self.path[name]
        if not is_id(value):
            raise NotFoundError(noun)
        return value

    def idempotency_key(self) -> str | None:
        """The client's Idempotency-Key, or None; raises InvalidFieldError if it cannot be one."""
        key = self.headers.get("idempotency-key")
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidFieldError(
                "/Idempotency-Key", "Idempotency-Key must have 1 to 255 printable characters."
            )
        return key

    def required_idempotency_key(self) -> str:
        """The same where there has to be one; raises InvalidFieldError without."""
        key = self.idempotency_key()
        if key is None:
            raise InvalidFieldError(
                "/Idempotency-Key",
                "Send an Idempotency-Key: without one, a repeated request would do it twice.",
            )
        return key


@dataclass(frozen=True)
class Route[Caller]:
    """What answers a route. None of a function's routes has parameters; a few have a body."""

    act: Callable[[Request, Caller], Answer]
    has_body: bool = False


def request_of(event: Mapping[str, Any]) -> Request:
    """The request in an HTTP API event (payload 2.0); raises MalformedRequestError."""
    return Request(
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers=event.get("headers") or {},
        raw_body=_raw_body(event),
    )


def _raw_body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise _malformed("The body is not valid base64.") from error


def parsed(raw: bytes) -> Any:
    """The JSON value of a body, None if empty; raises MalformedRequestError for anything else.

    Refused as well: NaN and infinities, the same field twice, and nesting deeper than 20.
    """
    if not raw:
        return None
    if len(raw) > BODY_BYTES_MAX:
        raise _malformed(f"The body has more than {BODY_BYTES_MAX // 1024} KB.")
    try:
        value = json.loads(raw, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"The body is not valid JSON: {error}.") from error
    if _depth(value) > DEPTH_MAX:
        raise _malformed(f"The body nests deeper than {DEPTH_MAX} levels.")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("the same field stands twice in an object")
    return dict(pairs)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _unknown(name: str, what: str) -> InvalidFieldError:
    if BROKEN.search(name):
        return InvalidFieldError(
            "", "A name contains broken Unicode. Remove it.", code="unknown_field"
        )
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return InvalidFieldError(pointer, f"{name!r} is not a {what}. Remove it.", code="unknown_field")


def _malformed(detail: str) -> MalformedRequestError:
    return MalformedRequestError("malformed_body", detail)


def bearer(headers: Mapping[str, str]) -> str:
    """The secret of an `Authorization: Bearer …` header; raises UnauthenticatedError."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError()
    return secret.strip()


def serve[Caller](
    event: Mapping[str, Any],
    context: Any,
    routes: Mapping[str, Route[Caller]],
    caller_of: Callable[[str], Caller],
) -> Answer:
    """Answers an HTTP API event by its route key, once `caller_of` knows the Bearer secret.

    What the route does not read is refused before anything is done. Each error becomes
    problem+json, and so does having no time left.
    """

    def act() -> Answer:
        request = request_of(event)
        caller, route = caller_of(bearer(request.headers)), routes[event["routeKey"]]
        request.require_expected(has_body=route.has_body)
        return route.act(request, caller)

    return answered(event, context, act)


def answered(event: Mapping[str, Any], context: Any, act: Callable[[], Answer]) -> Answer:
    """What `act` answers to an HTTP API event; problem+json if it fails or has no time left."""
    try:
        with in_time(context):
            return act()
    except Exception as error:  # noqa: BLE001, the client is told in the API's own words
        return problem(error, event)


def answer(status: int, body: object, *, replayed: bool = False) -> Answer:
    """A JSON answer; a replay says so in `Idempotent-Replayed`."""
    headers = {"content-type": "application/json", **HEADERS}
    if replayed:
        headers["idempotent-replayed"] = "true"
    return {"statusCode": status, "headers": headers, "body": json_text(body)}


def accepted(body: object, replayed: bool) -> Answer:
    """201 with what was accepted, or 200 with what was accepted before."""
    return answer(200 if replayed else 201, body, replayed=replayed)


def problem(error: Exception, event: Mapping[str, Any]) -> Answer:
    """The RFC 9457 answer to an error; what the request is not to blame for is logged."""
    told = said(error, event)
    headers = {"content-type": "application/problem+json", **HEADERS}
    if told.status == UnauthenticatedError.status:
        headers["www-authenticate"] = "Bearer"
    if told.retry_after_s is not None:
        headers["retry-after"] = str(told.retry_after_s)
    body = json.dumps(_problem_body(told, event))
    return {"statusCode": told.status, "headers": headers, "body": body}


def _problem_body(error: LinkageError, event: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an RFC 9457 problem, with a stable `code` and the field to change."""
    body: dict[str, Any] = {
        "type": f"urn:linkage:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": event.get("rawPath", "/"),
        "code": error.code,
    }
    if error.pointer is not None:
        body["errors"] = [{"pointer": error.pointer, "detail": error.detail}]
    if error.status >= INTERNAL:
        body["request_id"] = request_id(event)
    return body
