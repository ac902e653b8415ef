"""`/v1/coupons`: a vendor's codes that say whose a sale is without a click."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.ids import fingerprint
from linkage.domain.terms.coupons import Coupon, NewCoupon
from linkage.flow.terms import managing_coupons
from linkage_api.answers import answer, created, listed, made
from linkage_api.bodies import Body, Id, read
from linkage_api.calls import OWNERS, PAGE, ROLES, call, owners
from linkage_api.terms.program_bodies import CouponCode, Date

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
    own = body.model_dump(exclude={"vendor_id"})
    new = NewCoupon(**own, fingerprint=fingerprint(own))
    done = managing_coupons.create_coupon(asked.key, body.vendor_id, new)
    if done.replayed:
        return created(_view(done.thing), replayed=True)
    return made(_view(done.thing), done.warnings)


@router.get("/v1/coupons")
def index() -> Response[str]:
    """A vendor's own coupons, those for an affiliate, or any that an operator asks for."""
    asked = call(router, *ROLES, query=PAGE, of_operators=OWNERS)
    return listed(managing_coupons.coupons(asked.key, owners(asked), *asked.page()), _view)


@router.patch("/v1/coupons/<code>")
def change(code: str) -> Response[str]:
    """Pauses a coupon, lets it go on, or moves its dates."""
    asked = call(router, "vendor", "operator", has_body=True, query=("vendor_id",))
    vendor_id = asked.asked_for("vendor_id")
    managing_coupons.own_coupon(asked.key, vendor_id, code)
    body = read(CouponChanges, asked.body)
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    return answer(200, _view(managing_coupons.change_coupon(asked.key, vendor_id, code, changes)))


def _view(coupon: Coupon) -> dict[str, Any]:
    return {name: value for name, value in asdict(coupon).items() if name != "fingerprint"}
