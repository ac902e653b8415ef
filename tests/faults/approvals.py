"""Batches against whoever holds, releases and takes out payouts, suspends payees and changes where
they are paid, approves, cancels and exports: all at once, a call at a time.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import moto  # noqa: F401, it hooks into botocore, so before any client is made

from linkage.domain import clock
from linkage.domain.errors import ConflictError
from linkage.domain.payouts.payouts import Payout
from linkage.domain.payouts.requests import Result
from linkage.domain.people.members import Member
from linkage.domain.people.proposals import Asked
from linkage.flow.payouts import debiting, exporting, holding_payouts, planning, settling
from linkage.flow.people import changing_members, proposing
from linkage.tables import members, payout_batches, payout_items, payouts
from linkage.tables.dynamodb import transactions
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from tests.domain.examples import operator
from tests.faults.turns import at_once
from tests.flow_units.network import small_network

PAYEES = ("mem_ann", "mem_spo", "mem_top")
ACTS_MAX, DELAY_MAX = 8, 5
SALE_MINOR = 100_000


class Approvals:
    """One network, and batch after batch in it."""

    def __init__(self, seed: int) -> None:
        self.random, self.met = Random(seed), Counter[str]()
        self.wrong: list[str] = []
        self.earned_minor = self.paid_minor = 0
        self._batch, self._sealed = "", set[str]()

    @contextmanager
    def open(self) -> Iterator[None]:
        """The network on its own DynamoDB, under its own clock."""
        with small_network() as self.network:
            yield

    def play(self, batches: int) -> None:
        """So many batches, each raced, then brought to its end."""
        for number in range(batches):
            self._batch, self._sealed = f"bat_{number}", set()
            self.network.pass_time(hours=self.random.choice((1, 13, 30, 80)))
            self._earn(number)
            self.network.start_batch(self._batch)
            if self.random.random() < 0.8:
                self.network.deliver_work()
                if self.random.random() < 0.6:
                    planning.approve(self._batch, operator("key_2"))
            self._race()
            self._finish()

    def _earn(self, number: int) -> None:
        """A sale; who is suspended earns nothing by it."""
        before_minor = self.owed_minor()
        self.network.report(f"o-{number}", SALE_MINOR)
        self.network.deliver_facts()
        self.earned_minor += self.owed_minor() - before_minor

    # ---- all at once

    def _race(self) -> None:
        acts: list[tuple[str, Callable[[], Any]]] = [
            (name, self._act(name))
            for name in self.random.choices(
                list(ODDS), list(ODDS.values()), k=self.random.randint(3, ACTS_MAX)
            )
        ]
        failed = at_once(self.random, [act for _, act in acts], after_each=self._look)
        for (name, _), error in zip(acts, failed, strict=True):
            if error is None:
                self.met[name] += 1
            elif isinstance(error, ConflictError):
                self.met[f"{name} refused: {error.code}"] += 1
            else:
                raise error

    def _act(self, name: str) -> Callable[[], Any]:
        payee = self.random.choice(PAYEES)
        status = self.random.choice(("suspended", "suspended", "approved"))
        phone = f"+26377{self.random.randint(1_000_000, 9_999_999)}"
        acts: dict[str, Callable[[], Any]] = {
            "hold": lambda: self._decide(holding_payouts.hold, payee, "odd", operator("key_3")),
            "release": lambda: self._decide(holding_payouts.release, payee, operator("key_4")),
            "removal": lambda: self._decide(holding_payouts.remove, payee, "no", operator("key_3")),
            "approval": lambda: planning.approve(self._batch, operator("key_2")),
            "cancellation": lambda: planning.cancel(self._batch, operator("key_3")),
            "debit": lambda: debiting.debit_page(self._batch, 1),
            "export": self._deliver_approval,
            "standing": lambda: change_status(payee, status),
            "method": lambda: change_method(payee, {"type": "mobile_money", "phone": phone}),
        }
        return acts[name]

    def _decide(self, decide: Callable[..., Payout], payee: str, *of: Any) -> None:
        for payout in list(payouts.batch_payouts(self._batch)):
            if payout.affiliate_id == payee:
                decide(self._batch, payout.payout_id, *of)

    def _deliver_approval(self) -> None:
        """The stream brings an approval: perhaps again, perhaps while the first is under way."""
        for _ in range(DELAY_MAX):
            if payout_batches.get_batch(self._batch).status == "approved":
                exporting.export(self._batch)
                break

    def _look(self) -> None:
        """Whoever became `sent` by the last call was to be paid at that very moment."""
        tables = self.network.standin.tables
        for item in tables["payouts"].partitions.get(self._batch, {}).values():
            if not item["item"]["S"].startswith("payout#") or item["status"]["S"] != "sent":
                continue
            payout_id = item["payout_id"]["S"]
            if payout_id in self._sealed:
                continue
            self._sealed.add(payout_id)
            payee = members._member(
                members.MemberItem.from_raw_data(
                    tables["members"].partitions[item["affiliate_id"]["S"]][""]
                )
            )
            payout = payouts._payout(payout_items.PayoutItem.from_raw_data(item))
            if why := not_to_be_paid(payout, payee, self.network.moment.isoformat()):
                self.wrong.append(f"{self._batch}: {payout_id} was sealed, {why}")

    # ---- to its end

    def _finish(self) -> None:
        """What is left of the batch is done, and what is to be paid is paid or fails."""
        self.network.deliver_work()
        planning.tick()
        self.network.deliver_work()
        if payout_batches.get_batch(self._batch).status == "planned":
            planning.approve(self._batch, operator("key_2"))
        self.network.deliver_approvals()
        batch = payout_batches.get_batch(self._batch)
        self.met[f"batch {batch.status}"] += 1
        if batch.status == "exported":
            self._settle()
        for payee in PAYEES:
            if self.random.random() < 0.9:
                change_status(payee, "approved")
        if payout_batches.get_batch(self._batch).status not in {"settled", "cancelled"}:
            self.wrong.append(f"{self._batch} ended as {batch.status}")

    def _settle(self) -> None:
        """The bank pays what stands in the file, each row once, and nothing else."""
        rows = list(csv.DictReader(io.StringIO(self.network.files()[file_of(self._batch)])))
        results = []
        for row in rows:
            status = "failed" if self.random.random() < 0.1 else "paid"
            results.append(Result("", row["payout_id"], status, None, None))
            if status == "paid":
                self.paid_minor += round(float(row["amount"]) * 100)
        self.met["rows"] += len(rows)
        settling.settle(self._batch, results, operator("key_2"))

    # ---- the truth

    def owed_minor(self) -> int:
        """What every balance comes to."""
        return sum(self.network.balances().values())

    def audited(self) -> Report:
        """The independent audit of everything stored."""
        tables = ledger_check.Tables(
            transactions.client, {noun: noun for noun in ledger_check.NOUNS}
        )
        return audit(ledger_check.read(tables), self.network.moment)


ODDS = {
    "hold": 3,
    "release": 2,
    "removal": 3,
    "approval": 4,
    "cancellation": 0.5,
    "debit": 1,
    "export": 6,
    "standing": 6,
    "method": 1.5,
}


def file_of(batch_id: str) -> str:
    return payout_batches.file_key(batch_id)


def change_method(member_id: str, method: dict[str, str] | None) -> None:
    """Sets a member's payout method as the route does."""
    asked = Asked({"member_id": member_id, "changes": {"payout_method": method}})
    proposing.act(changing_members.CHANGE, changing_members.plan_change, asked, operator("key_9"))


def change_status(member_id: str, status: str) -> None:
    """Approves or suspends a member as the route does."""
    asked = Asked({"member_id": member_id, "status": status})
    proposing.act(changing_members.STATUS, changing_members.plan_status, asked, operator("key_9"))


def not_to_be_paid(payout: Payout, payee: Member, now: str) -> str | None:
    """Why this payout should not be paid at this moment, by a reading of its own."""
    if payout.held_at and not payout.released_at:
        return "though held"
    if payee.status != "approved":
        return f"though its payee is {payee.status}"
    if payee.payout_method != payout.method:
        return "though its payee is paid elsewhere by now"
    changed_at, before = payee.payout_method_changed_at, payee.payout_method_before
    if before and changed_at and (clock.instant(now) - clock.instant(changed_at)).days < 3:
        return "though where its payee is paid was changed a moment ago"
    return None
