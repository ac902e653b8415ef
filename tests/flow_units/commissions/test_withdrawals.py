"""What a withdrawal takes back with the commission: all that its sale counted for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.tallies import Tally
from linkage.domain.people.customers import Customer
from linkage.domain.rule_versions import RULES_OF_WHAT_STANDS
from linkage.domain.terms.network import RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Reward, Step, Thresholds
from linkage.flow.commissions import withdrawing
from linkage.flow.conversions import vendor_decisions
from linkage.tables import members
from linkage.tables.conversions import get_conversion, get_history
from linkage.tables.ledger import find_head
from tests.domain.examples import MEMBER
from tests.faults.earlier import rules_of
from tests.flow_units.conversions.test_introductions import introduced, is_introducer, refund_of
from tests.flow_units.conversions.test_limits import assert_sound
from tests.flow_units.network import Network, put_members, put_programs, small_network
from tests.flow_units.two_shops import (
    CLIENT,
    EVERYTHING,
    SUPPLIER,
    SUPPLY,
    open_shops,
    publish,
    supplied,
)

LEADS = replace(
    SUPPLY,
    program_id="prg_leads",
    hold_days=0,
    rewards=(
        Reward("sale", rate_bps=500, currency="USD"),
        Reward("lead", amount_minor=250, currency="USD"),
    ),
)
"""The supplier's, who pays for leads and for sales, and holds nothing for any day."""
RECRUIT = replace(MEMBER, member_id="mem_rec", sponsor_id="mem_spo", upline=("mem_spo",))
IN_STEPS = Thresholds(
    "volume", "month", (Step(0, 50_000, rate_bps=500), Step(50_000, None, rate_bps=2_000))
)


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        open_shops()
        publish(level_rates_bps=())
        yield made


def led(network: Network, name: str = "l-1") -> Conversion:
    """A lead of the supplier's that Ann's introduction wins."""
    by_lead = {"program_id": "prg_leads", "vendor_id": SUPPLIER.member_id, "event": "lead"}
    lead = network.report(name, 0, affiliate_id=None, customer=CLIENT, **by_lead)
    assert is_introducer(lead)
    return lead


def sold(
    network: Network,
    lead: Conversion,
    name: str = "s-1",
    amount_minor: int = 60_000,
    **changes: Any,
) -> Conversion:
    """What comes of it: a sale of 600.00 at the program's own reward."""
    by_lead = {"program_id": "prg_leads", "lead_id": lead.conversion_id}
    of = {"vendor_id": SUPPLIER.member_id, "affiliate_id": None, "customer": Customer()}
    sale = network.report(name, amount_minor, **(of | by_lead | changes))
    assert sale.attribution.model == "lead"
    return sale


def given_back(sale: Conversion) -> None:
    """The supplier's customer gives everything back."""
    sent = refund_of(sale, "r-2", sale.amount_minor)
    vendor_decisions.refund(sale.conversion_id, SUPPLIER.member_id, sent)


def sales_of(network: Network) -> dict[str, Tally]:
    return {name: each for name, each in network.tallies().items() if name.startswith("sales#")}


def settle(network: Network) -> None:
    for _ in range(4):  # what is taken back is a fact of its own, delivered by itself
        network.deliver_facts()
    assert network.unposted() == []
    assert_sound(network)


def end(network: Network, first: Conversion) -> None:
    network.refund(first, "r-1", first.amount_minor)
    settle(network)


# ---- what its sale counted for


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_bonus_reached_with_what_is_withdrawn_is_taken_back(
    network: Network, *, ends_first: bool
) -> None:
    put_programs(replace(LEADS, bonuses=(Bonus("count", "month", 2, 2_500, "USD"),)))
    first, lead = introduced(network), led(network)
    sales = [sold(network, lead, f"s-{number}") for number in range(2)]
    if ends_first:
        end(network, first)
    settle(network)
    if not ends_first:
        assert network.balances() == {"ann": 5_000 + 2 * 3_000 + 2_500}
        end(network, first)
    assert [get_conversion(each.conversion_id).withdrawn_at is None for each in sales] == [
        False,
        False,
    ]
    assert network.balances() == {}
    network.pass_time(days=14)
    network.start_batch("bat_1")
    network.deliver_work()
    assert network.payout_statuses("bat_1") == {}


