from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage import clock
from linkage.client_codes import Client, ClientCode
from linkage.conversions import Conversion
from linkage.customers import Customer
from linkage.errors import InvalidFieldError
from linkage.flow import client_codes, consenting, recording
from linkage.requests import SentClientCode
from linkage.tables import customers, members
from linkage.tables.gathering import Found, Reading
from tests.flow_units.attributions import BOB, BUYER, CLIENT, put_click, won
from tests.flow_units.network import VENDOR, Network, put_members, reported, table

# ---- own purchases, and buying for a client


@pytest.mark.parametrize(
    "customer",
    [
        Customer(email="bob.dube+shop@googlemail.com"),
        Customer(phone="+263773999999"),
        Customer(email="someone@example.com", phone="+263773999999"),
    ],
    ids=["the same mailbox", "the same phone", "one of two"],
)
def test_an_own_purchase_is_recognised_however_it_is_written(
    network: Network, customer: Customer
) -> None:
    put_members(replace(BOB, email="bobdube@gmail.com"))
    bought = network.report("o-1", 100, affiliate_id="mem_bob", customer=customer)
    assert bought.attribution.reason == "named: an affiliate earns nothing on its own purchase"
    assert bought.customer_aliases


def test_who_shares_the_vendors_own_phone_earns_nothing_of_it(network: Network) -> None:
    put_members(BOB)
    members.set_member(VENDOR, phone=BOB.phone)
    sold = network.report("o-1", 100, affiliate_id="mem_bob", customer=BUYER)
    assert "the vendor's own phone" in str(sold.attribution.reason)


def buying_for(external_id: str, code: str, **changes: Any) -> Conversion:
    """A purchase by Bob with his own contact, for the client whose code it is."""
    client = changes.pop("client", Client(CLIENT, code))
    himself = Customer(phone=BOB.phone, vendor_customer_id="bobs")
    sent = reported(external_id, 100, **{"affiliate_id": "mem_bob", "customer": himself, **changes})
    return recording.report(replace(sent, client=client))[0]


@pytest.fixture
def code(network: Network) -> str:
    """A code for Bob to buy for the client."""
    put_members(BOB)
    made, expires_at = client_codes.make(SentClientCode(VENDOR, "mem_bob", CLIENT))
    assert expires_at == clock.text(network.moment + timedelta(hours=72))
    return made


def test_buying_for_a_client_is_no_own_purchase(network: Network, code: str) -> None:
    bought = buying_for("o-1", code.lower())
    assert won(bought) == ("named", "mem_bob")
    assert len(bought.customer_keys) == 1
    later = network.report("o-2", 100, affiliate_id=None, customer=CLIENT)
    assert won(later) == ("introducer", "mem_bob")
    of_bobs = network.report("o-3", 100, affiliate_id=None, customer=Customer(phone=BOB.phone))
    assert won(of_bobs) == (None, None)


def test_a_code_helps_nobody_but_the_affiliate_who_has_it(network: Network, code: str) -> None:
    own = Customer(phone="+263773000042")
    members.set_member("mem_ann", phone=own.phone)
    put_click(network, "ann", "mem_ann")
    bought = buying_for("o-1", code, click_id="clk_ann", customer=own)
    assert won(bought) == ("named", "mem_bob")
    assert "own purchase" in bought.attribution.candidates[0].why


def test_a_code_of_an_affiliate_who_does_not_win_stays_unused(network: Network, code: str) -> None:
    put_click(network, "ann", "mem_ann")
    assert won(buying_for("o-1", code, click_id="clk_ann")) == ("click", "mem_ann")
    assert won(buying_for("o-2", code)) == ("named", "mem_bob")


def test_a_clients_code_is_good_once(code: str) -> None:
    buying_for("o-1", code)
    again = buying_for("o-2", code)
    assert again.attribution.reason == (
        "named: an affiliate earns nothing on its own purchase; the client's code was used before"
    )


def test_a_purchase_sent_again_uses_no_second_code(code: str) -> None:
    assert buying_for("o-1", code) == buying_for("o-1", code)


def test_two_purchases_at_once_cannot_use_one_code(code: str) -> None:
    """The second has read the code before the first used it up, and must look again."""
    real, others = customers.reading_codes, [lambda: buying_for("o-1", code)]

    def reading(code_keys: Iterable[str]) -> Reading[dict[str, ClientCode]]:
        codes = real(code_keys)

        def of(found: Found) -> dict[str, ClientCode]:
            while others:
                others.pop()()
            return codes.of(found)

        return Reading(codes.places, of)

    with patch.object(customers, "reading_codes", reading):
        second = buying_for("o-2", code)
    assert str(second.attribution.reason).endswith("the client's code was used before")


