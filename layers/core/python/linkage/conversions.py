"""Conversions: what a vendor reported, what became of it, and when it may change."""

from dataclasses import dataclass, field

from linkage.attribution import Attribution
from linkage.errors import ConflictError, InvalidFieldError
from linkage.ids import digest, external
from linkage.members import Seen
from linkage.money import amount_text

STATUSES = ("pending", "confirmed", "rejected")
REPORT, CONFIRMATION, REJECTION = "report", "confirmation", "rejection"
"""The fact keys of a conversion; refunds have keys of their own."""


@dataclass(frozen=True)
class Conversion:
    """A report with the conversion's state: the client's part never changes, the last three do."""

    conversion_id: str
    vendor_id: str
    program_id: str
    program_version: int
    settings_version: int
    event: str
    external_id: str
    amount_minor: int
    currency: str
    reported_at: str
    fingerprint: str
    attribution: Attribution
    customer_keys: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "pending"
    refunded_minor: int = 0
    sequence: int = 0


@dataclass(frozen=True)
class Confirmation:
    """The fact that makes a conversion earn: the vendor's word, or the report itself."""

    conversion_id: str
    fact: str
    accepted_at: str
    sequence: int
    refunded_before_minor: int
    seen: Seen


@dataclass(frozen=True)
class Rejection:
    """The vendor's word that a pending conversion will never earn."""

    conversion_id: str
    accepted_at: str
    sequence: int
    reason: str


@dataclass(frozen=True)
class Refund:
    """Money a vendor gave back to the customer of a conversion."""

    conversion_id: str
    external_id: str
    amount_minor: int
    reason: str
    accepted_at: str
    sequence: int
    refunded_before_minor: int
    posts: bool
    fingerprint: str

    @property
    def refunded_after_minor(self) -> int:
        """Everything refunded once this refund is counted, minor units."""
        return self.refunded_before_minor + self.amount_minor


@dataclass(frozen=True)
class History:
    """A conversion with every fact accepted about it; refunds in the order they were accepted."""

    conversion: Conversion
    confirmation: Confirmation | None
    rejection: Rejection | None
    refunds: tuple[Refund, ...]

    def refund(self, fact: str) -> Refund | None:
        """The refund of this fact key, or None."""
        return next((each for each in self.refunds if refund_key(each.external_id) == fact), None)


def refund_key(external_id: str) -> str:
    """The fact key of a refund: its own external id is unique within the conversion."""
    return f"refund#{digest(external(external_id))}"


def require_confirmable(conversion: Conversion) -> None:
    """Raises ConflictError if the vendor has rejected the conversion."""
    if conversion.status == "rejected":
        raise ConflictError(
            "conversion_rejected", "This conversion was rejected, so it cannot be confirmed."
        )


def require_rejectable(conversion: Conversion) -> None:
    """Raises ConflictError once the conversion is confirmed."""
    if conversion.status == "confirmed":
        raise ConflictError(
            "conversion_confirmed",
            "This conversion is confirmed, so it cannot be rejected. Report a refund instead.",
        )


def require_refundable(conversion: Conversion, amount_minor: int) -> None:
    """Raises ConflictError if it was rejected, InvalidFieldError beyond what is left to refund."""
    if conversion.status == "rejected":
        raise ConflictError(
            "conversion_rejected", "This conversion was rejected, so there is nothing to refund."
        )
    rest_minor = conversion.amount_minor - conversion.refunded_minor
    if amount_minor > rest_minor:
        raise InvalidFieldError(
            "/amount_minor",
            f"Only {amount_text(rest_minor, conversion.currency)} of this conversion is left to "
            "refund.",
            code="refund_exceeds_rest",
        )
