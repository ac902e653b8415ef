"""`linkage cost`: the arithmetic, the files it reads, and what it refuses."""

import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linkage.domain.clicks import clicks
from linkage_cli.cost import Line, Month, Prices, Units, bill, lines_of
from linkage_cli.cost.command import cost, flood_said, number, said
from linkage_cli.cost.model import MILLION, VARIANTS
from linkage_cli.errors import CommandError

PRICES, UNITS = Prices.read(), Units.read()
BUSY = Month(10 * MILLION, 100_000, 2_000, 1 * MILLION, links=500, tiers=3)


def per_million(month: Month, part: str) -> float:
    figure: float = said(month, PRICES, UNITS)["parts"][part]["usd_per_million"]
    return figure


@pytest.mark.parametrize(
    ("part", "variant", "most"),
    [("clicks", "http-api", 1.96), ("clicks", "edge", 1.26), ("conversions", "http-api", 18.0)],
)
def test_a_million_costs_at_most(part: str, variant: Any, most: float) -> None:
    assert per_million(replace(BUSY, variant=variant), part) <= most


def test_a_click_is_the_front_door_a_write_and_little_else() -> None:
    told = said(BUSY, PRICES, UNITS)
    lines = {each["what"]: each["usd"] for each in told["lines"] if each["part"] == "clicks"}
    assert lines["HTTP API requests"] == 10.0
    assert lines["click, written"] == 6.25
    assert lines["Lambda requests"] == 2.0


def test_the_edge_asks_no_function_and_writes_no_click() -> None:
    lines = [x for x in lines_of(replace(BUSY, variant="edge"), UNITS) if x.part == "clicks"]
    assert not [line for line in lines if line.price == "http_api_request"]
    written = sum(line.units for line in lines if line.price == "dynamodb_write_unit")
    assert written < BUSY.clicks / 20


def test_at_the_edge_each_link_made_or_changed_is_a_call_of_its_store() -> None:
    edge = replace(BUSY, variant="edge")
    (line,) = [each for each in lines_of(edge, UNITS) if each.part == "links"]
    assert (line.price, line.units) == ("cloudfront_store_change", 500)
    assert not [each for each in lines_of(BUSY, UNITS) if each.part == "links"]


def test_a_tier_more_costs_more() -> None:
    costs = [per_million(replace(BUSY, tiers=tiers), "conversions") for tiers in range(1, 7)]
    assert costs == sorted(set(costs))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_lines_add_up_and_the_free_tier_only_takes_off(variant: Any) -> None:
    made = bill(lines_of(replace(BUSY, variant=variant), UNITS), PRICES)
    assert sum(listed for listed, _ in made.parts().values()) == pytest.approx(made.listed)
    assert sum(due for _, due in made.parts().values()) == pytest.approx(made.due)
    assert all(0 <= due <= listed for _, listed, due in made.lines)
    assert 0 < made.due < made.listed


def test_the_free_tier_comes_off_once_for_all_lines_of_a_price() -> None:
    lines = [Line("a", "x", "lambda_request", 1_500_000), Line("b", "y", "lambda_request", 500_000)]
    made = bill(lines, PRICES)
    assert made.listed == pytest.approx(0.40)
    assert made.due == pytest.approx(0.20)
    assert [due for _, _, due in made.lines] == pytest.approx([0.15, 0.05])


def test_a_month_of_nothing_costs_what_stands_there_anyway() -> None:
    told = said(Month(0, 0), PRICES, UNITS)
    assert 0 < told["usd"] < 11
    assert told["parts"]["clicks"]["usd_per_million"] is None


def test_every_price_has_a_source_and_is_used() -> None:
    used = {
        line.price
        for variant in VARIANTS
        for line in lines_of(replace(BUSY, variant=variant), UNITS)
    }
    by_command = {"dynamodb_gb_month", "dynamodb_recovery_gb_month"}
    assert used | by_command == PRICES.of.keys()
    assert all(price.source and price.usd >= 0 for price in PRICES.of.values())
    assert PRICES.region == "us-east-1"
    assert PRICES.as_of.startswith("2026-")


