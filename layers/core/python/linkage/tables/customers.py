"""The customers table: who introduced the customer behind a key, and what else is kept under it.

Five kinds of items share it, told apart by their key: the binding under the customer's key itself;
`…#opt_out`; `…#clicks#<vendor>`, the clicks presented for the customer there; `code_…`, a client's
code; and `marks#…`, `lifts#…` or `codes#…` with `<vendor>#<day>`, what a vendor did on a UTC day.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.domain.clicks.known_clicks import Click
from linkage.domain.people.client_codes import ClientCode
from linkage.domain.people.consent import NETWORK, Mark, Marks, holds_at, holds_everywhere_since
from linkage.domain.people.customers import Binding, Renewal
from linkage.domain.plain_values import without_defaults
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.batch_reads import Found, Reading, Wire, place
from linkage.tables.dynamodb.packed import PackedAttribute, known_fields, packed
from linkage.tables.facts import click_in


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
    confirmed_at = UnicodeAttribute(null=True)
    unbound_at = UnicodeAttribute(null=True)
    unbound_by = UnicodeAttribute(null=True)
    unbound_why = UnicodeAttribute(null=True)
    renewed_by = UnicodeAttribute(null=True)
    renewed_due_on = UnicodeAttribute(null=True)
    renewed_floor_minor = NumberAttribute(null=True)
    renewed_until = UnicodeAttribute(null=True)
    renewals = PackedAttribute(null=True)
    others: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    opted_out_at = UnicodeAttribute(null=True)
    marks = PackedAttribute(null=True)
    clicks = PackedAttribute(null=True)
    version = NumberAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    used_by = UnicodeAttribute(null=True)
    counted = NumberAttribute(null=True)


_TABLE = CustomerItem.Meta.table_name


_FIRST_RENEWAL = ("renewed_by", "renewed_due_on", "renewed_floor_minor", "renewed_until")
"""Where the release of 2026-11-25 keeps the one renewal it knows of."""
_SINCE = (
    *("due_on", "floor_minor", "confirmed_at", "unbound_at", "unbound_by", "unbound_why"),
    *("renewals", "others", *_FIRST_RENEWAL),
)
"""What a binding need not have."""


@dataclass(frozen=True)
class Presented:
    """The clicks kept for a key at a vendor; `version` is raised with every write."""

    clicks: tuple[Click, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Remembered:
    """What is stored of a customer by each key; `opted_out` if a sale's vendor must not use it."""

    bindings: Mapping[str, Binding]
    opted_out: bool
    presented: Mapping[str, Presented]


def reading_remembered(
    keys: tuple[str, ...], vendor_id: str, *, with_clicks: bool = True
) -> Reading[Remembered]:
    """What is stored under those keys as far as it matters to a sale of the vendor.

    The presented clicks are the vendor's own, and not read at all without `with_clicks`.
    """
    clicks = {_clicks(key, vendor_id): key for key in keys} if with_clicks else {}
    opt_outs = [_opt_out(key) for key in keys]

    def remembered(found: Mapping[str, CustomerItem]) -> Remembered:
        presented = {name: key for name, key in clicks.items() if name in found}
        return Remembered(
            bindings={key: _binding(found[key]) for key in keys if key in found},
            opted_out=any(
                holds_at(_marks(found[name]), vendor_id) for name in opt_outs if name in found
            ),
            presented={key: _presented(found[name]) for name, key in presented.items()},
        )

    return _reading((*keys, *opt_outs, *clicks), remembered)


def reading_bindings(keys: Iterable[str]) -> Reading[dict[str, Binding]]:
    """The bindings of those keys that have one, by their keys."""
    return _reading(keys, lambda found: {key: _binding(item) for key, item in found.items()})


def reading_presented(keys: Iterable[str], vendor_id: str) -> Reading[dict[str, Presented]]:
    """The clicks presented for each key at the vendor, where there are any."""
    at = {_clicks(key, vendor_id): key for key in keys}
    return _reading(at, lambda found: {at[name]: _presented(item) for name, item in found.items()})


def _binding(item: CustomerItem) -> Binding:
    values = {name: getattr(item, name) for name in Binding.__dataclass_fields__}
    own_form = {
        "floor_minor": None if item.floor_minor is None else int(item.floor_minor),
        "renewals": _renewals(item),
        "others": tuple(item.others or ()),
        "version": int(item.version or 0),
    }
    return Binding(**values | own_form)


def _renewals(item: CustomerItem) -> tuple[Renewal, ...]:
    """Kept under the sale that bound the key: what the release before binds anew has none."""
    kept = (item.renewals or {}).get(item.conversion_id, ())
    renewals = tuple(Renewal(**known_fields(Renewal, each)) for each in kept)
    if not item.renewed_by:
        return renewals
    by, due_on, floor_minor, until = (getattr(item, name) for name in _FIRST_RENEWAL)
    return (*renewals, Renewal(by, "", due_on, int(floor_minor), until))


