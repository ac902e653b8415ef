"""`linkage clicks recount` holds a day's statistics against the clicks themselves."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from linkage.domain import clock
from linkage.flow.clicks.counting import count_clicks
from linkage.flow.clicks.folding import fold_again
from linkage.tables.dynamodb import transactions
from linkage.tables.statistics import DayState, StatisticsItem, as_stored, put_counts, put_day
from linkage_cli.clicks import command
from linkage_cli.clicks.click_recount import differences, in_statistics, recounted
from linkage_cli.clicks.command import Counted, lines_of, recount
from linkage_cli.errors import ExitCode
from tests.cli.standin_stack import standin_stacks
from tests.domain.clicks.test_statistics import CLICK, clicks, folded
from tests.in_memory import empty_network

DAY = datetime.now(UTC).date() - timedelta(days=3)


@pytest.fixture
def counted() -> Iterator[Counted]:
    with empty_network():
        yield Counted(
            boto3.client("dynamodb"),
            "clicks",
            "statistics",
            lambda day: fold_again(day, clock.now(), bill=False) and None,
        )


def click(number: int, day: date = DAY, **more: Any) -> dict[str, Any]:
    clicked_at = f"{day}T{number % 24:02d}:06:07.890Z"
    return CLICK | {"click_id": f"clk_{number:032d}", "clicked_at": clicked_at} | more


def store(*stored: dict[str, Any]) -> None:
    for each in stored:
        transactions.client.put_item(TableName="clicks", Item=transactions.to_wire(each))


@given(st.lists(clicks(), max_size=60))
def test_a_plain_walk_over_the_clicks_and_the_fold_of_their_packs_agree(
    stored: list[dict[str, Any]],
) -> None:
    unique = {each["click_id"]: each for each in stored}.values()
    statistics = {
        scope: in_statistics(as_stored(counts)) for scope, counts in folded([stored]).counts.items()
    }
    assert differences(recounted(unique), statistics) == []
    assert statistics.keys() <= recounted(unique).keys()


@pytest.mark.parametrize("kinds", [50, 150, 1_000])
def test_sub_ids_beyond_the_hundred_most_clicked_agree_too(kinds: int) -> None:
    chosen = random.Random(kinds)
    links = [{"code": f"code{number}", "affiliate_id": f"mem_{number % 2}"} for number in range(3)]
    many = [
        click(
            number,
            clicked_at=f"{DAY}T{chosen.randrange(3):02d}:00:00.000Z",
            sub={f"sub{place}": f"s{int(kinds * chosen.random() ** 2)}" for place in (1, 5)},
            **chosen.choice(links),
        )
        for number in range(3_000)
    ]
    ours = recounted(many)
    statistics = {
        scope: in_statistics(as_stored(counts)) for scope, counts in folded([many]).counts.items()
    }
    assert differences(ours, statistics) == []
    for scope, numbers in ours.items():
        subs = {what: number for what, number in numbers.items() if what.startswith("subs/")}
        if scope.startswith(("link#", "affiliate#")):
            assert sum(subs.values()) == 2 * sum(
                number for what, number in numbers.items() if what.startswith("hours/clicks/")
            )
            assert ("subs/other" in subs) == (kinds > 50)
        else:
            assert not subs


def test_the_recount_cuts_the_sub_ids_of_each_hour_first() -> None:
    many = [
        click(
            1_000 * hour + number,
            clicked_at=f"{DAY}T{hour:02d}:00:00.000Z",
            sub={"sub1": f"{hour}-{number // 2}" if number < 200 else "steady"},
        )
        for hour in range(3)
        for number in range(201)
    ]
    ours = recounted(many)[f"link#{CLICK['code']}"]
    assert "subs/sub1=steady" not in ours
    assert (ours["subs/sub1=0-0"], ours["subs/other"]) == (2, 403)


@pytest.mark.parametrize("closed", [False, True])
def test_statistics_that_are_right_are_found_right(counted: Counted, closed: bool) -> None:
    stored = [click(number) for number in range(30)]
    store(*stored, click(99, DAY + timedelta(days=1)))
    count_clicks(stored)
    if closed:
        fold_again(DAY, clock.now())
    result = recount(counted, DAY)
    assert (result.clicks, result.differences, result.strange) == (30, [], ())
    assert "The statistics are right" in "\n".join(lines_of(result, DAY))


def test_a_day_without_a_click_is_right_too(counted: Counted) -> None:
    assert recount(counted, DAY).differences == []


def test_a_click_that_was_never_packed_is_found_and_repaired(counted: Counted) -> None:
    stored = [click(number) for number in range(5)]
    store(*stored)
    count_clicks(stored[:3])
    counted.fold(DAY)
    pauses: list[float] = []
    result = recount(counted, DAY, sleep=pauses.append)
    assert len(pauses) == 2
    said = "\n".join(lines_of(result, DAY))
    assert "network hours/clicks/04: 1 in the clicks, 0 in the statistics" in said
    assert "--repair" in said
    for _ in range(2):
        assert recount(counted, DAY, repair=True).differences == []
    assert recount(counted, DAY).differences == []


def test_a_number_that_was_tampered_with_is_found_even_in_a_closed_day(counted: Counted) -> None:
    store(click(1))
    count_clicks([click(1)])
    fold_again(DAY, clock.now())
    counts = folded([[click(1), click(2)]]).counts["network"]
    put_counts("network", DAY, counts)
    found = recount(counted, DAY, sleep=lambda _: None).differences
    assert {each.scope for each in found} == {"network"}


def test_statistics_of_clicks_that_are_not_there_are_found(counted: Counted) -> None:
    put_counts("network", DAY, folded([[click(1)]]).counts["network"])
    put_day(DAY, DayState("closed", ""))
    assert recount(counted, DAY, sleep=lambda _: None).differences


def test_what_is_no_click_is_named_and_counted_by_neither(counted: Counted) -> None:
    store(click(1), {"click_id": "clk_strange", "clicked_at": f"{DAY}T00:00:00.000Z"})
    count_clicks([click(1)])
    result = recount(counted, DAY, repair=True)
    assert (result.differences, result.strange) == ([], ("clk_strange",))
    assert "clk_strange cannot be counted" in "\n".join(lines_of(result, DAY))


def test_a_repair_writes_packs_as_the_stream_would(counted: Counted) -> None:
    store(click(1), click(2))
    count_clicks([click(1), click(2)])
    before = [item.serialize() for item in StatisticsItem.query(f"clicks#{DAY}")]
    recount(counted, DAY, repair=True)
    after = [item.serialize() for item in StatisticsItem.query(f"clicks#{DAY}")]
    for item in (*before, *after):
        del item["expires_epoch_s"]
    assert after == before


@pytest.fixture
def stack(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> Counted:
    outputs = {"ClicksTableName": "clicks", "StatisticsTableName": "statistics"}
    standin_stacks(monkeypatch, {"Linkage-dev": outputs})
    return counted


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command.app, ["recount", *arguments])


def test_the_command_exits_0_or_1_by_what_it_found(
    stack: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PAUSE_S", 0)
    store(click(1))
    count_clicks([click(1)])
    fold_again(DAY, clock.now())
    right = run("--stage", "dev", "--day", str(DAY))
    assert (right.exit_code, "1 clicks" in right.output) == (0, True), right.output
    store(click(2))
    assert run("--stage", "dev", "--day", str(DAY)).exit_code == 1


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("yesterday", "is no date. Write it like"),
        ("2999-01-01", "has not begun"),
        ("2020-01-01", "they are kept 400 days"),
    ],
)
def test_a_day_that_cannot_be_counted_is_refused(day: str, sentence: str) -> None:
    result = run("--stage", "dev", "--day", day)
    assert result.exit_code == ExitCode.refused
    assert sentence in result.output
