from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage import clicks
from linkage.clicks import Visit, click_of, device_of, sub_ids, visitor_hash
from linkage.links import Link

LINK = Link(
    code="abcdefgh",
    link_id="lnk_1",
    status="active",
    destination_url="https://shop.example/",
    allowed_hosts=("shop.example",),
    program_id="prg_1",
    vendor_id="mem_v",
    affiliate_id="mem_a",
    sub={"sub1": "flyer"},
    expires_at=None,
)
AT = datetime(2026, 11, 21, 22, 5, 0, 123_000, tzinfo=UTC)
SECRET = "a secret"
VISIT = Visit("196.4.1.2", "Mozilla/5.0 (Windows NT 10.0)", "", AT)


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
    assert sub_ids(LINK.sub, query) == expected


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
        ("", "other"),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 Safari", "other"),
    ],
)
def test_a_device_is_what_its_user_agent_says(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device
