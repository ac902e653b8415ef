"""Proposing: what one person may do alone is done, what is for two waits for the second."""

from collections.abc import Callable
from dataclasses import replace

from linkage.domain import clock
from linkage.domain.errors import BusyError, ConditionFailedError, ConflictError
from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import Record, recorded
from linkage.domain.people.proposals import (
    APPROVED,
    OPEN,
    WITHDRAWN,
    Asked,
    Change,
    Proposal,
    proposed,
)
from linkage.tables.audit import put_record
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.proposals import (
    close_proposal,
    get_proposal,
    list_proposals,
    put_proposal,
)
from linkage.tables.settings import current_settings

type Plan = Callable[[Asked, Key], Change]
"""What an action would do now, by whom: reads, checks, and writes nothing."""


def act(
    action: str, plan: Plan, asked: Asked, by: Key, *, always: bool = False
) -> tuple[Change, Proposal | None]:
    """Does what is asked, recorded; while four eyes are on, what is guarded becomes a proposal.

    `always` is for what takes two persons whatever the settings. The answer says whether a proposal
    was made, or was open already. Raises what the plan raises.
    """
    for _ in attempts():
        change = plan(asked, by)
        if change.write is None:
            return change, None
        if change.guarded and (always or current_settings().four_eyes):
            return change, propose(action, asked, change, by)
        try:
            change.write([put_record(change.record(by))])
        except ConditionFailedError:
            continue
        return change, None
    raise BusyError


def propose(action: str, asked: Asked, change: Change, by: Key) -> Proposal:
    """Opens a proposal; what the same person asked for before, and is open, is that one."""
    proposal = proposed(action, asked, change, by)
    try:
        transactions.write([put_proposal(proposal), put_record(_record(proposal, "made", by))])
    except ConditionFailedError:
        return get_proposal(proposal.proposal_id)
    return proposal


def proposals(by: Key, limit: int, cursor: str | None) -> Listed[Proposal]:
    """Every proposal, the last asked for first; for operators."""
    by.require("operator")
    return list_proposals(limit, cursor)


def withdraw(proposal_id: str, by: Key) -> tuple[Proposal, bool]:
    """Takes a proposal back, whoever asked for it; also says whether it is a replay.

    Raises ConflictError if it was approved.
    """
    for _ in attempts():
        proposal = get_proposal(proposal_id)
        if proposal.status == APPROVED:
            raise ConflictError(
                "proposal_approved", "This proposal was approved, and it is done. Undo it anew."
            )
        if proposal.status == WITHDRAWN:
            return proposal, True
        becomes = decided(proposal, WITHDRAWN, by)
        close = close_proposal(proposal, becomes)
        try:
            transactions.write([close, put_record(_record(becomes, "withdrawn", by))])
        except ConditionFailedError:
            continue
        return becomes, False
    raise BusyError


def decided(proposal: Proposal, status: str, by: Key) -> Proposal:
    """The proposal as a key has decided it now."""
    return replace(
        proposal,
        asked=Asked({}),
        status=status,
        decided_at=clock.text(clock.now()),
        decided_by_key=by.key_id,
        decided_by_person=by.person,
    )


def _record(proposal: Proposal, verb: str, by: Key) -> Record:
    """The record of what becomes of a proposal, with what it would change."""
    was = None if proposal.status == OPEN else {"status": OPEN}
    said = {"proposal_id": proposal.proposal_id, "status": proposal.status}
    wants = {"proposed": proposal.action, "before": proposal.before, "after": proposal.after}
    return recorded(by, proposal.subject, f"proposal.{verb}", was, said | wants)
