"""What docs/operating.md says under "Restoring" is done, command by command, and mends a network.

The commands are taken from the page in their order. Each is done on the stand-in for AWS, those of
`linkage` by the command line itself; one that is not known here fails the test.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from linkage.flow.payouts import planning
from linkage.tables import payout_batches
from linkage_cli.errors import ExitCode
from linkage_cli.ledger import ledger_check
from linkage_cli.main import app
from tests.aws_tables import TABLES
from tests.cli.standin_stack import standin_stacks
from tests.docs.markdown import ROOT, blocks, commands, section
from tests.domain.examples import operator
from tests.flow_units.network import Network
from tests.flow_units.restoring import exported, missing, refusal_of_a_plan, restore

STEPS = section((ROOT / "docs" / "operating.md").read_text(), "## Restoring")
COMMANDS = [command for block in blocks(STEPS, "sh") for command in commands(block)]


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network in memory, as stage prod."""
    outputs = {f"{noun.capitalize()}TableName": noun for noun in TABLES}
    standin_stacks(monkeypatch, {"Linkage-prod": outputs | {ledger_check.BUCKET: "payout-files"}})
    monkeypatch.setattr(ledger_check, "PAUSE_S", 0)


class Operator:
    """Whoever follows the page, one command after the other."""

    def __init__(self, network: Network) -> None:
        self.network, self.checked, self.done = network, 0, []
        network.report("o-1", 100_000)
        network.deliver_facts()
        network.start_batch("bat_cancelled")
        network.deliver_work()
        self.saved = network.standin.saved()
        planning.cancel("bat_cancelled", operator("key_2"))
        network.deliver_work()
        exported(network, "bat_paid")
        network.settle("bat_paid", ann="paid", spo="failed", top="paid")
        network.report("o-2", 50_000)
        network.deliver_facts()
        network.pass_time(days=1)
        exported(network, "bat_sent")
        self.end = network.balances()

    def follow(self, command: str) -> None:
        """Does one command of the page."""
        acts: dict[str, Callable[[], Any]] = {
            r"aws lambda put-function-concurrency .*\"\$FUNCTION\"": lambda: None,
            r"aws dynamodb restore-table-to-point-in-time ": lambda: None,
            r"aws dynamodb scan .*\| while read -r item; do": lambda: None,
            r"aws dynamodb put-item .*; done": lambda: restore(self.network, self.saved),
            r"aws sqs purge-queue ": self.purge,
            r"aws lambda delete-function-concurrency ": self.network.deliver_facts,
            r"\.venv/bin/linkage ledger check --stage prod": self.check,
            r"\.venv/bin/linkage payouts rebook \"\$BATCH\" --stage prod": self.rebook,
            r"aws s3api list-objects-v2 ": lambda: None,
            r"curl .*/v1/payout-batches/\$BATCH/results\" ": self.results,
            r"curl .*/v1/payout-batches/\$BATCH/cancellation\"": self.cancel,
            r"curl .*/v1/payout-batches\" ": self.plan,
        }
        (act,) = (act for pattern, act in acts.items() if re.match(pattern, command))
        act()
        self.done.append(command)

    def run(self, *arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments, "--stage", "prod"])

    def purge(self) -> None:
        while message := self.network._next_message():
            self.network._forget(message)

    def check(self) -> None:
        self.checked += 1
        said = self.run("ledger", "check")
        assert said.exit_code == (1 if self.checked == 1 else 0), said.output
        found = re.findall(r"^I\d+ \w+", said.output, re.MULTILINE)
        assert found == (["I28 bat_paid", "I28 bat_sent"] if self.checked == 1 else [])
        assert (refusal_of_a_plan(self.network) is None) == (self.checked > 1)
        assert self.checked == 1 or self.cancelled("bat_next")

    def rebook(self) -> None:
        for batch_id in missing():
            said = self.run("payouts", "rebook", batch_id)
            assert said.exit_code == 0, said.output
            assert f"{batch_id} is exported: 3 payouts, " in said.output
            assert "Debited now: 3" in said.output

    def results(self) -> None:
        self.network.settle("bat_paid", ann="paid", spo="failed", top="paid")

    def cancel(self) -> None:
        assert self.cancelled("bat_cancelled")

    def cancelled(self, batch_id: str) -> bool:
        self.network.deliver_work()
        planning.cancel(batch_id, operator("key_2"))
        self.network.deliver_work()
        return payout_batches.get_batch(batch_id).status == "cancelled"

    def plan(self) -> None:
        self.network.report("o-1", 100_000)
        self.network.report("o-2", 50_000)
        self.network.deliver_facts()
        self.network.start_batch("bat_later")
        self.network.deliver_work()


def test_who_follows_the_page_has_the_network_as_it_was(network: Network) -> None:
    operator = Operator(network)
    for command in COMMANDS:
        operator.follow(command)
    assert len(operator.done) == len(COMMANDS) >= 12
    assert network.payout_statuses("bat_later") == {}
    assert network.balances() == operator.end
    assert set(network.payout_statuses("bat_paid").values()) == {"paid", "failed"}
    assert set(network.payout_statuses("bat_sent").values()) == {"sent"}
    assert operator.run("ledger", "check").exit_code == 0


def test_the_five_tables_that_go_together_are_named() -> None:
    assert "Conversions, customers, tallies, ledger and payouts are written together" in STEPS
    told = {
        word
        for row in re.findall(r"^\| ([a-z, ]+) \|", STEPS, re.MULTILINE)
        for word in re.split(r", | or ", row)
    }
    assert told - {"restored alone"} == set(TABLES)


def test_a_batch_that_is_booked_again_already_is_said_to_be(network: Network) -> None:
    operator = Operator(network)
    said = operator.run("payouts", "rebook", "bat_paid")
    assert said.exit_code == 0
    assert "bat_paid is settled: 3 payouts" in said.output
    assert "Debited now: 0" in said.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bat_nowhere",), "There is no such payout file."),
        (("bat_paid", "--cutoff", "21.11.2026"), "bat_paid is settled"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    network: Network, arguments: tuple[str, ...], said: str
) -> None:
    assert said in Operator(network).run("payouts", "rebook", *arguments).output


def test_a_network_has_to_be_named() -> None:
    said = CliRunner().invoke(app, ["payouts", "rebook", "bat_1"])
    assert said.exit_code == ExitCode.refused
    assert "Say which network" in said.output
