"""Posting an accepted fact: what the stream does at once and the sweeper does in the end."""

from linkage.commissions import (
    confirmation_id,
    confirmation_transaction,
    refund_transaction,
)
from linkage.conversions import History, Refund
from linkage.errors import LedgerError
from linkage.tables import conversions, ledger
from linkage.tables.programs import program_version
from linkage.tables.settings import settings_version


def post_fact(conversion_id: str, fact: str) -> bool:
    """Posts one accepted fact and takes it off the unposted index; False if it was posted before.

    A refund first posts its confirmation, so facts may arrive in any order and any number of times.
    """
    history = conversions.get_history(conversion_id)
    if not fact.startswith("refund#"):
        return _post_confirmation(history)
    refund = history.refund(fact)
    if refund is None or not refund.posts:
        raise LedgerError(f"{conversion_id} {fact} is not a refund to be posted")
    return _post_refund(history, refund, fact)


def _post_confirmation(history: History) -> bool:
    conversion, confirmation = history.conversion, history.confirmation
    if confirmation is None:
        raise LedgerError(f"{conversion.conversion_id} is not confirmed")
    transaction = confirmation_transaction(
        conversion,
        confirmation,
        program_version(conversion.program_id, conversion.program_version),
        settings_version(conversion.settings_version),
    )
    posted = conversions.mark_posted(conversion.conversion_id, confirmation.fact)
    return ledger.post(transaction, also=[posted])


def _post_refund(history: History, refund: Refund, fact: str) -> bool:
    conversion = history.conversion
    confirmed = confirmation_id(conversion.conversion_id)
    head = ledger.find_head(confirmed)
    if head is None:
        _post_confirmation(history)
        head = ledger.find_head(confirmed)
    if head is None:
        raise LedgerError(f"{conversion.conversion_id} is confirmed but has no head")
    transaction = refund_transaction(conversion, refund, ledger.commission_in(head))
    posted = conversions.mark_posted(conversion.conversion_id, fact)
    return ledger.post(transaction, also=[posted])
