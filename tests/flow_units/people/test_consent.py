"""Who opts a customer out and in again, how far that holds, and how often a vendor may."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.errors import ConflictError, TooManyRequestsError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.consent import AT_THE_VENDOR, NETWORK, Consent
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentCustomer
from linkage.flow.people import consenting
from linkage.tables import members
from linkage.tables.customers import CustomerItem
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.packed import unpacked
from tests.flow_units.attributions import BUYER, put_click, won
from tests.flow_units.calls import calls, reads
from tests.flow_units.network import (
    ON_REPORT,
    SHOP,
    VENDOR,
    Network,
    put_members,
    put_programs,
    table,
)

OTHER = "mem_other"
PHONE = Customer(phone=BUYER.phone)
EMAIL = Customer(email=BUYER.email)
OWN_ID = Customer(vendor_customer_id=BUYER.vendor_customer_id)
NOBODYS: dict[str, Any] = {"affiliate_id": None}


def opt_out(vendor_id: str | None, customer: Customer = PHONE) -> Consent:
    """Out by the vendor's own key, or by an operator's for None."""
    return consenting.opt_out(SentCustomer(vendor_id, customer), key_of(vendor_id))


def opt_in(vendor_id: str | None, customer: Customer = PHONE) -> Consent:
    return consenting.opt_in(SentCustomer(vendor_id, customer), key_of(vendor_id))


def operator_opt_in(vendor_id: str | None, customer: Customer = PHONE) -> Consent:
    """In again by an operator who names a vendor."""
    return consenting.opt_in(SentCustomer(vendor_id, customer), key_of(None))


def key_of(vendor_id: str | None) -> Key:
    if vendor_id is None:
        return Key("key_operator", "operator", None, "", "")
    return Key(f"key_of_{vendor_id}", "vendor", vendor_id, "", "")


def numbered(number: int) -> Customer:
    return Customer(phone=f"+26377310{number:04}")


def out_at(network: Network, vendor_id: str, customer: Customer = PHONE) -> bool:
    """Whether a sale of the customer there would know of no introduction."""
    number = len(table("conversions"))
    program_id = "prg_now" if vendor_id == VENDOR else "prg_other"
    sold = network.report(
        f"probe-{number}",
        100,
        vendor_id=vendor_id,
        program_id=program_id,
        customer=customer,
        **NOBODYS,
    )
    return won(sold) == (None, None)


def marks() -> dict[str, dict[str, Any]]:
    """What is kept of each marker, under the only key that has marks."""
    (item,) = [item for item in table("customers") if "marks" in item]
    kept: dict[str, dict[str, Any]] = unpacked(item["marks"])
    return kept


@pytest.fixture
def network(network: Network) -> Network:
    """The small network with a second shop, whose customer Ann introduced at the first."""
    put_members(replace(SHOP, member_id=OTHER))
    put_programs(replace(ON_REPORT, program_id="prg_other", vendor_id=OTHER))
    network.report("o-1", 100, customer=BUYER)
    return network


# ---- how far an opt-out holds


def test_an_opt_out_holds_in_the_whole_network_and_suspends_the_binding(network: Network) -> None:
    assert not out_at(network, OTHER)
    assert opt_out(VENDOR) == Consent(True, scope=NETWORK)
    assert out_at(network, VENDOR)
    assert out_at(network, OTHER)
    network.pass_time(days=30)
    assert opt_in(VENDOR) == Consent(False)
    assert not out_at(network, OTHER)


def test_again_it_changes_nothing(network: Network) -> None:
    first = opt_out(VENDOR)
    before = table("customers")
    network.pass_time(days=1)
    assert opt_out(VENDOR) == first
    assert table("customers") == before


def test_by_the_vendors_own_id_it_holds_there_and_counts_for_nothing(network: Network) -> None:
    with patch.object(consenting, "MARKS_PER_DAY_MAX", 0):
        consent = opt_out(VENDOR, OWN_ID)
    assert (consent.opted_out, consent.scope, consent.beyond_bound) == (True, AT_THE_VENDOR, False)
    assert consent.detail is not None
    assert "phone number or e-mail" in consent.detail
    assert out_at(network, VENDOR, BUYER)
    assert not out_at(network, OTHER, BUYER)
    assert [item for item in table("customers") if "counted" in item] == []


def test_a_sale_to_who_opted_out_still_earns_and_leaves_nothing(network: Network) -> None:
    opt_out(None, EMAIL)
    before = table("customers")
    put_click(network, "1", "mem_spo", days=1)
    sold = network.report("o-2", 100, click_id="clk_1", customer=BUYER, **NOBODYS)
    assert won(sold) == ("click", "mem_spo")
    assert table("customers") == before


@pytest.mark.parametrize("by", [VENDOR, OTHER, None], ids=["the vendor", "another", "an operator"])
def test_opting_out_between_report_and_confirmation_binds_nobody(
    network: Network, by: str | None
) -> None:
    stranger = numbered(1)
    pending = network.report("o-2", 100, program_id="prg_man", customer=stranger)
    bindings = [item for item in table("customers") if "affiliate_id" in item]
    opt_out(by, stranger)
    network.confirm(pending)
    assert [item for item in table("customers") if "affiliate_id" in item] == bindings


def test_a_mark_of_another_that_holds_there_alone_lets_a_confirmation_bind(
    network: Network,
) -> None:
    stranger = numbered(1)
    pending = network.report("o-2", 100, program_id="prg_man", customer=stranger)
    with patch.object(consenting, "MARKS_PER_DAY_MAX", 0):
        opt_out(OTHER, stranger)
    network.confirm(pending)
    assert not out_at(network, VENDOR, stranger)
    assert out_at(network, OTHER, stranger)


def test_the_clicks_of_who_opts_out_are_not_used_and_are_gone(network: Network) -> None:
    put_click(network, "1", "mem_spo", days=1)
    stranger, sent = numbered(1), {"affiliate_id": None, "program_id": "prg_man"}
    network.report("o-2", 100, click_id="clk_1", customer=stranger, **sent)
    assert won(network.report("o-3", 100, customer=stranger, **sent)) == ("click", "mem_spo")
    opt_out(VENDOR, stranger)
    assert won(network.report("o-4", 100, customer=stranger, **sent)) == (None, None)
    operator_opt_in(VENDOR, stranger)
    assert won(network.report("o-5", 100, customer=stranger, **sent)) == (None, None)
    assert "clk_1" not in str(table("customers"))


def test_another_vendors_opt_out_forgets_no_click_presented_here(network: Network) -> None:
    put_click(network, "1", "mem_spo", days=1)
    stranger, sent = numbered(1), {"affiliate_id": None, "program_id": "prg_man"}
    network.report("o-2", 100, click_id="clk_1", customer=stranger, **sent)
    opt_out(OTHER, stranger)
    assert won(network.report("o-3", 100, customer=stranger, **sent)) == (None, None)
    operator_opt_in(OTHER, stranger)
    assert won(network.report("o-4", 100, customer=stranger, **sent)) == ("click", "mem_spo")


# ---- whose mark it is


def test_a_vendor_lifts_no_mark_but_its_own(network: Network) -> None:
    opt_out(VENDOR)
    network.pass_time(days=31)
    consent = opt_in(OTHER)
    assert consent.opted_out
    assert consent.detail is not None
    assert VENDOR not in consent.detail
    assert consent.marked_by is None
    assert out_at(network, VENDOR)
    assert set(marks()) == {VENDOR}


@pytest.mark.parametrize("others", [OTHER, None], ids=["another vendor's", "the network's"])
def test_its_own_mark_is_lifted_while_anothers_stands(network: Network, others: str | None) -> None:
    opt_out(VENDOR)
    opt_out(others)
    network.pass_time(days=30)
    consent = opt_in(VENDOR)
    assert consent.opted_out
    assert consent.detail is not None
    assert "operators" in consent.detail
    assert out_at(network, VENDOR)
    assert {name: "lifted_at" in mark for name, mark in marks().items()} == {
        VENDOR: True,
        others or NETWORK: False,
    }


def test_an_operator_lifts_any_mark_and_is_told_whose_remain(network: Network) -> None:
    for by in (VENDOR, OTHER, None):
        opt_out(by)
    assert operator_opt_in(OTHER) == Consent(True, marked_by=(VENDOR,))
    assert out_at(network, OTHER)
    assert operator_opt_in(VENDOR) == Consent(False, marked_by=())
    assert not out_at(network, OTHER)


def test_an_operator_who_names_no_vendor_lifts_the_networks_mark_alone(network: Network) -> None:
    opt_out(VENDOR)
    assert opt_out(None).marked_by == (VENDOR, NETWORK)
    assert opt_in(None) == Consent(True, marked_by=(VENDOR,))


def test_an_operator_acting_for_a_vendor_makes_the_networks_mark(network: Network) -> None:
    consenting.opt_out(SentCustomer(VENDOR, PHONE), key_of(None))
    network.pass_time(days=31)
    assert opt_in(VENDOR).opted_out
    assert set(marks()) == {NETWORK}


def test_who_marked_and_lifted_and_when_is_kept(network: Network) -> None:
    marked_at = clock.text(network.moment)
    opt_out(VENDOR)
    assert marks() == {VENDOR: {"at": marked_at, "by": f"key_of_{VENDOR}"}}
    network.pass_time(days=40)
    opt_in(VENDOR)
    lifted = {"lifted_at": clock.text(network.moment), "lifted_by": f"key_of_{VENDOR}"}
    assert marks() == {VENDOR: {"at": marked_at, "by": f"key_of_{VENDOR}"} | lifted}
    network.pass_time(days=1)
    opt_out(VENDOR)
    again = {"at": clock.text(network.moment), "by": f"key_of_{VENDOR}"}
    assert marks() == {VENDOR: again}


def test_what_was_marked_before_this_was_kept_is_lifted_by_operators_only(
    network: Network,
) -> None:
    opt_out(VENDOR)
    (key,) = (item["customer_key"] for item in table("customers") if "marks" in item)
    CustomerItem(key, opted_out_at=clock.text(network.moment)).save()
    network.pass_time(days=40)
    assert opt_in(VENDOR).opted_out
    assert out_at(network, OTHER)
    assert opt_in(None) == Consent(False, marked_by=())
    assert not out_at(network, OTHER)


def test_of_more_vendors_than_are_kept_a_mark_is_the_networks(network: Network) -> None:
    for number in range(50):
        opt_out(f"mem_{number:02}")
    consent = opt_out(VENDOR)
    assert consent == Consent(True, scope=NETWORK)
    assert len(marks()) == 51
    assert marks()[NETWORK]["by"] == f"key_of_{VENDOR}"
    before = table("customers")
    opt_out(VENDOR)
    assert table("customers") == before
    network.pass_time(days=31)
    assert opt_in(VENDOR).opted_out


def test_marks_that_were_lifted_make_no_further_one_the_networks(network: Network) -> None:
    for number in range(50):
        opt_out(f"mem_{number:02}")
    network.pass_time(days=31)
    for number in range(50):
        opt_in(f"mem_{number:02}")
    with patch.object(consenting, "MARKS_PER_DAY_MAX", 0):
        assert opt_out(VENDOR).scope == AT_THE_VENDOR
    assert out_at(network, VENDOR)
    assert not out_at(network, OTHER)
    assert set(marks()) == {VENDOR, *(f"mem_{number:02}" for number in range(1, 50))}


# ---- when and how often


def test_a_vendor_lifts_its_mark_after_thirty_days_and_is_told_the_date(network: Network) -> None:
    opt_out(VENDOR)
    from_when = clock.text(network.moment + timedelta(days=30))
    network.pass_time(days=29, hours=23, minutes=59)
    with pytest.raises(ConflictError) as refused:
        opt_in(VENDOR)
    assert refused.value.code == "opted_out_recently"
    assert from_when in refused.value.detail
    assert out_at(network, OTHER)
    network.pass_time(minutes=1)
    assert not opt_in(VENDOR).opted_out


def test_the_youngest_of_several_keys_decides_from_when(network: Network) -> None:
    opt_out(VENDOR, PHONE)
    network.pass_time(days=10)
    opt_out(VENDOR, EMAIL)
    network.pass_time(days=20)
    with pytest.raises(ConflictError) as refused:
        opt_in(VENDOR, replace(PHONE, email=BUYER.email))
    assert clock.text(network.moment + timedelta(days=10)) in refused.value.detail
    assert not opt_in(VENDOR, PHONE).opted_out


def test_an_operator_lifts_a_mark_at_once(network: Network) -> None:
    opt_out(VENDOR)
    assert not operator_opt_in(VENDOR).opted_out


def test_a_vendor_lifts_twenty_a_day_and_goes_on_the_next(network: Network) -> None:
    for number in range(21):
        opt_out(None if number > 20 else VENDOR, numbered(number))
        network.pass_time(days=1)
    network.pass_time(days=30)
    for number in range(20):
        opt_in(VENDOR, numbered(number))
    opt_in(VENDOR, numbered(0))  # nothing to lift is nothing counted
    with pytest.raises(TooManyRequestsError) as refused:
        opt_in(VENDOR, numbered(20))
    assert (refused.value.code, refused.value.retry_after_s) == ("too_many_opt_ins", 15 * 3600)
    assert not operator_opt_in(VENDOR, numbered(20)).opted_out
    opt_out(VENDOR, numbered(20))
    network.pass_time(days=30)
    assert not opt_in(VENDOR, numbered(20)).opted_out


def test_beyond_twenty_a_day_a_mark_holds_at_its_vendor_until_an_operator_agrees(
    network: Network,
) -> None:
    for number in range(20):
        assert opt_out(VENDOR, numbered(number)) == Consent(True, scope=NETWORK)
    consent = opt_out(VENDOR)
    assert (consent.scope, consent.beyond_bound) == (AT_THE_VENDOR, True)
    assert consent.detail is not None
    assert "Ask an operator" in consent.detail
    assert out_at(network, VENDOR)
    assert not out_at(network, OTHER)
    assert opt_out(OTHER, numbered(99)).scope == NETWORK

    network.pass_time(days=1)
    again = opt_out(VENDOR)
    assert (again.scope, again.beyond_bound) == (AT_THE_VENDOR, False)
    assert opt_out(VENDOR, numbered(98)).scope == NETWORK
    opt_out(None)
    assert out_at(network, OTHER)


def test_a_suspended_vendors_mark_holds_there_alone_and_is_told_why(network: Network) -> None:
    before = opt_out(VENDOR, numbered(1))
    members.set_member(VENDOR, status="suspended")
    consent = opt_out(VENDOR)
    assert (consent.opted_out, consent.scope, consent.beyond_bound) == (True, AT_THE_VENDOR, True)
    assert consent.detail is not None
    assert "not an approved vendor" in consent.detail
    assert "Ask an operator" in consent.detail
    assert out_at(network, VENDOR)
    assert not out_at(network, OTHER)
    assert opt_out(VENDOR, numbered(1)) == before == Consent(True, scope=NETWORK)
    assert "id of your own" in str(opt_out(VENDOR, OWN_ID).detail)

    # Approved again: the mark stays as it is and says why; the next one holds everywhere.
    members.set_member(VENDOR, status="approved")
    assert opt_out(VENDOR) == replace(consent, beyond_bound=False)
    assert opt_out(VENDOR, numbered(2)).scope == NETWORK
    opt_out(None)
    assert out_at(network, OTHER)


def test_a_mark_beyond_the_bound_says_so_also_once_its_vendor_is_suspended(
    network: Network,
) -> None:
    with patch.object(consenting, "MARKS_PER_DAY_MAX", 0):
        consent = opt_out(VENDOR)
    members.set_member(VENDOR, status="suspended")
    assert opt_out(VENDOR) == replace(consent, beyond_bound=False)


def test_operators_opt_out_for_a_suspended_vendor_as_for_any(network: Network) -> None:
    members.set_member(VENDOR, status="suspended")
    consent = consenting.opt_out(SentCustomer(VENDOR, PHONE), key_of(None))
    assert (consent.scope, consent.detail) == (NETWORK, None)
    assert out_at(network, OTHER)


def test_opting_out_and_in_read_by_one_call(network: Network) -> None:
    with calls() as out:
        opt_out(VENDOR)
    network.pass_time(days=30)
    with calls() as back:
        opt_in(VENDOR)
    assert reads(out) == ["BatchGetItem customers+members"]
    assert reads(back) == ["BatchGetItem customers"]


def test_operators_opt_out_and_in_as_many_as_they_will(network: Network) -> None:
    for number in range(25):
        assert opt_out(None, numbered(number)).scope == NETWORK
    for number in range(25):
        assert not opt_in(None, numbered(number)).opted_out
    assert [item for item in table("customers") if "counted" in item] == []


def test_the_bounds_are_those_that_are_written_down() -> None:
    assert (consenting.MARKS_PER_DAY_MAX, consenting.LIFTS_PER_DAY_MAX) == (20, 20)
    assert consenting.LIFT_AFTER_DAYS == 30


def test_opting_out_reporting_and_opting_in_swallows_nothing(network: Network) -> None:
    """What a vendor did within a minute, to keep Ann's share of the sale between."""
    opt_out(OTHER)
    with pytest.raises(ConflictError):
        opt_in(OTHER)
    network.pass_time(days=30)
    opt_in(OTHER)
    assert not out_at(network, OTHER)


