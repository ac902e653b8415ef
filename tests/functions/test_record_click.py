import json
import os
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.domain.clicks.test_destinations import REFUSED
from tests.functions.redirect import (
    CODE,
    HANDLER,
    ROOT,
    TABLES,
    event,
    link_item,
    load_handler,
    member_item,
)
from tests.tables.dynamodb.standin_dynamodb import StandIn

FORBIDDEN = (
    "boto3",
    "botocore",
    "pynamodb",
    "pydantic",
    "asyncio",
    "aws_xray_sdk",
    "aws_lambda_powertools",
)


def clicks(standin: StandIn) -> list[dict[str, Any]]:
    return [item for (table, _), item in standin.items.items() if table == "clicks"]


def test_a_click_is_stored_and_the_visitor_sent_on_with_its_id(
    function: ModuleType, standin: StandIn
) -> None:
    answer = function.handler(event(query="sub2=poster"), None)
    (click,) = clicks(standin)
    assert answer == {
        "statusCode": 302,
        "headers": {
            "Location": f"https://shop.example/page?a=1&click_id={click['click_id']['S']}#top",
            "Cache-Control": "private, no-store",
            "X-Robots-Tag": "noindex",
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "strict-transport-security": "max-age=31536000",
            "x-content-type-options": "nosniff",
        },
    }
    assert click["sub"] == {"M": {"sub1": {"S": "flyer"}, "sub2": {"S": "poster"}}}
    assert click["affiliate_id"] == {"S": "mem_a"}
    assert "N" in click["expires_epoch_s"]


def test_a_cold_redirect_makes_three_calls_and_a_warm_one_exactly_one(
    function: ModuleType, standin: StandIn
) -> None:
    function.handler(event(), None)
    assert standin.calls == ["GetItem", "GetItem", "PutItem"]
    for times in range(1, 6):
        function.handler(event(query=f"sub1={times}"), None)
        assert standin.calls == ["GetItem", "GetItem", "PutItem"] + ["PutItem"] * times
    assert standin.connections == 1


def test_all_links_of_a_vendor_share_one_read_of_its_hosts(
    function: ModuleType, standin: StandIn
) -> None:
    codes = [f"abcdefg{letter}" for letter in "hijkm"]
    for code in codes:
        standin.put("links", link_item(code={"S": code}))
        assert function.handler(event(code), None)["statusCode"] == 302
    assert standin.calls.count("GetItem") == len(codes) + 1


def test_repeated_clicks_of_one_visitor_are_one_click_and_all_are_redirected(
    function: ModuleType, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = function.clock.now()
    monkeypatch.setattr(function.clock, "now", lambda: now)
    locations = {function.handler(event(), None)["headers"]["Location"] for _ in range(5)}
    assert len(locations) == len(clicks(standin)) == 1


def test_a_link_checker_gets_the_answer_and_leaves_no_click(
    function: ModuleType, standin: StandIn
) -> None:
    answer = function.handler(event(method="HEAD"), None)
    assert answer["statusCode"] == 302
    assert answer["headers"]["Location"] == "https://shop.example/page?a=1#top"
    assert clicks(standin) == []


@pytest.mark.parametrize("code", ["", "x", "favicon.ico", "abcdefg0", "a" * 40, "../../etc"])
def test_a_code_that_cannot_be_one_is_not_found_without_a_read(
    function: ModuleType, standin: StandIn, code: str
) -> None:
    assert function.handler(event(code), None)["statusCode"] == 404
    assert standin.calls == []


def test_an_unknown_code_is_told_like_an_impossible_one(function: ModuleType) -> None:
    assert function.handler(event("zzzzzzzz"), None) == function.handler(event("x"), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"S": "paused"}},
        {"expires_at": {"S": "2020-01-01T00:00:00.000Z"}},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_not_in_use_is_gone_and_counts_nothing(
    function: ModuleType, standin: StandIn, changes: dict[str, Any], method: str
) -> None:
    standin.put("links", link_item(**changes))
    answer = function.handler(event(method=method), None)
    assert answer["statusCode"] == 410
    assert "Location" not in answer["headers"]
    assert clicks(standin) == []