def test_a_flood_costs_its_requests_and_leaves_what_its_bounds_let_it() -> None:
    told = flood_said(2_000, PRICES, UNITS)
    assert told["requests"] == 172_800_000
    unbounded, one_visitor, unrecognised, keyless = told["days"].values()
    assert unbounded["clicks_kept"] == 172_800_000
    assert 60 < unbounded["gb_kept"] < 75
    assert 300 < unbounded["usd"] < 360
    assert one_visitor["clicks_kept"] == 16 * 24
    assert unrecognised["clicks_kept"] == 65_536 * 24
    assert unrecognised["gb_kept"] < unbounded["gb_kept"] / 100
    assert one_visitor["usd_kept"] == 0
    for bounded in (one_visitor, unrecognised):
        assert unbounded["usd"] * 0.9 < bounded["usd"] < unbounded["usd"]
        assert bounded["usd_kept"] < unbounded["usd_kept"] / 100
    assert (keyless["clicks_kept"], keyless["usd_kept"]) == (0, 0)
    assert keyless["usd"] < one_visitor["usd"]


def test_a_small_flood_keeps_no_more_than_it_asks() -> None:
    told = flood_said(1, PRICES, UNITS)["days"]
    assert max(day["clicks_kept"] for day in told.values()) == 86_400


def test_the_bounds_priced_are_those_of_the_code() -> None:
    counted = UNITS.counted["flood"]
    assert counted["visitor_clicks"] == clicks.SUBS_COUNTED + 1
    assert counted["unrecognised_clicks"] == clicks.UNRECOGNISED_MOST


def test_a_flood_is_printed_and_in_the_json_only_if_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cost("10M")
    assert "unwanted" not in capsys.readouterr().out
    cost("10M", flood="2k")
    printed = capsys.readouterr().out
    assert "172,800,000" in printed
    assert "clicks of one visitor on one link" in printed
    cost("10M", flood="2000", as_json=True)
    assert json.loads(capsys.readouterr().out)["flood"]["requests_a_second"] == 2_000
    with pytest.raises(CommandError, match=r"^--flood 'many'"):
        cost("10M", flood="many")


def test_a_price_nobody_found_stated_is_marked() -> None:
    told = said(BUSY, PRICES, UNITS)
    assert told["unverified_prices"]
    assert "http_api_request" not in told["unverified_prices"]


def test_the_alarms_priced_are_those_the_readme_counts() -> None:
    """And tests/docs counts the template's."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"{UNITS.counted['fixed']['alarms']} alarms at 0.10" in readme


def test_every_assumption_says_why_and_is_used() -> None:
    from linkage_cli.cost import model

    assert all(len(why) > 5 for why in UNITS.reasons.values())
    source = inspect.getsource(model)
    for name in UNITS.assumed:
        assert f'assumed["{name}"]' in source, name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(("1500", 1_500), ("250k", 250_000), ("10M", 10_000_000), ("1.5m", 1_500_000), ("0", 0)),
        *(("1,000,000", 1_000_000), ("2_000", 2_000), (" 3G ", 3_000_000_000)),
    ],
)
def test_a_number_may_be_written_short(text: str, meant: int) -> None:
    assert number("--clicks", text) == meant


@pytest.mark.parametrize("text", ["", "ten", "-5", "1e9", "10x", "1.5", "5000G", "1,00", "NaN"])
def test_what_is_no_count_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(CommandError, match=r"^--clicks .*\.$"):
        number("--clicks", text)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"tiers": "7"}, "--tiers '7' must be"), ({"variant": "rest"}, "--variant 'rest' must be")],
)
def test_a_wrong_option_ends_the_command_with_one_sentence(wrong: Any, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        cost("10M", **({"tiers": "3", "variant": "edge"} | wrong))


def test_it_prints_what_was_assumed_and_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    cost("10M", conversions="100k", payouts="2k")
    printed = capsys.readouterr().out
    assert "nothing was measured on AWS" in printed
    assert "per million" in printed
    assert "with the always-free tier of one account" in printed
    assert "Storage comes on top" in printed


def test_its_json_is_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    cost("10M", conversions="100k", variant="edge", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["measured_on_aws"] is False
    assert told["month"]["variant"] == "edge"
    assert told["usd"] == pytest.approx(sum(line["usd"] for line in told["lines"]), abs=0.01)
