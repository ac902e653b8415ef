"""What CloudFormation would get is what its schemas take, for each stage and the edge."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.setting_forms import SETTINGS
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
    synthesise: Callable[[str], Synthesised], tmp_path: Path, build_dir: Path
) -> None:
    """Of each stage, and with every setting chosen."""
    templates = [synthesise(stage).path for stage in STAGES]
    assert findings(*templates, *chosen(tmp_path, build_dir, *OPTIONS)) == []


CERTIFICATE = "arn:aws:acm:{}:000000000000:certificate/0"
DOMAIN = {"links_domain": "go.example.com", "certificate_arn": CERTIFICATE.format("eu-west-1")}
EDGE_DOMAIN = DOMAIN | {"edge_certificate_arn": CERTIFICATE.format("us-east-1")}
OPTIONS: dict[str, dict[str, str]] = {
    "nothing": {},
    "retain": {"retain": "false"},
    "log_retention": {"log_retention": "INFINITE"},
    "sweep_minutes": {"sweep_minutes": "60"},
    "automatic_batches": {"automatic_batches": "false"},
    "alarm_email": {"alarm_email": "operator@example.com"},
    "monthly_budget_usd": {"monthly_budget_usd": "1", "alarm_email": "operator@example.com"},
    "check_link": {"check_link": "abcdefgh"},
    "links_domain": DOMAIN,
    "links_access_log": {"links_access_log": "true"},
    "country_header": {"country_header": "cf-ipcountry"},
    "edge": {"edge": "true"},
    "edge_certificate_arn": EDGE_DOMAIN | {"edge": "true"},
    "click_token_keys": {"click_token_keys": "1,2"},
}
"""Every documented setting, as it is when it is chosen. Throttles are those of the stages."""
PAIRS = [(one, other) for one in OPTIONS for other in OPTIONS if one < other]


def chosen(tmp_path: Path, build_dir: Path, *names: str) -> list[Path]:
    """The templates of stage prod with these settings chosen."""
    context = {name: value for each in names for name, value in OPTIONS[each].items()}
    if context.get("edge") and "links_domain" in context:
        context |= EDGE_DOMAIN
    made = Synthesised("prod", tmp_path / "-".join(names), build_dir, **context)
    edge = [made.stack("Linkage-prod-edge").path] if context.get("edge") else []
    return [made.path, *edge]


def test_every_setting_is_among_those_that_are_linted() -> None:
    told = {name for option in OPTIONS.values() for name in option}
    assert told | {"links_throttle", "api_throttle", "without_alarm_email"} == set(SETTINGS)


@pytest.mark.faults
def test_with_any_two_settings_chosen_the_templates_are_right(
    tmp_path: Path, build_dir: Path
) -> None:
    templates = [path for pair in PAIRS for path in chosen(tmp_path, build_dir, *pair)]
    assert findings(*templates) == []


def test_a_template_that_it_would_not_take_is_found(prod: Synthesised, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.template.json"
    text = prod.path.read_text().replace('"PAY_PER_REQUEST"', '"PAY_PER_WISH"', 1)
    wrong.write_text(text)
    assert [line for line in findings(wrong) if "PAY_PER_WISH" in line]
