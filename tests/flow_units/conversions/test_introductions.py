"""Who is introduced by what sale, when what that earns is due, and when it is taken back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.requests import SentRefund
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentUnbinding, unbinding_in
from linkage.domain.terms.network import RecruitmentBonus
from linkage.flow.commissions import posting, withdrawing
from linkage.flow.conversions import vendor_decisions
from linkage.flow.conversions.unbinding import unbind
from linkage.tables import conversions
from linkage.tables.conversions import get_conversion
from linkage.tables.customers import CustomerItem
from linkage.tables.ledger import find_head
from tests.domain.examples import MEMBER, operator
from tests.flow_units.calls import calls
from tests.flow_units.network import (
    Network,
    put_members,
    put_programs,
    small_network,
    table,
)
from tests.flow_units.two_shops import (
    BUILDING,
    CLIENT,
    EVERYTHING,
    SLOW,
    SUPPLY,
    open_shops,
    publish,
    supplied,
)


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        open_shops()
        publish(level_rates_bps=())
        yield made


def introduced(network: Network, name: str = "b-1", **changes: Any) -> Conversion:
    """Ann's client buys of the builder, who names her at the counter and confirms."""
    sale = {"program_id": BUILDING.program_id, "customer": CLIENT, **changes}
    confirmed = network.confirm(network.report(name, 100_000, **sale))
    network.deliver_facts()
    return confirmed


def due(network: Network) -> dict[str, int]:
    balance = network.balance("ann")
    return dict(balance.dues) if balance else {}


def why_of(conversion: Conversion) -> str:
    head = find_head(f"{conversion.conversion_id}/confirmation")
    assert head is not None
    return " ".join(head["why"])


def is_introducer(conversion: Conversion) -> bool:
    return conversion.attribution.model == "introducer"


# ---- the honest case


def test_a_client_who_buys_at_the_builder_and_then_at_the_supplier_earns_the_architect_both(
    network: Network,
) -> None:
    introduced(network)
    network.pass_time(days=1)
    sale = supplied(network)
    network.deliver_facts()
    assert (sale.attribution.model, sale.attribution.affiliate_id) == ("introducer", "mem_ann")
    # 5 % of 1,000.00 and of 600.00, both due when the builder's is.
    assert due(network) == {"2026-12-05": 5_000 + 3_000}
    assert "when the sale that introduced the customer is" in why_of(sale)
    network.pass_time(days=13)
    assert network.pay_all("bat_1", ann="paid").total_minor == 8_000
    assert network.balances() == {}


def test_what_is_held_longer_than_the_introduction_keeps_its_own_due_date(
    network: Network,
) -> None:
    introduced(network)
    network.pass_time(days=12)
    sale = supplied(network)
    network.deliver_facts()
    assert due(network) == {"2026-12-05": 5_000, "2026-12-06": 3_000}
    assert "introduced the customer is" not in why_of(sale)


# ---- what introduces nobody


@pytest.mark.parametrize(
    ("sent", "rules", "why"),
    [
        ({"event": "lead", "amount_minor": 0}, {}, None),
        ({"event": "signup", "amount_minor": 0}, {}, None),
        ({"event": "install", "amount_minor": 90_000}, {}, None),
        ({"amount_minor": 0}, {}, "Less than 0.01 USD of it stands"),
        ({"amount_minor": 9}, {}, "It earns nothing"),
        ({"amount_minor": 90_000, "currency": "JPY"}, {}, "It earns nothing"),
        ({"amount_minor": 499}, {"USD": 500}, "Less than 5.00 USD of it stands"),
        ({"amount_minor": 499}, {"ZWG": 500}, "binds"),
        ({"amount_minor": 500}, {"USD": 500}, "binds"),
        ({"amount_minor": 10}, {}, "binds"),
    ],
)
def test_only_a_sale_that_stands_and_earned_introduces(
    network: Network, sent: dict[str, Any], rules: dict[str, int], why: str | None
) -> None:
    publish(introduction_minimum_minor=rules)
    amount_minor, other = sent["amount_minor"], {k: v for k, v in sent.items() if k[0] != "a"}
    first = network.report("x-1", amount_minor, program_id="prg_all", customer=CLIENT, **other)
    network.deliver_facts()
    sale = supplied(network)
    assert is_introducer(sale) == (why == "binds")
    if why and why != "binds":
        assert why in why_of(first)
        assert "nobody" in why_of(first)


