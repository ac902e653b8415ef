"""What the product takes for DynamoDB's limits is what the stand-in, and so DynamoDB, enforces."""

from typing import Any

import pytest

from linkage.domain.errors import NotPostableError
from linkage.tables.dynamodb import limits, transactions
from tests.aws_tables import TABLES
from tests.faults.limits import LIMITS, Call

WRITES = {"PutItem": "Put", "UpdateItem": "Update"}
"""The calls that a transaction has as operations."""


def operations_of(call: Call) -> list[dict[str, Any]] | None:
    """What a call would write, as operations; None of a call that is no operation's."""
    name, arguments = call
    if name == "TransactWriteItems":
        return list(arguments["TransactItems"])
    return [{WRITES[name]: arguments}] if name in WRITES else None


MEASURED = [name for name, (most, made, _) in LIMITS.items() if operations_of(made(most))]


@pytest.mark.parametrize("name", MEASURED)
def test_a_limit_can_be_met_and_not_passed(name: str) -> None:
    most, made, _ = LIMITS[name]
    within, beyond = operations_of(made(most)), operations_of(made(most + 1))
    assert within is not None
    assert beyond is not None
    assert name in STRICTER or limits.exceeded(within) is None
    assert limits.exceeded(beyond) is not None
    with pytest.raises(NotPostableError, match="Nothing was changed"):
        limits.require_within(beyond)


STRICTER = {"removals of an update", "additions of an update", "megabytes of values"}
"""Counted stricter here: a list's first word counts too, and the values of conditions as items."""


def test_every_key_a_fact_or_an_entry_is_found_by_is_measured() -> None:
    nouns = ("conversions", "tallies", "customers", "ledger")
    for noun in nouns:
        keys, indexes = TABLES[noun]
        for partition, *sort in (keys, *(index[1:3] for index in indexes)):
            assert partition in limits.PARTITION_KEYS | limits.SORT_KEYS, noun
            assert set(sort) <= limits.SORT_KEYS, noun


def test_a_transaction_without_operations_exceeds_nothing() -> None:
    assert limits.exceeded([]) is None
    assert limits.exceeded(
        [transactions.put_new("ledger", {"account": "a", "line": "b"}, "a")]
    ) is (None)
