"""Who has a customer's contacts when several claim them, how many a day, and how that is ended."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from linkage.conversions import Conversion
from linkage.customers import Customer
from linkage.flow.unbinding import unbind
from linkage.requests import SentUnbinding
from linkage.tables import transactions
from tests.domain.examples import MEMBER
from tests.flow_units.network import (
    CrashError,
    Network,
    put_members,
    small_network,
    table,
)
from tests.flow_units.test_introductions import introduced
from tests.flow_units.two_shops import CLIENT, EVERYTHING, open_shops, publish

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


def end(customer: Customer, vendor_id: str | None = None) -> tuple[str, ...]:
    return unbind(SentUnbinding(vendor_id, customer, "no customer of theirs"), "key_1")


def bindings() -> list[dict[str, Any]]:
    return [item for item in table("customers") if "bound_at" in item]


def live() -> int:
    """How many keys are bound, and not ended by an operator."""
    return sum("unbound_at" not in item for item in bindings())


# ---- ended by an operator, under every key there is


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
    for left, rest in pairwise([121, 120, 110, 10, 0]):
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
