"""Whose lead counts once the introduction behind it has ended; and who earns where the first may
not.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.people.customers import Customer
from linkage.flow.conversions import vendor_decisions
from linkage.tables import ledger, members
from tests.domain.examples import MEMBER
from tests.flow_units.commissions.test_withdrawals import LEADS, led, settle
from tests.flow_units.conversions.test_bindings import end as unbind
from tests.flow_units.conversions.test_bindings import whose
from tests.flow_units.conversions.test_introductions import introduced
from tests.flow_units.network import (
    SHOP,
    Network,
    put_members,
    put_programs,
    sent_refund,
    small_network,
)
from tests.flow_units.two_shops import CLIENT, EVERYTHING, open_shops, publish, supplied

MAL = replace(MEMBER, member_id="mem_mal", name="Mallory")
BOTH = Customer(phone=CLIENT.phone, email="client@example.com")
MAIL = Customer(email=BOTH.email)
OWN = Customer(phone=CLIENT.phone, vendor_customer_id="c-1")


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        open_shops()
        publish(level_rates_bps=())
        put_members(MAL)
        put_programs(LEADS)
        yield made


def has(name: str) -> int:
    balance = ledger.find_balance(f"mem_{name}", "USD")
    return balance.balance_minor if balance else 0


def sham(network: Network, name: str, customer: Customer, **changes: Any) -> Conversion:
    """A sale of 0.10 that names Mallory, at a vendor that works with him."""
    said = {"program_id": "prg_all", "affiliate_id": "mem_mal", "customer": customer, **changes}
    return network.report(name, 10, **said)


def lead_of(network: Network, customer: Customer) -> Conversion:
    """A lead that names nobody, of who introduced the customer."""
    shop = {"program_id": "prg_leads", "vendor_id": "mem_sup", "event": "lead"}
    return network.report("l-1", 0, affiliate_id=None, customer=customer, **shop)


def bought(network: Network, lead: Conversion, **changes: Any) -> Conversion:
    """A sale of 600.00 by a lead, at 5 %."""
    said = {"affiliate_id": None, "customer": Customer(), **changes}
    shop = {"vendor_id": "mem_sup", "program_id": "prg_leads", "lead_id": lead.conversion_id}
    return network.report("s-1", 60_000, **shop, **said)


def test_a_lead_of_a_sale_that_was_refunded_takes_nothing_from_who_is_named(
    network: Network,
) -> None:
    sale = sham(network, "x-1", CLIENT)
    network.deliver_facts()
    lead = led(network, "l-2")
    network.refund(sale, "r-1", 10)
    settle(network)
    bought(network, lead, affiliate_id="mem_ann")
    settle(network)
    assert (has("ann"), has("mal")) == (3_000, 0)


def test_nor_from_who_introduced_the_customer_anew_by_another_contact(network: Network) -> None:
    sale = sham(network, "x-1", BOTH)
    network.deliver_facts()
    lead = lead_of(network, BOTH)
    network.refund(sale, "r-1", 10)
    settle(network)
    introduced(network)
    bought(network, lead, customer=CLIENT)
    settle(network)
    assert (has("ann"), has("mal")) == (5_000 + 3_000, 0)


def test_a_vendors_own_id_keeps_no_lead_once_the_contact_is_anothers(network: Network) -> None:
    sham(network, "x-1", CLIENT)
    network.deliver_facts()
    network.pass_time(days=350)
    supplied(network, "s-0", customer=OWN)
    lead = lead_of(network, OWN)
    network.pass_time(days=16)
    introduced(network)
    settle(network)
    before = has("ann"), has("mal")
    bought(network, lead, customer=OWN)
    settle(network)
    assert (has("ann") - before[0], has("mal") - before[1]) == (3_000, 0)


def test_an_operators_word_on_a_contact_holds_though_it_is_bound_anew(network: Network) -> None:
    sham(network, "x-1", CLIENT)
    sham(network, "x-2", MAIL)
    network.deliver_facts()
    lead = lead_of(network, BOTH)
    network.pass_time(days=1)
    unbind(CLIENT)
    introduced(network)
    bought(network, lead, customer=CLIENT)
    settle(network)
    assert (has("ann"), has("mal")) == (5_000 + 3_000, 2)


@pytest.mark.parametrize("contact", [MAIL, Customer(phone="+263712000999")])
def test_who_binds_another_contact_of_it_later_takes_no_lead(
    network: Network, contact: Customer
) -> None:
    """Ann's lead stays hers, whatever Mallory has a vendor say of the other contact."""
    introduced(network)
    settle(network)
    lead = lead_of(network, BOTH)
    sham(network, "x-1", contact)
    network.deliver_facts()
    sale = bought(network, lead)
    assert (sale.attribution.model, sale.attribution.affiliate_id) == ("lead", "mem_ann")


def test_a_vendors_own_id_alone_keeps_its_lead_though_a_contact_is_bound_since(
    network: Network,
) -> None:
    own = Customer(vendor_customer_id="c-9")
    supplied(network, "s-0", customer=own, affiliate_id="mem_ann", program_id="prg_leads")
    settle(network)
    lead = lead_of(network, replace(own, phone=CLIENT.phone))
    if lead.attribution.affiliate_id is None:
        pytest.fail("nobody had introduced who is known by a vendor's own id")
    sham(network, "x-1", CLIENT)
    network.deliver_facts()
    sale = bought(network, lead)
    assert sale.attribution.affiliate_id == "mem_ann"


def test_half_of_a_joint_promotion_falls_with_the_sale_that_introduced(network: Network) -> None:
    sale = sham(network, "x-1", CLIENT)
    network.deliver_facts()
    put_programs(replace(EVERYTHING, program_id="prg_joint", joint_program_ids=("prg_sup",)))
    half = supplied(network)
    network.refund(sale, "r-1", 10)
    settle(network)
    joint = {"program_id": "prg_joint", "joint_with": half.conversion_id}
    network.report("j-1", 100_000, customer=Customer(), affiliate_id="mem_ann", **joint)
    settle(network)
    assert (has("ann"), has("mal")) == (5_000, 0)


@pytest.mark.parametrize("status", ["suspended", "applied"])
def test_who_may_not_earn_leaves_it_to_who_was_known_next(network: Network, status: str) -> None:
    sham(network, "x-1", MAIL)
    network.pass_time(days=1)
    introduced(network)
    members.set_member(MAL.member_id, status=status)
    sale = supplied(network, customer=BOTH)
    assert sale.attribution.affiliate_id == "mem_ann"
    assert [each.affiliate_id for each in sale.attribution.candidates] == ["mem_mal", "mem_ann"]
    assert sale.attribution.introduction is not None


def test_seven_vendors_push_out_nobody_elses_renewal(network: Network) -> None:
    introduced(network)
    network.pass_time(days=300)
    introduced(network, "b-2")
    network.pass_time(days=1)
    shams = []
    for number in range(7):
        vendor_id, program_id = f"mem_v{number}", f"prg_v{number}"
        put_members(replace(SHOP, member_id=vendor_id, name="V"))
        put_programs(replace(EVERYTHING, program_id=program_id, vendor_id=vendor_id))
        for each in range(3):
            own = {"vendor_id": vendor_id, "program_id": program_id, "customer": CLIENT}
            shams.append(network.report(f"x-{each}", 10, **own))
    for each in shams:
        vendor_decisions.refund(each.conversion_id, each.vendor_id, sent_refund("r-1", 10))
    network.pass_time(days=70)
    assert whose(network, "s-1", CLIENT) == "mem_ann"
