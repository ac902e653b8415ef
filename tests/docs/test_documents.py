"""What the documents name exists: files, headings, routes, commands, settings, alarms, outputs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.setting_forms import SETTINGS
from infra.setting_table import written
from infra.settings import StageSettings
from linkage.domain.terms.network import funding_gap_bps
from linkage_api.app import app as api
from linkage_api.bodies import read
from linkage_api.terms.network import NetworkBody
from linkage_cli.main import app as command_line
from tests.docs.markdown import DOCUMENTS, ROOT, anchors, blocks, commands, links, table
from tests.infra.synthesis import Synthesised, stand_in_build

OPERATING = (ROOT / "docs" / "operating.md").read_text()
README = (ROOT / "README.md").read_text()

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """The template of stage prod with every option chosen."""
    build = stand_in_build(tmp_path_factory.mktemp("build"))
    options = {
        "alarm_email": "operator@example.com",
        "check_link": "abcdefgh",
        "links_access_log": "true",
        "links_domain": "go.example.com",
    }
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000"
    out = tmp_path_factory.mktemp("prod")
    return Synthesised("prod", out, build, certificate_arn=certificate, **options)


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@each_document
def test_every_route_named_exists(document: Path, prod: Synthesised) -> None:
    known = {properties["RouteKey"] for properties in prod.properties("ApiGatewayV2::Route")}
    resolved = [*api._static_routes, *api._dynamic_routes]
    known |= {f"{route.method} {route.openapi_path}" for route in resolved}
    known = {re.sub(r"\{\w+\}", "{id}", route) for route in known}
    named = re.findall(r"\b((?:GET|POST|PUT|PATCH|DELETE) /v1/[\w\-/{}+]*)", document.read_text())
    for route in named:
        assert re.sub(r"\{\w+\}", "{id}", route) in known, route


def shell_commands(document: Path) -> list[str]:
    """Every shell command a document shows."""
    text = document.read_text()
    found = [*blocks(text, "bash"), *blocks(text, "sh")]
    return [command for block in found for command in commands(block)]


def parse(arguments: list[str]) -> None:
    """Reads a `linkage` command line without running it; raises what a user would see."""
    command: Any = typer.main.get_command(command_line)
    context, name = None, "linkage"
    while hasattr(command, "commands"):
        context = command.make_context(name, arguments[:1], parent=context)
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(name, arguments, parent=context)


@each_document
def test_every_linkage_command_is_one_the_command_line_takes(document: Path) -> None:
    for command in shell_commands(document):
        words = command.split()
        places = [at for at, word in enumerate(words) if word == ".venv/bin/linkage"]
        for at in places:
            parse(words[at + 1 :])


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(KeyError):
        parse(["keys", "make"])
    with pytest.raises(Exception, match="No such option"):
        parse(["keys", "create", "operator", "--stag", "prod"])
    with pytest.raises(Exception, match="'owner'"):
        parse(["keys", "create", "owner", "--stage", "prod"])


@each_document
def test_every_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in shell_commands(document):
        words = command.split("#")[0].split()
        if "make" in words:
            assert set(words[words.index("make") + 1 :]) <= targets, command


@each_document
def test_every_output_named_exists(document: Path, prod: Synthesised) -> None:
    for output in re.findall(r"output `(\w+)`", document.read_text()):
        assert output in prod.template["Outputs"]


def test_the_settings_of_a_stage_are_all_explained_and_no_others() -> None:
    assert written(OPERATING) == OPERATING, "Run: .venv/bin/python -m infra.setting_table"
    # The stage is the name of the entry; the port is the emulator's.
    fields = set(StageSettings.__dataclass_fields__) - {"stage", "gateway_port"}
    assert fields == set(SETTINGS) - {"without_alarm_email"}


def test_the_network_settings_shown_can_be_published() -> None:
    (shown,) = re.findall(r"/v1/network\" -d '(.+?)'", OPERATING, re.DOTALL)
    settings = read(NetworkBody, json.loads(shown)).settings()
    assert settings.payout_schedule is not None
    assert funding_gap_bps(settings) == 0


def test_every_alarm_is_explained_and_no_other(prod: Synthesised) -> None:
    named = [name for row in table(OPERATING, "alarm") for name in re.findall(r"`(.+?)`", row[0])]
    patterns = {
        name: re.compile(name.replace("…", r"\w*") + r"(Alarm)?[0-9A-F]{8}") for name in named
    }
    alarms = prod.of_type("CloudWatch::Alarm")
    for alarm in alarms:
        assert any(pattern.search(alarm) for pattern in patterns.values()), alarm
    for name, pattern in patterns.items():
        assert any(pattern.search(alarm) for alarm in alarms), name


def test_the_readme_counts_the_alarms(prod: Synthesised) -> None:
    assert f"{len(prod.of_type('CloudWatch::Alarm'))} alarms at 0.10" in README


def test_what_destroy_keeps_is_what_the_readme_says(prod: Synthesised) -> None:
    kept: dict[str, int] = {}
    for resource in prod.template["Resources"].values():
        if resource.get("DeletionPolicy") == "Retain":
            kept[resource["Type"]] = kept.get(resource["Type"], 0) + 1
    assert "keeps the fifteen tables" in " ".join(README.split())
    assert kept.pop("AWS::DynamoDB::GlobalTable") == 15
    assert kept.pop("AWS::S3::Bucket") == 2
    assert kept.pop("AWS::SecretsManager::Secret") == 2
    assert set(kept) == {"AWS::Logs::LogGroup"}
    for table_properties in prod.properties("DynamoDB::GlobalTable"):
        assert table_properties["Replicas"][0]["DeletionProtectionEnabled"] is True
