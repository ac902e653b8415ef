"""A whole run: actions are chosen and done, everything falls due, and the gain is taken."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from linkage.tables.dynamodb import transactions
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from tests.abuse.actors import Cast
from tests.abuse.gain import Gain, Judge
from tests.abuse.play import Play
from tests.abuse.world import RELEASE, Action, Failed

UNPOSTABLE, AUDIT, BROKEN = "unpostable fact", "finding of the audit", "answer of 5xx"
STUCK = "never confirmed"
LAST_WAITS_H = (24 * 12, 24 * 370)
"""What is waited at the end: for silence and holds, the longest of which is a year."""
SWEEPS_MAX = 20


@dataclass
class Outcome:
    """What a run did, and what was wrong at its end."""

    seed: int
    actions: list[Action]
    failed: list[Failed]
    gain: Gain
    touched: Mapping[str, list[int]]
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def kinds(self) -> set[str]:
        return {each.kind for each in self.failed}

    def lines(self) -> Iterator[str]:
        """The run in words and numbers."""
        pace = len(self.actions) / max(self.seconds, 0.001)
        done = f"{len(self.actions):,} actions, {pace:,.0f} a second of a processor"
        yield f"seed {self.seed}: {done}"
        yield f"  {_counts(self.counts)}"
        yield f"  gained: {_counts(self.gain.minor) or 'nothing'} (minor units)"
        yield f"  apart: {_counts(self.gain.apart) or 'nothing'}"
        for kind in sorted(self.kinds):
            of_kind = [each.detail for each in self.failed if each.kind == kind]
            yield f"  {kind}: {len(of_kind)}, such as {of_kind[0]}"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


class Run:
    """One network played with, from a seed: by chosen actions, or by these and no others."""

    def __init__(self, seed: int, *, honest: bool = False) -> None:
        self.seed, self.honest = seed, honest
        self.play = Play(seed)
        self.done: list[Action] = []

    def chosen(self, count: int) -> Outcome:
        """So many actions, as everybody chooses them."""
        with self.play.network.open():
            began = time.process_time()
            self.play.build()
            cast = Cast(self.play, Random(self.seed), honest=self.honest)
            for _ in range(count):
                self._do(cast.next())
            return self._ended(began)

    def repeated(self, actions: Sequence[Action]) -> Outcome:
        """These actions, whoever would have chosen others meanwhile."""
        with self.play.network.open():
            began = time.process_time()
            self.play.build()
            for action in actions:
                self._do(action)
            return self._ended(began)

    def _do(self, action: Action) -> None:
        self.done.append(action)
        self.play.do(action)

    def _ended(self, began: float) -> Outcome:
        self._finish()
        gain = Judge(self.play).judged()
        play, failed = self.play, [*gain.failed, *self._broken()]
        return Outcome(
            seed=self.seed,
            actions=self.done,
            failed=failed,
            gain=gain,
            touched=play.touched,
            counts=Counter(
                calls=play.answered,
                accepted=play.accepted,
                honest_sales=len(play.truth.sales),
                claims=len(play.fakes),
                payouts=len(play.paid),
                members=len(play.truth.people),
                suspended=len(play.truth.suspended),
                held=len(play.held),
            ),
            seconds=time.process_time() - began,
        )

    def _finish(self) -> None:
        """Everything is said and posted, everything falls due, and a last month ends before."""
        play = self.play
        play.network.stalled = 0
        play.is_over = True
        for hours in LAST_WAITS_H:
            self._settle_down()
            play.month_end()
            play.wait(hours)
        self._settle_down()

    def _settle_down(self) -> None:
        network = self.play.network
        if RELEASE in self.play.later:
            self.play.release()
        for _ in range(SWEEPS_MAX):
            before = network.unposted()
            self.play.wait(1)
            if not network.unposted() or network.unposted() == before:
                return

    def _broken(self) -> Iterator[Failed]:
        """What is wrong whoever gained by it."""
        network = self.play.network
        for found, fact in sorted(network.unposted()):
            yield Failed(UNPOSTABLE, f"{found} {fact} was accepted and cannot be posted", (found,))
        if self.play.stuck:
            yield Failed(STUCK, f"{self.play.stuck} conversions cannot be confirmed by silence")
        yield from (Failed(BROKEN, each) for each in network.failures)
        unposted = {found for found, _ in network.unposted()}
        for finding in self.audited().findings:
            if finding.subject.partition("/")[0] not in unposted:
                yield Failed(AUDIT, str(finding))

    def audited(self) -> Report:
        """The independent audit of everything stored."""
        nouns = {noun: noun for noun in ledger_check.NOUNS}
        stored = ledger_check.read(ledger_check.Tables(transactions.client, nouns))
        return audit(stored, self.play.now)
