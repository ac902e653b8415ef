"""Real orders through the importer: the ledger equals a sum of its own, and twice is once.

The orders are those of tests/data/orders.csv, the first of them here and all in `make orders`. Each
customer's first order carries a click of an affiliate, the later ones only the customer, whose
click is remembered.
"""

import csv
import json
import os
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path

import boto3
import pytest

from linkage_cli.ledger.ledger_check import NOUNS, Tables, check, scan
from tests.flow.client import Member, World, wait_for
from tests.flow.order_sums import SETTINGS, TERMS, Moved, Order, Summing

ORDERS = Path(__file__).parent.parent / "data" / "orders.csv"
RATE, FEE = Decimal("0.05"), Decimal("0.20")
LEVELS = (Decimal("0.10"), Decimal("0.05"))


def _rounded(amount: Decimal, rounding: str) -> int:
    return int(amount.quantize(Decimal(1), rounding))


def _owed(orders: list[dict[str, str]], affiliate_of: dict[str, str]) -> Counter[str]:
    """What each affiliate, the two levels above, and the network earn: minor units."""
    owed: Counter[str] = Counter()
    for order in orders:
        direct = _rounded(Decimal(order["amount_usd"]) * 100 * RATE, ROUND_HALF_UP)
        owed[affiliate_of[order["customer_id"]]] += direct
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
    contents = (item["content"]["B"] for item in ledger if "content" in item)
    postings = (
        posting
        for content in contents
        for posting in json.loads(zlib.decompress(content))["postings"]
    )
    return sum(
        posting["amount_minor"]
        for posting in postings
        if (posting["kind"], posting["currency"]) == ("fee", currency)
    )


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


def _orders(size: int) -> list[dict[str, str]]:
    with ORDERS.open(newline="") as file:
        return list(csv.DictReader(file))[:size]


