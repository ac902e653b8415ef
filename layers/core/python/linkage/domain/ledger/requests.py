"""Requests about balances, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import ID_LENGTH, Fields
from linkage.domain.money import MAX_AMOUNT_MINOR

ADJUSTMENTS = ("adjustment", "write_off")


@dataclass(frozen=True)
class SentAdjustment:
    """A change of an affiliate's balance as operators ask for it; minor units, signed."""

    affiliate_id: str
    currency: str
    amount_minor: int
    kind: str
    reason: str


def adjustment_in(body: object) -> SentAdjustment:
    """The adjustment in a body: the payee reads its reason."""
    fields = Fields(body)
    amount_minor = fields.integer("amount_minor", -MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)
    kind = fields.optional_choice("kind", ADJUSTMENTS) or "adjustment"
    sent = SentAdjustment(
        affiliate_id=fields.text("affiliate_id", ID_LENGTH),
        currency=fields.currency(),
        amount_minor=amount_minor,
        kind=kind,
        reason=fields.text("reason", 500),
    )
    fields.done()
    if amount_minor == 0:
        raise InvalidFieldError("/amount_minor", "An adjustment of 0 changes nothing.")
    if kind == "write_off" and amount_minor < 0:
        raise InvalidFieldError(
            "/amount_minor", "A write-off forgives what is owed: give it as a number above 0."
        )
    return sent