def test_a_sale_refunded_below_the_floor_before_its_confirmation_introduces_nobody(
    network: Network,
) -> None:
    publish(introduction_minimum_minor={"USD": 50_000})
    first = network.report("b-1", 100_000, program_id="prg_build", customer=CLIENT)
    network.refund(first, "r-1", 50_001)
    network.confirm(first)
    assert not is_introducer(supplied(network))


def test_nobody_is_introduced_while_the_sale_is_not_confirmed(network: Network) -> None:
    network.report("b-1", 100_000, program_id="prg_build", customer=CLIENT)
    assert not is_introducer(supplied(network))


# ---- taken back with the sale


def refund_first(network: Network, first: Conversion) -> None:
    network.refund(first, "r-1", 100_000)


def in_order(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network)
    network.deliver_facts()
    refund_first(network, first)
    return sale


def refunded_before_anything_is_posted(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network)
    refund_first(network, first)
    return sale


def posted_in_reverse(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network)
    refund_first(network, first)
    for fact in reversed(network.unposted()):
        posting.post_fact(*fact)
    return sale


def confirmed_after_the_refund(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network, program_id="prg_slow")
    refund_first(network, first)
    network.deliver_facts()
    return vendor_decisions.confirm(sale.conversion_id, None)[0]


def refunded_a_little_at_a_time(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network)
    network.deliver_facts()
    for number in range(4):
        network.refund(first, f"r-{number}", 25_000)
        network.deliver_facts()
    return sale


def partly_refunded_itself(network: Network, first: Conversion) -> Conversion:
    sale = supplied(network)
    vendor_decisions.refund(sale.conversion_id, None, refund_of(sale, "own", 20_000))
    refund_first(network, first)
    network.deliver_facts()
    vendor_decisions.refund(sale.conversion_id, None, refund_of(sale, "own-2", 40_000))
    return sale


def refund_of(sale: Conversion, external_id: str, amount_minor: int) -> Any:
    return SentRefund(external_id, amount_minor, "returned", f"{sale.conversion_id} {external_id}")


@pytest.mark.parametrize(
    "happens",
    [
        in_order,
        refunded_before_anything_is_posted,
        posted_in_reverse,
        confirmed_after_the_refund,
        refunded_a_little_at_a_time,
        partly_refunded_itself,
    ],
)
def test_what_an_introduction_earned_is_taken_back_if_its_sale_is_refunded_before_it_is_due(
    network: Network, happens: Callable[[Network, Conversion], Conversion]
) -> None:
    first = introduced(network)
    network.pass_time(days=1)
    sale = happens(network, first)
    for _ in range(3):  # what is taken back is a fact of its own, delivered by itself
        network.deliver_facts()
    assert network.unposted() == []
    assert due(network) == {"2026-12-05": 0}
    assert network.balances() == {}
    assert get_conversion(sale.conversion_id).withdrawn_at is not None
    head = find_head(f"{sale.conversion_id}/withdrawal")
    assert head is not None
    assert "refunded on 2026-11-22, before this commission was due" in head["why"][0]
    network.pass_time(days=30)
    network.start_batch("bat_1")
    network.deliver_work()
    assert network.payout_statuses("bat_1") == {}


def test_an_introduction_of_which_enough_stands_takes_nothing_back(network: Network) -> None:
    publish(introduction_minimum_minor={"USD": 40_000})
    first = introduced(network)
    sale = supplied(network)
    network.refund(first, "r-1", 60_000)
    network.deliver_facts()
    network.deliver_facts()
    assert get_conversion(sale.conversion_id).withdrawn_at is None
    assert due(network) == {"2026-12-05": 2_000 + 3_000}
    network.refund(first, "r-2", 1)
    network.deliver_facts()
    network.deliver_facts()
    assert get_conversion(sale.conversion_id).withdrawn_at is not None


