"""The stand-in against moto: the same random calls, in the product's own forms, answered alike."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from linkage.tables.dynamodb import transactions
from tests.aws_tables import create_tables
from tests.faults.expressions import InvalidError, UnsupportedError, condition, update
from tests.faults.run import Run
from tests.faults.standin import Standin

SEED = int(os.environ.get("FAULTS_SEED", "1"))
CALLS = int(os.environ.get("FAULTS_CALLS", "700"))
WORDS = ("a", "b", "ab", "é", "report", "refund#1", "refund#2")
SHARDS = ("unposted#0", "unposted#1")

type Call = tuple[str, dict[str, Any]]


class Calls:
    """Random calls over few keys, so that conditions hold and fail about as often."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self) -> Call:
        reads = (self.get, self.batch, self.query, self.query_index, self.query_index, self.scan)
        parts = (self.query_part, self.count)
        writes = (self.put, self.batch_write, self.move, self.add, self.transact, self.transact)
        return self.random.choice((*reads, *parts, *writes, self.delete))()

    def _key(self) -> dict[str, str]:
        return {
            "conversion_id": self.random.choice(("cnv_1", "cnv_2", "cnv_3")),
            "fact": self.random.choice(WORDS),
        }

    def _item(self) -> dict[str, Any]:
        chosen = self.random.choice
        return self._key() | {
            "accepted_at": chosen(("2026-01-01", "2026-01-02", "2026-02-01")),
            "sequence": self.random.randrange(3),
            "unposted": chosen((*SHARDS, None)),
            "vendor_id": chosen(("mem_a", "mem_b", None)),
            "reported_at": chosen(("2026-01-01", "2026-03-01", None)),
            "status": chosen(("pending", "confirmed", "")),
            "posts": chosen((True, False, None)),
            "dues": chosen(({"2026-01-01": 5}, {}, None)),
            "parts": chosen(([{"kind": "fee", "level": 1}], [], None)),
            "content": chosen((b"x\x9c\x00\xff", None)),
        }

    def _write(self) -> Call:
        kind = self.random.choice(("new", "over", "move", "add", "remove", "first"))
        sequence = self.random.randrange(3)
        if kind == "new":
            return self._named(transactions.put_new("conversions", self._item(), "conversion_id"))
        if kind == "over":
            wire, was = transactions.to_wire(self._item()), {"sequence": sequence}
            return self._named(transactions.put_over("conversions", wire, was))
        if kind == "move":
            expression = "SET #status = :status, #sequence = :next REMOVE unposted"
            values = {":status": "moved", ":next": sequence + 1, ":sequence": sequence}
            return self._update(expression, "#sequence = :sequence", values, "status", "sequence")
        if kind == "add":
            return self._update(
                "SET #status = :status ADD #version :one, balance_minor :amount",
                "attribute_not_exists(#status) OR #status = :status",
                {":status": "pending", ":one": 1, ":amount": self.random.randrange(-9, 9)},
                *("status", "version"),
            )
        if kind == "remove":
            return self._update("REMOVE unposted", "attribute_exists(conversion_id)", {})
        return self._update(
            "SET accepted_at = if_not_exists(accepted_at, :first), balance_minor = :amount",
            "attribute_exists(conversion_id)",
            {":first": "2026-05-01", ":amount": 1},
        )

    def _update(self, text: str, held: str, values: dict[str, Any], *names: str) -> Call:
        placed = {f"#{name}": name for name in names}
        return self._named(
            transactions.update(
                "conversions", self._key(), text, condition=held, values=values, names=placed
            )
        )

    def _named(self, operation: dict[str, Any]) -> Call:
        ((kind, arguments),) = operation.items()
        return kind, arguments

    def put(self) -> Call:
        return "PutItem", {
            "TableName": "conversions",
            "Item": transactions.to_wire(self._item()),
        }

    def move(self) -> Call:
        kind, arguments = self._write()
        return f"{kind}Item", arguments

    def add(self) -> Call:
        kind, arguments = self._write()
        returned = {"ReturnValues": "ALL_NEW"} if kind == "Update" else {}
        return f"{kind}Item", arguments | returned

    def transact(self) -> Call:
        writes = [self._write() for _ in range(self.random.randint(2, 4))]
        return "TransactWriteItems", {"TransactItems": [{kind: each} for kind, each in writes]}

    def get(self) -> Call:
        key = transactions.to_wire(self._key())
        return "GetItem", {"TableName": "conversions", "Key": key, "ConsistentRead": True}

    def batch(self) -> Call:
        keys = [transactions.to_wire(self._key()) for _ in range(self.random.randint(1, 3))]
        wanted = {"conversions": {"Keys": keys, "ConsistentRead": True}}
        return "BatchGetItem", {"RequestItems": wanted}

    def batch_write(self) -> Call:
        item = transactions.to_wire(self._item())
        key = transactions.to_wire(self._key() | {"conversion_id": "cnv_4"})
        writes = [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": key}}]
        return "BatchWriteItem", {"RequestItems": {"conversions": writes}}

    def delete(self) -> Call:
        return "DeleteItem", {
            "TableName": "conversions",
            "Key": transactions.to_wire(self._key()),
        }

    def query_part(self) -> Call:
        operation, arguments = self.query()
        names = arguments["ExpressionAttributeNames"] | {"#status": "status", "#dues": "dues"}
        return operation, {
            **arguments,
            "ExpressionAttributeNames": names,
            "ProjectionExpression": "#status, #dues, accepted_at",
        }

    def count(self) -> Call:
        operation, arguments = self.query()
        return operation, {**arguments, "Select": "COUNT"}

    def query(self) -> Call:
        tests = ("", " AND begins_with (#1, :1)", " AND #1 > :1", " AND #1 <= :1")
        test = self.random.choice(tests)
        values = {":0": self._key()["conversion_id"], ":1": self.random.choice(("refund#", "b"))}
        return "Query", {
            "TableName": "conversions",
            "KeyConditionExpression": f"#0 = :0{test}",
            "ExpressionAttributeNames": {"#0": "conversion_id"} | ({"#1": "fact"} if test else {}),
            "ExpressionAttributeValues": transactions.to_wire(
                values if test else {":0": values[":0"]}
            ),
            "ConsistentRead": True,
            "ScanIndexForward": self.random.choice((True, False)),
        }

    def query_index(self) -> Call:
        name, partition, sort, value = self.random.choice(
            (
                ("unposted", "unposted", "accepted_at", SHARDS[0]),
                ("by_vendor", "vendor_id", "reported_at", "mem_a"),
            )
        )
        values = {":0": value, ":1": "2026-02-01"}
        return "Query", {
            "TableName": "conversions",
            "IndexName": name,
            "KeyConditionExpression": "#0 = :0 AND #1 < :1",
            "ExpressionAttributeNames": {"#0": partition, "#1": sort},
            "ExpressionAttributeValues": transactions.to_wire(values),
        }

    def scan(self) -> Call:
        return "Scan", {
            "TableName": "conversions",
            "FilterExpression": "(#0 = :0 AND #1 = :1)",
            "ExpressionAttributeNames": {"#0": "fact", "#1": "status"},
            "ExpressionAttributeValues": transactions.to_wire({":0": "report", ":1": "pending"}),
            "ConsistentRead": True,
        }


def outcome(client: Any, call: Call) -> tuple[str, Any]:
    """What came of a call, in a form that does not tell apart what DynamoDB does not promise."""
    operation, arguments = call
    try:
        answer = client._make_api_call(operation, arguments)
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", ())
        told = [(each["Code"], each.get("Item")) for each in reasons]
        return error.response["Error"]["Code"], (told, error.response.get("Item"))
    unordered = operation == "Scan" or "IndexName" in arguments
    return "done", (
        _sorted(answer["Items"]) if unordered and "Items" in answer else answer.get("Items"),
        {name: _sorted(found) for name, found in answer.get("Responses", {}).items()},
        answer.get("Item"),
        answer.get("Attributes"),
        answer.get("LastEvaluatedKey"),
        answer.get("Count"),
    )


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=repr_of)


