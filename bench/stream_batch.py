"""What one 3-tier conversion costs in calls and units, from its report to the ledger.

100 sales are reported and then posted by one stream batch through functions/compute_commissions, on
a stand-in for DynamoDB in memory, once for each way of telling whose the sale is. The ids are as
long as real ones. Counted are the calls made, and the units they cost (tests/counted_units.py).
Prints a table, the bytes of each item that was written, and all of it as one line of JSON.
"""

import json
import os
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from types import ModuleType
from typing import Any

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
    "ID_SECRET": "a secret of ids for the bench",
}

from tests.aws_tables import TABLES  # before any table is imported: they need its names

os.environ |= {f"{noun.upper()}_TABLE": noun for noun in TABLES}

from linkage.domain import clock
from linkage.domain.conversions.requests import Report
from linkage.domain.ids import computed, fingerprint
from linkage.domain.people.customers import Customer
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward, Step, Thresholds
from linkage.flow.conversions import recording
from linkage.tables.dynamodb import transactions
from linkage.tables.members import put_member
from linkage.tables.programs import publish_program
from linkage.tables.settings import publish_settings
from tests.counted_units import Counted, counting, size, value_size
from tests.faults.standin import Standin
from tests.handlers import load_handler

FACTS = 100

KEY = computed("key", "shop")
SHOP, AFFILIATE, SPONSOR, ABOVE = (
    computed("mem", name) for name in ("shop", "tendai", "sponsor", "above")
)
PLAIN = Program(
    program_id=computed("prg", "plain"),
    version=1,
    vendor_id=SHOP,
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
    program_id=computed("prg", "capped"),
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


@dataclass(frozen=True)
class Way:
    """One way a sale comes: its program, and what the report says of the affiliate and customer."""

    program: Program = PLAIN
    click: bool = False
    customer: bool = False


WAYS = {
    "click": Way(click=True),
    "click, customer": Way(click=True, customer=True),
    "named, customer": Way(customer=True),
    "click, thresholds and caps": Way(CAPPED, click=True),
}


def main() -> None:
    """Counts each way's report and posting, and prints them."""
    handler = load_handler("compute_commissions")
    figures, items, in_all = {}, {}, {}
    print(f"{'per conversion':38} {'calls':>6} {'write':>7} {'index':>6} {'read units':>11}")
    for name, way in WAYS.items():
        phases, items[name] = one_way(way, handler)
        figures[name] = {phase: counted.per(FACTS) for phase, counted in phases.items()}
        units = sum(each.table_units + each.index_units for each in phases.values())
        in_all[name] = units / FACTS
        for phase, each in figures[name].items():
            print(
                f"{f'{name}: {phase}':38} {each['calls']:>6.2f} {each['write_units']:>7.2f}"
                f" {each['index_write_units']:>6.2f} {each['read_units']:>11.2f}"
            )
        print(f"{f'{name}: write units in all':38} {in_all[name]:>14.2f}")
    for name, sizes in items.items():
        for kind, parts in sizes.items():
            print(f"{name}: {kind} has {sum(parts.values())} bytes, {said(parts)}")
    result = {"facts": FACTS, "figures": figures, "write_units_in_all": in_all}
    print(json.dumps(result | {"item_bytes": items}))


def said(parts: Mapping[str, int]) -> str:
    """The four largest attributes of an item, with their names' own bytes."""
    largest = sorted(parts.items(), key=lambda part: -part[1])[:4]
    return ", ".join(f"{name} {part_bytes}" for name, part_bytes in largest)


def one_way(way: Way, handler: ModuleType) -> tuple[dict[str, Counted], dict[str, dict[str, int]]]:
    """What 100 sales cost to accept and to post by one batch; the parts of the largest items."""
    standin = Standin()
    with standin.serving():
        make_network(way.program)
        if way.click:
            put_clicks(way.program)
        with counting() as accepted:
            keys = [reported(way, number) for number in range(FACTS)]
        # What it says of its metrics is not what is measured here.
        with (
            counting() as posted,
            redirect_stdout(StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            answer = handler.handler({"Records": [record(key) for key in keys]}, Context())
        assert answer == {"batchItemFailures": []}
    return {"accepted": accepted, "posted": posted}, largest_items(standin)


def largest_items(standin: Standin) -> dict[str, dict[str, int]]:
    """Of each kind of item the bytes of the largest, by attribute."""
    largest: dict[str, dict[str, Any]] = {}
    for noun in ("conversions", "ledger", "customers", "tallies"):
        for item in standin.tables[noun].items():
            kind = f"{noun} {item.get('line', item.get('fact', {'S': ''}))['S'].split('#')[0]}"
            largest[kind] = max(largest.get(kind, {}), item, key=size)
    return {
        kind.strip(): {name: len(name) + value_size(value) for name, value in item.items()}
        for kind, item in largest.items()
    }


def make_network(program: Program) -> None:
    """A vendor, an affiliate with an upline of two, and the terms."""
    publish_settings(NetworkSettings(version=1, level_rates_bps=(1000, 500)))
    names = [AFFILIATE, SPONSOR, ABOVE]
    for at, name in enumerate(names):
        put_member(member(name, "affiliate", tuple(names[at + 1 :])))
    put_member(member(SHOP, "vendor", ()))
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


def put_clicks(program: Program) -> None:
    """A click for each sale, as the redirect stores it."""
    for number in range(FACTS):
        click = {
            "click_id": click_id(number),
            "code": "abcdefgh",
            "link_id": computed("lnk", "bench"),
            "program_id": program.program_id,
            "vendor_id": SHOP,
            "affiliate_id": AFFILIATE,
            "clicked_at": clock.text(clock.now()),
            "sub": {"sub1": "newsletter-12"},
        }
        transactions.write([transactions.put_new("clicks", click, "click_id")])


def click_id(number: int) -> str:
    """The id of one click, as long as the redirect's."""
    return computed("clk", str(number)) + "abcdef"


def reported(way: Way, number: int) -> dict[str, str]:
    """Reports one sale of a new customer; the key of its fact."""
    conversion, _ = recording.report(
        Report(
            vendor_id=SHOP,
            program_id=way.program.program_id,
            event="sale",
            external_id=f"order-2026-{number:06d}",
            amount_minor=25_030,
            currency="USD",
            fingerprint=fingerprint(number),
            click_id=click_id(number) if way.click else None,
            affiliate_id=None if way.click else AFFILIATE,
            customer=Customer(phone=f"+26377{number:07d}") if way.customer else Customer(),
            metadata={},
            by_key=KEY,
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


if __name__ == "__main__":
    main()
