"""Conversions: what a vendor reported, what became of it, and when it may change."""

from dataclasses import dataclass, field, replace

from linkage.domain.conversions.attribution import Attribution, without_introducers
from linkage.domain.conversions.standing import Seen
from linkage.domain.conversions.tallies import Tally
from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.ids import digest, external
from linkage.domain.money import amount_text
from linkage.domain.rule_versions import RULES_FIRST
from linkage.domain.terms.programs import COUNTED_EVENTS

STATUSES = ("pending", "confirmed", "rejected")
BY_REPORT, BY_VENDOR, BY_SILENCE = "report", "vendor", "silence"
"""By whose word a conversion is confirmed: the report's own, the vendor's later one, or none."""
REJECTION_CODES = ("duplicate", "cancelled", "fraud", "test", "not_qualified", "other")
REFUNDS_MAX = 100
"""So many refunds of one conversion, and then one more that gives all the rest back."""
REPORT, CONFIRMATION, REJECTION = "report", "confirmation", "rejection"
WITHDRAWAL = "withdrawal"
"""The fact keys of a conversion; refunds have keys of their own."""


@dataclass(frozen=True)
class Item:
    """One line of an order; minor units of the conversion's currency, for all its pieces."""

    amount_minor: int
    category: str | None = None
    sku: str | None = None
    quantity: int = 1


@dataclass(frozen=True)
class Conversion:
    """A report with the conversion's state: the client's part never changes, its state does.

    `occurred_at` is when it happened, which decides windows, dates and periods; `reported_at` when
    it was accepted. `customer_keys` are who the customer is for bindings and tallies,
    `customer_aliases` the same in the form that recognises an affiliate's own purchase.
    `confirm_at` is when silence confirms it; None if it never does. `held_reason` is why a
    confirmation that was received moves nothing until an operator releases it. `quantity` is how
    many clicks or impressions it stands for, where the network counted them. `by_operator` is
    whether an operator reported it, `confirmed_by_operator` whether one confirmed it.
    `withdrawn_at` is when its introducer's commission was taken back, because the sale that
    introduced its customer no longer stood. `rules` is the version of the rules it was accepted
    under, as of every fact. `fingerprint` is of the report as it was sent
    and `meaning` of what it says (`ids.meaning`); facts accepted before there was one have none.
    `by_key` is the key that said it, as of every fact; None where the network did, or before that
    was kept.
    """

    conversion_id: str
    vendor_id: str
    program_id: str
    program_version: int
    settings_version: int
    event: str
    external_id: str
    amount_minor: int
    currency: str
    occurred_at: str
    reported_at: str
    fingerprint: str
    attribution: Attribution
    items: tuple[Item, ...] = ()
    customer_keys: tuple[str, ...] = ()
    customer_aliases: tuple[str, ...] = ()
    confirm_at: str | None = None
    quantity: int = 1
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "pending"
    refunded_minor: int = 0
    sequence: int = 0
    rules: int = RULES_FIRST
    held_reason: str | None = None
    held_by: str | None = None
    held_at: str | None = None
    by_operator: bool = False
    confirmed_by_operator: bool = False
    withdrawn_at: str | None = None
    meaning: str | None = None
    by_key: str | None = None

    @property
    def counted(self) -> bool:
        """Whether it is a day of one link, counted by the network, and no vendor's report."""
        return self.event in COUNTED_EVENTS

    @property
    def link_code(self) -> str | None:
        """The link it was counted on, None for what a vendor reported."""
        claims = self.attribution.candidates if self.counted else ()
        return next((each.reference for each in claims if each.model == "link"), None)


@dataclass(frozen=True)
class Confirmation:
    """The fact that makes a conversion earn: the vendor's word, the report itself, or silence.

    `silent` is whether it came by itself after the program's `confirm_after_days`; `released_by`
    the operator's key that released what was held, which is accepted when it is released.
    `new_contacts` is how many of the customer's contacts it would bind that count against the day.
    `by_operator` is whether an operator gave the vendor's word; `introduces_nobody` that an
    operator reported it, the network had four eyes, and the vendor itself did not confirm it.
    """

    conversion_id: str
    fact: str
    accepted_at: str
    sequence: int
    refunded_before_minor: int
    seen: Seen
    silent: bool = False
    rules: int = RULES_FIRST
    released_by: str | None = None
    new_contacts: int = 0
    by_key: str | None = None
    by_operator: bool = False
    introduces_nobody: bool = False


@dataclass(frozen=True)
class Held:
    """That a confirmation was received and moves nothing yet: why, by whose word, and when."""

    reason: str
    by: str
    at: str


@dataclass(frozen=True)
class Rejection:
    """The vendor's word that a pending conversion will never earn."""

    conversion_id: str
    accepted_at: str
    sequence: int
    reason: str
    code: str = "other"
    rules: int = RULES_FIRST
    by_key: str | None = None


@dataclass(frozen=True)
class Refund:
    """Money a vendor gave back to the customer of a conversion.

    `tallies` are those its confirmation moved, as they were before this refund moves them back.
    `withdrawn` is whether the commission had been taken back whole before. `fingerprint` and
    `meaning` are as a conversion's.
    """

    conversion_id: str
    external_id: str
    amount_minor: int
    reason: str
    accepted_at: str
    sequence: int
    refunded_before_minor: int
    posts: bool
    fingerprint: str
    tallies: tuple[Tally, ...] = ()
    rules: int = RULES_FIRST
    withdrawn: bool = False
    meaning: str | None = None
    by_key: str | None = None

    @property
    def refunded_after_minor(self) -> int:
        """Everything refunded once this refund is counted, minor units."""
        return self.refunded_before_minor + self.amount_minor


