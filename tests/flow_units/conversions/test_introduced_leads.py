"""What comes of an introducer's lead or joint conversion, once the introduction has ended."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.conversions.claims import NO_OTHER_HALF
from linkage.domain.conversions.conversions import Conversion, known_to
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentCustomer, SentUnbinding
from linkage.flow.conversions.unbinding import unbind
from linkage.flow.people import consenting
from linkage.tables import members
from linkage.tables.customers import CustomerItem
from tests.domain.examples import MEMBER, operator
from tests.flow_units.attributions import won
from tests.flow_units.calls import calls, reads
from tests.flow_units.conversions.test_introductions import introduced
from tests.flow_units.network import SHOP, VENDOR, Network, put_members, put_programs, small_network
from tests.flow_units.two_shops import (
    CLIENT,
    EVERYTHING,
    SUPPLIER,
    SUPPLY,
    open_shops,
    publish,
    supplied,
)

BOB = replace(MEMBER, member_id="mem_bob", name="Bob")
PARTNER = replace(SHOP, member_id="mem_partner", name="Partner")
LED = replace(
    SUPPLY,
    program_id="prg_led_sup",
    hold_days=0,
    rewards=EVERYTHING.rewards,
    joint_program_ids=("prg_joint",),
)
JOINT = replace(
    LED,
    program_id="prg_joint",
    vendor_id=PARTNER.member_id,
    joint_program_ids=(LED.program_id,),
)
EMAIL = Customer(email="client@example.com")
SILENT_ON_WHOM = [Customer(), EMAIL, CLIENT]


@pytest.fixture
def network() -> Iterator[Network]:
    """A client whom Ann introduced at the builder, and a supplier who pays for leads."""
    with small_network() as made:
        open_shops()
        publish(level_rates_bps=())
        put_members(BOB, PARTNER)
        put_programs(LED, JOINT)
        introduced(made)
        yield made


def led(network: Network, name: str = "l-1", **changes: Any) -> Conversion:
    """The client asks the supplier for an offer."""
    return supplied(network, name, **{"event": "lead", "program_id": LED.program_id} | changes)


def sold(network: Network, lead: Conversion, name: str = "s-1", **changes: Any) -> Conversion:
    """The offer becomes a sale."""
    sent: dict[str, Any] = {"lead_id": lead.conversion_id, "program_id": LED.program_id}
    return supplied(network, name, **sent | changes)


def sold_jointly(network: Network, half: Conversion, **changes: Any) -> Conversion:
    """The other half of a joint promotion, at the partner."""
    sent: dict[str, Any] = {"affiliate_id": None, "customer": CLIENT, **changes}
    return network.report(
        "j-1",
        60_000,
        vendor_id=PARTNER.member_id,
        program_id=JOINT.program_id,
        joint_with=half.conversion_id,
        **sent,
    )


def unbound(customer: Customer = CLIENT) -> None:
    assert unbind(SentUnbinding(None, customer, "fraud"), operator("key_operator"))


def opted_out(vendor_id: str | None = None, customer: Customer = CLIENT) -> None:
    role = "vendor" if vendor_id else "operator"
    consenting.opt_out(SentCustomer(vendor_id, customer), Key("key", role, vendor_id, "", ""))


def why(conversion: Conversion, model: str = "lead") -> str:
    return next(each.why for each in conversion.attribution.candidates if each.model == model)


UNBOUND = "an operator has ended the introduction it came by"
OPTED_OUT = "the customer has opted out"
ENDS = [
    pytest.param(unbound, UNBOUND, id="unbound"),
    pytest.param(opted_out, OPTED_OUT, id="opted out"),
]


@pytest.mark.parametrize("customer", SILENT_ON_WHOM, ids=["nobody", "another contact", "the same"])
@pytest.mark.parametrize(("ends", "reason"), ENDS)
def test_a_lead_earns_its_introducer_nothing_once_the_introduction_ended(
    network: Network, ends: Callable[[], None], reason: str, customer: Customer
) -> None:
    lead = led(network)
    assert won(lead) == ("introducer", "mem_ann")
    ends()
    sale = sold(network, lead, customer=customer)
    assert won(sale) == (None, None)
    assert why(sale) == reason
    assert sale.attribution.introduction is None
    network.deliver_facts()
    assert network.balances() == {"ann": 5_000 + 3_000}  # of the builder's sale and the lead


@pytest.mark.parametrize(("ends", "reason"), ENDS)
def test_a_joint_conversion_earns_its_introducer_nothing_once_the_introduction_ended(
    network: Network, ends: Callable[[], None], reason: str
) -> None:
    half = supplied(network, program_id=LED.program_id)
    ends()
    other = sold_jointly(network, half, customer=Customer())
    assert won(other) == (None, None)
    assert reason  # which is nobody's business here
    assert why(other, "joint") == NO_OTHER_HALF


@pytest.mark.parametrize(("ends", "reason"), ENDS)
def test_a_lead_that_came_of_a_lead_ends_with_the_same_introduction(
    network: Network, ends: Callable[[], None], reason: str
) -> None:
    lead = led(network)
    signup = sold(network, lead, "u-1", event="signup", customer=Customer())
    before = sold(network, signup, "s-1", customer=Customer())
    assert won(signup) == won(before) == ("lead", "mem_ann")
    ends()
    assert won(sold(network, lead, "s-2")) == (None, None)
    after = sold(network, signup, "s-3", customer=Customer())
    assert won(after) == (None, None)
    assert why(after) == reason


def test_the_half_of_a_joint_promotion_that_came_of_a_lead_ends_with_it_too(
    network: Network,
) -> None:
    half = sold(network, led(network), customer=Customer())
    assert won(sold_jointly(network, half, customer=Customer())) == ("joint", "mem_ann")
    unbound()
    again = {"program_id": JOINT.program_id, "joint_with": half.conversion_id}
    other = network.report("j-2", 100, vendor_id="mem_partner", affiliate_id=None, **again)
    assert won(other) == (None, None)


# ---- an opt-out holds where it holds


def test_an_opt_out_at_another_vendor_alone_ends_nothing_here(network: Network) -> None:
    lead = led(network)
    members.set_member(VENDOR, status="suspended")
    opted_out(VENDOR)
    assert won(sold(network, lead)) == ("lead", "mem_ann")
    members.set_member(SUPPLIER.member_id, status="suspended")
    opted_out(SUPPLIER.member_id)
    assert won(sold(network, lead, "s-2")) == (None, None)


def test_a_buyer_who_opted_out_has_no_introducer_by_a_lead_of_other_contacts_either(
    network: Network,
) -> None:
    lead = led(network)
    opted_out(customer=EMAIL)
    sale = sold(network, lead, customer=EMAIL)
    assert (won(sale), why(sale)) == ((None, None), OPTED_OUT)


def test_who_opts_in_again_suspends_the_lead_no_longer(network: Network) -> None:
    lead = led(network)
    opted_out()
    consenting.opt_in(SentCustomer(None, CLIENT), Key("key", "operator", None, "", ""))
    assert won(sold(network, lead)) == ("lead", "mem_ann")


# ---- what ends it, and what does not


def test_a_binding_that_expires_after_the_lead_leaves_it_to_the_leads_window(
    network: Network,
) -> None:
    network.pass_time(days=364)
    lead = led(network)
    network.pass_time(days=30)
    assert won(sold(network, lead)) == ("lead", "mem_ann")
    network.pass_time(seconds=1)
    late = sold(network, lead, "s-2")
    assert "older than the program's window" in why(late)


def test_a_binding_that_was_renewed_since_leaves_the_lead_as_it_is(network: Network) -> None:
    network.pass_time(days=363)
    introduced(network, "b-2")
    network.pass_time(days=1)
    lead = led(network)
    for number in range(3, 8):
        network.pass_time(days=2)
        introduced(network, f"b-{number}")
    assert won(sold(network, lead)) == ("lead", "mem_ann")


@pytest.mark.parametrize("affiliate_id", ["mem_bob", "mem_ann"])
def test_who_introduces_the_customer_anew_after_an_operators_word_earns_as_its_introducer(
    network: Network, affiliate_id: str
) -> None:
    lead = led(network)
    network.pass_time(days=1)
    unbound()
    network.pass_time(days=1)
    introduced(network, "b-2", affiliate_id=affiliate_id)
    sale = sold(network, lead)
    assert won(sale) == ("introducer", affiliate_id)
    assert why(sale) == "the customer was introduced anew since"
    assert won(sold(network, lead, "s-2", customer=Customer())) == (None, None)


def test_a_lead_that_came_after_an_operators_word_by_a_new_introduction_counts(
    network: Network,
) -> None:
    both = replace(CLIENT, email=EMAIL.email)
    introduced(network, "b-2", customer=both)
    network.pass_time(days=1)
    unbound(both)
    network.pass_time(days=1)
    introduced(network, "b-3", customer=EMAIL)
    lead = led(network, customer=both)  # by the e-mail address: the phone number is unbound
    assert won(sold(network, lead)) == ("lead", "mem_ann")


def test_a_lead_by_a_binding_of_before_there_were_introductions_ends_with_it(
    network: Network,
) -> None:
    for item in CustomerItem.scan():
        item.update(actions=[CustomerItem.due_on.remove(), CustomerItem.floor_minor.remove()])
    lead = led(network)
    assert lead.attribution.introduction is None
    assert won(sold(network, lead)) == ("lead", "mem_ann")
    unbound()
    assert won(sold(network, lead, "s-2")) == (None, None)


@pytest.mark.parametrize("ends", [unbound, opted_out])
def test_a_lead_that_was_won_by_name_earns_as_ever(
    network: Network, ends: Callable[[], None]
) -> None:
    lead = led(network, affiliate_id="mem_ann")
    assert won(lead) == ("named", "mem_ann")
    ends()
    assert won(sold(network, lead)) == ("lead", "mem_ann")


# ---- who is told, and what is read


def test_a_vendor_reads_of_the_ended_introduction_only_once_it_has_confirmed(
    network: Network,
) -> None:
    put_programs(replace(LED, program_id="prg_slow_led", confirmation="manual"))
    lead = led(network)
    unbound()
    pending = sold(network, lead, program_id="prg_slow_led")
    told = known_to("vendor", pending).attribution
    assert UNBOUND not in str(told)
    assert "mem_ann" not in str(told)
    assert UNBOUND in str(known_to("operator", pending).attribution.reason)
    confirmed = replace(pending, status="confirmed")
    assert UNBOUND in str(known_to("vendor", confirmed).attribution.reason)


def test_what_is_remembered_is_read_again_for_an_introducers_lead_only(network: Network) -> None:
    by_name = led(network, "l-2", affiliate_id="mem_spo")
    by_introduction = led(network)
    made = []
    for name, lead in (("s-1", by_name), ("s-2", by_introduction)):
        with calls() as counted:
            sold(network, lead, name, customer=Customer())
        made.append(reads(counted)[:2])
    first = "BatchGetItem conversions+programs+settings+members"
    assert made == [
        [first, "BatchGetItem members"],
        [first, "BatchGetItem members+customers+conversions"],
    ]
