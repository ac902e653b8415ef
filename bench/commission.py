"""What the pure computation of a 3-tier sale costs, as a ratio to one GetItem of an SDK.

Both are timed in turn within one run, the GetItem by boto3 against the emulator on this machine.
Prints a table, and the same as one line of JSON.
"""

import gc
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from linkage.domain.commissions.ledger_transactions import confirmation_transaction
from linkage.domain.conversions.attribution import Attribution
from linkage.domain.conversions.conversions import Confirmation, Conversion
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward
from linkage_cli.local.emulator import free_port, running_emulator
from linkage_cli.local.local_aws import local_aws

ROUNDS, COMPUTATIONS, READS = 25, 200, 40
TABLE = "bench"

SETTINGS = NetworkSettings(version=1, level_rates_bps=(1000, 500, 250), network_fee_bps=2000)
PROGRAM = Program(
    program_id="prg_1",
    version=1,
    vendor_id="mem_shop",
    name="Tools",
    destination_url="https://shop.example/",
    rewards=(Reward("sale", rate_bps=500),),
    window_days=30,
    hold_days=30,
    confirmation="on_report",
    introducer_rate_bps=200,
    created_at="2026-01-01T00:00:00.000Z",
)
CONVERSION = Conversion(
    conversion_id="cnv_1",
    vendor_id="mem_shop",
    program_id="prg_1",
    program_version=1,
    settings_version=1,
    event="sale",
    external_id="order-1",
    amount_minor=25_030,
    currency="USD",
    occurred_at="2026-11-21T09:12:00.000Z",
    reported_at="2026-11-21T09:12:00.000Z",
    fingerprint="0",
    attribution=Attribution("mem_tendai", "named", None),
    status="confirmed",
)
CONFIRMATION = Confirmation(
    conversion_id="cnv_1",
    fact="report",
    accepted_at="2026-11-21T09:12:00.000Z",
    sequence=0,
    refunded_before_minor=0,
    seen=Seen(
        Standing("mem_tendai", "approved"),
        tuple(Standing(f"mem_{name}", "approved") for name in ("one", "two", "three")),
    ),
)


def main() -> None:
    """Runs the rounds and prints what they took."""
    postings = compute()
    assert len(postings) == 5, "a commission, a fee and three overrides"
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with (
            local_aws(port),
            running_emulator(port, Path(folder) / "emulator.log", enforce_roles=False),
        ):
            rounds = measured(reader())
    show(rounds)


def compute() -> tuple[Any, ...]:
    """What a confirmed sale posts: the reward, the levels, the fee, the lines and every why."""
    return confirmation_transaction(CONVERSION, CONFIRMATION, PROGRAM, SETTINGS).postings


def reader() -> Callable[[], Any]:
    """One consistent GetItem of an item of a few hundred bytes, over a connection kept alive."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    key = {"id": {"S": "1"}}
    dynamodb.put_item(TableName=TABLE, Item=key | {"text": {"S": "x" * 300}})
    return lambda: dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]


def measured(read: Callable[[], Any]) -> list[tuple[float, float]]:
    """Microseconds of one computation and of one read, for each round; the first warms up."""
    rounds = []
    for _ in range(ROUNDS + 1):
        gc.collect()
        rounds.append((per_call_us(compute, COMPUTATIONS), per_call_us(read, READS)))
    return rounds[1:]


def per_call_us(call: Callable[[], Any], times: int) -> float:
    """The mean time of a call."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times * 1e6


def show(rounds: list[tuple[float, float]]) -> None:
    """Prints medians and spreads over the rounds."""
    series = {
        "computation_us": [compute_us for compute_us, _ in rounds],
        "get_item_us": [read_us for _, read_us in rounds],
        "ratio": [compute_us / read_us for compute_us, read_us in rounds],
    }
    figures = {
        name: {
            "median": round(statistics.median(values), 4),
            "lowest": round(min(values), 4),
            "highest": round(max(values), 4),
        }
        for name, values in series.items()
    }
    print(f"{'':16} {'median':>10} {'lowest':>10} {'highest':>10}")
    for name, each in figures.items():
        print(f"{name:16} {each['median']:>10} {each['lowest']:>10} {each['highest']:>10}")
    python = platform.python_version()
    print(json.dumps({"rounds": ROUNDS, "python": python, "figures": figures}))


if __name__ == "__main__":
    main()
