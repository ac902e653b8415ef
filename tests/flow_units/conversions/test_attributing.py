from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.client_codes import Client
from linkage.domain.people.customers import Customer
from linkage.domain.terms.coupons import Coupon
from linkage.flow.conversions import recording, vendor_decisions
from linkage.tables import coupons, members, programs
from tests.flow_units.attributions import BOB, BUYER, CLIENT, put_click, won
from tests.flow_units.calls import calls, reads
from tests.flow_units.network import (
    ANN,
    LEADS,
    ON_REPORT,
    SHOP,
    SPO,
    VENDOR,
    Network,
    put_members,
    put_programs,
    reported,
    table,
)

OTHER = replace(SHOP, member_id="mem_other", name="Other")


def put_coupon(code: str, affiliate_id: str, *, exclusive: bool = False) -> None:
    coupons.put_coupon(
        Coupon(VENDOR, code, "prg_now", affiliate_id, exclusive, None, None, False, "2026-11-01")
    )


def publish(**terms: Any) -> None:
    """The next version of the program that confirms on report."""
    now = programs.get_program(ON_REPORT.program_id)
    programs.publish_program(replace(now, version=now.version + 1, **terms))


def clicks_kept() -> int:
    """How many customers' keys have clicks kept for them."""
    return sum("#clicks#" in item["customer_key"] for item in table("customers"))


# ---- coupons


def test_an_exclusive_coupon_beats_a_click_and_a_shared_one_does_not(network: Network) -> None:
    put_click(network, "1", "mem_ann", days=1)
    put_coupon("EXCLUSIVE", "mem_spo", exclusive=True)
    put_coupon("SHARED", "mem_spo")
    sent: dict[str, Any] = {"click_id": "clk_1", "affiliate_id": None}
    exclusive = network.report("o-1", 10_000, coupon="EXCLUSIVE", **sent)
    shared = network.report("o-2", 10_000, coupon="SHARED", **sent)
    alone = network.report("o-3", 10_000, coupon="SHARED", affiliate_id=None)
    unknown = network.report("o-4", 10_000, coupon="NONE", affiliate_id=None)
    assert [won(each) for each in (exclusive, shared, alone, unknown)] == [
        ("coupon", "mem_spo"),
        ("click", "mem_ann"),
        ("coupon", "mem_spo"),
        (None, None),
    ]
    assert [each.attribution.coupon for each in (exclusive, shared, alone, unknown)] == [
        "EXCLUSIVE", None, "SHARED", None,
    ]  # fmt: skip


# ---- clicks presented before


@pytest.mark.parametrize(("model", "affiliate_id"), [("last", "mem_spo"), ("first", "mem_ann")])
def test_a_repeat_purchase_without_a_click_goes_by_the_clicks_presented_before(
    network: Network, model: str, affiliate_id: str
) -> None:
    publish(click_model=model, introducer_rate_bps=0)
    put_click(network, "1", "mem_ann", days=9)
    put_click(network, "2", "mem_spo", days=1)
    network.report("o-1", 100, click_id="clk_1", affiliate_id=None, customer=BUYER)
    network.report("o-2", 100, click_id="clk_2", affiliate_id=None, customer=BUYER)
    by_phone = network.report("o-3", 100, affiliate_id=None, customer=Customer(phone=BUYER.phone))
    assert won(by_phone) == ("click", affiliate_id)
    network.pass_time(days=30)
    later = network.report("o-4", 100, affiliate_id=None, customer=BUYER)
    assert won(later) == (None, None)
    assert "older than the program's window" in str(later.attribution.reason)


def test_the_first_click_model_goes_back_to_a_click_presented_before(network: Network) -> None:
    publish(click_model="first")
    put_click(network, "1", "mem_ann", days=9)
    put_click(network, "2", "mem_spo", days=1)
    network.report("o-1", 100, click_id="clk_2", affiliate_id=None, customer=BUYER)
    again = network.report("o-2", 100, click_id="clk_1", affiliate_id=None, customer=BUYER)
    third = network.report("o-3", 100, click_id="clk_2", affiliate_id=None, customer=BUYER)
    assert won(again) == won(third) == ("click", "mem_ann")
    assert third.attribution.click is not None
    assert third.attribution.click.click_id == "clk_1"


def test_clicks_are_kept_for_each_key_and_only_when_they_are_new(network: Network) -> None:
    put_click(network, "1", "mem_ann", days=9)
    sent: dict[str, Any] = {"click_id": "clk_1", "affiliate_id": None, "customer": BUYER}
    network.report("o-1", 100, **sent)
    kept = [item for item in table("customers") if "#clicks#" in item["customer_key"]]
    network.report("o-2", 100, **sent)
    assert [item["version"] for item in kept] == [1, 1, 1]
    assert [item for item in table("customers") if "#clicks#" in item["customer_key"]] == kept


def test_nothing_is_kept_of_a_click_that_is_not_the_vendors_or_of_a_customer_unnamed(
    network: Network,
) -> None:
    put_click(network, "1", "mem_ann")
    network.report("o-1", 100, click_id="clk_0", customer=BUYER)
    network.report("o-2", 100, click_id="clk_1")
    assert clicks_kept() == 0


# ---- leads and joint promotions


def test_a_sale_belongs_to_whoever_brought_the_lead(network: Network) -> None:
    lead = network.report("l-1", 0, event="lead", program_id=LEADS.program_id)
    sale = network.report("o-1", 10_000, lead_id=lead.conversion_id, affiliate_id=None)
    assert won(sale) == ("lead", "mem_ann")
    assert sale.attribution.candidates[0].reference == lead.conversion_id


