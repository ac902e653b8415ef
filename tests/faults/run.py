"""A whole run: facts are accepted and delivered badly, then the ledger is compared to the unit."""

import heapq
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from linkage.domain import clock
from linkage.domain.conversions.conversions import WITHDRAWAL
from linkage.flow.commissions.posting import Posting, post_fact
from linkage.flow.commissions.sweeping import sweep
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.packed import unpacked
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from tests.aws_tables import forget_versions
from tests.faults.expressions import Item
from tests.faults.mischief import Fact, Mischief
from tests.faults.standin import Standin
from tests.faults.store import Key
from tests.faults.trade import PASSING, Trade
from tests.faults.world import World

DELIVERIES = {0: 5, 1: 50, 2: 25, 3: 10, 4: 6, 5: 4}
"""How often a record comes, each with its weight; what never comes is left to the sweeper."""
DELAY_STEPS = 60
SPAN_DAYS = 400
SWEEP_CHANCE = 0.001
DELIVERY_CHANCE, BATCH_MAX = 0.2, 25
"""How often records come, and how many of them at once."""


@dataclass
class Outcome:
    """What a run did and what the auditor says of it."""

    seed: int
    facts: Counter[str]
    met: Counter[str]
    answers: Counter[str]
    report: Report
    reordered_differences: list[Key]
    largest_transaction: int
    kinds: Counter[str]
    models: Counter[str]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def is_right(self) -> bool:
        """Whether the auditor found nothing, and order changed nothing."""
        return not self.report.findings and not self.reordered_differences

    def lines(self) -> Iterator[str]:
        """The run in words and numbers."""
        total = sum(self.facts.values())
        yield f"seed {self.seed}: {total:,} facts accepted ({_counts(self.facts)})"
        yield f"  met: {_counts(self.met)}"
        yield f"  answers: {_counts(self.answers)}"
        yield f"  checked: {_counts(self.report.counts)}"
        yield f"  postings: {_counts(self.kinds)}"
        yield f"  attributed by: {_counts(self.models)}"
        yield f"  largest transaction: {self.largest_transaction} items"
        for currency, totals in sorted(self.report.totals.items()):
            yield (
                f"  {currency}: affiliates are owed {totals.owed_to_affiliates:,}, vendors owe "
                f"{totals.vendors_owe:,}, network fees {totals.network_fees:,} minor units"
            )
        yield f"  seconds: {', '.join(f'{n} {s:.1f}' for n, s in self.seconds.items())}"
        yield (
            f"  {len(self.report.findings)} findings; {len(self.reordered_differences)} items "
            "differ after posting the same facts in another order"
        )


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


@contextmanager
def alone() -> Iterator[None]:
    """Raises the first of several passing failures by itself, as a stream counts a record failed.

    Where one that lives by a sale cannot be taken back, the others are, and all failures are told.
    """
    try:
        yield
    except ExceptionGroup as group:
        passing, others = group.split(PASSING)
        if others is not None or passing is None:
            raise
        first: BaseException = passing
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group


