from dataclasses import replace

import pytest

from linkage.domain.conversions.conversions import refund_key
from linkage.domain.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.domain.people.customers import Customer
from linkage.flow.conversions import recording, vendor_decisions
from linkage.tables import members
from tests.domain.examples import MEMBER
from tests.flow_units.network import (
    ANN,
    VENDOR,
    Network,
    put_click,
    put_members,
    reported,
    sent_refund,
    spoil_fact,
    table,
)

BUYER = Customer(phone="+263773000001", email="buyer@example.com", vendor_customer_id="c-1")


BOB = replace(MEMBER, member_id="mem_bob", name="Bob")


def test_a_report_sent_again_is_the_same_conversion(network: Network) -> None:
    first = network.report("o-1", 10_000)
    before = network.everything()
    network.pass_time(days=2)
    again, replayed = recording.report(reported("o-1", 10_000))
    assert (again, replayed) == (first, True)
    assert network.everything() == before


@pytest.mark.parametrize("change", [{"amount_minor": 10_001}, {"currency": "ZWG"}])
def test_an_external_id_sent_with_other_content_is_a_conflict(
    network: Network, change: dict[str, object]
) -> None:
    network.report("o-1", 10_000)
    before = network.everything()
    with pytest.raises(ConflictError) as refused:
        recording.report(reported("o-1", **{"amount_minor": 10_000, **change}))
    assert refused.value.code == "external_id_reused"
    assert network.everything() == before


def test_a_report_written_otherwise_is_the_same_conversion(network: Network) -> None:
    first = network.report("o-1", 10_000, customer=BUYER)
    before = network.everything()
    sent = replace(reported("o-1", 10_000, customer=BUYER), fingerprint="f-2", may_backdate=True)
    assert recording.report(sent) == (first, True)
    assert network.everything() == before


def test_what_was_accepted_before_facts_had_a_meaning_is_known_by_its_spelling_alone(
    network: Network,
) -> None:
    sold = network.report("o-1", 10_000)
    network.refund(sold, "r-1", 4_000)
    spoil_fact(sold.conversion_id, "report", "meaning")
    spoil_fact(sold.conversion_id, refund_key("r-1"), "meaning")
    assert recording.report(reported("o-1", 10_000))[1]
    with pytest.raises(ConflictError, match="other content"):
        recording.report(replace(reported("o-1", 10_000), fingerprint="f-2"))
    refund = sent_refund("r-1", 4_000)
    assert vendor_decisions.refund(sold.conversion_id, None, refund)[2]
    with pytest.raises(ConflictError, match="other content"):
        vendor_decisions.refund(sold.conversion_id, None, replace(refund, fingerprint="f-2"))


def test_a_refund_written_otherwise_is_the_same_refund(network: Network) -> None:
    sold = network.report("o-1", 10_000)
    network.refund(sold, "r-1", 4_000)
    before = network.everything()
    again = replace(sent_refund("r-1", 4_000), fingerprint="f-2")
    assert vendor_decisions.refund(sold.conversion_id, None, again)[2]
    assert network.everything() == before


def test_another_vendors_program_is_not_found(network: Network) -> None:
    with pytest.raises(NotFoundError):
        network.report("o-1", 10_000, vendor_id="mem_other")


def test_nothing_is_reported_for_a_vendor_that_was_never_approved(network: Network) -> None:
    members.set_member(VENDOR, status="applied")
    with pytest.raises(ConflictError) as refused:
        network.report("o-1", 10_000)
    assert refused.value.code == "member_not_approved"


def test_a_report_confirms_itself_only_where_the_program_says_so(network: Network) -> None:
    assert network.report("o-1", 10_000).status == "confirmed"
    assert network.report("o-2", 10_000, program_id="prg_man").status == "pending"
    assert [fact for _, fact in network.unposted()] == ["report"]


def test_a_click_attributes_and_is_copied(network: Network) -> None:
    click = put_click("mem_spo")
    conversion = network.report("o-1", 10_000, click_id="clk_1", affiliate_id=None)
    assert conversion.attribution.affiliate_id == "mem_spo"
    assert conversion.attribution.click == click
    assert network.report("o-1", 10_000, click_id="clk_1", affiliate_id=None) == conversion


def test_what_nobody_referred_is_kept_with_the_reason(network: Network) -> None:
    conversion = network.report("o-1", 10_000, affiliate_id=None)
    assert conversion.attribution.affiliate_id is None
    assert "no click" in str(conversion.attribution.reason)


def test_an_affiliate_who_is_the_customer_earns_nothing(network: Network) -> None:
    put_members(replace(BOB, email="buyer@example.com"))
    conversion = network.report("o-1", 10_000, affiliate_id="mem_bob", customer=BUYER)
    assert conversion.attribution.affiliate_id is None
    assert "own purchase" in str(conversion.attribution.reason)