def test_what_was_due_before_the_refund_stays(network: Network) -> None:
    first = introduced(network)
    sale = supplied(network)
    network.deliver_facts()
    network.pass_time(days=15)
    network.refund(first, "r-1", 100_000)
    network.deliver_facts()
    network.deliver_facts()
    assert get_conversion(sale.conversion_id).withdrawn_at is None
    assert not is_introducer(supplied(network, "s-2"))


def test_one_that_cannot_be_taken_back_stops_no_other_and_is_tried_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = introduced(network)
    sales = [supplied(network, f"s-{number}") for number in range(3)]
    network.deliver_facts()
    network.refund(first, "r-1", 100_000)
    real, broken = withdrawing.take_back_if_ended, sales[1].conversion_id

    def failing(conversion_id: str) -> bool:
        if conversion_id == broken:
            raise TypeError("unexpected keyword argument")
        return real(conversion_id)

    monkeypatch.setattr(withdrawing, "take_back_if_ended", failing)
    with pytest.raises(ExceptionGroup, match="1 commissions were not taken back"):
        network.deliver_facts()
    taken = [bool(get_conversion(each.conversion_id).withdrawn_at) for each in sales]
    assert taken == [True, False, True]
    monkeypatch.undo()
    for _ in range(3):
        network.deliver_facts()
    assert network.balances() == {}


# ---- bindings of before there was any of this


def test_a_binding_of_before_lives_as_it_did(network: Network) -> None:
    first = introduced(network)
    for item in CustomerItem.scan():
        item.update(actions=[CustomerItem.due_on.remove(), CustomerItem.floor_minor.remove()])
    sale = supplied(network)
    network.deliver_facts()
    assert sale.attribution.introduction is None
    assert due(network) == {"2026-11-24": 3_000, "2026-12-05": 5_000}
    network.refund(first, "r-1", 99_999)
    assert is_introducer(supplied(network, "s-2"))
    network.refund(first, "r-2", 1)
    network.deliver_facts()
    assert not is_introducer(supplied(network, "s-3"))
    assert get_conversion(sale.conversion_id).withdrawn_at is None


# ---- at most so many a day


def clients(network: Network, names: range, **changes: Any) -> list[Conversion]:
    sold = []
    for number in names:
        client = Customer(phone=f"+26377310000{number}")
        sale = {"program_id": BUILDING.program_id, "customer": client, **changes}
        sold.append(network.confirm(network.report(f"c-{number}", 100_000, **sale)))
    network.deliver_facts()
    return sold


def who_is_introduced(network: Network, names: range) -> list[bool]:
    return [
        is_introducer(
            supplied(network, f"p-{number}", customer=Customer(phone=f"+26377310000{number}"))
        )
        for number in names
    ]


def test_beyond_the_bound_of_a_day_a_sale_earns_as_ever_and_introduces_nobody(
    network: Network,
) -> None:
    publish(bindings_per_day_max=2)
    sold = clients(network, range(3))
    assert due(network) == {"2026-12-05": 15_000}
    assert who_is_introduced(network, range(3)) == [True, True, False]
    assert "has introduced 2 new contacts at this vendor that day, the most" in why_of(sold[2])
    assert all("the most" not in why_of(each) for each in sold[:2])
    (tally,) = (each for name, each in network.tallies().items() if name.startswith("bindings#"))
    assert (tally.name, tally.count) == ("bindings#mem_shop#mem_ann#2026-11-21", 2)
    # One that is bound already is none of the day's, and the next day begins anew.
    introduced(network, "b-9", customer=Customer(phone="+263773100000"))
    network.pass_time(days=1)
    clients(network, range(4, 5))
    assert who_is_introduced(network, range(4, 5)) == [True]


def test_operators_imports_are_exempt(network: Network) -> None:
    publish(bindings_per_day_max=1)
    clients(network, range(3), may_backdate=True)
    assert who_is_introduced(network, range(3)) == [True, True, True]


def test_the_day_s_bound_holds_when_several_are_confirmed_at_once(network: Network) -> None:
    publish(bindings_per_day_max=1)
    first, second = (
        network.report(
            f"c-{n}", 9_000, program_id="prg_build", customer=Customer(phone=f"+26377310000{n}")
        )
        for n in range(2)
    )
    real, called = conversions.accept, list[int]()

    def accept(operations: Any) -> None:
        if not called:
            called.append(1)
            network.confirm(second)
        real(operations)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("linkage.tables.conversions.accept", accept)
        network.confirm(first)
    assert sorted(who_is_introduced(network, range(2))) == [False, True]


