"""The conversions table: each conversion's report, and the facts accepted about it since.

A fact that must be posted carries `unposted`, a sharded index key, until the ledger has it. A
report that silence confirms carries `awaiting`, another one, until it is confirmed or rejected.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zlib import crc32

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.conversions import (
    CONFIRMATION,
    REJECTION,
    REPORT,
    Confirmation,
    Conversion,
    History,
    Item,
    Refund,
    Rejection,
    decided,
    refund_key,
    refunded,
)
from linkage.errors import NotFoundError
from linkage.tables import transactions
from linkage.tables.base import NestedAttribute, TableMeta
from linkage.tables.facts import attribution_in, seen_in, tallies_in
from linkage.tables.gathering import Found, Place, Reading, place, read, reading_one
from linkage.tables.pages import Listed, read_page

UNPOSTED_SHARDS = AWAITING_SHARDS = 8


class _VendorIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "by_vendor"
        projection = AllProjection()

    vendor_id = UnicodeAttribute(hash_key=True)
    reported_at = UnicodeAttribute(range_key=True)


class _AffiliateIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = AllProjection()

    affiliate_id = UnicodeAttribute(hash_key=True)
    reported_at = UnicodeAttribute(range_key=True)


class _UnpostedIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "unposted"
        projection = KeysOnlyProjection()

    unposted = UnicodeAttribute(hash_key=True)
    accepted_at = UnicodeAttribute(range_key=True)


class _AwaitingIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "awaiting"
        projection = KeysOnlyProjection()

    awaiting = UnicodeAttribute(hash_key=True)
    confirm_at = UnicodeAttribute(range_key=True)


class ConversionItem(Model):
    """One fact of a conversion as stored."""

    class Meta(TableMeta):
        table_name = os.environ["CONVERSIONS_TABLE"]

    conversion_id = UnicodeAttribute(hash_key=True)
    fact = UnicodeAttribute(range_key=True)
    accepted_at = UnicodeAttribute()
    sequence = NumberAttribute()
    unposted = UnicodeAttribute(null=True)
    awaiting = UnicodeAttribute(null=True)
    confirm_at = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    external_id = UnicodeAttribute(null=True)
    amount_minor = NumberAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    code = UnicodeAttribute(null=True)
    refunded_before_minor = NumberAttribute(null=True)
    posts = BooleanAttribute(null=True)
    seen = NestedAttribute(null=True)
    silent = BooleanAttribute(null=True)
    tallies = NestedAttribute(null=True)
    vendor_id = UnicodeAttribute(null=True)
    affiliate_id = UnicodeAttribute(null=True)
    occurred_at = UnicodeAttribute(null=True)
    reported_at = UnicodeAttribute(null=True)
    program_id = UnicodeAttribute(null=True)
    program_version = NumberAttribute(null=True)
    settings_version = NumberAttribute(null=True)
    event = UnicodeAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    quantity = NumberAttribute(null=True)
    items = NestedAttribute(null=True)
    attribution = NestedAttribute(null=True)
    customer_keys = NestedAttribute(null=True)
    customer_aliases = NestedAttribute(null=True)
    metadata = NestedAttribute(null=True)
    status = UnicodeAttribute(null=True)
    refunded_minor = NumberAttribute(null=True)
    by_vendor = _VendorIndex()
    by_affiliate = _AffiliateIndex()
    by_unposted = _UnpostedIndex()
    by_awaiting = _AwaitingIndex()


_TABLE = ConversionItem.Meta.table_name


# ---- reading


def reading_conversion(conversion_id: str) -> Reading[Conversion | None]:
    """The conversion with its present state, or None."""
    return reading_one(
        _place(conversion_id, REPORT), lambda wire: _conversion(ConversionItem.from_raw_data(wire))
    )


def get_conversion(conversion_id: str) -> Conversion:
    """The same, as last written; raises NotFoundError."""
    conversion = read(reading_conversion(conversion_id))
    if conversion is None:
        raise NotFoundError("conversion")
    return conversion


def get_history(conversion_id: str) -> History:
    """The conversion with all its facts, as last written, by one query; raises NotFoundError."""
    items = ConversionItem.query(conversion_id, consistent_read=True)
    return _history({item.fact: item for item in items})


def reading_facts(conversion_id: str, *facts: str) -> Reading[History]:
    """The conversion with those of its facts alone; raises NotFoundError."""
    wanted = {fact: _place(conversion_id, fact) for fact in (REPORT, *facts)}

    def made(found: Found) -> History:
        items = {fact: found[at] for fact, at in wanted.items() if at in found}
        return _history({fact: ConversionItem.from_raw_data(item) for fact, item in items.items()})

    return Reading(tuple(wanted.values()), made)


def _history(items: Mapping[str, ConversionItem]) -> History:
    if REPORT not in items:
        raise NotFoundError("conversion")
    confirmed, rejected = items.get(CONFIRMATION, items[REPORT]), items.get(REJECTION)
    refunds = (_refund(item) for fact, item in items.items() if fact.startswith("refund#"))
    return History(
        conversion=_conversion(items[REPORT]),
        confirmation=_confirmation(confirmed) if confirmed.seen else None,
        rejection=_rejection(rejected) if rejected else None,
        refunds=tuple(sorted(refunds, key=lambda refund: refund.sequence)),
    )


def list_conversions(
    *,
    vendor_id: str | None,
    affiliate_id: str | None,
    status: str | None,
    limit: int,
    cursor: str | None,
) -> Listed[Conversion]:
    """One vendor's or one affiliate's conversions, newest first; everybody's in no order.

    Everybody's list is a scan, read a bounded page at a time: it is for operators alone.
    """
    has_status = ConversionItem.status == status if status else None
    if vendor_id:
        index: Any
        index, owner, name = ConversionItem.by_vendor, vendor_id, "vendor_id"
    elif affiliate_id:
        index, owner, name = ConversionItem.by_affiliate, affiliate_id, "affiliate_id"
    else:
        is_report = ConversionItem.fact == REPORT
        return read_page(
            lambda **start: ConversionItem.scan(
                is_report & has_status if status else is_report, **start
            ),
            _conversion,
            keys=("conversion_id", "fact"),
            limit=limit,
            cursor=cursor,
        )
    return read_page(
        lambda **start: index.query(
            owner, filter_condition=has_status, scan_index_forward=False, **start
        ),
        _conversion,
        keys=(name, "reported_at", "conversion_id", "fact"),
        limit=limit,
        cursor=cursor,
    )


def unposted_facts(shard: int, accepted_before: str) -> Iterator[tuple[str, str, str]]:
    """(conversion id, fact key, accepted at) of facts of a shard not posted yet, oldest first."""
    found = ConversionItem.by_unposted.query(
        _UNPOSTED.format(shard), ConversionItem.accepted_at < accepted_before
    )
    for item in found:
        yield item.conversion_id, item.fact, item.accepted_at


def awaiting_confirmation(shard: int, until: str) -> Iterator[tuple[str, str]]:
    """(conversion id, confirm at) of a shard's conversions that silence has confirmed by then."""
    found = ConversionItem.by_awaiting.query(
        _AWAITING.format(shard), ConversionItem.confirm_at <= until
    )
    for item in found:
        yield item.conversion_id, item.confirm_at


