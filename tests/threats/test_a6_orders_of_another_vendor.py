"""A6: who guesses another vendor's order numbers learns neither that an order is, nor whose."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.abuse.network import Network
from tests.conversion_ids import plain_id

SETTINGS = {
    "name": "N",
    "level_rates_bps": [],
    "network_fee_bps": 0,
    "override_funding": "network",
}


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    with made.open():
        yield made
    assert made.failures == []


class Market:
    """A shop with orders, and a thief who sells next to it."""

    def __init__(self, network: Network) -> None:
        self.network, self.operator = network, network.new_key("operator")
        shown = network.call(self.operator, "PUT", "/v1/network", SETTINGS)
        assert shown.body["keyed_ids"] is True
        self.shop = self.member("vendor", "shop.example")
        self.thief = self.member("vendor", "thief.example")
        self.affiliate = self.member("affiliate")
        self.programs = {
            each: self.call(each, "POST", "/v1/programs", self.terms(host))["id"]
            for each, host in ((self.shop, "shop.example"), (self.thief, "thief.example"))
        }

    def member(self, role: str, *hosts: str) -> str:
        body = {"name": role, "roles": [role], "hosts": list(hosts)}
        made = self.network.call(self.operator, "POST", "/v1/members", body).body["id"]
        self.network.call(self.operator, "POST", f"/v1/members/{made}/approval")
        return str(made)

    def terms(self, host: str, *joint: str) -> dict[str, Any]:
        return {
            "name": host,
            "destination_url": f"https://{host}/",
            "rewards": [{"event": "sale", "rate_bps": 500}],
            "confirmation": "manual",
            "window_days": 30,
            "hold_days": 14,
            "joint_program_ids": list(joint),
        }

    def call(self, member_id: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        key = self.network.new_key("vendor", member_id)
        answer = self.network.call(key, method, path, body)
        assert answer.status < 300, answer.body
        return dict(answer.body)

    def sell(self, member_id: str, order: str, **more: Any) -> dict[str, Any]:
        body = {
            "program_id": self.programs[member_id],
            "event": "sale",
            "external_id": order,
            "amount_minor": 10_000,
            "currency": "USD",
            **more,
        }
        return self.call(member_id, "POST", "/v1/conversions", body)

    def told(self, conversion: dict[str, Any]) -> Any:
        """All that the thief is told of why nobody earned."""
        explained = self.call(self.thief, "GET", f"/v1/conversions/{conversion['id']}/explanation")
        candidates = explained["attribution"]["candidates"]
        return [{**each, "reference": ""} for each in candidates]


def test_an_order_number_cannot_be_tried_offline(network: Network) -> None:
    market = Market(network)
    made = market.sell(market.shop, "order-1001", affiliate_id=market.affiliate)
    tried = {plain_id(market.shop, "sale", f"order-{number}") for number in range(1_000, 1_010)}
    assert made["id"] not in tried


def test_a_guess_as_the_other_half_is_told_alike_whatever_it_is(network: Network) -> None:
    market = Market(network)
    path = f"/v1/programs/{market.programs[market.thief]}"
    one_sided = market.terms("thief.example", market.programs[market.shop])
    market.call(market.thief, "PUT", path, one_sided)
    brought = {"affiliate_id": market.affiliate}
    orders = [market.sell(market.shop, f"o-{number}", **brought) for number in range(3)]
    market.call(market.shop, "POST", f"/v1/conversions/{orders[0]['id']}/confirmation")
    rejection = {"reason": "fraud"}
    market.call(market.shop, "POST", f"/v1/conversions/{orders[1]['id']}/rejection", rejection)
    guesses = [*(each["id"] for each in orders), "cnv_" + "a" * 26]
    answers = []
    for at, guess in enumerate(guesses):
        sold = market.sell(market.thief, f"mine-{at}", joint_with=guess)
        assert sold["attributed"] is False
        answers.append(market.told(sold))
    assert all(each == answers[0] for each in answers)
    assert market.affiliate not in str(answers)
