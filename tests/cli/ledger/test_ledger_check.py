"""`linkage ledger check` reads a running network whole, and tells what it found."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from linkage_cli import networks
from linkage_cli.errors import ExitCode
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.ledger_check import NOUNS, Tables, check, lines_of
from tests.cli.ledger.corruptions import Items, find
from tests.cli.standin_stack import standin_stacks
from tests.in_memory import empty_network

FILES = "payout-files"


@pytest.fixture
def tables(wire: dict[str, Items], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with empty_network():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for item in wire["files"]:
            s3.put_object(
                Bucket=FILES, Key=f"payouts/{item['batch_id']['S']}.csv", Body=item["body"]["B"]
            )
        for noun in NOUNS:
            for item in wire[noun]:
                dynamodb.put_item(TableName=noun, Item=item)
        yield Tables(dynamodb, {noun: noun for noun in NOUNS})


def test_a_running_network_is_read_whole_and_found_right(tables: Tables) -> None:
    report = check(tables)
    assert report.findings == ()
    assert report.counts["lines"] > 40
    assert "The ledger is right" in "\n".join(lines_of(report))


def test_without_patience_for_facts_in_flight_each_is_a_finding(tables: Tables) -> None:
    report = check(tables, no_in_flight=True, sleep=lambda _: None)
    assert [finding.invariant for finding in report.findings] == ["I4"]


def test_what_looks_wrong_in_one_read_only_was_being_written_and_is_no_finding(
    tables: Tables, network: dict[str, Items]
) -> None:
    balance = find(network["ledger"], line="balance#")
    key = {name: {"S": balance[name]} for name in ("account", "line")}

    def add(amount: int) -> None:
        tables.dynamodb.update_item(
            TableName="ledger",
            Key=key,
            UpdateExpression="ADD balance_minor :amount",
            ExpressionAttributeValues={":amount": {"N": str(amount)}},
        )

    add(1)
    pauses: list[float] = []

    def mend(pause: float) -> None:
        pauses.append(pause)
        add(-1)

    assert check(tables, sleep=mend).findings == ()
    assert len(pauses) == 1


def test_what_is_wrong_in_every_read_is_a_finding(tables: Tables) -> None:
    tables.dynamodb.put_item(TableName="ledger", Item={"account": {"S": "x"}, "line": {"S": "y"}})
    (finding,) = check(tables, sleep=lambda _: None).findings
    assert finding.subject == "x y"


def of_a_link(network: dict[str, Items]) -> dict[str, Any]:
    """The statistics of the one link's day that is billed: two visitors."""
    return find(network["statistics"], of="link#tendaislink")


def test_a_day_billed_that_the_statistics_do_not_know_is_a_finding(
    tables: Tables, network: dict[str, Items]
) -> None:
    key = {name: {"S": of_a_link(network)[name]} for name in ("of", "at")}
    tables.dynamodb.delete_item(TableName="statistics", Key=key)
    findings = check(tables, sleep=lambda _: None).findings
    assert [each.invariant for each in findings] == ["I22", "I22"]
    assert all("the statistics have no such day" in each.sentence for each in findings)


@pytest.mark.parametrize(("more", "found", "less"), [(-1, 1, 0), (0, 0, 0), (1, 0, 1)])
def test_what_is_billed_is_held_against_the_statistics(
    tables: Tables, network: dict[str, Items], more: int, found: int, less: int
) -> None:
    item = of_a_link(network)
    counts = json.loads(item["counts"])
    hours = counts["hours"]["visitors"]
    assert hours == {"05": 1, "07": 1}
    hours["07"] += more
    tables.dynamodb.put_item(
        TableName="statistics",
        Item={name: {"S": item[name]} for name in ("of", "at")}
        | {"counts": {"S": json.dumps(counts)}},
    )
    report = check(tables, sleep=lambda _: None)
    assert [each.invariant for each in report.findings] == ["I22"] * found
    said = f"Billed by count: 2 days of links, {less} of them for less than is counted now"
    assert said in list(lines_of(report))


def test_all_that_is_billed_is_asked_for_a_hundred_at_a_time_and_again_if_left_unread() -> None:
    keys = [{"of": f"link#{number}", "at": "2026-11-20"} for number in range(250)]
    asked: list[int] = []

    class Reluctant:
        """Reads no more than sixty items at once."""

        def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
            ((table, wanted),) = RequestItems.items()
            asked.append(len(wanted["Keys"]))
            assert wanted["ConsistentRead"]
            left = wanted["Keys"][60:]
            return {
                "Responses": {table: wanted["Keys"][:60]},
                "UnprocessedKeys": {table: wanted | {"Keys": left}} if left else {},
            }

    assert list(ledger_check.get(Reluctant(), "statistics", keys)) == keys
    assert asked == [100, 40, 100, 40, 50]