@pytest.mark.parametrize("hosts", [[], ["other.example"], ["*.shop.example"], None])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_whose_vendor_has_its_host_no_more_is_gone_whatever_the_link_says(
    function: ModuleType, standin: StandIn, hosts: list[str] | None, method: str
) -> None:
    standin.put("links", link_item(allowed_hosts={"L": [{"S": "shop.example"}]}))
    if hosts is None:
        del standin.items["members", "mem_v"]
    else:
        standin.put("members", member_item(hosts))
    answer = function.handler(event(method=method), None)
    assert (answer["statusCode"], "Location" in answer["headers"]) == (410, False)
    assert clicks(standin) == []


@pytest.mark.parametrize("url", [url for url in REFUSED if url.isprintable()])
def test_a_stored_destination_off_the_list_is_never_sent(
    function: ModuleType, standin: StandIn, url: str
) -> None:
    standin.put("links", link_item(destination_url={"S": url}))
    location = function.handler(event(), None)["headers"].get("Location", "https://shop.example/")
    assert location.startswith("https://shop.example/")


@pytest.mark.parametrize("url", [url for url in REFUSED if not url.isprintable()])
def test_a_stored_destination_cannot_inject_a_header(
    function: ModuleType, standin: StandIn, url: str
) -> None:
    standin.put("links", link_item(destination_url={"S": url}))
    assert function.handler(event(), None)["statusCode"] == 410


@pytest.mark.parametrize(
    "query",
    [
        "click_id=clk_stolen",
        "sub1=%0d%0aLocation:%20https://evil.example",
        "#@evil.example",
        "a=1#@evil.example",
    ],
)
def test_what_could_mislead_never_reaches_the_location(function: ModuleType, query: str) -> None:
    plain = "https://shop.example/page?a=1&click_id=clk_"
    location = function.handler(event(query=query), None)["headers"]["Location"]
    assert location.startswith(plain)
    assert location.removeprefix(plain).removesuffix("#top").isalnum()
    assert "stolen" not in location


def test_pages_are_small_and_reflect_nothing(function: ModuleType, standin: StandIn) -> None:
    standin.put("links", link_item(status={"S": "paused"}))
    script = "<script>alert(1)</script>"
    gone = function.handler(event(query=f"sub1={script}"), None)
    missing = function.handler(event(code=script), None)
    for page in (gone, missing):
        assert len(page["body"].encode()) <= 2_000
        assert "script" not in page["body"]
        assert page["headers"]["Cache-Control"] == "private, no-store"
        assert page["headers"]["X-Robots-Tag"] == "noindex"
        assert page["headers"]["Content-Type"] == "text/html; charset=utf-8"


def test_a_visitor_is_sent_on_when_the_click_cannot_be_stored_and_the_loss_is_counted(
    function: ModuleType, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handler(event(), None)
    (stored,) = clicks(standin)
    assert capsys.readouterr().out == ""
    standin.always_fails = True

    answer = function.handler(event(query="sub1=lost"), None)

    assert answer["statusCode"] == 302
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["ClickLost"] == 1
    assert told["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == "ClickLost"
    assert told["error"] == "ProvisionedThroughputExceededException"
    assert told["click"]["click_id"] in answer["headers"]["Location"]
    assert set(told["click"]) == set(stored)
    assert "196.4.1.2" not in line
    assert "a secret" not in line


def test_a_link_that_cannot_be_read_is_a_page_to_try_again(
    function: ModuleType, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    standin.always_fails = True
    answer = function.handler(event(), None)
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "60"
    assert json.loads(capsys.readouterr().out)["LinkReadFailed"] == 1


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"pathParameters": None, "requestContext": None, "rawQueryString": None},
        {"pathParameters": {"code": None}},
        {"pathParameters": {"code": 12345678}, "requestContext": {"http": "x"}},
        {"pathParameters": [CODE]},
    ],
)
def test_an_odd_event_is_not_found(function: ModuleType, odd: dict[str, Any]) -> None:
    assert function.handler(odd, None)["statusCode"] == 404


