"""docs/performance.md shows the figures of docs/performance.json, and they are within bounds."""

import json
import re

import pytest

from bench.gates import gates
from bench.page import PAGE, RESULTS, rendered, tables
from bench.run import PARTS

KEPT = json.loads(RESULTS.read_text())
TEXT = PAGE.read_text()


def test_the_tables_are_made_from_the_results() -> None:
    assert rendered(TEXT, KEPT) == TEXT


def test_the_page_shows_every_table_once() -> None:
    shown = re.findall(r"<!-- table: ([\w ]+) -->", TEXT)
    assert sorted(shown) == sorted(tables(KEPT))


def test_the_results_are_of_every_part_and_name_their_machine() -> None:
    assert PARTS.keys() <= KEPT.keys()
    assert KEPT["machine"]["processor"]
    assert KEPT["machine"]["packages"].keys() >= {"boto3", "awslambdaric"}


@pytest.mark.parametrize("gate", gates(KEPT), ids=lambda gate: gate.what)
def test_what_is_published_is_within_its_bound(gate) -> None:  # type: ignore[no-untyped-def]
    assert gate.met, f"{gate.figure} is not at most {gate.most}"
