from dataclasses import replace
from datetime import timedelta

import pytest

from linkage import clock
from linkage.attribution import Attribution, Claims, Click, Sale, attribute, claimed_affiliates
from linkage.customers import Binding
from tests.domain.examples import MEMBER, NOW, VENDOR

SALE = Sale(VENDOR, NOW, window_days=30, introducer_rate_bps=100)
CLICK = Click("clk_1", "abcdefgh", "prg_2", VENDOR, "ann", clock.text(NOW - timedelta(days=3)))
BINDING = Binding("phone_1", "cid", "cnv_0", clock.text(NOW), clock.text(NOW + timedelta(days=1)))

MEMBERS = {
    "ann": replace(MEMBER, member_id="ann"),
    "bob": replace(MEMBER, member_id="bob"),
    "cid": replace(MEMBER, member_id="cid"),
    "new": replace(MEMBER, member_id="new", status="applied"),
    "out": replace(MEMBER, member_id="out", status="suspended"),
    "shop": replace(MEMBER, member_id="shop", roles=("vendor",)),
    VENDOR: replace(MEMBER, member_id=VENDOR, roles=("vendor", "affiliate")),
}
CLICKED = Claims(click_id="clk_1", click=CLICK)
EVERYTHING = Claims("clk_1", CLICK, "bob", BINDING)


def clicked(**changes: str) -> Claims:
    return Claims(click_id="clk_1", click=replace(CLICK, **changes))


WON = [
    pytest.param(EVERYTHING, "click", "ann", id="the click comes before all"),
    pytest.param(
        Claims(None, None, "bob", BINDING), "named", "bob", id="then whom the vendor names"
    ),
    pytest.param(Claims(introducer=BINDING), "introducer", "cid", id="then the introducer"),
    pytest.param(
        Claims("clk_0", None, "bob", BINDING), "named", "bob", id="an unknown click is passed over"
    ),
    pytest.param(
        Claims("clk_1", CLICK, "nobody", BINDING), "click", "ann", id="a bad name harms no click"
    ),
    pytest.param(
        Claims("clk_1", replace(CLICK, affiliate_id="out"), "nobody", BINDING),
        "introducer",
        "cid",
        id="two lost claims leave the third",
    ),
    pytest.param(
        clicked(clicked_at=clock.text(NOW - timedelta(days=30))),
        "click",
        "ann",
        id="the last instant of the window",
    ),
    pytest.param(clicked(program_id="prg_9"), "click", "ann", id="any program of the vendor"),
]


@pytest.mark.parametrize(("claims", "model", "affiliate_id"), WON)
def test_the_first_claim_without_an_objection_wins(
    claims: Claims, model: str, affiliate_id: str
) -> None:
    decided = attribute(SALE, claims, MEMBERS, frozenset())
    assert (decided.model, decided.affiliate_id, decided.reason) == (model, affiliate_id, None)
    assert [each.model for each in decided.candidates if each.won] == [model]
    assert decided.click == (claims.click if model == "click" else None)


LOST = [
    pytest.param(Claims("clk_1", None), (), "click: there is no such click", id="unknown click"),
    pytest.param(
        clicked(vendor_id="other"), (), "click: the click belongs to another vendor", id="foreign"
    ),
    pytest.param(
        clicked(clicked_at=clock.text(NOW - timedelta(days=30, milliseconds=1))),
        (),
        "click: the click is older than the program's window of 30 days",
        id="too old by a millisecond",
    ),
    pytest.param(
        clicked(affiliate_id="new"),
        (),
        "click: the affiliate is applied, not approved",
        id="not approved yet",
    ),
    pytest.param(
        clicked(affiliate_id="out"),
        (),
        "click: the affiliate is suspended, not approved",
        id="suspended",
    ),
    pytest.param(
        clicked(affiliate_id=VENDOR),
        (),
        "click: an affiliate earns nothing on its own vendor's sale",
        id="own vendor's sale",
    ),
    pytest.param(
        CLICKED,
        ("ann",),
        "click: an affiliate earns nothing on its own purchase",
        id="own purchase",
    ),
    pytest.param(
        Claims(named_affiliate_id="nobody"), (), "named: there is no such affiliate", id="unknown"
    ),
    pytest.param(
        Claims(named_affiliate_id="shop"),
        (),
        "named: there is no such affiliate",
        id="a member who is no affiliate",
    ),
    pytest.param(
        Claims(named_affiliate_id="bob"),
        ("bob",),
        "named: an affiliate earns nothing on its own purchase",
        id="named for its own purchase",
    ),
    pytest.param(
        Claims(introducer=replace(BINDING, affiliate_id="out")),
        (),
        "introducer: the affiliate is suspended, not approved",
        id="suspended introducer",
    ),
    pytest.param(
        Claims(introducer=BINDING),
        ("cid",),
        "introducer: an affiliate earns nothing on its own purchase",
        id="who introduced themselves",
    ),
    pytest.param(
        Claims(),
        (),
        "no click, no named affiliate and no introducer of this customer",
        id="no claim at all",
    ),
    pytest.param(
        Claims("clk_0", None, "nobody"),
        (),
        "click: there is no such click; named: there is no such affiliate",
        id="each reason in order",
    ),
]


@pytest.mark.parametrize(("claims", "buyers", "reason"), LOST)
def test_a_conversion_nobody_wins_says_why(
    claims: Claims, buyers: tuple[str, ...], reason: str
) -> None:
    decided = attribute(SALE, claims, MEMBERS, frozenset(buyers))
    assert (decided.affiliate_id, decided.model, decided.click) == (None, None, None)
    assert decided.reason == reason
    assert not any(each.won for each in decided.candidates)


def test_every_candidate_is_kept_with_why_it_lost() -> None:
    decided = attribute(SALE, EVERYTHING, MEMBERS, frozenset(["cid"]))
    assert [(each.model, each.reference, each.affiliate_id, each.won, each.why)
            for each in decided.candidates] == [
        ("click", "clk_1", "ann", True,
         "the click was sent with the conversion, within the window"),
        ("named", "bob", "bob", False, "the click comes first"),
        ("introducer", "cnv_0", "cid", False,
         "an affiliate earns nothing on its own purchase"),
    ]  # fmt: skip


def test_an_introducer_is_not_attributed_where_the_program_pays_none() -> None:
    decided = attribute(
        replace(SALE, introducer_rate_bps=0), Claims(introducer=BINDING), MEMBERS, frozenset()
    )
    assert decided.reason == "introducer: the program pays no introducer commission"


def test_a_foreign_click_does_not_tell_whose_it_is() -> None:
    decided = attribute(SALE, clicked(vendor_id="other"), MEMBERS, frozenset())
    assert [each.affiliate_id for each in decided.candidates] == [None]


def test_the_same_facts_always_decide_the_same() -> None:
    once, again = (attribute(SALE, EVERYTHING, MEMBERS, frozenset()) for _ in range(2))
    assert isinstance(once, Attribution)
    assert once == again


def test_the_claimed_affiliates_are_named_once_each() -> None:
    assert claimed_affiliates(Claims()) == []
    assert claimed_affiliates(Claims("clk_1", CLICK, "ann", BINDING)) == ["ann", "cid"]