# ---- ended by an operator


def test_an_operator_ends_an_introduction_under_every_key_of_it(network: Network) -> None:
    whole = Customer(phone=CLIENT.phone, email="client@example.com", vendor_customer_id="c-1")
    first = introduced(network, customer=whole)
    sale = supplied(network)
    network.deliver_facts()
    before = due(network)
    sent = SentUnbinding(None, Customer(email="client@example.com"), "no customer of theirs")
    assert unbind(sent, operator("key_1")) == (first.conversion_id,)
    assert unbind(sent, operator("key_1")) == ()
    assert not is_introducer(supplied(network, "s-2"))
    assert not is_introducer(supplied(network, "s-3", customer=whole))
    network.deliver_facts()
    assert is_introducer(sale)
    assert due(network) == before
    kept = [item for item in table("customers") if item.get("unbound_at")]
    assert len(kept) == 3
    assert {(i["unbound_by"], i["unbound_why"]) for i in kept} == {
        ("key_1", "no customer of theirs")
    }
    introduced(network, "b-2", customer=whole, affiliate_id="mem_spo")
    assert supplied(network, "s-4").attribution.affiliate_id == "mem_spo"
    assert not any(item.get("unbound_at") for item in table("customers"))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "x"}, "/customer"),
        ({"customer": {}, "reason": "x"}, "/customer"),
        ({"customer": {"phone": "+263773000001"}}, "/reason"),
        ({"customer": {"phone": "+263773000001"}, "reason": ""}, "/reason"),
        ({"customer": {"id": "c-1"}, "reason": "x"}, "/vendor_id"),
        ({"customer": {"phone": "+263773000001"}, "reason": "x", "vendor": "y"}, "/vendor"),
    ],
)
def test_an_unbinding_says_who_and_why(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        unbinding_in(body)
    assert refused.value.pointer == pointer


# ---- the recruitment bonus

RECRUIT = replace(MEMBER, member_id="mem_rec", sponsor_id="mem_spo", upline=("mem_spo",))
OTHER_RECRUIT = replace(RECRUIT, member_id="mem_rec2")


def recruited(network: Network, name: str, amount_minor: int, **changes: Any) -> str:
    sale = {"program_id": "prg_all", "affiliate_id": RECRUIT.member_id, **changes}
    sold = network.report(name, amount_minor, **sale)
    network.deliver_facts()
    return why_of(sold)


def sponsors(network: Network) -> int:
    return network.balances().get("spo", 0)


@pytest.fixture
def sponsored(network: Network) -> Network:
    put_members(RECRUIT, OTHER_RECRUIT)
    publish(recruitment_bonus=RecruitmentBonus(500, "USD"))
    return network


@pytest.mark.parametrize(
    ("amount_minor", "currency", "floors", "had", "why"),
    [
        (1, "USD", {}, 0, "at least 5.00 USD"),
        (499, "USD", {}, 0, "at least 5.00 USD"),
        (500, "USD", {}, 500, "earns the recruitment bonus of 5.00 USD"),
        (10**9, "ZWG", {}, 0, "in ZWG it has no least amount"),
        (100, "ZWG", {"ZWG": 100}, 0, "earns something"),
        (499, "USD", {"USD": 400}, 500, "earns the recruitment bonus"),
        (600, "USD", {"USD": 601}, 0, "at least 6.01 USD"),
        (9, "USD", {"USD": 1}, 0, "earns something"),
    ],
)
def test_a_recruit_s_sale_must_stand_and_earn_to_bring_its_sponsor_the_bonus(
    sponsored: Network,
    amount_minor: int,
    currency: str,
    floors: dict[str, int],
    had: int,
    why: str,
) -> None:
    publish(introduction_minimum_minor=floors)
    assert why in recruited(sponsored, "x-1", amount_minor, currency=currency)
    assert sponsors(sponsored) == had
    if not had:  # nothing is lost by a sale that is too small
        assert "earns the recruitment bonus" in recruited(sponsored, "x-2", 50_000)
        assert sponsors(sponsored) == 500


def test_the_bonus_is_due_with_its_sale_and_goes_when_too_little_of_that_stands(
    sponsored: Network,
) -> None:
    sale = sponsored.report("x-1", 1_000, program_id="prg_all", affiliate_id=RECRUIT.member_id)
    sponsored.deliver_facts()
    balance = sponsored.balance("spo")
    assert balance is not None
    assert dict(balance.dues) == {"2026-12-05": 500}
    sponsored.refund(sale, "r-1", 500)
    sponsored.deliver_facts()
    assert sponsors(sponsored) == 500
    sponsored.refund(sale, "r-2", 1)
    sponsored.deliver_facts()
    assert sponsors(sponsored) == 0
    assert "earns the recruitment bonus" in recruited(sponsored, "x-2", 1_000)
    assert sponsors(sponsored) == 500


def test_a_sponsor_has_at_most_so_many_bonuses_in_a_month_and_none_is_lost(
    sponsored: Network,
) -> None:
    publish(recruits_per_month_max=1)
    recruited(sponsored, "x-1", 1_000)
    other = {"affiliate_id": OTHER_RECRUIT.member_id}
    said = recruited(sponsored, "y-1", 1_000, **other)
    assert "the sponsor has had 1 of them this month, the most the network allows" in said
    assert sponsors(sponsored) == 500
    sponsored.pass_time(days=10)  # December
    assert "earns the recruitment bonus" in recruited(sponsored, "y-2", 1_000, **other)
    assert sponsors(sponsored) == 1_000


def test_a_bonus_taken_back_leaves_no_room_for_another_in_the_same_month(
    sponsored: Network,
) -> None:
    publish(recruits_per_month_max=1)
    sale = sponsored.report("x-1", 1_000, program_id="prg_all", affiliate_id=RECRUIT.member_id)
    sponsored.refund(sale, "r-1", 1_000)
    sponsored.deliver_facts()
    assert "the most the network allows" in recruited(sponsored, "x-2", 1_000)
    assert sponsors(sponsored) == 0


# ---- the smallest inputs that paid


@pytest.mark.parametrize("event", ["sale", "lead", "signup"])
def test_an_order_of_nothing_takes_nobody_over(network: Network, event: str) -> None:
    mallory = replace(MEMBER, member_id="mem_mal", name="Mallory")
    put_members(mallory)
    sent = {"program_id": "prg_all", "affiliate_id": "mem_mal", "event": event}
    network.report("a-1", 0, customer=CLIENT, **sent)
    sale = supplied(network)
    network.deliver_facts()
    assert sale.attribution.affiliate_id is None


VICTIM = "victim@example.com"


@pytest.mark.parametrize(
    "sent",
    [
        {"amount_minor": 0},
        {"amount_minor": 0, "event": "lead"},
        {"amount_minor": 60_000, "affiliate_id": None},
        {"amount_minor": 9},
    ],
)
def test_no_other_key_follows_one_that_is_bound(network: Network, sent: dict[str, Any]) -> None:
    introduced(network)
    amount_minor, other = sent["amount_minor"], {k: v for k, v in sent.items() if k[:2] != "am"}
    both = Customer(phone=CLIENT.phone, email=VICTIM)
    network.report("x-1", amount_minor, program_id="prg_all", customer=both, **other)
    supplied(network, "s-1", customer=both)  # an introducer's own binds nothing either
    assert not is_introducer(supplied(network, "s-2", customer=Customer(email=VICTIM)))


def test_every_key_that_is_newly_bound_counts_against_the_day(network: Network) -> None:
    publish(bindings_per_day_max=2)
    introduced(network)
    for number in range(3):
        both = Customer(phone=CLIENT.phone, email=f"victim{number}@example.com")
        network.report(f"x-{number}", 60_000, program_id="prg_all", customer=both)
    taken = [
        is_introducer(
            supplied(network, f"s-{n}", customer=Customer(email=f"victim{n}@example.com"))
        )
        for n in range(3)
    ]
    assert taken == [True, False, False]


def test_a_sale_by_a_lead_of_an_introducer_lives_by_the_introduction_too(network: Network) -> None:
    first = introduced(network)
    led = {"program_id": "prg_led_sup"}
    put_programs(replace(SUPPLY, program_id="prg_led_sup", hold_days=0, rewards=EVERYTHING.rewards))
    lead = supplied(network, "l-2", event="lead", **led)
    assert is_introducer(lead)
    sale = supplied(network, "s-1", lead_id=lead.conversion_id, customer=Customer(), **led)
    network.deliver_facts()
    assert sale.attribution.model == "lead"
    assert sale.attribution.introduction == lead.attribution.introduction
    network.refund(first, "r-1", 100_000)
    for _ in range(3):
        network.deliver_facts()
    assert get_conversion(sale.conversion_id).withdrawn_at is not None
    assert network.balances() == {}
    named = Customer(email=VICTIM)
    supplied(network, "s-2", lead_id=lead.conversion_id, customer=named, **led)
    assert not is_introducer(supplied(network, "s-3", customer=named))


def test_what_ended_before_a_confirmation_earns_nothing_even_without_a_hold(
    network: Network,
) -> None:
    put_programs(
        replace(BUILDING, program_id="prg_b0", hold_days=0),
        replace(SLOW, program_id="prg_s0", hold_days=0),
    )
    first = introduced(network, program_id="prg_b0")
    sale = supplied(network, program_id="prg_s0")
    network.refund(first, "r-1", 100_000)
    network.deliver_facts()
    vendor_decisions.confirm(sale.conversion_id, None)
    for _ in range(2):
        network.deliver_facts()
    assert network.balances() == {}


def test_a_refund_that_ends_nothing_looks_at_nothing_that_lives_by_the_sale(
    network: Network,
) -> None:
    first = introduced(network)
    made = []
    for number in (1, 5):
        for each in range(number):
            supplied(network, f"s-{number}-{each}")
        network.deliver_facts()
        network.refund(first, f"r-{number}", 1)
        with calls() as counted:
            network.deliver_facts()
        made.append(len(counted))
    assert made[0] == made[1]


def test_an_introduction_an_operator_ended_is_ended_by_all_its_sales_and_later_on(
    network: Network,
) -> None:
    introduced(network)
    both = Customer(phone=CLIENT.phone, email=VICTIM)
    for number in (2, 3):
        network.pass_time(days=1)
        introduced(network, f"b-{number}", customer=both if number == 2 else CLIENT)
    ended = unbind(SentUnbinding(None, CLIENT, "no customer of theirs"), operator("key_1"))
    assert len(ended) == 2
    assert not is_introducer(supplied(network, "s-1", customer=both))
    assert not is_introducer(supplied(network, "s-2", customer=Customer(email=VICTIM)))


def test_an_expired_introduction_can_be_ended_for_what_is_reported_late(network: Network) -> None:
    introduced(network)
    began = network.moment
    network.pass_time(days=366)
    assert unbind(SentUnbinding(None, CLIENT, "no customer of theirs"), operator("key_1"))
    late = clock.text(began + timedelta(days=363))
    assert not is_introducer(supplied(network, occurred_at=late, may_backdate=True))


def test_a_renewal_that_races_with_an_operator_s_word_does_not_bring_it_back(
    network: Network,
) -> None:
    introduced(network)
    network.pass_time(days=1)
    real, called = conversions.accept, list[int]()

    def accept(operations: Any) -> None:
        if not called:
            called.append(1)
            unbind(SentUnbinding(None, CLIENT, "no customer of theirs"), operator("key_1"))
        real(operations)

    second = network.report("b-2", 100_000, program_id="prg_build", customer=CLIENT)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("linkage.tables.conversions.accept", accept)
        network.confirm(second)
    (binding,) = (item for item in table("customers") if item.get("bound_at"))
    assert binding["conversion_id"] == second.conversion_id  # begun anew, by a sale of its own


def test_a_sponsor_has_no_bonus_for_a_sale_of_its_own_shop(sponsored: Network) -> None:
    shop = replace(RECRUIT, member_id="mem_own", sponsor_id="mem_shop", upline=("mem_shop",))
    put_members(shop)
    said = recruited(sponsored, "x-1", 50_000, affiliate_id="mem_own")
    assert "the sponsor is the vendor. A later sale can" in said
