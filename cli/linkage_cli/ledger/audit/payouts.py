"""Batches, pages and payouts against the ledger (I9 to I13)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from linkage_cli.ledger.audit.adjusted import KINDS
from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import (
    Item,
    Ledger,
    Line,
    Posting,
    UnreadableError,
    nested,
    read_each,
    text,
    whole,
)

ON_ITS_WAY = ("debited", "sent", "unknown")
"""The states of a payout that need no transaction: its money is still on the way."""
ENDS = {
    "paid": (),
    "failed": (),
    "cancelled": (),
    "removed": (),
    "returned": ("paid", "arrived"),
    "arrived": ("failed", "returned"),
}
"""The states that need one, with those it may have been in before; the first results in none."""
LESSENS = ("clawback", "payout_arrival", "adjustment")
"""Transactions that take from what fell due, and are no payout."""

BATCH_STATES = ("planning", "planned", "approved", "exported", "settled", "cancelled")
REBOOKING = "rebooking"
"""A batch that is being booked again from its file: nothing of it adds up until that is done."""


@dataclass(frozen=True)
class Payout:
    """One payout as stored."""

    payout_id: str
    batch_id: str
    affiliate_id: str
    amount_minor: int
    currency: str
    status: str
    created_at: str
    earlier: tuple[str, ...]
    held_at: str | None = None
    released_at: str | None = None
    removed_at: str | None = None
    reason: str | None = None

    @property
    def is_held(self) -> bool:
        return bool(self.held_at and not self.released_at)

    @property
    def has_result(self) -> bool:
        return self.status in ENDS

    @property
    def results(self) -> tuple[str, ...]:
        """All its results, in their order."""
        return (*self.earlier, self.status) if self.has_result else self.earlier


class Payouts:
    """The audit of the payouts table against the ledger."""

    def __init__(self, items: Iterable[Item], ledger: Ledger, findings: list[Finding]) -> None:
        self._ledger = ledger
        self.batches: dict[str, Item] = {}
        self._pages: dict[str, list[Item]] = defaultdict(list)
        self.payouts: dict[str, list[Payout]] = defaultdict(list)
        self._named: dict[str, set[str]] = defaultdict(set)
        read_each(items, ("batch_id", "item"), self._add, findings)
        self._lines = {(line.transaction_id, line.account): line for line in ledger.lines}
        self._posted: dict[str, set[str]] = defaultdict(set)
        for name in ledger.heads:
            payout_id, _, result = name.partition("/")
            self._posted[payout_id] |= {result} - {""}
        self._held: Counter[str] = Counter()
        for head in ledger.heads.values():
            for posting in head.postings:
                self._held[posting.source] -= posting.amount_minor
                self._held[posting.target] += posting.amount_minor

    def _add(self, item: Item) -> None:
        batch_id, kind = text(item, "batch_id"), text(item, "item")
        if kind == "batch":
            self.batches[batch_id] = item
        elif kind.startswith("page#"):
            self._pages[batch_id].append(item)
        elif kind.startswith("payout#"):
            self.payouts[batch_id].append(_payout(item))
        elif kind.startswith("removed#"):
            self._named[batch_id].add(kind.removeprefix("removed#"))
        else:
            raise UnreadableError(
                "it is neither a batch, a page, a payout nor one that was removed"
            )

    def check(self) -> Iterator[Finding]:
        """Every finding about payouts and what they posted."""
        known = self.batches.keys() | self.payouts.keys() | self._pages.keys() | self._named.keys()
        for batch_id in sorted(known):
            try:
                yield from self._check_batch(batch_id)
            except (UnreadableError, KeyError, TypeError) as error:
                yield Finding("I9", batch_id, f"cannot be checked: {error}")
        yield from self._check_foreign_heads()
        yield from self._check_taken()

    def _check_batch(self, batch_id: str) -> Iterator[Finding]:
        batch, payouts = self.batches.get(batch_id), self.payouts[batch_id]
        if batch is None:
            yield Finding("I5", batch_id, "it has pages or payouts but is no batch")
            return
        if batch.get("status") == REBOOKING:
            yield Finding("I28", batch_id, "it is not booked again whole: rebook it once more")
            return
        if batch.get("status") not in BATCH_STATES:
            yield Finding("I12", batch_id, f"{batch.get('status')!r} is no state of a batch")
        for payout in payouts:
            yield from self._check_payout(payout, batch)
        times = Counter(payout.affiliate_id for payout in payouts)
        for affiliate_id in sorted(each for each in times if times[each] > 1):
            yield Finding("I13", batch_id, f"{affiliate_id} is paid {times[affiliate_id]} times")
        yield from self._check_counts(batch_id, batch, payouts)
        yield from self._check_removed(batch_id, payouts)
        yield from self._check_account(batch_id, payouts)

    def _check_payout(self, payout: Payout, batch: Item) -> Iterator[Finding]:
        subject = payout.payout_id
        if payout.status not in {*ON_ITS_WAY, *ENDS}:
            yield Finding("I12", subject, f"{payout.status!r} is no state of a payout")
            return
        if payout.currency != batch["currency"]:
            yield Finding("I9", subject, f"it is in {payout.currency}, its batch is not")
        affiliate, account = f"affiliate:{payout.affiliate_id}", f"payouts:{payout.batch_id}"
        debit = subject
        if f"{subject}/rebooked" in self._ledger.heads:
            yield from self._check_given_back(subject, affiliate, account)
            debit = f"{subject}/rebooked"
        yield from self._check_posting(payout, debit, affiliate, account, "payout")
        yield from self._check_results(payout, affiliate, account)
        line = self._lines.get((debit, affiliate))
        if line:
            yield from _check_cutoff(payout, batch, line)
            if self._ledger.heads[debit].rebooked:
                yield from self._check_rebooked(payout, batch)

    def _check_given_back(self, subject: str, affiliate: str, account: str) -> Iterator[Finding]:
        """Of a payout that was debited anew the first debit was given back as it was taken."""
        first, back = (self._ledger.heads.get(each) for each in (subject, f"{subject}/cancelled"))
        taken, given = (list(each.postings) if each else [] for each in (first, back))
        turned = [p._replace(source=p.target, target=p.source, kind="payout_return") for p in taken]
        if turned != given or [p[:2] for p in taken] != [(affiliate, account)]:
            yield Finding("I10", subject, "it was debited again, and its debit not given back")

    def _check_rebooked(self, payout: Payout, batch: Item) -> Iterator[Finding]:
        """Only what a file says is debited beyond what is due, and its batch says so."""
        if not batch.get("rebooked_at"):
            yield Finding("I28", payout.payout_id, "it was debited from a file, its batch was not")

    def _check_results(self, payout: Payout, affiliate: str, account: str) -> Iterator[Finding]:
        """Each result has moved the money once, and may follow the one before it."""
        ways = {
            "paid": (account, "bank", "settlement"),
            "failed": (account, affiliate, "payout_return"),
            "cancelled": (account, affiliate, "payout_return"),
            "removed": (account, affiliate, "payout_return"),
            "returned": ("bank", affiliate, "payout_return"),
            "arrived": (affiliate, "bank", "payout_arrival"),
        }
        subject, wanted, before = payout.payout_id, set(), None
        for step, result in enumerate(payout.results, 1):
            if result not in ENDS or (before not in ENDS[result] if step > 1 else ENDS[result]):
                yield Finding("I12", subject, f"it is {result} after {before or 'nothing'}")
                return
            name, before = result if step == 1 else f"{step}/{result}", result
            wanted.add(name)
            yield from self._check_posting(payout, f"{subject}/{name}", *ways[result])
        posted = self._posted[subject]
        if "rebooked" in posted:  # its first debit was given back before
            posted = posted - {"rebooked", "cancelled"}
        if posted != wanted:
            said = " and ".join(sorted(posted)) or "no result"
            yield Finding("I12", subject, f"it is {payout.status}, the ledger has {said}")

    def _check_posting(
        self, payout: Payout, transaction_id: str, source: str, target: str, kind: str
    ) -> Iterator[Finding]:
        head = self._ledger.heads.get(transaction_id)
        if head is None:
            yield Finding("I9", transaction_id, "the payout was never debited")
            return
        expected = Posting(source, target, payout.amount_minor, payout.currency, kind, 0)
        if head.postings != (expected,) or head.kind != kind:
            moved = ", ".join(f"{p.amount_minor} {p.currency}" for p in head.postings)
            yield Finding(
                "I9",
                transaction_id,
                f"the payout is of {payout.amount_minor} {payout.currency} from {source} to "
                f"{target}, the ledger moved {moved or 'nothing'}",
            )

    def _check_counts(self, batch_id: str, batch: Item, payouts: list[Payout]) -> Iterator[Finding]:
        page_of: dict[str, Item] = {}
        for page in self._pages[batch_id]:
            for affiliate_id in nested(page, "affiliate_ids"):
                if affiliate_id in page_of:
                    yield Finding("I13", batch_id, f"{affiliate_id} stands in two of its pages")
                page_of[affiliate_id] = page
        for payout in payouts:
            if payout.affiliate_id not in page_of:
                yield Finding("I13", payout.payout_id, "its affiliate stands in no page")
        removed = [payout for payout in payouts if payout.status == "removed"]
        closed = [
            payout
            for payout in payouts
            if page_of.get(payout.affiliate_id, {}).get("status") != "open"
            and payout.status != "removed"
        ]
        expected: dict[str, Any] = _one_by_one(payouts, removed) | {
            "payout_count": len(closed),
            "total_minor": sum(payout.amount_minor for payout in closed),
            "pages": len(self._pages[batch_id]),
            "open_pages": sum(page["status"] == "open" for page in self._pages[batch_id]),
        }
        if batch["status"] != "cancelled":
            expected["unsettled"] = sum(not payout.has_result for payout in closed)
        for name, value in expected.items():
            if batch.get(name, 0 if name in _COUNTED_LATER else None) != value:
                yield Finding("I13", batch_id, f"its {name} is {batch.get(name)}, not {value}")
        yield from _check_state(batch_id, batch, payouts, page_of)

    def _check_removed(self, batch_id: str, payouts: list[Payout]) -> Iterator[Finding]:
        """What was taken out is named in its batch, with a reason, and nothing else is."""
        removed = {each.payout_id: each for each in payouts if each.status == "removed"}
        for payout_id in sorted(removed.keys() ^ self._named[batch_id]):
            said = "it was taken out" if payout_id in removed else "it was not taken out"
            named = "names" if payout_id in self._named[batch_id] else "does not name"
            yield Finding("I13", payout_id, f"{said}, its batch {named} it as such")
        for payout_id, payout in sorted(removed.items()):
            if not payout.reason or not payout.removed_at:
                yield Finding("I12", payout_id, "it was taken out, it is not said why or when")

    def _check_account(self, batch_id: str, payouts: list[Payout]) -> Iterator[Finding]:
        account = f"payouts:{batch_id}"
        held = self._held[account]
        unsettled = sum(payout.amount_minor for payout in payouts if not payout.has_result)
        if held != unsettled:
            yield Finding(
                "I9", account, f"it holds {held}, its payouts without a result are {unsettled}"
            )

    def _check_foreign_heads(self) -> Iterator[Finding]:
        known = {payout.payout_id for payouts in self.payouts.values() for payout in payouts}
        for head in self._ledger.heads.values():
            if head.kind in {"payout", "settlement", "payout_return", "payout_arrival"}:
                if head.transaction_id.partition("/")[0] not in known:
                    yield Finding("I5", head.transaction_id, "it was posted without a payout")
            elif head.kind not in {"commission", "clawback", *KINDS}:
                yield Finding("I5", head.transaction_id, f"{head.kind!r} is no kind of transaction")

    def _check_taken(self) -> Iterator[Finding]:
        """Nobody was paid more of what fell due on a date than ever fell due then (I10)."""
        due: Counter[tuple[str, str, str]] = Counter()
        taken: Counter[tuple[str, str, str]] = Counter()
        for line in self._ledger.lines:
            cutoff = self._cutoff_of_rebooked(line)
            for day, amount in line.dues.items():
                bucket = (line.account, line.currency, day)
                if day == cutoff:
                    continue  # as much as the file says, whatever is known to be due
                if line.kind == "payout":
                    taken[bucket] -= amount
                elif line.kind not in LESSENS or amount > 0:
                    due[bucket] += amount
        for bucket, amount in sorted(taken.items()):
            if amount > due[bucket]:
                account, currency, day = bucket
                yield Finding(
                    "I10",
                    account,
                    f"{amount} {currency} due on {day} was paid out, {due[bucket]} fell due then",
                )

    def _cutoff_of_rebooked(self, line: Line) -> str | None:
        """The cutoff of a debit that was booked from a file; None of any other line."""
        head = self._ledger.heads.get(line.transaction_id)
        if line.kind != "payout" or head is None or not head.rebooked:
            return None
        account = head.postings[0].target if head.postings else ""
        batch = self.batches.get(account.removeprefix("payouts:"), {})
        return batch.get("cutoff") if batch.get("rebooked_at") else None


_COUNTED_LATER = ("held_count", "held_minor", "removed_count", "removed_minor")
"""Counts that a batch has from the first payout on that was held or taken out."""


def _one_by_one(payouts: list[Payout], removed: list[Payout]) -> dict[str, int]:
    """What a batch must count of the payouts that were held or taken out one by one."""
    held = [each for each in payouts if each.is_held and each.status in {"debited", "cancelled"}]
    return {
        "held_count": len(held),
        "held_minor": sum(each.amount_minor for each in held),
        "removed_count": len(removed),
        "removed_minor": sum(each.amount_minor for each in removed),
    }


def _check_state(
    batch_id: str, batch: Item, payouts: list[Payout], page_of: dict[str, Item]
) -> Iterator[Finding]:
    if batch["status"] == "settled" and not all(payout.has_result for payout in payouts):
        yield Finding("I12", batch_id, "it is settled, some of its payouts have no result")
    if batch["status"] not in {"planning", "cancelled"} and batch.get("open_pages"):
        yield Finding("I12", batch_id, f"it is {batch['status']} with pages still open")
    for payout in payouts:
        is_cancelled = payout.status == "cancelled"
        returned = page_of.get(payout.affiliate_id, {}).get("status") == "returned"
        if is_cancelled and batch["status"] != "cancelled":
            yield Finding("I12", payout.payout_id, f"it is cancelled, its batch {batch['status']}")
        if payout.is_held and payout.status not in {"debited", "cancelled", "removed"}:
            yield Finding(
                "I12", payout.payout_id, f"it was held, it is {payout.status} all the same"
            )
        if payout.status == "debited" and batch["status"] in {"exported", "settled"}:
            yield Finding("I12", payout.payout_id, f"it is debited, its batch {batch['status']}")
        if payout.status == "removed" and batch["status"] == "planning":
            yield Finding("I12", payout.payout_id, "it was taken out before its batch was planned")
        if returned and payout.status not in {"cancelled", "removed"}:
            yield Finding("I12", payout.payout_id, f"its page was returned, it is {payout.status}")


def _check_cutoff(payout: Payout, batch: Item, line: Line) -> Iterator[Finding]:
    late = sorted(day for day in line.dues if day > batch["cutoff"])
    if late:
        yield Finding(
            "I11", payout.payout_id, f"it pays what is due on {late[-1]}, after its cutoff"
        )
    if batch["cutoff"] > payout.created_at[:10]:
        yield Finding("I11", payout.payout_id, "its cutoff lies after the day it was debited")


_IF_THERE = ("held_at", "released_at", "removed_at", "reason")


def _payout(item: Item) -> Payout:
    return Payout(
        payout_id=text(item, "payout_id"),
        batch_id=text(item, "batch_id"),
        affiliate_id=text(item, "affiliate_id"),
        amount_minor=whole(item, "amount_minor"),
        currency=text(item, "currency"),
        status=text(item, "status"),
        created_at=text(item, "created_at"),
        earlier=tuple(text(each, "status") for each in nested(item, "history") or ()),
        **{name: text(item, name) for name in _IF_THERE if name in item},
    )
