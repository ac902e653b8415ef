"""Batches, pages and payouts against the ledger (I9 to I13)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from linkage_cli.audit.findings import Finding
from linkage_cli.audit.stored import (
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

RESULT_OF = {
    "debited": None,
    "sent": None,
    "unknown": None,
    "paid": "paid",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""The transaction a payout's state needs; None while its money is still on the way."""

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

    @property
    def has_result(self) -> bool:
        return RESULT_OF.get(self.status) is not None


class Payouts:
    """The audit of the payouts table against the ledger."""

    def __init__(self, items: Iterable[Item], ledger: Ledger, findings: list[Finding]) -> None:
        self._ledger = ledger
        self.batches: dict[str, Item] = {}
        self._pages: dict[str, list[Item]] = defaultdict(list)
        self.payouts: dict[str, list[Payout]] = defaultdict(list)
        read_each(items, ("batch_id", "item"), self._add, findings)
        self._lines = {(line.transaction_id, line.account): line for line in ledger.lines}
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
        else:
            raise UnreadableError("it is neither a batch, a page nor a payout")

    def check(self) -> Iterator[Finding]:
        """Every finding about payouts and what they posted."""
        for batch_id in sorted(self.batches.keys() | self.payouts.keys() | self._pages.keys()):
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
            yield Finding("I26", batch_id, "it is not booked again whole: rebook it once more")
            return
        if batch.get("status") not in BATCH_STATES:
            yield Finding("I12", batch_id, f"{batch.get('status')!r} is no state of a batch")
        for payout in payouts:
            yield from self._check_payout(payout, batch)
        times = Counter(payout.affiliate_id for payout in payouts)
        for affiliate_id in sorted(each for each in times if times[each] > 1):
            yield Finding("I13", batch_id, f"{affiliate_id} is paid {times[affiliate_id]} times")
        yield from self._check_counts(batch_id, batch, payouts)
        yield from self._check_account(batch_id, payouts)

    def _check_payout(self, payout: Payout, batch: Item) -> Iterator[Finding]:
        subject = payout.payout_id
        if payout.status not in RESULT_OF:
            yield Finding("I12", subject, f"{payout.status!r} is no state of a payout")
            return
        if payout.currency != batch["currency"]:
            yield Finding("I9", subject, f"it is in {payout.currency}, its batch is not")
        affiliate, account = f"affiliate:{payout.affiliate_id}", f"payouts:{payout.batch_id}"
        results = {"paid": "bank", "failed": affiliate, "cancelled": affiliate}
        debit = subject
        if f"{subject}/rebooked" in self._ledger.heads:
            yield from self._check_given_back(subject, affiliate, account)
            debit = f"{subject}/rebooked"
            del results["cancelled"]
        yield from self._check_posting(payout, debit, affiliate, account, "payout")
        posted = [each for each in results if f"{subject}/{each}" in self._ledger.heads]
        wanted = RESULT_OF[payout.status]
        if posted != ([wanted] if wanted else []):
            said = " and ".join(posted) or "no result"
            yield Finding("I12", subject, f"it is {payout.status}, the ledger has {said}")
        for result in posted:
            kind = "settlement" if result == "paid" else "payout_return"
            yield from self._check_posting(
                payout, f"{subject}/{result}", account, results[result], kind
            )
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
            yield Finding("I26", payout.payout_id, "it was debited from a file, its batch was not")

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
        closed = [
            payout
            for payout in payouts
            if page_of.get(payout.affiliate_id, {}).get("status") != "open"
            and not _is_left_out(payout, batch)
        ]
        expected: dict[str, Any] = {
            "payout_count": len(closed),
            "total_minor": sum(payout.amount_minor for payout in closed),
            "pages": len(self._pages[batch_id]),
            "open_pages": sum(page["status"] == "open" for page in self._pages[batch_id]),
        }
        if batch["status"] != "cancelled":
            expected["unsettled"] = sum(not payout.has_result for payout in closed)
        for name, value in expected.items():
            if batch.get(name) != value:
                yield Finding("I13", batch_id, f"its {name} is {batch.get(name)}, not {value}")
        yield from _check_state(batch_id, batch, payouts, page_of)

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
            if head.kind in {"payout", "settlement", "payout_return"}:
                if head.transaction_id.partition("/")[0] not in known:
                    yield Finding("I5", head.transaction_id, "it was posted without a payout")
            elif head.kind not in {"commission", "clawback"}:
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
                elif line.kind != "clawback" or amount > 0:
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


def _is_left_out(payout: Payout, batch: Item) -> bool:
    """Whether a payout was given back because its batch's file does not have it."""
    return bool(batch.get("rebooked_at")) and payout.status == "cancelled"


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
        if is_cancelled and batch["status"] != "cancelled" and not _is_left_out(payout, batch):
            yield Finding("I12", payout.payout_id, f"it is cancelled, its batch {batch['status']}")
        if returned and not is_cancelled:
            yield Finding("I12", payout.payout_id, f"its page was returned, it is {payout.status}")


def _check_cutoff(payout: Payout, batch: Item, line: Line) -> Iterator[Finding]:
    late = sorted(day for day in line.dues if day > batch["cutoff"])
    if late:
        yield Finding(
            "I11", payout.payout_id, f"it pays what is due on {late[-1]}, after its cutoff"
        )
    if batch["cutoff"] > payout.created_at[:10]:
        yield Finding("I11", payout.payout_id, "its cutoff lies after the day it was debited")


def _payout(item: Item) -> Payout:
    return Payout(
        payout_id=text(item, "payout_id"),
        batch_id=text(item, "batch_id"),
        affiliate_id=text(item, "affiliate_id"),
        amount_minor=whole(item, "amount_minor"),
        currency=text(item, "currency"),
        status=text(item, "status"),
        created_at=text(item, "created_at"),
    )
