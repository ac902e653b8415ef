"""The auditor agrees with the posting code on a sound network and names whatever was changed."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from moto import mock_aws
from typer.testing import CliRunner

from linkage_cli import ledger_check, networks
from linkage_cli.audit import Report, Stored, audit
from linkage_cli.ledger_check import Tables, check, lines_of, plain
from tests.cli.standin_stack import standin_stacks

type Items = list[dict[str, Any]]

SAMPLE = Path(__file__).with_name("sample_network.py")
FORBIDDEN = ("linkage.commissions", "linkage.ledger", "linkage.flow", "linkage.money")


@pytest.fixture(scope="module")
def wire() -> dict[str, Items]:
    made = subprocess.run([sys.executable, SAMPLE], capture_output=True, check=True, text=True)
    items: dict[str, Items] = json.loads(made.stdout)
    return items


@pytest.fixture
def network(wire: dict[str, Items]) -> dict[str, Items]:
    read = TypeDeserializer().deserialize
    return {
        noun: [{name: plain(read(value)) for name, value in item.items()} for item in items]
        for noun, items in wire.items()
    }


def audited(network: dict[str, Items], now: datetime | None = None) -> Report:
    return audit(Stored(**network), now or datetime.now(UTC))


def find(items: Items, **wanted: Any) -> dict[str, Any]:
    """The first item whose attributes start with (texts) or are these values."""

    def fits(item: dict[str, Any]) -> bool:
        return all(
            str(item.get(name, "")).startswith(value)
            if isinstance(value, str)
            else item.get(name) == value
            for name, value in wanted.items()
        )

    return next(item for item in items if fits(item))


def test_the_auditor_finds_nothing_wrong_with_what_the_product_posted(
    network: dict[str, Items],
) -> None:
    report = audited(network)
    assert report.findings == ()
    assert len(report.in_flight) == 1
    assert report.counts["transactions"] > 30
    assert set(report.totals) == {"USD", "ZWG"}


def test_what_vendors_owe_is_all_that_anyone_has_or_was_paid(network: dict[str, Items]) -> None:
    for totals in audited(network).totals.values():
        assert totals.vendors_owe == (
            totals.owed_to_affiliates + totals.network_fees + totals.in_payout + totals.paid_out
        )


def test_the_auditor_shares_no_code_with_the_posting_code() -> None:
    loads = "import sys, linkage_cli.ledger_check; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", loads], capture_output=True, check=True, text=True
    ).stdout.split()
    assert [name for name in loaded if name.startswith((*FORBIDDEN, "linkage.tables"))] == []


def one_digit_in_a_line(n: dict[str, Items]) -> None:
    find(n["ledger"], line="line#", kind="commission")["amount_minor"] += 1


def a_line_dropped(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="line#", kind="clawback"))


def a_line_twice(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission")
    n["ledger"].append(line | {"line": line["line"].replace("#USD", "2#USD")})


def a_balance_changed(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#", account="affiliate:mem_tendai")["balance_minor"] += 100


def a_balance_removed(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="balance#ZWG"))


def a_due_date_moved_in_a_balance(n: dict[str, Items]) -> None:
    balance = find(n["ledger"], account="affiliate:mem_architect", line="balance#USD")
    due = next(name for name in balance if name.startswith("due_"))
    balance["due_20200101"] = balance.pop(due)


def a_version_behind(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#")["version"] -= 1


def a_line_due_too_early(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission")
    line["dues"] = {"2020-01-01": line["amount_minor"]}
    balance = find(n["ledger"], account=line["account"], line=f"balance#{line['currency']}")
    balance["due_20200101"] = line["amount_minor"]


def dues_that_do_not_add_up(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="payout")
    line["dues"] = {due: amount - 1 for due, amount in line["dues"].items()}


def a_head_removed(n: dict[str, Items]) -> None:
    fact = find(n["conversions"], external_id="nobody")["conversion_id"]
    n["ledger"].remove(find(n["ledger"], transaction_id=f"{fact}/confirmation", line="head"))


def head_with_overrides(n: dict[str, Items]) -> dict[str, Any]:
    return next(item for item in n["ledger"] if len(item.get("postings", ())) > 2)


def a_posting_of_nothing(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][0]["amount_minor"] = 0


def a_posting_to_itself(n: dict[str, Items]) -> None:
    posting = find(n["ledger"], line="head", kind="settlement")["postings"][0]
    posting["target"] = posting["source"]


def another_currency_in_a_posting(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][1]["currency"] = "ZAR"


def a_transaction_of_two_vendors(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][1]["source"] = "vendor:mem_x"


def a_commission_and_all_it_made_one_cent_higher(n: dict[str, Items]) -> None:
    head = head_with_overrides(n)
    posting = head["postings"][0]
    line = find(
        n["ledger"],
        line="line#",
        transaction_id=head["transaction_id"],
        account=posting["target"],
    )
    posting["amount_minor"] += 1
    line["amount_minor"] += 1
    line["parts"][0]["amount_minor"] += 1
    due = next(iter(line["dues"]))
    line["dues"][due] += 1
    balance = find(n["ledger"], account=posting["target"], line=f"balance#{line['currency']}")
    balance["balance_minor"] += 1
    bucket = f"due_{due.replace('-', '')}"
    balance[bucket] = balance.get(bucket, 0) + 1


def a_head_without_its_fact(n: dict[str, Items]) -> None:
    conversion_id = find(n["conversions"], external_id="nobody")["conversion_id"]
    n["conversions"][:] = [
        item for item in n["conversions"] if item["conversion_id"] != conversion_id
    ]


def a_fact_never_posted(n: dict[str, Items]) -> None:
    del find(n["conversions"], unposted="unposted#")["unposted"]


def a_fact_posted_but_still_marked(n: dict[str, Items]) -> None:
    conversion_id = find(n["conversions"], external_id="nobody")["conversion_id"]
    fact = find(n["conversions"], conversion_id=conversion_id, fact="confirmation")
    fact["unposted"] = "unposted#0"


def terms_changed_after_the_fact(n: dict[str, Items]) -> None:
    program = find(n["programs"], program_id="prg_tools", version="v000001")
    program["rewards"] = program["rewards"].replace("500", "501")


def settings_changed_after_the_fact(n: dict[str, Items]) -> None:
    settings = find(n["settings"], version="v000001")
    settings["settings"] = settings["settings"].replace("2000", "2100")


def a_version_of_the_terms_lost(n: dict[str, Items]) -> None:
    n["programs"].remove(find(n["programs"], program_id="prg_builder", version="v000001"))


def a_refund_chain_broken(n: dict[str, Items]) -> None:
    refunds = [item for item in n["conversions"] if item["fact"].startswith("refund#")]
    max(refunds, key=lambda item: item["refunded_before_minor"])["refunded_before_minor"] -= 1


def more_refunded_than_the_refunds_say(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="bricks")["refunded_minor"] -= 1


def a_refund_that_should_have_posted(n: dict[str, Items]) -> None:
    find(n["conversions"], fact="refund#", posts=True)["posts"] = False


def a_status_without_its_fact(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="pending")["status"] = "confirmed"


def a_rejection_lost(n: dict[str, Items]) -> None:
    n["conversions"].remove(find(n["conversions"], fact="rejection"))


def attribution_given_to_another(n: dict[str, Items]) -> None:
    report = find(n["conversions"], external_id="pending")
    report["attribution"] = report["attribution"].replace(
        '"affiliate_id":"mem_tendai"', '"affiliate_id":"mem_thief"', 1
    )


def a_payout_doubled(n: dict[str, Items]) -> None:
    payout = find(n["payouts"], item="payout#", status="paid")
    n["payouts"].append(payout | {"payout_id": "pay_again", "item": "payout#pay_again"})


def a_payout_raised(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="debited")["amount_minor"] += 1


def a_payout_paid_without_settlement(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="debited")["status"] = "paid"


def a_payout_both_paid_and_failed(n: dict[str, Items]) -> None:
    settled = find(n["ledger"], line="head", kind="settlement")
    failed = settled["transaction_id"].replace("/paid", "/failed")
    n["ledger"].append(settled | {"transaction_id": failed, "account": f"transaction:{failed}"})


def a_settlement_lost(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="head", kind="settlement"))


def a_batch_that_counts_wrong(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_first")["payout_count"] += 1


def a_batch_with_another_total(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["total_minor"] -= 1


def a_payout_after_its_cutoff(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["cutoff"] = "2020-01-01"


def a_batch_settled_too_early(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["status"] = "settled"


def a_commission_removed_after_it_was_paid(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission", account="affiliate:mem_orphan")
    n["ledger"].remove(line)


def a_number_that_is_not_whole(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#")["balance_minor"] = 1.5


def something_that_is_no_ledger_item(n: dict[str, Items]) -> None:
    n["ledger"].append({"account": "transaction:x", "line": "note"})


CORRUPTIONS = [
    (one_digit_in_a_line, {"I1", "I2"}),
    (a_line_dropped, {"I1", "I2"}),
    (a_line_twice, {"I1", "I2"}),
    (a_balance_changed, {"I2"}),
    (a_balance_removed, {"I2"}),
    (a_due_date_moved_in_a_balance, {"I2"}),
    (a_version_behind, {"I2"}),
    (a_line_due_too_early, {"I11"}),
    (dues_that_do_not_add_up, {"I2"}),
    (a_head_removed, {"I4"}),
    (a_posting_of_nothing, {"I1", "I14"}),
    (a_posting_to_itself, {"I1", "I9"}),
    (another_currency_in_a_posting, {"I1"}),
    (a_transaction_of_two_vendors, {"I15", "I20"}),
    (a_commission_and_all_it_made_one_cent_higher, {"I14", "I20"}),
    (a_head_without_its_fact, {"I5"}),
    (a_fact_never_posted, {"I4"}),
    (a_fact_posted_but_still_marked, {"I4"}),
    (terms_changed_after_the_fact, {"I20"}),
    (settings_changed_after_the_fact, {"I20"}),
    (a_version_of_the_terms_lost, {"I20"}),
    (a_refund_chain_broken, {"I8"}),
    (more_refunded_than_the_refunds_say, {"I8"}),
    (a_refund_that_should_have_posted, {"I8", "I5"}),
    (a_status_without_its_fact, {"I19"}),
    (a_rejection_lost, {"I19"}),
    (attribution_given_to_another, {"I16"}),
    (a_payout_doubled, {"I9", "I13"}),
    (a_payout_raised, {"I9", "I13"}),
    (a_payout_paid_without_settlement, {"I12", "I9"}),
    (a_payout_both_paid_and_failed, {"I12"}),
    (a_settlement_lost, {"I12", "I9"}),
    (a_batch_that_counts_wrong, {"I13"}),
    (a_batch_with_another_total, {"I13"}),
    (a_payout_after_its_cutoff, {"I11"}),
    (a_batch_settled_too_early, {"I12"}),
    (a_commission_removed_after_it_was_paid, {"I10"}),
    (a_number_that_is_not_whole, {"I1"}),
    (something_that_is_no_ledger_item, {"I1"}),
]


def _name(case: object) -> str:
    return getattr(case, "__name__", "").replace("_", " ")


@pytest.mark.parametrize(("corrupt", "invariants"), CORRUPTIONS, ids=_name)
def test_the_auditor_names(
    network: dict[str, Items],
    corrupt: Callable[[dict[str, Items]], None],
    invariants: set[str],
) -> None:
    corrupt(network)
    named = {finding.invariant for finding in audited(network).findings}
    assert invariants <= named


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every number in a nested value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers_in(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers_in(inner, (*path, index))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path


def raised(item: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """A copy of an item with one of its numbers one higher."""
    changed = copy.deepcopy(item)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] += 1
    return changed


# What a head keeps for explanations and for its refunds is computed anew from the facts instead.
KEPT_FOR_THE_STORY = {
    "commission",
    "program_version",
    "settings_version",
    "refunded_before_minor",
    "refunded_after_minor",
}


def test_one_more_in_any_number_of_the_ledger_is_found(network: dict[str, Items]) -> None:
    missed = [
        (item["account"], item["line"], path)
        for item in network["ledger"]
        for path in numbers_in(item)
        if not (item["line"] == "head" and path[0] in KEPT_FOR_THE_STORY)
        if not audited(
            network
            | {
                "ledger": [
                    raised(each, path) if each is item else each for each in network["ledger"]
                ]
            }
        ).findings
    ]
    assert missed == []


@pytest.mark.parametrize("noun", ["ledger", "payouts"])
def test_any_item_that_is_missing_is_found(network: dict[str, Items], noun: str) -> None:
    missed = [
        item
        for item in network[noun]
        if not audited(
            network | {noun: [each for each in network[noun] if each is not item]}
        ).findings
    ]
    assert missed == []


def test_a_fact_not_posted_is_in_flight_for_fifteen_minutes_and_a_finding_after(
    network: dict[str, Items],
) -> None:
    accepted = datetime.fromisoformat(find(network["conversions"], unposted="un")["accepted_at"])
    assert audited(network, accepted + timedelta(minutes=15)).findings == ()
    (late,) = audited(network, accepted + timedelta(minutes=16)).findings
    assert late.invariant == "I4"
    assert "16 minutes" in late.sentence


@pytest.fixture
def tables(wire: dict[str, Items], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    keys = {
        "conversions": ("conversion_id", "fact"),
        "ledger": ("account", "line"),
        "payouts": ("batch_id", "item"),
        "programs": ("program_id", "version"),
        "settings": ("version",),
    }
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        for noun, names in keys.items():
            dynamodb.create_table(
                TableName=noun,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
                ],
            )
            for item in wire[noun]:
                dynamodb.put_item(TableName=noun, Item=item)
        yield Tables(dynamodb, {noun: noun for noun in keys})


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


@pytest.fixture
def stack(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Tables:
    outputs = {f"{noun.capitalize()}TableName": noun for noun in ledger_check.NOUNS}
    standin_stacks(monkeypatch, {"Linkage-dev": outputs})
    return tables


def run(*arguments: str) -> Any:
    return CliRunner().invoke(ledger_check.app, ["check", *arguments])


@pytest.mark.usefixtures("stack")
def test_the_command_exits_0_with_a_summary() -> None:
    result = run("--stage", "dev")
    assert result.exit_code == 0, result.output
    assert "32 transactions" in result.output
    assert "In flight: 1 fact" in result.output
    assert "USD, in minor units: affiliates are owed" in result.output


def test_the_command_exits_1_and_says_how_wrong_the_ledger_is_to_the_alarm(
    stack: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_check, "PAUSE_S", 0)
    stack.dynamodb.put_item(TableName="ledger", Item={"account": {"S": "x"}, "line": {"S": "y"}})
    result = run("--stage", "dev", "--publish-metric")
    assert result.exit_code == 1
    assert "I1 x y: cannot be read" in result.output
    (metric,) = boto3.client("cloudwatch").list_metrics(Namespace="Linkage")["Metrics"]
    assert metric["MetricName"] == "LedgerOutOfBalance"


@pytest.mark.usefixtures("stack")
def test_a_stack_that_is_not_there_is_named_with_what_to_do() -> None:
    result = run("--stage", "prod")
    assert result.exit_code == 1
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
