"""A8: a host is taken away from a vendor with many links; somebody makes one in that moment."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from linkage.domain.clicks.links import Link
from linkage.tables import links
from linkage.tables.members import get_member
from tests.abuse.network import Network

LINKS = 2_600


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    with made.open():
        yield made
    assert made.failures == []


class Shop:
    """A vendor whose links lead to a host that is its own, and to one that is not any more."""

    def __init__(self, network: Network) -> None:
        self.network, self.operator = network, network.new_key("operator")
        self.vendor_id = self._member("vendor", hosts=["own.example", "sold.example"])
        self.affiliate_id = self._member("affiliate")
        self.affiliate = network.new_key("affiliate", self.affiliate_id)
        program = {
            "name": "Tiles",
            "vendor_id": self.vendor_id,
            "destination_url": "https://own.example/",
            "rewards": [{"event": "sale", "rate_bps": 500}],
            "confirmation": "manual",
            "window_days": 30,
            "hold_days": 14,
        }
        self.program_id = network.call(self.operator, "POST", "/v1/programs", program).body["id"]

    def _member(self, role: str, **fields: object) -> str:
        body = {"name": role, "roles": [role], **fields}
        member_id = self.network.call(self.operator, "POST", "/v1/members", body).body["id"]
        self.network.call(self.operator, "POST", f"/v1/members/{member_id}/approval")
        return str(member_id)

    def link(self, host: str) -> str:
        body = {"program_id": self.program_id, "destination_url": f"https://{host}/"}
        made = self.network.call(self.affiliate, "POST", "/v1/links", body)
        assert made.status == 201, made.body
        return str(made.body["code"])

    def take_away(self) -> int:
        """The calls of DynamoDB that it took."""
        before = dict(self.network.standin.calls)
        path = f"/v1/members/{self.vendor_id}"
        answer = self.network.call(self.operator, "PATCH", path, {"hosts": ["own.example"]})
        assert (answer.status, answer.body["hosts"]) == (200, ["own.example"])
        after = self.network.standin.calls
        return sum(after.values()) - sum(before.values())

    def follow(self, code: str, seconds_later: float = 0) -> bool:
        """Whether a visitor is sent on."""
        self.network.moment += timedelta(seconds=seconds_later)
        return self.network.visit(code, "196.4.1.2") is not None


def test_a_link_that_everybody_follows_stops_within_five_seconds(network: Network) -> None:
    shop = Shop(network)
    sold, own = shop.link("sold.example"), shop.link("own.example")
    assert shop.follow(sold)
    assert shop.follow(own)
    shop.take_away()
    stopped_after_s = next(
        second for second in range(60) if not shop.follow(sold, 1 if second else 0)
    )
    assert stopped_after_s <= 5
    assert not any(shop.follow(sold, 7) for _ in range(20))
    assert shop.follow(own)


def test_a_link_made_in_that_moment_leads_nowhere(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(network)
    before = get_member(shop.vendor_id)
    shop.take_away()
    with monkeypatch.context() as moment:
        # As if the request that makes it had read the vendor just before.
        moment.setattr(
            "linkage.flow.clicks.managing_links.get_member",
            lambda member_id: before if member_id == shop.vendor_id else get_member(member_id),
        )
        late = shop.link("sold.example")
    assert not shop.follow(late, 6)


def test_a_change_costs_the_same_calls_and_reaches_all_of_any_number_of_links(
    network: Network,
) -> None:
    shop = Shop(network)
    one = shop.link("sold.example")
    of_one = shop.take_away()
    network.call(
        shop.operator,
        "PATCH",
        f"/v1/members/{shop.vendor_id}",
        {"hosts": ["own.example", "sold.example"]},
    )
    made = links.find_link(one)
    assert made
    digits = str.maketrans("01", "xy")
    codes = [one, *(f"many{number:05d}".translate(digits) for number in range(LINKS))]
    for number, code in enumerate(codes[1:]):
        _put(made._replace(code=code, link_id=f"lnk_{number}"))
    some = codes[:: LINKS // 50]
    assert all(shop.follow(code) for code in some)
    assert shop.take_away() == of_one <= 5
    network.moment += timedelta(seconds=6)
    assert not any(shop.follow(code) for code in some)


def _put(link: Link) -> None:
    """As links were stored before there was this change: with a copy of their vendor's hosts."""
    links.put_link(link, ("own.example", "sold.example"), None)
