"""What the API shows of a conversion and a refund."""

from dataclasses import asdict
from typing import Any

from linkage.domain.conversions.conversions import Conversion, Item, Refund, known_to


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
