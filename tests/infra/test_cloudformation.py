"""What CloudFormation would get is what its schemas take, for each stage and the edge."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.infra.synthesis import STAGES, Synthesised

CDKS_OWN = "W3005"
"""CDK writes a dependency down that a reference makes already."""


def findings(*templates: Path) -> list[str]:
    """What cfn-lint has against templates."""
    lint = [Path(sys.executable).with_name("cfn-lint"), "--format", "parseable", "-i", CDKS_OWN]
    linted = subprocess.run([*lint, "--", *templates], capture_output=True, text=True, check=False)
    assert not linted.stderr, linted.stderr
    return linted.stdout.splitlines()


def test_every_template_is_one_that_cloudformation_takes(
    synthesise: Callable[[str], Synthesised], with_edge: Synthesised
) -> None:
    templates = [synthesise(stage).path for stage in STAGES]
    assert findings(*templates, with_edge.path, with_edge.stack("Linkage-prod-edge").path) == []


def test_a_template_that_it_would_not_take_is_found(prod: Synthesised, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.template.json"
    text = prod.path.read_text().replace('"PAY_PER_REQUEST"', '"PAY_PER_WISH"', 1)
    wrong.write_text(text)
    assert [line for line in findings(wrong) if "PAY_PER_WISH" in line]
