"""The AwsSolutions rules: no finding is left, except those acknowledged where they arise."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import aws_s3 as s3

from tests.infra.synthesis import STAGES, Synthesised, make_app


@pytest.mark.parametrize("stage", STAGES)
def test_synthesis_leaves_no_unacknowledged_finding(
    synthesise: Callable[[str], Synthesised], stage: str
) -> None:
    assert synthesise(stage).validation_reports == []


def test_the_rules_are_on_so_a_careless_bucket_stops_synthesis(
    build_dir: Path, tmp_path: Path
) -> None:
    app, stack = make_app("prod", tmp_path, build_dir)
    s3.Bucket(stack, "Careless")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-S10" in (tmp_path / "validation-report.json").read_text()


def test_every_acknowledgement_has_its_reason(prod: Synthesised) -> None:
    reasons = [
        reason
        for entries in prod.metadata.values()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for reason in entry["data"].values()
    ]
    assert reasons
    assert all(len(reason.split()) >= 10 for reason in reasons)


def test_synthesis_names_no_account_and_no_region(prod: Synthesised) -> None:
    assert "AvailabilityZone" not in str(prod.template)
    region = prod.template["Outputs"]["DashboardUrl"]["Value"]["Fn::Join"][1]
    assert {"Ref": "AWS::Region"} in region
