"""DynamoDB's GetItem and PutItem spoken directly, for the redirect.

An SDK call costs seven times the processor time of this one, and importing an SDK seven times its
start; the redirect pays both on every click. Everything else in Linkage uses an SDK.

Credentials are those of the environment, as a Lambda function has them; the container endpoint of
SnapStart is not asked.
"""

import functools
import hashlib
import hmac
import json
import os
import random
import time
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from linkage.domain.errors import LinkageError
from linkage.tables.dynamodb.wire_connection import UNUSABLE, Connection, trust

LONGEST_READ_S = 3.0
LONGEST_WRITE_S = 1.5
"""A call is over by then, whatever DynamoDB does: a visitor does not wait longer for a click to be
stored, and a little longer to learn where the link leads."""

PAUSES_S = (0.05, 0.1)
"""The longest wait before each repetition; the real one is random, so that callers spread out."""

_DOMAINS = {
    "cn": "amazonaws.com.cn",
    "eusc": "amazonaws.eu",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "eu-isoe": "cloud.adc-e.uk",
    "us-isof": "csp.hci.ic.gov",
}
"""Of the partitions that have their own, by how the names of their regions begin."""

_AMAZON_DOMAIN = "amazonaws.com"
_CONTENT_TYPE = "application/x-amz-json-1.0"
_OK, _TOO_MANY, _FAILED = 200, 429, 500
_RETRIED = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
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
    call. `AWS_CA_BUNDLE` names the file of trusted roots; without it they are Amazon's own, or the
    system's where neither the endpoint nor the partition is the usual one.
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
        context = None
        if endpoint.scheme == "https":
            usual = self._host.endswith(f".{_AMAZON_DOMAIN}")
            context = trust(env.get("AWS_CA_BUNDLE") or None, amazon=usual)
        self._connection = Connection(endpoint, context)

    def get_item(
        self, table: str, key: Mapping[str, str], only: str | None = None
    ) -> dict[str, Any] | None:
        """Return the item, read eventually consistently, or None; raises `DynamoDBError`.

        With `only`, an attribute, its key and that one are read, as last written.
        """
        request: dict[str, Any] = {"TableName": table, "Key": _to_attributes(key)}
        if only is not None:
            names = {f"#{at}": name for at, name in enumerate([*key, only])}
            request |= {"ProjectionExpression": ",".join(names), "ConsistentRead": True}
            request["ExpressionAttributeNames"] = names
        item = self._call("GetItem", request, LONGEST_READ_S).get("Item")
        if item is None:
            return None
        try:
            found = _from_attributes(item)
        except (AttributeError, TypeError, ValueError) as error:
            raise self._unreadable(repr(error)) from error
        if not found.items() >= key.items():
            # An answer to another question must not send a visitor to another link.
            raise self._unreadable("an item of another key")
        return found

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
            self._call("PutItem", request, LONGEST_WRITE_S)
        except DynamoDBError as error:
            if error.code == _CONDITION_FAILED:
                return False
            raise
        return True

    def _call(self, operation: str, request: Mapping[str, Any], longest_s: float) -> dict[str, Any]:
        until_s = time.monotonic() + longest_s
        body = json.dumps(request, separators=(",", ":")).encode()
        for longest_pause_s in PAUSES_S:
            try:
                return self._attempt(operation, body, until_s)
            except DynamoDBError as error:
                pause_s = random.uniform(0, longest_pause_s)
                if not error.passing or time.monotonic() + pause_s >= until_s:
                    raise
            time.sleep(pause_s)
        return self._attempt(operation, body, until_s)

    def _attempt(self, operation: str, body: bytes, until_s: float) -> dict[str, Any]:
        try:
            request = self._signed(operation, body)
        except KeyError as missing:
            raise DynamoDBError("NoCredentials", f"{missing} is not set", passing=False) from None
        try:
            status, headers, answer = self._connection.exchange(request, until_s)
        except UNUSABLE as error:
            raise DynamoDBError("Unreachable", repr(error), passing=True) from error
        content = _content_of(headers, answer)
        if status == _OK and content is not None:
            return content
        if content is None:
            self._connection.close()  # whoever answers like this is not DynamoDB
        raise _error_of(status, content)

    def _unreadable(self, detail: str) -> DynamoDBError:
        """The error to raise after dropping the connection on which such an answer came."""
        self._connection.close()
        return DynamoDBError("Unreadable", detail, passing=True)

    def _signed(self, operation: str, body: bytes) -> bytes:
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = signed_headers(
            operation, body, self._host, self._region, credentials_from_environment(), at
        )
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def default_endpoint(region: str) -> str:
    """Return the public address of DynamoDB in a region of any partition."""
    first, second = f"{region}-".split("-")[:2]
    domain = _DOMAINS.get(first) or _DOMAINS.get(f"{first}-{second}") or _AMAZON_DOMAIN
    return f"https://dynamodb.{region}.{domain}"


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


def _content_of(headers: Mapping[str, str], answer: bytes) -> dict[str, Any] | None:
    """The JSON object of an answer; None if it is none, or is not the one that was sent."""
    checksum = headers.get("x-amz-crc32")
    if checksum is not None and checksum != str(zlib.crc32(answer)):
        return None
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _error_of(status: int, content: Mapping[str, Any] | None) -> DynamoDBError:
    if content is None:
        code, detail = "Unreadable" if status == _OK else f"HTTP{status}", ""
    else:
        code = str(content.get("__type", "")).rpartition("#")[2] or f"HTTP{status}"
        detail = str(content.get("message") or content.get("Message") or "")
    passing = code in _RETRIED or status in (_OK, _TOO_MANY) or status >= _FAILED
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
