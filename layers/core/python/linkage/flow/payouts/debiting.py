"""Working on one page of a batch: debit each affiliate, or give a cancelled batch's money back."""

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, LedgerError
from linkage.domain.payouts.payouts import (
    Batch,
    Page,
    Payout,
    Skip,
    debit_of,
    debit_transaction,
    decide,
    payout_id,
    return_transaction,
)
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.tables import ledger, payout_batches, payouts
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.members import find_members, index_destination
from linkage.tables.settings import current_settings


def debit_page(batch_id: str, number: int) -> None:
    """Debits or skips every affiliate of an open page, then closes it.

    Any number of workers may do this at once, and any of them may stop half-way: an affiliate is
    debited only while the page is open, and a page closes only with all its payouts counted. One
    that fails, whatever its error, stops no other; the page then stays open, and an ExceptionGroup
    is raised that names it.
    """
    batch, page = payout_batches.get_batch(batch_id), _page(batch_id, number)
    settings = current_settings()
    members = find_members(page.affiliate_ids)
    for member in members.values():
        index_destination(member)
    skipped: dict[str, str] = {}
    failed: list[Exception] = []
    for affiliate_id in page.affiliate_ids:
        if page.status != "open":
            break
        try:
            decided = _debit(batch, page, affiliate_id, members.get(affiliate_id), settings)
        except Exception as error:  # noqa: BLE001, one of many
            error.add_note(f"while debiting {affiliate_id} for page {number} of {batch_id}")
            failed.append(error)
            continue
        if isinstance(decided, Skip):
            skipped[affiliate_id] = decided.reason
        elif decided is None:
            page = _page(batch_id, number)
    if failed:
        raise ExceptionGroup(f"{len(failed)} affiliates were not debited", failed)
    for _ in attempts():
        page = _page(batch_id, number)
        if page.status != "open":
            break
        ids = [payout_id(batch_id, affiliate_id) for affiliate_id in page.affiliate_ids]
        paid = payouts.find_payouts(batch_id, ids)
        debited = {payout.affiliate_id for payout in paid}
        if payout_batches.close_page(
            page, paid, {each: why for each, why in skipped.items() if each not in debited}
        ):
            break
    else:
        raise LedgerError(f"page {number} of {batch_id} never stood still; its message comes again")
    payout_batches.become_planned(batch_id)


def _debit(
    batch: Batch, page: Page, affiliate_id: str, member: Member | None, settings: NetworkSettings
) -> Payout | Skip | None:
    """Debits one affiliate, once; None if the page was closed meanwhile."""
    for _ in attempts():
        balance = ledger.find_balance(affiliate_id, batch.currency)
        minimum_minor = settings.minimum_minor(batch.currency)
        decided = decide(batch, member, balance, minimum_minor, settings.method_rest_hours)
        # Read after the balance: whoever emptied it for this very page has stored the payout.
        known = payouts.find_payout(batch.batch_id, payout_id(batch.batch_id, affiliate_id))
        if known:
            return known
        if isinstance(decided, Skip) or balance is None:
            return decided
        transaction = debit_transaction(decided, batch, balance)
        try:
            written = ledger.put_debit(debit_of(decided, batch, balance))
            also = [*payouts.put_payout(decided, page), written]
            ledger.post(transaction, closing=balance, also=also)
        except ConditionFailedError:
            if _page(page.batch_id, page.number).status != "open":
                return None
            continue
        return decided
    raise LedgerError(f"the balance of {affiliate_id} never stood still")


def give_back_page(batch_id: str, number: int) -> None:
    """Returns every payout of a cancelled batch's page to its affiliate, due at once.

    Raises LedgerError for any other batch: its payouts are, or may yet be, in a payout file.
    """
    status = payout_batches.get_batch(batch_id).status
    if status != "cancelled":
        raise LedgerError(f"{batch_id} is {status}, not cancelled, so it gives nothing back")
    page = _page(batch_id, number)
    if page.status == "returned":
        return
    accepted_at = clock.text(clock.now())
    ids = [payout_id(batch_id, affiliate_id) for affiliate_id in page.affiliate_ids]
    for payout in payouts.find_payouts(batch_id, ids):
        if payout.status == "debited":
            transaction = return_transaction(
                payout, "cancelled", accepted_at, f"Batch {batch_id} was cancelled."
            )
            ledger.post(transaction, also=[payouts.move_payout(payout, "cancelled")])
    payout_batches.mark_page_returned(page)


def _page(batch_id: str, number: int) -> Page:
    page = payout_batches.find_page(batch_id, number)
    if page is None:
        raise LedgerError(f"{batch_id} has no page {number}")
    return page