def test_a_known_link_is_answered_although_the_rest_of_the_event_is_missing(
    function: ModuleType, standin: StandIn
) -> None:
    answer = function.handler({"pathParameters": {"code": CODE}}, None)
    assert answer["statusCode"] == 302
    bare = {"pathParameters": {"code": CODE}, "requestContext": {"http": {"method": "GET"}}}
    assert "click_id=clk_" in function.handler(bare, None)["headers"]["Location"]
    assert len(clicks(standin)) == 1


ADDRESS_HEADER = "cloudfront-viewer-address"


def visitors(
    function: ModuleType, standin: StandIn, *headers: dict[str, str], source: str = "196.4.1.2"
) -> list[str]:
    """The visitor of each request that comes from `source` with such headers."""
    found = []
    for sent in headers:
        asked = event(headers=sent)
        asked["requestContext"]["http"]["sourceIp"] = source
        click_id = function.handler(asked, None)["headers"]["Location"].partition("click_id=")[2]
        found.append(standin.items["clicks", click_id.removesuffix("#top")]["visitor"]["S"])
    return found


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("198.51.100.10:46532", "198.51.100.10"),
        ("2001:0DB8:0:0::7:46532", "2001:db8::7"),
        ("[2001:db8::7]:46532", "2001:db8::7"),
    ],
)
def test_behind_the_edge_who_visits_is_whom_the_edge_says(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch, said: str, address: str
) -> None:
    monkeypatch.setenv("VIEWER_ADDRESS_HEADER", ADDRESS_HEADER)
    behind = load_handler(monkeypatch)
    (seen,) = visitors(behind, standin, {ADDRESS_HEADER: said}, source="130.176.0.1")
    assert [seen] == visitors(behind, standin, {}, source=address)
    assert [seen] != visitors(behind, standin, {}, source="130.176.0.1")


def test_who_calls_without_the_edge_is_who_visits(
    function: ModuleType, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {ADDRESS_HEADER: "198.51.100.10:46532"}
    claimed, plain = visitors(function, standin, said, {})
    assert claimed == plain
    monkeypatch.setenv("VIEWER_ADDRESS_HEADER", ADDRESS_HEADER)
    behind = load_handler(monkeypatch)
    assert [plain] * 3 == visitors(
        behind, standin, {}, {ADDRESS_HEADER: ""}, {ADDRESS_HEADER: "no address"}
    )


@pytest.mark.parametrize("missing", [*TABLES, "AWS_REGION"])
def test_a_missing_setting_stops_the_import(missing: str) -> None:
    done = run_fresh("", without=missing)
    assert done.returncode == 1
    assert "KeyError" in done.stderr


def test_no_sdk_is_loaded() -> None:
    done = run_fresh("import json, sys; print(json.dumps(sorted(sys.modules)))")
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & set(FORBIDDEN)
    assert {"dataclasses", "inspect", "logging", "urllib3"}.isdisjoint(loaded)


def run_fresh(afterwards: str, without: str = "") -> subprocess.CompletedProcess[str]:
    """Import the handler in a fresh interpreter, as its Lambda would, then run a statement."""
    environment = {
        **TABLES,
        "AWS_REGION": "us-east-1",
        "PYTHONPATH": f"{ROOT / 'layers/core/python'}{os.pathsep}{HANDLER.parent}",
    }
    environment.pop(without, None)
    return subprocess.run(
        [sys.executable, "-c", f"import handler\n{afterwards}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
