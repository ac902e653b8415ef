"""Clicks by real requests, through the stream, into numbers that equal the stored clicks."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from linkage_cli.clicks.click_recount import recounted
from linkage_cli.clicks.command import Counted, clicks_of, recount
from tests.flow.client import wait_for

PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0 Mobile Safari"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MEASURES = ("clicks", "visitors", "bots", "prefetches", "impressions", "qr")


@pytest.fixture
def counted(network) -> Counted:
    """What a recount needs, as the command would find it."""
    lambda_ = boto3.client("lambda")

    def fold(day) -> None:
        answer = lambda_.invoke(
            FunctionName=network.outputs["FoldClicksFunctionName"],
            Payload=json.dumps({"day": str(day), "bill": False}),
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    tables = network.outputs
    return Counted(
        boto3.client("dynamodb"), tables["ClicksTableName"], tables["StatisticsTableName"], fold
    )


def _visit(api, path: str, agent: str, headers: Mapping[str, str] | None = None) -> int:
    sent = {"user-agent": agent, **(headers or {})}
    answer = api.pool.request("GET", api.links_url + path, headers=sent, redirect=False)
    return answer.status


def _visits(api, code: str) -> None:
    for number in range(4):
        agent = f"{PHONE} {uuid.uuid4()}"
        assert _visit(api, f"/{code}?sub1=story&sub2=s{number % 2}", agent) == 302
        assert _visit(api, f"/{code}?sub1=story&sub2=s{number % 2}", agent) == 302
    desktop = f"{DESKTOP} {uuid.uuid4()}"
    assert _visit(api, f"/{code}?qr=1", desktop) == 302
    # Two sub-ids of one visitor may count as one click, one time in 16, by the network's secret.
    assert _visit(api, f"/{code}?sub1=bio", f"{DESKTOP} {uuid.uuid4()}") == 302
    assert _visit(api, f"/{code}", BOT) == 302
    assert _visit(api, f"/{code}", desktop, {"sec-purpose": "prefetch"}) == 302
    assert _visit(api, f"/{code}", desktop, {"dnt": "1"}) == 302
    assert _visit(api, f"/{code}/pixel.gif", desktop) == 200


def _numbers(clicks: list[Mapping[str, Any]], scope: str) -> dict[str, int]:
    numbers = recounted(clicks)[scope]
    return {
        measure: sum(n for what, n in numbers.items() if what.startswith(f"hours/{measure}/"))
        for measure in MEASURES
    }


def test_what_the_api_counts_equals_a_scan_of_the_clicks(world, counted) -> None:
    day = datetime.now(UTC).date()
    rudo, tendai, shop = world.affiliate(), world.affiliate(), world.vendor()
    program_id = world.program(shop)
    code, other = world.link(rudo, program_id), world.link(tendai, program_id)
    _visits(world.api, code)
    _visits(world.api, other)
    _visits(world.api, other)
    clicks = clicks_of(counted, day)
    expected = _numbers(clicks, f"program#{program_id}")
    assert expected["clicks"] >= 21
    assert expected["visitors"] == 18
    assert expected["qr"] == 3
    path = "/v1/statistics/clicks"

    def all_there() -> Any:
        body = world.api.ok("GET", f"{path}?by=program&id={program_id}", key=shop.key)
        return {measure: body["total"][measure] for measure in MEASURES} == expected

    wait_for("the stream of clicks", all_there)
    today = f"from={day}&to={day}"  # other tests have put clicks of other days
    for key, query, scope in (
        (rudo.key, "per=day", f"affiliate#{rudo.id}"),
        (tendai.key, f"by=link&id={other}", f"link#{other}"),
        (shop.key, f"by=link&id={code}", f"link#{code}"),
        (shop.key, "by=vendor", f"vendor#{shop.id}"),
        (None, f"by=affiliate&id={tendai.id}", f"affiliate#{tendai.id}"),
        (None, "per=hour&by=network", "network"),
    ):
        body = world.api.ok("GET", f"{path}?{today}&{query}", key=key)
        found = {measure: body["total"][measure] for measure in MEASURES}
        scanned = clicks if scope != "network" else clicks_of(counted, day)
        assert found == _numbers(scanned, scope), query
        assert sum(each["clicks"] for each in body["data"]) == found["clicks"]
    own = world.api.ok("GET", path, key=rudo.key)["total"]
    assert own["subs"] == {"sub1=story": 4, "sub2=s0": 2, "sub2=s1": 2, "sub1=bio": 1}
    assert own["devices"] == {"mobile": 4, "desktop": 3}


def test_the_command_finds_the_statistics_of_today_right(world, counted) -> None:
    code = world.link(world.affiliate(), world.program(world.vendor()))
    _visits(world.api, code)
    day = datetime.now(UTC).date()
    assert recount(counted, day).differences == []
    assert recount(counted, day, repair=True).differences == []


def test_the_hourly_tick_closes_the_days_that_are_over(world) -> None:
    name = world.outputs["FoldClicksFunctionName"]
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    assert said["oldest_age_s"] < 86_400
    today = datetime.now(UTC).date().isoformat()
    assert world.api.ok("GET", "/v1/statistics/clicks")["complete_until"] < today
