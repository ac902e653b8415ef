"""A random network is restored to any moment of its past: nothing is paid twice, nothing is lost.

The tables go back; the bucket, the queue, the bank and the vendors do not. What is done then is
what docs/operating.md says under "Restoring".
"""

from collections import Counter
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from linkage.domain.errors import ConflictError
from linkage.domain.payouts.payout_file import read
from linkage.domain.payouts.payouts import Batch
from linkage.domain.payouts.requests import Result
from linkage.flow.payouts import planning, settling
from linkage.tables import payout_batches, settings
from tests.domain.examples import operator
from tests.faults.standin import Saved
from tests.flow_units.network import (
    EMP,
    SETTINGS,
    CrashError,
    Network,
    Writes,
    put_members,
    table,
)
from tests.flow_units.restoring import (
    book_again,
    bucket,
    fill,
    findings,
    missing,
    moments,
    refusal_of_a_plan,
    restore,
)

SEEDS = range(12)
POINTS = 10
STEPS = 45
AFFILIATES = ("mem_ann", "mem_emp", "mem_spo")


@dataclass
class Outside:
    """What no restore takes back: what vendors sold, and what the bank was given and did."""

    network: Network
    random: Random
    sales: dict[str, tuple[str, int]] = field(default_factory=dict)
    refunds: list[tuple[str, str, int]] = field(default_factory=list)
    bank: dict[str, list[Result]] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    made: int = 0

    def copied(self) -> "Outside":
        """The same, to be gone on with in its own way."""
        kept = {name: copy(getattr(self, name)) for name in ("sales", "refunds", "bank", "paid")}
        return replace(self, random=Random(self.random.random()), **kept)

    def act(self) -> None:
        """One thing at random that somebody does."""
        acts = {
            self.sell: 6,
            self.refund: 2,
            self.network.deliver_facts: 6,
            self.plan: 3,
            self.network.deliver_work: 4,
            self.approve: 3,
            self.cancel: 1,
            self.network.deliver_approvals: 4,
            self.answer: 3,
            self.wait: 3,
            planning.tick: 2,
        }
        self.random.choices(list(acts), list(acts.values()))[0]()

    def number(self) -> str:
        self.made += 1
        return str(self.made)

    def sell(self) -> None:
        name = f"o-{self.number()}"
        self.sales[name] = (self.random.choice(AFFILIATES), self.random.randint(2_000, 90_000))
        self.tell(name)

    def tell(self, name: str) -> None:
        affiliate_id, amount_minor = self.sales[name]
        self.network.report(name, amount_minor, affiliate_id=affiliate_id)

    def refund(self) -> None:
        told = {name for name, _, _ in self.refunds}
        # Of one affiliate's sales alone: for all others what is paid is exactly what is earned.
        left = {name for name, (who, _) in self.sales.items() if who == "mem_spo"} - told
        if left:
            name = self.random.choice(sorted(left))
            part = self.random.randint(1, self.sales[name][1])
            self.refunds.append((name, f"r-{self.number()}", part))
            self.give_back(*self.refunds[-1])

    def give_back(self, name: str, refund: str, amount_minor: int) -> None:
        affiliate_id, sold_minor = self.sales[name]
        sold = self.network.report(name, sold_minor, affiliate_id=affiliate_id)
        self.network.refund(sold, refund, amount_minor)

    def plan(self) -> None:
        self.network.start_batch(f"bat_{self.number()}")

    def wait(self) -> None:
        self.network.pass_time(hours=self.random.choice((1, 20, 50)))

    def _of(self, *statuses: str) -> list[Batch]:
        return [
            each for each in payout_batches.list_batches(100, None).data if each.status in statuses
        ]

    def approve(self) -> None:
        for batch in self._of("planned")[:1]:
            planning.approve(batch.batch_id, operator("key_2"))

    def cancel(self) -> None:
        for batch in self._of("planned")[:1]:
            planning.cancel(batch.batch_id, operator("key_2"))

    def answer(self) -> None:
        """Hands on each file that nobody has handed on yet, and enters what the bank says."""
        for batch in self._of("exported", "settled"):
            self.hand_on(batch.batch_id)
            settling.settle(batch.batch_id, self.bank[batch.batch_id], operator("key_2"))

    def hand_on(self, batch_id: str) -> None:
        """The bank pays a file it is given, a row in eight not, and keeps its answer."""
        if batch_id in self.bank:
            return
        content = self.network.files()[f"payouts/{batch_id}.csv"].encode()
        results = []
        for payout in read(content, batch_id, ""):
            status = "failed" if self.random.random() < 1 / 8 else "paid"
            results.append(Result("", payout.payout_id, status, None, None))
            if status == "paid":
                self.paid[payout.affiliate_id] += payout.amount_minor
        self.bank[batch_id] = results

    def tell_all_again(self) -> None:
        """Vendors send again all that they ever sent: what is known changes nothing."""
        for name in self.sales:
            self.tell(name)
        for refund in self.refunds:
            self.give_back(*refund)
        self.network.deliver_facts()

    def finish(self) -> None:
        """All is told, all is paid, until nothing is due."""
        self.tell_all_again()
        for _ in range(12):
            self.network.deliver_work()
            for batch in self._of("planned"):
                with suppress(ConflictError):
                    planning.approve(batch.batch_id, operator("key_2"))
                    continue
                planning.cancel(batch.batch_id, operator("key_2"))
            planning.tick()
            self.network.deliver_work()
            self.network.deliver_approvals()
            self.answer()
            self.network.pass_time(days=1)
            self.network.start_batch(f"bat_{self.number()}")
            self.network.deliver_work()
            if not any(each.count for each in self._of("planning", "planned", "approved")):
                return
        raise AssertionError("it never comes to an end")


