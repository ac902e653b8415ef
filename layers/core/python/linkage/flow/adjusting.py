"""Adjusting an affiliate's balance by hand: once for each id, and on the record."""

from collections.abc import Sequence
from typing import Any

from linkage import clock
from linkage.adjustments import (
    Adjustment,
    adjustment_transaction,
    require_owed,
    require_same,
)
from linkage.audit import recorded
from linkage.errors import ConflictError, InvalidFieldError
from linkage.keys import Key
from linkage.ledger import Balance
from linkage.requests import SentAdjustment
from linkage.tables import ledger
from linkage.tables.audit import put_record
from linkage.tables.members import find_member
from linkage.tables.transactions import ConditionFailedError, attempts


def adjust(
    sent: SentAdjustment, adjustment_id: str, by: Key, also: Sequence[dict[str, Any]] = ()
) -> tuple[Adjustment, bool]:
    """Posts an adjustment with the `also` operations; also says whether it had been before.

    Raises InvalidFieldError for no affiliate, or if the id was used for another adjustment, and
    ConflictError for a write-off of more than is owed.
    """
    for _ in attempts():
        known = ledger.find_adjustment(adjustment_id)
        if known:
            require_same(known, sent)
            return known, True
        balance = require_adjustable(sent)
        made = Adjustment(
            adjustment_id,
            sent.affiliate_id,
            sent.currency,
            sent.amount_minor,
            sent.kind,
            sent.reason,
            accepted_at=clock.text(clock.now()),
            by_key=by.key_id,
        )
        subject = f"member#{sent.affiliate_id}"
        record = put_record(recorded(by, subject, f"{sent.kind}.made", None, made, why=sent.reason))
        try:
            if ledger.post(adjustment_transaction(made), over=balance, also=[*also, record]):
                return made, False
        except ConditionFailedError:
            if also:
                raise
    raise ConflictError("busy", "This balance is changing all the time right now. Try again.")


def require_adjustable(sent: SentAdjustment) -> Balance:
    """The balance to be adjusted as it is now; raises as `adjust` does."""
    member = find_member(sent.affiliate_id)
    if member is None or not member.has_role("affiliate"):
        raise InvalidFieldError("/affiliate_id", "There is no affiliate with this id.")
    whose = (sent.affiliate_id, sent.currency)
    balance = ledger.find_balance(*whose) or Balance.empty(*whose)
    require_owed(sent, balance)
    return balance
