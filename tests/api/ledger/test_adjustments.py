"""Adjustments over HTTP: who may make them, how they are read, and what the payee sees."""

from typing import Any

import pytest

from tests.api.client import Answer
from tests.api.conftest import Network
from tests.api.recording import record

KEYED = {"idempotency-key": "fair-2026"}


def adjust(network: Network, role: str = "operator", **changes: Any) -> Answer:
    sent: dict[str, Any] = {
        "affiliate_id": network.affiliate.member_id,
        "currency": "USD",
        "amount_minor": 2_500,
        "reason": "for the fair in May",
    }
    headers = changes.pop("headers", KEYED)
    return record(network.client(role), "/v1/adjustments", sent | changes, headers)


def test_an_adjustment_is_made_once_read_again_and_seen_by_its_payee(network: Network) -> None:
    made = adjust(network)
    assert (made.status, made.body["amount_minor"], made.body["kind"]) == (201, 2_500, "adjustment")
    again = adjust(network)
    assert (again.status, again.body) == (200, made.body)
    assert again.headers["idempotent-replayed"] == "true"
    read = network.operator.get(f"/v1/adjustments/{made.body['id']}")
    assert read.body == made.body
    (entry,) = network.affiliate.get("/v1/entries").body["data"]
    assert entry["adjustment_id"] == made.body["id"]
    assert entry["why"] == [
        "25.00 USD was added to the balance by the network: for the fair in May"
    ]
    assert network.affiliate.get("/v1/balances").body["data"][0]["payable_minor"] == 2_500


def test_what_is_taken_and_what_is_written_off_say_so(network: Network) -> None:
    adjust(network, amount_minor=-2_500, reason="paid by mistake")
    refused = adjust(
        network, kind="write_off", amount_minor=2_501, headers={"idempotency-key": "b"}
    )
    assert (refused.status, refused.code) == (409, "not_owed")
    adjust(network, kind="write_off", amount_minor=2_500, headers={"idempotency-key": "c"})
    off, taken = network.affiliate.get("/v1/entries").body["data"]
    assert taken["why"] == ["25.00 USD was taken from the balance by the network: paid by mistake"]
    assert off["why"] == [
        "25.00 USD of what was owed was written off by the network: for the fair in May"
    ]


def test_without_an_idempotency_key_nothing_is_adjusted(network: Network) -> None:
    refused = adjust(network, headers={})
    assert (refused.status, refused.pointer) == (422, "/Idempotency-Key")
    assert network.affiliate.get("/v1/entries").body["data"] == []


@pytest.mark.parametrize(("role", "status"), [("vendor", 403), ("affiliate", 403), ("nobody", 401)])
def test_only_operators_adjust(network: Network, role: str, status: int) -> None:
    assert adjust(network, role).status == status


def test_another_adjustment_under_the_same_key_is_refused(network: Network) -> None:
    adjust(network)
    other = adjust(network, amount_minor=2_501)
    assert (other.status, other.code) == (422, "idempotency_key_reused")


def test_what_is_no_adjustment_is_not_found(network: Network) -> None:
    for wrong in ("adj_0", "x", "pay_0"):
        assert network.operator.get(f"/v1/adjustments/{wrong}").code == "adjustment_not_found"
