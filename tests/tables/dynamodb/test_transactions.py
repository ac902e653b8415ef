import heapq
import random
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from linkage.domain.errors import ConditionFailedError
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.transactions import ATTEMPTS_MAX, attempts

STORED = {"account": {"S": "transaction:t"}, "amount_minor": {"N": "5"}}
FAILED = {"Code": "ConditionalCheckFailed", "Item": STORED}
BARE = {"Code": "ConditionalCheckFailed"}
NONE = {"Code": "None"}
CONFLICT = {"Code": "TransactionConflict"}
INVALID = {"Code": "ValidationError"}


def cancelled(*reasons: dict[str, Any]) -> ClientError:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": list(reasons),
    }
    return ClientError(answer, "TransactWriteItems")


def error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, **more}, "PutItem")


READ_AS = [
    pytest.param(cancelled(FAILED), {0}, False, id="one condition"),
    pytest.param(cancelled(NONE, FAILED, NONE), {1}, False, id="one of three conditions"),
    pytest.param(cancelled(FAILED, BARE), {0, 1}, False, id="two conditions"),
    pytest.param(cancelled({}, FAILED), {1}, False, id="a reason without a code"),
    pytest.param(cancelled(CONFLICT), None, True, id="a conflict"),
    pytest.param(cancelled(NONE, CONFLICT), None, True, id="a conflict beside nothing"),
    pytest.param(cancelled(FAILED, CONFLICT), None, True, id="a conflict hides the condition"),
    pytest.param(cancelled({"Code": "ThrottlingError"}), None, True, id="a throttled transaction"),
    pytest.param(
        cancelled(FAILED, {"Code": "ProvisionedThroughputExceeded"}), None, True, id="both"
    ),
    pytest.param(cancelled({"Code": "RequestLimitExceeded"}), None, True, id="over the limit"),
    pytest.param(cancelled(INVALID), None, False, id="an invalid item"),
    pytest.param(cancelled(FAILED, INVALID), None, False, id="a condition beside an invalid item"),
    pytest.param(cancelled(CONFLICT, INVALID), None, False, id="a conflict beside an invalid item"),
    pytest.param(
        cancelled({"Code": "ItemCollectionSizeLimitExceeded"}), None, False, id="too much"
    ),
    pytest.param(
        error("ConditionalCheckFailedException", Item=STORED), {0}, False, id="a plain condition"
    ),
    pytest.param(error("TransactionConflictException"), None, True, id="a plain write's conflict"),
    pytest.param(error("TransactionInProgressException"), None, True, id="in progress"),
    pytest.param(error("ThrottlingException"), None, True, id="throttled"),
    pytest.param(error("ProvisionedThroughputExceededException"), None, True, id="throughput"),
    pytest.param(error("RequestLimitExceeded"), None, True, id="limit"),
    pytest.param(error("InternalServerError"), None, True, id="their error"),
    pytest.param(error("ValidationException"), None, False, id="our error"),
    pytest.param(error("AccessDeniedException"), None, False, id="not allowed"),
    pytest.param(error("ResourceNotFoundException"), None, False, id="no such table"),
    pytest.param(error("IdempotentParameterMismatchException"), None, False, id="token reused"),
]


@pytest.mark.parametrize(("raised", "positions", "transient"), READ_AS)
def test_a_refusal_is_a_condition_or_transient_or_an_error(
    raised: ClientError, positions: set[int] | None, transient: bool
) -> None:
    failed = transactions.failed_conditions(raised)
    assert (set(failed) if failed is not None else None) == positions
    if positions is None:
        assert transactions.is_transient(raised) is transient


def test_a_failed_condition_shows_what_is_stored() -> None:
    failed = transactions.failed_conditions(cancelled(NONE, FAILED, BARE))
    assert failed == {1: {"account": "transaction:t", "amount_minor": 5}, 2: None}


class FakeClient:
    """Answers each write with the next of `answers`, and success once they are used up."""

    def __init__(self, *answers: ClientError) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    def _answer(self, name: str) -> None:
        self.calls.append(name)
        if self.answers:
            raise self.answers.pop(0)

    def transact_write_items(self, **_: Any) -> None:
        self._answer("transaction")

    def put_item(self, **_: Any) -> None:
        self._answer("put")

    def update_item(self, **_: Any) -> None:
        self._answer("update")


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    """The pauses asked for, none of which is made."""
    with patch.object(transactions.time, "sleep") as sleep:
        made: list[float] = []
        sleep.side_effect = made.append
        yield made


PUT = transactions.put_new("ledger", {"account": "a", "line": "head"}, "account")
UPDATE = transactions.update("ledger", {"account": "a"}, "SET x = :x", condition="y", values={})


def written(fake: FakeClient, *operations: dict[str, Any]) -> None:
    with patch.object(transactions, "client", fake):
        transactions.write(operations)


@pytest.mark.parametrize(
    ("operations", "call"),
    [([PUT, UPDATE], "transaction"), ([PUT], "put"), ([UPDATE], "update")],
)
def test_several_operations_are_one_transaction_and_one_is_written_plainly(
    operations: list[dict[str, Any]], call: str, pauses: list[float]
) -> None:
    fake = FakeClient()
    written(fake, *operations)
    assert (fake.calls, pauses) == ([call], [])


