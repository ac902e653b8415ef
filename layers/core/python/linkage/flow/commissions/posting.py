"""Posting an accepted fact: what the stream does at once and the sweeper does in the end."""

from collections.abc import Iterable
from typing import Any

from linkage.domain.commissions.commissions import BEYOND_BINDINGS, confirmation_id
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
    withdrawal_transaction,
)
from linkage.domain.commissions.shares import Commission
from linkage.domain.conversions.conversions import CONFIRMATION, REPORT, WITHDRAWAL, History, Refund
from linkage.domain.errors import LedgerError
from linkage.domain.ledger.ledger import Transaction
from linkage.domain.rule_versions import RULES_FIRST, require_known
from linkage.flow.commissions.withdrawing import (
    ends_introductions,
    take_back_if_ended,
    take_back_what_lived_by,
)
from linkage.flow.conversions.terms_of_conversion import reading_terms
from linkage.tables import conversions, ledger
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import NOTHING, Reading, gather, read

type Fact = tuple[str, str]
"""A conversion's id, and the key of one of its facts."""

type Head = dict[str, Any]


class Posting:
    """Some accepted facts that are read together; each is then posted by itself."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._readings = {fact: (_reading_history(*fact), _reading_head(*fact)) for fact in facts}
        self.beyond_bindings = 0
        """How many of those posted introduced nobody because of the bound on a day's bindings."""
        self._found = gather(*(each for both in self._readings.values() for each in both))

    def post(self, conversion_id: str, fact: str) -> bool:
        """Posts one of the facts and takes it off the unposted index; False if it was posted
        before.

        What takes back first posts its confirmation, so facts may arrive in any order and any
        number of times. Raises LedgerError for what is no fact to be posted,
        LaterReleaseError for what a later release accepted.
        """
        reading_history, reading_head = self._readings[conversion_id, fact]
        history = reading_history.of(self._found)
        if fact == WITHDRAWAL:
            return _post_withdrawal(history, reading_head.of(self._found))
        if not _is_refund(fact):
            posted = _post_confirmation(history)
            self.beyond_bindings += bool(posted and posted.facts.get(BEYOND_BINDINGS))
            return posted is not None
        refund = history.refund(fact)
        if refund is None or not refund.posts:
            raise LedgerError(f"{conversion_id} {fact} is not a refund to be posted")
        # A head never changes, but one that was not there may have come since.
        return _post_refund(history, refund, fact, reading_head.of(self._found))


def post_fact(conversion_id: str, fact: str) -> bool:
    """Posts one accepted fact that was read by itself."""
    return Posting([(conversion_id, fact)]).post(conversion_id, fact)


def _reading_history(conversion_id: str, fact: str) -> Reading[History]:
    """As much of the conversion's history as posting the fact looks at."""
    if fact == REPORT:
        return conversions.reading_facts(conversion_id)
    later = [fact] if _is_refund(fact) or fact == WITHDRAWAL else []
    return conversions.reading_facts(conversion_id, CONFIRMATION, *later)


def _reading_head(conversion_id: str, fact: str) -> Reading[Head | None]:
    """The head of its confirmation, which what takes back is posted by."""
    takes_back = _is_refund(fact) or fact == WITHDRAWAL
    return ledger.reading_head(confirmation_id(conversion_id)) if takes_back else NOTHING


def _is_refund(fact: str) -> bool:
    return fact.startswith("refund#")


def _post_confirmation(history: History) -> Transaction | None:
    """The transaction, None if it was posted before."""
    conversion, confirmation = history.conversion, history.confirmation
    require_known(*history.versions())
    if confirmation is None:
        raise LedgerError(f"{conversion.conversion_id} is not confirmed")
    if conversion.attribution.introduction:
        take_back_if_ended(conversion.conversion_id)
    program, settings = read(reading_terms(conversion))
    transaction = confirmation_transaction(conversion, confirmation, program, settings)
    posted = conversions.mark_posted(conversion.conversion_id, confirmation.fact)
    return transaction if ledger.post(transaction, also=[posted]) else None


def _post_refund(history: History, refund: Refund, fact: str, head: Head | None) -> bool:
    conversion = history.conversion
    require_known(*history.versions())
    commission = _commission(history, head)
    transaction = refund_transaction(conversion, refund, commission)
    posted = conversions.mark_posted(conversion.conversion_id, fact)
    if not ends_introductions(history, refund):
        return ledger.post(transaction, also=[posted])
    # What lived by the sale must not keep its own clawback waiting; until all of it is taken back
    # the mark stays, for the sweeper to come again.
    is_new = ledger.post(transaction)
    take_back_what_lived_by(conversion.conversion_id, refund)
    transactions.write([posted])
    return is_new


def _post_withdrawal(history: History, head: Head | None) -> bool:
    conversion, withdrawal = history.conversion, history.withdrawal
    require_known(*history.versions())
    if withdrawal is None:
        raise LedgerError(f"{conversion.conversion_id} has no withdrawal to be posted")
    commission = _commission(history, head)
    transaction = withdrawal_transaction(conversion, withdrawal, commission)
    posted = conversions.mark_posted(conversion.conversion_id, WITHDRAWAL)
    return ledger.post(transaction, also=[posted])


def _commission(history: History, head: Head | None) -> Commission | None:
    """The commission as its confirmation was posted, which is posted now if it was not yet."""
    conversion_id = history.conversion.conversion_id
    confirmed = confirmation_id(conversion_id)
    head = head or ledger.find_head(confirmed)
    if head is None:
        _post_confirmation(history)
        head = ledger.find_head(confirmed)
    if head is None:
        raise LedgerError(f"{conversion_id} is confirmed but has no head")
    require_known(head.get("rules", RULES_FIRST))
    return ledger.commission_in(head)
