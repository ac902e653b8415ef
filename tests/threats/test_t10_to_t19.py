"""T10 to T19: what clicks, links, coupons, clocks and sizes are used for."""

import json
import re
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from linkage.domain.terms.network import LEVELS_MAX
from tests.abuse.network import Network
from tests.threats.shop import KIM, TERMS, Shop

HOST = "shop.example"


@pytest.fixture
def network(network_of_handlers: Network) -> Network:
    """Whose members are a shop's."""
    return network_of_handlers


def visits(shop: Shop, code: str, number: int) -> set[str | None]:
    return {shop.network.visit(code, f"196.4.{n // 250}.{n % 250}") for n in range(number)}


def test_t10_clicks_by_the_thousand_pay_nobody_and_leave_one_item_each_at_most(shop: Shop) -> None:
    code = shop.link()
    before = shop.network.standin.saved()
    clicks = visits(shop, code, 1_000)
    assert len(clicks) == 1_000
    assert len(list(shop.network.standin.tables["clicks"].items())) == 1_000
    shop.network.sweep()
    assert shop.balance() == 0
    assert {**shop.network.standin.saved(), "clicks": None} == {**before, "clicks": None}


def test_t11_a_click_earns_for_its_own_vendor_in_its_window_and_not_for_an_earlier_sale(
    network: Network,
) -> None:
    shop = Shop(network)
    click = network.visit(shop.link(), "196.4.1.2")
    elsewhere = shop.program("other")

    def earns(number: int, who: str = "vendor", **fields: object) -> bool:
        sent = shop.sale(number, affiliate_id=None, click_id=click, **fields)
        return bool(shop.ok(who, "POST", "/v1/conversions", sent)["attributed"])

    assert not earns(1, "other", program_id=elsewhere)
    before = (network.moment - timedelta(hours=1)).isoformat()
    assert not earns(2, occurred_at=before)
    assert earns(3)
    network.moment += timedelta(days=31)
    assert not earns(4)


def test_t12_nobody_earns_by_buying_and_no_chain_is_a_circle(shop: Shop) -> None:
    shop.report(1, customer={"phone": "+263 77 100 0000"})
    assert shop.balance() == 0
    late = shop.ask("olga", "PATCH", f"/v1/members/{shop.ids['ann']}", {"sponsor_id": "mem_x"})
    assert (late.status, late.code) == (422, "unknown_field")
    own = shop.ask("olga", "POST", "/v1/members", {"name": "x", "roles": ["affiliate"]})
    sponsor = {"name": "y", "roles": ["affiliate"], "sponsor_id": f"{own.body['id']}0"}
    assert shop.ask("olga", "POST", "/v1/members", sponsor).status in {404, 422}
    splits = {"splits": [{"member_id": shop.ids["ann"], "share_bps": 100}]}
    itself = shop.ask("olga", "PATCH", f"/v1/members/{shop.ids['ann']}", splits)
    assert itself.status == 422


def test_t13_a_coupon_is_its_affiliates_at_its_vendor_and_in_its_days(network: Network) -> None:
    shop = Shop(network)
    coupon = {
        "code": "LEAK-1",
        "affiliate_id": shop.ids["ann"],
        "program_id": shop.program_id,
        "ends_on": "2026-01-10",
    }
    shop.ok("vendor", "POST", "/v1/coupons", coupon)
    assert shop.ask("other", "POST", "/v1/coupons", coupon | {"code": "MINE"}).status == 422
    elsewhere = shop.program("other")

    def whose(number: int, who: str, **fields: object) -> Any:
        sent = shop.sale(number, affiliate_id=None, coupon=" leak-1 ", **fields)
        return (shop.ok(who, "POST", "/v1/conversions", sent)["attribution"] or {}).get(
            "affiliate_id"
        )

    assert whose(1, "vendor") == shop.ids["ann"]
    assert whose(2, "other", program_id=elsewhere) is None
    assert whose(3, "vendor", customer={"phone": "+263771000000"}) is None
    network.moment += timedelta(days=10)
    assert whose(4, "vendor") is None


@pytest.mark.parametrize(
    ("ahead_s", "code"),
    [
        (299, None),
        (302, "occurred_in_future"),
        (-30 * 86_400 + 60, None),
        (-30 * 86_400 - 60, "occurred_too_long_ago"),
    ],
)
def test_t14_the_servers_clock_decides_to_the_second(
    shop: Shop, ahead_s: int, code: str | None
) -> None:
    at = shop.network.moment + timedelta(seconds=ahead_s)
    answer = shop.ask("vendor", "POST", "/v1/conversions", shop.sale(occurred_at=at.isoformat()))
    assert (answer.status, answer.body.get("code")) == ((422, code) if code else (201, None))


