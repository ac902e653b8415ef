"""The stack as CloudFormation would get it, and ways to ask about it."""

import json
from collections.abc import Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.app import add_network
from infra.stack import LinkageStack

ROOT = Path(__file__).resolve().parents[2]

FUNCTIONS = (
    "record_click",
    "count_clicks",
    "fold_clicks",
    "record_conversion",
    "record_customer",
    "decide_proposals",
    "confirm_conversions",
    "compute_commissions",
    "sweep_conversions",
    "batch_payouts",
    "hold_payouts",
    "debit_payouts",
    "export_payouts",
    "settle_payouts",
    "manage_network",
    "check_links",
)
EDGE_FUNCTIONS = ("publish_links", "count_edge_clicks")
"""Those of the optional stack."""


STAGES: tuple[str, ...] = tuple(json.loads((ROOT / "cdk.json").read_text())["context"]["stages"])


def make_app(stage: str, outdir: Path, build_dir: Path, **context: str) -> tuple[App, LinkageStack]:
    """The app with the context of the project's own `cdk.json`, and its stack; it needs nobody to
    tell."""
    own = json.loads((ROOT / "cdk.json").read_text())["context"]
    context = {"without_alarm_email": "true", **context}
    app = App(context={**own, "stage": stage, **context}, outdir=str(outdir))
    return app, add_network(app, build_dir)


def stand_in_build(folder: Path) -> Path:
    """A `build/` with something in every place, so that synthesis needs no `make layers`."""
    for layer in ("vendor", "core", "api"):
        for target in ("host", "aws"):
            place = folder / "layers" / target / layer / "python"
            place.mkdir(parents=True)
            (place / "README").write_text(f"{target} {layer}")
    edge = folder / "layers" / "aws" / "edge" / "python"
    edge.mkdir(parents=True)
    (edge / "README").write_text("aws edge")
    for name in FUNCTIONS + EDGE_FUNCTIONS:
        place = folder / "functions" / name
        place.mkdir(parents=True)
        (place / "handler.py").write_text(f"NAME = {name!r}\n")
    return folder


class Synthesised:
    """The template of one stage, and what synthesis said about it."""

    def __init__(self, stage: str, outdir: Path, build_dir: Path, **context: str) -> None:
        app, stack = make_app(stage, outdir, build_dir, **context)
        app.synth()
        self._outdir = outdir
        self._read(stack.stack_name)
        report = json.loads((outdir / "validation-report.json").read_text())
        self.validation_reports: list[dict[str, Any]] = report["pluginReports"]

    def _read(self, stack_name: str) -> None:
        self.path = self._outdir / f"{stack_name}.template.json"
        self.template: dict[str, Any] = json.loads(self.path.read_text())
        self.metadata: dict[str, list[dict[str, Any]]] = json.loads(
            (self._outdir / f"{stack_name}.metadata.json").read_text()
        )

    def stack(self, name: str) -> "Synthesised":
        """Another stack of the same app."""
        other = copy(self)
        other._read(name)
        return other

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id, e.g. of `Lambda::Function`."""
        return {
            logical_id: resource
            for logical_id, resource in self.template["Resources"].items()
            if resource["Type"] == f"AWS::{resource_type}"
        }

    def properties(self, resource_type: str) -> list[dict[str, Any]]:
        return [resource["Properties"] for resource in self.of_type(resource_type).values()]

    def function(self, name: str) -> dict[str, Any]:
        """Properties of the Lambda of `functions/<name>`."""
        (found,) = (
            properties
            for properties in self.properties("Lambda::Function")
            if properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == name
        )
        return found

    def function_name(self, reference: Mapping[str, Any]) -> str:
        """The function that a `Ref` or `GetAtt` of a Lambda stands for."""
        logical_id = reference.get("Ref") or reference["Fn::GetAtt"][0]
        lambda_ = self.template["Resources"][logical_id]["Properties"]
        return lambda_["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]

    def nouns(self) -> dict[str, str]:
        """Logical ids of the tables, with the noun each is of."""
        outputs = self.template["Outputs"]
        return {
            output["Value"]["Ref"]: name.removesuffix("TableName").lower()
            for name, output in outputs.items()
            if name.endswith("TableName")
        }

    def table(self, noun: str) -> dict[str, Any]:
        """The whole resource of a noun's table."""
        (logical_id,) = (key for key, value in self.nouns().items() if value == noun)
        return self.template["Resources"][logical_id]

    def layers_of(self, name: str) -> list[str]:
        """Names of the layers a function gets."""
        resources = self.template["Resources"]
        references = [layer["Ref"] for layer in self.function(name)["Layers"]]
        return [
            resources[reference]["Properties"]["Description"].removeprefix("Linkage: ")
            for reference in references
        ]

    def statements(self, name: str) -> Iterator[tuple[str, Any]]:
        """Every (action, resource) that a function's role allows."""
        for statement in self._statements(name):
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield action, resource

    def conditions(self, name: str, action: str) -> list[dict[str, Any]]:
        """The conditions under which alone a function's role allows a DynamoDB action."""
        return [
            statement["Condition"]
            for statement in self._statements(name)
            if f"dynamodb:{action}" in _listed(statement["Action"]) and "Condition" in statement
        ]

    def _statements(self, name: str) -> Iterator[dict[str, Any]]:
        role = self.function(name)["Role"]["Fn::GetAtt"][0]
        for policy in self.properties("IAM::Policy"):
            if {"Ref": role} not in policy["Roles"]:
                continue
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                yield statement


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
