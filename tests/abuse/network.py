"""The network as its outside meets it: every handler of the product behind one door, in process.

DynamoDB is the stand-in of tests/faults, SQS and S3 are a list and a dictionary. The clock moves
only when somebody waits. Handlers that fail, and 5xx answers, are kept in `failures`.
"""

import io
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any, cast
from unittest.mock import patch

from linkage.domain import clock, ids
from linkage.domain.people.api_keys import Key, hashed, new_secret
from linkage.edge.runtime import logger, metrics
from linkage.tables.api_keys import put_key
from linkage.tables.dynamodb.wire import DynamoDB, DynamoDBError
from linkage.tables.recent_links import RecentLinks
from tests.api.client import CONTEXT, Answer
from tests.aws_tables import forget_versions
from tests.faults.standin import RefusedError, Standin
from tests.functions.redirect import event as link_event
from tests.handlers import FUNCTIONS, load_handler

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
HTTP = (
    *("record_conversion", "record_customer"),
    *("batch_payouts", "hold_payouts", "settle_payouts", "decide_proposals"),
)
"""The functions with routes of their own, as far as a release has them; manage_network has all
others."""
DELIVERIES = 3
"""How often a message or a record comes at most before it is left."""


class Context:
    """What a function is told of its run: it always has time left."""

    function_name = "abuse"
    memory_limit_in_mb = 1024
    invoked_function_arn = CONTEXT.invoked_function_arn
    aws_request_id = "abuse"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


class StandinWire(DynamoDB):
    """The redirect's own client, with the stand-in at the other end of its wire."""

    def __init__(self, standin: Standin) -> None:
        super().__init__()
        self._standin = standin

    def _call(self, operation: str, request: Mapping[str, Any], longest_s: float) -> dict[str, Any]:
        try:
            return self._standin.answer(operation, request)
        except RefusedError as refused:
            raise DynamoDBError(refused.code, refused.message, passing=False) from None


@cache
def function(name: str) -> ModuleType:
    """The function's handler; all but the redirect keep nothing between two networks."""
    return load_handler(name)


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str, ModuleType]]:
    """Method, path, route key and module of every route that has a function of its own."""
    routes = [
        (key, function(name))
        for name in HTTP
        if (FUNCTIONS / name).exists()
        for key in function(name).ROUTES
    ]
    return [
        (key.partition(" ")[0], _pattern(key.partition(" ")[2]), key, module)
        for key, module in routes
    ]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