def earned(*kinds: str) -> Counter[str]:
    """What lines of these kinds come to for each affiliate; of all, what was earned and stands."""
    sums: Counter[str] = Counter()
    for item in table("ledger"):
        if item["line"].startswith("line#") and item["kind"] in (
            kinds or ("commission", "clawback")
        ):
            sums[item["account"].removeprefix("affiliate:")] += item["amount_minor"]
    return sums


def owed() -> dict[str, int]:
    """Every balance that is not 0."""
    return {
        item["account"].removeprefix("affiliate:"): item["balance_minor"]
        for item in table("ledger")
        if item["line"].startswith("balance#") and item["balance_minor"]
    }


def follow_the_handbook(outside: Outside) -> set[str]:
    """What is to be done once the tables are back; the batches that had to be booked again."""
    network, random = outside.network, outside.random
    network.deliver_facts()
    lost = set(missing())
    said = [each for each in findings(network) if each.startswith("I28")]
    assert {each.split()[1].rstrip(":") for each in said} == lost
    assert (refusal_of_a_plan(network, f"bat_{outside.number()}") is not None) == bool(lost)
    for batch_id in random.sample(sorted(lost), len(lost)):
        with suppress(CrashError), Writes((random.randint(1, 12), "after")).watched():
            book_again(batch_id)
        book_again(batch_id)
    planning.tick()
    network.deliver_work()
    network.deliver_approvals()
    assert findings(network) == []
    outside.answer()
    assert findings(network) == []
    return lost


@pytest.mark.parametrize("seed", SEEDS)
def test_restored_to_ten_moments_of_its_past_nobody_is_paid_twice_and_all_are_paid(
    network: Network, seed: int
) -> None:
    put_members(EMP)
    settings.publish_settings(replace(SETTINGS, version=2, payout_minimum_minor={}))
    outside = Outside(network, Random(seed))
    past: list[Saved] = []
    for _ in range(STEPS):
        past += moments(network, outside.act)
    outside.answer()
    end, files = network.moment, bucket()
    booked = 0
    for saved in outside.random.sample(past, POINTS):
        network.moment = end
        fill(network, files)
        now = outside.copied()
        restore(network, saved)
        booked += len(follow_the_handbook(now))
        now.finish()
        earnings = earned()
        assert owed() == {
            each: earnings[each] - now.paid[each]
            for each in sorted(earnings)
            if earnings[each] != now.paid[each]
        }
        ever = earned("commission")
        for affiliate_id, minor in earnings.items():
            # What was refunded after it was debited is paid all the same, as without a restore.
            assert minor <= now.paid[affiliate_id] <= ever[affiliate_id], affiliate_id
        assert findings(network) == []
        assert {each: bucket()[each] for each in files} == files
    assert booked or len(files) < 2
