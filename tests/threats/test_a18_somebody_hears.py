"""A18: prod had 45 alarms and nobody to tell, and nothing watched the watchers."""

from pathlib import Path
from typing import Any

import pytest

from infra.setting_forms import StageSettingsError
from tests.infra.synthesis import Synthesised, make_app, stand_in_build


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """Stage prod as the handbook deploys it."""
    return Synthesised(
        "prod",
        tmp_path_factory.mktemp("cdk"),
        stand_in_build(tmp_path_factory.mktemp("build")),
        without_alarm_email="false",
        alarm_email="operator@example.com",
        check_link="abcdefgh",
    )


def test_prod_is_not_deployed_with_nobody_to_tell(tmp_path: Path) -> None:
    build = stand_in_build(tmp_path / "build")
    with pytest.raises(StageSettingsError, match="alarm_email"):
        make_app("prod", tmp_path / "out", build, without_alarm_email="false")


def test_every_alarm_tells_somebody_when_it_rings_and_when_it_stops(prod: Synthesised) -> None:
    (topic,) = prod.of_type("SNS::Topic")
    (subscription,) = prod.properties("SNS::Subscription")
    assert subscription["Endpoint"] == "operator@example.com"
    for alarm in prod.properties("CloudWatch::Alarm"):
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]


def test_whatever_a_schedule_should_wake_is_missed_when_it_sleeps(prod: Synthesised) -> None:
    ticked = {
        prod.function_name(each["Target"]["Arn"]) for each in prod.properties("Scheduler::Schedule")
    }
    dead_men: dict[str, dict[str, Any]] = {
        prod.function_name(alarm["Dimensions"][0]["Value"]): alarm
        for alarm in prod.properties("CloudWatch::Alarm")
        if alarm["MetricName"] == "Invocations"
    }
    assert dead_men.keys() == ticked
    assert {"sweep_conversions", "batch_payouts", "check_links"} <= ticked
    for alarm in dead_men.values():
        assert alarm["TreatMissingData"] == "breaching"
    assert dead_men["sweep_conversions"]["Period"] == 900
