"""The edge's store holds each link as it is, whatever came twice, late or at once."""

import json
from dataclasses import asdict, replace

import pytest

from linkage.domain.clicks.links import Link
from linkage.flow.clicks import edge_publishing
from linkage.flow.clicks.edge_publishing import Published, publish, publish_page
from linkage.tables import edge_links, links, members
from linkage.tables.edge_links import StoreChangedError
from tests.flow_units.network import SHOP, VENDOR, Network
from tests.flow_units.standin_edge import StandinEdge


@pytest.fixture
def edge(network: Network, monkeypatch: pytest.MonkeyPatch) -> StandinEdge:
    standin = StandinEdge()
    monkeypatch.setattr(edge_links, "client", standin)
    monkeypatch.setattr(edge_publishing, "_PAUSE_MAX_S", 0.0)
    members.set_member(VENDOR, hosts=["shop.example"])
    return standin


def stored(code: str, **changes: object) -> Link:
    link = Link(
        code=code,
        link_id=f"lnk_{code}",
        status="active",
        destination_url="https://shop.example/page?a=1#top",
        program_id="prg_now",
        vendor_id=VENDOR,
        affiliate_id="mem_ann",
        sub={"sub1": "flyer"},
        expires_at=None,
    )._replace(**changes)
    links.put_link(link, ("of.the.release.before",), None)
    return link


def change(code: str, name: str, value: object) -> None:
    item = links.LinkItem.get(code)
    setattr(item, name, value)
    item.save()


def test_a_link_is_published_with_what_a_redirect_needs(edge: StandinEdge) -> None:
    stored("abcdefgh", starts_at="2026-01-01T00:00:00.000Z", expires_at="2027-01-01T00:00:00.000Z")
    assert publish(["abcdefgh"]) == Published(1, 0, 0)
    value = json.loads(edge.values["abcdefgh"])
    assert len(value.pop("k")) == 43
    assert value == {
        "a": "https://shop.example/page",
        "q": "a=1",
        "h": "#top",
        "n": "1",
        "i": "now.shop.ann",
        "s": {"sub1": "flyer"},
        "f": "2026-01-01T00:00:00.000Z",
        "u": "2027-01-01T00:00:00.000Z",
    }


def test_publishing_twice_changes_nothing(edge: StandinEdge) -> None:
    stored("abcdefgh")
    publish(["abcdefgh"])
    before = dict(edge.values)
    publish(["abcdefgh", "abcdefgh"])
    assert edge.values == before


def test_a_batch_costs_two_calls_whatever_is_in_it(edge: StandinEdge) -> None:
    codes = [stored(f"abcdefgh{number}").code for number in range(2, 10)]
    publish(codes)
    assert edge.calls == ["DescribeKeyValueStore", "UpdateKeys"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "paused"),
        ("destination_url", f"https://shop.example/{'x' * 1_000}"),
        ("sub", {f"sub{number}": "é" * 60 for number in range(1, 4)}),
    ],
)
def test_a_link_that_must_not_or_cannot_be_published_is_taken_out(
    edge: StandinEdge, name: str, value: object
) -> None:
    stored("abcdefgh")
    publish(["abcdefgh"])
    change("abcdefgh", name, value)
    assert publish(["abcdefgh"]) == Published(0, 1, 0)
    assert edge.values == {}
    assert publish(["abcdefgh"]) == Published(0, 0, 0)


@pytest.mark.parametrize("hosts", [[], ["other.example"], ["*.shop.example"]])
def test_a_link_whose_vendor_has_its_host_no_more_is_taken_out(
    edge: StandinEdge, hosts: list[str]
) -> None:
    stored("abcdefgh")
    publish(["abcdefgh"])
    members.set_member(VENDOR, hosts=hosts)
    assert publish(["abcdefgh"]) == Published(0, 1, 0)


def test_each_link_is_published_by_the_hosts_of_its_own_vendor(edge: StandinEdge) -> None:
    members.put_member(replace(SHOP, member_id="mem_other", hosts=("other.example",)))
    stored("abcdefgh")
    stored("ijkmnpqr", vendor_id="mem_other")
    stored("stuvwxyz", vendor_id="mem_other", destination_url="https://other.example/")
    stored("23456789", vendor_id="mem_gone")
    codes = ["abcdefgh", "ijkmnpqr", "stuvwxyz", "23456789"]
    assert publish(codes) == Published(2, 0, 0)
    assert edge.values.keys() == {"abcdefgh", "stuvwxyz"}


def test_a_link_that_comes_back_is_published_again(edge: StandinEdge) -> None:
    stored("abcdefgh", status="paused")
    assert publish(["abcdefgh"]) == Published(0, 0, 0)
    change("abcdefgh", "status", "active")
    assert publish(["abcdefgh"]) == Published(1, 0, 0)


def test_a_record_of_a_link_that_is_no_more_takes_it_out(edge: StandinEdge) -> None:
    edge.values["abcdefgh"] = "{}"
    assert publish(["abcdefgh"]) == Published(0, 1, 0)


def test_a_publisher_that_was_overtaken_publishes_what_is_true_by_then(edge: StandinEdge) -> None:
    stored("abcdefgh")

    def overtaken() -> None:
        edge.before_update = lambda: None
        change("abcdefgh", "destination_url", "https://shop.example/new")
        publish(["abcdefgh"])

    edge.before_update = overtaken
    publish(["abcdefgh"])
    assert json.loads(edge.values["abcdefgh"])["a"] == "https://shop.example/new"


def test_a_store_that_others_always_change_first_fails_the_batch(edge: StandinEdge) -> None:
    stored("abcdefgh")
    edge.before_update = edge.touch
    with pytest.raises(StoreChangedError):
        publish(["abcdefgh"])
    assert edge.calls.count("UpdateKeys") == edge_publishing.ATTEMPTS_MAX


def test_where_there_is_no_room_an_older_state_does_not_stay(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = StandinEdge(room_bytes=500)
    monkeypatch.setattr(edge_links, "client", full)
    members.set_member(VENDOR, hosts=["shop.example"])
    stored("abcdefgh")
    assert publish(["abcdefgh"]) == Published(1, 0, 0)
    change("abcdefgh", "destination_url", f"https://shop.example/{'x' * 400}")
    stored("ijkmnopq")
    assert publish(["abcdefgh", "ijkmnopq"]) == Published(0, 1, 2)
    assert full.values == {}


def test_all_links_are_published_page_by_page(
    edge: StandinEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_links, "KEYS_MAX", 3)
    expected = {stored(f"abcdefgh{number}").code for number in range(2, 10)}
    stored("paused23", status="paused")
    after, totals = None, Published(0, 0, 0)
    for _ in range(10):
        published, after = publish_page(after)
        sums = {name: number + getattr(published, name) for name, number in asdict(totals).items()}
        totals = Published(**sums)
        if after is None:
            break
    assert after is None
    assert totals == Published(8, 0, 0)
    assert edge.values.keys() == expected
