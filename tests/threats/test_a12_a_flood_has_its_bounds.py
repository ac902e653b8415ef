"""A12: one visitor with a random `sub1` left a hundred clicks for 400 days, everybody shared one
throttle, and nothing rang."""

from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from linkage_cli.cost.command import flood_said
from linkage_cli.cost.model import Prices, Units
from tests.functions.conftest import function, standin  # noqa: F401, pytest finds them by name
from tests.functions.redirect import event
from tests.infra.conftest import build_dir, prod, synthesise  # noqa: F401, the same
from tests.infra.synthesis import Synthesised
from tests.tables.dynamodb.standin_dynamodb import StandIn

HOUR = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nine_o_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linkage.domain.clock.now", lambda: HOUR + timedelta(minutes=5))


def kept(standin: StandIn) -> int:  # noqa: F811
    return len([table for table, _ in standin.items if table == "clicks"])


def test_a_hundred_sub_ids_of_one_visitor_are_at_most_sixteen_clicks(
    function: ModuleType,  # noqa: F811
    standin: StandIn,  # noqa: F811
) -> None:
    for number in range(100):
        query = f"sub1={number}&sub{number % 5 + 1}={number * 7}"
        headers = {"sec-purpose": "prefetch"} if number % 3 == 0 else {}
        answer = function.handler(event(query=query, headers=headers), None)
        assert "click_id=clk_" in answer["headers"]["Location"]
    assert 10 <= kept(standin) <= 16


def test_a_click_found_there_costs_no_read(
    function: ModuleType,  # noqa: F811
    standin: StandIn,  # noqa: F811
) -> None:
    for number in range(50):
        function.handler(event(query=f"sub1={number}"), None)
    of_link, of_hosts = "GetItem", "GetItem"
    assert standin.calls == [of_link, of_hosts, *["PutItem"] * 50]


def test_a_flood_without_consent_is_bounded_too(
    function: ModuleType,  # noqa: F811
    standin: StandIn,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("linkage.domain.clicks.clicks.UNRECOGNISED_MOST", 10)
    for _ in range(100):
        function.handler(event(headers={"sec-gpc": "1"}), None)
    assert kept(standin) <= 10


def test_a_route_that_is_flooded_starves_no_other_and_somebody_hears(
    prod: Synthesised,  # noqa: F811
) -> None:
    for api in prod.properties("ApiGatewayV2::Stage"):
        assert len(api["RouteSettings"]) > 3
    watched = {alarm["MetricName"] for alarm in prod.properties("CloudWatch::Alarm")}
    assert {"Count", "4xx", "5xx", "NetworkApiRefused"} <= watched


def test_what_a_day_of_it_costs_is_told_with_and_without() -> None:
    without, *bounded = flood_said(2_000, Prices.read(), Units.read())["days"].values()
    assert without["usd_kept"] > 300
    assert all(day["usd_kept"] < 5 for day in bounded)
