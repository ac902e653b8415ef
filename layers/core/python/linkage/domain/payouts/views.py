"""What the API shows of a payout batch and its payouts."""

from dataclasses import asdict
from typing import Any

from linkage.domain.payouts.payout_file import cells
from linkage.domain.payouts.payouts import Batch, Payout
from linkage.domain.payouts.results import steps_of
from linkage.domain.people.audit import masked


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


def payout_in_batch(paid: Payout) -> dict[str, Any]:
    """A payout as operators see it who decide on it: also if it is or was held, and by whom."""
    decided = {name: getattr(paid, name) for name in _DECIDED}
    results = [{"step": step, **asdict(each)} for step, each in enumerate(steps_of(paid), 1)]
    return payout(paid, whole=True) | {"held": paid.is_held, "results": results} | decided


_DECIDED = (
    *("held_at", "held_by", "held_reason", "released_at", "released_by"),
    *("removed_at", "removed_by"),
)
