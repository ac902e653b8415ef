"""The requests of vendors and operators, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.attribution import CountedLink
from linkage.click_tokens import LONGEST_TOKEN
from linkage.client_codes import Client
from linkage.conversions import REJECTION_CODES, Item
from linkage.coupons import normalised_code
from linkage.customers import Customer
from linkage.errors import ForbiddenError, InvalidFieldError
from linkage.fields import Fields
from linkage.ids import fingerprint, meaning
from linkage.keys import Key
from linkage.members import normalised_email, normalised_phone
from linkage.money import MAX_AMOUNT_MINOR
from linkage.plain import without_defaults
from linkage.programs import COUNTED_EVENTS, EVENTS

RESULTS_MAX = 100
ITEMS_MAX = 50
_ID_LENGTH = 64
_QUANTITY_MAX = 1_000_000


@dataclass(frozen=True)
class Report:
    """A conversion as a vendor sends it, or as the network counts it.

    `occurred_at` is UTC as stored; `may_backdate` is whether it may be older than the program's
    lateness. `client` is whom the affiliate says it buys for. `link` and `quantity` are of what the
    network counts itself: whose link, and how often that day. `by_key` is the key that reports it.
    """

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
    coupon: str | None = None
    items: tuple[Item, ...] = ()
    occurred_at: str | None = None
    lead_id: str | None = None
    joint_with: str | None = None
    client: Client | None = None
    may_backdate: bool = False
    link: CountedLink | None = None
    quantity: int = 1
    by_key: str | None = None

    @property
    def meaning(self) -> str:
        """What it says, whoever says it and however it is written (`ids.meaning`)."""
        return _meaning(self)


_OF_CALLER = frozenset({"fingerprint", "may_backdate", "by_key"})


@dataclass(frozen=True)
class SentClientCode:
    """A client's code as a vendor asks for it: who buys, and for whom."""

    vendor_id: str
    affiliate_id: str
    client: Customer


@dataclass(frozen=True)
class SentCustomer:
    """A customer who opts out or in; only an operator may name no vendor."""

    vendor_id: str | None
    customer: Customer


@dataclass(frozen=True)
class SentUnbinding:
    """A customer whose introduction an operator ends; `vendor_id` says whose the own id is."""

    vendor_id: str | None
    customer: Customer
    reason: str


@dataclass(frozen=True)
class SentRefund:
    """A refund as a vendor sends it."""

    external_id: str
    amount_minor: int
    reason: str
    fingerprint: str

    @property
    def meaning(self) -> str:
        """What it says, however it is written (`ids.meaning`)."""
        return _meaning(self)


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
    coupon = fields.optional_text("coupon", _ID_LENGTH)
    amount_minor = fields.integer("amount_minor", 0, MAX_AMOUNT_MINOR)
    report = Report(
        vendor_id=acting_vendor(fields, key),
        program_id=fields.text("program_id", _ID_LENGTH),
        event=_event(fields),
        external_id=fields.text("external_id"),
        amount_minor=amount_minor,
        currency=fields.currency(),
        fingerprint=fingerprint(body),
        click_id=fields.optional_text("click_id", LONGEST_TOKEN),
        affiliate_id=fields.optional_text("affiliate_id", _ID_LENGTH),
        customer=_customer(fields.object("customer"), "/customer"),
        metadata=fields.metadata(),
        coupon=coupon and normalised_code(coupon),
        items=_items(fields, amount_minor),
        occurred_at=fields.optional_time("occurred_at"),
        lead_id=fields.optional_text("lead_id", _ID_LENGTH),
        joint_with=fields.optional_text("joint_with", _ID_LENGTH),
        client=_client_with_code(fields.object("client")),
        may_backdate=key.role == "operator",
        by_key=key.key_id,
    )
    fields.done()
    return report


def _meaning(sent: Report | SentRefund) -> str:
    """Of every value but how it was spelt and by whom; a field left out is its default.

    It is stored with the fact, so what a value is read as may change only with `rules`.
    """
    said: dict[str, object] = without_defaults(sent)
    return meaning({name: said[name] for name in said.keys() - _OF_CALLER})


def acting_vendor(fields: Fields, key: Key) -> str:
    """The vendor a request is for: the key's own, or the one an operator names."""
    if key.role == "operator":
        return fields.text("vendor_id", _ID_LENGTH)
    if key.member_id is None:
        raise ForbiddenError("wrong_role", "This key belongs to no vendor.")
    return key.member_id


