"""Adjustments: what operators add to an affiliate's balance or take from it, with a reason.

A write-off is one that forgives a part of what an affiliate owes. The other side of both is an
account of its own, so what the network gave or took by hand is told apart from what was earned.
"""

from dataclasses import dataclass

from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.ledger.ledger import (
    NETWORK_ADJUSTMENTS,
    Balance,
    Posting,
    Transaction,
    affiliate_account,
    due_at_once,
    lines_due_on,
)
from linkage.domain.ledger.requests import SentAdjustment
from linkage.domain.money import amount_text


@dataclass(frozen=True)
class Adjustment:
    """One adjustment as it was made: minor units, negative if it was taken; the payee reads why."""

    adjustment_id: str
    affiliate_id: str
    currency: str
    amount_minor: int
    kind: str
    reason: str
    accepted_at: str
    by_key: str


def require_same(known: Adjustment, sent: SentAdjustment) -> None:
    """Raises InvalidFieldError if an Idempotency-Key comes back with another adjustment."""
    names = SentAdjustment.__dataclass_fields__
    if any(getattr(known, name) != getattr(sent, name) for name in names):
        raise InvalidFieldError(
            "/Idempotency-Key",
            "This Idempotency-Key made another adjustment. Use a new one.",
            code="idempotency_key_reused",
        )


def require_owed(sent: SentAdjustment, balance: Balance) -> None:
    """Raises ConflictError if a write-off is of more than the affiliate owes."""
    if sent.kind == "write_off" and -balance.balance_minor < sent.amount_minor:
        owed = amount_text(max(0, -balance.balance_minor), sent.currency)
        raise ConflictError(
            "not_owed",
            f"The affiliate owes {owed}, and no more can be written off. To give money, use "
            '"kind": "adjustment".',
        )


def adjustment_transaction(adjustment: Adjustment) -> Transaction:
    """Moves the amount between the network's adjustments and the affiliate, due at once."""
    accounts = (NETWORK_ADJUSTMENTS, affiliate_account(adjustment.affiliate_id))
    source, target = accounts if adjustment.amount_minor > 0 else reversed(accounts)
    posting = Posting(
        source, target, abs(adjustment.amount_minor), adjustment.currency, adjustment.kind
    )
    return Transaction(
        adjustment.adjustment_id,
        adjustment.kind,
        adjustment.accepted_at,
        (posting,),
        lines_due_on((posting,), due_at_once(adjustment.accepted_at)),
        facts={
            "adjustment_id": adjustment.adjustment_id,
            "reason": adjustment.reason,
            "by_key": adjustment.by_key,
        },
        why=(adjustment.reason,),
    )