def repr_of(item: dict[str, Any]) -> str:
    return repr(sorted(item.items()))


@pytest.fixture
def mocked() -> Iterator[Any]:
    with mock_aws():
        create_tables()
        yield boto3.client("dynamodb", region_name="us-east-1")


def test_random_calls_are_answered_as_moto_answers_them(mocked: Any) -> None:
    standin, calls, outcomes = Standin(), Calls(SEED), Counter[str]()
    for number in range(CALLS):
        call = calls.one()
        expected = outcome(mocked, call)
        with standin.serving():
            assert outcome(mocked, call) == expected, f"seed {SEED}, call {number}: {call}"
        outcomes[expected[0]] += 1
    assert outcomes["done"] > CALLS / 3
    assert outcomes["ConditionalCheckFailedException"] > CALLS / 20
    assert outcomes["TransactionCanceledException"] > CALLS / 20


def refused(call: str, **arguments: Any) -> str:
    """The code a stand-in with nothing in it refuses a call with."""
    with Standin().serving(), pytest.raises(ClientError) as caught:
        transactions.client._make_api_call(call, arguments)
    return str(caught.value.response["Error"]["Code"])


def fact(name: str, **more: Any) -> dict[str, Any]:
    return transactions.to_wire({"conversion_id": "cnv_1", "fact": name, **more})


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("PutItem", {"TableName": "conversions", "Item": fact("")}),
        ("PutItem", {"TableName": "conversions", "Item": fact("x", unposted="")}),
        ("PutItem", {"TableName": "conversions", "Item": fact("x", unposted=1)}),
        ("PutItem", {"TableName": "conversions", "Item": fact("x", note="." * 410_000)}),
        ("GetItem", {"TableName": "conversions", "Key": {"conversion_id": {"S": "cnv_1"}}}),
        (
            "BatchGetItem",
            {"RequestItems": {"conversions": {"Keys": [fact(str(n)) for n in range(101)]}}},
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "conversions", "Item": fact(str(n))}} for n in range(101)
                ]
            },
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "conversions", "Item": fact("x")}}] * 2},
        ),
        (
            "UpdateItem",
            {"TableName": "conversions", "Key": fact("x"), "UpdateExpression": "REMOVE fact"},
        ),
        (
            "UpdateItem",
            {"TableName": "conversions", "Key": fact("x"), "UpdateExpression": "REMOVE status"},
        ),
    ],
)
def test_what_exceeds_a_limit_is_refused(call: str, arguments: dict[str, Any]) -> None:
    assert refused(call, **arguments) == "ValidationException"