class Network:
    """One network, empty at first; everything goes on while it is `open`."""

    def __init__(self) -> None:
        self.standin, self.moment = Standin(), START
        self.messages: deque[str] = deque()
        self.files: dict[str, bytes] = {}
        self.stream: list[tuple[str, str]] = []
        self.accepted: list[tuple[datetime, str, str]] = []
        self.failures: list[str] = []
        self.stalled = 0
        self._redirect: ModuleType | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """The network on its own DynamoDB, queue and bucket, under its own clock."""
        forget_versions()
        others: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "sqs SendMessage": lambda given: self.messages.append(given["MessageBody"]) or {},
            "s3 PutObject": lambda given: self.files.update({given["Key"]: given["Body"]}) or {},
            "s3 ListObjectsV2": lambda _: {"Contents": [{"Key": key} for key in self.files]},
        }
        with (
            self.standin.serving(self._watched, others),
            patch.object(clock, "now", lambda: self.moment),
            patch("time.sleep"),
            patch.object(logger, "error"),
            patch.object(logger, "exception"),
            patch.object(logger, "warning"),
            redirect_stdout(io.StringIO()),
            patch.object(metrics, "add_metric"),
            patch.object(metrics.provider, "flush_metrics"),
        ):
            yield
        forget_versions()

    def _watched(self, operation: str, given: Mapping[str, Any], go: Callable[[], Any]) -> Any:
        """Does the call, and puts each fact it accepts to be posted onto the stream.

        `accepted` keeps them all in their order, which several at one moment have, too.
        """
        answer = go()
        puts: list[Any] = []
        if operation == "PutItem":
            puts = [given]
        elif operation == "TransactWriteItems":
            puts = [each["Put"] for each in given["TransactItems"] if "Put" in each]
        for put in puts:
            if put["TableName"] == "conversions" and "unposted" in put["Item"]:
                item = put["Item"]
                fact = item["conversion_id"]["S"], item["fact"]["S"]
                self.stream.append(fact)
                self.accepted.append((self.moment, *fact))
        return answer

    # ---- from outside

    def new_key(self, role: str, member_id: str | None = None, person: str = "") -> str:
        """The secret of a new key, of a person where the release knows of persons."""
        key_id = ids.created("key")
        secret = new_secret(os.environ["STAGE"], key_id)
        known = {"person": person} if "person" in Key.__dataclass_fields__ else {}
        put_key(Key(key_id, role, member_id, hashed(secret), clock.text(clock.now()), **known))
        return secret

    def call(
        self, secret: str, method: str, path: str, body: Any = None, *, repeat_key: str = ""
    ) -> Answer:
        """One call of the API, answered by the function that has the route."""
        path, _, query = path.partition("?")
        module, key, inside = _route(method, path)
        headers = {"content-type": "application/json", "authorization": f"Bearer {secret}"}
        if repeat_key:
            headers["idempotency-key"] = repeat_key
        pairs = [each.partition("=")[::2] for each in query.split("&") if each]
        event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "queryStringParameters": dict(pairs) or None,
            "pathParameters": inside,
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "isBase64Encoded": False,
        }
        if body is not None:
            event["body"] = json.dumps(body)
        answer = self._run(module, event, f"{method} {path}")
        if answer is None:
            return Answer(500, {}, {})
        text = answer.get("body")
        found = Answer(answer["statusCode"], answer["headers"], json.loads(text) if text else None)
        if found.status >= 500:
            self.failures.append(f"{method} {path}: {found.status} {found.body}")
        return found

    def visit(self, code: str, address: str) -> str | None:
        """A visit to a link from an address; the click's id if there is one."""
        event = link_event(code)
        event["requestContext"]["http"]["sourceIp"] = address
        answer = self._run(self._redirecting(), event, f"GET /{code}") or {}
        if answer.get("statusCode", 500) >= 500:
            self.failures.append(f"GET /{code}: {answer}")
        found = re.search(r"clk_[0-9a-z]+", answer.get("headers", {}).get("Location", ""))
        return found[0] if found else None

    def _redirecting(self) -> ModuleType:
        if self._redirect is None:
            self._redirect = module = load_handler("record_click")
            module.dynamodb = StandinWire(self.standin)
            module.links = RecentLinks(
                module.dynamodb,
                ("links", "members"),
                lambda: self.moment.timestamp(),  # noqa: PLW0108, the moment moves
            )
        return self._redirect

    def _run(self, module: ModuleType, event: Mapping[str, Any], what: str) -> Any:
        try:
            return module.handler(event, Context)
        except Exception as error:  # noqa: BLE001, whatever a handler raises is an answer of 5xx
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
            return None

    # ---- what AWS delivers

    def deliver(self) -> None:
        """The stream of conversions, unless it is stalled: each new fact, once."""
        if self.stalled > 0:
            self.stalled -= 1
            return
        facts, self.stream = self.stream, []
        if facts:
            keys = [{"conversion_id": {"S": one}, "fact": {"S": two}} for one, two in facts]
            self._run(function("compute_commissions"), _records(keys), "compute_commissions")

    def sweep(self) -> None:
        """The schedule of the sweeper, unless it would find nothing."""
        if any(self.standin.tables["conversions"].indexes["unposted"].entries.values()):
            self._run(function("sweep_conversions"), {}, "sweep_conversions")

    def confirm_silent(self) -> int:
        """The tick that confirms by silence; how many conversions it could not confirm."""
        waiting = self.standin.tables["conversions"].indexes["awaiting"].entries.values()
        now = clock.text(self.moment)
        if not any(each and each[0][0] <= now for each in waiting):
            return 0
        answer = self._run(function("confirm_conversions"), {}, "confirm_conversions")
        return cast("int", answer["failed"]) if answer else 0

    def work(self) -> None:
        """The work queue, until it is empty or its messages came too often."""
        for _ in range(DELIVERIES):
            messages, self.messages = list(self.messages), deque()
            records = [
                {"messageId": str(at), "body": body, "eventSource": "aws:sqs", "receiptHandle": "r"}
                for at, body in enumerate(messages)
            ]
            if not records:
                return
            answer = self._run(function("debit_payouts"), {"Records": records}, "debit_payouts")
            failed = {each["itemIdentifier"] for each in (answer or {})["batchItemFailures"]}
            self.messages.extend(messages[int(each)] for each in failed)
        self.failures.append(f"debit_payouts: {list(self.messages)} came {DELIVERIES} times")

    def export(self, batch_id: str) -> bytes:
        """The stream of payouts for an approved batch; the file the bank gets."""
        keys = {"batch_id": {"S": batch_id}, "item": {"S": "batch"}}
        self._run(function("export_payouts"), _records([keys]), "export_payouts")
        return next((body for key, body in self.files.items() if batch_id in key), b"")

    def unposted(self) -> list[tuple[str, str]]:
        """The accepted facts that are not posted."""
        return [
            (item["conversion_id"]["S"], item["fact"]["S"])
            for item in self.standin.tables["conversions"].items()
            if "unposted" in item
        ]


def has_route(key: str) -> bool:
    """Whether a function has this route (`POST /v1/…`) of its own."""
    return any(key == known for _, _, known, _ in _routes())


def _route(method: str, path: str) -> tuple[ModuleType, str, dict[str, str]]:
    for known, pattern, key, module in _routes():
        if known == method and (found := pattern.fullmatch(path)):
            return module, key, found.groupdict()
    return function("manage_network"), "ANY /v1/{proxy+}", {"proxy": path.removeprefix("/v1/")}


def _records(keys: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": str(at),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"Keys": each, "SequenceNumber": str(at)},
            }
            for at, each in enumerate(keys)
        ]
    }