@pytest.mark.parametrize("ends_first", [False, True])
@pytest.mark.parametrize("amount_minor", [0, 60_000])
def test_sales_that_earn_nothing_count_for_nothing_either(
    network: Network, amount_minor: int, *, ends_first: bool
) -> None:
    tools = Reward("sale", rate_bps=500, currency="USD", category="tools")
    bonus = Bonus("count", "month", 2, 2_500, "USD")
    rewards = (tools, LEADS.rewards[1])
    put_programs(replace(LEADS, categories=("tools",), rewards=rewards, bonuses=(bonus,)))
    first, lead = introduced(network), led(network)
    for number in range(2):
        sold(network, lead, f"s-{number}", amount_minor)
    if ends_first:
        end(network, first)
    settle(network)
    if not ends_first:
        assert network.balances() == {"ann": 5_000 + 2_500}
        end(network, first)
    assert network.balances() == {}


def test_a_bonus_that_is_taken_back_is_said_and_dated(network: Network) -> None:
    put_programs(replace(LEADS, bonuses=(Bonus("count", "month", 1, 2_500, "USD"),)))
    first = introduced(network)
    sale = sold(network, led(network))
    settle(network)
    end(network, first)
    head = find_head(f"{sale.conversion_id}/withdrawal")
    assert head is not None
    assert "below 1 sale: the bonus of 25.00 USD is taken back" in " ".join(head["why"])
    balance = network.balance("ann")
    assert balance is not None
    assert set(balance.dues.values()) == {0}


def test_what_was_withdrawn_lifts_nobody_to_a_higher_step(network: Network) -> None:
    by_steps = Reward("sale", thresholds=IN_STEPS, currency="USD")
    put_programs(replace(LEADS, rewards=(by_steps, LEADS.rewards[1])))
    first = introduced(network)
    sold(network, led(network))
    settle(network)
    end(network, first)
    assert network.balances() == {}
    supplied(network, "s-2", affiliate_id="mem_ann", customer=Customer(), program_id="prg_leads")
    settle(network)
    assert network.balances() == {"ann": 3_000}


def test_what_was_withdrawn_gives_its_budget_back(network: Network) -> None:
    budget = Reward("sale", rate_bps=500, currency="USD", name="main", budget_minor=3_000)
    put_programs(replace(LEADS, rewards=(budget, LEADS.rewards[1])))
    first = introduced(network)
    sold(network, led(network))
    settle(network)
    end(network, first)
    supplied(network, "s-2", affiliate_id="mem_spo", customer=Customer(), program_id="prg_leads")
    settle(network)
    assert network.balances() == {"spo": 3_000}


def test_what_was_withdrawn_leaves_the_sponsor_s_bonus_to_the_next_sale(network: Network) -> None:
    put_members(RECRUIT)
    put_programs(LEADS)
    publish(recruitment_bonus=RecruitmentBonus(500, "USD"))
    first = network.confirm(
        network.report("b-1", 400, program_id="prg_build", customer=CLIENT, affiliate_id="mem_rec")
    )
    network.deliver_facts()
    sold(network, led(network))
    settle(network)
    assert network.balances()["spo"] == 500
    end(network, first)
    assert network.balances() == {}
    network.report("x-1", 100_000, program_id="prg_all", affiliate_id="mem_rec")
    settle(network)
    assert network.balances()["spo"] == 500


def test_what_the_customer_bought_still_counts_as_bought(network: Network) -> None:
    firsts = Reward("sale", rate_bps=500, currency="USD", first_n=1)
    put_programs(replace(LEADS, rewards=(firsts, LEADS.rewards[1])))
    first, lead = introduced(network), led(network)
    sale = sold(network, lead, customer=CLIENT)
    settle(network)
    end(network, first)
    counted = {name: tally for name, tally in network.tallies().items() if "customer#" in name}
    assert [tally.count for tally in counted.values()] == [1]
    given_back(sale)
    settle(network)
    counted = {name: tally for name, tally in network.tallies().items() if "customer#" in name}
    assert [tally.count for tally in counted.values()] == [0]


def test_a_refund_after_the_withdrawal_takes_nothing_back_again(network: Network) -> None:
    put_programs(replace(LEADS, bonuses=(Bonus("count", "month", 2, 2_500, "USD"),)))
    first, lead = introduced(network), led(network)
    sale = sold(network, lead)
    settle(network)
    end(network, first)
    before = sales_of(network)
    given_back(sale)
    settle(network)
    assert sales_of(network) == before
    assert network.balances() == {}


def test_a_refund_in_full_before_the_withdrawal_leaves_it_nothing(network: Network) -> None:
    put_programs(replace(LEADS, bonuses=(Bonus("count", "month", 2, 2_500, "USD"),)))
    first, lead = introduced(network), led(network)
    sale = sold(network, lead)
    settle(network)
    given_back(sale)
    settle(network)
    before = sales_of(network)
    end(network, first)
    assert sales_of(network) == before
    assert network.balances() == {}