def test_a_rejected_lead_brings_nothing(network: Network) -> None:
    manual = replace(LEADS, program_id="prg_manual", confirmation="manual")
    put_programs(manual)
    lead = network.report("l-1", 0, event="lead", program_id=manual.program_id)
    vendor_decisions.reject(lead.conversion_id, VENDOR, "not the right kind", "not_qualified")
    sale = network.report("o-1", 10_000, lead_id=lead.conversion_id, affiliate_id=None)
    assert sale.attribution.reason == "lead: the lead was rejected"


def test_a_sale_follows_the_other_half_of_a_joint_promotion(network: Network) -> None:
    put_members(OTHER)
    put_programs(replace(ON_REPORT, program_id="prg_other", vendor_id="mem_other"))
    half = network.report("o-1", 500, vendor_id="mem_other", program_id="prg_other")
    sent: dict[str, Any] = {"joint_with": half.conversion_id, "affiliate_id": None}
    before = network.report("o-2", 500, **sent)
    publish(joint_program_ids=("prg_other",))
    alone = network.report("o-3", 500, **sent)
    back = replace(
        ON_REPORT,
        version=2,
        program_id="prg_other",
        vendor_id="mem_other",
        joint_program_ids=("prg_now",),
    )
    put_programs(back)
    after = network.report("o-4", 500, **sent)
    put_programs(replace(back, version=3, joint_program_ids=()))
    ended = network.report("o-5", 500, **sent)
    assert [won(each) for each in (before, alone, after, ended)] == [
        *[(None, None)] * 2,
        ("joint", "mem_ann"),
        (None, None),
    ]
    assert before.attribution == alone.attribution == ended.attribution
    assert [each.affiliate_id for each in before.attribution.candidates] == [None]


# ---- when it occurred


@pytest.mark.parametrize(
    ("late", "backdated", "accepted"),
    [
        (timedelta(days=30), False, True),
        (timedelta(days=30, milliseconds=1), False, False),
        (timedelta(days=3000), True, True),
        (timedelta(seconds=-300), False, True),
        (timedelta(seconds=-300, milliseconds=-1), False, False),
        (timedelta(seconds=-300, milliseconds=-1), True, False),
    ],
)
def test_a_report_comes_in_time_or_from_an_operator(
    network: Network, late: timedelta, backdated: bool, accepted: bool
) -> None:
    sent = {"occurred_at": clock.text(network.moment - late), "may_backdate": backdated}
    if accepted:
        assert network.report("o-1", 100, **sent).occurred_at == sent["occurred_at"]
    else:
        with pytest.raises(InvalidFieldError) as refused:
            network.report("o-1", 100, **sent)
        assert refused.value.pointer == "/occurred_at"
        assert table("conversions") == []


def test_a_back_dated_sale_has_the_introducer_and_the_window_of_its_day(network: Network) -> None:
    put_members(BOB)
    put_click(network, "1", "mem_spo", days=29)
    network.report("o-1", 100, affiliate_id="mem_bob", customer=BUYER)
    week_ago = clock.text(network.moment - timedelta(days=7))
    sent: dict[str, Any] = {"affiliate_id": None, "customer": BUYER, "occurred_at": week_ago}
    assert won(network.report("o-2", 100, **sent)) == (None, None)
    network.pass_time(days=7)
    now = network.report("o-3", 100, click_id="clk_1", affiliate_id=None)
    back_then = network.report("o-4", 100, click_id="clk_1", **sent)
    assert (won(now), won(back_then)) == ((None, None), ("click", "mem_spo"))


def test_a_customer_is_bound_from_when_the_sale_occurred(network: Network) -> None:
    occurred_at = clock.text(network.moment - timedelta(days=10))
    network.report("o-1", 100, customer=Customer(phone=BUYER.phone), occurred_at=occurred_at)
    (bound,) = (item for item in table("customers") if "bound_at" in item)
    assert bound["bound_at"] == occurred_at
    assert bound["expires_at"] == clock.text(network.moment + timedelta(days=355))


# ---- terms and standing


def test_a_paused_program_pays_nobody_and_keeps_who_tried(network: Network) -> None:
    publish(paused=True)
    sold = network.report("o-1", 100, customer=BUYER)
    assert sold.attribution.reason == "the program is paused"
    assert [each.affiliate_id for each in sold.attribution.candidates] == ["mem_ann"]


def test_a_suspended_affiliates_click_gives_way_to_the_one_before(network: Network) -> None:
    put_click(network, "1", "mem_ann", days=9)
    put_click(network, "2", "mem_spo", days=1)
    members.set_member(SPO.member_id, status="suspended")
    network.report("o-1", 100, click_id="clk_1", affiliate_id=None, customer=BUYER)
    sold = network.report("o-2", 100, click_id="clk_2", affiliate_id=None, customer=BUYER)
    assert won(sold) == ("click", ANN.member_id)


# ---- how much is read


def test_what_is_not_claimed_is_not_read(network: Network) -> None:
    with calls() as plain:
        network.report("o-1", 100, program_id="prg_man")
    claims = {"click_id": "clk_1", "coupon": "NONE", "lead_id": "cnv_1", "joint_with": "cnv_2"}
    sent = reported("o-2", 100, program_id="prg_man", customer=BUYER, **claims)
    with calls() as everything:
        recording.report(replace(sent, client=Client(CLIENT, "7K0M1XQ2")))
    assert reads(plain) == ["BatchGetItem conversions+programs+settings+members"]
    assert reads(everything) == [
        "BatchGetItem conversions+programs+settings+coupons+clicks+members+customers",
        "BatchGetItem customers",  # the client's code
    ]
