"""Who has a customer's contacts when several claim them, how many a day, and how that is ended."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.people.customers import OTHERS_MAX, Customer
from linkage.domain.people.requests import SentUnbinding
from linkage.flow.conversions.unbinding import unbind
from linkage.tables.customers import CustomerItem
from linkage.tables.dynamodb import transactions
from tests.domain.examples import MEMBER, operator
from tests.faults.earlier import rules_of
from tests.flow_units.conversions.test_introductions import introduced, is_introducer, why_of
from tests.flow_units.conversions.test_limits import assert_sound
from tests.flow_units.network import (
    CrashError,
    Network,
    put_members,
    small_network,
    table,
)
from tests.flow_units.two_shops import CLIENT, EVERYTHING, open_shops, publish, supplied

MAL = replace(MEMBER, member_id="mem_mal", name="Mallory")
MAIL = Customer(email="client@example.com")
BOTH = Customer(phone=CLIENT.phone, email=MAIL.email)
ANY_NUMBER = 100_000


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        open_shops()
        publish(level_rates_bps=())
        put_members(MAL)
        yield made


def sham(network: Network, name: str, customer: Customer, **changes: Any) -> Conversion:
    """A sale of 0.10 by a vendor that works with Mallory, confirmed at once."""
    sale = {"program_id": EVERYTHING.program_id, "affiliate_id": MAL.member_id, **changes}
    return network.report(name, 10, customer=customer, **sale)


def email(number: int) -> Customer:
    return Customer(email=f"e{number}@example.com")


def phone(number: int) -> Customer:
    return Customer(phone=f"+26377400{number:04d}")


def together(one: Customer, other: Customer) -> Customer:
    return Customer(phone=one.phone or other.phone, email=one.email or other.email)


def whose(network: Network, name: str, customer: Customer) -> str | None:
    """Who has introduced them, as the supplier's sale says."""
    return supplied(network, name, customer=customer).attribution.affiliate_id


def end(customer: Customer, vendor_id: str | None = None) -> tuple[str, ...]:
    return unbind(SentUnbinding(vendor_id, customer, "no customer of theirs"), operator("key_1"))


def bindings() -> list[dict[str, Any]]:
    return [item for item in table("customers") if "bound_at" in item]


def live() -> int:
    """How many keys are bound, and not ended by an operator."""
    return sum("unbound_at" not in item for item in bindings())


# ---- renewals


@pytest.mark.parametrize("affiliate_id", ["mem_ann", "mem_mal"])
def test_a_later_sale_that_is_refunded_leaves_the_renewal_before_it(
    network: Network, affiliate_id: str
) -> None:
    """Ann's second sale renews; a vendor reports another of hers, or of Mallory's, and refunds."""
    introduced(network, "b-1")
    network.pass_time(days=300)
    introduced(network, "b-2")
    network.pass_time(days=1)
    fake = sham(network, "x-1", CLIENT, affiliate_id=affiliate_id)
    network.refund(fake, "r-1", 10)
    network.pass_time(days=100)
    sham(network, "x-2", CLIENT)
    assert whose(network, "s-1", CLIENT) == "mem_ann"


def test_an_honest_return_of_the_latest_order_leaves_the_renewal_before_it(
    network: Network,
) -> None:
    introduced(network, "b-1")
    network.pass_time(days=300)
    second = introduced(network, "b-2")
    network.pass_time(days=1)
    third = introduced(network, "b-3")
    network.refund(third, "r-1", 100_000)
    network.pass_time(days=100)
    sale = supplied(network)
    introduction = sale.attribution.introduction
    assert introduction is not None
    assert introduction.conversion_id == second.conversion_id


def test_a_later_sale_cannot_take_back_what_a_standing_renewal_introduced(
    network: Network,
) -> None:
    """It would, if what is earned lived by the renewal that ends last."""
    introduced(network, "b-1")
    network.pass_time(days=300)
    introduced(network, "b-2")
    fake = sham(network, "x-1", CLIENT, affiliate_id="mem_ann")
    network.pass_time(days=70)
    supplied(network)
    network.deliver_facts()
    earned = network.balances()
    network.refund(fake, "r-1", 10)
    for _ in range(3):
        network.deliver_facts()
    assert earned == {"ann": 10_000 + 3_000 + 1}
    assert network.balances() == {"ann": 10_000 + 3_000}


def test_two_sales_that_renew_at_once_both_do(network: Network) -> None:
    introduced(network, "b-1")
    network.pass_time(days=300)
    first, second = (
        network.report(name, 100_000, program_id="prg_build", customer=CLIENT)
        for name in ("b-2", "b-3")
    )
    real, called = transactions.write, list[int]()

    def write(operations: Any, **how: Any) -> None:
        if not called:
            called.append(1)
            network.confirm(second)
        real(operations, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transactions, "write", write)
        network.confirm(first)
    network.refund(second, "r-1", 100_000)
    network.pass_time(days=100)
    assert whose(network, "s-1", CLIENT) == "mem_ann"


# ---- two contacts of one customer, bound to two affiliates


