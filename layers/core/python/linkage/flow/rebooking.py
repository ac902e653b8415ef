"""Booking a batch again from its payout file, after the tables were restored to before it.

Who is in the file may have been paid, whatever the tables say. So the batch and its payouts become
what the file says, and the balances are debited by as much, below 0 if need be. Every write is once
and in an order in which the next run goes on where one stopped.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import batched

from linkage import clock
from linkage.audit import record_by
from linkage.errors import ConflictError, InvalidFieldError, LedgerError
from linkage.ledger import Balance
from linkage.payout_file import read
from linkage.payouts import (
    IN_FILE,
    PAGE_SIZE_MAX,
    REBOOKING,
    Batch,
    Page,
    Payout,
    checked_cutoff,
    rebooked_transaction,
    return_transaction,
)
from linkage.tables import ledger, payout_files, payouts
from linkage.tables.audit import put_record
from linkage.tables.payout_files import PayoutFile
from linkage.tables.transactions import ConditionFailedError, attempts, write

_UNKNOWN = "unknown"
"""Who made a batch of which nothing is left but a file without its batch."""


@dataclass(frozen=True)
class Rebooked:
    """A batch as it is now, and how many payouts were debited by this run, or given back by it."""

    batch: Batch
    debited: int = 0
    given_back: int = 0


def rebook(
    batch_id: str, by: tuple[str, str], *, cutoff: str | None = None, currency: str | None = None
) -> Rebooked:
    """Makes a batch and its payouts what its file says; one that is exported stays as it is.

    `by` is what stands for a key, and a person or nothing. `cutoff` and `currency` are for a file
    of an earlier release, which does not say them, if the table does not either.
    Raises NotFoundError without a file, ConflictError for a batch that is about to be exported and
    for a file that is none, InvalidFieldError if the cutoff or the currency is needed.
    """
    file = payout_files.get_file(batch_id)
    found = payouts.find_batch(batch_id)
    if found and found.status == "approved":
        raise ConflictError(
            "batch_approved",
            f"{batch_id} is approved, so export_payouts goes on with it: its file is written again "
            "to the same bytes. Wait until it is exported.",
        )
    if found and found.status in IN_FILE:
        return Rebooked(found)
    batch = _batch(batch_id, file, found, cutoff, currency)
    rows = read(file.content, batch_id, batch.created_at)
    _require_same(batch, rows, cutoff)
    _claim(batch, found, by)
    _page_everyone(batch_id, [each.affiliate_id for each in rows])
    debited = sum([_debit(batch, row) for row in rows])
    given_back = _give_back_others(batch_id, {each.payout_id for each in rows})
    _finish(batch, file.content)
    return Rebooked(payouts.get_batch(batch_id), debited, given_back)


def _batch(
    batch_id: str, file: PayoutFile, found: Batch | None, cutoff: str | None, currency: str | None
) -> Batch:
    """The batch as it was approved, by its file or else by the table or else as one is told."""
    if file.batch and file.batch.batch_id == batch_id:
        return file.batch
    if found:
        return found
    written_at = clock.instant(file.written_at)
    if cutoff is None:
        raise InvalidFieldError(
            "/cutoff",
            "An earlier release wrote this file, without the cutoff of its batch. Say it with "
            "--cutoff 2026-11-30: the last day that the batch paid.",
        )
    rows = read(file.content, batch_id, file.written_at)
    if not rows and currency is None:
        raise InvalidFieldError(
            "/currency",
            "Nobody is in this file, so it has no currency. Say it with --currency USD.",
        )
    return Batch(
        batch_id=batch_id,
        currency=rows[0].currency if rows else str(currency),
        cutoff=checked_cutoff(cutoff, clock.day(written_at)),
        status=REBOOKING,
        created_at=file.written_at,
        created_by=_UNKNOWN,
        planned_whole=True,
    )


def _require_same(batch: Batch, rows: Sequence[Payout], cutoff: str | None) -> None:
    """Raises InvalidFieldError or ConflictError if what one is told of a batch is not so."""
    if cutoff not in {None, batch.cutoff}:
        raise InvalidFieldError(
            "/cutoff", f"The cutoff of {batch.batch_id} is {batch.cutoff}. Leave --cutoff out."
        )
    if any(each.currency != batch.currency for each in rows):
        raise ConflictError(
            "payout_file_unreadable", f"The batch is in {batch.currency}, its file is not."
        )


def _claim(batch: Batch, found: Batch | None, by: tuple[str, str]) -> None:
    """Takes the batch out of everybody else's hands."""
    if found and found.status == REBOOKING:
        return
    subject = f"batch#{batch.batch_id}"
    record = record_by(by, subject, "batch.rebooked", found, replace(batch, status=REBOOKING))
    was = found.status if found else None
    new = replace(batch, planned_whole=True, open_pages=0, pages=0, count=0, total_minor=0)
    try:
        payouts.claim_for_rebooking(new, was, [put_record(record)])
    except ConditionFailedError as failed:
        raise ConflictError(
            "batch_moved", f"{batch.batch_id} was moved on meanwhile. Run the same again."
        ) from failed


