"""The one way to write several items at once, and the one reading of why DynamoDB refused.

A write ends in one of three ways: it is done; a condition did not hold (ConditionFailedError, a
business answer); or DynamoDB failed us (the botocore error, after retries). Conflicts and throttles
are retried here with jitter, because the SDK never retries a cancelled transaction.
"""

import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

from linkage.domain.errors import ConditionFailedError

ATTEMPTS_MAX = 20
"""Enough for the last of fifty who change one tally at the same moment (its test counts them)."""
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.02, 1.0
_CONDITION = "ConditionalCheckFailed"
_CONFLICT, _CONFLICT_ERROR = "TransactionConflict", "TransactionConflictException"
_RETRIED_REASONS = frozenset(
    {
        _CONFLICT,
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "RequestLimitExceeded",
    }
)
_RETRIED_ERRORS = frozenset(
    {
        _CONFLICT_ERROR,
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
    }
)

Item = dict[str, Any]
"""An item in plain Python: texts, integers, bytes, lists, maps, None and booleans."""

client = boto3.client(
    "dynamodb",
    region_name=os.environ.get("AWS_REGION"),
    config=Config(
        connect_timeout=1,
        read_timeout=3,
        retries={"mode": "standard", "max_attempts": 4},
    ),
)
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """A plain item as DynamoDB takes it; attributes that are None are left out."""
    return {
        name: _serializer.serialize(_listed(value))
        for name, value in item.items()
        if value is not None
    }


def from_wire(item: Mapping[str, Any]) -> Item:
    """A DynamoDB item in plain Python; every number in Linkage is whole, so an int."""
    return {name: _whole(_deserializer.deserialize(value)) for name, value in item.items()}


def _listed(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_listed(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _listed(each) for name, each in value.items()}
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if hasattr(value, "as_tuple"):
        return int(value)
    return bytes(value) if hasattr(value, "__bytes__") else value


def put_new(table: str, item: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A Put that holds only if no item with this key exists; `key` is its partition attribute."""
    return put_wire(table, to_wire(item), key)


def put_wire(table: str, wire: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The same for an item that is already in DynamoDB's form."""
    return {
        "Put": {
            "TableName": table,
            "Item": dict(wire),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def absent(table: str, key: Mapping[str, str]) -> dict[str, Any]:
    """A check that no item has this key, for a transaction of more than it alone."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": to_wire(key),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": next(iter(key))},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def put_over(table: str, wire: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, Any]:
    """A Put over an item whose attributes `was` must still be as they were read, None as absent."""
    put = put_wire(table, wire, "")["Put"]
    put["ConditionExpression"] = " AND ".join(
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :{name}"
        for name, value in was.items()
    )
    put["ExpressionAttributeNames"] = {f"#{name}": name for name in was}
    values = to_wire({f":{name}": value for name, value in was.items()})
    if values:
        put["ExpressionAttributeValues"] = values
    return {"Put": put}


def set_over(
    table: str,
    wire: Mapping[str, Any],
    keys: Sequence[str],
    was: Mapping[str, Any],
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    """An Update that writes a whole item over one whose attributes `was` are still as read, None
    for one that was not there.

    What a later release has stored beside these attributes stays. Of the `optional` ones, those
    the item no longer has are removed.
    """
    held = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :was_{name}"
        for name, value in was.items()
    ]
    sets = [name for name in wire if name not in keys]
    gone = [name for name in optional if name not in wire]
    clauses = [
        "SET " + ", ".join(f"#{name} = :{name}" for name in sets) if sets else "",
        "REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else "",
    ]
    named = dict.fromkeys([*sets, *gone, *was])
    return {
        "Update": {
            "TableName": table,
            "Key": {name: wire[name] for name in keys},
            "UpdateExpression": " ".join(filter(None, clauses)),
            "ConditionExpression": " AND ".join(held),
            "ExpressionAttributeNames": {f"#{name}": name for name in named},
            "ExpressionAttributeValues": {
                **{f":{name}": wire[name] for name in sets},
                **to_wire({f":was_{name}": value for name, value in was.items()}),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def update(
    table: str,
    key: Mapping[str, str],
    expression: str,
    *,
    condition: str,
    values: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An Update of one item under a condition."""
    operation: dict[str, Any] = {
        "TableName": table,
        "Key": to_wire(key),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if values:
        operation["ExpressionAttributeValues"] = to_wire(values)
    if names:
        operation["ExpressionAttributeNames"] = dict(names)
    return {"Update": operation}


def require(
    table: str,
    key: Mapping[str, str],
    condition: str,
    *,
    values: Mapping[str, Any],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """A check of one item's condition, that writes nothing; only beside other operations."""
    check: dict[str, Any] = {
        "TableName": table,
        "Key": to_wire(key),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": to_wire(values),
        "ExpressionAttributeNames": dict(names),
    }
    return {"ConditionCheck": check}


def write(operations: Sequence[dict[str, Any]], *, decided_on_reads: bool = False) -> None:
    """Does all operations or none; raises ConditionFailedError if a condition did not hold.

    One operation is written plainly, at half the price of a transaction of one. With
    `decided_on_reads` a conflict is raised too, as no failed condition in particular: whoever
    writes those items now makes the reads old, so the same write again would be in vain.
    """
    for attempt in attempts():
        try:
            _send(operations)
        except ClientError as error:
            failed = failed_conditions(error)
            if failed is None and decided_on_reads and _is_conflict(error):
                failed = {}
            if failed is not None:
                raise ConditionFailedError(failed) from error
            if attempt == ATTEMPTS_MAX or not is_transient(error):
                raise
        else:
            return


def attempts() -> Iterator[int]:
    """Numbers the tries from 1 to ATTEMPTS_MAX, with a longer random pause before each next one."""
    yield 1
    for attempt in range(2, ATTEMPTS_MAX + 1):
        time.sleep(random.uniform(0, min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**attempt)))
        yield attempt


def _send(operations: Sequence[dict[str, Any]]) -> None:
    if len(operations) > 1:
        client.transact_write_items(TransactItems=cast("Any", operations))
        return
    for kind, operation in operations[0].items():
        if kind == "Put":
            client.put_item(**operation)
        else:
            client.update_item(**operation)


def failed_conditions(error: ClientError) -> dict[int, Item | None] | None:
    """The stored item at each failed condition; None unless conditions alone were the reason."""
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return {0: _stored(error.response)}
    if code != "TransactionCanceledException":
        return None
    reasons = error.response["CancellationReasons"]
    if any(_code(reason) not in {None, _CONDITION} for reason in reasons):
        return None
    return {
        position: _stored(reason)
        for position, reason in enumerate(reasons)
        if _code(reason) == _CONDITION
    }


def is_transient(error: ClientError) -> bool:
    """Whether trying again may help: conflicts and throttles, also beside failed conditions."""
    code = error.response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return code in _RETRIED_ERRORS
    codes = {_code(reason) for reason in error.response["CancellationReasons"]}
    return codes <= {None, _CONDITION, *_RETRIED_REASONS}


def _is_conflict(error: ClientError) -> bool:
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return error.response["Error"]["Code"] == _CONFLICT_ERROR
    return {_code(each) for each in error.response["CancellationReasons"]} <= {
        None,
        _CONDITION,
        _CONFLICT,
    }


def _code(reason: Mapping[str, Any]) -> str | None:
    code = reason.get("Code")
    return None if code == "None" else code


def _stored(answer: Mapping[str, Any]) -> Item | None:
    item = answer.get("Item")
    return from_wire(item) if item else None
