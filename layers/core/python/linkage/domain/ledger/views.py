"""What the API shows of an adjustment."""

from typing import Any

from linkage.domain.ledger.adjustments import Adjustment


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
