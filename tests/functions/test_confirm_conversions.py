from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from tests.flow_units.network import Network, make_rich, small_network, spoil_fact
from tests.handlers import load_handler


@pytest.fixture
def function() -> ModuleType:
    return load_handler("confirm_conversions")


@pytest.fixture
def due() -> Iterator[list[str]]:
    """Five conversions whose vendor was silent for two hours too long."""
    with small_network() as network:
        make_rich()
        yield [_waiting(network, number) for number in range(5)]


def _waiting(network: Network, number: int) -> str:
    conversion = network.report(f"o-{number}", 500, program_id="prg_silent")
    if number == 4:
        network.pass_time(days=14, hours=2)
    return conversion.conversion_id


def context(*, left_ms: int) -> Any:
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: left_ms,
        function_name="confirm_conversions",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:confirm_conversions",
        aws_request_id="1",
    )


def test_a_tick_confirms_what_is_due_and_says_how_many(
    function: ModuleType, due: list[str]
) -> None:
    said = function.handler({}, context(left_ms=60_000))
    assert said == {"confirmed": 5, "failed": 0, "oldest_age_s": 0}
    assert function.handler({}, context(left_ms=60_000))["confirmed"] == 0


def test_a_tick_stops_before_its_time_ends_and_the_next_goes_on(
    function: ModuleType, due: list[str]
) -> None:
    stopped = function.handler({}, context(left_ms=9_000))
    assert (stopped["confirmed"], stopped["oldest_age_s"]) == (1, 7_200)
    assert function.handler({}, context(left_ms=60_000))["confirmed"] == 4


def test_what_cannot_be_confirmed_is_logged_with_its_age(
    function: ModuleType, due: list[str]
) -> None:
    spoil_fact(due[0], "report", "program_version", 9)
    with patch.object(function.logger, "error") as logged:
        said = function.handler({}, context(left_ms=60_000))
    assert said == {"confirmed": 4, "failed": 1, "oldest_age_s": 7_200}
    assert logged.call_args.kwargs["conversion_id"] == due[0]
