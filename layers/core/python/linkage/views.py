"""What the API shows of a conversion, a refund and a batch."""

from dataclasses import asdict
from typing import Any

from linkage import clock
from linkage.adjustments import Adjustment
from linkage.audit import masked
from linkage.consent import Consent
from linkage.conversions import Conversion, Item, Refund, known_to
from linkage.payout_file import cells
from linkage.payouts import Batch, Payout
from linkage.proposals import Proposal
from linkage.results import steps_of


def conversion(conversion: Conversion, role: str) -> dict[str, Any]:
    """A conversion as a key of that role may know it; amounts in minor units."""
    attribution = known_to(role, conversion).attribution
    shown: dict[str, Any] = {
        "id": conversion.conversion_id,
        "status": conversion.status,
        "attributed": attribution.model is not None,
        "attribution": None,
        "vendor_id": conversion.vendor_id,
        "program_id": conversion.program_id,
        "event": conversion.event,
        "external_id": conversion.external_id,
        "amount_minor": conversion.amount_minor,
        "refunded_minor": conversion.refunded_minor,
        "currency": conversion.currency,
        "items": [_item(item) for item in conversion.items],
        "coupon": attribution.coupon,
        "occurred_at": conversion.occurred_at,
        "reported_at": conversion.reported_at,
        "metadata": conversion.metadata,
    }
    if conversion.counted:
        shown |= {"quantity": conversion.quantity, "code": conversion.link_code}
    if conversion.by_key and role == "operator":
        shown["by_key"] = conversion.by_key
    if role != "affiliate":
        for name in ("by_operator", "confirmed_by_operator"):
            if getattr(conversion, name):
                shown[name] = True
    if conversion.confirm_at:
        shown["confirm_at"] = conversion.confirm_at
    if conversion.held_reason:
        shown["held"] = {
            "reason": conversion.held_reason,
            "since": conversion.held_at,
            "by": conversion.held_by,
        }
    if attribution.model:
        shown["attribution"] = {
            "model": attribution.model,
            "affiliate_id": attribution.affiliate_id,
            "click_id": attribution.click.click_id if attribution.click else None,
        }
    else:
        shown["reason"] = attribution.reason
    return shown


def _item(item: Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if value is not None}


def refund(conversion: Conversion, refund: Refund) -> dict[str, Any]:
    """A refund, and how much of its conversion has been refunded with it; minor units."""
    return {
        "conversion_id": conversion.conversion_id,
        "external_id": refund.external_id,
        "amount_minor": refund.amount_minor,
        "currency": conversion.currency,
        "reason": refund.reason,
        "accepted_at": refund.accepted_at,
        "refunded_minor": refund.refunded_after_minor,
    }


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


def batch(batch: Batch) -> dict[str, Any]:
    """A payout batch without its payouts; the total in minor units."""
    return {
        "id": batch.batch_id,
        "status": batch.status,
        "currency": batch.currency,
        "cutoff": batch.cutoff,
        "created_at": batch.created_at,
        "count": batch.count,
        "total_minor": batch.total_minor,
        "held_count": batch.held_count,
        "held_minor": batch.held_minor,
        "removed_count": batch.removed_count,
        "removed_minor": batch.removed_minor,
    }


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


def payout(payout: Payout, *, whole: bool) -> dict[str, Any]:
    """A payout; minor units. Who is not to see it `whole` sees where it goes masked.

    Payee, method, provider and account are to the letter as the payout file has them.
    """
    said = cells(payout)
    return {
        "id": payout.payout_id,
        "batch_id": payout.batch_id,
        "affiliate_id": payout.affiliate_id,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "status": payout.status,
        "created_at": payout.created_at,
        "name": said["name"],
        "method": said["method"],
        "provider": said["provider"],
        "account": said["account"] if whole or not said["account"] else masked(said["account"]),
        "reference": payout.reference,
        "reason": payout.reason,
        "results": [
            {"step": step, **{name: said for name, said in asdict(each).items() if name != "by"}}
            for step, each in enumerate(steps_of(payout), 1)
        ],
    }


def adjustment(adjustment: Adjustment) -> dict[str, Any]:
    """An adjustment as operators see it; minor units."""
    return {
        "id": adjustment.adjustment_id,
        "affiliate_id": adjustment.affiliate_id,
        "kind": adjustment.kind,
        "amount_minor": adjustment.amount_minor,
        "currency": adjustment.currency,
        "reason": adjustment.reason,
        "accepted_at": adjustment.accepted_at,
        "by": adjustment.by_key,
    }


def payout_in_batch(paid: Payout) -> dict[str, Any]:
    """A payout as operators see it who decide on it: also if it is or was held, and by whom."""
    decided = {name: getattr(paid, name) for name in _DECIDED}
    results = [{"step": step, **asdict(each)} for step, each in enumerate(steps_of(paid), 1)]
    return payout(paid, whole=True) | {"held": paid.is_held, "results": results} | decided


_DECIDED = (
    *("held_at", "held_by", "held_reason", "released_at", "released_by"),
    *("removed_at", "removed_by"),
)
