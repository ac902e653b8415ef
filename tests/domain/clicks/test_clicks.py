from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks import clicks
from linkage.domain.clicks.clicks import Visit, device_of, visitor_hash
from linkage.domain.clicks.links import SUBS_LARGEST_BYTES, Link

LINK = Link(
    code="abcdefgh",
    link_id="lnk_1",
    status="active",
    destination_url="https://shop.example/",
    program_id="prg_1",
    vendor_id="mem_v",
    affiliate_id="mem_a",
    sub={"sub1": "flyer"},
    expires_at=None,
)
AT = datetime(2026, 11, 21, 22, 5, 0, 123_000, tzinfo=UTC)
SECRET = "a secret"
VISIT = Visit("196.4.1.2", "Mozilla/5.0 (Windows NT 10.0)", "", AT)


def click_of(link: Link, visit: Visit, secret: str = SECRET) -> dict[str, Any]:
    click = clicks.click_of(link, visit, secret)
    assert click is not None
    return click


def test_a_click_holds_who_what_and_when_and_no_address() -> None:
    click = click_of(LINK, VISIT, SECRET)
    click_id, visitor = click.pop("click_id"), click.pop("visitor")
    assert click == {
        "code": "abcdefgh",
        "link_id": "lnk_1",
        "program_id": "prg_1",
        "vendor_id": "mem_v",
        "affiliate_id": "mem_a",
        "clicked_at": "2026-11-21T22:05:00.123Z",
        "device": "desktop",
        "sub": {"sub1": "flyer"},
        "expires_epoch_s": int((AT + timedelta(days=400)).timestamp()),
    }
    assert click_id.startswith("clk_")
    assert click_id[4:].isalnum()
    assert len(click_id) == 36
    assert "196.4.1.2" not in f"{visitor}{click}"


