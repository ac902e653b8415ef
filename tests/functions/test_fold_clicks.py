"""The tick says how old the oldest open day is, and what was not billed to whom."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import pytest

from linkage.domain import clock
from linkage.domain.errors import NotFoundError
from linkage.flow.clicks import folding
from linkage.flow.clicks.billing import Billed, NotBilled
from linkage.flow.clicks.counting import count_clicks
from tests.domain.clicks.test_statistics import CLICK
from tests.handlers import load_handler
from tests.in_memory import empty_network

NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
CONTEXT = SimpleNamespace(
    function_name="fold_clicks",
    memory_limit_in_mb=1769,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:fold_clicks",
    aws_request_id="1",
)
TICK = {"source": "linkage.tick"}


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with empty_network(), patch.object(clock, "now", lambda: NOW):
        yield


@pytest.fixture
def function() -> ModuleType:
    return load_handler("fold_clicks")


@pytest.fixture
def counted(function: ModuleType) -> Iterator[MagicMock]:
    """The metrics of the function."""
    with patch.object(function.metrics, "add_metric") as metric:
        yield metric


def numbers(counted: MagicMock) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for call in counted.call_args_list:
        found.setdefault(call.args[0], []).append(call.kwargs["value"])
    return found


def test_a_tick_closes_what_is_due_and_reports_yesterday_as_open(
    function: ModuleType, counted: MagicMock
) -> None:
    assert function.handler(TICK, CONTEXT) == {"closed": 6, "oldest_age_s": 3600}
    assert numbers(counted) == {"DayClosed": [1] * 6, "OldestOpenDayAge": [3600]}


def test_a_day_that_fails_is_logged_and_its_age_is_what_the_alarm_hears(
    function: ModuleType, counted: MagicMock
) -> None:
    with (
        patch.object(folding, "bill_day", side_effect=NotFoundError("program")),
        patch.object(function.logger, "error") as logged,
    ):
        said = function.handler(TICK, CONTEXT)
    assert said == {"closed": 0, "oldest_age_s": 6 * 86_400 + 3600}
    assert logged.call_args_list[0].kwargs["day"] == "2026-11-15"
    assert isinstance(logged.call_args_list[0].kwargs["exc_info"], NotFoundError)
    assert numbers(counted) == {"DayNotFolded": [1] * 6, "OldestOpenDayAge": [6 * 86_400 + 3600]}


def test_a_link_that_is_not_billed_is_logged_with_its_count(
    function: ModuleType, counted: MagicMock
) -> None:
    refused = NotBilled("AbcdefghJK", "click", 7, "The vendor is suspended.")
    with (
        patch.object(folding, "bill_day", return_value=Billed(0, 0, (refused,))),
        patch.object(function.logger, "error") as logged,
    ):
        said = function.handler({"day": "2026-11-20"}, CONTEXT)
    assert said == {"day": "2026-11-20", "closed": True}
    assert logged.call_args.kwargs["why"] == "The vendor is suspended."
    assert numbers(counted) == {"DayClosed": [1], "LinkDayNotBilled": [1]}


def test_a_closed_day_that_changed_is_said_and_no_day_that_closes(
    function: ModuleType, counted: MagicMock
) -> None:
    function.handler(TICK, CONTEXT)
    counted.reset_mock()
    assert count_clicks([CLICK | {"clicked_at": "2026-11-20T10:00:00.000Z"}]).strange == ()
    with (
        patch.object(clock, "now", lambda: NOW.replace(hour=3)),
        patch.object(folding, "bill_day", return_value=Billed(1, 0, ())),
        patch.object(function.logger, "warning") as logged,
    ):
        assert function.handler(TICK, CONTEXT)["closed"] == 0
    assert logged.call_args.kwargs == {"day": "2026-11-20"}
    assert numbers(counted) == {"DayChangedAfterClose": [1], "OldestOpenDayAge": [3 * 3600]}


def test_today_may_be_folded_by_hand_and_stays_open(
    function: ModuleType, counted: MagicMock
) -> None:
    said = function.handler({"day": "2026-11-22"}, CONTEXT)
    assert said == {"day": "2026-11-22", "closed": False}
