"""T20 to T27: paying once, to whom it is due, whatever breaks and whoever reads along."""

import re
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from linkage.edge.runtime import logger
from tests.abuse.network import Network
from tests.infra.conftest import build_dir, prod, synthesise  # noqa: F401, a fixture
from tests.infra.synthesis import Synthesised
from tests.threats.shop import KIM, Shop

THIEF = {"type": "mobile_money", "phone": "+263779999999"}


@pytest.fixture
def network(network_of_handlers: Network) -> Network:
    """Whose members are a shop's."""
    return network_of_handlers


def change_method(shop: Shop) -> None:
    path = f"/v1/members/{shop.ids['ann']}"
    shop.ok("olga", "PATCH", path, {"payout_method": THIEF})


@pytest.mark.parametrize("when", ["before planning", "after planning", "after approval"])
def test_t20_money_goes_where_it_went_or_nowhere_whenever_the_account_is_changed(
    shop: Shop, when: str
) -> None:
    shop.report(1)
    if when == "before planning":
        change_method(shop)
    batch_id = shop.plan()
    if when == "after planning":
        change_method(shop)
    if shop.payouts(batch_id):
        shop.ok("pete", "POST", f"/v1/payout-batches/{batch_id}/approval")
    if when == "after approval":
        change_method(shop)
    file = shop.network.export(batch_id).decode()
    assert THIEF["phone"].lstrip("+") not in file
    assert shop.balance() == 1_250
    assert shop.audited().findings == ()


def test_t21_whatever_is_said_again_nobody_is_paid_twice(shop: Shop) -> None:
    shop.report(1)
    shop.network.moment += timedelta(hours=25)
    made = [
        shop.ask("olga", "POST", "/v1/payout-batches", {"currency": "USD"}, "month-1").body["id"]
        for _ in range(3)
    ]
    assert len(set(made)) == 1
    batch_id = made[0]
    shop.network.work()
    other = shop.plan()
    assert shop.payouts(other) == []
    for _ in range(3):
        shop.ask("pete", "POST", f"/v1/payout-batches/{batch_id}/approval")
        shop.network.export(batch_id)
    files = [file for key, file in shop.network.files.items() if batch_id in key]
    assert len(files) == 1
    for _ in range(3):
        shop.say(batch_id, "paid")
    assert shop.audited().totals["USD"].paid_out == 1_250
    assert shop.balance() == 0


WORDS = ("paid", "failed", "returned", "arrived")


@pytest.mark.parametrize("words", permutations(WORDS, 3), ids="-".join)
def test_t22_whatever_the_bank_says_in_whatever_order_money_moves_once_each_time(
    shop: Shop, words: tuple[str, ...]
) -> None:
    shop.report(1)
    batch_id = shop.plan()
    shop.ok("pete", "POST", f"/v1/payout-batches/{batch_id}/approval")
    shop.network.export(batch_id)
    (payout,) = shop.payouts(batch_id)
    for word in words:
        results = {"results": [{"payout_id": payout["id"], "status": word}]}
        for _ in range(2):
            shop.ask("olga", "POST", f"/v1/payout-batches/{batch_id}/results", results)
    (payout,) = shop.payouts(batch_id)
    is_back = payout["status"] in {"failed", "returned"}
    assert shop.balance() == (1_250 if is_back else 0)
    assert shop.audited().findings == ()


ODD_TEXTS = ("\x00", "é" * 255, "\u202e", "=1+1", "'; DROP", "{}", "𝔘" * 100, "\ud7ff")


def test_t23_whatever_is_accepted_is_posted(shop: Shop) -> None:
    number = 0
    for text in ODD_TEXTS:
        for fields in (
            {"external_id": text},
            {"metadata": {"a": text}},
            {"items": [{"amount_minor": 1, "sku": text}]},
            {"customer": {"id": text}},
            {"coupon": text},
            {"lead_id": text},
        ):
            number += 1
            sent = {**shop.sale(number), **fields}
            answer = shop.ask("vendor", "POST", "/v1/conversions", sent)
            assert answer.status in {200, 201, 409, 422}, answer.body
            if answer.status == 201:
                shop.refund(answer.body["id"], 12_500, number)
    assert shop.network.unposted() == []
    assert shop.balance() == 0