OFF_THE_LIST = [
    *("//evil.example", "https://evil.example", "https:\\\\evil.example", "javascript:alert(1)"),
    *(f"https://{HOST}@evil.example/", f"https://{HOST}.evil.example/", "data:text/html,x"),
    *(f"https://evil.example/?{HOST}", f"https://evil.example#{HOST}", f"https://{HOST}%2eevil/"),
    *("https://shop。example/", "https://ѕhop.example/", f"http://{HOST}/", "https:///x", " "),
    *(f"https://{HOST}:8443@evil.example", f"https://{HOST}\\@evil.example", f"ftp://{HOST}/"),
    *(f"https://{HOST}\r\nLocation: https://evil.example", f"https://{HOST}/\u202eelive"),
]


@pytest.mark.parametrize("url", OFF_THE_LIST)
def test_t15_no_link_is_made_to_where_its_vendor_is_not(shop: Shop, url: str) -> None:
    body = {"program_id": shop.program_id, "destination_url": url}
    answer = shop.ask("ann", "POST", "/v1/links", body)
    assert (answer.status, answer.pointer) == (422, "/destination_url")


@pytest.mark.parametrize("query", ["url=//evil.example", "%0d%0aLocation:%20//evil", "\\evil", "@"])
def test_t15_no_visitor_is_sent_where_its_vendor_is_not(shop: Shop, query: str) -> None:
    code = shop.link(destination_url=f"https://{HOST}/a?b=1")
    event = {
        "rawQueryString": query,
        "routeKey": "GET /{code}",
        "rawPath": f"/{code}",
        "headers": {"user-agent": "Mozilla/5.0 (Linux; Android 14) Mobile"},
        "requestContext": {"http": {"method": "GET", "path": f"/{code}", "sourceIp": "1.2.3.4"}},
        "pathParameters": {"code": code},
    }
    answer = shop.network._redirecting().handler(event, None)
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert urlsplit(headers["location"]).hostname == HOST
    assert not re.search(r"[\r\n]", headers["location"])


def test_t16_codes_are_of_no_order_and_one_that_is_none_looks_like_any_other(shop: Shop) -> None:
    codes = [shop.link() for _ in range(200)]
    assert len(set(codes)) == 200
    pairs = [pair for two in pairwise(codes) for pair in zip(*two, strict=True)]
    alike = sum(one == other for one, other in pairs)
    assert alike / len(pairs) < 0.05, "neighbours have letters in common by chance alone"
    assert shop.network.visit("2345678abcde", "196.4.1.2") is None
    assert shop.network.visit("no", "196.4.1.2") is None


def test_t17_no_answer_of_a_link_is_kept_by_anybody(shop: Shop) -> None:
    code = shop.link()
    for asked in (code, "2345678abcde"):
        event = {
            "routeKey": "GET /{code}",
            "rawPath": f"/{asked}",
            "rawQueryString": "",
            "headers": {"user-agent": "Mozilla/5.0 (Linux; Android 14) Mobile"},
            "requestContext": {
                "http": {"method": "GET", "path": f"/{asked}", "sourceIp": "1.2.3.4"}
            },
            "pathParameters": {"code": asked},
        }
        answer = shop.network._redirecting().handler(event, None)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert "no-store" in headers["cache-control"]
        assert answer["statusCode"] in {302, 404}


def test_t19_nothing_too_large_too_deep_or_too_many_is_taken(shop: Shop) -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = {"a": deep}
    for body in (
        shop.sale(metadata={"a": "x" * 70_000}),
        shop.sale(metadata=deep),
        shop.sale(items=[{"amount_minor": 1}] * 51),
        shop.sale(amount_minor=10**30),
        shop.sale(external_id="x" * 10_000),
    ):
        assert shop.ask("vendor", "POST", "/v1/conversions", body).status in {400, 422}
    settings = shop.ok("olga", "GET", "/v1/network")
    levels = {"level_rates_bps": [1] * (LEVELS_MAX + 1)}
    assert shop.ask("olga", "PUT", "/v1/network", settings | levels).status == 422
    assert shop.ask("vendor", "POST", "/v1/programs", TERMS | {"name": "x" * 5_000}).status == 422
    assert len(json.dumps(shop.sale(customer=KIM))) < 1_000
    assert shop.network.unposted() == []