def _place(conversion_id: str, fact: str) -> Place:
    return place(_TABLE, conversion_id=conversion_id, fact=fact)


_OWN_FORM = {
    "attribution",
    "items",
    "customer_keys",
    "customer_aliases",
    "occurred_at",
    "quantity",
}


def _conversion(item: ConversionItem) -> Conversion:
    same = {n: getattr(item, n) for n in Conversion.__dataclass_fields__ if n not in _OWN_FORM}
    return Conversion(
        **same,
        occurred_at=item.occurred_at or item.reported_at,
        attribution=attribution_in(item.attribution),
        items=tuple(Item(**each) for each in item.items or ()),
        customer_keys=tuple(item.customer_keys or ()),
        customer_aliases=tuple(item.customer_aliases or ()),
        quantity=int(item.quantity or 1),
    )


def _confirmation(item: ConversionItem) -> Confirmation:
    return Confirmation(
        conversion_id=item.conversion_id,
        fact=item.fact,
        accepted_at=item.accepted_at,
        sequence=int(item.sequence) if item.fact == CONFIRMATION else 0,
        refunded_before_minor=int(item.refunded_before_minor),
        seen=seen_in(item.seen),
        silent=bool(item.silent),
    )


def _rejection(item: ConversionItem) -> Rejection:
    same = {n: getattr(item, n) for n in Rejection.__dataclass_fields__ if n != "code"}
    return Rejection(**same, code=item.code or "other")


