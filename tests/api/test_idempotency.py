"""The Idempotency-Key: whoever repeats a POST gets what the first one made."""

from datetime import datetime, timedelta

import pytest

from linkage.domain import clock
from linkage.tables.links import LinkItem
from linkage.tables.settings import current_settings
from tests.api.client import Answer, Client
from tests.api.conftest import NETWORK, PROGRAM, Network

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


def _turn_on(network: Network) -> datetime:
    """Keyed ids; gives when the first one is written."""
    settings = NETWORK | {"keyed_ids": True}
    assert network.operator.put("/v1/network", settings).body["keyed_ids"] is True
    begin = current_settings().keyed_ids_from
    assert begin
    return clock.instant(begin)


def test_a_link_made_before_its_codes_were_keyed_is_found_after(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"program_id": network.program()}

    def made(key: str) -> Answer:
        return network.affiliate.post("/v1/links", body, repeat_key=key)

    codes = {"before": made("before").body["code"]}
    begin = _turn_on(network)
    codes["during"] = made("during").body["code"]
    for name, hours in (("after", 1), ("later", 100)):
        now = begin + timedelta(hours=hours)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        codes[name] = made(name).body["code"]
        for known, code in codes.items():
            answer = made(known)
            assert (answer.status, answer.body["code"]) == (200, code)
            assert answer.headers["idempotent-replayed"] == "true"
            other = network.affiliate.post(
                "/v1/links", body | {"sub": {"sub1": "x"}}, repeat_key=known
            )
            assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert len({item.code for item in LinkItem.scan()}) == len(set(codes.values())) == 4


def test_a_link_repeated_in_the_moment_of_the_change_is_made_once(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever still has the settings of before writes while another writes by those of after."""
    body = {"program_id": network.program()}
    begin = _turn_on(network)
    for key, first, second in (("a", 1, -1), ("b", -1, 1)):
        codes = set()
        for minutes in (first, second):
            now = begin + timedelta(minutes=minutes)
            monkeypatch.setattr(clock, "now", lambda now=now: now)
            codes.add(network.affiliate.post("/v1/links", body, repeat_key=key).body["code"])
        assert len(codes) == 1


def test_a_replay_counts_once_also_across_the_change(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"program_id": network.program()}
    network.affiliate.post("/v1/links", body, repeat_key="once")
    begin = _turn_on(network)
    network.operator.put("/v1/network", NETWORK | {"links_max": 1})
    monkeypatch.setattr(clock, "now", lambda: begin + timedelta(hours=2))
    assert network.affiliate.post("/v1/links", body, repeat_key="once").status == 200
    full = network.affiliate.post("/v1/links", body, repeat_key="twice")
    assert (full.status, full.code) == (409, "quota_reached")
