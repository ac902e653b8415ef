"""For every request the edge answers as the Lambda does, or leaves it to the Lambda.

Random requests, made of what browsers, shops and mischief send; both are run on each.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from linkage import clock
from linkage.click_tokens import click_in
from linkage.edge_links import published
from linkage.links import link_of
from linkage.tables.dynamodb_wire import _to_attributes
from tests.edge.redirect_function import SOURCE, Answer, Visit, run
from tests.functions.redirect import BROWSER, event, member_item
from tests.tables.standin_dynamodb import StandIn

KEYS = {"1": "an older secret", "2": "a secret of the network"}
NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
BLANKS = ["", " ", "+", "%20", "%09", "%0a", "%C2%A0", "%a0", "%85", "%C2%85", "%1c", "%1F"]
BLANKS += ["%E2%80%83", "%EF%BB%BF", "%E3%80%80", "%00", "%7f", "%E2%80%A8"]
CONSENTS = ["no", "NO", "No", "nO", "yes", "n%6f", "%6Eo", "no.", "nope", "", "0", "ｎｏ", "no;x"]
NAMES = [
    "consent",
    "Consent",
    "CONSENT",
    "con%73ent",
    "consent[]",
    "no-track",
    "No-Track",
    "no_track",
]
NAMES += [
    "sub1",
    "sub2",
    "sub5",
    "sub6",
    "Sub1",
    "s%75b1",
    "sub1[]",
    "click_id",
    "Click_Id",
    "a",
    "b",
]
NAMES += [
    "a[]",
    "a.b",
    "a b".replace(" ", "+"),
    "+a",
    "%20a",
    "[a",
    "a]",
    "a[b",
    "x;y",
    "é",
    "%C3%A9",
]
NAMES += [
    "%c3%28",
    "qr",
    "utm_source",
    "%61",
    "a%5B%5D",
    "%5Ba",
    "price",
    "",
    "%",
    "%zz",
    "K",
    "ſub1",
]
VALUES = [
    "1",
    "0",
    "false",
    "FALSE",
    "true",
    "no",
    "x",
    "caf%C3%A9",
    "%E2%82%AC",
    "%ff",
    "%",
    "%2",
    "a=b",
]
VALUES += [
    "%C2%AD",
    "%E2%80%8B",
    "a;b",
    "a%26b",
    "x" * 255,
    "x" * 256,
    "%C3%A9" * 85,
    "'\"<>",
    "a.b",
    "~",
]
VALUES += ["%F0%9F%98%80", "%ED%A0%80", "%C4%B0", "%C9%8F", "%C9%90", "[]", "%0d%0a", "?", "/", "#"]
HEADER_VALUES = [
    "1",
    "0",
    " 1",
    "1 ",
    "\t1",
    "1\u00a0",
    "\u00851",
    "\x1c1",
    "11",
    "",
    "1,1",
    "true",
]
AHEAD = ["prefetch", "Prefetch;prerender", "preview", "x", "", "PREVIEW", "pre fetch", "prefetcİ"]
DESTINATIONS = [
    "https://shop.example/page",
    "https://shop.example/page?a=1#top",
    "https://shop.example/?click_id=mine&b=2",
    "https://shop.example/p?a%5B%5D=1;x=2&sub1=own",
    "https://shop.example/p?caf%C3%A9=1&price=2#",
    f"https://shop.example/{'p' * 1900}?a=1",
]


@dataclass(frozen=True)
class Case:
    """A link as it is stored, and a request for it."""

    link: dict[str, Any]
    visit: Visit


def query_of(chance: random.Random) -> str | None:
    pairs = []
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3, 5, 51])):
        name, value = chance.choice(NAMES), chance.choice(VALUES)
        if chance.random() < 0.3:
            name = chance.choice(NAMES[:8])
            value = chance.choice(CONSENTS + VALUES[:5])
            value = chance.choice(BLANKS) + value + chance.choice(BLANKS)
        pairs.append(chance.choice([f"{name}={value}", f"{name}={value}", name, f"{name}=", ""]))
    query = "&".join(pairs)
    return (
        None if not query and chance.random() < 0.2 else query + chance.choice(["", "", "&", "="])
    )


def headers_of(chance: random.Random) -> dict[str, str | list[str]]:
    headers: dict[str, str | list[str]] = {}
    for name in ("sec-gpc", "dnt"):
        if chance.random() < 0.1:
            headers[name] = chance.choice(HEADER_VALUES)
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        if chance.random() < 0.06:
            headers[name] = chance.choice(AHEAD)
    if headers and chance.random() < 0.2:
        name = chance.choice(list(headers))
        headers[name] = [chance.choice(HEADER_VALUES + AHEAD), str(headers[name])]
    return headers


def case_of(chance: random.Random, number: int) -> Case:
    at = NOW + timedelta(milliseconds=chance.randrange(10**9))
    link: dict[str, Any] = {
        "code": f"{''.join(chance.choices('abcdefghjk', k=10))}{number:x}".translate(
            str.maketrans("01", "XY")
        ),
        "link_id": f"lnk_{number}",
        "status": chance.choice(["active"] * 9 + ["paused"]),
        "destination_url": chance.choice(DESTINATIONS),
        "program_id": "prg_1",
        "vendor_id": "mem_v",
        "affiliate_id": "mem_a",
        "sub": chance.choice([{}, {}, {"sub1": "flyer"}, {"sub2": "Zoë 10", "sub3": "a.b~c"}]),
    }
    for name in ("starts_at", "expires_at"):
        if chance.random() < 0.2:
            near = timedelta(milliseconds=chance.choice([-1, 0, 1, -(10**7), 10**7]))
            link[name] = clock.text(at + near)
    value = published(link_of(link), ["shop.example"], KEYS)
    visit = Visit(
        f"/{link['code']}",
        {link["code"]: value} if value else {},
        query_of(chance),
        chance.choice(["GET"] * 8 + ["HEAD", "HEAD", "POST", "get"]),
        headers_of(chance),
        clock.text(at),
        f"request-{number}",
    )
    return Case(link, visit)


def by_the_lambda(
    case: Case, function: ModuleType, standin: StandIn, patch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the Lambda answers, and what it stores."""
    standin.items.clear()
    standin.put("links", _to_attributes(case.link))
    standin.put("members", member_item(["shop.example"]))
    patch.setattr(function.clock, "now", lambda: datetime.fromisoformat(case.visit.now))
    sent = {
        name: value if isinstance(value, str) else ",".join(value)
        for name, value in case.visit.headers.items()
    }
    asked = event(
        case.link["code"],
        case.visit.method,
        case.visit.query or "",
        headers={"user-agent": BROWSER, **sent},
    )
    answer = function.handler(asked, None)
    return answer, [item for (table, _), item in standin.items.items() if table == "clicks"]