def test_a_clients_code_expires_after_three_days(network: Network, code: str) -> None:
    network.pass_time(hours=72)
    late = buying_for("o-1", code)
    assert str(late.attribution.reason).endswith("the client's code had expired")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client": Client(CLIENT, "00000000")}, id="another code"),
        pytest.param({"client": Client(Customer(phone="+263773000009"), "")}, id="another client"),
    ],
)
def test_a_wrong_code_is_said_and_leaves_an_own_purchase(
    network: Network, code: str, changes: dict[str, Any]
) -> None:
    client = changes["client"]
    bought = buying_for("o-1", "", client=replace(client, code=client.code or code))
    assert str(bought.attribution.reason).endswith("the client's code is wrong")
    assert len(bought.customer_keys) == 2


def test_a_code_of_one_affiliate_helps_no_other(code: str) -> None:
    bought = buying_for("o-1", code, affiliate_id="mem_ann", customer=Customer(phone=BOB.phone))
    assert won(bought) == ("named", "mem_ann")
    assert bought.attribution.candidates[0].why.endswith("; the client's code is wrong")
    assert won(buying_for("o-2", code)) == ("named", "mem_bob")


@pytest.mark.parametrize(
    ("affiliate_id", "client", "pointer"),
    [
        ("mem_nobody", CLIENT, "/affiliate_id"),
        (VENDOR, CLIENT, "/affiliate_id"),
        ("mem_bob", Customer(phone=BOB.phone), "/client"),
    ],
)
def test_a_code_is_made_for_an_affiliate_and_somebody_else(
    network: Network, affiliate_id: str, client: Customer, pointer: str
) -> None:
    put_members(BOB)
    with pytest.raises(InvalidFieldError) as refused:
        client_codes.make(SentClientCode(VENDOR, affiliate_id, client))
    assert refused.value.pointer == pointer
    assert table("customers") == []


def test_a_suspended_affiliate_gets_no_code(network: Network) -> None:
    members.set_member("mem_ann", status="suspended")
    with pytest.raises(InvalidFieldError):
        client_codes.make(SentClientCode(VENDOR, "mem_ann", CLIENT))


# ---- consent


def test_who_opts_out_has_no_introducer_until_they_opt_in(network: Network) -> None:
    network.report("o-1", 100, customer=BUYER)
    sent: dict[str, Any] = {"affiliate_id": None, "customer": BUYER}
    for number in (2, 3):  # and again
        consenting.opt(Customer(phone=BUYER.phone), VENDOR, out=True)
        out = network.report(f"o-{number}", 100, **sent)
        assert (won(out), out.attribution.candidates) == ((None, None), ())
    consenting.opt(Customer(phone=BUYER.phone), VENDOR, out=False)
    assert won(network.report("o-4", 100, **sent)) == ("introducer", "mem_ann")


def test_the_clicks_of_who_opts_out_are_not_used_and_are_gone(network: Network) -> None:
    put_click(network, "1", "mem_spo", days=1)
    by_phone = Customer(phone=BUYER.phone)
    sent: dict[str, Any] = {"affiliate_id": None, "customer": by_phone, "program_id": "prg_man"}
    network.report("o-1", 100, click_id="clk_1", **sent)
    assert won(network.report("o-2", 100, **sent)) == ("click", "mem_spo")
    consenting.opt(by_phone, VENDOR, out=True)
    assert won(network.report("o-3", 100, **sent)) == (None, None)
    consenting.opt(by_phone, VENDOR, out=False)
    assert won(network.report("o-4", 100, **sent)) == (None, None)
    assert "clk_1" not in str(table("customers"))


def test_an_operator_opts_a_customer_out_of_the_whole_network(network: Network) -> None:
    put_click(network, "1", "mem_spo", days=1)
    sent: dict[str, Any] = {"affiliate_id": None, "customer": BUYER}
    network.report("o-1", 100, click_id="clk_1", **sent)
    consenting.opt(Customer(email=BUYER.email), None, out=True)
    assert won(network.report("o-2", 100, **sent)) == (None, None)


def test_a_sale_to_who_opted_out_still_earns_and_leaves_nothing(network: Network) -> None:
    consenting.opt(Customer(email=BUYER.email), None, out=True)
    before = table("customers")
    put_click(network, "1", "mem_spo", days=1)
    sold = network.report("o-1", 100, click_id="clk_1", affiliate_id=None, customer=BUYER)
    assert won(sold) == ("click", "mem_spo")
    assert table("customers") == before


def test_opting_out_between_report_and_confirmation_binds_nobody(network: Network) -> None:
    pending = network.report("o-1", 100, program_id="prg_man", customer=BUYER)
    consenting.opt(Customer(vendor_customer_id="c-1"), VENDOR, out=True)
    network.confirm(pending)
    assert [item["customer_key"] for item in table("customers") if "affiliate_id" in item] == []