def test_what_is_withdrawn_before_it_was_due_makes_room_in_the_vendor_s_month(
    network: Network,
) -> None:
    put_programs(LEADS)
    members.set_member("mem_sup", confirmed_max_minor={"USD": 5_000})
    first = introduced(network)
    assert supplied(network).held_reason is None
    settle(network)
    assert supplied(network, "s-2").held_reason
    end(network, first)
    after = supplied(network, "s-3", affiliate_id="mem_ann", program_id="prg_leads")
    assert after.held_reason is None


def test_an_event_of_no_amount_is_withdrawn_whole(network: Network) -> None:
    signups = (*LEADS.rewards, Reward("signup", amount_minor=700, currency="USD"))
    put_programs(replace(LEADS, rewards=signups))
    first, lead = introduced(network), led(network)
    sold(network, lead, amount_minor=0, event="signup")
    settle(network)
    assert network.balances() == {"ann": 5_000 + 700}
    end(network, first)
    assert network.balances() == {}


# ---- until when


@pytest.mark.parametrize(("days", "stays"), [(13, False), (14, False), (15, True)])
def test_an_introduction_that_ends_on_the_day_it_is_due_takes_back_what_lived_by_it(
    network: Network, days: int, *, stays: bool
) -> None:
    first = introduced(network)
    sale = supplied(network)
    settle(network)
    network.pass_time(days=days)
    end(network, first)
    assert (get_conversion(sale.conversion_id).withdrawn_at is None) == stays


def test_without_any_hold_an_order_given_back_the_same_day_introduced_nobody(
    network: Network,
) -> None:
    put_programs(
        replace(SUPPLY, program_id="prg_unheld", hold_days=0),
        replace(EVERYTHING, program_id="prg_sham", hold_days=0),
    )
    first = network.report("x-1", 100_000, program_id="prg_sham", customer=CLIENT)
    sale = supplied(network, program_id="prg_unheld")
    network.pass_time(hours=1)
    end(network, first)
    head = find_head(f"{sale.conversion_id}/withdrawal")
    assert head is not None
    assert "on the day this commission was due" in head["why"][0]
    assert network.balances() == {}


def test_an_introduction_ends_when_its_sale_earns_nothing_any_more(network: Network) -> None:
    first = introduced(network)
    sale = supplied(network)
    settle(network)
    network.refund(first, "r-1", 99_991)  # 5 % of 0.09 is nothing
    settle(network)
    assert get_conversion(sale.conversion_id).withdrawn_at is not None
    assert not is_introducer(supplied(network, "s-2"))
    assert network.balances() == {}


def test_a_recruitment_bonus_goes_when_its_sale_earns_nothing_any_more(network: Network) -> None:
    put_members(RECRUIT)
    publish(recruitment_bonus=RecruitmentBonus(500, "USD"))
    little = Reward("sale", rate_bps=5, currency="USD")
    put_programs(replace(EVERYTHING, program_id="prg_little", rewards=(little,)))
    sale = network.report("x-1", 10_000, program_id="prg_little", affiliate_id="mem_rec")
    settle(network)
    assert network.balances() == {"spo": 500}
    network.refund(sale, "r-1", 9_001)  # of 9.99 0.05 % is nothing, and 5.00 would do for the bonus
    settle(network)
    assert network.balances() == {}


# ---- in what order


def test_a_clawback_does_not_wait_for_what_lived_by_its_sale(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = introduced(network)
    supplied(network)
    settle(network)
    network.refund(first, "r-1", 100_000)

    def fails(conversion_id: str) -> bool:
        raise RuntimeError(conversion_id)

    with monkeypatch.context() as broken:
        broken.setattr(withdrawing, "take_back_if_ended", fails)
        with pytest.raises(ExceptionGroup):
            network.deliver_facts()
    assert network.balances() == {"ann": 3_000}
    (waiting,) = network.unposted()
    assert waiting[0] == first.conversion_id
    settle(network)
    assert network.balances() == {}


# ---- what the release before withdrew


def test_what_was_withdrawn_before_tallies_moved_is_refunded_as_it_was(network: Network) -> None:
    put_programs(replace(LEADS, bonuses=(Bonus("count", "month", 2, 2_500, "USD"),)))
    with rules_of(RULES_OF_WHAT_STANDS - 1):
        first, lead = introduced(network), led(network)
        sales = [sold(network, lead, f"s-{number}") for number in range(2)]
        settle(network)
        end(network, first)
    assert network.balances() == {"ann": 2_500}
    assert get_history(sales[0].conversion_id).withdrawal is not None
    given_back(sales[0])
    settle(network)
    assert network.balances() == {}
    assert sales_of(network)