def test_an_expression_it_was_never_compared_on_is_an_error_of_the_test() -> None:
    for text in ("size(a) > :b", "a <> :b", "a.b = :c", "a[0] = :c", "a = :b)"):
        with pytest.raises(UnsupportedError):
            condition(text)
    for text in ("SET a = list_append(a, :b)", "DELETE a :b", "SET a.b = :c"):
        with pytest.raises(UnsupportedError):
            update(text)
    with pytest.raises(InvalidError):
        update("SET a = :a" + " " * 4096)


def test_what_the_product_calls_is_answered_as_moto_answers_it(mocked: Any) -> None:
    run = Run(SEED, 30, affiliates=8, customers=3)
    answer, calls = run.standin.answer, list[Call]()

    def recording(operation: str, arguments: Any) -> Any:
        calls.append((operation, deepcopy(arguments)))
        return answer(operation, arguments)

    run.standin.answer = recording
    with run.open():
        run.trade_until_done()
        run.finish()
    standin, operations = Standin(), Counter[str]()
    for number, call in enumerate(calls):
        expected = outcome(mocked, call)
        with standin.serving():
            assert outcome(mocked, call) == expected, f"seed {SEED}, call {number}: {call}"
        operations[call[0]] += 1
    assert {"BatchGetItem", "Query", "PutItem", "TransactWriteItems"} <= set(operations)