class Run:
    """A network and its trade, as wild as the seed makes them."""

    def __init__(self, seed: int, facts: int, **size: int) -> None:
        self.seed, self.wanted = seed, facts
        self.random = Random(seed)
        self.standin, self.mischief = Standin(), Mischief(self.random, self._meddle)
        self.world = World(self.random, **size)
        self.trade = Trade(self.world, self.mischief, SPAN_DAYS * 86_400 / max(facts, 5_000))
        self.steps = self.sequence = 0
        self.due: list[tuple[int, int, Fact]] = []
        self.posting: Fact | None = None
        self.meddling = False
        self.seconds: dict[str, float] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """The network on its own DynamoDB, under its own clock."""
        forget_versions()
        with (
            self.standin.serving(self.mischief.around),
            patch.object(clock, "now", lambda: self.world.moment),
            patch("time.sleep"),
        ):
            yield
        forget_versions()

    def play(self) -> Outcome:
        """Trades until the facts are accepted, posts them all, and audits."""
        with self.open():
            self._timed("trade", self.trade_until_done)
            self._timed("sweep", self.finish)
            report = self._timed("audit", self.audited)
            differences = self._timed("posting in another order", self.reordered)
        return Outcome(
            seed=self.seed,
            facts=self.mischief.facts,
            met=self.mischief.met,
            answers=self.trade.answers,
            report=report,
            reordered_differences=differences,
            largest_transaction=self.mischief.largest,
            kinds=self._kinds(),
            models=self._models(),
            seconds=self.seconds,
        )

    def _timed[T](self, what: str, work: Any) -> Any:
        began = time.perf_counter()
        result = work()
        self.seconds[what] = time.perf_counter() - began
        return result

    def trade_until_done(self) -> None:
        """Builds the network, and trades and delivers until enough facts are accepted."""
        self.world.build()
        self.mischief.active = True
        while sum(self.mischief.facts.values()) < self.wanted:
            self.trade.step()
            self.steps += 1
            self._stream()
            self._deliver(self.steps)
        self.mischief.active = False

    # ---- delivery

    def _stream(self) -> None:
        """Each new record is to be delivered up to five times, at any later step, or never."""
        for fact in self.mischief.stream:
            times = self.random.choices(list(DELIVERIES), list(DELIVERIES.values()))[0]
            self.mischief.met["never delivered"] += times == 0
            for _ in range(times):
                self._later(fact)
        self.mischief.stream.clear()

    def _later(self, fact: Fact) -> None:
        delay, self.sequence = int(self.random.expovariate(1 / DELAY_STEPS)), self.sequence + 1
        heapq.heappush(self.due, (self.steps + delay, self.sequence, fact))

    def _deliver(self, until: float) -> None:
        if self.random.random() < DELIVERY_CHANCE:
            while facts := self._next_batch(until):
                self._deliver_batch(facts)
        if self.random.random() < SWEEP_CHANCE:
            try:
                self.mischief.met["swept"] += sum(1 for _ in sweep(self.world.moment))
            except PASSING:
                self.mischief.met["sweeps that died"] += 1

    def _next_batch(self, until: float) -> list[Fact]:
        facts: list[Fact] = []
        while self.due and self.due[0][0] <= until and len(facts) < BATCH_MAX:
            facts.append(heapq.heappop(self.due)[2])
        return facts

    def _deliver_batch(self, facts: list[Fact]) -> None:
        """What cannot be read fails as a whole; what cannot be posted, alone."""
        again: list[Fact] = []
        try:
            batch = Posting(facts)
        except PASSING:
            again += facts
        else:
            for fact in facts:
                try:
                    self._post(batch, fact)
                except PASSING:
                    again.append(fact)
        for fact in again:
            self.mischief.met["delivered again after a failure"] += 1
            self._later(fact)

    def _post(self, batch: Posting, fact: Fact) -> None:
        self.posting = fact
        self.mischief.met["deliveries"] += 1
        try:
            with alone():
                posted = batch.post(*fact)
        finally:
            self.posting = None
        self.mischief.met["deliveries that posted"] += posted

    def _meddle(self) -> None:
        """Somebody else is quicker: posts the same fact, or has another one accepted."""
        if self.meddling:
            return
        self.meddling = True
        try:
            if self.posting and self.random.random() < 0.5:
                with alone():
                    post_fact(*self.posting)
            else:
                self.trade.meddle()
        except PASSING:
            self.mischief.met["meddlers that died"] += 1
        finally:
            self.meddling = False

    def finish(self) -> None:
        """Sweeps what was never delivered; what is delivered later still must change nothing.

        A refund that is swept may take a commission back, which the next sweep posts.
        """
        self._stream()
        found = True
        while found:
            self.world.moment += timedelta(hours=1)
            found = False
            for swept in sweep(self.world.moment):
                assert swept.error is None, f"{swept} cannot be posted"
                self.mischief.met["swept"] += 1
                found = True
        for _, _, fact in self.due:
            assert not post_fact(*fact), f"{fact} was not posted by the sweep"
            self.mischief.met["delivered after the sweep"] += 1
        self.due.clear()

    # ---- the truth

    def audited(self) -> Report:
        """The independent audit of everything stored, when everything must be posted."""
        report = self.report(self.world.moment)
        assert not report.in_flight, f"not posted: {report.in_flight[:5]}"
        return report

    def report(self, now: datetime) -> Report:
        """The audit while facts are on their way; `now` decides since when they are too long."""
        tables = ledger_check.Tables(
            transactions.client, {noun: noun for noun in ledger_check.NOUNS}
        )
        return audit(ledger_check.read(tables), now)

    def reordered(self) -> list[Key]:
        """The keys of ledger items that another order of posting makes otherwise."""
        ledger = self.standin.tables["ledger"]
        before = _by_key(ledger.items())
        ledger.clear()
        facts = self._postable()
        self.random.shuffle(facts)
        for fact in facts:
            post_fact(*fact)
        after = _by_key(ledger.items())
        return [key for key in sorted(before | after) if before.get(key) != after.get(key)]

    def _postable(self) -> list[Fact]:
        return sorted(
            (item["conversion_id"]["S"], item["fact"]["S"])
            for item in self.standin.tables["conversions"].items()
            if "seen" in _content(item)
            or _content(item).get("posts")
            or item["fact"]["S"] == WITHDRAWAL
        )

    def _kinds(self) -> Counter[str]:
        """How many postings there are of each kind, overrides by their level."""
        return Counter(
            f"{posting['kind']} {posting['level'] or ''}".rstrip()
            for item in self.standin.tables["ledger"].items()
            for posting in _content(item).get("postings", ())
        )

    def _models(self) -> Counter[str]:
        """How many conversions each way of attribution has won."""
        return Counter(
            str(_content(item)["attribution"]["model"])
            for item in self.standin.tables["conversions"].items()
            if "attribution" in _content(item)
        )

    def said_of(self, conversion_id: str) -> str:
        """All that is stored of a conversion, for whoever has to find out what went wrong."""
        facts = self.standin.tables["conversions"].partitions.get(conversion_id, {})
        heads = [
            item
            for account, items in self.standin.tables["ledger"].partitions.items()
            if account.startswith(f"transaction:{conversion_id}")
            for item in items.values()
        ]
        stored = [_spread(item) for item in (*facts.values(), *heads)]
        return json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False)


def _by_key(items: Iterable[Item]) -> dict[Key, Item]:
    return {(item["account"]["S"], item["line"]["S"]): item for item in items}


def _spread(item: Item) -> dict[str, Any]:
    own = {name: value for name, value in item.items() if name != "content"}
    return transactions.from_wire(own) | _content(item)


def _content(item: Item) -> dict[str, Any]:
    """What a fact or a head has packed."""
    content: dict[str, Any] = unpacked(item["content"]["B"]) if "content" in item else {}
    return content