def _written(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _import(world: World, key: str, sample: Path, clicks: Path, *options: str) -> str:
    """What the importer said; it must have had no trouble."""
    command = [sys.executable, "-m", "linkage_cli.main", "orders", "import", str(sample)]
    command += ["--currency", world.currency, "--clicks", str(clicks), "--yes", *options]
    env = {**os.environ, "LINKAGE_API_URL": world.api.api_url, "LINKAGE_KEY": key}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _tables(world: World) -> Tables:
    names = {noun: world.outputs[f"{noun.title()}TableName"] for noun in NOUNS}
    return Tables(boto3.client("dynamodb"), names)


def _imported(world, tmp_path: Path, size: int) -> None:
    orders = _orders(size)
    sample = _written(tmp_path / "orders.csv", orders)

    grand = world.affiliate()
    sponsor = world.affiliate(sponsor=grand)
    affiliates = [world.affiliate(sponsor=sponsor) for _ in range(3)]
    shop = world.vendor()
    program_id = world.program(shop, confirmation="on_report", introducer_rate_bps=200)
    customers = sorted({order["customer_id"] for order in orders})
    affiliate_of = {c: affiliates[number % 3].id for number, c in enumerate(customers)}
    clicks = {each.id: world.api.click(world.link(each, program_id)) for each in affiliates}
    clicks_file = _written(
        tmp_path / "clicks.csv",
        [{"customer_id": c, "click_id": clicks[affiliate_of[c]]} for c in customers],
    )

    def run() -> str:
        columns = ["--id-column", "order_id", "--customer-column", "customer_id"]
        columns += ["--amount-column", "amount_usd"]
        options = [*columns, "--program", program_id, "--jobs", "12"]
        return _import(world, shop.key, sample, clicks_file, *options)

    run()
    tables = _tables(world)
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


@pytest.mark.orders
def test_all_real_orders_equal_an_independent_sum(world, tmp_path: Path) -> None:
    _imported(world, tmp_path, 10_000)


# ---- with their own dates, under thresholds, caps and an introducer

CUSTOMERS_EACH = 50
"""Of one affiliate, so that its months reach each step and each cap."""


@pytest.fixture
def three_levels(world: World) -> Iterator[None]:
    """The network pays three levels of the upline, and goes back to what it paid before."""
    before = world.api.ok("GET", "/v1/network")
    before.pop("version")
    world.api.ok("PUT", "/v1/network", before | SETTINGS)
    yield
    world.api.ok("PUT", "/v1/network", before)


@dataclass(frozen=True)
class Shop:
    """A vendor with one program, the affiliates who refer to it, and whose each customer is."""

    vendor: Member
    program_id: str
    upline: tuple[str, ...]
    affiliates: tuple[Member, ...]
    affiliate_of: Mapping[str, str]


def _shop(world: World, customers: Sequence[str]) -> Shop:
    upline = [world.affiliate()]
    for _ in range(2):
        upline.insert(0, world.affiliate(sponsor=upline[0]))
    count = len(customers) // CUSTOMERS_EACH
    affiliates = [world.affiliate(sponsor=upline[0]) for _ in range(count)]
    vendor = world.vendor()
    rewards = [each | {"currency": world.currency} for each in TERMS["rewards"]]
    return Shop(
        vendor,
        world.program(vendor, **TERMS | {"rewards": rewards}),
        tuple(member.id for member in upline),
        tuple(affiliates),
        {customer: affiliates[at % count].id for at, customer in enumerate(customers)},
    )


def _clicks(world: World, shop: Shop, orders: Sequence[Order], folder: Path) -> Path:
    """A click an hour before each customer's first order, stored as if it had been made then."""
    first = {order["customer_id"]: order["ordered_on"] for order in reversed(orders)}
    table, rows = world.outputs["ClicksTableName"], []
    for customer, ordered_on in first.items():
        clicked_at = datetime.combine(date.fromisoformat(ordered_on), time(12)) - timedelta(hours=1)
        click = {
            "click_id": f"clk_{shop.program_id[4:]}{customer}",
            "code": "of1997",
            "program_id": shop.program_id,
            "vendor_id": shop.vendor.id,
            "affiliate_id": shop.affiliate_of[customer],
            "clicked_at": f"{clicked_at.isoformat()}.000Z",
        }
        item = {name: {"S": value} for name, value in click.items()}
        boto3.client("dynamodb").put_item(TableName=table, Item=item)
        rows.append({"customer_id": customer, "click_id": click["click_id"]})
    return _written(folder / "clicks.csv", rows)


def _accepted(tables: Tables, shop: Shop, orders: Sequence[Order]) -> list[Order]:
    """The orders as their facts were accepted: one after the other for each affiliate."""
    by_id = {order["order_id"]: order for order in orders}
    facts = scan(tables.dynamodb, tables.names["conversions"])
    reports = [
        (fact["accepted_at"], by_id[fact["external_id"]])
        for fact in facts
        if fact["fact"] == "report" and fact["vendor_id"] == shop.vendor.id
    ]
    moments = Counter((at, shop.affiliate_of[order["customer_id"]]) for at, order in reports)
    assert set(moments.values()) == {1}
    return [order for _, order in sorted(reports, key=lambda report: report[0])]


def _posted(tables: Tables, shop: Shop) -> dict[str, Moved]:
    """The postings of each order as the ledger has them."""
    external_ids = {
        fact["conversion_id"]: fact["external_id"]
        for fact in scan(tables.dynamodb, tables.names["conversions"])
        if fact["fact"] == "report" and fact["vendor_id"] == shop.vendor.id
    }
    items = scan(tables.dynamodb, tables.names["ledger"])
    heads = [json.loads(zlib.decompress(item["content"])) for item in items if "content" in item]
    return {
        external_ids[head["conversion_id"]]: frozenset(
            (each["kind"], each["target"], each["amount_minor"]) for each in head["postings"]
        )
        for head in heads
        if head.get("conversion_id") in external_ids
    }


def _imported_with_dates(world: World, tmp_path: Path, size: int) -> None:
    orders = _orders(size)
    shop = _shop(world, sorted({order["customer_id"] for order in orders}))
    clicks = _clicks(world, shop, orders, tmp_path)
    parts: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        parts[shop.affiliate_of[order["customer_id"]]].append(order)

    def run(affiliate_id: str) -> str:
        """One affiliate's orders, one at a time: so their order of acceptance is a fact."""
        sample = _written(tmp_path / f"{affiliate_id}.csv", parts[affiliate_id])
        options = ["--vendor", shop.vendor.id, "--program", shop.program_id, "--jobs", "1"]
        options += ["--date-column", "ordered_on"]
        return _import(world, world.api.operator_key, sample, clicks, *options)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, parts))
    tables = _tables(world)
    _wait_until_posted(tables)

    sums = Summing({member.id: shop.upline for member in shop.affiliates})
    expected = sums.all(_accepted(tables, shop, orders), shop.affiliate_of)
    posted = _posted(tables, shop)
    assert len(posted) == len(orders)
    assert {name: moved for name, moved in posted.items() if moved != expected[name]} == {}
    assert all(sums.happened.values()), sums.happened
    assert {"click", "introducer", "nobody", "rate 300", "rate 500", "rate 800"} <= set(
        sums.happened
    )

    ledger, again = _ledger(world.outputs), run(shop.affiliates[0].id)
    assert "\n0 new, " in again, again
    assert _ledger(world.outputs) == ledger


@pytest.mark.usefixtures("three_levels")
def test_the_first_real_orders_on_their_own_dates_equal_an_independent_sum(
    world, tmp_path: Path
) -> None:
    _imported_with_dates(world, tmp_path, 300)


@pytest.mark.orders
@pytest.mark.usefixtures("three_levels")
def test_all_real_orders_on_their_own_dates_equal_an_independent_sum(world, tmp_path: Path) -> None:
    _imported_with_dates(world, tmp_path, 10_000)
