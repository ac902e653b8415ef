"""The conversions table as it is stored: its items and indexes, and the facts in them."""

import os
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.domain.conversions.conversions import (
    CONFIRMATION,
    Confirmation,
    Conversion,
    Item,
    Refund,
    Rejection,
    Withdrawal,
)
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.packed import PackedAttribute, known_fields
from linkage.tables.facts import attribution_in, seen_in, tallies_in


class _VendorIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "by_vendor"
        projection = KeysOnlyProjection()

    vendor_id = UnicodeAttribute(hash_key=True)
    reported_at = UnicodeAttribute(range_key=True)


class _AffiliateIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = KeysOnlyProjection()

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


class _HeldIndex(GlobalSecondaryIndex["ConversionItem"]):
    class Meta(TableMeta):
        index_name = "held"
        projection = KeysOnlyProjection()

    held = UnicodeAttribute(hash_key=True)
    held_at = UnicodeAttribute(range_key=True)


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
    held = UnicodeAttribute(null=True)
    held_reason = UnicodeAttribute(null=True)
    held_by = UnicodeAttribute(null=True)
    held_at = UnicodeAttribute(null=True)
    vendor_id = UnicodeAttribute(null=True)
    affiliate_id = UnicodeAttribute(null=True)
    reported_at = UnicodeAttribute(null=True)
    event = UnicodeAttribute(null=True)
    external_id = UnicodeAttribute(null=True)
    amount_minor = NumberAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    code = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    refunded_minor = NumberAttribute(null=True)
    withdrawn_at = UnicodeAttribute(null=True)
    confirmed_by_operator = BooleanAttribute(null=True)
    content = PackedAttribute(null=True)
    by_vendor = _VendorIndex()
    by_affiliate = _AffiliateIndex()
    by_unposted = _UnpostedIndex()
    by_awaiting = _AwaitingIndex()
    by_held = _HeldIndex()


TABLE = ConversionItem.Meta.table_name
SHOWN = ConversionItem.get_attributes().keys() - {"content"}


def _said(item: ConversionItem) -> dict[str, Any]:
    """Everything a stored fact says, by name."""
    own = {name: getattr(item, name) for name in SHOWN}
    content: dict[str, Any] = item.content
    return {name: value for name, value in own.items() if value is not None} | content


def conversion_of(item: ConversionItem) -> Conversion:
    """The conversion in a report's item, with its present state."""
    said = _said(item)
    own_form = {
        "attribution": attribution_in(said["attribution"]),
        "items": tuple(Item(**known_fields(Item, each)) for each in said.get("items", ())),
        "customer_keys": tuple(said.get("customer_keys", ())),
        "customer_aliases": tuple(said.get("customer_aliases", ())),
    }
    return Conversion(**known_fields(Conversion, said) | own_form)


def confirmation_of(item: ConversionItem) -> Confirmation | None:
    """The confirmation a report or a confirmation is; None of a report that is none."""
    said = _said(item)
    if "seen" not in said:
        return None
    own_form = {
        "seen": seen_in(said["seen"]),
        "sequence": said["sequence"] if item.fact == CONFIRMATION else 0,
    }
    return Confirmation(**known_fields(Confirmation, said) | own_form)


def rejection_of(item: ConversionItem) -> Rejection:
    """The rejection in its item."""
    return Rejection(**known_fields(Rejection, _said(item)))


def withdrawal_of(item: ConversionItem) -> Withdrawal:
    """The withdrawal in its item."""
    said = _said(item)
    tallies = tallies_in(said.get("tallies", ()))
    return Withdrawal(**known_fields(Withdrawal, said) | {"tallies": tallies})


def refund_of(item: ConversionItem) -> Refund:
    """The refund in its item."""
    said = _said(item)
    tallies = tallies_in(said.get("tallies", ()))
    return Refund(**known_fields(Refund, said) | {"tallies": tallies})
