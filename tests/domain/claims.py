"""Claims on one sale, one of each kind, to be changed by `replace`."""

from dataclasses import replace
from datetime import timedelta

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.attribution import Attribution, attribute
from linkage.domain.conversions.claims import Claims, Earlier, People
from linkage.domain.people.customers import Binding
from linkage.domain.terms.coupons import Coupon
from tests.domain.examples import MEMBER, NOW, PROGRAM, VENDOR


def ago(**time: float) -> str:
    """So long before the sale, as text."""
    return clock.text(NOW - timedelta(**time))


TERMS = replace(PROGRAM, joint_program_ids=("prg_joint",))
COUPON = Coupon(VENDOR, "ANN10", "prg_1", "cou", False, None, None, False, ago(days=9))
CLICK = Click("clk_1", "abcdefgh", "prg_2", VENDOR, "ann", ago(days=3))
LEAD = Earlier(
    conversion_id="cnv_l",
    vendor_id=VENDOR,
    program_id="prg_9",
    event="lead",
    affiliate_id="lea",
    occurred_at=ago(days=3),
    reported_at=ago(days=3),
    rejected=False,
    refunded=False,
)
JOINT = replace(
    LEAD,
    conversion_id="cnv_j",
    vendor_id="other",
    program_id="prg_joint",
    event="sale",
    affiliate_id="joi",
    partners=(PROGRAM.program_id,),
)
BINDING = Binding("phone_1", "cid", "cnv_0", ago(days=9), ago(days=-1))

MEMBERS = {
    **{name: replace(MEMBER, member_id=name) for name in ("ann", "bob", "cid", "cou", "joi")},
    **{name: replace(MEMBER, member_id=name) for name in ("lea", "old")},
    "new": replace(MEMBER, member_id="new", status="applied"),
    "out": replace(MEMBER, member_id="out", status="suspended"),
    "shop": replace(MEMBER, member_id="shop", roles=("vendor",)),
    VENDOR: replace(MEMBER, member_id=VENDOR, roles=("vendor", "affiliate")),
}
EVERYTHING = Claims(
    coupon_code="ANN10",
    coupon=COUPON,
    click_id="clk_1",
    click=CLICK,
    lead_id="cnv_l",
    lead=LEAD,
    joint_id="cnv_j",
    joint=JOINT,
    named_affiliate_id="bob",
    introducers=(BINDING,),
)


def decided(claims: Claims, *buyers: str, **terms: object) -> Attribution:
    """Whose the sale is, where these members are the customer."""
    program = replace(TERMS, **terms)  # type: ignore[arg-type]
    return attribute(program, NOW, claims, People(MEMBERS, frozenset(buyers)))


def clicked(**changes: str) -> Claims:
    return Claims(click_id="clk_1", click=replace(CLICK, **changes))


def sent_coupon(**changes: object) -> Claims:
    return Claims(coupon_code="ANN10", coupon=replace(COUPON, **changes))  # type: ignore[arg-type]


def came_of(**changes: object) -> Claims:
    return Claims(lead_id="cnv_l", lead=replace(LEAD, **changes))  # type: ignore[arg-type]


def joined(**changes: object) -> Claims:
    return Claims(joint_id="cnv_j", joint=replace(JOINT, **changes))  # type: ignore[arg-type]
