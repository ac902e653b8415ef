"""The conversions table: each conversion's report, and the facts accepted about it since.

A fact that must be posted carries `unposted`, a sharded index key, until the ledger has it. A
report that silence confirms carries `awaiting`, another one, until it is confirmed or rejected; one
whose confirmation is held carries `held` until it is released or rejected.
Attributes of their own are what keys, conditions and filters need, and what tells people which fact
it is; all else a fact says is packed into `content`, so that it costs one write unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any
from zlib import crc32

from linkage.domain.conversions.conversions import (
    CONFIRMATION,
    REJECTION,
    REPORT,
    WITHDRAWAL,
    Confirmation,
    Conversion,
    Held,
    History,
    Refund,
    Rejection,
    Withdrawal,
    after_confirmation,
    decided,
    refund_key,
    refunded,
    withdrawn,
)
from linkage.domain.errors import NotFoundError
from linkage.domain.lists import LIMIT_MAX, Listed
from linkage.domain.plain_values import without_defaults
from linkage.tables.conversion_items import (
    SHOWN,
    TABLE,
    ConversionItem,
    confirmation_of,
    conversion_of,
    refund_of,
    rejection_of,
    withdrawal_of,
)
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import Found, Place, Reading, place, read, reading_one
from linkage.tables.dynamodb.limits import require_within
from linkage.tables.dynamodb.pages import read_page

UNPOSTED_SHARDS = AWAITING_SHARDS = 8


# ---- reading


def reading_conversion(conversion_id: str) -> Reading[Conversion | None]:
    """The conversion with its present state, or None."""
    return reading_one(
        _place(conversion_id, REPORT),
        lambda wire: conversion_of(ConversionItem.from_raw_data(wire)),
    )


def get_conversion(conversion_id: str) -> Conversion:
    """The same, as last written; raises NotFoundError."""
    conversion = read(reading_conversion(conversion_id))
    if conversion is None:
        raise NotFoundError("conversion")
    return conversion


def get_history(conversion_id: str) -> History:
    """The conversion with all its facts, as last written, by one query; raises NotFoundError."""
    own = ConversionItem.fact < _INTRODUCED
    items = ConversionItem.query(conversion_id, own, consistent_read=True)
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
    confirming, rejected = items.get(CONFIRMATION, items[REPORT]), items.get(REJECTION)
    refunds = (refund_of(item) for fact, item in items.items() if fact.startswith("refund#"))
    taken_back = items.get(WITHDRAWAL)
    return History(
        conversion=conversion_of(items[REPORT]),
        confirmation=confirmation_of(confirming),
        rejection=rejection_of(rejected) if rejected else None,
        refunds=tuple(sorted(refunds, key=lambda refund: refund.sequence)),
        withdrawal=withdrawal_of(taken_back) if taken_back else None,
    )


def list_conversions(
    *,
    vendor_id: str | None,
    affiliate_id: str | None,
    status: str | None,
    limit: int,
    cursor: str | None,
    held: bool = False,
) -> Listed[Conversion]:
    """One vendor's or one affiliate's conversions, newest first; everybody's in no order.

    Everybody's list is a scan, read a bounded page at a time: it is for operators alone. Those that
    are `held` are found by their own index, the longest held first.
    """
    if held:
        return _list_held(vendor_id, affiliate_id, status, limit, cursor)
    if vendor_id:
        index: Any
        index, owner, name = ConversionItem.by_vendor, vendor_id, "vendor_id"
    elif affiliate_id:
        index, owner, name = ConversionItem.by_affiliate, affiliate_id, "affiliate_id"
    else:
        return read_page(
            ConversionItem.scan,
            conversion_of,
            keys=("conversion_id", "fact"),
            limit=limit,
            cursor=cursor,
            keep=lambda item: item.fact == REPORT and status in {None, item.status},
        )
    at_once = LIMIT_MAX if status else min(limit + 1, LIMIT_MAX)
    return read_page(
        lambda **start: _behind(index.query(owner, scan_index_forward=False, **start), at_once),
        conversion_of,
        keys=(name, "reported_at", "conversion_id", "fact"),
        limit=limit,
        cursor=cursor,
        keep=lambda item: status in {None, item.status},
    )


def _list_held(
    vendor_id: str | None,
    affiliate_id: str | None,
    status: str | None,
    limit: int,
    cursor: str | None,
) -> Listed[Conversion]:
    wanted = {"vendor_id": vendor_id, "affiliate_id": affiliate_id, "status": status}
    return read_page(
        lambda **start: _behind(ConversionItem.by_held.query(_HELD, **start), LIMIT_MAX),
        conversion_of,
        keys=("held", "held_at", "conversion_id", "fact"),
        limit=limit,
        cursor=cursor,
        keep=lambda item: (
            bool(item.held)
            and all(getattr(item, name) == each for name, each in wanted.items() if each)
        ),
    )


def _behind(entries: Iterator[ConversionItem], at_once: int) -> Iterator[ConversionItem]:
    """The items an index's entries stand for, as last written, in the entries' order."""
    for some in batched(entries, at_once, strict=False):
        places = tuple(_place(entry.conversion_id, entry.fact) for entry in some)
        found = read(Reading(places, lambda items: items))
        yield from (ConversionItem.from_raw_data(found[at]) for at in places)


def introduced_by(conversion_id: str, due_from: str) -> Iterator[str]:
    """The conversions whose commission lives by this sale and is due on a UTC date or later.

    As last written; each is remembered in the transaction that confirmed it.
    """
    later = ConversionItem.fact > f"{_INTRODUCED}{due_from}"
    for item in ConversionItem.query(conversion_id, later, consistent_read=True):
        yield item.fact.rpartition("#")[2]


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
    return place(TABLE, conversion_id=conversion_id, fact=fact)


# ---- writing


def put_report(conversion: Conversion, confirmation: Confirmation | None) -> dict[str, Any]:
    """The operation that accepts a report; with a confirmation it is postable by itself.

    Without one, and with a `confirm_at`, it waits for silence to confirm it.
    """
    fact = {
        "fact": REPORT,
        "accepted_at": conversion.reported_at,
        "affiliate_id": conversion.attribution.affiliate_id,
    }
    if confirmation:
        fact |= _postable(confirmation)
    elif conversion.held_reason:
        fact["held"] = _HELD
    elif conversion.confirm_at:
        fact["awaiting"] = _sharded(_AWAITING, AWAITING_SHARDS, conversion.conversion_id)
    return _put_fact(_saying(conversion) | fact)


def not_reported(conversion_id: str) -> dict[str, Any]:
    """The check that a report under another form of its id is not there."""
    return transactions.absent(TABLE, {"conversion_id": conversion_id, "fact": REPORT})


def put_confirmation(conversion: Conversion, confirmation: Confirmation) -> list[dict[str, Any]]:
    """The operations that confirm a conversion, if it is still as it was read."""
    fact = _saying(confirmation) | _postable(confirmation)
    return [_put_fact(fact), _move(conversion, after_confirmation(conversion, confirmation))]


def hold(conversion: Conversion, held: Held) -> dict[str, Any]:
    """The operation that keeps a confirmation as received, if nothing was said since it was read.

    Silence no longer waits for the conversion: it has been received, too.
    """
    return transactions.update(
        TABLE,
        {"conversion_id": conversion.conversion_id, "fact": REPORT},
        "SET held = :held, held_reason = :reason, held_by = :by, held_at = :at "
        "REMOVE awaiting, confirm_at",
        condition="#sequence = :sequence AND attribute_not_exists(held)",
        values={
            ":held": _HELD,
            ":reason": held.reason,
            ":by": held.by,
            ":at": held.at,
            ":sequence": conversion.sequence,
        },
        names={"#sequence": "sequence"},
    )


def put_rejection(conversion: Conversion, rejection: Rejection) -> list[dict[str, Any]]:
    """The operations that reject a conversion, if it is still as it was read."""
    fact = _saying(rejection) | {"fact": REJECTION}
    return [_put_fact(fact), _move(conversion, decided(conversion, "rejected"))]


def put_refund(conversion: Conversion, refund: Refund) -> list[dict[str, Any]]:
    """The operations that accept a refund, if the conversion is still as it was read."""
    fact = _saying(refund) | {"fact": refund_key(refund.external_id)}
    if refund.posts:
        fact["unposted"] = _sharded(_UNPOSTED, UNPOSTED_SHARDS, refund.conversion_id)
    return [_put_fact(fact), _move(conversion, refunded(conversion, refund))]


def put_withdrawal(conversion: Conversion, withdrawal: Withdrawal) -> list[dict[str, Any]]:
    """The operations that take a commission back, if the conversion is still as it was read."""
    unposted = _sharded(_UNPOSTED, UNPOSTED_SHARDS, withdrawal.conversion_id)
    fact = _saying(withdrawal) | {"fact": WITHDRAWAL, "unposted": unposted}
    return [_put_fact(fact), _move(conversion, withdrawn(conversion, withdrawal))]


def put_introduced(
    introduction_id: str, due_on: str, conversion_id: str, accepted_at: str
) -> dict[str, Any]:
    """The operation that remembers, with the sale that introduced, what lives by it until due."""
    item = ConversionItem(
        introduction_id,
        f"{_INTRODUCED}{due_on}#{conversion_id}",
        accepted_at=accepted_at,
        sequence=0,
    )
    return transactions.put_wire(TABLE, item.serialize(), "conversion_id")


def mark_posted(conversion_id: str, fact: str) -> dict[str, Any]:
    """The operation that takes a fact off the unposted index."""
    return transactions.update(
        TABLE,
        {"conversion_id": conversion_id, "fact": fact},
        "REMOVE unposted",
        condition="attribute_exists(conversion_id)",
        values={},
    )


def accept(operations: Sequence[dict[str, Any]]) -> None:
    """Writes an accepted fact whole; raises ConditionFailedError if something has moved since.

    Raises NotPostableError if that is more than one transaction can hold.
    """
    require_within(operations)
    transactions.write(operations, decided_on_reads=True)


def _saying(fact: Conversion | Confirmation | Rejection | Refund | Withdrawal) -> dict[str, Any]:
    """What a fact says: its own attributes but those not so, of the rest what is not default."""
    own = {name: getattr(fact, name) for name in SHOWN & vars(fact).keys()}
    shown = {name: value for name, value in own.items() if value is not False}
    said: dict[str, Any] = without_defaults(fact)
    return said | shown


def _put_fact(values: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in values.items() if name in SHOWN}
    content = {name: value for name, value in values.items() if name not in SHOWN}
    wire = ConversionItem(**shown, content=content).serialize()
    return transactions.put_wire(TABLE, wire, "conversion_id")


def _move(was: Conversion, becomes: Conversion) -> dict[str, Any]:
    settled = f" REMOVE {', '.join(_OF_PENDING)}" if becomes.status != was.status else ""
    taken = ", withdrawn_at = :withdrawn" if becomes.withdrawn_at != was.withdrawn_at else ""
    by_operator = becomes.confirmed_by_operator and not was.confirmed_by_operator
    word = ", confirmed_by_operator = :true" if by_operator else ""
    return transactions.update(
        TABLE,
        {"conversion_id": was.conversion_id, "fact": REPORT},
        f"SET #status = :status, refunded_minor = :refunded, #sequence = :next{taken}{word}"
        f"{settled}",
        condition="#sequence = :sequence",
        values={
            ":status": becomes.status,
            ":refunded": becomes.refunded_minor,
            ":sequence": was.sequence,
            ":next": becomes.sequence,
            **({":withdrawn": becomes.withdrawn_at} if taken else {}),
            **({":true": True} if word else {}),
        },
        names={"#status": "status", "#sequence": "sequence"},
    )


def _postable(confirmation: Confirmation) -> dict[str, Any]:
    said = without_defaults(confirmation)
    kept = (
        *("seen", "silent", "refunded_before_minor", "rules", "new_contacts"),
        "introduces_nobody",
    )
    unposted = _sharded(_UNPOSTED, UNPOSTED_SHARDS, confirmation.conversion_id)
    return {name: said[name] for name in kept if name in said} | {"unposted": unposted}


_UNPOSTED, _AWAITING, _HELD = "unposted#{}", "awaiting#{}", "held"
_OF_PENDING = ("awaiting", "confirm_at", "held", "held_reason", "held_by", "held_at")
_INTRODUCED = "~introduced#"
"""Sorts behind every fact, so that a conversion's history is read without what lives by it."""


def _sharded(index: str, shards: int, conversion_id: str) -> str:
    return index.format(crc32(conversion_id.encode()) % shards)
