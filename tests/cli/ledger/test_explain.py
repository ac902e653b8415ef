"""`linkage explain` tells a conversion's story, and with `--replay` computes it again."""

import copy
import functools
import json
import operator
import zlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from linkage_cli.errors import ExitCode
from linkage_cli.ledger import explain
from linkage_cli.main import app
from tests.cli.ledger.corruptions import Items
from tests.cli.standin_stack import standin_stacks
from tests.in_memory import empty_network

pytestmark = pytest.mark.usefixtures("stack")


@pytest.fixture
def stack(wire: dict[str, Items], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The sample network, as stage dev; gives DynamoDB."""
    outputs = {f"{noun.capitalize()}TableName": noun for noun in explain.NOUNS}
    with empty_network():
        standin_stacks(monkeypatch, {"Linkage-dev": outputs})
        dynamodb = boto3.client("dynamodb")
        for noun in explain.NOUNS:
            for item in wire[noun]:
                dynamodb.put_item(TableName=noun, Item=item)
        yield dynamodb


def run(conversion_id: str, *options: str) -> Any:
    return CliRunner().invoke(app, ["explain", conversion_id, "--stage", "dev", *options])


def conversion_id(wire: dict[str, Items], external_id: str) -> str:
    found = (
        item["conversion_id"]["S"]
        for item in wire["conversions"]
        if item.get("external_id") == {"S": external_id}
    )
    return next(found)


def change_head(stack: Any, transaction_id: str, place: str, value: Any) -> None:
    """Writes a value at a place of what a head has packed, `postings.0.kind` for example."""
    key = {"account": {"S": f"transaction:{transaction_id}"}, "line": {"S": "head"}}
    head = stack.get_item(TableName="ledger", Key=key)["Item"]
    said = json.loads(zlib.decompress(head["content"]["B"]))
    *path, last = [int(step) if step.isdecimal() else step for step in place.split(".")]
    functools.reduce(operator.getitem, path, said)[last] = value
    head["content"] = {"B": zlib.compress(json.dumps(said).encode())}
    stack.put_item(TableName="ledger", Item=head)


def test_the_story_has_its_candidates_facts_reasons_and_due_dates(wire: dict[str, Items]) -> None:
    told = run(conversion_id(wire, "bricks"))
    assert told.exit_code == 0, told.output
    for said in (
        ": a sale of 999.99 USD, confirmed",
        "program prg_builder version 1, network settings version 1",
        "refund refund-1 of 333.33 USD: returned",
        "attributed to affiliate mem_tendai",
        "3.33 %",
        "commission moved from the vendor to affiliate mem_tendai",
        "is due on",
    ):
        assert said in told.output
    assert "replayed" not in told.output


def test_every_conversion_of_the_sample_is_byte_for_byte_the_same_again(
    wire: dict[str, Items],
) -> None:
    compared = 0
    for item in wire["conversions"]:
        if item["fact"] == {"S": "report"}:
            told = run(item["conversion_id"]["S"], "--replay")
            assert told.exit_code == 0, told.output
            assert ", byte for byte the same" in told.output
            assert "worded otherwise" not in told.output
            compared += int(told.output.split("replayed: ")[1].split()[0])
    heads = [item for item in wire["ledger"] if item["line"] == {"S": "head"}]
    accounts = [head["account"]["S"] for head in heads]
    assert compared == sum(name.startswith("transaction:cnv_") for name in accounts) > 10


def test_what_is_not_posted_yet_is_said_and_no_difference(wire: dict[str, Items]) -> None:
    told = run(conversion_id(wire, "in-flight"), "--replay")
    assert told.exit_code == 0
    assert "replayed: 0 transactions" in told.output
    assert "/confirmation is accepted and not posted yet, so it was not compared." in told.output


def test_one_unit_more_in_a_posting_is_named_with_both_values(
    stack: Any, wire: dict[str, Items]
) -> None:
    name = f"{conversion_id(wire, 'bricks')}/confirmation"
    change_head(stack, name, "postings.0.amount_minor", 3331)
    told = run(conversion_id(wire, "bricks"), "--replay")
    assert told.exit_code == 1
    assert "replayed: 4 transactions, NOT the same as what is stored:" in told.output
    difference = f"- {name}, postings.1.amount_minor: stored 3331, replayed 3330"
    assert told.output.rstrip().endswith(difference)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("commission.due_on", "commission.due_on"),
        ("commission.direct_minor", "commission.direct_minor"),
        ("unheard_of", "unheard_of"),
        ("postings.1.kind", "postings.2.kind"),
    ],
)
def test_any_other_byte_of_a_head_is_a_difference(
    stack: Any, wire: dict[str, Items], change: str, place: str
) -> None:
    name = f"{conversion_id(wire, 'bricks')}/confirmation"
    change_head(stack, name, change, "3330")
    told = run(conversion_id(wire, "bricks"), "--replay")
    assert told.exit_code == 1
    assert f'{name}, {place}: stored "3330", replayed ' in told.output


def test_a_head_whose_content_is_spoilt_is_a_difference(stack: Any, wire: dict[str, Items]) -> None:
    name = f"{conversion_id(wire, 'bricks')}/confirmation"
    key = {"account": {"S": f"transaction:{name}"}, "line": {"S": "head"}}
    head = stack.get_item(TableName="ledger", Key=key)["Item"]
    stack.put_item(TableName="ledger", Item=head | {"content": {"B": b"spoilt"}})
    told = run(conversion_id(wire, "bricks"), "--replay")
    assert told.exit_code == 1
    assert f"{name}, content: cannot be read: it is not deflated" in told.output


def test_a_line_that_is_missing_or_changed_is_a_difference(
    stack: Any, wire: dict[str, Items]
) -> None:
    conversion = conversion_id(wire, "bricks")
    lines = [
        item
        for item in wire["ledger"]
        if item.get("transaction_id") == {"S": f"{conversion}/confirmation"}
        and item["line"]["S"].startswith("line#")
    ]
    architect, builder = sorted(lines, key=lambda item: str(item["account"]["S"]))[:2]
    key = {name: architect[name] for name in ("account", "line")}
    stack.delete_item(TableName="ledger", Key=key)
    changed = copy.deepcopy(builder)
    changed["parts"]["L"][0]["M"]["level"] = {"N": "0"}
    stack.put_item(TableName="ledger", Item=changed)
    told = run(conversion, "--replay")
    assert told.exit_code == 1
    assert "line of affiliate:mem_architect in USD.amount_minor: stored nothing," in told.output
    assert "affiliate:mem_builder in USD.parts.1.level: stored 0, replayed 2" in told.output


def test_other_words_for_the_same_money_are_told_apart_and_no_error(
    stack: Any, wire: dict[str, Items]
) -> None:
    name = f"{conversion_id(wire, 'bricks')}/confirmation"
    change_head(stack, name, "why.0", "As an older version said it.")
    told = run(conversion_id(wire, "bricks"), "--replay")
    assert told.exit_code == 0
    assert "replayed: 4 transactions, byte for byte the same" in told.output
    assert "Only worded otherwise by this version of Linkage; the money is the same:" in told.output
    assert f'{name}, why.1: stored "As an older version said it.", replayed' in told.output


def test_a_conversion_that_is_not_there_is_a_sentence() -> None:
    told = run("cnv_nobody", "--replay")
    assert told.exit_code == ExitCode.refused
    assert told.output.endswith("There is no such conversion.\n")


def test_a_stage_deployed_by_an_older_version_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standin_stacks(monkeypatch, {"Linkage-dev": {"ConversionsTableName": "conversions"}})
    told = run("cnv_any")
    assert told.exit_code == ExitCode.refused
    assert "npx cdk deploy -c stage=dev" in told.output
