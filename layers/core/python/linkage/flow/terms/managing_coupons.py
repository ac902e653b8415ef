"""Managing coupons: a vendor's codes, each made once, paused, and moved in time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import (
    BusyError,
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    NotFoundError,
)
from linkage.domain.ids import is_id
from linkage.domain.lists import Listed
from linkage.domain.outcomes import Made
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.people.members import Member
from linkage.domain.terms.coupons import Coupon, NewCoupon, checked_code, require_dates_in_order
from linkage.domain.terms.quotas import quota_of
from linkage.flow.people.acting import (
    Owners,
    acting_member,
    member_with_role,
    owners_for,
    require_approved,
)
from linkage.tables.audit import put_record
from linkage.tables.coupons import find_coupon, list_coupons, put_coupon, set_coupon
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.members import count_one
from linkage.tables.programs import get_program
from linkage.tables.settings import current_settings


def create_coupon(by: Key, vendor_id: str | None, asked: NewCoupon) -> Made[Coupon]:
    """Makes a coupon of a vendor's program for an approved affiliate; a code is given once.

    `vendor_id` is for operators. Raises InvalidFieldError, or ConflictError where somebody is not
    approved, the code has other content, or a quota is reached.
    """
    vendor = acting_member(by, "vendor", vendor_id)
    require_approved(vendor, "vendor")
    _require_program(asked.program_id, vendor.member_id)
    affiliate = member_with_role("affiliate", asked.affiliate_id, "/affiliate_id")
    coupon = Coupon(
        vendor_id=vendor.member_id,
        code=asked.code,
        program_id=asked.program_id,
        affiliate_id=affiliate.member_id,
        exclusive=asked.exclusive,
        starts_on=asked.starts_on,
        ends_on=asked.ends_on,
        paused=False,
        created_at=clock.text(clock.now()),
        fingerprint=asked.fingerprint,
    )
    require_dates_in_order(coupon)
    if find_coupon(coupon.vendor_id, coupon.code) is None:
        require_approved(affiliate, "affiliate")
        quota = quota_of(vendor, "coupons", current_settings())
        counted = count_one(vendor.member_id, "coupons", quota.most)
        try:
            put_coupon(coupon, counted, _record(by, "created", None, coupon))
        except ConditionFailedError as failed:
            if 0 not in failed.items:
                raise quota.reached() from None
        else:
            return Made(coupon, warnings=tuple(quota.warnings()))
    return Made(_known(coupon), replayed=True)


def own_coupon(by: Key, vendor_id: str | None, code: str) -> Coupon:
    """A vendor's coupon; `vendor_id` is for operators. Raises NotFoundError."""
    return _coupon(acting_member(by, "vendor", vendor_id), code)


def coupons(by: Key, owners: Owners, limit: int, cursor: str | None) -> Listed[Coupon]:
    """A vendor's own coupons, those for an affiliate, or any that an operator asks for."""
    vendor_id, affiliate_id = owners_for(by, owners)
    return list_coupons(vendor_id=vendor_id, affiliate_id=affiliate_id, limit=limit, cursor=cursor)


def change_coupon(by: Key, vendor_id: str | None, code: str, changes: Mapping[str, Any]) -> Coupon:
    """Pauses a coupon, lets it go on, or moves its dates: `changes` are fields as checked.

    Raises NotFoundError, InvalidFieldError or BusyError.
    """
    vendor = acting_member(by, "vendor", vendor_id)
    for _ in attempts():
        coupon = _coupon(vendor, code)
        becomes = replace(coupon, **changes)
        require_dates_in_order(becomes)
        if becomes == coupon:
            return coupon
        try:
            set_coupon(coupon, becomes, _record(by, "changed", coupon, becomes))
        except ConditionFailedError:
            continue
        return becomes
    raise BusyError


def _coupon(vendor: Member, code: str) -> Coupon:
    try:
        coupon = find_coupon(vendor.member_id, checked_code(code, "/code"))
    except InvalidFieldError:
        coupon = None
    if coupon is None:
        raise NotFoundError("coupon")
    return coupon


def _known(coupon: Coupon) -> Coupon:
    """The coupon that is stored under the code; raises ConflictError if it is another one."""
    stored = find_coupon(coupon.vendor_id, coupon.code)
    if stored is None or stored.fingerprint != coupon.fingerprint:
        raise ConflictError(
            "coupon_exists",
            f"There is a coupon {coupon.code} already, with other content. Choose another code, or "
            "change that coupon.",
        )
    return stored


def _record(by: Key, verb: str, before: Coupon | None, after: Coupon) -> dict[str, Any]:
    """The operation that keeps who made or changed a coupon."""
    subject, action = f"coupon#{after.vendor_id}#{after.code}", f"coupon.{verb}"
    return put_record(recorded(by, subject, action, before, after))


def _require_program(program_id: str, vendor_id: str) -> None:
    """Raises InvalidFieldError unless the program is the vendor's."""
    try:
        program = get_program(program_id) if is_id(program_id) else None
    except NotFoundError:
        program = None
    if program is None or program.vendor_id != vendor_id:
        raise InvalidFieldError("/program_id", "The vendor has no program with this id.")