@pytest.fixture
def stack(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Tables:
    outputs = {f"{noun.capitalize()}TableName": noun for noun in ledger_check.NOUNS}
    outputs[ledger_check.BUCKET] = FILES
    standin_stacks(monkeypatch, {"Linkage-dev": outputs})
    return tables


def run(*arguments: str) -> Any:
    return CliRunner().invoke(ledger_check.app, ["check", *arguments])


@pytest.mark.usefixtures("stack")
def test_the_command_exits_0_with_a_summary() -> None:
    result = run("--stage", "dev")
    assert result.exit_code == 0, result.output
    assert "66 transactions" in result.output
    assert "19 tallies" in result.output
    assert "2 files" in result.output
    assert "In flight: 1 fact" in result.output
    assert "USD, in minor units: affiliates are owed" in result.output


def test_a_payout_file_whose_batch_is_not_in_the_table_is_named_with_what_to_do(
    stack: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_check, "PAUSE_S", 0)
    s3 = boto3.client("s3")
    s3.put_object(Bucket=FILES, Key="payouts/bat_paid.csv", Body=b"")
    s3.put_object(Bucket=FILES, Key="payouts/read-me.txt", Body=b"no payout file")
    result = run("--stage", "dev")
    assert result.exit_code == 1
    assert (
        "I28 bat_paid: its payout file is in the bucket, the table does not have" in result.output
    )
    assert "linkage payouts rebook bat_paid" in result.output
    assert result.output.count("I28") == 1


def test_a_bucket_that_cannot_be_read_is_a_finding_and_the_tables_are_checked_all_the_same(
    stack: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_check, "PAUSE_S", 0)
    s3 = boto3.client("s3")
    for each in s3.list_objects_v2(Bucket=FILES)["Contents"]:
        s3.delete_object(Bucket=FILES, Key=each["Key"])
    s3.delete_bucket(Bucket=FILES)
    stack.dynamodb.put_item(TableName="ledger", Item={"account": {"S": "x"}, "line": {"S": "y"}})
    result = run("--stage", "dev")
    assert result.exit_code == 1
    assert "I1 x y: cannot be read" in result.output
    assert f"I28 {FILES}: the payout files cannot be read: " in result.output
    assert "NoSuchBucket" in result.output


def test_the_command_exits_1_and_says_how_wrong_the_ledger_is_to_the_alarm(
    stack: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_check, "PAUSE_S", 0)
    stack.dynamodb.put_item(TableName="ledger", Item={"account": {"S": "x"}, "line": {"S": "y"}})
    result = run("--stage", "dev", "--publish-metric")
    assert result.exit_code == 1
    assert "I1 x y: cannot be read" in result.output
    (metric,) = boto3.client("cloudwatch").list_metrics(Namespace="Linkage-dev")["Metrics"]
    assert metric["MetricName"] == "LedgerOutOfBalance"


@pytest.mark.usefixtures("stack")
def test_a_stack_that_is_not_there_is_named_with_what_to_do() -> None:
    result = run("--stage", "prod")
    assert result.exit_code == ExitCode.refused
    assert "There is no stack Linkage-prod" in result.output
    assert "npx cdk deploy -c stage=prod" in result.output


@pytest.mark.parametrize("arguments", [(), ("--local", "--stage", "prod")])
def test_one_network_has_to_be_named(arguments: tuple[str, ...]) -> None:
    assert "Say which network" in run(*arguments).output


def local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_url: str) -> None:
    file = tmp_path / "local.json"
    file.write_text(json.dumps({"api_url": api_url}))
    monkeypatch.setattr(networks.read_local, "__defaults__", (file,))


def test_the_local_network_is_asked_where_its_api_is_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_file(tmp_path, monkeypatch, "http://127.0.0.1:4999/_aws/execute-api/a/$default")
    standin_stacks(monkeypatch, {"Linkage-local": {"LedgerTableName": "the-ledger"}})
    network = networks.find_network(None, local=True)
    assert network.endpoint_url == "http://127.0.0.1:4999"
    assert network.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:4999"
    assert network.table("ledger") == "the-ledger"


def test_a_local_file_that_names_another_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_file(tmp_path, monkeypatch, "https://api.example/v1")
    assert "is not this machine" in run("--local").output