def differences(
    case: Case, edge: Answer, answer: dict[str, Any], stored: Sequence[dict[str, Any]]
) -> list[str]:
    """In what the edge's own answer differs from the Lambda's."""
    if answer["statusCode"] != edge.status:
        return [f"status {edge.status}, not {answer['statusCode']}"]
    click_id = stored[0]["click_id"]["S"] if stored else None
    before, named, after = (edge.location or "").partition("click_id=clt_")
    token, hash_sign, fragment = f"clt_{after}".partition("#") if named else ("", "", "")
    plain = before + (f"click_id={click_id}{hash_sign}{fragment}" if named else "")
    wrong = []
    if answer["headers"]["Location"] != plain:
        wrong.append(f"leads to {plain}, not {answer['headers']['Location']}")
    if bool(named) is not bool(stored):
        wrong.append(f"a click {'is' if named else 'is not'} promised")
    if named and stored:
        click = click_in(token, KEYS)
        subs = {name: each["S"] for name, each in stored[0]["sub"]["M"].items()}
        if click is None or click.sub != subs:
            wrong.append(f"other sub-ids: {click and click.sub}, not {subs}")
        marks = {"prefetch"} & stored[0].keys() | ({"visitor"} - stored[0].keys())
        wrong += [f"a click that the Lambda marks: {mark}" for mark in marks]
    return wrong


def compared(
    seed: int,
    number: int,
    function: ModuleType,
    standin: StandIn,
    patch: pytest.MonkeyPatch,
    source: Path = SOURCE,
) -> tuple[Counter[str], list[str]]:
    """How many requests the edge answered and left, and where it answered otherwise."""
    chance = random.Random(seed)
    cases = [case_of(chance, at) for at in range(number)]
    counts: Counter[str] = Counter()
    wrong = []
    for case, edge in zip(cases, run([each.visit for each in cases], source), strict=True):
        counts["left" if edge.passed else "answered"] += 1
        if edge.passed:
            continue
        if case.visit.method not in {"GET", "HEAD"}:
            wrong.append(f"{case.visit.method} is answered, and the links API has no such route")
            continue
        answer, stored = by_the_lambda(case, function, standin, patch)
        told = differences(case, edge, answer, stored)
        wrong += [f"{case.visit.query!r} {case.visit.headers}: {each}" for each in told]
    return counts, wrong


def test_the_edge_answers_as_the_lambda_or_leaves_it_to_it(
    function: ModuleType, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, wrong = compared(20261201, 2_000, function, standin, monkeypatch)
    assert wrong == []
    assert counts["answered"] > 500
    assert counts["left"] > 300


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_of_fifty_thousand_requests_the_edge_answers_none_otherwise(
    function: ModuleType, standin: StandIn, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    assert compared(seed, 5_000, function, standin, monkeypatch)[1] == []


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (
            "!CONSENT.test(pair.value)",
            "/^no$/i.test(decoded(pair.value).trim())",
        ),
        ("const ONE = /^[^!-~]*1[^!-~]*$/;", "const ONE = /^1$/;"),
        ("header.multiValue || [header]", "[header]"),
        ("request.method !== 'GET' && request.method !== 'HEAD'", "false"),
        ("const PLAIN = /^[ -~\\u00a1-\\u00ac\\u00ae-\\u024f]*$/;", "const PLAIN = /^/;"),
    ],
)
def test_each_rule_of_the_edge_is_needed(
    function: ModuleType,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    now: str,
    before: str,
) -> None:
    text = SOURCE.read_text()
    assert text.count(now) == 1
    source = tmp_path / "redirect.js"
    source.write_text(text.replace(now, before))
    assert compared(20261201, 2_000, function, standin, monkeypatch, source)[1]
