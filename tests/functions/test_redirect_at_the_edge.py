"""For every request the edge answers as the Lambda does, or leaves it to the Lambda."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from linkage.domain.clicks.click_tokens import click_in
from linkage.tables.dynamodb.wire import _to_attributes
from tests.edge.hostile_requests import (
    HOSTS,
    KEYS,
    Case,
    byte_cases,
    header_cases,
    letter_cases,
    random_cases,
)
from tests.edge.redirect_function import SOURCE, Answer, run
from tests.functions.redirect import BROWSER, event, member_item
from tests.tables.dynamodb.standin_dynamodb import StandIn

SEED, FEW, MANY = 20_261_201, 2_000, 5_000


@dataclass
class LinksApi:
    """The Lambda with its tables; what it answers to a case it is asked once."""

    function: ModuleType
    tables: StandIn
    patch: pytest.MonkeyPatch
    known: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = field(default_factory=dict)

    def answer(self, case: Case) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What it answers, and the click that it stores."""
        name = case.visit.request_id
        if name not in self.known:
            self.known[name] = self._asked(case)
        return self.known[name]

    def _asked(self, case: Case) -> tuple[dict[str, Any], dict[str, Any] | None]:
        visit = case.visit
        self.tables.items.clear()
        self.tables.put("links", _to_attributes(case.link))
        self.tables.put("members", member_item(HOSTS))
        self.patch.setattr(self.function.clock, "now", lambda: datetime.fromisoformat(visit.now))
        # The gateway joins the values of a header that is sent twice.
        sent = {
            name: value if isinstance(value, str) else ",".join(value)
            for name, value in visit.headers.items()
        }
        headers = {"user-agent": BROWSER, **sent}
        code = case.link["code"]
        answer = self.function.handler(
            event(code, visit.method, visit.query or "", headers=headers), None
        )
        clicks = [item for (table, _), item in self.tables.items.items() if table == "clicks"]
        return answer, clicks[0] if clicks else None


