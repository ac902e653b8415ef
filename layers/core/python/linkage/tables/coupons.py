"""The coupons table: each vendor's codes, in capitals."""

import os
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage.domain.lists import Listed
from linkage.domain.terms.coupons import Coupon
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.batch_reads import Reading, place, read, reading_one
from linkage.tables.dynamodb.pages import read_page


class _AffiliateIndex(GlobalSecondaryIndex["CouponItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = AllProjection()

    affiliate_id = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class CouponItem(Model):
    """A coupon as stored."""

    class Meta(TableMeta):
        table_name = os.environ["COUPONS_TABLE"]

    vendor_id = UnicodeAttribute(hash_key=True)
    code = UnicodeAttribute(range_key=True)
    program_id = UnicodeAttribute()
    affiliate_id = UnicodeAttribute()
    exclusive = BooleanAttribute()
    starts_on = UnicodeAttribute(null=True)
    ends_on = UnicodeAttribute(null=True)
    paused = BooleanAttribute()
    created_at = UnicodeAttribute()
    fingerprint = UnicodeAttribute(null=True)
    by_affiliate = _AffiliateIndex()


def _coupon(item: CouponItem) -> Coupon:
    return Coupon(**{name: getattr(item, name) for name in Coupon.__dataclass_fields__})


def put_coupon(coupon: Coupon, *also: dict[str, Any]) -> None:
    """Stores a new coupon, together with the `also` operations.

    Raises ConditionFailedError, with the stored coupon first if the code exists.
    """
    wire = CouponItem(**asdict(coupon)).serialize()
    put = transactions.put_wire(CouponItem.Meta.table_name, wire, "vendor_id")
    transactions.write([put, *also])


def reading_coupon(vendor_id: str, code: str) -> Reading[Coupon | None]:
    """The vendor's coupon of this code (in capitals), or None."""
    return reading_one(
        place(CouponItem.Meta.table_name, vendor_id=vendor_id, code=code),
        lambda wire: _coupon(CouponItem.from_raw_data(wire)),
    )


def find_coupon(vendor_id: str, code: str) -> Coupon | None:
    """The same, as last written."""
    return read(reading_coupon(vendor_id, code))


def set_coupon(was: Coupon, becomes: Coupon, *also: dict[str, Any]) -> None:
    """Changes a coupon, together with the `also` operations.

    Raises ConditionFailedError if what changes of it is no longer as it was read.
    """
    before, after = transactions.to_wire(asdict(was)), transactions.to_wire(asdict(becomes))
    changed = {name for name in vars(becomes) if before.get(name) != after.get(name)}
    wire = {name: after[name] for name in (*_KEYS, *changed) if name in after}
    as_read = {name: getattr(was, name) for name in changed}
    change = transactions.set_over(
        CouponItem.Meta.table_name, wire, _KEYS, as_read, sorted(changed)
    )
    transactions.write([change, *also])


_KEYS = ("vendor_id", "code")


def list_coupons(
    *, vendor_id: str | None, affiliate_id: str | None, limit: int, cursor: str | None
) -> Listed[Coupon]:
    """One vendor's coupons by code, one affiliate's oldest first, or everybody's in no order.

    With both it is the vendor's coupons for the affiliate. Everybody's list is a scan, read a
    bounded page at a time: it is for operators alone.
    """
    if vendor_id:
        return read_page(
            lambda **start: CouponItem.query(vendor_id, **start),
            _coupon,
            keys=("vendor_id", "code"),
            limit=limit,
            cursor=cursor,
            keep=lambda item: affiliate_id in {None, item.affiliate_id},
        )
    if affiliate_id:
        return read_page(
            lambda **start: CouponItem.by_affiliate.query(affiliate_id, **start),
            _coupon,
            keys=("affiliate_id", "created_at", "vendor_id", "code"),
            limit=limit,
            cursor=cursor,
        )
    return read_page(
        CouponItem.scan,
        _coupon,
        keys=("vendor_id", "code"),
        limit=limit,
        cursor=cursor,
    )
