"""Booking a batch again from its payout file, after the tables were restored to before it.

Who is in the file may have been paid, whatever the tables say. So the batch and its payouts become
what the file says, and the balances are debited by as much, below 0 if need be. Every write is once
and in an order in which the next run goes on where one stopped.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched

from linkage.domain import clock
from linkage.domain.errors import (
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    LedgerError,
)
from linkage.domain.ledger.ledger import Balance
from linkage.domain.payouts.payout_file import read
from linkage.domain.payouts.payouts import (
    EXPORTED,
    PAGE_SIZE_MAX,
    REBOOKING,
    Batch,
    Page,
    Payout,
    checked_cutoff,
    debit_of,
    rebooked_transaction,
    return_transaction,
)
from linkage.domain.payouts.requests import Result
from linkage.domain.payouts.results import FOLLOWS, answered, step_id, steps_of
from linkage.domain.people.audit import record_by
from linkage.flow.payouts.payout_file_checks import is_booked
from linkage.tables import ledger, payout_batches, payout_files, payouts
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import attempts, write
from linkage.tables.payout_files import PayoutFile

_UNKNOWN = "unknown"
"""Who made a batch, or gave a result, of which nothing is left that says so."""
_NOT_IN_FILE = "The payout is not in the payout file of its batch."


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
    found = payout_batches.find_batch(batch_id)
    if found and found.status in EXPORTED:
        return Rebooked(found)
    if is_booked(found):
        raise ConflictError(
            "batch_approved",
            f"{batch_id} is approved and its file is that of its payouts, so export_payouts goes "
            "on with it. Wait until it is exported.",
        )
    batch = _batch(batch_id, file, found, cutoff, currency)
    rows = read(file.content, batch_id, batch.created_at)
    _require_same(batch, rows, cutoff)
    _claim(batch, found, by)
    _page_everyone(batch_id, [each.affiliate_id for each in rows])
    debited = sum([_debit(batch, row) for row in rows])
    given_back = _take_out_others(batch_id, {each.payout_id for each in rows}, by)
    _finish(batch, file)
    return Rebooked(payout_batches.get_batch(batch_id), debited, given_back)


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
        payout_batches.claim_for_rebooking(new, was, [put_record(record)])
    except ConditionFailedError as failed:
        raise ConflictError(
            "batch_moved", f"{batch.batch_id} was moved on meanwhile. Run the same again."
        ) from failed


def _page_everyone(batch_id: str, affiliate_ids: Sequence[str]) -> None:
    """Closes every page, so that no worker debits any more, and adds pages for who is in none."""
    pages = list(payout_batches.list_pages(batch_id))
    for page in pages:
        if page.status != "closed":
            payout_batches.shut_page(page)
    known = {affiliate_id for page in pages for affiliate_id in page.affiliate_ids}
    missing = [each for each in affiliate_ids if each not in known]
    for number, some in enumerate(batched(missing, PAGE_SIZE_MAX, strict=False), len(pages) + 1):
        try:
            payout_batches.put_shut_page(Page(batch_id, number, some, "closed"))
        except ConditionFailedError:  # another run of this adds them, too
            _page_everyone(batch_id, affiliate_ids)
            return


def _debit(batch: Batch, row: Payout) -> bool:
    """Makes one payout what the file says; whether that took a debit."""
    for _ in attempts():
        balance = ledger.find_balance(row.affiliate_id, row.currency)
        was = payouts.find_payout(row.batch_id, row.payout_id)
        try:
            if was is None or was.status in {"cancelled", "removed"}:
                if _debited(batch, row, was, balance or Balance.empty(*_whose(row))):
                    return True
                continue
            if was.amount_minor != row.amount_minor:
                _give_back(was)
                continue
            if was.status == "debited":
                write([payout_batches.put_rebooked(_sealed(was), was)])
        except ConditionFailedError:
            continue  # the balance moved on, or another run of this came first
        return False
    raise LedgerError(f"the balance of {row.affiliate_id} never stood still; run the same again")


def _sealed(payout: Payout) -> Payout:
    """A payout as it was when its file was written: not held any more."""
    released_at = clock.text(clock.now()) if payout.is_held else payout.released_at
    return replace(payout, status="sent", released_at=released_at)


def _whose(payout: Payout) -> tuple[str, str]:
    return payout.affiliate_id, payout.currency


def _debited(batch: Batch, row: Payout, was: Payout | None, balance: Balance) -> bool:
    """Debits a payout and stores it; False if the ledger has it, and only the table had lost it."""
    if was and was.status == "removed":
        raise ConflictError(
            "payout_removed",
            f"{row.payout_id} was taken out of its batch after the tables were restored, and its "
            "file has it. Put the payout and the batch back as they were restored, and run this "
            "again.",
        )
    transaction = rebooked_transaction(
        row, batch, balance, clock.text(clock.now()), again=was is not None
    )
    taken = ledger.put_debit(debit_of(row, batch, balance))
    also = [payout_batches.put_rebooked(row, was), taken]
    if ledger.post(transaction, closing=balance, also=also):
        return True
    write([payout_batches.put_rebooked(_as_in_ledger(row), was)])
    return False


def _as_in_ledger(payout: Payout) -> Payout:
    """A payout whose debit is in the ledger with the results that are there, but for their words.

    One that was given back and not debited again is `cancelled` or `removed`.
    """
    for status in ("cancelled", "removed"):
        if ledger.find_head(f"{payout.payout_id}/{status}") and not ledger.find_head(
            f"{payout.payout_id}/rebooked"
        ):
            return replace(payout, status=status)
    while True:
        step = len(steps_of(payout)) + 1
        heads = {
            status: ledger.find_head(step_id(payout.payout_id, step, status))
            for status, follows in FOLLOWS.items()
            if payout.status in follows
        }
        found = next(((status, head) for status, head in heads.items() if head), None)
        if found is None:
            return payout
        status, head = found
        said = Result("", payout.payout_id, status, None, None, step)
        payout = answered(said, payout, head["accepted_at"], _UNKNOWN)


def _take_out_others(batch_id: str, in_file: set[str], by: tuple[str, str]) -> int:
    """Takes out what was debited for the batch and is not in its file; how many payouts."""
    others = [
        each
        for each in payouts.batch_payouts(batch_id)
        if each.payout_id not in in_file and each.status == "debited"
    ]
    for payout in others:
        at = clock.text(clock.now())
        transaction = return_transaction(payout, "removed", at, _NOT_IN_FILE)
        removed = payout_batches.remove_rebooked(payout, at, by[0], _NOT_IN_FILE)
        with suppress(ConditionFailedError):  # another run of this came first
            ledger.post(transaction, also=removed)
    return len(others)


def _give_back(payout: Payout) -> None:
    """Returns a payout's money, due at once: the file has it with another amount."""
    if payout.status != "debited":
        raise ConflictError(
            f"payout_{payout.status}",
            f"{payout.payout_id} is {payout.status}, and its batch's file has another amount.",
        )
    why = "The payout file has it with another amount."
    transaction = return_transaction(payout, "cancelled", clock.text(clock.now()), why)
    ledger.post(transaction, also=[payouts.move_payout(payout, "cancelled")])


def _finish(batch: Batch, file: PayoutFile) -> None:
    """Makes the batch exported, with the sums of its payouts."""
    every = list(payouts.batch_payouts(batch.batch_id))
    stand = [each for each in every if each.status != "removed"]
    removed = [each for each in every if each.status == "removed"]
    exported = replace(
        batch,
        status="exported",
        planned_whole=True,
        open_pages=0,
        pages=sum(1 for _ in payout_batches.list_pages(batch.batch_id)),
        count=len(stand),
        total_minor=sum(each.amount_minor for each in stand),
        unsettled=sum(not steps_of(each) for each in stand),
        held_count=0,
        held_minor=0,
        removed_count=len(removed),
        removed_minor=sum(each.amount_minor for each in removed),
        sha256=hashlib.sha256(file.content).hexdigest(),
        exported_at=file.written_at,
        rebooked_at=clock.text(clock.now()),
    )
    try:
        payout_batches.finish_rebooking(exported)
    except ConditionFailedError:
        return  # another run of this has finished it
    payout_batches.become_settled(batch.batch_id)  # nobody gives results for a batch of no payouts