def _presented(item: CustomerItem) -> Presented:
    return Presented(tuple(map(click_in, item.clicks)), int(item.version))


@dataclass(frozen=True)
class OptOut:
    """The marks under a key; `wire` is the item as stored, empty if there is none."""

    marks: Marks = field(default_factory=dict)
    wire: Wire = field(default_factory=dict)


def reading_opt_outs(keys: Iterable[str]) -> Reading[dict[str, OptOut]]:
    """The marks under each key, to be written over."""
    at = {key: place(_TABLE, customer_key=_opt_out(key)) for key in keys}

    def opt_outs(found: Found) -> dict[str, OptOut]:
        wires = {key: found.get(where, {}) for key, where in at.items()}
        return {
            key: OptOut(_marks(CustomerItem.from_raw_data(wire)), wire) if wire else OptOut()
            for key, wire in wires.items()
        }

    return Reading(tuple(at.values()), opt_outs)


def _marks(item: CustomerItem) -> Marks:
    """An item that says only since when was made before markers were kept: it is the network's."""
    if item.marks is not None:
        return {marker: _mark(said) for marker, said in item.marks.items()}
    return {NETWORK: Mark(item.opted_out_at)} if item.opted_out_at else {}


def _mark(said: Mapping[str, Any]) -> Mark:
    return Mark(**{name: said[name] for name in Mark.__dataclass_fields__ if name in said})


def reading_count(what: str, vendor_id: str, day: date) -> Reading[int]:
    """How many `marks`, `lifts` or `codes` are counted for a vendor's UTC day."""
    key = _count(what, vendor_id, day)
    return _reading([key], lambda found: int(found[key].counted) if key in found else 0)


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


def _count(what: str, vendor_id: str, day: date) -> str:
    return f"{what}#{vendor_id}#{day}"


# ---- what goes into a transaction


def put_binding(binding: Binding, was: Binding | None) -> dict[str, Any]:
    """The operation that binds a key, if nobody has bound it since it was read."""
    kept = without_defaults(binding.renewals)
    own_form = {
        "renewals": packed({binding.conversion_id: kept}) if kept else None,
        "others": list(binding.others) or None,
        "version": was.version + 1 if was else None,
    }
    wire = transactions.to_wire(asdict(binding) | own_form)
    if was is None:
        return transactions.put_wire(_TABLE, wire, "customer_key")
    # The release of 2026-11-25 raises no version, but changes one of these.
    before: dict[str, Any] = {
        "version": was.version or None,
        "conversion_id": was.conversion_id,
        "expires_at": was.expires_at,
        "unbound_at": was.unbound_at,
    }
    if not was.version:
        before["renewed_by"] = next((each.conversion_id for each in was.renewals), None)
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


def put_marks(key: str, marks: Marks, was: OptOut) -> dict[str, Any]:
    """The operation that keeps these marks under a key, if nothing has changed since it was read.

    `opted_out_at` is there exactly while a mark holds everywhere: the release of 2026-11-22 reads
    nothing else. What this code does not know of the item or of a mark stays.
    """
    before = CustomerItem.from_raw_data(was.wire) if was.wire else CustomerItem()
    wire = CustomerItem(
        _opt_out(key),
        marks={
            marker: _unknown_of((before.marks or {}).get(marker, {})) | without_defaults(mark)
            for marker, mark in marks.items()
        },
        opted_out_at=holds_everywhere_since(marks),
        version=int(before.version or 0) + 1,
    ).serialize()
    others = {name: value for name, value in was.wire.items() if name != "opted_out_at"}
    as_read = {"version": before.version, "opted_out_at": before.opted_out_at}
    return transactions.put_over(_TABLE, others | wire, as_read)


def _unknown_of(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: own for name, own in said.items() if name not in Mark.__dataclass_fields__}


def count_one(what: str, vendor_id: str, day: date, was: int) -> dict[str, Any]:
    """The operation that counts one more for a vendor's UTC day, if it is still as it was read."""
    return transactions.update(
        _TABLE,
        {"customer_key": _count(what, vendor_id, day)},
        "SET counted = :counted",
        condition="counted = :was" if was else "attribute_not_exists(counted)",
        values={":counted": was + 1} | ({":was": was} if was else {}),
    )


def put_code(code: ClientCode) -> dict[str, Any]:
    """The operation that stores a new client's code, if no other one has its key."""
    item = CustomerItem(code.code_key, created_at=code.created_at, expires_at=code.expires_at)
    return transactions.put_wire(_TABLE, item.serialize(), "customer_key")


def use_code(code_key: str, conversion_id: str) -> dict[str, Any]:
    """The operation that uses a client's code up, if nothing has used it."""
    return transactions.update(
        _TABLE,
        {"customer_key": code_key},
        "SET used_by = :conversion",
        condition="attribute_exists(customer_key) AND attribute_not_exists(used_by)",
        values={":conversion": conversion_id},
    )
