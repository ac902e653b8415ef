"""Requests for links of which two languages may make two things, each with what the edge keeps.

Random ones are made of what browsers, shops and mischief send; the others put each character into
each place where it matters.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

from linkage.domain import clock
from linkage.domain.clicks.destinations import LONGEST_URL
from linkage.domain.clicks.edge_links import published
from linkage.domain.clicks.links import CODE_ALPHABET, link_of
from tests.edge.redirect_function import ROOT, Visit

HOSTS = ["shop.example", "*.builder.example"]
KEYS = {"1": "an older secret", "2": "a secret of the network"}
NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)

SCRAPS: dict[str, list[str]] = json.loads(
    (ROOT / "tests/vectors/hostile_requests.json").read_text()
)
LONG = ["x" * 254, "x" * 255, "x" * 256, "%C3%A9" * 85, "%61" * 255, "%61" * 256, "v" * 720]
PATHS = ["/page", "/page", "/", "", "/p/%C3%A9;v=1", f"/{'p' * 640}"]
SUBS_OF_LINKS: list[dict[str, str]] = [
    {},
    {},
    {"sub1": "flyer"},
    {"sub2": "Zoë 10", "sub3": "a.b~c"},
    {"sub5": "x" * 120},
    {"sub1": "\u20ac \u00ad%41+"},
]


@dataclass(frozen=True)
class Case:
    """A link as it is stored, and a request for it."""

    link: dict[str, Any]
    visit: Visit


def case_with(number: object, link: dict[str, Any], **request: Any) -> Case:
    """The case of a link, published as it is, and of a request; `number` is no other case's."""
    whole = {
        "code": "abcdefgh",
        "link_id": "lnk_1",
        "status": "active",
        "destination_url": "https://shop.example/page",
        "program_id": "prg_1",
        "vendor_id": "mem_v",
        "affiliate_id": "mem_a",
        "sub": {},
    } | link
    value = published(link_of(whole), HOSTS, KEYS)
    store = {} if value is None else {whole["code"]: value}
    return Case(whole, Visit(f"/{whole['code']}", store, request_id=str(number), **request))


@cache
def random_cases(seed: int, number: int) -> tuple[Case, ...]:
    """So many cases, the same for the same seed."""
    chance = random.Random(seed)
    return tuple(_random_case(chance, f"{seed}-{at}") for at in range(number))


def _random_case(chance: random.Random, number: str) -> Case:
    at = NOW + timedelta(milliseconds=chance.randrange(10**9))
    link: dict[str, Any] = {
        "code": "".join(chance.choices(CODE_ALPHABET, k=chance.choice([8, 12, 32]))),
        "status": chance.choice(["active"] * 19 + ["paused"]),
        "destination_url": _destination(chance),
        "sub": chance.choice(SUBS_OF_LINKS),
    }
    for name, usual_ms in (("starts_at", -(10**7)), ("expires_at", 10**7)):
        if chance.random() < 0.2:
            off_ms = chance.choice([-1, 0, 1, usual_ms, usual_ms, usual_ms])
            link[name] = clock.text(at + timedelta(milliseconds=off_ms))
    return case_with(
        number,
        link,
        query=_query(chance, len(link["destination_url"])),
        method=chance.choice(["GET"] * 12 + ["HEAD"] * 3 + ["POST", "get", "OPTIONS"]),
        headers=_headers(chance),
        now=clock.text(at),
    )


def _destination(chance: random.Random) -> str:
    host = chance.choice(["shop.example"] * 18 + ["www.builder.example", "evil.example"])
    pairs = chance.choices(["", *SCRAPS["destination_pairs"]], k=chance.choice([0, 0, 1, 2, 4]))
    path = chance.choice(PATHS)
    query = f"?{'&'.join(pairs)}" if pairs else chance.choice(["", "", "?"])
    return f"https://{host}{path}{query}{chance.choice(SCRAPS['fragments'])}"


