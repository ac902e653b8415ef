"""What is asked of a network in process: by HTTP of its functions, by the audit, by the replay.

A release's answers are kept as data, and later releases are asked the same by the same code.
"""

import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from linkage.domain import clock
from linkage.flow.payouts import debiting, exporting, planning
from linkage.tables import payout_batches, payout_files
from linkage.tables.dynamodb import transactions
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from linkage_cli.ledger.replay import replayed
from tests.faults.standin import Standin

FUNCTIONS = Path(clock.__file__).parents[5] / "functions"
CONTEXT = SimpleNamespace(
    function_name="in_process",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:in_process",
    aws_request_id="test",
    get_remaining_time_in_millis=lambda: 20_000,
)
OWNERS = {
    "/v1/conversions": "record_conversion",
    "/v1/conversions/{conversion_id}/confirmation": "record_conversion",
    "/v1/conversions/{conversion_id}/rejection": "record_conversion",
    "/v1/conversions/{conversion_id}/refunds": "record_conversion",
    "/v1/client-codes": "record_conversion",
    "/v1/customers/opt-out": "record_conversion",
    "/v1/customers/opt-in": "record_conversion",
    "/v1/payout-batches": "batch_payouts",
    "/v1/payout-batches/{batch_id}/approval": "batch_payouts",
    "/v1/payout-batches/{batch_id}/cancellation": "batch_payouts",
    "/v1/payout-batches/{batch_id}/results": "settle_payouts",
}
"""Which function answers a POST; every other route is manage_network's."""

type Text = tuple[int, str]
"""An answer's status and its body as it was sent."""


# ---- by HTTP


@cache
def handler(name: str) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """A function's handler, loaded from its file as Lambda does."""
    path = FUNCTIONS / name / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{name}_of_a_release", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[dict[str, Any], object], dict[str, Any]] = module.handler
    return found


def sent(method: str, url: str, body: object, secret: str, **headers: str) -> Text:
    """One call of the API as API Gateway brings it to the route's owner."""
    parts = urlsplit(url)
    route, owner, named = _route(method, parts.path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route}" if owner != "manage_network" else "ANY /v1/{proxy+}",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": {
            "content-type": "application/json",
            "authorization": f"Bearer {secret}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        "queryStringParameters": dict(parse_qsl(parts.query, keep_blank_values=True)) or None,
        "pathParameters": named,
        "requestContext": {"http": {"method": method, "path": parts.path}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = json.dumps(body)
    answer = handler(owner)(event, CONTEXT)
    return answer["statusCode"], answer.get("body") or ""


def _route(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    """The route of a path, its owner, and what the path names."""
    for route, owner in OWNERS.items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route)
        found = re.fullmatch(pattern, path) if method == "POST" else None
        if found:
            return route, owner, found.groupdict()
    return "", "manage_network", {"proxy": path.removeprefix("/v1/")}


def explained(conversion_id: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """The explanation of a conversion as each viewer gets it, by the viewers' names."""
    url = f"/v1/conversions/{conversion_id}/explanation"
    return {who: sent("GET", url, None, secret)[1] for who, secret in secrets.items()}


# ---- by the command line


def audited(now: datetime) -> Report:
    """The independent audit of everything stored, as `linkage ledger check` has it made."""
    names = {noun: noun for noun in ledger_check.NOUNS}
    return audit(ledger_check.read(ledger_check.Tables(transactions.client, names)), now)


def said_of(report: Report) -> dict[str, Any]:
    """A report as plain JSON, all but its findings."""
    return {
        "counts": {name: count for name, count in sorted(report.counts.items()) if count},
        "totals": {currency: asdict(each) for currency, each in sorted(report.totals.items())},
        "in_flight": list(report.in_flight),
    }


def replays(conversion_ids: Iterable[str]) -> dict[str, list[str]]:
    """What `linkage explain --replay` prints of each conversion."""
    return {each: list(replayed(each).lines()) for each in conversion_ids}


# ---- what the stand-in of DynamoDB does not have


@contextmanager
def serving(standin: Standin) -> Iterator[None]:
    """The stand-in answers the process, also what folding a day asks and it was never taught."""

    def around(operation: str, arguments: Mapping[str, Any], go: Callable[[], Any]) -> Any:
        if operation == "Query" and "ProjectionExpression" in arguments:
            return standin.answer(operation, _whole_items(arguments))
        if operation == "PutItem" and "<>" in arguments.get("ConditionExpression", ""):
            return standin.answer(operation, _without_unequal(arguments))
        return go()

    with standin.serving(around):
        yield


def _whole_items(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same query for all attributes."""
    kept = arguments.get("FilterExpression", "")
    used = re.findall(r"#\w+", arguments["KeyConditionExpression"] + kept)
    names = {each: arguments["ExpressionAttributeNames"][each] for each in used}
    asked = {name: own for name, own in arguments.items() if name != "ProjectionExpression"}
    return asked | {"ExpressionAttributeNames": names}


def _without_unequal(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same write on the condition that a text is before or after the other."""
    wanted = re.sub(r"(\S+) <> (\S+)", r"\1 < \2 OR \1 > \2", arguments["ConditionExpression"])
    return {**arguments, "ConditionExpression": wanted}


class Outside:
    """The work queue and the bucket of payout files."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803, as boto3 has it
        self.messages.append(json.loads(MessageBody))

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        self.files[Key] = Body.decode()

    def get_paginator(self, _: str) -> "Outside":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key} for key in self.files]}]

    @contextmanager
    def open(self) -> Iterator[None]:
        """While it lasts, the product's own clients of SQS and S3 are these."""
        with patch.object(planning, "_queue", self), patch.object(payout_files, "_files", self):
            yield

    def deliver_work(self) -> None:
        """The work queue, until it is empty."""
        work = {"debit": debiting.debit_page, "give_back": debiting.give_back_page}
        while self.messages:
            message = self.messages.pop(0)
            work[message["work"]](message["batch_id"], message["page"])

    def deliver_approvals(self) -> None:
        """The stream of payouts: each batch that is approved is exported."""
        for batch in payout_batches.unfinished_batches():
            if batch.status == "approved":
                exporting.export(batch.batch_id)