def _event(fields: Fields) -> str:
    event = fields.text("event")
    if event in COUNTED_EVENTS:
        raise InvalidFieldError(
            "/event",
            f"The network counts every {event} itself and reports it once a day. Report one of: "
            f"{', '.join(EVENTS)}.",
            code="event_counted",
        )
    if event not in EVENTS:
        raise InvalidFieldError("/event", f"event must be one of: {', '.join(EVENTS)}.")
    return event


def _items(fields: Fields, amount_minor: int) -> tuple[Item, ...]:
    items = tuple(_item(*each) for each in fields.optional_array("items", ITEMS_MAX))
    if sum(item.amount_minor for item in items) > amount_minor:
        raise InvalidFieldError(
            "/items", "The items cost more than amount_minor. Lower them, or raise amount_minor."
        )
    return items


def _item(sent: object, pointer: str) -> Item:
    fields = Fields(sent, pointer)
    item = Item(
        amount_minor=fields.integer("amount_minor", 0, MAX_AMOUNT_MINOR),
        category=fields.optional_text("category", 64),
        sku=fields.optional_text("sku", 100),
        quantity=fields.optional_integer("quantity", 1, _QUANTITY_MAX) or 1,
    )
    fields.done()
    return item


def _customer(fields: Fields | None, pointer: str) -> Customer:
    if fields is None:
        return Customer()
    customer = _contact(fields, pointer, fields.optional_text("id"))
    fields.done()
    return customer


def _contact(fields: Fields, pointer: str, own_id: str | None = None) -> Customer:
    phone, email = fields.optional_text("phone"), fields.optional_text("email")
    return Customer(
        phone=phone and normalised_phone(phone, f"{pointer}/phone"),
        email=email and normalised_email(email, f"{pointer}/email"),
        vendor_customer_id=own_id,
    )


def _client(fields: Fields) -> Customer:
    client = _contact(fields, "/client")
    if (client.phone is None) == (client.email is None):
        raise InvalidFieldError(
            "/client", "Name the client by a phone number or an e-mail address, one of the two."
        )
    return client


def _client_with_code(fields: Fields | None) -> Client | None:
    if fields is None:
        return None
    client = Client(_client(fields), fields.text("code", _ID_LENGTH))
    fields.done()
    return client


def client_code_in(body: object, key: Key) -> SentClientCode:
    """The client's code asked for in a body."""
    fields = Fields(body)
    vendor_id, affiliate_id = acting_vendor(fields, key), fields.text("affiliate_id", _ID_LENGTH)
    client = fields.object("client")
    if client is None:
        raise InvalidFieldError("/client", "client is required.")
    sent = SentClientCode(vendor_id, affiliate_id, _client(client))
    client.done()
    fields.done()
    return sent


def customer_in(body: object, key: Key) -> SentCustomer:
    """The customer in a body, named by at least one key; raises InvalidFieldError otherwise."""
    fields = Fields(body)
    customer = _customer(fields.object("customer"), "/customer")
    if customer == Customer():
        raise InvalidFieldError("/customer", "Name the customer by id, email or phone.")
    # A customer's own id means nothing without its vendor; phone and e-mail are network-wide.
    if key.role == "operator" and customer.vendor_customer_id is None:
        vendor_id = fields.optional_text("vendor_id", _ID_LENGTH)
    else:
        vendor_id = acting_vendor(fields, key)
    fields.done()
    return SentCustomer(vendor_id, customer)


def unbinding_in(body: object) -> SentUnbinding:
    """The customer in an operator's body, named by at least one key, and why."""
    fields = Fields(body)
    customer = _customer(fields.object("customer"), "/customer")
    if customer == Customer():
        raise InvalidFieldError("/customer", "Name the customer by id, email or phone.")
    own = customer.vendor_customer_id is not None
    vendor_id = (fields.text if own else fields.optional_text)("vendor_id", _ID_LENGTH)
    sent = SentUnbinding(vendor_id, customer, fields.text("reason", 500))
    fields.done()
    return sent


def no_fields_in(body: object) -> tuple[()]:
    """Nothing, out of a request that carries nothing: no body, or an empty object."""
    if body is not None:
        Fields(body).done()
    return ()


def rejection_in(body: object) -> tuple[str, str]:
    """The code and the reason of a rejection."""
    fields = Fields(body)
    code = fields.optional_choice("code", REJECTION_CODES) or "other"
    reason = fields.text("reason", 500)
    fields.done()
    return code, reason


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