def test_the_largest_click_has_room_for_all_the_sub_ids_a_link_may_have() -> None:
    each = SUBS_LARGEST_BYTES // 5
    longest = LINK._replace(
        code="a" * 32,
        link_id="lnk_" + "i" * 32,
        program_id="prg_" + "i" * 32,
        vendor_id="mem_" + "i" * 32,
        affiliate_id="mem_" + "i" * 32,
        sub={f"sub{number}": "\u0436" * (each // 2) for number in range(1, 6)},
    )
    headers = {"sec-purpose": "prefetch"}
    visit = VISIT._replace(query="qr=1", country="ZW", headers=headers)
    assert click_of(longest, visit)["sub"] == longest.sub


def test_clicks_within_the_hour_are_one_click() -> None:
    later = VISIT._replace(at=AT + timedelta(minutes=54))
    assert click_of(LINK, VISIT, SECRET)["click_id"] == click_of(LINK, later, SECRET)["click_id"]


@pytest.mark.parametrize(
    ("link", "visit", "secret"),
    [
        (LINK, VISIT._replace(at=AT + timedelta(minutes=55)), SECRET),
        (LINK, VISIT._replace(ip="196.4.1.3"), SECRET),
        (LINK, VISIT._replace(user_agent="another"), SECRET),
        (LINK, VISIT._replace(query="sub1=poster"), SECRET),
        (LINK._replace(link_id="lnk_2"), VISIT, SECRET),
        (LINK._replace(sub={}), VISIT, SECRET),
        (LINK, VISIT, "another secret"),
    ],
)
def test_another_hour_visitor_sub_id_link_or_secret_is_another_click(
    link: Link, visit: Visit, secret: str
) -> None:
    assert click_of(link, visit, secret)["click_id"] != click_of(LINK, VISIT, SECRET)["click_id"]


def test_whatever_the_sub_ids_a_visitor_leaves_at_most_sixteen_clicks_an_hour() -> None:
    kinds: tuple[dict[str, str], ...] = ({}, {"sec-purpose": "prefetch"})
    ids = {
        click_of(LINK, VISIT._replace(query=f"sub{number % 5 + 1}={number}", headers=headers))[
            "click_id"
        ]
        for number in range(1_000)
        for headers in kinds
    }
    assert len(ids) == 16


@given(st.dictionaries(st.sampled_from(["sub1", "sub5"]), st.text(min_size=1, max_size=9)))
def test_the_same_sub_ids_are_the_same_click_in_any_order(subs: dict[str, str]) -> None:
    turned = dict(reversed(subs.items()))
    first, second = (
        click_of(LINK, VISIT._replace(query=urlencode(each)))["click_id"] for each in (subs, turned)
    )
    assert first == second


def test_most_visits_with_other_sub_ids_are_other_clicks() -> None:
    ids = {
        click_of(LINK, VISIT._replace(ip=f"196.4.{n >> 8}.{n & 255}", query=f"sub1={n}"))[
            "click_id"
        ]
        for n in range(400)
    }
    assert len(ids) == 400  # other visitors never share one
    same = [
        click_of(LINK, visit)["click_id"]
        == click_of(LINK, visit._replace(query="sub1=a"))["click_id"]
        for visit in (VISIT._replace(query=f"sub1=b{n}") for n in range(600))
    ]
    assert sum(same) == pytest.approx(600 / 15, rel=0.5)


def test_without_consent_a_link_keeps_so_many_clicks_of_an_hour_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clicks, "UNRECOGNISED_MOST", 20)
    refused = VISIT._replace(query="consent=no")
    ids = {click_of(LINK, refused._replace(ip=str(n)))["click_id"] for n in range(1_000)}
    assert len(ids) == 20
    others = {
        click_of(LINK._replace(link_id="lnk_2"), refused)["click_id"],
        click_of(LINK, refused._replace(at=AT + timedelta(hours=1)))["click_id"],
    }
    assert not others & ids


def test_a_new_key_version_keeps_its_ids_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = click_of(LINK, VISIT, SECRET)["click_id"]
    monkeypatch.setattr(clicks, "_KEY_VERSION", "2")
    assert click_of(LINK, VISIT, SECRET)["click_id"] != before


def test_a_visitor_cannot_be_followed_into_the_next_day() -> None:
    assert visitor_hash(VISIT, SECRET) == visitor_hash(
        VISIT._replace(at=AT.replace(hour=0)), SECRET
    )
    assert visitor_hash(VISIT, SECRET) != visitor_hash(
        VISIT._replace(at=AT + timedelta(days=1)), SECRET
    )


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_no_two_lists_of_parts_share_a_hash(first: list[str], second: list[str]) -> None:
    same = clicks._keyed_hash(SECRET, *first) == clicks._keyed_hash(SECRET, *second)
    assert same == (first == second)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"sub1": "flyer"}),
        ("sub1=poster", {"sub1": "poster"}),
        ("sub2=a%20b&sub5=%C3%A9", {"sub1": "flyer", "sub2": "a b", "sub5": "é"}),
        ("sub1=" + "x" * 255, {"sub1": "x" * 255}),
        ("sub1=" + "x" * 256, {"sub1": "flyer"}),
        ("sub1=&sub2", {"sub1": "flyer"}),
        ("sub1=a%0d%0ab&sub2=%00", {"sub1": "flyer"}),
        ("sub0=a&sub6=b&SUB1=c&click_id=d&utm_source=e", {"sub1": "flyer"}),
        ("sub1=a&sub1=b", {"sub1": "b"}),
        ("&&==%%%&sub2=%ff", {"sub1": "flyer", "sub2": "\ufffd"}),
        ("sub2=\ud800", {"sub1": "flyer"}),
    ],
)
def test_the_query_overrides_the_links_sub_ids_with_good_ones_only(
    query: str, expected: Mapping[str, str]
) -> None:
    assert click_of(LINK, VISIT._replace(query=query))["sub"] == expected