def _page_everyone(batch_id: str, affiliate_ids: Sequence[str]) -> None:
    """Closes every page, so that no worker debits any more, and adds pages for who is in none."""
    pages = list(payouts.list_pages(batch_id))
    for page in pages:
        if page.status != "closed":
            payouts.shut_page(page)
    known = {affiliate_id for page in pages for affiliate_id in page.affiliate_ids}
    missing = [each for each in affiliate_ids if each not in known]
    for number, some in enumerate(batched(missing, PAGE_SIZE_MAX, strict=False), len(pages) + 1):
        try:
            payouts.put_shut_page(Page(batch_id, number, some, "closed"))
        except ConditionFailedError:  # another run of this adds them, too
            _page_everyone(batch_id, affiliate_ids)
            return


def _debit(batch: Batch, row: Payout) -> bool:
    """Makes one payout what the file says; whether that took a debit."""
    for _ in attempts():
        balance = ledger.find_balance(row.affiliate_id, row.currency)
        was = payouts.find_payout(row.batch_id, row.payout_id)
        try:
            if was is None or was.status == "cancelled":
                if _debited(batch, row, was, balance or Balance.empty(*_whose(row))):
                    return True
                continue
            if was.amount_minor != row.amount_minor:
                _give_back(was)
                continue
            if was.status == "debited":
                write([payouts.move_payout(was, "sent")])
        except ConditionFailedError:
            continue  # the balance moved on, or another run of this came first
        return False
    raise LedgerError(f"the balance of {row.affiliate_id} never stood still; run the same again")


def _whose(payout: Payout) -> tuple[str, str]:
    return payout.affiliate_id, payout.currency


def _debited(batch: Batch, row: Payout, was: Payout | None, balance: Balance) -> bool:
    """Debits a payout and stores it; False if the ledger has it, and only the table had lost it."""
    transaction = rebooked_transaction(
        row, batch, balance, clock.text(clock.now()), again=was is not None
    )
    if ledger.post(transaction, closing=balance, also=[payouts.put_rebooked(row, was)]):
        return True
    write([payouts.put_rebooked(replace(row, status=_status_in_ledger(row)), was)])
    return False


def _status_in_ledger(payout: Payout) -> str:
    """What became of a payout whose debit is in the ledger."""
    for status in ("paid", "failed"):
        if ledger.find_head(f"{payout.payout_id}/{status}"):
            return status
    given_back = ledger.find_head(f"{payout.payout_id}/cancelled")
    again = given_back and ledger.find_head(f"{payout.payout_id}/rebooked")
    return "cancelled" if given_back and not again else "sent"


def _give_back_others(batch_id: str, in_file: set[str]) -> int:
    """Gives back what was debited for the batch and is not in its file; how many payouts."""
    others = [
        each
        for each in payouts.batch_payouts(batch_id)
        if each.payout_id not in in_file and each.status == "debited"
    ]
    for payout in others:
        _give_back(payout)
    return len(others)


def _give_back(payout: Payout) -> None:
    """Returns a payout's money, due at once: the file has it with another amount, or not at all."""
    if payout.status != "debited":
        raise ConflictError(
            f"payout_{payout.status}",
            f"{payout.payout_id} is {payout.status}, and its batch's file has another amount.",
        )
    transaction = return_transaction(
        payout, "cancelled", clock.text(clock.now()), "The payout file does not have it so."
    )
    ledger.post(transaction, also=[payouts.move_payout(payout, "cancelled")])


def _finish(batch: Batch, content: bytes) -> None:
    """Makes the batch exported, with the sums of its payouts."""
    stand = [each for each in payouts.batch_payouts(batch.batch_id) if each.status != "cancelled"]
    exported = replace(
        batch,
        status="exported",
        planned_whole=True,
        open_pages=0,
        pages=sum(1 for _ in payouts.list_pages(batch.batch_id)),
        count=len(stand),
        total_minor=sum(each.amount_minor for each in stand),
        unsettled=sum(each.status not in {"paid", "failed"} for each in stand),
        sha256=hashlib.sha256(content).hexdigest(),
        rebooked_at=clock.text(clock.now()),
    )
    try:
        payouts.finish_rebooking(exported)
    except ConditionFailedError:
        return  # another run of this has finished it
    payouts.become_settled(batch.batch_id)  # nobody gives results for a batch of no payouts