def _query(chance: random.Random, length: int) -> str | None:
    """A query for a destination of so many characters, now and then one that hardly fits."""
    pairs = [_pair(chance) for _ in range(chance.choice([0, 1, 1, 2, 2, 3, 5, 8]))]
    if chance.random() < 0.02:
        pairs += ["a=1"] * chance.choice([49, 50, 51])
    if chance.random() < 0.04:
        pairs = ["z=".ljust(LONGEST_URL - length - chance.randrange(4), "z"), "y"]
    query = "&".join(pairs) + chance.choice(["", "", "", "&", "=", "&&"])
    return None if not query and chance.random() < 0.3 else query


def _pair(chance: random.Random) -> str:
    kind = chance.choice(
        ["soup", "marking_names", "sub_names", "sub_names", "own_names", "names", "names"]
    )
    if kind == "soup":
        return _soup(chance) + chance.choice(["", "="]) + _soup(chance)
    name = chance.choice(SCRAPS[kind])
    if kind == "marking_names":
        before, after = (
            chance.choice(SCRAPS["blanks"]) if chance.random() < 0.3 else "" for _ in range(2)
        )
        return f"{name}={before}{chance.choice(SCRAPS['words'])}{after}"
    value = chance.choice(LONG if chance.random() < 0.15 else SCRAPS["values"])
    return chance.choice([*[f"{name}={value}"] * 4, name, f"{name}=", f"={value}", ""])


def _soup(chance: random.Random) -> str:
    """Bytes as they come, most of them encoded."""
    parts = [
        f"%{chance.randrange(256):02{chance.choice('xX')}}",
        chr(chance.randrange(0x21, 0x7F)),
        chance.choice(SCRAPS["blanks"] + SCRAPS["names"]),
        chr(chance.choice([0x20, 0x85, 0xA0, 0xE9, 0x130, 0x17F, 0x212A, 0x2028, 0xFEFF])),
    ]
    return "".join(chance.choices(parts, weights=[10, 10, 4, 1], k=chance.randrange(6)))


def _headers(chance: random.Random) -> dict[str, str | list[str]]:
    headers: dict[str, str | list[str]] = {}
    for name in ("sec-gpc", "dnt"):
        if chance.random() < 0.1:
            headers[name] = chance.choice(SCRAPS["refusals"] + SCRAPS["refusals_in_lists"])
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        if chance.random() < 0.05:
            headers[name] = chance.choice(SCRAPS["purposes"] + SCRAPS["refusals"])
    if headers and chance.random() < 0.3:
        name = chance.choice(list(headers))
        headers[name] = [chance.choice(SCRAPS["refusals"] + SCRAPS["purposes"]), str(headers[name])]
    return headers


def byte_cases() -> Iterator[Case]:
    """Each byte, encoded and as it is, in each place where it may be a blank or a letter."""
    places = (
        "consent=no{}",
        "consent={}no",
        "consent={}",
        "consent{}=no",
        "{}consent=no",
        "no-track={}0",
        "no-track=0{}",
        "no-track{}",
        "sub1={}",
        "sub1=x{}&sub1{}=y",
        "a{}=1",
        "{}a=1",
        "{}=1",
        "z={}",
        "click_id{}=1",
    )
    for byte in range(256):
        for sent in (f"%{byte:02x}", f"%C2%{byte:02X}", chr(byte)):
            for at, place in enumerate(places):
                link = {"destination_url": "https://shop.example/page?a=1&b%5B=2#top"}
                yield case_with(f"{sent} {at}", link, query=place.format(sent, sent))


def letter_cases() -> Iterator[Case]:
    """Each letter that the edge may judge as a sub-id, and many that it may not."""
    for code_point in (*range(0x250 + 0x80), *range(0x2000, 0x2070), 0x3000, 0xFEFF, 0x1D7CF):
        yield case_with(f"U+{code_point:X}", {}, query=f"sub1=x{quote(chr(code_point))}")


def header_cases() -> Iterator[Case]:
    """Each byte around what a header says."""
    for byte in map(chr, range(256)):
        for name, said in (("sec-gpc", "1"), ("dnt", "1"), ("purpose", "prefetch")):
            for value in (
                byte + said,
                said + byte,
                f"0,{byte}{said}",
                [byte, said],
                [said, byte],
                byte,
            ):
                yield case_with(f"{name} {value!r}", {}, headers={name: value})
