"""What the API shows of people: their codes, their consent, what two of them decide."""

from typing import Any

from linkage.domain import clock
from linkage.domain.people.consent import Consent
from linkage.domain.people.proposals import Proposal


def client_code(code: str, expires_at: str) -> dict[str, Any]:
    """A client's code, shown this once."""
    return {"code": code, "expires_at": expires_at}


def consent(consent: Consent) -> dict[str, Any]:
    """What is so after an opt-out or an opt-in."""
    shown = {
        "opted_out": consent.opted_out,
        "scope": consent.scope,
        "detail": consent.detail,
        "marked_by": consent.marked_by,
    }
    return {name: value for name, value in shown.items() if value is not None}


def proposal(proposal: Proposal) -> dict[str, Any]:
    """A proposal, for operators: what was asked for, whole while it can be approved."""
    return {
        "id": proposal.proposal_id,
        "status": proposal.status_at(clock.text(clock.now())),
        "action": proposal.action,
        "subject": proposal.subject,
        "asked": proposal.asked.said,
        "before": proposal.before,
        "after": proposal.after,
        "asked_at": proposal.asked_at,
        "expires_at": proposal.expires_at,
        "by_key": proposal.by_key,
        "by_person": proposal.by_person,
        "decided_at": proposal.decided_at,
        "decided_by_key": proposal.decided_by_key,
        "decided_by_person": proposal.decided_by_person,
    }
