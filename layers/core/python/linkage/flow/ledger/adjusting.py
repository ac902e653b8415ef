"""Adjusting an affiliate's balance by hand: once for each id; for two persons, with four eyes."""

from collections.abc import Mapping
from dataclasses import asdict

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, InvalidFieldError
from linkage.domain.ledger.adjustments import (
    Adjustment,
    adjustment_transaction,
    require_owed,
    require_same,
)
from linkage.domain.ledger.ledger import Balance
from linkage.domain.ledger.requests import SentAdjustment
from linkage.domain.people.api_keys import Key
from linkage.domain.people.proposals import Asked, Change, Operations, Proposal
from linkage.flow.people.proposing import Plan, act
from linkage.tables import ledger
from linkage.tables.members import find_member

ADJUST = "adjustment.make"


def adjust(
    sent: SentAdjustment, adjustment_id: str, by: Key
) -> tuple[Adjustment, Proposal | None, bool]:
    """Posts an adjustment, or proposes it; says it, the proposal, and if a replay.

    Raises InvalidFieldError for no affiliate, or if the id was used for another adjustment, and
    ConflictError for a write-off of more than is owed.
    """
    asked = Asked({"adjustment_id": adjustment_id, **asdict(sent)})
    change, proposal = act(ADJUST, plan_adjust, asked, by)
    assert isinstance(change.after, Adjustment)
    return change.after, proposal, change.write is None


def plan_adjust(asked: Asked, by: Key) -> Change:
    """Posts the adjustment that `said` has, under its `adjustment_id`; raises as `adjust` does."""
    said = dict(asked.said)
    adjustment_id = said.pop("adjustment_id")
    sent = SentAdjustment(**said)
    subject, action = f"member#{sent.affiliate_id}", f"{sent.kind}.made"
    known = ledger.find_adjustment(adjustment_id)
    if known:
        require_same(known, sent)
        return Change(subject, action, None, known, None)
    balance = _adjustable(sent)
    accepted_at = clock.text(clock.now())
    made = Adjustment(adjustment_id, **asdict(sent), accepted_at=accepted_at, by_key=by.key_id)

    def write(also: Operations) -> None:
        if not ledger.post(adjustment_transaction(made), over=balance, also=also):
            raise ConditionFailedError({})  # somebody else has just posted it: `also` is not done

    return Change(subject, action, None, made, write)


def _adjustable(sent: SentAdjustment) -> Balance:
    """The balance to be adjusted as it is now."""
    member = find_member(sent.affiliate_id)
    if member is None or not member.has_role("affiliate"):
        raise InvalidFieldError("/affiliate_id", "There is no affiliate with this id.")
    whose = (sent.affiliate_id, sent.currency)
    balance = ledger.find_balance(*whose) or Balance.empty(*whose)
    require_owed(sent, balance)
    return balance


ACTIONS: Mapping[str, Plan] = {ADJUST: plan_adjust}
