"""`/v1/coupons`: a vendor's codes that say whose a sale is without a click."""

from dataclasses import asdict, replace
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import clock
from linkage.domain.errors import (
    BusyError,
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    NotFoundError,
)
from linkage.domain.ids import fingerprint
from linkage.domain.people.audit import recorded
from linkage.domain.people.members import Member
from linkage.domain.terms.coupons import Coupon, checked_code
from linkage.domain.terms.quotas import quota_of
from linkage.tables.audit import put_record
from linkage.tables.coupons import find_coupon, list_coupons, put_coupon, set_coupon
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.members import count_one
from linkage.tables.programs import get_program
from linkage.tables.settings import current_settings
from linkage_api.answers import answer, created, listed, made
from linkage_api.bodies import Body, Id, read
from linkage_api.calls import (
    OWNERS,
    PAGE,
    ROLES,
    Call,
    acting_member,
    call,
    checked_id,
    member_with_role,
    owners,
)
from linkage_api.terms.program_bodies import CouponCode, Date
from linkage_api.terms.programs import require_approved

router = Router()


class CouponBody(Body):
    """A new coupon; `vendor_id` is for operators."""

    vendor_id: Id | None = None
    code: CouponCode
    affiliate_id: Id
    program_id: Id
    exclusive: bool = False
    starts_on: Date | None = None
    ends_on: Date | None = None


class CouponChanges(Body):
    """What may change of a coupon; null takes a date away."""

    paused: bool = False
    starts_on: Date | None = None
    ends_on: Date | None = None


@router.post("/v1/coupons")
def create() -> Response[str]:
    """Makes a coupon of a vendor's program for an approved affiliate; a code is given once."""
    asked = call(router, "vendor", "operator", has_body=True)
    body = read(CouponBody, asked.body)
    vendor = acting_member(asked, "vendor", body.vendor_id)
    require_approved(vendor, "vendor")
    _require_program(body.program_id, vendor.member_id)
    affiliate = member_with_role("affiliate", body.affiliate_id, "/affiliate_id")
    coupon = Coupon(
        vendor_id=vendor.member_id,
        code=body.code,
        program_id=body.program_id,
        affiliate_id=affiliate.member_id,
        exclusive=body.exclusive,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        paused=False,
        created_at=clock.text(clock.now()),
        fingerprint=fingerprint(body.model_dump(exclude={"vendor_id"})),
    )
    _require_dates_in_order(coupon)
    if find_coupon(coupon.vendor_id, coupon.code) is None:
        require_approved(affiliate, "affiliate")
        quota = quota_of(vendor, "coupons", current_settings())
        counted = count_one(vendor.member_id, "coupons", quota.most)
        try:
            put_coupon(coupon, counted, _record(asked, "created", None, coupon))
        except ConditionFailedError as failed:
            if 0 not in failed.items:
                raise quota.reached() from None
        else:
            return made(_view(coupon), quota.warnings())
    return created(_view(_known(coupon)), replayed=True)


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


@router.get("/v1/coupons")
def index() -> Response[str]:
    """A vendor's own coupons, those for an affiliate, or any that an operator asks for."""
    asked = call(router, *ROLES, query=PAGE, of_operators=OWNERS)
    vendor_id, affiliate_id = owners(asked)
    limit, cursor = asked.page()
    page = list_coupons(vendor_id=vendor_id, affiliate_id=affiliate_id, limit=limit, cursor=cursor)
    return listed(page, _view)


@router.patch("/v1/coupons/<code>")
def change(code: str) -> Response[str]:
    """Pauses a coupon, lets it go on, or moves its dates."""
    asked = call(router, "vendor", "operator", has_body=True, query=("vendor_id",))
    vendor = acting_member(asked, "vendor", asked.asked_for("vendor_id"))
    _own_coupon(vendor, code)
    body = read(CouponChanges, asked.body)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    for _ in attempts():
        coupon = _own_coupon(vendor, code)
        becomes = replace(coupon, **changes)
        _require_dates_in_order(becomes)
        if becomes == coupon:
            return answer(200, _view(coupon))
        try:
            set_coupon(coupon, becomes, _record(asked, "changed", coupon, becomes))
        except ConditionFailedError:
            continue
        return answer(200, _view(becomes))
    raise BusyError


def _record(asked: Call, verb: str, before: Coupon | None, after: Coupon) -> dict[str, Any]:
    """The operation that keeps who made or changed a coupon."""
    subject, action = f"coupon#{after.vendor_id}#{after.code}", f"coupon.{verb}"
    return put_record(recorded(asked.key, subject, action, before, after))


def _own_coupon(vendor: Member, code: str) -> Coupon:
    try:
        coupon = find_coupon(vendor.member_id, checked_code(code, "/code"))
    except InvalidFieldError:
        coupon = None
    if coupon is None:
        raise NotFoundError("coupon")
    return coupon


def _require_program(program_id: str, vendor_id: str) -> None:
    """Raises InvalidFieldError unless the program is the vendor's."""
    try:
        program = get_program(checked_id("program", program_id))
    except NotFoundError:
        program = None
    if program is None or program.vendor_id != vendor_id:
        raise InvalidFieldError("/program_id", "The vendor has no program with this id.")


def _require_dates_in_order(coupon: Coupon) -> None:
    if coupon.starts_on and coupon.ends_on and coupon.ends_on < coupon.starts_on:
        raise InvalidFieldError(
            "/ends_on",
            f"ends_on, {coupon.ends_on}, is before starts_on, {coupon.starts_on}: the coupon would "
            "never be valid. Exchange them.",
            code="dates_reversed",
        )


def _view(coupon: Coupon) -> dict[str, Any]:
    return {name: value for name, value in asdict(coupon).items() if name != "fingerprint"}
