"""The stream's batches become packs, few write units a click, and nothing in them stops others."""

import random
from collections.abc import Iterator
from datetime import date
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.clicks.statistics import fold
from linkage.domain.ids import created
from linkage.tables.dynamodb import transactions
from linkage.tables.statistics import StatisticsItem, find_packs
from tests.counted_units import counting
from tests.domain.clicks.test_statistics import CLICK, DAY
from tests.handlers import load_handler
from tests.in_memory import empty_network

CONTEXT = SimpleNamespace(
    function_name="count_clicks",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:count_clicks",
    aws_request_id="1",
)


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with empty_network():
        yield


@pytest.fixture(scope="module")
def function() -> ModuleType:
    return load_handler("count_clicks")


def batch(*clicks: dict[str, Any]) -> dict[str, Any]:
    """The event of a stream's batch, as Lambda hands it over."""
    return {
        "Records": [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {"click_id": {"S": click["click_id"]}},
                    "NewImage": transactions.to_wire(click),
                    "SequenceNumber": str(number),
                    "StreamViewType": "NEW_IMAGE",
                },
            }
            for number, click in enumerate(clicks)
        ]
    }


def network_total(measure: str) -> int:
    counts = fold(find_packs(date.fromisoformat(DAY))).counts
    return counts["network"].total(measure) if counts else 0


def test_a_batch_is_counted_and_again_changes_nothing(function: ModuleType) -> None:
    event = batch(
        CLICK,
        CLICK | {"click_id": "clk_2", "prefetch": True},
        CLICK | {"click_id": "imp_3", "via": "qr", "country": "ZW"},
    )
    for _ in range(2):
        assert function.handler(event, CONTEXT) == {"batchItemFailures": []}
    assert [network_total(each) for each in ("clicks", "prefetches", "impressions")] == [1, 1, 1]
    assert StatisticsItem.count(f"clicks#{DAY}") == 1


def test_a_record_that_is_no_click_is_logged_and_counted_and_stops_nothing(
    function: ModuleType,
) -> None:
    event = batch({"click_id": "poison", "expires_epoch_s": 5}, CLICK)
    event["Records"].append({"eventName": "INSERT", "dynamodb": {"Keys": {}}})
    with (
        patch.object(function.logger, "error") as logged,
        patch.object(function.metrics, "add_metric") as counted,
    ):
        assert function.handler(event, CONTEXT) == {"batchItemFailures": []}
    assert logged.call_args_list[0].kwargs["click_id"] == "poison"
    assert [call.args[0] for call in counted.call_args_list] == [
        "ClickPacked",
        "ClickNotCounted",
        "ClickNotCounted",
    ]
    assert network_total("clicks") == 1


def plausible_clicks(number: int) -> list[dict[str, Any]]:
    """Clicks of one hour on 300 links, the first of them followed most, with ids as they are."""
    chosen = random.Random(number)
    affiliates = [created("mem") for _ in range(100)]
    programs = [(created("prg"), created("mem")) for _ in range(20)]
    links = []
    for _ in range(300):
        program_id, vendor_id = chosen.choice(programs)
        code = "".join(chosen.choices("23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghijk", k=12))
        links.append(
            {
                "code": code,
                "program_id": program_id,
                "vendor_id": vendor_id,
                "affiliate_id": chosen.choice(affiliates),
            }
        )
    weights = [1 / (place + 1) for place in range(len(links))]
    return [
        CLICK
        | link
        | {
            "click_id": f"clk_{created('x')}",
            "visitor": created("x"),
            "device": chosen.choice(["mobile", "mobile", "desktop"]),
            "country": chosen.choice(["ZW", "ZA", "BW"]),
            "sub": {"sub1": chosen.choice(["story", "post", "bio"])},
        }
        for link in chosen.choices(links, weights, k=number)
    ]


@pytest.mark.parametrize(("clicks", "most"), [(100, 0.05), (1000, 0.03)])
def test_a_click_costs_a_twentieth_of_a_write_unit_in_a_batch_of_a_hundred(
    function: ModuleType, clicks: int, most: float
) -> None:
    event = batch(*plausible_clicks(clicks))
    with counting() as units:
        function.handler(event, CONTEXT)
    assert units.calls == {"PutItem": 1}
    assert units.read_units == units.index_units == 0
    assert 0 < units.table_units / clicks <= most