@given(st.text(), st.text(), st.text())
def test_any_request_makes_a_click(ip: str, user_agent: str, query: str) -> None:
    assert len(click_of(LINK, Visit(ip, user_agent, query, AT), SECRET)["click_id"]) == 36


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148", "mobile"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/130 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT) Chrome/130 Mobile Safari/537.36", "mobile"),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80; U; en) Presto/2.12", "mobile"),
        ("Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 KAIOS/2.5", "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X200) Chrome/130 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Safari/605", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/131", "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/130", "desktop"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("facebookexternalhit/1.1", "bot"),
        ("WhatsApp/2.23.20.0", "bot"),
        ("curl/8.5.0", "bot"),
        ("python-requests/2.32", "bot"),
        ("", "bot"),
        (" ", "bot"),
        ("-", "bot"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 Safari", "other"),
    ],
)
def test_a_device_is_what_its_user_agent_says(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_a_preview_and_a_prefetch_are_clicks_of_their_own() -> None:
    ahead = VISIT._replace(headers={"sec-purpose": "prefetch;prerender"})
    assert click_of(LINK, ahead)["prefetch"] is True
    assert click_of(LINK, ahead)["click_id"] != click_of(LINK, VISIT)["click_id"]
    assert "prefetch" not in click_of(LINK, VISIT._replace(headers={"sec-purpose": "navigate"}))


@pytest.mark.parametrize(
    "refusal",
    [
        {"headers": {"sec-gpc": "1"}},
        {"headers": {"dnt": "1"}},
        {"query": "consent=no"},
        {"query": "a=b&Consent=NO"},
    ],
)
def test_of_a_visitor_without_consent_a_click_is_kept_that_nothing_ties_to_another(
    refusal: dict[str, Any],
) -> None:
    visit = VISIT._replace(**refusal)
    first, second = click_of(LINK, visit), click_of(LINK, visit)
    assert "visitor" not in first
    assert first.pop("click_id") != second.pop("click_id")
    assert first == second
    assert first["affiliate_id"] == "mem_a"
    assert clicks.click_of(LINK, visit._replace(pixel=True), SECRET) is None


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"query": "qr=1"}, {"via": "qr"}),
        ({"query": "qr=0"}, {"via": None}),
        ({"country": "ZW"}, {"country": "ZW"}),
        ({"country": "zw"}, {"country": None}),
        ({"country": "T1"}, {"country": None}),
        ({"country": "ZWE"}, {"country": None}),
        ({"country": "ÉÉ"}, {"country": None}),
    ],
)
def test_how_and_where_from_is_kept_if_it_is_known(
    change: dict[str, Any], stored: dict[str, Any]
) -> None:
    click = click_of(LINK, VISIT._replace(**change))
    assert {name: click.get(name) for name in stored} == stored


def test_an_impression_is_a_visitors_of_a_link_in_an_hour() -> None:
    seen = VISIT._replace(pixel=True, query="sub1=poster")
    impression = click_of(LINK, seen)
    assert impression["click_id"].startswith("imp_")
    assert impression["sub"] == {"sub1": "flyer"}
    assert impression["expires_epoch_s"] == int((AT + timedelta(days=40)).timestamp())
    again = seen._replace(query="", at=AT + timedelta(minutes=54))
    assert click_of(LINK, again)["click_id"] == impression["click_id"]
    for other in (seen._replace(ip="196.4.1.3"), seen._replace(at=AT + timedelta(minutes=55))):
        assert click_of(LINK, other)["click_id"] != impression["click_id"]


SUBS = st.dictionaries(
    st.sampled_from(clicks.SUB_NAMES), st.text("aé漢😀", min_size=1, max_size=255)
)


@given(SUBS, SUBS, st.booleans())
def test_a_click_never_takes_more_than_one_write_unit(
    of_link: dict[str, str], of_query: dict[str, str], pixel: bool
) -> None:
    longest = LINK._replace(
        code="a" * 32,
        sub=of_link,
        **dict.fromkeys(("link_id", "program_id", "vendor_id"), "i" * 36),
    )
    asked = urlencode({**of_query, "qr": "1"})
    headers = {"purpose": "prefetch"}
    visit = VISIT._replace(query=asked, headers=headers, country="ZW", pixel=pixel)
    click = click_of(longest, visit)
    assert item_bytes(click) <= 1_024
    wanted = {**of_link, **({} if pixel else of_query)}
    if item_bytes({**click, "sub": {**of_link, **wanted}}) + sum(map(len, of_link)) * 4 <= 1_000:
        assert click["sub"] == wanted


def test_the_links_sub_ids_come_before_those_of_the_query() -> None:
    link = LINK._replace(sub={"sub1": "x" * 255, "sub2": "y" * 255})
    query = f"sub2=short&sub3={'z' * 255}&sub4=ok"
    kept = click_of(link, VISIT._replace(query=query))["sub"]
    assert kept == {"sub1": "x" * 255, "sub2": "short", "sub4": "ok"} | (
        {"sub3": "z" * 255} if "sub3" in kept else {}
    )


def item_bytes(value: object) -> int:
    """What DynamoDB counts, by its documentation: UTF-8 of names and texts, three bytes and one a
    pair for a map, one for a truth, half a byte a digit and at most two more for a number."""
    match value:
        case bool():
            return 1
        case int():
            return (len(str(value)) + 1) // 2 + 2
        case str():
            return len(value.encode())
        case dict() if set(value) <= set(clicks.SUB_NAMES):
            return 3 + sum(1 + len(name) + item_bytes(of) for name, of in value.items())
        case dict():
            return sum(len(name) + item_bytes(of) for name, of in value.items())
    raise AssertionError(value)
