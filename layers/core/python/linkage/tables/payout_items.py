"""The payouts table as it is stored: its items and indexes, and their keys."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage.domain.payouts.payouts import Batch, Page, Payout
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta

type Operations = Sequence[dict[str, Any]]


BATCH, REMOVED = "batch", "removed#"


class _AffiliateIndex(GlobalSecondaryIndex["PayoutItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = AllProjection()

    affiliate_id = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ListingIndex(GlobalSecondaryIndex["PayoutItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class PayoutItem(Model):
    """A batch, a page or a payout as stored."""

    class Meta(TableMeta):
        table_name = os.environ["PAYOUTS_TABLE"]

    batch_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    currency = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    listing = UnicodeAttribute(null=True)
    cutoff = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    planned_whole = BooleanAttribute(null=True)
    open_pages = NumberAttribute(null=True)
    pages = NumberAttribute(null=True)
    payout_count = NumberAttribute(null=True)
    total_minor = NumberAttribute(null=True)
    unsettled = NumberAttribute(null=True)
    approved_by = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    touched_at = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    four_eyes = BooleanAttribute(null=True)
    created_by_person = UnicodeAttribute(null=True)
    result_by = UnicodeAttribute(null=True)
    rebooked_at = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    affiliate_ids = NestedAttribute(null=True)
    skipped = NestedAttribute(null=True)
    payout_id = UnicodeAttribute(null=True)
    affiliate_id = UnicodeAttribute(null=True)
    amount_minor = NumberAttribute(null=True)
    name = UnicodeAttribute(null=True)
    method = NestedAttribute(null=True)
    removed_method = NestedAttribute(null=True)
    reference = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    result_at = UnicodeAttribute(null=True)
    history = NestedAttribute(null=True)
    approved_at = UnicodeAttribute(null=True)
    exported_at = UnicodeAttribute(null=True)
    aged_at = UnicodeAttribute(null=True)
    held_at = UnicodeAttribute(null=True)
    held_by = UnicodeAttribute(null=True)
    held_reason = UnicodeAttribute(null=True)
    released_at = UnicodeAttribute(null=True)
    released_by = UnicodeAttribute(null=True)
    removed_at = UnicodeAttribute(null=True)
    removed_by = UnicodeAttribute(null=True)
    held_count = NumberAttribute(null=True)
    held_minor = NumberAttribute(null=True)
    removed_count = NumberAttribute(null=True)
    removed_minor = NumberAttribute(null=True)
    by_affiliate = _AffiliateIndex()
    by_listing = _ListingIndex()


TABLE = PayoutItem.Meta.table_name


def find_item(batch_id: str, item: str) -> PayoutItem | None:
    """The item of a batch as it was last written, or None."""
    try:
        return PayoutItem.get(batch_id, item, consistent_read=True)
    except PayoutItem.DoesNotExist:
        return None


def fields_but(value: Batch | Page | Payout, name: str) -> dict[str, Any]:
    """The fields of a batch, page or payout, but for the one of this name."""
    return {key: each for key, each in asdict(value).items() if key != name}


def payout_key(payout_id: str) -> str:
    """The sort key of a payout in its batch."""
    return f"payout#{payout_id}"


def page_key(number: int) -> str:
    """The sort key of a page in its batch."""
    return f"page#{number:06d}"