@dataclass(frozen=True)
class Withdrawal:
    """The fact that takes an introducer's commission back: what introduced its customer has ended.

    `introduction_id` is that sale, of which too little stood from the UTC date `ended_on` on.
    `tallies` are those its confirmation moved, as they were before this moves them back; one
    accepted under rules before 3 moved none.
    """

    conversion_id: str
    accepted_at: str
    sequence: int
    refunded_before_minor: int
    introduction_id: str
    ended_on: str
    rules: int = RULES_FIRST
    tallies: tuple[Tally, ...] = ()


@dataclass(frozen=True)
class History:
    """A conversion with every fact accepted about it; refunds in the order they were accepted."""

    conversion: Conversion
    confirmation: Confirmation | None
    rejection: Rejection | None
    refunds: tuple[Refund, ...]
    withdrawal: Withdrawal | None = None

    def versions(self) -> tuple[int, ...]:
        """The versions of the rules its facts were accepted under."""
        single = (self.conversion, self.confirmation, self.rejection, self.withdrawal)
        said = (*single, *self.refunds)
        return tuple(each.rules for each in said if each)

    def refund(self, fact: str) -> Refund | None:
        """The refund of this fact key, or None."""
        return next((each for each in self.refunds if refund_key(each.external_id) == fact), None)


def known_to(role: str, conversion: Conversion) -> Conversion:
    """The conversion as a key of that role may know it: a vendor reads who introduced its customer
    only once it is confirmed."""
    if role != "vendor" or conversion.status == "confirmed":
        return conversion
    return replace(conversion, attribution=without_introducers(conversion.attribution))


def counted_text(conversion: Conversion) -> str:
    """How many clicks or impressions it stands for, in words: `1,234 clicks`."""
    plural = "" if conversion.quantity == 1 else "s"
    return f"{conversion.quantity:,} {conversion.event}{plural}"


def says_again(known: Conversion | Refund, fingerprint: str, meaning: str) -> bool:
    """Whether what was sent says what is known: the same JSON, or the same written otherwise."""
    return known.fingerprint == fingerprint or known.meaning == meaning


def decided(conversion: Conversion, status: str) -> Conversion:
    """The conversion one fact on, confirmed or rejected: it waits for nothing any more."""
    return replace(
        conversion,
        status=status,
        confirm_at=None,
        held_reason=None,
        held_by=None,
        held_at=None,
        sequence=conversion.sequence + 1,
    )


def after_confirmation(conversion: Conversion, confirmation: Confirmation) -> Conversion:
    """The conversion one fact on, confirmed."""
    by_operator = confirmation.by_operator
    return replace(decided(conversion, "confirmed"), confirmed_by_operator=by_operator)


def held(conversion: Conversion, hold: Held) -> Conversion:
    """The conversion with a confirmation that is kept as received: it waits for an operator."""
    return replace(
        conversion,
        confirm_at=None,
        held_reason=hold.reason,
        held_by=hold.by,
        held_at=hold.at,
    )


def refunded(conversion: Conversion, refund: Refund) -> Conversion:
    """The conversion one fact on, with the refund."""
    total_minor = refund.refunded_after_minor
    return replace(conversion, refunded_minor=total_minor, sequence=conversion.sequence + 1)


def withdrawn(conversion: Conversion, withdrawal: Withdrawal) -> Conversion:
    """The conversion one fact on, with its commission taken back."""
    at = withdrawal.accepted_at
    return replace(conversion, withdrawn_at=at, sequence=conversion.sequence + 1)


def refund_key(external_id: str) -> str:
    """The fact key of a refund: its own external id is unique within the conversion."""
    return f"refund#{digest(external(external_id))}"


def require_confirmable(conversion: Conversion) -> None:
    """Raises ConflictError if the vendor has rejected the conversion."""
    if conversion.status == "rejected":
        raise ConflictError(
            "conversion_rejected", "This conversion was rejected, so it cannot be confirmed."
        )


def require_held(conversion: Conversion) -> None:
    """Raises ConflictError unless the conversion is held."""
    if conversion.held_reason is None:
        raise ConflictError(
            "not_held",
            f"This conversion is {conversion.status} and not held, so there is nothing to release.",
        )


def require_rejectable(conversion: Conversion) -> None:
    """Raises ConflictError once the conversion is confirmed."""
    if conversion.status == "confirmed":
        instead = (
            "A confirmed day is final; reject the next ones before they are confirmed."
            if conversion.event in COUNTED_EVENTS
            else "Report a refund instead."
        )
        raise ConflictError(
            "conversion_confirmed",
            f"This conversion is confirmed, so it cannot be rejected. {instead}",
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


def require_room_for_refund(history: History, amount_minor: int) -> None:
    """Raises InvalidFieldError if it has as many refunds as can be and this is not all the rest."""
    conversion = history.conversion
    rest_minor = conversion.amount_minor - conversion.refunded_minor
    if len(history.refunds) >= REFUNDS_MAX and amount_minor != rest_minor:
        raise InvalidFieldError(
            "/amount_minor",
            f"This conversion has {len(history.refunds)} refunds already. One more is possible, of "
            f"all that is left: {amount_text(rest_minor, conversion.currency)}. Send amount_minor "
            f"{rest_minor}, for this refund and all later ones together.",
            code="too_many_refunds",
        )
