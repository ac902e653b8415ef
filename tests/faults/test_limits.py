"""Every documented limit of DynamoDB that the product could meet, as the stand-in enforces it.

Each is met in full and passed by one. Where moto knows the limit too, it answers alike.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from linkage.tables import transactions
from tests.aws_tables import create_tables
from tests.faults.standin import Standin

type Call = tuple[str, dict[str, Any]]
type Made = Callable[[int], Call]

TABLE = {"TableName": "conversions"}
KEY = {"conversion_id": "cnv_1", "fact": "x"}
LARGE = 400_000


def put(**attributes: Any) -> Call:
    return "PutItem", {**TABLE, "Item": transactions.to_wire(KEY | attributes)}


def update(text: str, **more: Any) -> Call:
    key = transactions.to_wire(KEY)
    return "UpdateItem", {**TABLE, "Key": key, "UpdateExpression": text, **more}


def values(**of: Any) -> dict[str, Any]:
    wire = transactions.to_wire({f":{name}": value for name, value in of.items()})
    return {"ExpressionAttributeValues": wire}


def padded(text: str, size: int) -> str:
    """The text with spaces that mean nothing, so many bytes in all."""
    return text + " " * (size - len(text))


def query(text: str, kept: str | None = None) -> Call:
    names = {"#id": "conversion_id"} | ({"#status": "status"} if kept else {})
    arguments: dict[str, Any] = {
        "KeyConditionExpression": text,
        "ExpressionAttributeNames": names,
        **values(id="cnv_1"),
    }
    if kept:
        arguments["FilterExpression"] = kept
    return "Query", TABLE | arguments


def removing(count: int) -> Call:
    names = {f"#{number}": f"due_{number}" for number in range(count)}
    return update("REMOVE " + ", ".join(names), ExpressionAttributeNames=names)


def adding(count: int) -> Call:
    names = {f"#{number}": f"due_{number}" for number in range(count)}
    text = "ADD " + ", ".join(f"{name} :one" for name in names)
    return update(text, ExpressionAttributeNames=names, **values(one=1))


def placeholder(size: int) -> Call:
    name = "#" + "a" * (size - 1)
    return update(f"REMOVE {name}", ExpressionAttributeNames={name: "a"})


def held(functions: int) -> Call:
    """A condition of so many functions with an AND between any two."""
    clauses = " AND ".join(["attribute_exists(a)"] * functions)
    return update("REMOVE b", ConditionExpression=clauses)


def compared(count: int) -> Call:
    """A condition on so many values of 250,000 bytes."""
    clauses = " OR ".join(f"a = :{n}" for n in range(count))
    many = {str(n): f"{n}{'.' * 249_999}" for n in range(count)}
    return update(
        "REMOVE b", ConditionExpression=f"{clauses} OR fact = :x", **values(**many, x="x")
    )


def nested(levels: int, kind: str) -> Call:
    value: Any = 1
    for _ in range(levels - 1):
        value = {"a": value} if kind == "map" else [value]
    return put(content=value)


def digits(count: int) -> Call:
    operation, arguments = put()
    return operation, arguments | {"Item": arguments["Item"] | {"a": {"N": "9" * count}}}


def puts(count: int, size: int = 1) -> Call:
    items = [
        {"Put": {**TABLE, "Item": transactions.to_wire({**KEY, "fact": str(n), "a": "." * size})}}
        for n in range(count)
    ]
    return "TransactWriteItems", {"TransactItems": items}


def gets(count: int) -> Call:
    keys = [transactions.to_wire({**KEY, "fact": str(number)}) for number in range(count)]
    return "BatchGetItem", {"RequestItems": {"conversions": {"Keys": keys}}}


def batch_writes(count: int, size: int = 1) -> Call:
    ((_, wanted),) = puts(count, size)[1].items()
    writes = [{"PutRequest": {"Item": each["Put"]["Item"]}} for each in wanted]
    return "BatchWriteItem", {"RequestItems": {"conversions": writes}}


def key_of(**attributes: Any) -> Call:
    return "GetItem", {**TABLE, "Key": transactions.to_wire(KEY | attributes)}


def sized(size: int) -> Call:
    """A put of an item of just so many bytes."""
    return put(a="." * (size - len("conversion_idcnv_1factxa")))


LIMITS: dict[str, tuple[int, Made, bool]] = {
    "bytes of an update": (4096, lambda n: update(padded("REMOVE b", n)), False),
    "bytes of a condition": (
        4096,
        lambda n: update(
            "REMOVE b", ConditionExpression=padded("attribute_not_exists(b)", n)
        ),
        False,
    ),
    "bytes of a key condition": (4096, lambda n: query(padded("#id = :id", n)), False),
    "bytes of a filter": (
        4096,
        lambda n: query("#id = :id", padded("attribute_exists(#status)", n)),
        False,
    ),
    "removals of an update": (300, removing, False),
    "additions of an update": (300, adding, False),
    "functions and ANDs of a condition": (150, held, False),
    "bytes of a placeholder": (255, placeholder, False),
    "megabytes of values": (8, compared, False),
    "levels of maps": (32, lambda n: nested(n, "map"), False),
    "levels of lists": (32, lambda n: nested(n, "list"), False),
    "digits of a number": (38, digits, False),
    "bytes of a partition key": (2048, lambda n: put(conversion_id="a" * n), True),
    "bytes of a partition key that is read": (2048, lambda n: key_of(conversion_id="a" * n), False),
    "bytes of a sort key": (1024, lambda n: put(fact="a" * n), True),
    "bytes of a sort key, by bytes": (1024, lambda n: put(fact="é" * 511 + "a" * (n - 1022)), True),
    "bytes of an index's partition key": (2048, lambda n: put(unposted="a" * n), False),
    "bytes of an index's sort key": (1024, lambda n: put(accepted_at="a" * n), False),
    "bytes of an item": (400 * 1024, sized, False),
    "items of a transaction": (100, puts, True),
    "large items of a transaction": (10, lambda n: puts(n, LARGE), False),
    "keys of a batch": (100, gets, True),
    "writes of a batch": (25, batch_writes, False),
}  # fmt: skip


@pytest.fixture
def mocked() -> Iterator[Any]:
    with mock_aws():
        create_tables()
        yield boto3.client("dynamodb", region_name="us-east-1")


def refusal(client: Any, call: Call) -> str | None:
    try:
        client._make_api_call(*call)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def stood_in(call: Call, standin: Standin | None = None) -> str | None:
    with (standin or Standin()).serving():
        return refusal(transactions.client, call)


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_can_be_met_and_not_passed(name: str) -> None:
    most, made, _ = LIMITS[name]
    assert stood_in(made(most)) in {None, "ConditionalCheckFailedException"}
    assert stood_in(made(most + 1)) == "ValidationException"


@pytest.mark.parametrize("name", [name for name, (*_, known) in LIMITS.items() if known])
def test_moto_refuses_the_same_where_it_knows_the_limit(mocked: Any, name: str) -> None:
    most, made, _ = LIMITS[name]
    assert refusal(mocked, made(most)) is None
    assert refusal(mocked, made(most + 1)) == "ValidationException"


ALMOST = 10**38 - 3


@pytest.mark.parametrize(("added", "allowed"), [(2, True), (3, False)])
def test_the_sum_of_an_addition_has_38_digits_at_most(added: int, allowed: bool) -> None:
    standin = Standin()
    assert stood_in(put(a=ALMOST), standin) is None
    call = update("ADD a :a", **values(a=added))
    assert (stood_in(call, standin) is None) is allowed


@pytest.mark.parametrize(("added", "allowed"), [(100, True), (200, False)])
def test_an_update_cannot_make_an_item_too_large(added: int, allowed: bool) -> None:
    standin = Standin()
    assert stood_in(sized(400 * 1024 - 150), standin) is None
    call = update("SET b = :b", **values(b="." * added))
    assert (stood_in(call, standin) is None) is allowed
    transaction = "TransactWriteItems", {"TransactItems": [{"Update": call[1]}]}
    assert stood_in(transaction, standin) == (None if allowed else "TransactionCanceledException")


def test_more_than_16_mb_of_a_batch_are_left_to_be_asked_for_again(mocked: Any) -> None:
    standin, many = Standin(), 45
    for start in range(0, many, 5):
        call = batch_writes(many, LARGE)[1]["RequestItems"]["conversions"][start : start + 5]
        writes = "BatchWriteItem", {"RequestItems": {"conversions": call}}
        assert stood_in(writes, standin) is refusal(mocked, writes) is None
    with standin.serving():
        answer = transactions.client._make_api_call(*gets(many))
    expected = mocked._make_api_call(*gets(many))
    assert answer["Responses"] == expected["Responses"]
    left = answer["UnprocessedKeys"]["conversions"]["Keys"]
    assert left == expected["UnprocessedKeys"]["conversions"]["Keys"]
    assert (len(answer["Responses"]["conversions"]), len(left)) == (41, 4)
    with standin.serving():
        again = transactions.client._make_api_call(
            "BatchGetItem", {"RequestItems": answer["UnprocessedKeys"]}
        )
    assert len(again["Responses"]["conversions"]) == len(left)


def test_a_page_of_a_query_ends_beyond_1_mb() -> None:
    standin = Standin()
    assert stood_in(puts(6, 300_000), standin) is None
    with standin.serving():
        answer = transactions.client._make_api_call(*query("#id = :id"))
    assert (answer["Count"], answer["LastEvaluatedKey"]["fact"]) == (4, {"S": "3"})