@pytest.mark.parametrize("backdated_days", [0, 29])
def test_a_later_binding_of_the_phone_takes_nothing_over_from_the_e_mail(
    network: Network, backdated_days: int
) -> None:
    network.pass_time(days=backdated_days)
    introduced(network, customer=MAIL)
    occurred_at = clock.text(clock.days_later(network.moment, -backdated_days))
    network.pass_time(hours=1)
    sham(network, "x-1", CLIENT, occurred_at=occurred_at)
    assert whose(network, "s-1", BOTH) == "mem_ann"
    assert whose(network, "s-2", CLIENT) == "mem_mal"


def test_a_sham_binding_of_one_contact_keeps_no_honest_sale_from_renewing_the_other(
    network: Network,
) -> None:
    introduced(network, "b-1", customer=MAIL)
    sham(network, "x-1", CLIENT)
    network.pass_time(days=300)
    introduced(network, "b-2", customer=BOTH)
    network.pass_time(days=70)
    sham(network, "x-2", MAIL)
    assert whose(network, "s-1", MAIL) == "mem_ann"


def test_a_free_contact_is_not_bound_beside_one_that_is_another_s(network: Network) -> None:
    introduced(network, customer=CLIENT)
    sham(network, "x-1", BOTH)
    assert whose(network, "s-1", MAIL) is None


def test_the_own_id_follows_whoever_has_the_contact_and_earns(network: Network) -> None:
    introduced(network, customer=CLIENT)
    known = replace(CLIENT, vendor_customer_id="c-1")
    supplied(network, "s-1", customer=known)
    assert whose(network, "s-2", Customer(vendor_customer_id="c-1")) == "mem_ann"
    sham(network, "x-1", Customer(phone=CLIENT.phone, vendor_customer_id="c-2"))
    assert not any(item["affiliate_id"] == "mem_mal" for item in bindings())


# ---- at most so many contacts a day


def counted(network: Network) -> list[int]:
    return [each.count for name, each in network.tallies().items() if name.startswith("bindings#")]


def test_each_contact_counts_so_that_one_count_binds_no_two_people(network: Network) -> None:
    publish(bindings_per_day_max=3)
    sold = [sham(network, f"x-{n}", together(phone(n), email(n))) for n in range(3)]
    network.deliver_facts()
    taken = [whose(network, f"p-{n}", phone(n)) for n in range(3)]
    taken += [whose(network, f"e-{n}", email(n)) for n in range(3)]
    assert taken == ["mem_mal", "mem_mal", None, "mem_mal", None, None]
    assert counted(network) == [3]
    assert "the most the network allows" not in why_of(sold[0])
    assert "introduces no further new contact" in why_of(sold[1])
    assert "introduces no new contact" in why_of(sold[2])
    assert_sound(network)


def test_without_room_a_sale_that_renews_does_not_say_that_it_introduces_nobody(
    network: Network,
) -> None:
    publish(bindings_per_day_max=1)
    introduced(network, "b-1")
    network.pass_time(days=100)
    introduced(network, "b-2", customer=phone(1))
    third = introduced(network, "b-3", customer=BOTH)
    assert "introduces no new contact" in why_of(third)
    assert "nobody" not in why_of(third)
    network.pass_time(days=300)
    assert whose(network, "s-1", CLIENT) == "mem_ann"
    assert whose(network, "s-2", MAIL) is None


def test_own_ids_use_up_nothing_of_the_day(network: Network) -> None:
    publish(bindings_per_day_max=1)
    introduced(network, "b-0")
    network.pass_time(days=1)
    for number in range(3):
        own = replace(CLIENT, vendor_customer_id=f"u-{number}")
        introduced(network, f"b-1-{number}", customer=own)
    introduced(network, "b-2", customer=phone(1))
    assert whose(network, "s-1", phone(1)) == "mem_ann"
    assert counted(network) == [1, 1]
    assert_sound(network)


def test_what_was_accepted_by_the_rules_before_counts_its_sales_as_it_did(
    network: Network,
) -> None:
    publish(bindings_per_day_max=1)
    with rules_of(2):
        sold = [sham(network, f"x-{n}", together(phone(n), email(n))) for n in range(2)]
    assert_sound(network)
    assert counted(network) == [1]
    assert "1 new customers at this vendor that day" in why_of(sold[1])
    assert "introduces nobody" in why_of(sold[1])
    third = sham(network, "x-2", phone(2))
    assert_sound(network)
    assert "introduces no new contact" in why_of(third)


# ---- ended by an operator, under every key there is


def test_what_comes_with_a_contact_is_bounded_so_that_all_of_it_is_found_again(
    network: Network,
) -> None:
    for number in range(OTHERS_MAX + 2):
        sham(network, f"x-{number}", together(CLIENT, email(number)))
    found = [whose(network, f"s-{n}", email(n)) for n in range(OTHERS_MAX + 2)]
    assert found == ["mem_mal"] * OTHERS_MAX + [None, None]
    assert end(CLIENT)
    assert live() == 0


def test_a_contact_given_back_and_bound_anew_leads_to_what_came_with_it(network: Network) -> None:
    first = sham(network, "x-1", CLIENT)
    sham(network, "x-2", BOTH)
    network.refund(first, "r-1", 10)
    sham(network, "x-3", CLIENT)
    end(CLIENT)
    assert whose(network, "s-1", MAIL) is None