def test_t24_what_no_stream_delivered_is_posted_all_the_same(shop: Shop) -> None:
    shop.network.stalled = 10**6
    for number in range(5):
        shop.report(number)
    shop.network.stream.clear()  # the mapping was replaced, and began at the latest record
    assert shop.balance() == 0
    shop.network.moment += timedelta(hours=1)
    shop.network.sweep()
    assert shop.balance() == 5 * 1_250
    assert shop.network.unposted() == []


def test_t25_no_secret_and_no_customer_is_in_a_log_and_no_formula_in_a_file(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    for level in ("debug", "info", "warning", "error", "exception"):
        monkeypatch.setattr(logger, level, lambda *said, **more: logged.append(f"{said} {more}"))
    shop = Shop(network)
    body = {"name": '=HYPERLINK("x");+1', "payout_method": THIEF | {"name": "@sum;=1"}}
    eve = shop.join("eve", "affiliate", **body)
    mail = "canary@people.example"
    sold = shop.report(1, affiliate_id=eve, customer=KIM | {"email": mail})
    shop.ask("vendor", "POST", "/v1/conversions", shop.sale(1, customer={"email": mail}))
    shop.refund(sold, 99_999)
    shop.ask(shop.secrets["vendor"][:-2], "GET", "/v1/conversions")
    file = shop.pay(shop.plan())
    canaries = [*shop.secrets.values(), KIM["phone"].lstrip("+"), mail, THIEF["phone"].lstrip("+")]
    text = "\n".join(logged)
    assert not [canary for canary in canaries if canary in text]
    stored = str(network.standin.tables["conversions"].items()) + str(
        list(network.standin.tables["customers"].items())
    )
    assert mail not in stored
    assert KIM["phone"] not in stored
    for cell in re.split(r'[,;\t\n"]', file):
        assert not re.match(r"[=@]", cell), file


def actions(prod: Synthesised) -> dict[str, set[str]]:  # noqa: F811
    """What each role's policies allow at all."""
    found: dict[str, set[str]] = {}
    for name, policy in prod.of_type("IAM::Policy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            said: Any = statement["Action"]
            found.setdefault(name, set()).update([said] if isinstance(said, str) else said)
    return found


def test_t26_no_function_may_do_everything_and_none_deletes(prod: Synthesised) -> None:  # noqa: F811
    for name, allowed in actions(prod).items():
        stars = {each for each in allowed if each == "*" or each.endswith(":*")}
        assert not stars, name
        deletes = {e for e in allowed if re.match(r"dynamodb:(Delete|.*Table$)|s3:Delete", e)}
        assert not {e for e in deletes if e != "dynamodb:DescribeTable"}, (name, deletes)
    clicks = next(allowed for name, allowed in actions(prod).items() if "RecordClick" in name)
    assert not {each for each in clicks if re.search(r"Update|Scan|Query", each)}


def test_t26_every_pinned_package_has_its_hash() -> None:
    root = Path(__file__).parents[2]
    for lock in (root / "requirements").glob("*.txt"):
        pinned = re.findall(r"^[\w.\[\]-]+==", lock.read_text(), re.M)
        hashed = re.findall(r"--hash=sha256:[0-9a-f]{64}", lock.read_text())
        assert len(hashed) >= len(pinned) > 0, lock.name
        assert "http" not in lock.read_text()


@pytest.mark.parametrize("what", ["line#", "balance#"])
def test_t27_one_digit_changed_in_an_account_is_named(shop: Shop, what: str) -> None:
    shop.report(1)
    account = shop.network.standin.tables["ledger"].partitions[f"affiliate:{shop.ids['ann']}"]
    place = next(name for name in account if name.startswith(what))
    field = "amount_minor" if what == "line#" else "balance_minor"
    assert shop.audited().findings == ()
    account[place] = account[place] | {field: {"N": "1251"}}
    assert any(shop.ids["ann"] in str(each) for each in shop.audited().findings)
