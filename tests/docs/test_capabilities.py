"""Every row of docs/capabilities.md names a test that exists."""

import re

import pytest

from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "capabilities.md").read_text()
ROWS = [line for line in PAGE.split("## Not yet")[0].splitlines() if re.match(r"\| \d", line)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_capability_names_a_test_that_exists(row: str) -> None:
    shown = re.search(r"`([a-z_/]+\.py)::(\w+)`", row)
    assert shown, row
    assert f"def {shown[2]}(" in (ROOT / "tests" / shown[1]).read_text()
