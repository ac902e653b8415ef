"""Until a conversion is confirmed its vendor reads of an introducer, and not which; others do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from linkage.flow.conversions import vendor_decisions
from tests.api.client import Answer, Client
from tests.api.conftest import Network
from tests.api.recording import record
from tests.api.sales import click, sale

PHONE = "+263712000111"
ROUTE = "/v1/conversions"


@dataclass(frozen=True)
class Known:
    """A customer whom the affiliate introduced at the vendor, and a sale to them elsewhere."""

    network: Network
    elsewhere: str
    first: str

    def report(self, key: Client | None = None, **changes: Any) -> Answer:
        """A report of the other vendor's, by its own key or an operator's."""
        body = {
            "program_id": self.elsewhere,
            "event": "sale",
            "external_id": "order 9",
            "amount_minor": 10_000,
            "currency": "USD",
            "customer": {"phone": PHONE},
        }
        if key is self.network.operator:
            body["vendor_id"] = self.network.other_vendor.member_id
        return record(key or self.network.other_vendor, ROUTE, body | changes)

    def says(self, answer: Any) -> bool:
        """Whether something answered names the introducer or the introduction."""
        text = json.dumps(answer)
        return (self.network.affiliate.member_id or "-") in text or self.first in text


@pytest.fixture
def known(network: Network) -> Known:
    first = sale(network, network.program(), named=network.affiliate.member_id, phone=PHONE)
    body = {
        "name": "Paint",
        "destination_url": "https://paint.example/",
        "rewards": [
            {"event": "sale", "rate_bps": 1000},
            {"event": "lead", "amount_minor": 100, "currency": "USD"},
        ],
        "introducer_rate_bps": 200,
        "window_days": 30,
        "hold_days": 0,
        "confirmation": "manual",
    }
    made = network.other_vendor.post("/v1/programs", body)
    assert made.status == 201, made.body
    return Known(network, made.body["id"], first)


def everywhere(known: Known, reader: Client, conversion_id: str) -> list[Any]:
    """All that a member reads of a conversion, in a list, by itself, and explained."""
    path = f"{ROUTE}/{conversion_id}"
    listed = reader.get(ROUTE).body["data"]
    return [
        next(each for each in listed if each["id"] == conversion_id),
        reader.get(path).body,
        reader.get(f"{path}/explanation").body,
    ]


def pending(known: Known) -> str:
    """A sale the introducer won."""
    answer = known.report()
    assert answer.body["attribution"] == {
        "model": "introducer",
        "affiliate_id": None,
        "click_id": None,
    }
    return answer.body["id"]


def test_a_vendor_reads_an_introducer_until_it_confirms(known: Known) -> None:
    network = known.network
    sold = pending(known)
    answers = [known.report().body, *everywhere(known, network.other_vendor, sold)]
    assert [each for each in answers if known.says(each)] == []
    assert all(each.get("conversion", each)["attributed"] for each in answers)
    explained = answers[-1]
    assert explained["attribution"]["attributed"] is True
    assert explained["attribution"]["affiliate_id"] is None
    (candidate,) = explained["attribution"]["candidates"]
    assert (candidate["model"], candidate["won"]) == ("introducer", True)
    assert (candidate["affiliate_id"], candidate["reference"]) == (None, None)
    assert any("It is attributed to an introducer: who " in said for said in explained["story"])
    assert explained["summary"] == [
        "This costs you nothing yet: the vendor has neither confirmed nor rejected it."
    ]


def test_it_is_named_once_it_is_confirmed(known: Known) -> None:
    vendor, sold = known.network.other_vendor, pending(known)
    confirmed = record(vendor, ROUTE + "/{conversion_id}/confirmation", conversion_id=sold)
    assert confirmed.body["attribution"]["affiliate_id"] == known.network.affiliate.member_id
    (listed, shown, explained) = everywhere(known, vendor, sold)
    assert listed["attribution"] == shown["attribution"] == confirmed.body["attribution"]
    candidate = explained["attribution"]["candidates"][0]
    assert candidate["affiliate_id"] == known.network.affiliate.member_id
    assert candidate["why"] == "this affiliate introduced the customer to the network"
    assert known.first not in json.dumps(explained)


def test_a_conversion_that_is_rejected_never_names_it(known: Known) -> None:
    vendor, sold = known.network.other_vendor, pending(known)
    said = {"code": "test", "reason": "a probe"}
    route = ROUTE + "/{conversion_id}/rejection"
    answers = [record(vendor, route, said, conversion_id=sold).body]
    answers += [known.report().body, *everywhere(known, vendor, sold)]
    answers += [record(vendor, route, {"reason": "no"}, conversion_id=sold).body]
    assert answers[-1]["code"] == "rejected_before"
    assert [each for each in answers if known.says(each)] == []


def test_operators_and_the_introducer_itself_read_it_at_once(known: Known) -> None:
    network = known.network
    sold = known.report(network.operator).body
    assert sold["attribution"]["affiliate_id"] == network.affiliate.member_id
    for reader in (network.operator, network.affiliate):
        assert all(map(known.says, everywhere(known, reader, sold["id"])))


LOST: list[tuple[str, Callable[[Network], dict[str, Any]]]] = [
    ("a named affiliate won", lambda n: {"affiliate_id": n.other_affiliate.member_id}),
    ("the introducer is the buyer", lambda n: _own_phone(n, n.affiliate, PHONE)),
    ("the introducer is suspended", lambda n: _suspended(n, n.affiliate)),
    ("the introducer is kin", lambda n: _own_phone(n, n.other_vendor, None)),
]


def _own_phone(network: Network, member: Client, phone: str | None) -> dict[str, Any]:
    """The member's own phone is the customer's; or else the vendor's is the introducer's."""
    if phone is None:
        for each in (member, network.affiliate):
            _change(network, each, phone="+263719999999")
    else:
        _change(network, member, phone=phone)
    return {}


def _change(network: Network, member: Client, **fields: str) -> None:
    path = f"/v1/members/{member.member_id}"
    assert network.operator.call("PATCH", path, fields).status == 200


def _suspended(network: Network, member: Client) -> dict[str, Any]:
    network.operator.post(f"/v1/members/{member.member_id}/suspension")
    return {}


@pytest.mark.parametrize("lose", [each for _, each in LOST], ids=[name for name, _ in LOST])
def test_why_it_lost_is_not_told_before_either(
    known: Known, lose: Callable[[Network], dict[str, Any]]
) -> None:
    vendor = known.network.other_vendor
    answer = known.report(**lose(known.network))
    answers = [answer.body, *everywhere(known, vendor, answer.body["id"])]
    assert [each for each in answers if known.says(each)] == []
    text = json.dumps(answers)
    for told in ("own purchase", "suspended", "vendor's own phone"):
        assert told not in text
    assert "what spoke against the introducer is told once" in text


def test_a_paused_program_and_a_customer_nobody_introduced_are_said_as_ever(known: Known) -> None:
    answer = known.report(customer={"phone": "+263712000999"})
    assert answer.body["reason"] == (
        "no click, no named affiliate and no introducer of this customer"
    )
    shown = known.network.other_vendor.get(f"/v1/programs/{known.elsewhere}").body
    known.network.other_vendor.put(f"/v1/programs/{known.elsewhere}", shown | {"paused": True})
    answer = known.report(external_id="order 10")
    assert answer.body["reason"] == "the program is paused"


def test_a_lost_introducer_is_another_affiliate_once_it_is_confirmed(known: Known) -> None:
    vendor = known.network.other_vendor
    sold = known.report(affiliate_id=known.network.other_affiliate.member_id).body["id"]
    vendor_decisions.confirm(sold, None)
    assert [x for x in everywhere(known, vendor, sold) if known.says(x)] == []
    (_, _, explained) = everywhere(known, vendor, sold)
    assert explained["attribution"]["candidates"][-1] == {
        "model": "introducer",
        "reference": None,
        "affiliate_id": "another affiliate",
        "won": False,
        "why": "the named affiliate comes first",
    }


def test_what_comes_of_a_lead_of_an_introducer_does_not_name_it_either(known: Known) -> None:
    vendor = known.network.other_vendor
    lead = known.report(event="lead", external_id="lead 1", amount_minor=0).body
    assert lead["attribution"]["model"] == "introducer"
    by_lead = {"customer": {}, "lead_id": lead["id"]}
    sold = known.report(external_id="order 10", **by_lead).body
    assert sold["attribution"] == {"model": "lead", "affiliate_id": None, "click_id": None}
    again = {"event": "signup", "external_id": "sign-up 1", "amount_minor": 0}
    known.report(**again, **by_lead)
    answers = [sold, *everywhere(known, vendor, sold["id"])]
    assert [each for each in answers if known.says(each)] == []
    vendor_decisions.confirm(sold["id"], None)
    assert all(map(known.says, everywhere(known, vendor, sold["id"])))


def test_a_lead_of_an_introducer_that_lost_is_never_named(known: Known) -> None:
    vendor = known.network.other_vendor
    lead = known.report(event="lead", external_id="lead 1", amount_minor=0).body
    coupon = {
        "code": "MINE",
        "affiliate_id": known.network.other_affiliate.member_id,
        "program_id": known.elsewhere,
    }
    assert vendor.post("/v1/coupons", coupon).status == 201
    sold = known.report(external_id="o-10", customer={}, lead_id=lead["id"], coupon="MINE").body
    assert sold["attribution"]["model"] == "coupon"
    assert [x for x in everywhere(known, vendor, sold["id"]) if known.says(x)] == []
    vendor_decisions.confirm(sold["id"], None)
    assert [x for x in everywhere(known, vendor, sold["id"]) if known.says(x)] == []


def test_a_lead_by_a_click_names_its_affiliate_as_ever(known: Known) -> None:
    network = known.network
    clicked = click(network, network.program(), network.other_affiliate.member_id or "")
    by_click = {"click_id": clicked, "customer": {"phone": "+263712000999"}}
    lead = record(
        network.vendor,
        ROUTE,
        {
            "program_id": network.program(),
            "event": "lead",
            "external_id": "lead 1",
            "amount_minor": 0,
            "currency": "USD",
            **by_click,
        },
    ).body
    assert lead["attribution"]["affiliate_id"] == network.other_affiliate.member_id
    sold = sale(network, network.program(), external_id="order 10", lead_id=lead["id"], phone="+1")
    shown = network.vendor.get(f"{ROUTE}/{sold}").body
    assert shown["attribution"]["affiliate_id"] == network.other_affiliate.member_id


def test_a_client_s_code_of_the_right_affiliate_does_not_tell_who_it_is(known: Known) -> None:
    """A code that is used up, or said to be wrong, would name the introducer behind a lead."""
    network, client = known.network, {"phone": "+263712000777"}
    lead = known.report(event="lead", external_id="lead 1", amount_minor=0).body
    answers = []
    for affiliate in (network.affiliate, network.other_affiliate):
        asked = {"affiliate_id": affiliate.member_id, "client": client}
        code = record(network.other_vendor, "/v1/client-codes", asked).body["code"]
        coded = {
            "customer": {},
            "external_id": f"by {affiliate.member_id}",
            "lead_id": lead["id"],
            "client": {**client, "code": code},
        }
        answers.append(known.report(**coded).body)
    for one, other in zip(*(answer.items() for answer in answers), strict=True):
        if one[0] not in {"id", "external_id", "occurred_at", "reported_at"}:
            assert one == other


def test_a_vendor_lists_by_no_affiliate(known: Known) -> None:
    asked = f"{ROUTE}?affiliate_id={known.network.affiliate.member_id}"
    refused = known.network.other_vendor.get(asked)
    assert (refused.code, refused.pointer) == ("unknown_field", "/affiliate_id")


def test_the_same_order_otherwise_says_nothing_of_it(known: Known) -> None:
    pending(known)
    refused = known.report(amount_minor=1)
    assert refused.code == "external_id_reused"
    assert not known.says(refused.body)
