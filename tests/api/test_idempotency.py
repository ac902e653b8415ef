"""The Idempotency-Key: whoever repeats a POST gets what the first one made."""

import pytest

from linkage.tables.links import LinkItem
from tests.api.client import Client
from tests.api.conftest import PROGRAM, Network

MEMBER = {"name": "Tendai", "roles": ["affiliate"]}


def require_replayed(client: Client, url: str, body: dict[str, object]) -> None:
    first = client.post(url, body, repeat_key="once")
    again = client.post(url, body, repeat_key="once")
    other = client.post(url, body, repeat_key="twice")
    assert (first.status, again.status, other.status) == (201, 200, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.body == first.body
    assert other.body["id"] != first.body["id"]


def test_a_member_is_made_once(operator: Client) -> None:
    require_replayed(operator, "/v1/members", MEMBER)
    assert len(operator.get("/v1/members").body["data"]) == 2


def test_a_program_is_made_once_whatever_became_of_it(network: Network) -> None:
    require_replayed(network.vendor, "/v1/programs", PROGRAM)
    first = network.vendor.post("/v1/programs", PROGRAM, repeat_key="once").body
    network.vendor.put(f"/v1/programs/{first['id']}", PROGRAM | {"hold_days": 3})
    assert network.vendor.post("/v1/programs", PROGRAM, repeat_key="once").body == first


def test_a_link_is_made_once(network: Network) -> None:
    body: dict[str, object] = {"program_id": network.program(), "sub": {"sub1": "flyer"}}
    require_replayed(network.affiliate, "/v1/links", body)
    assert len(list(LinkItem.scan())) == 2


def test_a_key_is_made_once_and_its_secret_never_shown_again(operator: Client) -> None:
    first = operator.post("/v1/keys", {"role": "operator", "person": "Rudo"}, repeat_key="once")
    again = operator.post("/v1/keys", {"role": "operator", "person": "Rudo"}, repeat_key="once")
    assert again.body["id"] == first.body["id"]
    assert again.body["secret"] is None
    assert "shown once" in again.body["note"]
    assert Client(first.body["secret"]).get("/v1/network").status == 200


def test_another_body_under_the_same_key_is_refused(network: Network) -> None:
    link = {"program_id": network.program()}
    attempts: list[tuple[Client, str, dict[str, object], dict[str, object]]] = [
        (network.operator, "/v1/members", MEMBER, MEMBER | {"name": "Rudo"}),
        (network.vendor, "/v1/programs", PROGRAM, PROGRAM | {"name": "Paint"}),
        (network.affiliate, "/v1/links", link, link | {"sub": {"sub1": "x"}}),
        (
            network.operator,
            "/v1/keys",
            {"role": "operator", "person": "Rudo"},
            {"role": "vendor", "member_id": network.vendor.member_id},
        ),
    ]
    for client, url, first, second in attempts:
        assert client.post(url, first, repeat_key="one").status == 201
        answer = client.post(url, second, repeat_key="one")
        assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_one_key_at_two_members_or_two_routes_makes_two_things(network: Network) -> None:
    link: dict[str, object] = {"program_id": network.program()}
    codes = {
        client.post("/v1/links", link, repeat_key="same").body["code"]
        for client in (network.affiliate, network.sponsor)
    }
    assert len(codes) == 2


@pytest.mark.parametrize("key", ["x" * 256, "a b", "\u00e9", "\x00", ""])
def test_a_key_that_cannot_be_one_is_refused(operator: Client, key: str) -> None:
    headers = {"idempotency-key": key}
    answer = operator.call("POST", "/v1/members", MEMBER, headers=headers)
    assert (answer.status, answer.pointer) == (422, "/Idempotency-Key")
