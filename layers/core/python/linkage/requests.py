"""The requests of vendors and operators, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.customers import Customer
from linkage.errors import ForbiddenError, InvalidFieldError
from linkage.fields import Fields
from linkage.ids import fingerprint
from linkage.keys import Key
from linkage.members import normalised_email, normalised_phone
from linkage.money import MAX_AMOUNT_MINOR
from linkage.programs import EVENTS

LATER_EVENTS = ("signup", "install", "click", "impression")
RESULTS_MAX = 100
_ID_LENGTH = 64


@dataclass(frozen=True)
class Report:
    """A conversion as a vendor sends it."""

    vendor_id: str
    program_id: str
    event: str
    external_id: str
    amount_minor: int
    currency: str
    fingerprint: str
    click_id: str | None
    affiliate_id: str | None
    customer: Customer
    metadata: dict[str, str]


@dataclass(frozen=True)
class SentRefund:
    """A refund as a vendor sends it."""

    external_id: str
    amount_minor: int
    reason: str
    fingerprint: str


@dataclass(frozen=True)
class Result:
    """What the bank or the mobile-money operator said of one payout."""

    pointer: str
    payout_id: str
    status: str
    reference: str | None
    reason: str | None


@dataclass(frozen=True)
class SentBatch:
    """A payout batch as an operator asks for it."""

    currency: str
    cutoff: str | None
    fingerprint: str


def report_in(body: object, key: Key) -> Report:
    """The conversion in a body; raises InvalidFieldError for whatever must be changed."""
    fields = Fields(body)
    fields.refuse("coupon", "items", "occurred_at")
    vendor_id = acting_vendor(fields, key)
    report = Report(
        vendor_id=vendor_id,
        program_id=fields.text("program_id", _ID_LENGTH),
        event=_event(fields),
        external_id=fields.text("external_id"),
        amount_minor=fields.integer("amount_minor", 0, MAX_AMOUNT_MINOR),
        currency=fields.currency(),
        fingerprint=fingerprint(body),
        click_id=fields.optional_text("click_id", _ID_LENGTH),
        affiliate_id=fields.optional_text("affiliate_id", _ID_LENGTH),
        customer=_customer(fields.object("customer")),
        metadata=fields.metadata(),
    )
    fields.done()
    return report


def acting_vendor(fields: Fields, key: Key) -> str:
    """The vendor a request is for: the key's own, or the one an operator names."""
    if key.role == "operator":
        return fields.text("vendor_id", _ID_LENGTH)
    if key.member_id is None:
        raise ForbiddenError("wrong_role", "This key belongs to no vendor.")
    return key.member_id


def _event(fields: Fields) -> str:
    event = fields.text("event")
    if event in LATER_EVENTS:
        raise InvalidFieldError(
            "/event",
            f"The event {event} is not supported yet. Use sale or lead.",
            code="not_supported",
        )
    if event not in EVENTS:
        raise InvalidFieldError("/event", f"event must be one of: {', '.join(EVENTS)}.")
    return event


def _customer(fields: Fields | None) -> Customer:
    if fields is None:
        return Customer()
    phone, email = fields.optional_text("phone"), fields.optional_text("email")
    customer = Customer(
        phone=phone and normalised_phone(phone, "/customer/phone"),
        email=email and normalised_email(email, "/customer/email"),
        vendor_customer_id=fields.optional_text("id"),
    )
    fields.done()
    return customer


def no_fields_in(body: object) -> None:
    """Reads a request that carries nothing: no body, or an empty object."""
    if body is not None:
        Fields(body).done()


def reason_in(body: object) -> str:
    """The reason of a rejection."""
    fields = Fields(body)
    reason = fields.text("reason", 500)
    fields.done()
    return reason


def refund_in(body: object) -> SentRefund:
    """The refund in a body."""
    fields = Fields(body)
    refund = SentRefund(
        external_id=fields.text("external_id"),
        amount_minor=fields.integer("amount_minor", 1, MAX_AMOUNT_MINOR),
        reason=fields.text("reason", 500),
        fingerprint=fingerprint(body),
    )
    fields.done()
    return refund


def batch_in(body: object) -> SentBatch:
    """The payout batch in a body."""
    fields = Fields(body)
    batch = SentBatch(
        currency=fields.currency(),
        cutoff=fields.optional_text("cutoff", 10),
        fingerprint=fingerprint(body),
    )
    fields.done()
    return batch


def results_in(body: object) -> list[Result]:
    """The payout results in a body; each payout may stand in it once."""
    fields = Fields(body)
    results = [_result(item, pointer) for item, pointer in fields.array("results", RESULTS_MAX)]
    fields.done()
    seen: set[str] = set()
    for result in results:
        if result.payout_id in seen:
            raise InvalidFieldError(
                f"{result.pointer}/payout_id", "This payout already has a result in this request."
            )
        seen.add(result.payout_id)
    return results


def _result(item: object, pointer: str) -> Result:
    fields = Fields(item, pointer)
    result = Result(
        pointer=pointer,
        payout_id=fields.text("payout_id", _ID_LENGTH),
        status=fields.choice("status", ("paid", "failed")),
        reference=fields.optional_text("reference"),
        reason=fields.optional_text("reason", 500),
    )
    fields.done()
    return result
