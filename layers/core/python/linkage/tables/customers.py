"""The customers table: who introduced the customer behind a key, and what else is kept under it.

Four kinds of items share it, told apart by their key: the binding under the customer's key itself;
`…#opt_out`; `…#clicks#<vendor>`, the clicks presented for the customer there; and `code_…`, a
client's code.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.attribution import Click
from linkage.client_codes import ClientCode
from linkage.customers import Binding
from linkage.tables import transactions
from linkage.tables.base import TableMeta
from linkage.tables.facts import click_in
from linkage.tables.gathering import Found, Reading, place
from linkage.tables.packed import PackedAttribute, without_defaults


class CustomerItem(Model):
    """Any one item as stored; each kind has some of the attributes."""

    class Meta(TableMeta):
        table_name = os.environ["CUSTOMERS_TABLE"]

    customer_key = UnicodeAttribute(hash_key=True)
    affiliate_id = UnicodeAttribute(null=True)
    conversion_id = UnicodeAttribute(null=True)
    bound_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    due_on = UnicodeAttribute(null=True)
    floor_minor = NumberAttribute(null=True)
    unbound_at = UnicodeAttribute(null=True)
    unbound_by = UnicodeAttribute(null=True)
    unbound_why = UnicodeAttribute(null=True)
    opted_out_at = UnicodeAttribute(null=True)
    clicks = PackedAttribute(null=True)
    version = NumberAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    used_by = UnicodeAttribute(null=True)


_TABLE = CustomerItem.Meta.table_name


_SINCE = ("due_on", "floor_minor", "unbound_at", "unbound_by", "unbound_why")
"""What a binding need not have."""


@dataclass(frozen=True)
class Presented:
    """The clicks kept for a key at a vendor; `version` is raised with every write."""

    clicks: tuple[Click, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Remembered:
    """What is stored of a customer by each key; `opted_out` if it was by any of them."""

    bindings: Mapping[str, Binding]
    opted_out: bool
    presented: Mapping[str, Presented]


def reading_remembered(keys: tuple[str, ...], clicks_at: str | None = None) -> Reading[Remembered]:
    """What is stored under those keys.

    The presented clicks are read of the vendor `clicks_at` alone, and not at all without one.
    """
    clicks = {_clicks(key, clicks_at): key for key in keys} if clicks_at else {}

    def remembered(found: Mapping[str, CustomerItem]) -> Remembered:
        presented = {name: key for name, key in clicks.items() if name in found}
        return Remembered(
            bindings={key: _binding(found[key]) for key in keys if key in found},
            opted_out=any(item.opted_out_at is not None for item in found.values()),
            presented={key: _presented(found[name]) for name, key in presented.items()},
        )

    return _reading((*keys, *(_opt_out(key) for key in keys), *clicks), remembered)


def _binding(item: CustomerItem) -> Binding:
    values = {name: getattr(item, name) for name in Binding.__dataclass_fields__}
    floor_minor = values["floor_minor"]
    return Binding(**values | {"floor_minor": None if floor_minor is None else int(floor_minor)})


def _presented(item: CustomerItem) -> Presented:
    return Presented(tuple(map(click_in, item.clicks)), int(item.version))


def reading_codes(code_keys: Iterable[str]) -> Reading[dict[str, ClientCode]]:
    """Those of the clients' codes that exist, by their keys."""
    return _reading(
        code_keys,
        lambda found: {
            key: ClientCode(key, item.created_at, item.expires_at, item.used_by)
            for key, item in found.items()
        },
    )


def _reading[T](
    item_keys: Iterable[str], become: Callable[[Mapping[str, CustomerItem]], T]
) -> Reading[T]:
    """The items of these keys; `become` gets those that exist, by their keys."""
    wanted = {key: place(_TABLE, customer_key=key) for key in item_keys}

    def made(found: Found) -> T:
        items = {key: found[at] for key, at in wanted.items() if at in found}
        return become({key: CustomerItem.from_raw_data(item) for key, item in items.items()})

    return Reading(tuple(wanted.values()), made)


def _opt_out(key: str) -> str:
    return f"{key}#opt_out"


def _clicks(key: str, vendor_id: str) -> str:
    return f"{key}#clicks#{vendor_id}"


# ---- what goes into a transaction


def put_binding(binding: Binding, was: Binding | None) -> dict[str, Any]:
    """The operation that binds a key, if nobody has bound it since it was read."""
    wire = transactions.to_wire(asdict(binding))
    if was is None:
        return transactions.put_wire(_TABLE, wire, "customer_key")
    before: Mapping[str, Any] = {
        "conversion_id": was.conversion_id,
        "expires_at": was.expires_at,
    }
    return transactions.set_over(_TABLE, wire, ("customer_key",), before, _SINCE)


def put_presented(
    key: str, vendor_id: str, clicks: tuple[Click, ...], was: Presented
) -> dict[str, Any]:
    """The operation that keeps these clicks for a key, if they are still as they were read."""
    wire = CustomerItem(
        _clicks(key, vendor_id),
        clicks=without_defaults(clicks),
        version=was.version + 1,
    ).serialize()
    if was.version == 0:
        return transactions.put_wire(_TABLE, wire, "customer_key")
    return transactions.set_over(_TABLE, wire, ("customer_key",), {"version": was.version})


def put_consent(key: str, opted_out_at: str | None) -> dict[str, Any]:
    """The operation that marks a key as opted out since then, or with None as in again."""
    written: dict[str, Any] = {
        "TableName": _TABLE,
        "Key": transactions.to_wire({"customer_key": _opt_out(key)}),
        "UpdateExpression": "SET opted_out_at = :at" if opted_out_at else "REMOVE opted_out_at",
    }
    if opted_out_at:
        written["ExpressionAttributeValues"] = transactions.to_wire({":at": opted_out_at})
    return {"Update": written}


def use_code(code_key: str, conversion_id: str) -> dict[str, Any]:
    """The operation that uses a client's code up, if nothing has used it."""
    return transactions.update(
        _TABLE,
        {"customer_key": code_key},
        "SET used_by = :conversion",
        condition="attribute_exists(customer_key) AND attribute_not_exists(used_by)",
        values={":conversion": conversion_id},
    )


# ---- what is written by itself


def put_code(code: ClientCode) -> None:
    """Stores a new client's code; raises ConditionFailedError if another one has its key.

    A write whose answer was lost is tried again and meets itself, which is no other one.
    """
    item = CustomerItem(code.code_key, created_at=code.created_at, expires_at=code.expires_at)
    try:
        transactions.write([transactions.put_wire(_TABLE, item.serialize(), "customer_key")])
    except transactions.ConditionFailedError as failed:
        stored = failed.items.get(0) or {}
        if (stored.get("created_at"), stored.get("used_by")) != (code.created_at, None):
            raise
