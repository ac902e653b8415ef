from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.errors import InvalidFieldError, TooManyRequestsError
from linkage.domain.people.client_codes import Client, ClientCode
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentClientCode
from linkage.flow.conversions import recording
from linkage.flow.people import client_codes
from linkage.tables import customers, members
from linkage.tables.dynamodb.batch_reads import Found, Reading
from tests.flow_units.attributions import BOB, BUYER, CLIENT, put_click, won
from tests.flow_units.calls import calls
from tests.flow_units.network import SHOP, SHOP_KEY, VENDOR, Network, put_members, reported, table

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
    made, expires_at = client_codes.make(SentClientCode(VENDOR, "mem_bob", CLIENT), SHOP_KEY)
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
    ("affiliate_id", "client"),
    [("mem_nobody", CLIENT), (VENDOR, CLIENT), ("mem_nobody", Customer(phone=BOB.phone))],
)
def test_a_code_is_made_for_an_affiliate_alone(
    network: Network, affiliate_id: str, client: Customer
) -> None:
    put_members(BOB)
    with pytest.raises(InvalidFieldError) as refused:
        client_codes.make(SentClientCode(VENDOR, affiliate_id, client), SHOP_KEY)
    assert refused.value.pointer == "/affiliate_id"
    assert table("customers") == []


@pytest.mark.parametrize(
    "client",
    [Customer(phone=BOB.phone), Customer(email="bob.dube+x@googlemail.com")],
    ids=["the affiliate's own phone", "the affiliate's own mailbox"],
)
def test_making_a_code_tells_nobody_whose_contact_it_is(network: Network, client: Customer) -> None:
    put_members(replace(BOB, email="bobdube@gmail.com"))
    made, items = [], []
    for each in (CLIENT, client):
        with calls() as of_it:
            client_codes.make(SentClientCode(VENDOR, "mem_bob", each), SHOP_KEY)
        made.append(of_it)
        items.append({frozenset(item) for item in table("customers")})
    assert (
        made[0]
        == made[1]
        == [
            "BatchGetItem customers+members",
            "TransactWriteItems customers+audit",
        ]
    )
    assert items[0] == items[1]


def test_a_code_for_itself_proves_nothing_of_an_own_purchase_and_says_no_more(
    network: Network,
) -> None:
    put_members(BOB)
    himself = Customer(phone=BOB.phone)
    made, _ = client_codes.make(SentClientCode(VENDOR, "mem_bob", himself), SHOP_KEY)
    plain = network.report("o-0", 100, affiliate_id="mem_bob", customer=himself)
    coded = buying_for("o-1", made, client=Client(himself, made), customer=himself)
    assert won(coded) == (None, None)
    assert coded.attribution == plain.attribution
    assert coded.attribution.reason == "named: an affiliate earns nothing on its own purchase"
    (code,) = [item for item in table("customers") if item["customer_key"].startswith("code_")]
    assert "used_by" not in code


def test_a_vendor_makes_so_many_codes_a_day_and_goes_on_the_next(network: Network) -> None:
    put_members(BOB)
    sent = SentClientCode(VENDOR, "mem_bob", CLIENT)
    with patch.object(client_codes, "CODES_PER_DAY_MAX", 3):
        for _ in range(3):
            client_codes.make(sent, SHOP_KEY)
        with pytest.raises(TooManyRequestsError) as refused:
            client_codes.make(sent, SHOP_KEY)
        assert (refused.value.code, refused.value.retry_after_s) == (
            "too_many_client_codes",
            15 * 3600,
        )
        put_members(replace(SHOP, member_id="mem_other"))
        client_codes.make(replace(sent, vendor_id="mem_other"), SHOP_KEY)
        network.pass_time(hours=15)
        client_codes.make(sent, SHOP_KEY)
    counts = {
        item["customer_key"]: item["counted"] for item in table("customers") if "counted" in item
    }
    assert counts == {
        f"codes#{VENDOR}#2026-11-21": 3,
        "codes#mem_other#2026-11-21": 1,
        f"codes#{VENDOR}#2026-11-22": 1,
    }


def test_two_hundred_codes_are_the_bound() -> None:
    assert client_codes.CODES_PER_DAY_MAX == 200


def test_a_suspended_affiliate_gets_no_code(network: Network) -> None:
    members.set_member("mem_ann", status="suspended")
    with pytest.raises(InvalidFieldError):
        client_codes.make(SentClientCode(VENDOR, "mem_ann", CLIENT), SHOP_KEY)
