"""DynamoDB's GetItem and PutItem spoken directly, for the redirect.

An SDK call costs seven times the processor time of this one, and importing an SDK seven times its
start; the redirect pays both on every click. Everything else in Linkage uses an SDK.
"""

import functools
import hashlib
import hmac
import http.client
import json
import os
import random
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from linkage.errors import LinkageError

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 2.0
PAUSES_S = (0.05, 0.1)
"""The longest wait before each repetition; the real one is random, so that callers spread out."""

LAST_START_S = 1.0
"""No repetition starts later than this: a call to a silent DynamoDB ends after two seconds, and
any call after about four."""

_CONTENT_TYPE = "application/x-amz-json-1.0"
_RETRIED = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
    }
)
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoDBError(LinkageError):
    """DynamoDB refused a request, or could not be reached; `code` is its own name for why."""

    status = 503
    title = "Storage is not available"

    def __init__(self, code: str, detail: str, *, passing: bool) -> None:
        """`passing` says whether the same request may succeed a moment later."""
        super().__init__(code, detail)
        self.passing = passing


class Credentials(NamedTuple):
    """What a request is signed with."""

    key_id: str
    secret: str
    session_token: str | None


class DynamoDB:
    """A client with one kept-alive connection; not for use by several threads.

    Region, endpoint and CA file come from the environment when it is made, credentials at each
    call. `AWS_CA_BUNDLE` names the file of trusted roots; the system's are used without it.
    """

    def __init__(self) -> None:
        """Read the environment; connects at the first call. Raises KeyError without a region."""
        env = os.environ
        self._region = env.get("AWS_REGION") or env["AWS_DEFAULT_REGION"]
        endpoint = urlsplit(
            env.get("AWS_ENDPOINT_URL_DYNAMODB")
            or env.get("AWS_ENDPOINT_URL")
            or default_endpoint(self._region)
        )
        self._host = endpoint.netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=CONNECT_TIMEOUT_S)
        if endpoint.scheme == "https":
            trusted = ssl.create_default_context(cafile=env.get("AWS_CA_BUNDLE") or None)
            self._connection = http.client.HTTPSConnection(
                self._host, timeout=CONNECT_TIMEOUT_S, context=trusted
            )

    def get_item(self, table: str, key: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the item, read eventually consistently, or None; raises `DynamoDBError`."""
        answer = self._call("GetItem", {"TableName": table, "Key": _to_attributes(key)})
        item = answer.get("Item")
        return None if item is None else _from_attributes(item)

    def put_new_item(self, table: str, item: Mapping[str, Any], key_name: str) -> bool:
        """Store `item` unless its key exists; return whether it was new.

        Doing it twice changes nothing, so it is repeated freely. Raises `DynamoDBError`.
        """
        request = {
            "TableName": table,
            "Item": _to_attributes(item),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key_name},
        }
        try:
            self._call("PutItem", request)
        except DynamoDBError as error:
            if error.code == _CONDITION_FAILED:
                return False
            raise
        return True

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(request, separators=(",", ":")).encode()
        last_start_s = time.monotonic() + LAST_START_S
        for longest_pause_s in PAUSES_S:
            try:
                return self._attempt(operation, body)
            except DynamoDBError as error:
                if not error.passing or time.monotonic() > last_start_s:
                    raise
            time.sleep(random.uniform(0, longest_pause_s))
        return self._attempt(operation, body)

    def _attempt(self, operation: str, body: bytes) -> dict[str, Any]:
        try:
            status, answer = self._exchange(operation, body)
            content: dict[str, Any] = json.loads(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise DynamoDBError("Unreachable", repr(error), passing=True) from error
        if status == http.client.OK:
            return content
        raise _error_of(status, content)

    def _exchange(self, operation: str, body: bytes) -> tuple[int, bytes]:
        if self._connection.sock is None:
            return self._send(operation, body)
        try:
            return self._send(operation, body)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            # Idle connections are closed by the other end; a fresh one costs no pause.
            self._connection.close()
            return self._send(operation, body)

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        if self._connection.sock is None:
            self._connect()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = signed_headers(
            operation, body, self._host, self._region, credentials_from_environment(), at
        )
        self._connection.request("POST", "/", body, headers)
        with self._connection.getresponse() as response:
            return response.status, response.read()

    def _connect(self) -> None:
        self._connection.connect()  # sets TCP_NODELAY
        self._connection.sock.settimeout(READ_TIMEOUT_S)


def default_endpoint(region: str) -> str:
    """Return the public address of DynamoDB in a region; only China's differs in its domain."""
    return f"https://dynamodb.{region}.amazonaws.com" + (".cn" if region[:3] == "cn-" else "")


def credentials_from_environment() -> Credentials:
    """Return the credentials as they are now; raises KeyError where there are none."""
    env = os.environ
    token = env.get("AWS_SESSION_TOKEN") or None
    return Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], token)


def signed_headers(
    operation: str, body: bytes, host: str, region: str, credentials: Credentials, at: str
) -> dict[str, str]:
    """Return the headers of a DynamoDB request, signed (SigV4) at `at`, `20261121T225200Z`."""
    headers = {"content-type": _CONTENT_TYPE, "host": host, "x-amz-date": at}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    headers["x-amz-target"] = f"DynamoDB_20120810.{operation}"
    names = ";".join(headers)  # already in alphabetical order
    lines = "".join([f"{name}:{value}\n" for name, value in headers.items()])
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/dynamodb/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashed}"
    key = _day_key(credentials.secret, at[:8], region)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


@functools.lru_cache(maxsize=2)
def _day_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _error_of(status: int, content: Mapping[str, Any]) -> DynamoDBError:
    code = str(content.get("__type", "")).rpartition("#")[2] or f"HTTP{status}"
    detail = str(content.get("message") or content.get("Message") or "")
    passing = code in _RETRIED or status >= http.client.INTERNAL_SERVER_ERROR
    return DynamoDBError(code, detail, passing=passing)


def _to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_attribute(value) for name, value in item.items()}


def _to_attribute(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": _to_attributes(value)}
        case list() | tuple():
            return {"L": [_to_attribute(part) for part in value]}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _from_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _from_attribute(attribute) for name, attribute in item.items()}


def _from_attribute(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "M":
            return _from_attributes(value)
        case "L":
            return [_from_attribute(part) for part in value]
        case "N":
            return int(value)
        case "NULL":
            return None
    return value
