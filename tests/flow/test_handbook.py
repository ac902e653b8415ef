"""Every command of the operator's handbook that can run here is run, as it stands there."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.people.api_keys import key_id_in
from linkage_cli.local.local_network import LocalNetwork
from tests.docs.markdown import ROOT, blocks
from tests.flow.client import Api, Member, World
from tests.flow.conftest import new_operator_key

HANDBOOK = (ROOT / "docs" / "operating.md").read_text()
NOT_HERE = {
    "aws ": "needs AWS and its command line; what those of Restoring say does "
    "tests/flow_units/payouts/test_restoring_by_the_handbook.py",
    "npx cdk ": "needs an AWS account; the same CDK deploys the same app to the emulator before "
    "every flow test",
    "make synth": "tests/infra synthesises every stage",
    "make edge": "builds one layer more; tests/infra/test_edge.py synthesises with it",
    ".venv/bin/linkage edge publish": "no CloudFront here; tests/cli/clicks/test_edge.py",
}
"""What cannot run here, by what it begins with, and why or what runs it instead."""


def commands_of(text: str) -> Iterator[str]:
    """The commands of the shell blocks, each whole: also over lines, within quotes or not."""
    for block in blocks(text, "sh"):
        command = ""
        for line in block.splitlines():
            command += ("\n" if command else "") + line.strip()
            if command.count("'") % 2 == 0 and not line.endswith("\\"):
                yield command
                command = ""


class Pasting:
    """One bash after the other, in a folder like the clone, and what is still to be run."""

    def __init__(self, folder: Path, network: LocalNetwork, currency: str) -> None:
        # Each test has a currency to itself, and the handbook's is the tutorial's.
        self._folder, self._network, self._currency = folder, network, currency
        (folder / ".venv").symlink_to(ROOT / ".venv")
        runs_here = [
            command
            for command in dict.fromkeys(commands_of(HANDBOOK))
            if not command.startswith(tuple(NOT_HERE))
        ]
        self.left = runs_here

    def run(self, fragment: str, filled: dict[str, str] | None = None, **named: str) -> str:
        """Runs the one command that has this in it, with what … stands for; what it printed."""
        (command,) = (each for each in self.left if fragment in each)
        self.left.remove(command)
        for placeholder, value in (filled or {}).items():
            assert placeholder in command
            command = command.replace(placeholder, value, 1)
        script = self._folder / "paste.sh"
        # curl without -f would end well whatever it is answered.
        script.write_text(
            'curl() { command curl -sS --fail-with-body "$@"; }\n'
            + command.replace("--stage prod", "--stage local").replace("USD", self._currency)
        )
        done = subprocess.run(
            ["bash", "-e", script],
            cwd=self._folder,
            env={**self._environment(), **named},
            input="y\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "API": self._network.api_url}


def bearer(key: str) -> str:
    return f"Authorization: Bearer {key}"


@pytest.fixture
def settings(api: Api) -> Iterator[dict[str, Any]]:
    """The network's settings, which the handbook's example replaces, for a while."""
    before = api.ok("GET", "/v1/network")
    before.pop("version")
    yield before
    if api.ok("GET", "/v1/network")["four_eyes"]:
        off = ["network", "four-eyes", "off", "--stage", "local", "--why", "The test failed."]
        subprocess.run([ROOT / ".venv" / "bin" / "linkage", *off], check=True)
    api.ok("PUT", "/v1/network", before)


def sold(world: World, vendor: Member, program_id: str, affiliate: Member) -> str:
    """A confirmed sale that earned the affiliate 50.00."""
    sale = world.sale(program_id, 100_000, affiliate_id=affiliate.id)
    conversion_id: str = world.report(vendor, sale)["id"]
    world.confirm(vendor, conversion_id)
    return conversion_id


@pytest.mark.usefixtures("settings")
def test_the_handbook_can_be_followed(world: World, network: LocalNetwork, tmp_path: Path) -> None:
    pasting, today = Pasting(tmp_path, network, world.currency), clock.day(clock.now()).isoformat()
    rudo = pasting.run("create operator --stage prod --person Rudo").splitlines()[-1]
    zuva = pasting.run("--person Zuva").splitlines()[-1]
    unnamed = key_id_in(new_operator_key(network), "local")
    pasting.run("keys name", {"key_…": unnamed or ""})
    as_rudo = {"OPERATOR": bearer(rudo), "OPERATOR_KEY": rudo}

    vendor, affiliates = world.vendor(), [world.affiliate() for _ in range(3)]
    program_id = world.program(vendor, lateness_days=365)
    conversions = [sold(world, vendor, program_id, each) for each in affiliates]
    for each in affiliates:
        world.wait_for_balance(each, 5_000)

    _what_is_held(pasting, world, as_rudo)
    _month_end(pasting, world, as_rudo, affiliates, today)
    _looking(pasting, as_rudo, conversions[0], today)
    _importing(pasting, tmp_path, as_rudo, vendor, program_id)
    _four_eyes(pasting, world, as_rudo, zuva, affiliates[0])
    assert pasting.left == []


def _what_is_held(pasting: Pasting, world: World, as_rudo: dict[str, str]) -> None:
    unknown = world.vendor()
    limit = {"confirmed_max_minor": {world.currency: 1}}
    world.api.ok("PATCH", f"/v1/members/{unknown.id}", limit)
    program_id = world.program(unknown)
    held = sold(world, unknown, program_id, world.affiliate())
    assert held in pasting.run("held=true", **as_rudo)
    pasting.run("$CONVERSION/release", CONVERSION=held, **as_rudo)


def _month_end(
    pasting: Pasting,
    world: World,
    as_rudo: dict[str, str],
    affiliates: list[Member],
    today: str,
) -> None:
    planned = pasting.run("Idempotency-Key: usd-2026-11", {"2026-11-30": today}, **as_rudo)
    batch_id = json.loads(planned)["id"]
    named = {"BATCH": batch_id, **as_rudo}
    batch = world.wait_for_batch(batch_id, "planned")
    ours = {each.id for each in affiliates}
    payouts = [each["id"] for each in batch["payouts"] if each["affiliate_id"] in ours]
    others = [each["id"] for each in batch["payouts"] if each["affiliate_id"] not in ours]
    assert len(payouts) == 3
    pasting.run('"$API/v1/payout-batches/$BATCH"', **named)
    pasting.run("ledger check --stage prod")
    for word in ("/hold", "/release", "/removal"):
        pasting.run(f"payouts/$PAYOUT{word}", PAYOUT=payouts[0], **named)
    pasting.run("$BATCH/approval", **named)
    world.wait_for_batch(batch_id, "exported")
    assert json.loads(pasting.run("$BATCH/file", **named))["url"]
    results = {
        'pay_…", "status": "paid"': f'{payouts[1]}", "status": "paid"',
        'pay_…", "status": "failed"': f'{payouts[2]}", "status": "failed"',
    }
    pasting.run("wrong number", results, **named)
    for each in others:
        paid = {"results": [{"payout_id": each, "status": "paid"}]}
        world.api.ok("POST", f"/v1/payout-batches/{batch_id}/results", paid)
    world.wait_for_batch(batch_id, "settled")
    pasting.run("fair-2026-rudo", {"mem_…": affiliates[0].id}, **as_rudo)
    assert "is settled" in pasting.run("payouts rebook", BATCH=batch_id)
    pasting.run('[{"payout_id": "pay_…", "status": "paid"}]', {"pay_…": payouts[1]}, **named)
    again = json.loads(pasting.run('-d \'{"currency": "USD"}\'', **as_rudo))["id"]
    world.wait_for_batch(again, "planned")
    pasting.run("$BATCH/cancellation", **{**as_rudo, "BATCH": again})


def _looking(pasting: Pasting, as_rudo: dict[str, str], conversion_id: str, today: str) -> None:
    assert "member.created" in pasting.run("/v1/audit?day=", {"2026-12-01": today}, **as_rudo)
    pasting.run("audit list --stage prod --subject network")
    assert "Story:" in pasting.run("explain cnv_… --stage prod --replay", {"cnv_…": conversion_id})
    assert "Story:" in pasting.run("explain cnv_… --stage prod", {"cnv_…": conversion_id})
    assert "are right" in pasting.run("--stage prod --repair")
    assert "are right" in pasting.run("clicks recount")


def _importing(
    pasting: Pasting, folder: Path, as_rudo: dict[str, str], vendor: Member, program_id: str
) -> None:
    orders = folder / "orders.csv"
    orders.write_text("order_id,customer_id,amount_usd\n1,ann,5.00\n")
    filled = {"prg_…": program_id}
    assert "1 new" in pasting.run("--id-column", filled, VENDOR_KEY=vendor.key)
    orders.write_text("order_id,customer_id,amount_usd,ordered_on\n2,ann,5.00,2026-11-20\n")
    filled |= {"mem_…": vendor.id}
    assert "1 new" in pasting.run("--date-column ordered_on", filled, **as_rudo)


def _four_eyes(
    pasting: Pasting, world: World, as_rudo: dict[str, str], zuva: str, affiliate: Member
) -> None:
    pasting.run('"four_eyes": true', **as_rudo)

    def proposed(minor: int) -> str:
        """An adjustment that Rudo asked for and somebody else has to approve."""
        body = {
            "affiliate_id": affiliate.id,
            "currency": world.currency,
            "amount_minor": minor,
            "reason": "For your stand.",
        }
        once = {"Idempotency-Key": f"stand-{minor}"}
        key = as_rudo["OPERATOR_KEY"]
        asked = world.api.ok("POST", "/v1/adjustments", body, key=key, headers=once)
        return str(asked["proposal"]["id"])

    one, other = proposed(100), proposed(200)
    assert one in pasting.run('"$API/v1/proposals"', **as_rudo)
    pasting.run("$PROPOSAL/approval", PROPOSAL=one, OPERATOR=bearer(zuva))
    pasting.run("$PROPOSAL/withdrawal", PROPOSAL=other, **as_rudo)
    assert "Four eyes are off" in pasting.run("four-eyes off")


def test_what_cannot_run_here_is_in_the_handbook() -> None:
    everything = list(commands_of(HANDBOOK))
    for beginning in NOT_HERE:
        assert any(command.startswith(beginning) for command in everything), beginning