def test_a_rejection_is_final_and_repeatable(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    rejected, replayed = vendor_decisions.reject(
        pending.conversion_id, VENDOR, "fraud", "stolen card"
    )
    again, replayed_again = vendor_decisions.reject(
        pending.conversion_id, VENDOR, "fraud", "stolen card"
    )
    assert (rejected, replayed, replayed_again) == (again, False, True)
    for code, reason in (("other", "stolen card"), ("fraud", "no card")):
        with pytest.raises(ConflictError, match="fraud, stolen card"):
            vendor_decisions.reject(pending.conversion_id, VENDOR, code, reason)
    with pytest.raises(ConflictError):
        network.confirm(pending)
    with pytest.raises(ConflictError):
        network.refund(pending, "r-1", 1)
    with pytest.raises(ConflictError) as refused:
        vendor_decisions.reject(pending.conversion_id, VENDOR, "fraud", "another reason")
    assert refused.value.code == "rejected_before"
    assert table("ledger") == []


def test_what_is_confirmed_cannot_be_rejected(network: Network) -> None:
    confirmed = network.report("o-1", 10_000)
    with pytest.raises(ConflictError):
        vendor_decisions.reject(confirmed.conversion_id, VENDOR, "fraud", "stolen card")


def test_another_vendors_conversion_is_not_found(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    with pytest.raises(NotFoundError):
        vendor_decisions.confirm(pending.conversion_id, "mem_other")
    assert vendor_decisions.confirm(pending.conversion_id, None)[0].status == "confirmed"


def test_no_more_is_refunded_than_was_sold(network: Network) -> None:
    sold = network.report("o-1", 10_000)
    network.refund(sold, "r-1", 6_000)
    with pytest.raises(InvalidFieldError) as refused:
        network.refund(sold, "r-2", 4_001)
    assert refused.value.code == "refund_exceeds_rest"
    network.refund(sold, "r-3", 4_000)
    before = network.everything()
    network.refund(sold, "r-1", 6_000)
    assert network.everything() == before


def test_a_refund_sent_again_with_another_amount_is_a_conflict(network: Network) -> None:
    sold = network.report("o-1", 10_000)
    network.refund(sold, "r-1", 6_000)
    with pytest.raises(ConflictError) as refused:
        network.refund(sold, "r-1", 5_000)
    assert refused.value.code == "external_id_reused"


def bindings() -> set[tuple[str, str]]:
    return {
        (item["customer_key"].split("_")[0], item["affiliate_id"]) for item in table("customers")
    }


def test_a_confirmed_sale_binds_the_customer_by_every_key(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man", customer=BUYER)
    assert bindings() == set()
    network.confirm(pending)
    assert bindings() == {(kind, "mem_ann") for kind in ("phone", "email", "own")}


def test_the_introducer_of_a_customer_earns_of_later_sales(network: Network) -> None:
    network.report("o-1", 10_000, customer=BUYER)
    network.pass_time(days=300)
    later = network.report("o-2", 10_000, affiliate_id=None, customer=Customer(phone=BUYER.phone))
    assert (later.attribution.model, later.attribution.affiliate_id) == ("introducer", "mem_ann")
    network.pass_time(days=66)
    last = network.report("o-3", 10_000, affiliate_id=None, customer=BUYER)
    assert last.attribution.affiliate_id is None


def test_a_fully_refunded_introduction_introduces_no_more(network: Network) -> None:
    put_members(BOB)
    introduction = network.report("o-1", 10_000, customer=BUYER)
    network.refund(introduction, "r-1", 9_989)  # of the 0.11 left 5 % is still something
    still = network.report("o-2", 500, affiliate_id=None, customer=BUYER)
    network.refund(introduction, "r-2", 11)
    ended = network.report("o-3", 500, affiliate_id=None, customer=BUYER)
    network.report("o-4", 500, affiliate_id="mem_bob", customer=BUYER)
    assert still.attribution.affiliate_id == "mem_ann"
    assert ended.attribution.affiliate_id is None
    assert {affiliate for _, affiliate in bindings()} == {"mem_bob"}


def test_a_sale_refunded_whole_before_its_confirmation_introduces_nobody(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man", customer=BUYER)
    network.refund(pending, "r-1", 10_000)
    network.confirm(pending)
    assert bindings() == set()


def test_an_affiliate_suspended_before_the_confirmation_introduces_nobody(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man", customer=BUYER)
    members.set_member(ANN.member_id, status="suspended")
    network.confirm(pending)
    network.deliver_facts()
    assert bindings() == set()
    assert network.balances() == {}
