"""What goes wrong around the calls to DynamoDB: crashes, conflicts, throttles, and others' writes.

It also watches: every fact that is accepted is counted, and each that has to be posted goes onto
the stream, as DynamoDB's own stream would carry it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.standin import RefusedError, cancelled

WRITES = frozenset({"PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"})
CRASH_CHANCE, CONFLICT_CHANCE, THROTTLE_CHANCE, FAILURE_CHANCE = 0.01, 0.01, 0.002, 0.003
MEDDLE_CHANCE, UNREAD_CHANCE = 0.06, 0.01

type Fact = tuple[str, str]
type Go = Callable[[], Any]


class CrashError(BaseException):
    """The process died, so nothing in it can catch this."""


@dataclass
class Mischief:
    """Stands around each call; `meddle` does something else whole, between a read and a write."""

    random: Random
    meddle: Callable[[], None] = lambda: None
    active: bool = False
    stream: list[Fact] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    largest: int = 0

    @contextmanager
    def calm(self) -> Iterator[None]:
        """Nothing goes wrong meanwhile."""
        was, self.active = self.active, False
        try:
            yield
        finally:
            self.active = was

    def around(self, operation: str, arguments: Mapping[str, Any], go: Go) -> Any:
        """Does the call, or what goes wrong instead, before or after it."""
        if self.active:
            self._before(operation, arguments)
        after = self._after(operation) if self.active else None
        try:
            answer = go()
            if self.active and operation == "BatchGetItem":
                self._leave_some(arguments["RequestItems"], answer)
            self._watch(operation, arguments)
        finally:
            if after:  # also when DynamoDB refused it
                raise after
        return answer

    def _happens(self, what: str, chance: float) -> bool:
        happens = self.random.random() < chance
        self.met[what] += happens
        return happens

    def _before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        if self._happens("throttle", THROTTLE_CHANCE):
            raise RefusedError("ThrottlingException", "Slow down")
        if operation not in WRITES:
            return
        if self._happens("crash before a write", CRASH_CHANCE):
            raise CrashError(f"before {operation}")
        if operation == "TransactWriteItems":
            if self._happens("meddling before a transaction", MEDDLE_CHANCE):
                self.meddle()
            if self._happens("transaction conflict", CONFLICT_CHANCE):
                raise cancelled(self._conflict(len(arguments["TransactItems"])))

    def _leave_some(self, wanted: Mapping[str, Any], answer: dict[str, Any]) -> None:
        """Answers a batch of reads in part, as DynamoDB may."""
        if not self._happens("items left unread", UNREAD_CHANCE):
            return
        if answer["UnprocessedKeys"]:
            return
        table = self.random.choice(sorted(wanted))
        keys = wanted[table]["Keys"]
        left = keys[self.random.randrange(len(keys)) :]
        answer["UnprocessedKeys"] = {table: {**wanted[table], "Keys": left}}
        answer["Responses"][table] = [
            item
            for item in answer["Responses"][table]
            if not any(key.items() <= item.items() for key in left)
        ]

    def _conflict(self, count: int) -> list[dict[str, Any]]:
        reasons: list[dict[str, Any]] = [{"Code": "None"} for _ in range(count)]
        why = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
        reasons[self.random.randrange(count)] = why
        return reasons

    def _after(self, operation: str) -> Exception | None:
        if operation not in WRITES:
            return None
        if self._happens("crash after a write", CRASH_CHANCE):
            return CrashError(f"after {operation}")
        if self._happens("done, but answered with a failure", FAILURE_CHANCE):
            return RefusedError("InternalServerError", "Nobody knows whether it was done")
        return None

    def _watch(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Counts the facts a write has accepted; those to be posted go onto the stream."""
        if operation == "PutItem":
            puts: list[Any] = [arguments]
        elif operation == "TransactWriteItems":
            self.largest = max(self.largest, len(arguments["TransactItems"]))
            puts = [each["Put"] for each in arguments["TransactItems"] if "Put" in each]
        else:
            return
        for put in puts:
            if put["TableName"] == "conversions":
                item = put["Item"]
                fact = item["fact"]["S"]
                if fact.startswith("~"):
                    continue  # what is remembered with a fact is none
                self.facts[fact.partition("#")[0]] += 1
                if "unposted" in item:
                    self.stream.append((item["conversion_id"]["S"], fact))
            elif put["TableName"] == "ledger":
                self.met["balance put whole"] += put["Item"]["line"]["S"].startswith("balance#")
