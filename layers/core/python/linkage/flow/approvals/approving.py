"""Approving: a second person carries out what another asked for, if it still is what was asked."""

from collections.abc import Callable, Mapping
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import (
    BusyError,
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    NotFoundError,
)
from linkage.domain.people.api_keys import Key
from linkage.domain.people.proposals import (
    APPROVED,
    Change,
    Operations,
    Proposal,
    changed_meanwhile,
    require_decidable,
)
from linkage.flow.conversions import releasing
from linkage.flow.ledger import adjusting
from linkage.flow.people import changing_members, managing_keys
from linkage.flow.people.proposing import Plan, decided
from linkage.flow.terms import publishing_settings
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.proposals import close_proposal, get_proposal

ACTIONS: Mapping[str, Plan] = {
    **adjusting.ACTIONS,
    **changing_members.ACTIONS,
    **publishing_settings.ACTIONS,
    **managing_keys.ACTIONS,
    **releasing.ACTIONS,
}
"""What can be proposed, by its name: each plan checks, and says how it is carried out."""

type Approved = tuple[Proposal, Mapping[str, Any], bool]
"""The proposal, what only this answer shows, and whether it is a replay."""


def approve(proposal_id: str, by: Key) -> Approved:
    """Carries a proposal out and closes it in one transaction.

    Raises ConflictError if the key may not, if it is decided or expired, or if what it changes is
    no longer as it was.
    """
    for _ in attempts():
        proposal = get_proposal(proposal_id)
        if proposal.status == APPROVED and proposal.decided_by_key == by.key_id:
            return proposal, {}, True
        require_decidable(proposal, by, clock.text(clock.now()))
        change, write = _planned(proposal, by)
        becomes = decided(proposal, APPROVED, by)
        why = (
            f"{proposal.by_person} asked for it on {proposal.asked_at} with {proposal.by_key}, as "
            f"{proposal_id}."
        )
        try:
            write([close_proposal(proposal, becomes), put_record(change.record(by, why))])
        except ConditionFailedError:
            continue
        return becomes, change.shown, False
    raise BusyError


def _planned(proposal: Proposal, by: Key) -> tuple[Change, Callable[[Operations], None]]:
    """What the proposal would do now; raises ConflictError if that is not what was asked for."""
    try:
        change = ACTIONS[proposal.action](proposal.asked, by)
    except (ConflictError, InvalidFieldError, NotFoundError) as error:
        raise changed_meanwhile(error.detail) from error
    if change.was != proposal.was:
        raise changed_meanwhile("somebody else changed it.")
    if change.write is None:
        raise changed_meanwhile("it is so already.")
    return change, change.write
