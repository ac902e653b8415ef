"""Reports, refunds and rejections, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.domain.clicks.click_tokens import LONGEST_TOKEN
from linkage.domain.clicks.known_clicks import CountedLink
from linkage.domain.conversions.conversions import REJECTION_CODES, Item
from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import ID_LENGTH, Fields
from linkage.domain.ids import fingerprint, meaning
from linkage.domain.money import MAX_AMOUNT_MINOR
from linkage.domain.people.api_keys import Key
from linkage.domain.people.client_codes import Client
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import acting_vendor, client_said, customer_said
from linkage.domain.plain_values import without_defaults
from linkage.domain.terms.coupons import normalised_code
from linkage.domain.terms.programs import COUNTED_EVENTS, EVENTS

ITEMS_MAX = 50
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


def report_in(body: object, key: Key) -> Report:
    """The conversion in a body; raises InvalidFieldError for whatever must be changed."""
    fields = Fields(body)
    coupon = fields.optional_text("coupon", ID_LENGTH)
    amount_minor = fields.integer("amount_minor", 0, MAX_AMOUNT_MINOR)
    report = Report(
        vendor_id=acting_vendor(fields, key),
        program_id=fields.text("program_id", ID_LENGTH),
        event=_event(fields),
        external_id=fields.text("external_id"),
        amount_minor=amount_minor,
        currency=fields.currency(),
        fingerprint=fingerprint(body),
        click_id=fields.optional_text("click_id", LONGEST_TOKEN),
        affiliate_id=fields.optional_text("affiliate_id", ID_LENGTH),
        customer=customer_said(fields.object("customer"), "/customer"),
        metadata=fields.metadata(),
        coupon=coupon and normalised_code(coupon),
        items=_items(fields, amount_minor),
        occurred_at=fields.optional_time("occurred_at"),
        lead_id=fields.optional_text("lead_id", ID_LENGTH),
        joint_with=fields.optional_text("joint_with", ID_LENGTH),
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


def _client_with_code(fields: Fields | None) -> Client | None:
    if fields is None:
        return None
    client = Client(client_said(fields), fields.text("code", ID_LENGTH))
    fields.done()
    return client


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
