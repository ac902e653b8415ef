"""What one conversion of three tiers writes, counted from its report to the ledger."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ITEM_BYTES_MAX = 1024


@pytest.fixture(scope="module")
def told() -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "bench.stream_batch"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("way", "units"),
    [
        ("click", 22),
        ("named, customer", 25),
        # With the key that said it, such a report is over a kilobyte until it is posted.
        ("click, customer", 31),
        ("click, thresholds and caps", 27),
    ],
)
def test_a_sale_of_three_tiers_writes_no_more_units_than_it_did(
    told: Any, way: str, units: int
) -> None:
    # The first sale of a day moves the affiliate's own tally, which is not of every sale.
    assert told["write_units_in_all"][way] < units


def test_every_item_of_a_sale_of_three_tiers_is_within_a_kilobyte(told: Any) -> None:
    sizes = {
        (way, kind): sum(parts.values())
        for way, items in told["item_bytes"].items()
        for kind, parts in items.items()
    }
    assert len(sizes) > 15
    assert {each: size for each, size in sizes.items() if size > ITEM_BYTES_MAX} == {}
