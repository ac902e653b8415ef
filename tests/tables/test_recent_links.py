"""The redirect's memory: five seconds of a link, five of its vendor's hosts, and no longer."""

from typing import Any

from linkage.domain.clicks.links import link_of
from linkage.tables.dynamodb.wire import DynamoDB
from linkage.tables.recent_links import RecentLinks

ITEM: dict[str, Any] = {
    "link_id": "lnk_1",
    "status": "active",
    "destination_url": "https://shop.example/",
    "program_id": "prg_1",
    "affiliate_id": "mem_a",
}


class Tables(DynamoDB):
    """Links and members of a network in memory, and what was read of them; seconds that stand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.links: dict[str, dict[str, Any]] = {}
        self.hosts = {"mem_v": '["shop.example"]', "mem_w": '["w.example"]'}
        self.reads: list[str] = []

    def get_item(self, table: str, key: Any, only: str | None = None) -> dict[str, Any] | None:
        (name,) = key.values()
        self.reads.append(name)
        if table == "links":
            return self.links.get(name)
        assert (table, only) == ("members", "hosts")
        return {**key, "hosts": self.hosts[name]} if name in self.hosts else None

    def add(self, code: str, vendor_id: str = "mem_v") -> None:
        self.links[code] = {**ITEM, "code": code, "vendor_id": vendor_id}


def memory(tables: Tables) -> RecentLinks:
    return RecentLinks(tables, ("links", "members"), lambda: tables.now_s)


def test_a_link_is_read_again_after_five_seconds_and_not_before() -> None:
    tables = Tables()
    tables.add("abcdefgh")
    links = memory(tables)
    for second, expected_reads in [(0, 1), (4.999, 1), (5, 2), (9.999, 2), (10, 3)]:
        tables.now_s = 1_000 + second
        assert links.find("abcdefgh") == (link_of(tables.links["abcdefgh"]), ("shop.example",))
        assert tables.reads.count("abcdefgh") == tables.reads.count("mem_v") == expected_reads


def test_a_link_asked_for_without_end_has_hosts_of_five_seconds_at_most() -> None:
    tables = Tables()
    for code in ("abcdefgh", "ijkmnpqr"):
        tables.add(code)
    links = memory(tables)
    links.find("abcdefgh")
    tables.now_s += 3
    links.find("ijkmnpqr")
    tables.hosts["mem_v"] = "[]"
    tables.now_s += 2
    # Of the second link only three seconds are over, and it is not read again.
    for code in ("ijkmnpqr", "abcdefgh"):
        assert links.find(code)[1] == ()
    assert tables.reads == ["abcdefgh", "mem_v", "ijkmnpqr", "mem_v", "abcdefgh"]


def test_links_of_two_vendors_have_each_its_own_hosts() -> None:
    tables = Tables()
    tables.add("abcdefgh")
    tables.add("ijkmnpqr", "mem_w")
    links = memory(tables)
    assert [links.find(code)[1] for code in tables.links] == [("shop.example",), ("w.example",)]


def test_a_vendor_that_is_no_more_has_no_hosts() -> None:
    tables = Tables()
    tables.add("abcdefgh", "mem_x")
    assert memory(tables).find("abcdefgh") == (link_of(tables.links["abcdefgh"]), ())


def test_a_link_that_does_not_exist_is_asked_for_each_time_so_a_new_one_works_at_once() -> None:
    tables = Tables()
    links = memory(tables)
    assert links.find("abcdefgh") == (None, ())
    tables.add("abcdefgh")
    assert links.find("abcdefgh")[0] == link_of(tables.links["abcdefgh"])


def test_a_link_that_vanished_is_forgotten() -> None:
    tables = Tables()
    tables.add("abcdefgh")
    links = memory(tables)
    links.find("abcdefgh")
    tables.links.clear()
    tables.now_s += 5
    assert links.find("abcdefgh") == (None, ())


def test_memory_is_bounded_and_the_oldest_link_goes_first() -> None:
    tables = Tables()
    links = memory(tables)
    codes = [f"code{number}" for number in range(10_001)]
    for code in codes:
        tables.add(code)
        links.find(code)
    tables.reads.clear()
    links.find(codes[-1])
    links.find(codes[1])
    assert tables.reads == []
    links.find(codes[0])
    assert tables.reads == [codes[0]]


def test_hosts_of_a_thousand_vendors_are_remembered_and_no_more() -> None:
    tables = Tables()
    links = memory(tables)
    for number in range(1_001):
        tables.hosts[f"mem_{number}"] = "[]"
        tables.add(f"code{number}", f"mem_{number}")
        links.find(f"code{number}")
    tables.reads.clear()
    for number in (1_000, 1, 0):
        links.find(f"code{number}")
    assert tables.reads == ["mem_0"]
