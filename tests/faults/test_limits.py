"""Every documented limit of DynamoDB that the product could meet, as the stand-in enforces it.

Each is met in full and passed by one. Where moto knows the limit too, it answers alike.
"""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from linkage.tables.dynamodb import transactions
from tests.aws_tables import create_tables
from tests.faults.limits import (
    INVALID,
    LARGE,
    LIMITS,
    Call,
    batch_writes,
    gets,
    put,
    puts,
    query,
    sized,
    update,
    values,
)
from tests.faults.standin import Standin


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
    assert stood_in(made(most + 1)) == INVALID


@pytest.mark.parametrize("name", [name for name, (*_, known) in LIMITS.items() if known])
def test_moto_refuses_the_same_where_it_knows_the_limit(mocked: Any, name: str) -> None:
    most, made, _ = LIMITS[name]
    assert refusal(mocked, made(most)) is None
    assert refusal(mocked, made(most + 1)) == INVALID


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