@pytest.mark.parametrize(
    "refusal",
    [cancelled(CONFLICT), cancelled(FAILED, CONFLICT), error("ThrottlingException")],
    ids=["conflict", "conflict beside a condition", "throttle"],
)
def test_a_conflict_is_tried_again_until_it_is_over(
    refusal: ClientError, pauses: list[float]
) -> None:
    fake = FakeClient(refusal, refusal, refusal)
    written(fake, PUT, UPDATE)
    assert (len(fake.calls), len(pauses)) == (4, 3)


def test_conflicts_without_an_end_are_raised_after_bounded_tries(pauses: list[float]) -> None:
    fake = FakeClient(*[cancelled(CONFLICT)] * 99)
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        written(fake, PUT, UPDATE)
    assert (len(fake.calls), len(pauses)) == (ATTEMPTS_MAX, ATTEMPTS_MAX - 1)
    assert all(0 <= pause <= 1 for pause in pauses)


@pytest.mark.parametrize(
    "refusal",
    [cancelled(CONFLICT), cancelled(FAILED, CONFLICT), error("TransactionConflictException")],
)
def test_what_was_decided_on_reads_is_decided_anew_after_a_conflict(
    refusal: ClientError, pauses: list[float]
) -> None:
    fake = FakeClient(refusal)
    with patch.object(transactions, "client", fake), pytest.raises(ConditionFailedError):
        transactions.write([PUT, UPDATE], decided_on_reads=True)
    assert (len(fake.calls), pauses) == (1, [])


def test_what_was_decided_on_reads_waits_for_a_throttle_to_end(pauses: list[float]) -> None:
    fake = FakeClient(cancelled(CONFLICT, {"Code": "ThrottlingError"}))
    with patch.object(transactions, "client", fake):
        transactions.write([PUT, UPDATE], decided_on_reads=True)
    assert (len(fake.calls), len(pauses)) == (2, 1)


@pytest.mark.parametrize("seed", range(20))
def test_fifty_who_change_one_item_at_once_all_come_through(seed: int, pauses: list[float]) -> None:
    """Each reads the item and writes it about 60 ms later if it is still that: slow, as when cold.

    Time is counted, not passed: the pauses asked for say when each one comes back.
    """
    chance = random.Random(seed)
    tries = [attempts() for _ in range(50)]
    moments: list[tuple[float, int, int | None]] = []
    version = 0

    def begin(number: int, now: float) -> None:
        pauses.clear()
        assert next(tries[number], None) is not None, f"gave up after {ATTEMPTS_MAX} attempts"
        heapq.heappush(moments, (now + sum(pauses), number, None))

    with patch.object(transactions.random, "uniform", chance.uniform):
        for number in range(50):
            begin(number, chance.uniform(0, 0.05))
        while moments:
            now, number, read = heapq.heappop(moments)
            if read is None:
                heapq.heappush(moments, (now + chance.uniform(0.04, 0.08), number, version))
            elif read == version:
                version += 1
            else:
                begin(number, now)
    assert version == 50


@pytest.mark.parametrize("refusal", [cancelled(NONE, FAILED), cancelled(BARE, FAILED)])
def test_a_failed_condition_is_an_answer_and_never_tried_again(
    refusal: ClientError, pauses: list[float]
) -> None:
    fake = FakeClient(refusal)
    with pytest.raises(ConditionFailedError) as failed:
        written(fake, PUT, UPDATE)
    assert failed.value.items[1] == {"account": "transaction:t", "amount_minor": 5}
    assert (len(fake.calls), pauses) == (1, [])


def test_a_condition_behind_a_conflict_comes_out_once_the_conflict_is_over(
    pauses: list[float],
) -> None:
    fake = FakeClient(cancelled(FAILED, CONFLICT), cancelled(FAILED, NONE))
    with pytest.raises(ConditionFailedError):
        written(fake, PUT, UPDATE)
    assert (len(fake.calls), len(pauses)) == (2, 1)


@pytest.mark.parametrize(
    "refusal",
    [cancelled(FAILED, INVALID), cancelled(CONFLICT, INVALID), error("ValidationException")],
)
def test_an_error_of_ours_is_raised_at_once(refusal: ClientError, pauses: list[float]) -> None:
    fake = FakeClient(refusal)
    with pytest.raises(ClientError):
        written(fake, PUT, UPDATE)
    assert (len(fake.calls), pauses) == (1, [])


def test_an_item_comes_back_as_it_was_written() -> None:
    item = {
        "text": "é",
        "empty": "",
        "whole": 10**12,
        "yes": True,
        "list": ["a", {"b": 1, "c": None}],
        "map": {"2026-11-21": -5},
    }
    assert transactions.from_wire(transactions.to_wire({**item, "absent": None})) == item


def test_a_tuple_is_stored_as_a_list() -> None:
    assert transactions.to_wire({"a": ("x", (1,))})["a"] == {"L": [{"S": "x"}, {"L": [{"N": "1"}]}]}
