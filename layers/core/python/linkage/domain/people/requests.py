"""Requests about customers and their clients, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.domain.errors import ForbiddenError, InvalidFieldError
from linkage.domain.fields import ID_LENGTH, Fields
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.members import normalised_email, normalised_phone


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


def acting_vendor(fields: Fields, key: Key) -> str:
    """The vendor a request is for: the key's own, or the one an operator names."""
    if key.role == "operator":
        return fields.text("vendor_id", ID_LENGTH)
    if key.member_id is None:
        raise ForbiddenError("wrong_role", "This key belongs to no vendor.")
    return key.member_id


def customer_said(fields: Fields | None, pointer: str) -> Customer:
    """The customer of a body's field, nobody if it is left out; raises InvalidFieldError."""
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


def client_said(fields: Fields) -> Customer:
    """The client of a field, by a phone number or an e-mail address; raises InvalidFieldError."""
    client = _contact(fields, "/client")
    if (client.phone is None) == (client.email is None):
        raise InvalidFieldError(
            "/client", "Name the client by a phone number or an e-mail address, one of the two."
        )
    return client


def client_code_in(body: object, key: Key) -> SentClientCode:
    """The client's code asked for in a body."""
    fields = Fields(body)
    vendor_id, affiliate_id = acting_vendor(fields, key), fields.text("affiliate_id", ID_LENGTH)
    client = fields.object("client")
    if client is None:
        raise InvalidFieldError("/client", "client is required.")
    sent = SentClientCode(vendor_id, affiliate_id, client_said(client))
    client.done()
    fields.done()
    return sent


def customer_in(body: object, key: Key) -> SentCustomer:
    """The customer in a body, named by at least one key; raises InvalidFieldError otherwise."""
    fields = Fields(body)
    customer = customer_said(fields.object("customer"), "/customer")
    if customer == Customer():
        raise InvalidFieldError("/customer", "Name the customer by id, email or phone.")
    # A customer's own id means nothing without its vendor; phone and e-mail are network-wide.
    if key.role == "operator" and customer.vendor_customer_id is None:
        vendor_id = fields.optional_text("vendor_id", ID_LENGTH)
    else:
        vendor_id = acting_vendor(fields, key)
    fields.done()
    return SentCustomer(vendor_id, customer)


def unbinding_in(body: object) -> SentUnbinding:
    """The customer in an operator's body, named by at least one key, and why."""
    fields = Fields(body)
    customer = customer_said(fields.object("customer"), "/customer")
    if customer == Customer():
        raise InvalidFieldError("/customer", "Name the customer by id, email or phone.")
    own = customer.vendor_customer_id is not None
    vendor_id = (fields.text if own else fields.optional_text)("vendor_id", ID_LENGTH)
    sent = SentUnbinding(vendor_id, customer, fields.text("reason", 500))
    fields.done()
    return sent
