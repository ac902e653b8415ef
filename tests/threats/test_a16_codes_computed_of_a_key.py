"""A16: somebody knows the Idempotency-Key a link was made with, and whom it was made for."""

import hashlib
from collections.abc import Iterator

import pytest

from linkage.domain.clicks.links import CODE_ALPHABET, CODE_LENGTH
from linkage.domain.ids import computed
from tests.abuse.network import Network


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    with made.open():
        yield made


def test_the_code_is_not_what_anybody_can_compute(network: Network) -> None:
    operator = network.new_key("operator")
    settings = {
        "name": "N",
        "level_rates_bps": [],
        "network_fee_bps": 0,
        "override_funding": "network",
    }
    assert network.call(operator, "PUT", "/v1/network", settings).body["keyed_ids"] is True
    ids = {}
    for role, fields in (("vendor", {"hosts": ["shop.example"]}), ("affiliate", {})):
        body = {"name": role, "roles": [role], **fields}
        ids[role] = network.call(operator, "POST", "/v1/members", body).body["id"]
        network.call(operator, "POST", f"/v1/members/{ids[role]}/approval")
    program = {
        "name": "Tiles",
        "vendor_id": ids["vendor"],
        "destination_url": "https://shop.example/",
        "rewards": [{"event": "sale", "rate_bps": 500}],
        "confirmation": "manual",
        "window_days": 30,
        "hold_days": 14,
    }
    body = {"program_id": network.call(operator, "POST", "/v1/programs", program).body["id"]}
    affiliate = network.new_key("affiliate", ids["affiliate"])
    made = network.call(affiliate, "POST", "/v1/links", body, repeat_key="flyer-1")
    assert made.status == 201
    assert made.body["code"] != _computed(ids["affiliate"], "flyer-1")
    again = network.call(affiliate, "POST", "/v1/links", body, repeat_key="flyer-1")
    assert (again.status, again.body["code"]) == (200, made.body["code"])


def _computed(affiliate_id: str, repeat_key: str) -> str:
    """The code as it was made before: of what others may know alone."""
    cause = computed("lnk", affiliate_id, "POST /v1/links", repeat_key)
    number = int.from_bytes(hashlib.sha256(cause.encode()).digest())
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[number // base**place % base] for place in range(CODE_LENGTH))
