"""What one conversion costs in calls and write units, from its report to the ledger.

100 sales are reported and then posted by one stream batch through functions/compute_commissions, on
a stand-in for DynamoDB in memory. Counted are the calls made and, by the documented sizes of items,
the units their writes take: 1 KB of an item is one unit, two within a transaction; what an index
takes is counted apart, at the plain price. Prints a table, and the same as one line of JSON.
"""

import importlib.util
import json
import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
    "POWERTOOLS_METRICS_NAMESPACE": "bench",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "STAGE": "local",
    "HASH_SECRET": "a secret for the bench",
}

from tests.aws_tables import TABLES  # before any table is imported: they need its names

os.environ |= {f"{noun.upper()}_TABLE": noun for noun in TABLES}

from botocore.client import BaseClient

from linkage.customers import Customer
from linkage.flow import recording
from linkage.members import Member
from linkage.network import NetworkSettings
from linkage.programs import Program, Reward, Step, Thresholds
from linkage.requests import Report
from linkage.tables.members import put_member
from linkage.tables.programs import publish_program
from linkage.tables.settings import publish_settings
from tests.faults.standin import Standin

FACTS = 100
HANDLER = Path(__file__).parents[1] / "functions" / "compute_commissions" / "handler.py"
KB = 1024

PLAIN = Program(
    program_id="prg_plain",
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
STEPS = (Step(0, 50_000, rate_bps=300), Step(50_000, None, rate_bps=500))
CAPPED = replace(
    PLAIN,
    program_id="prg_capped",
    rewards=(
        Reward(
            "sale",
            currency="USD",
            name="monthly",
            thresholds=Thresholds("volume", "month", STEPS),
            max_minor=900,
            period="month",
            period_max_minor=500_000,
        ),
    ),
)
PROGRAMS = {"plain": PLAIN, "thresholds and caps": CAPPED}


@dataclass
class Counted:
    """Calls by operation, and the write units of tables and of their indexes."""

    calls: Counter[str] = field(default_factory=Counter)
    table_units: int = 0
    index_units: int = 0

    def per_fact(self) -> dict[str, Any]:
        """Everything divided by the number of facts."""
        return {
            "calls": sum(self.calls.values()) / FACTS,
            "write_units": self.table_units / FACTS,
            "index_write_units": self.index_units / FACTS,
            "by_operation": {name: count / FACTS for name, count in sorted(self.calls.items())},
        }


def main() -> None:
    """Counts each program's report and posting, and prints them."""
    handler = loaded_handler()
    figures = {name: one_program(program, handler) for name, program in PROGRAMS.items()}
    print(f"{'per conversion':30} {'calls':>7} {'write units':>12} {'of indexes':>11}")
    for name, phases in figures.items():
        for phase, each in phases.items():
            print(
                f"{f'{name}, {phase}':30} {each['calls']:>7.2f} {each['write_units']:>12.2f}"
                f" {each['index_write_units']:>11.2f}"
            )
    print(json.dumps({"facts": FACTS, "figures": figures}))


def one_program(program: Program, handler: ModuleType) -> dict[str, dict[str, Any]]:
    """The figures of accepting 100 sales, and of posting them by one batch."""
    with Standin().serving():
        make_network(program)
        with counting() as accepted:
            keys = [reported(program, number) for number in range(FACTS)]
        # What it says of its metrics is not what is measured here.
        with (
            counting() as posted,
            redirect_stdout(StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            answer = handler.handler({"Records": [record(key) for key in keys]}, Context())
        assert answer == {"batchItemFailures": []}
    return {"accepted": accepted.per_fact(), "posted": posted.per_fact()}


def make_network(program: Program) -> None:
    """A vendor, an affiliate with an upline of three, and the terms."""
    publish_settings(NetworkSettings(version=1, level_rates_bps=(1000, 500, 250)))
    names = ["mem_tendai", "mem_one", "mem_two", "mem_three"]
    for at, name in enumerate(names):
        put_member(member(name, "affiliate", tuple(names[at + 1 :])))
    put_member(member("mem_shop", "vendor", ()))
    publish_program(program)


def member(member_id: str, role: str, upline: tuple[str, ...]) -> Member:
    """An approved member."""
    return Member(
        member_id=member_id,
        name=member_id,
        roles=(role,),
        status="approved",
        created_at="2026-01-01T00:00:00.000Z",
        sponsor_id=upline[0] if upline else None,
        upline=upline,
    )


def reported(program: Program, number: int) -> dict[str, str]:
    """Reports one sale of a new customer; the key of its fact."""
    conversion, _ = recording.report(
        Report(
            vendor_id=program.vendor_id,
            program_id=program.program_id,
            event="sale",
            external_id=f"order-{number}",
            amount_minor=25_030,
            currency="USD",
            fingerprint=f"{number:064d}",
            click_id=None,
            affiliate_id="mem_tendai",
            customer=Customer(phone=f"+26377{number:07d}"),
            metadata={},
        )
    )
    return {"conversion_id": conversion.conversion_id, "fact": "report"}


def record(key: Mapping[str, str]) -> dict[str, Any]:
    """A fact's arrival as the stream tells it."""
    return {
        "eventID": key["conversion_id"],
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {name: {"S": value} for name, value in key.items()},
            "SequenceNumber": key["conversion_id"],
        },
    }


class Context:
    """What Lambda tells a function of its invocation."""

    function_name = "compute_commissions"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "bench"


def loaded_handler() -> ModuleType:
    """The module of the function's folder."""
    spec = importlib.util.spec_from_file_location("handler", HANDLER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- counting


@contextmanager
def counting() -> Iterator[Counted]:
    """Counts what every SDK client does while it lasts."""
    counted, real = Counted(), BaseClient._make_api_call

    def call(client: Any, operation: str, request: dict[str, Any]) -> Any:
        counted.calls[operation] += 1
        writes = list(written(operation, request))
        before = [stored(client, *write) for write in writes]
        answer = real(client, operation, request)
        factor = 2 if operation == "TransactWriteItems" else 1
        for (table, key), was in zip(writes, before, strict=True):
            now = stored(client, table, key)
            counted.table_units += factor * units(max(size(was), size(now)))
            counted.index_units += sum(index_units(table, was, now))
        return answer

    def stored(client: Any, table: str, key: dict[str, Any]) -> dict[str, Any]:
        request = {"TableName": table, "Key": key, "ConsistentRead": True}
        item: dict[str, Any] = real(client, "GetItem", request).get("Item", {})
        return item

    with patch.object(BaseClient, "_make_api_call", call):
        yield counted


def written(operation: str, request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The table and the key of each item a call writes or only checks: both cost the same."""
    operations = [request] if operation in {"PutItem", "UpdateItem"} else []
    for each in request.get("TransactItems", ()):
        operations += each.values()
    for each in operations:
        names = TABLES[each["TableName"]][0]
        source = each["Item"] if "Item" in each else each["Key"]
        yield each["TableName"], {name: source[name] for name in names}


def index_units(table: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[int]:
    """The units each index of a table takes to follow one item."""
    keys, indexes = TABLES[table]
    for _, partition, sort, projection in indexes:
        own = {*keys, partition, sort}
        before, after = (
            {name: value for name, value in item.items() if projection == "ALL" or name in own}
            if {partition, sort} <= item.keys()
            else {}
            for item in (was, now)
        )
        moved = any(before.get(name) != after.get(name) for name in own)
        if before != after:
            # An entry whose key changes is deleted at its old place and put at its new one.
            pieces = [size(before), size(after)] if moved else [max(size(before), size(after))]
            yield sum(units(each) for each in pieces if each)


def units(size_bytes: int) -> int:
    """Write units of a size; even nothing takes one."""
    return max(1, math.ceil(size_bytes / KB))


def size(item: Mapping[str, Any]) -> int:
    """The bytes of an item, as the DynamoDB developer guide counts them."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """The bytes of one value in DynamoDB's form."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + value_size(each) for each in content)
    if kind == "N":
        return 1 + math.ceil(len(content.strip("-").rstrip("0")) / 2)
    return len(content.encode()) if kind == "S" else 1


if __name__ == "__main__":
    main()
