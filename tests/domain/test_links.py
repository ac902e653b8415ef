import re
from collections import Counter
from math import log2
from typing import Any

import pytest

from linkage.links import CODE_ALPHABET, CODE_LENGTH, RecentLinks, is_code, link_of, new_code

ITEM: dict[str, Any] = {
    "code": "abcdefgh",
    "link_id": "lnk_1",
    "status": "active",
    "destination_url": "https://shop.example/",
    "allowed_hosts": ["shop.example"],
    "program_id": "prg_1",
    "vendor_id": "mem_v",
    "affiliate_id": "mem_a",
}
NOW = "2026-11-21T22:52:00.123Z"


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_code_cannot_be_guessed_or_misread() -> None:
    assert CODE_LENGTH * log2(len(CODE_ALPHABET)) >= 64
    assert not set("0O1lI") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET)
    assert CODE_ALPHABET.isascii()
    assert CODE_ALPHABET.isalnum()


def test_new_codes_are_codes_are_different_and_use_every_character_alike() -> None:
    codes = [new_code() for _ in range(10_000)]
    assert all(is_code(code) for code in codes)
    assert len(set(codes)) == len(codes)
    counts = Counter("".join(codes))
    expected = len(codes) * CODE_LENGTH / len(CODE_ALPHABET)
    assert len(counts) == len(CODE_ALPHABET)
    assert all(0.8 < count / expected < 1.25 for count in counts.values())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abcdefg",
        "a" * 33,
        "abcdefg0",
        "abcdefgO",
        "abcd/efgh",
        "../../abcd",
        "abcdefg\n",
        "abcdefg%",
        "abcdefg ",
        "abcdéfgh",
        "２２２２２２２２",
        "favicon.ico",
        "robots.txt",
    ],
)
def test_what_cannot_be_a_code_is_told_by_its_look(text: str) -> None:
    assert not is_code(text)


def test_a_link_is_read_from_its_item() -> None:
    link = link_of({**ITEM, "sub": {"sub1": "x"}, "expires_at": NOW, "created_at": "ignored"})
    assert (link.code, link.allowed_hosts) == ("abcdefgh", ("shop.example",))
    assert (link.sub, link.expires_at) == ({"sub1": "x"}, NOW)


@pytest.mark.parametrize("hosts", [None, [], ["other.example"]])
def test_a_link_that_may_lead_nowhere_is_as_paused(hosts: list[str] | None) -> None:
    assert link_of({**ITEM, "allowed_hosts": hosts}).state(NOW) == "paused"


@pytest.mark.parametrize(
    ("starts_at", "changes", "state"),
    [
        (NOW, {}, "live"),
        ("2026-11-21T22:52:00.124Z", {}, "early"),
        ("2027-01-01T00:00:00.000Z", {"status": "paused"}, "paused"),
        ("2027-01-01T00:00:00.000Z", {"expires_at": NOW}, "expired"),
    ],
)
def test_a_link_is_early_until_it_starts(
    starts_at: str, changes: dict[str, str], state: str
) -> None:
    assert link_of({**ITEM, "starts_at": starts_at, **changes}).state(NOW) == state


@pytest.mark.parametrize(
    ("status", "expires_at", "state"),
    [
        ("active", None, "live"),
        ("active", "2026-11-21T22:52:00.124Z", "live"),
        ("active", NOW, "expired"),
        ("active", "2025-01-01T00:00:00.000Z", "expired"),
        ("paused", None, "paused"),
        ("paused", "2025-01-01T00:00:00.000Z", "expired"),
        ("something new", None, "paused"),
    ],
)
def test_a_link_is_live_until_paused_or_expired(
    status: str, expires_at: str | None, state: str
) -> None:
    assert link_of({**ITEM, "status": status, "expires_at": expires_at}).state(NOW) == state


def test_a_link_is_read_again_after_five_seconds_and_not_before() -> None:
    clock, reads = FakeClock(), []

    def read(code: str) -> dict[str, Any]:
        reads.append(code)
        return ITEM

    links = RecentLinks(read, clock)
    for second, expected_reads in [(0, 1), (4.999, 1), (5, 2), (9.999, 2), (10, 3)]:
        clock.now_s = 1_000 + second
        links.find("abcdefgh")
        assert len(reads) == expected_reads


def test_a_link_that_does_not_exist_is_asked_for_each_time_so_a_new_one_works_at_once() -> None:
    items: dict[str, dict[str, Any]] = {}
    links = RecentLinks(items.get, FakeClock())
    assert links.find("abcdefgh") is None
    assert len(links) == 0
    items["abcdefgh"] = ITEM
    assert links.find("abcdefgh") == link_of(ITEM)


def test_memory_is_bounded_and_the_oldest_link_goes_first() -> None:
    reads: list[str] = []

    def read(code: str) -> dict[str, Any]:
        reads.append(code)
        return {**ITEM, "code": code}

    links = RecentLinks(read, FakeClock(), most=3)
    for code in "abcd":
        links.find(code)
    assert len(links) == 3
    for code in "dcba":
        links.find(code)
    assert reads == ["a", "b", "c", "d", "a"]


def test_ten_thousand_links_are_remembered_and_no_more() -> None:
    links = RecentLinks(lambda code: {**ITEM, "code": code}, FakeClock())
    for number in range(10_050):
        links.find(str(number))
    assert len(links) == 10_000


def test_a_link_that_vanished_is_forgotten() -> None:
    clock, items = FakeClock(), {"abcdefgh": ITEM}
    links = RecentLinks(items.get, clock)
    links.find("abcdefgh")
    items.clear()
    clock.now_s += 5
    assert links.find("abcdefgh") is None
    assert len(links) == 0


def test_the_alphabet_needs_no_escaping_in_an_address() -> None:
    assert re.fullmatch(r"[A-Za-z0-9]+", CODE_ALPHABET)
