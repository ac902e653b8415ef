from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.client import Client, client_with_key
from tests.faults.standin import Standin
from tests.in_memory import empty_network

METHOD = {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"}
PROGRAM = {
    "name": "Roof tiles",
    "destination_url": "https://shop.example/tiles",
    "rewards": [{"event": "sale", "rate_bps": 1000}],
    "introducer_rate_bps": 200,
    "window_days": 30,
    "hold_days": 14,
    "confirmation": "manual",
}
NETWORK = {
    "name": "Harare builders",
    "level_rates_bps": [1000, 500],
    "network_fee_bps": 2000,
    "override_funding": "network",
    "payout_minimum_minor": {"USD": 1000},
    "four_eyes": False,
}


@dataclass(frozen=True)
class Network:
    """Two vendors, an affiliate with a sponsor, and an affiliate who is nobody to them."""

    operator: Client
    vendor: Client
    other_vendor: Client
    sponsor: Client
    affiliate: Client
    other_affiliate: Client

    def client(self, role: str) -> Client:
        """The client of a role; `nobody` has no key."""
        return Client("") if role == "nobody" else getattr(self, role)

    def program(self, **changes: object) -> str:
        """The id of a new program of the vendor."""
        made = self.vendor.post("/v1/programs", PROGRAM | changes)
        assert made.status == 201, made.body
        return made.body["id"]


def make_member(operator: Client, name: str, *roles: str, **fields: object) -> str:
    """The id of a new approved member."""
    made = operator.post("/v1/members", {"name": name, "roles": list(roles), **fields})
    assert made.status == 201, made.body
    approved = operator.post(f"/v1/members/{made.body['id']}/approval")
    assert approved.body["status"] == "approved"
    return made.body["id"]


@pytest.fixture(scope="module")
def aws() -> Iterator[Standin]:
    with empty_network() as made:
        yield made


@pytest.fixture(scope="module")
def first_key(aws: Standin) -> tuple[Client, Any]:
    return client_with_key("operator"), aws.saved()


@pytest.fixture(scope="module")
def first_members(aws: Standin, first_key: tuple[Client, Any]) -> tuple[Network, Any]:
    operator, only_a_key = first_key
    aws.go_back(only_a_key)
    vendor = make_member(operator, "Hardware", "vendor", hosts=["shop.example"])
    other_vendor = make_member(operator, "Paint", "vendor", hosts=["paint.example"])
    sponsor = make_member(operator, "Architect", "affiliate")
    affiliate = make_member(
        operator, "Builder", "affiliate", sponsor_id=sponsor, payout_method=METHOD
    )
    other = make_member(operator, "Stranger", "affiliate")
    network = Network(
        operator,
        client_with_key("vendor", vendor),
        client_with_key("vendor", other_vendor),
        client_with_key("affiliate", sponsor),
        client_with_key("affiliate", affiliate),
        client_with_key("affiliate", other),
    )
    return network, aws.saved()


@pytest.fixture
def operator(aws: Standin, first_key: tuple[Client, Any]) -> Client:
    """An operator of a network that has nothing but the operator's key."""
    client, only_a_key = first_key
    aws.go_back(only_a_key)
    return client


@pytest.fixture
def network(aws: Standin, first_members: tuple[Network, Any]) -> Network:
    """The members and their keys, and nothing else."""
    network, members_and_keys = first_members
    aws.go_back(members_and_keys)
    return network
