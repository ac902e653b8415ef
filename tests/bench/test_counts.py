"""What the cost model says an event takes is what the code that runs takes; counts, no clocks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import starting
from bench.visits import DESTINATION
from linkage.domain.clicks.edge_links import published
from linkage.domain.clicks.links import link_of
from linkage.domain.ids import created
from linkage_cli.cost import Units
from tests.edge.redirect_function import Visit, run

ROOT = Path(__file__).resolve().parents[2]
UNITS = Units.read().counted
OWNERS = {"program": "prg", "vendor": "mem", "affiliate": "mem"}
BYTES_MAY_DIFFER_BY = 0.1


def told_by(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def clicks() -> Any:
    return told_by("bench.clicks")


@pytest.fixture(scope="module")
def payouts() -> Any:
    return told_by("bench.payouts")


def test_a_click_on_a_link_in_memory_is_one_write_and_no_read(clicks: Any) -> None:
    assert clicks["calls"] == {"PutItem": 1}
    # One read of each link, and one of the vendor whose links they all are.
    reads = 1 + 1 / clicks["links"]
    assert clicks["first_visit_calls"] == {"GetItem": pytest.approx(reads), "PutItem": 1}
    assert clicks["write_units"] == UNITS["click"]["write_units"] == 1


@pytest.mark.parametrize("name", ["item_bytes", "answer_bytes"])
def test_a_click_has_the_bytes_it_is_priced_with(clicks: Any, name: str) -> None:
    assert clicks[name] == pytest.approx(UNITS["click"][name], rel=BYTES_MAY_DIFFER_BY)


def test_a_click_at_the_edge_has_the_bytes_it_is_priced_with() -> None:
    """With the headers that CloudFront adds; a visitor's HTTP/2 packs both smaller."""
    ids_of = {f"{noun}_id": created(kind) for noun, kind in OWNERS.items()}
    link = link_of(
        {"code": "benchShop234", "link_id": created("lnk"), "status": "active", **ids_of}
        | {"destination_url": DESTINATION, "sub": {"sub1": "flyer"}}
    )
    value = published(link, ["shop.example"], {"1": "a secret"})
    assert value
    (answer,) = run([Visit(f"/{link.code}", {link.code: value})])
    added = {
        "server": "CloudFront",
        "date": "Sun, 22 Nov 2026 09:12:00 GMT",
        "content-length": "0",
        "connection": "keep-alive",
        "x-cache": "FunctionGeneratedResponse from cloudfront",
        "via": "1.1 0123456789abcdef0123456789abcdef.cloudfront.net (CloudFront)",
        "x-amz-cf-pop": "JNB50-C1",
        "x-amz-cf-id": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
    }
    lines = [f"{name}: {text}" for name, text in (answer.headers | added).items()]
    sent_bytes = len("\r\n".join(["HTTP/1.1 302 Found", *lines])) + 4
    expected = UNITS["edge_click"]["answer_bytes"]
    assert sent_bytes == pytest.approx(expected, rel=BYTES_MAY_DIFFER_BY)


@pytest.mark.parametrize("batch", ["50", "100", "250", "1000"])
def test_a_pack_has_the_bytes_it_is_priced_with(clicks: Any, batch: str) -> None:
    each = UNITS["statistics"]
    expected = each["pack_fixed_bytes"] / int(batch) + each["pack_bytes_per_click"]
    assert clicks["packs"][batch]["bytes"] == pytest.approx(expected, rel=BYTES_MAY_DIFFER_BY)


def test_statistics_write_at_most_a_twentieth_of_a_unit_per_click(clicks: Any) -> None:
    assert clicks["packs"]["100"]["write_units"] <= 0.05


@pytest.mark.parametrize("tiers", [1, 3])
def test_a_conversion_takes_the_units_it_is_priced_with(tiers: int) -> None:
    figures = told_by("bench.conversions", str(tiers))["in_all"]
    written = figures["write_units"] + figures["index_write_units"]
    assert round(written, 2) == UNITS["conversion"]["write_units"][tiers - 1]
    assert round(figures["read_units"], 2) == UNITS["conversion"]["read_units"][tiers - 1]


def test_a_payout_takes_the_units_it_is_priced_with(payouts: Any) -> None:
    figures = payouts["in_all"]
    written = figures["write_units"] + figures["index_write_units"]
    assert round(written, 2) == UNITS["payout"]["write_units"]
    assert round(figures["read_units"], 2) == UNITS["payout"]["read_units"]
    # A message is sent, received and deleted.
    sent = payouts["messages"] / payouts["affiliates"]
    assert UNITS["payout"]["queue_requests"] == pytest.approx(3 * sent)


def test_a_start_of_the_redirect_loads_few_modules() -> None:
    assert starting.started("linkage", compiles=True)["modules"] <= 65