@pytest.fixture
def links_api(function: ModuleType, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> LinksApi:
    return LinksApi(function, standin, monkeypatch)


def differences(case: Case, edge: Answer, links_api: LinksApi) -> list[str]:
    """In what an answer that the edge gave itself differs from the Lambda's."""
    if case.visit.method not in {"GET", "HEAD"}:
        return ["is answered, and the links API has no such route"]
    answer, click = links_api.answer(case)
    if answer["statusCode"] != edge.status:
        return [f"status {edge.status}, not {answer['statusCode']}"]
    before, named, after = (edge.location or "").partition("click_id=clt_")
    token, hash_sign, fragment = after.partition("#")
    click_id = click["click_id"]["S"] if click else "one that is not stored"
    expected = {name.lower(): value for name, value in answer["headers"].items()}
    told = edge.headers | (
        {"location": f"{before}click_id={click_id}{hash_sign}{fragment}"} if named else {}
    )
    wrong = [
        f"{name}: {told.get(name)}, not {expected.get(name)}"
        for name in told.keys() | expected.keys()
        if told.get(name) != expected.get(name)
    ]
    return wrong + (_misread(f"clt_{token}", click) if named and click else [])


def _misread(token: str, stored: dict[str, Any]) -> list[str]:
    """What a token does not say of the click that the Lambda stores."""
    click = click_in(token, KEYS)
    if click is None:
        return [f"a token that is none: {token}"]
    subs = {name: each["S"] for name, each in stored["sub"]["M"].items()}
    wrong = [] if click.sub == subs else [f"sub-ids {click.sub}, not {subs}"]
    if click.clicked_at != stored["clicked_at"]["S"]:
        wrong.append(f"clicked at {click.clicked_at}")
    marks = {"prefetch"} & stored.keys() | ({"visitor"} - stored.keys())
    return wrong + [f"a click that the Lambda marks by {mark}" for mark in marks]


def compared(
    cases: Sequence[Case], links_api: LinksApi, source: Path = SOURCE
) -> tuple[int, list[str]]:
    """How many requests the edge answered itself, and in what it did so otherwise."""
    answers = run([each.visit for each in cases], source)
    answered = [each for each in zip(cases, answers, strict=True) if not each[1].passed]
    return len(answered), [
        f"{case.visit.method} {case.visit.query!r} {case.visit.headers}: {each}"
        for case, edge in answered
        for each in differences(case, edge, links_api)
    ]


def test_the_edge_answers_as_the_lambda_or_leaves_it_to_it(links_api: LinksApi) -> None:
    cases = random_cases(SEED, FEW)
    answered, wrong = compared(cases, links_api)
    assert wrong == []
    assert 0.3 < answered / len(cases) < 0.8
    clicks = [click for _, click in links_api.known.values() if click]
    assert len(clicks) > answered / 2
    assert sum(1 for each in clicks if each["sub"]["M"]) > answered / 4


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_of_fifty_thousand_requests_the_edge_answers_none_otherwise(
    links_api: LinksApi, seed: int
) -> None:
    assert compared(random_cases(seed, MANY), links_api)[1] == []


@pytest.mark.parametrize(
    ("cases", "at_least"),
    [
        pytest.param(byte_cases, 4_000, id="a byte in a query"),
        pytest.param(letter_cases, 500, id="a letter in a sub-id"),
        pytest.param(header_cases, 1_200, id="a byte in a header"),
    ],
)
def test_no_single_character_is_read_otherwise(
    links_api: LinksApi, cases: Callable[[], Iterator[Case]], at_least: int
) -> None:
    answered, wrong = compared(list(cases()), links_api)
    assert wrong == []
    assert answered >= at_least


RULES = {
    "a consent that is no plain word": (
        "!CONSENT.test(pair.value)",
        "/^no$/i.test(decoded(pair.value).trim())",
    ),
    "consent in any letters": ("/^consent$/i", "/^consent$/"),
    "blanks around a header": ("[^!-~]*1[^!-~]*", "1"),
    "a header in a list": ("(^|,)[^!-~]*1[^!-~]*(,|$)", "^[^!-~]*1[^!-~]*$"),
    "a header sent twice": ("header.multiValue || [header]", "[header]"),
    "a purpose in any letters": ("prerender|preview/i", "prerender|preview/"),
    "methods": ("request.method !== 'GET' && request.method !== 'HEAD'", "false"),
    "a click of HEAD": ("request.method === 'GET' && !isUntracked", "!isUntracked"),
    "letters of sub-ids": ("[ -~\\u00a1-\\u00ac\\u00ae-\\u024f]*$/", "[^]*$/"),
    "long sub-ids": ("LONGEST_SUB = 255", "LONGEST_SUB = 256"),
    "empty sub-ids": ("value !== '' && ", ""),
    "a plus in a sub-id": (".value.replace(/\\+/g, ' ')", ".value"),
    "a link's opening": ("at < link.f", "false"),
    "a link's end": ("link.u <= at", "link.u < at"),
    "no-track in any letters": ("/^(0|false)$/i", "/^(0|false)$/"),
    "no-track encoded": ("test(decoded(pair.value))", "test(pair.value)"),
    "names in any letters": ("name.toLowerCase()", "name"),
    "names of the destination": (" || names.indexOf(name) >= 0", ""),
    "semicolons of the destination": (".replace(/;/g, '&')", ""),
    "semicolons and brackets": ("isClear(pair.name) && ", ""),
    "what is no URL character": ("PAIR.test(text) && ", ""),
    "control characters": (" && !CONTROL.test(text)", ""),
    "room": ("length + 1 + text.length <=", "length + text.length <="),
    "blanks behind a name": ("before.slice(0, end)", "before.trim()"),
    "dots in a name": ("/[ .]/g, '_'", "/[ ]/g, '_'"),
}


def test_no_rule_of_the_edge_can_be_left_out(links_api: LinksApi, tmp_path: Path) -> None:
    text, source = SOURCE.read_text(), tmp_path / "redirect.js"
    not_missed = []
    for rule, (now, without) in RULES.items():
        assert text.count(now) == 1, rule
        source.write_text(text.replace(now, without))
        if not compared(random_cases(SEED, FEW), links_api, source)[1]:
            not_missed.append(rule)
    assert not_missed == [], " ".join(not_missed)
