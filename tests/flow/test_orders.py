"""Real orders through the importer: the ledger equals a sum of its own, and twice is once.

The orders are those of tests/data/orders.csv. Each customer's first order carries a click of an
affiliate, the later ones only the customer, so that the introducer earns on them.
"""

import csv
import os
import subprocess
import sys
from collections import Counter
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path

import boto3
import pytest

from linkage_cli.ledger_check import NOUNS, Tables, check
from tests.flow.client import wait_for

ORDERS = Path(__file__).parent.parent / "data" / "orders.csv"
RATE, INTRODUCER_RATE, FEE = Decimal("0.05"), Decimal("0.02"), Decimal("0.20")
LEVELS = (Decimal("0.10"), Decimal("0.05"))


def _rounded(amount: Decimal, rounding: str) -> int:
    return int(amount.quantize(Decimal(1), rounding))


def _owed(orders: list[dict[str, str]], affiliate_of: dict[str, str]) -> Counter[str]:
    """What each affiliate, the two levels above, and the network earn: minor units."""
    owed: Counter[str] = Counter()
    seen: set[str] = set()
    for order in orders:
        customer = order["customer_id"]
        rate = INTRODUCER_RATE if customer in seen else RATE
        seen.add(customer)
        direct = _rounded(Decimal(order["amount_usd"]) * 100 * rate, ROUND_HALF_UP)
        owed[affiliate_of[customer]] += direct
        owed["fees"] += _rounded(direct * FEE, ROUND_FLOOR)
        for level, share in zip(("sponsor", "grand"), LEVELS, strict=True):
            owed[level] += _rounded(direct * share, ROUND_FLOOR)
    return owed


def _ledger(outputs) -> list[dict]:
    pages = boto3.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=outputs["LedgerTableName"], ConsistentRead=True)
    return sorted((item for page in found for item in page["Items"]), key=str)


def _fees(ledger: list[dict], currency: str) -> int:
    """What vendors paid in fees: the overrides that came out of them are not taken off."""
    postings = (
        posting["M"]
        for item in ledger
        for posting in item.get("postings", {"L": []})["L"]
        if posting["M"]["kind"]["S"] == "fee" and posting["M"]["currency"]["S"] == currency
    )
    return sum(int(posting["amount_minor"]["N"]) for posting in postings)


def _wait_until_posted(tables: Tables) -> None:
    findings = []

    def right() -> bool:
        findings[:] = check(tables, no_in_flight=True).findings
        return not findings

    try:
        wait_for("all orders to be posted", right, wait_s=300)
    except AssertionError:
        assert findings[:10] == []
        raise


def _imported(world, tmp_path: Path, size: int) -> None:
    with ORDERS.open(newline="") as file:
        orders = list(csv.DictReader(file))[:size]
    sample = tmp_path / "orders.csv"
    with sample.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(orders[0]))
        writer.writeheader()
        writer.writerows(orders)

    grand = world.affiliate()
    sponsor = world.affiliate(sponsor=grand)
    affiliates = [world.affiliate(sponsor=sponsor) for _ in range(3)]
    shop = world.vendor()
    program_id = world.program(shop, confirmation="on_report", introducer_rate_bps=200)
    customers = sorted({order["customer_id"] for order in orders})
    affiliate_of = {c: affiliates[number % 3].id for number, c in enumerate(customers)}
    clicks = {each.id: world.api.click(world.link(each, program_id)) for each in affiliates}
    clicks_file = tmp_path / "clicks.csv"
    with clicks_file.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "click_id"])
        writer.writerows([customer, clicks[affiliate_of[customer]]] for customer in customers)

    def run() -> str:
        command = [sys.executable, "-m", "linkage_cli.main", "orders", "import", str(sample)]
        command += ["--program", program_id, "--currency", world.currency, "--jobs", "12"]
        command += ["--id-column", "order_id", "--customer-column", "customer_id"]
        command += ["--amount-column", "amount_usd", "--clicks", str(clicks_file), "--yes"]
        env = {**os.environ, "LINKAGE_API_URL": world.api.api_url, "LINKAGE_KEY": shop.key}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run()
    names = {noun: world.outputs[f"{noun.title()}TableName"] for noun in NOUNS}
    tables = Tables(boto3.client("dynamodb"), names)
    _wait_until_posted(tables)
    ledger, owed = _ledger(world.outputs), _owed(orders, affiliate_of)
    assert {each.id: world.balance(each) for each in affiliates} == {
        each.id: owed[each.id] for each in affiliates
    }
    assert (world.balance(sponsor), world.balance(grand)) == (owed["sponsor"], owed["grand"])
    assert _fees(ledger, world.currency) == owed["fees"]

    again = run()
    assert f"0 new, {len(orders):,} already there, 0 failed" in again
    assert _ledger(world.outputs) == ledger


def test_five_hundred_real_orders_equal_an_independent_sum(world, tmp_path: Path) -> None:
    _imported(world, tmp_path, 500)


@pytest.mark.orders
def test_all_real_orders_equal_an_independent_sum(world, tmp_path: Path) -> None:
    _imported(world, tmp_path, 10_000)