# ---- at once


def meddling(meddle: Callable[[], object]) -> Any:
    """Lets somebody else be quicker: once, between what is read next and what is written of it."""
    real, left = transactions.write, [meddle]

    def write(operations: Any, **how: Any) -> None:
        if left:
            left.pop()()
        real(operations, **how)

    return patch.object(transactions, "write", write)


def test_two_marks_at_once_are_both_kept(network: Network) -> None:
    with meddling(lambda: opt_out(OTHER)):
        opt_out(VENDOR)
    assert set(marks()) == {VENDOR, OTHER}


def test_a_mark_and_a_lift_at_once_are_both_kept(network: Network) -> None:
    opt_out(VENDOR)
    network.pass_time(days=30)
    with meddling(lambda: opt_out(OTHER)):
        assert opt_in(VENDOR).opted_out
    assert "lifted_at" in marks()[VENDOR]
    assert "lifted_at" not in marks()[OTHER]


def test_the_last_of_a_day_is_had_once(network: Network) -> None:
    with (
        patch.object(consenting, "MARKS_PER_DAY_MAX", 1),
        meddling(lambda: opt_out(VENDOR, numbered(1))),
    ):
        assert opt_out(VENDOR).scope == AT_THE_VENDOR
    counted = [item["counted"] for item in table("customers") if "counted" in item]
    assert counted == [2]


def test_the_last_lift_of_a_day_is_had_once(network: Network) -> None:
    opt_out(VENDOR)
    opt_out(VENDOR, numbered(1))
    network.pass_time(days=30)
    with (
        patch.object(consenting, "LIFTS_PER_DAY_MAX", 1),
        meddling(lambda: opt_in(VENDOR, numbered(1))),
        pytest.raises(TooManyRequestsError),
    ):
        opt_in(VENDOR)