def tree(network: Network) -> None:
    """One phone with ten e-mails, each with eleven phones more: 121 contacts."""
    publish(bindings_per_day_max=ANY_NUMBER)
    for each in range(10):
        sham(network, f"x-{each}", together(CLIENT, email(each)))
        for other in range(11):
            sham(network, f"x-{each}-{other}", together(phone(11 * each + other), email(each)))


def test_more_keys_end_than_one_transaction_takes(network: Network) -> None:
    tree(network)
    assert live() == 121
    assert len(end(CLIENT)) == 120
    assert live() == 0
    assert end(CLIENT) == ()


def test_what_did_not_come_to_the_end_goes_on_where_it_was(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(network)
    real, written = transactions.write, list[int]()

    def dies_after_one(operations: Any, **how: Any) -> None:
        if written:
            raise CrashError
        written.append(1)
        real(operations, **how)

    monkeypatch.setattr(transactions, "write", dies_after_one)
    for left, rest in pairwise([121, 120, 110, 11, 0]):
        written.clear()
        assert live() == left
        with nullcontext() if rest == 0 else pytest.raises(CrashError):
            end(CLIENT)
        assert live() == rest


def test_a_chain_is_followed_to_its_end(network: Network) -> None:
    for number in range(20):
        sham(network, f"a-{number}", together(phone(number), email(number)))
        sham(network, f"b-{number}", together(phone(number + 1), email(number)))
    assert live() == 41
    end(phone(0))
    assert live() == 0


def test_a_bystander_whom_a_sham_sale_named_too_keeps_the_introducer(network: Network) -> None:
    introduced(network, "b-1", customer=CLIENT)
    introduced(network, "b-2", customer=MAIL)
    sham(network, "x-1", BOTH, affiliate_id="mem_ann")
    end(CLIENT)
    assert whose(network, "s-1", CLIENT) is None
    assert whose(network, "s-2", MAIL) == "mem_ann"


def test_a_contact_that_another_affiliate_has_now_is_left_to_them(network: Network) -> None:
    first = sham(network, "x-1", BOTH)
    network.refund(first, "r-1", 10)
    sham(network, "x-2", CLIENT)
    introduced(network, customer=MAIL)
    introduced(network, "b-2", customer=email(1))
    end(together(CLIENT, email(1)))  # Mallory's and Ann's, asked for together
    assert whose(network, "s-1", CLIENT) is None
    assert whose(network, "s-2", MAIL) == "mem_ann"


def test_an_own_id_that_came_with_a_contact_ends_and_leads_no_further(network: Network) -> None:
    """A till's id for whoever has none stands for many people."""
    for number in range(3):
        introduced(
            network, f"b-{number}", customer=replace(phone(number), vendor_customer_id="till")
        )
    end(phone(0))
    taken = [whose(network, f"s-{number}", phone(number)) for number in range(3)]
    assert taken == [None, "mem_ann", "mem_ann"]
    assert "unbound_at" in next(
        item for item in bindings() if item["customer_key"].startswith("own_")
    )


def test_an_own_id_that_is_asked_for_leads_to_its_contacts(network: Network) -> None:
    introduced(network, customer=replace(BOTH, vendor_customer_id="c-1"))
    end(Customer(vendor_customer_id="c-1"), "mem_shop")
    assert live() == 0


def test_a_key_that_changes_while_it_ends_is_ended_as_it_is_then(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    introduced(network, "b-1")
    network.pass_time(days=1)
    real, called = transactions.write, list[int]()

    def write(operations: Any, **how: Any) -> None:
        if not called:
            called.append(1)
            introduced(network, "b-2", customer=BOTH)
        real(operations, **how)

    monkeypatch.setattr(transactions, "write", write)
    assert len(end(CLIENT)) == 2
    assert live() == 0


# ---- what the release before has stored


def test_the_one_renewal_of_the_release_before_counts_and_stays(network: Network) -> None:
    introduced(network, "b-1")
    network.pass_time(days=300)
    second = introduced(network, "b-2")
    (item,) = CustomerItem.scan()
    ((kept,),) = item.renewals.values()
    item.update(
        actions=[
            CustomerItem.renewals.remove(),
            CustomerItem.version.remove(),
            CustomerItem.renewed_by.set(kept["conversion_id"]),
            CustomerItem.renewed_due_on.set(kept["due_on"]),
            CustomerItem.renewed_floor_minor.set(kept["floor_minor"]),
            CustomerItem.renewed_until.set(kept["until"]),
        ]
    )
    network.pass_time(days=1)
    third = introduced(network, "b-3")
    (item,) = CustomerItem.scan()
    assert item.renewed_by is None
    ((first, last),) = item.renewals.values()
    assert (first["conversion_id"], first["vendor_id"]) == (second.conversion_id, "")
    assert (last["conversion_id"], last["vendor_id"]) == (third.conversion_id, "mem_shop")
    network.refund(third, "r-1", 100_000)
    network.pass_time(days=100)
    assert is_introducer(supplied(network))