def _refund(item: ConversionItem) -> Refund:
    same = {n: getattr(item, n) for n in Refund.__dataclass_fields__ if n != "tallies"}
    return Refund(**same, tallies=tallies_in(item.tallies or ()))


# ---- writing


def put_report(conversion: Conversion, confirmation: Confirmation | None) -> dict[str, Any]:
    """The operation that accepts a report; with a confirmation it is postable by itself.

    Without one, and with a `confirm_at`, it waits for silence to confirm it.
    """
    values = asdict(conversion)
    fact = {
        "fact": REPORT,
        "accepted_at": conversion.reported_at,
        "affiliate_id": conversion.attribution.affiliate_id,
        "quantity": conversion.quantity if conversion.counted else None,
    }
    if confirmation:
        fact |= _postable(confirmation)
    elif conversion.confirm_at:
        fact["awaiting"] = _sharded(_AWAITING, AWAITING_SHARDS, conversion.conversion_id)
    return _put_fact({**values, **fact})


def put_confirmation(conversion: Conversion, confirmation: Confirmation) -> list[dict[str, Any]]:
    """The operations that confirm a conversion, if it is still as it was read."""
    fact = {
        "conversion_id": confirmation.conversion_id,
        "fact": confirmation.fact,
        "accepted_at": confirmation.accepted_at,
        "sequence": confirmation.sequence,
        **_postable(confirmation),
    }
    return [_put_fact(fact), _move(conversion, decided(conversion, "confirmed"))]


def put_rejection(conversion: Conversion, rejection: Rejection) -> list[dict[str, Any]]:
    """The operations that reject a conversion, if it is still as it was read."""
    fact = {**asdict(rejection), "fact": REJECTION}
    return [_put_fact(fact), _move(conversion, decided(conversion, "rejected"))]


def put_refund(conversion: Conversion, refund: Refund) -> list[dict[str, Any]]:
    """The operations that accept a refund, if the conversion is still as it was read."""
    fact = {**asdict(refund), "fact": refund_key(refund.external_id)}
    if refund.posts:
        fact["unposted"] = _sharded(_UNPOSTED, UNPOSTED_SHARDS, refund.conversion_id)
    return [_put_fact(fact), _move(conversion, refunded(conversion, refund))]


def mark_posted(conversion_id: str, fact: str) -> dict[str, Any]:
    """The operation that takes a fact off the unposted index."""
    return transactions.update(
        _TABLE,
        {"conversion_id": conversion_id, "fact": fact},
        "REMOVE unposted",
        condition="attribute_exists(conversion_id)",
        values={},
    )


def accept(operations: Sequence[dict[str, Any]]) -> None:
    """Writes an accepted fact whole; raises ConditionFailedError if something has moved since."""
    transactions.write(operations, decided_on_reads=True)


def _put_fact(values: dict[str, Any]) -> dict[str, Any]:
    wire = ConversionItem(**values).serialize()
    return transactions.put_wire(_TABLE, wire, "conversion_id")


def _move(was: Conversion, becomes: Conversion) -> dict[str, Any]:
    settled = " REMOVE awaiting, confirm_at" if becomes.status != was.status else ""
    return transactions.update(
        _TABLE,
        {"conversion_id": was.conversion_id, "fact": REPORT},
        f"SET #status = :status, refunded_minor = :refunded, #sequence = :next{settled}",
        condition="#sequence = :sequence",
        values={
            ":status": becomes.status,
            ":refunded": becomes.refunded_minor,
            ":sequence": was.sequence,
            ":next": becomes.sequence,
        },
        names={"#status": "status", "#sequence": "sequence"},
    )


def _postable(confirmation: Confirmation) -> dict[str, Any]:
    return {
        "seen": asdict(confirmation.seen),
        "silent": confirmation.silent,
        "refunded_before_minor": confirmation.refunded_before_minor,
        "unposted": _sharded(_UNPOSTED, UNPOSTED_SHARDS, confirmation.conversion_id),
    }


_UNPOSTED, _AWAITING = "unposted#{}", "awaiting#{}"


def _sharded(index: str, shards: int, conversion_id: str) -> str:
    return index.format(crc32(conversion_id.encode()) % shards)
