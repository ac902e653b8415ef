import json
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.terms.network import PayoutSchedule
from linkage.flow.payouts import planning
from linkage.tables import payout_batches, settings
from tests.flow_units.network import SETTINGS, Network, small_network
from tests.flow_units.restoring import write_file
from tests.handlers import load_handler

CONTEXT: Any = SimpleNamespace(
    function_name="batch_payouts",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:batch_payouts",
    aws_request_id="1",
)


@pytest.fixture
def function() -> ModuleType:
    return load_handler("batch_payouts")


@pytest.fixture
def network() -> Iterator[Network]:
    """A batch is planned for five hours, and two scheduled ones are missed."""
    with small_network() as made:
        schedule = PayoutSchedule((15,), 6, "UTC", ("USD", "ZWG"), "2026-11-01T00:00:00.000Z")
        settings.publish_settings(replace(SETTINGS, version=2, payout_schedule=schedule))
        made.report("o-1", 100_000)
        made.deliver_facts()
        made.start_batch("bat_1", cutoff="2026-11-14")
        made.pass_time(hours=5)
        yield made


def metrics_in(text: str) -> dict[str, float]:
    """The last value of each metric that was written."""
    told: dict[str, float] = {}
    for line in text.splitlines():
        said = json.loads(line)
        for group in said.get("_aws", {}).get("CloudWatchMetrics", ()):
            told |= {each["Name"]: said[each["Name"]][0] for each in group["Metrics"]}
    return told


def test_a_tick_tells_how_long_batches_wait_and_what_was_missed(
    function: ModuleType,
    network: Network,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert function.handler({}, CONTEXT) is None
    assert metrics_in(capsys.readouterr().out) == {
        "OldestPlanningAge": 5 * 3600,
        "BatchMissed": 2,
    }
    told = [(each.message, vars(each)["currency"]) for each in caplog.records]
    assert told == [("BatchMissed", "USD"), ("BatchMissed", "ZWG")]


def test_a_tick_with_nothing_to_tell_says_so_by_one_metric(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_network():
        function.handler({}, CONTEXT)
    assert metrics_in(capsys.readouterr().out) == {"OldestPlanningAge": 0}


def test_it_tells_so_also_when_the_tick_fails(
    function: ModuleType, network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        patch.object(planning, "plan", side_effect=RuntimeError("away")),
        pytest.raises(ExceptionGroup),
    ):
        function.handler({}, CONTEXT)
    assert metrics_in(capsys.readouterr().out)["OldestPlanningAge"] == 5 * 3600


def test_a_tick_names_the_batches_that_files_are_without_and_plans_nothing(
    function: ModuleType,
    network: Network,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    network._empty()
    write_file("bat_lost", b"")
    assert function.handler({}, CONTEXT) is None
    assert metrics_in(capsys.readouterr().out)["PayoutFileWithoutBatch"] == 1
    (told,) = (each for each in caplog.records if each.levelname == "ERROR")
    assert vars(told)["batch_ids"] == ["bat_lost"]
    assert payout_batches.get_batch("bat_1").status == "planning"
    assert network._next_message() is None
