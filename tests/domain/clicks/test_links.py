import re
from collections import Counter
from math import log2
from typing import Any

import pytest

from linkage.domain.clicks.links import (
    CODE_ALPHABET,
    CODE_LENGTH,
    hosts_of,
    is_code,
    link_of,
    new_code,
)

ITEM: dict[str, Any] = {
    "code": "abcdefgh",
    "link_id": "lnk_1",
    "status": "active",
    "destination_url": "https://shop.example/",
    "program_id": "prg_1",
    "vendor_id": "mem_v",
    "affiliate_id": "mem_a",
}
HOSTS = ("shop.example",)
NOW = "2026-11-21T22:52:00.123Z"


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
    assert link.code == "abcdefgh"
    assert (link.sub, link.expires_at) == ({"sub1": "x"}, NOW)


@pytest.mark.parametrize("hosts", [(), ("other.example",), ("*.shop.example",)])
def test_a_link_that_may_lead_nowhere_is_as_paused(hosts: tuple[str, ...]) -> None:
    assert link_of(ITEM).state(hosts, NOW) == "paused"


@pytest.mark.parametrize(
    ("member", "hosts"),
    [
        (None, ()),
        ({}, ()),
        ({"hosts": "[]"}, ()),
        ({"hosts": '["shop.example","*.b.example"]'}, ("shop.example", "*.b.example")),
    ],
)
def test_hosts_are_those_of_the_stored_member(
    member: dict[str, Any] | None, hosts: tuple[str, ...]
) -> None:
    assert hosts_of(member) == hosts


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
    assert link_of({**ITEM, "starts_at": starts_at, **changes}).state(HOSTS, NOW) == state


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
    assert link_of({**ITEM, "status": status, "expires_at": expires_at}).state(HOSTS, NOW) == state


def test_the_alphabet_needs_no_escaping_in_an_address() -> None:
    assert re.fullmatch(r"[A-Za-z0-9]+", CODE_ALPHABET)
