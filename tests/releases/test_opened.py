"""A network of an earlier release, opened by this one: nothing in it is lost, or reads otherwise.

Where a test compares sentences, its docstring says so: a later release may word them otherwise.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any

import pytest

from linkage.domain.clicks.links import link_of
from linkage.domain.conversions.conversions import History
from linkage.domain.payouts.requests import RESULTS_MAX
from linkage.domain.people.api_keys import key_id_in
from linkage.flow.clicks import folding
from linkage.flow.commissions import sweeping
from linkage.flow.conversions import confirming_by_silence
from linkage.flow.payouts import planning
from linkage.tables import (
    api_keys,
    conversions,
    coupons,
    customers,
    ledger,
    links,
    members,
    payout_batches,
    payouts,
    programs,
    settings,
    statistics,
)
from linkage.tables.clicks import reading_click
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.dynamodb.transactions import from_wire
from linkage.tables.tallies import reading_tallies
from linkage_cli.ledger.audit import Report
from tests.releases.network import Opened, answers, opened
from tests.releases.questions import audited, explained, replays, said_of, sent

ANSWERS = answers()


@pytest.fixture(scope="module")
def untouched() -> Iterator[Opened]:
    """The network as it was left, for those who only read."""
    with opened() as network:
        yield network


def clean(network: Opened) -> Report:
    """The audit's report, which must have no finding."""
    report = audited(network.moment)
    assert not report.findings, report.findings[:5]
    return report


def reports(network: Opened) -> list[dict[str, Any]]:
    """What the reports show of themselves: ids, amounts, states."""
    stored = network.standin.tables["conversions"].items()
    found = [from_wire(item) for item in stored if item["fact"]["S"] == "report"]
    return sorted(found, key=lambda item: item["conversion_id"])


# ---- reading


def of_member(item: dict[str, Any]) -> object:
    return members.get_member(item["member_id"])


def of_program(item: dict[str, Any]) -> object:
    if item["version"] == "current":
        return programs.get_program(item["program_id"])
    return programs.program_version(item["program_id"], int(item["version"][1:]))


def of_settings(item: dict[str, Any]) -> object:
    if item["version"] == "current":
        return settings.current_settings()
    return settings.settings_version(int(item["version"][1:]))


def of_link(item: dict[str, Any]) -> object:
    return links.find_link(item["code"]) == link_of(item)


def of_click(item: dict[str, Any]) -> object:
    if item["click_id"].startswith("imp_"):
        return item["expires_epoch_s"]
    return read(reading_click(item["click_id"]))


def of_customer(item: dict[str, Any]) -> object:
    name = str(item["customer_key"])
    if name.startswith("code_"):
        return read(customers.reading_codes([name]))
    key, _, vendor_id = name.partition("#clicks#")
    key, _, opt_out = key.partition("#")
    found = read(customers.reading_remembered((key,), vendor_id or None))
    return found.presented if vendor_id else opt_out or found.bindings


@lru_cache(maxsize=1)
def history_of(conversion_id: str) -> History:
    """A conversion's facts stand together, so they are read once."""
    return conversions.get_history(conversion_id)


def of_fact(item: dict[str, Any]) -> object:
    history = history_of(item["conversion_id"])
    if item["fact"].startswith("refund#"):
        return history.refund(item["fact"])
    return getattr(history, item["fact"].replace("report", "conversion"))


def of_ledger(item: dict[str, Any]) -> object:
    account, line = item["account"], item["line"]
    if line == "head":
        head = ledger.find_head(account.removeprefix("transaction:"))
        return head and (ledger.commission_in(head) or "no commission")
    affiliate_id = account.removeprefix("affiliate:")
    if line.startswith("balance#"):
        return ledger.find_balance(affiliate_id, item["currency"])
    return item["parts"]


def of_payout(item: dict[str, Any]) -> object:
    kind, _, name = item["item"].partition("#")
    if kind == "batch":
        return payout_batches.get_batch(item["batch_id"])
    if kind == "page":
        return payout_batches.find_page(item["batch_id"], int(name))
    return payouts.find_payout(item["batch_id"], name)


READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "members": of_member,
    "programs": of_program,
    "settings": of_settings,
    "links": of_link,
    "coupons": lambda item: coupons.find_coupon(item["vendor_id"], item["code"]),
    "clicks": of_click,
    "customers": of_customer,
    "conversions": of_fact,
    "tallies": lambda item: read(reading_tallies([item["tally"]])),
    "ledger": of_ledger,
    "payouts": of_payout,
    "keys": lambda item: api_keys.find_key(item["key_id"]),
}


@pytest.mark.parametrize("noun", READERS)
def test_every_item_is_opened_by_its_reader(untouched: Opened, noun: str) -> None:
    items = [from_wire(item) for item in untouched.standin.tables[noun].items()]
    assert items
    for item in items:
        assert READERS[noun](item), item


def test_all_that_was_counted_is_read(untouched: Opened) -> None:
    first, last = date(2025, 11, 1), date(2026, 11, 22)
    for of, items in untouched.standin.tables["statistics"].partitions.items():
        if of.startswith("clicks#"):
            day = date.fromisoformat(of.removeprefix("clicks#"))
            found = [rows for _, hour in statistics.find_packs(day) for rows in hour]
            assert statistics.packs_fingerprint(day, latest=True)
            assert len(found) == len(items) == len([rows for rows in found if rows])
        elif of == "days":
            assert len(statistics.find_days(first, last)) == len(items)
        else:
            assert len(statistics.find_counts(of, first, last)) == len(items)


def test_the_lines_of_every_affiliate_are_listed(untouched: Opened) -> None:
    stored = Counter(
        item["account"]["S"]
        for item in untouched.standin.tables["ledger"].items()
        if item["line"]["S"].startswith("line#")
    )
    for account, count in stored.items():
        affiliate_id = account.removeprefix("affiliate:")
        assert len(ledger.list_lines(affiliate_id, None, count + 1, None).data) == count


def test_the_ledger_is_right_and_sums_up_as_it_did(untouched: Opened) -> None:
    """Of the counts a later release may have more kinds; these stay."""
    report = clean(untouched)
    said = said_of(report)
    # No network of an earlier release has adjustments.
    assert said["totals"] == {
        currency: {**totals, "adjustments": 0}
        for currency, totals in ANSWERS["audit"]["totals"].items()
    }
    assert said["in_flight"] == ANSWERS["audit"]["in_flight"]
    assert said["counts"] == ANSWERS["audit"]["counts"]


def test_every_explanation_of_the_sample_is_the_same_text(untouched: Opened) -> None:
    """To the byte, sentences and all, for every viewer.

    A later release may word a sentence otherwise, or show more: then compare here what must stay.
    """
    for conversion_id, said in ANSWERS["explanations"].items():
        shop = f"shop {json.loads(said['vendor'])['conversion']['vendor_id']}"
        secrets = {each: untouched.secrets[shop if each == "vendor" else each] for each in said}
        now = explained(conversion_id, secrets)
        if _introducer_is_hidden(said["operator"]):
            now["vendor"] = said["vendor"]
        assert now == said


def _introducer_is_hidden(text: str) -> bool:
    """Whether a vendor reads less since: who introduced a customer is told once it confirmed."""
    told = json.loads(text)
    models = {each["model"] for each in told["attribution"]["candidates"]}
    return told["conversion"]["status"] != "confirmed" and "introducer" in models


def test_every_replay_of_the_sample_gives_the_same_bytes(untouched: Opened) -> None:
    """Amounts, accounts and due dates; and the sentences, which a later release may word otherwise.

    It then says "Only worded otherwise", and this test has to allow just that.
    """
    assert replays(ANSWERS["replays"]) == ANSWERS["replays"]
    for lines in ANSWERS["replays"].values():
        assert "byte for byte the same" in lines[0]


def test_a_request_sent_again_is_the_one_that_was_answered(untouched: Opened) -> None:
    for method, url, body, who, name, status, text in ANSWERS["repeated"]:
        headers = {"idempotency_key": name} if name else {}
        now_status, now_text = sent(method, url, body, untouched.secrets[who], **headers)
        now, then = json.loads(now_text), json.loads(text)
        # A later release may show more.
        same = {name: value for name, value in now.items() if name in then}
        assert (now_status, json.dumps(same)) == (status, json.dumps(then)), body


# ---- going on


def test_the_network_goes_on_over_what_there_was() -> None:
    """Old facts are posted, confirmed, given back and paid out; new ones come; the sums hold."""
    with opened() as network:
        left = ANSWERS["audit"]["in_flight"]
        assert swept(network) == len(left) > 12
        silence_confirms_what_is_awaited(network)
        vendors_speak_of_what_is_pending(network)
        old_sales_are_given_back(network)
        old_customers_buy_again(network)
        days_that_were_open_are_billed(network)
        keys_without_a_name_are_one_person_until_they_are_named(network)
        batches_that_were_left_half_way_go_on(network)
        old_balances_are_paid_out(network)
        assert not clean(network).in_flight


def swept(network: Opened) -> int:
    """How many facts the sweeper posted; it must post them all."""
    network.pass_time(minutes=1)
    posted = list(sweeping.sweep(network.moment))
    assert not [each for each in posted if each.error]
    return len(posted)


def silence_confirms_what_is_awaited(network: Opened) -> None:
    waiting = {each["conversion_id"] for each in reports(network) if "awaiting" in each}
    network.pass_time(days=40)
    done = list(confirming_by_silence.confirm_due(network.moment))
    assert not [each for each in done if each.error]
    assert {each.conversion_id for each in done if each.confirmed} == waiting
    assert len(waiting) > 12
    swept(network)


def vendors_speak_of_what_is_pending(network: Opened) -> None:
    """Some of it is given back in part before, some is rejected."""
    pending = [each for each in reports(network) if each["status"] == "pending"]
    assert len(pending) > 30
    for number, sold in enumerate(pending):
        path, who = f"/v1/conversions/{sold['conversion_id']}", f"shop {sold['vendor_id']}"
        if number % 4 == 0 and sold["amount_minor"] > sold["refunded_minor"]:
            body = {"external_id": f"late-{number}", "amount_minor": 1, "reason": "dented"}
            network.call("POST", f"{path}/refunds", body, who)
        if number % 4 == 3:
            network.call("POST", f"{path}/rejection", {"reason": "not paid"}, who)
        else:
            network.call("POST", f"{path}/confirmation", None, who)
    assert swept(network) > 20


def old_sales_are_given_back(network: Opened) -> None:
    """In two parts, those that brought a bonus or a recruit first."""
    brought = posted_kinds(network)
    common = Counter(kind for kinds in brought.values() for kind in kinds)
    assert min(common[kind] for kind in ("bonus", "recruitment", "override", "split")) > 5
    rest = {
        each["conversion_id"]: each["amount_minor"] - each["refunded_minor"]
        for each in reports(network)
    }
    sold = [
        each
        for each in reports(network)
        if each["status"] == "confirmed" and rest[each["conversion_id"]] > 1
    ]
    sold.sort(key=lambda each: not brought[each["conversion_id"]] & {"bonus", "recruitment"})
    for number, each in enumerate(sold[:90]):
        half = rest[each["conversion_id"]] // 2
        for part, amount in (("a", half), ("b", rest[each["conversion_id"]] - half)):
            body = {"external_id": f"old-{number}{part}", "amount_minor": amount, "reason": "old"}
            path = f"/v1/conversions/{each['conversion_id']}/refunds"
            network.call("POST", path, body, f"shop {each['vendor_id']}")
    assert swept(network) == 180
    after = posted_kinds(network)
    lost = [each for each in brought if "bonus_return" in after[each] - brought[each]]
    assert len(lost) > 5


def posted_kinds(network: Opened) -> dict[str, set[str]]:
    """The kinds of what was posted for each conversion."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in network.standin.tables["ledger"].items():
        head = ledger.head_in(from_wire(item)) if item["line"]["S"] == "head" else {}
        if "conversion_id" in head:
            found[head["conversion_id"]] |= {each["kind"] for each in head["postings"]}
    return found


def old_customers_buy_again(network: Opened) -> None:
    """Under every program that sells, with a click, a coupon, or by who introduced them."""
    models: Counter[str | None] = Counter()
    for number, program in enumerate(programs.list_programs(None, 100, None).data * 3):
        selling = [each for each in program.rewards if each.event == "sale"]
        if not selling:
            continue
        who = f"shop {program.vendor_id}"
        body = {
            "program_id": program.program_id,
            "event": "sale",
            "external_id": f"again-{number}",
            "amount_minor": 41_000 + number,
            "currency": selling[0].currency or "USD",
            "customer": {"phone": f"+26371{2_000_000 + 17 * number}"},
            **(claim(network, program.program_id) if number % 3 else {}),
        }
        made = network.call("POST", "/v1/conversions", body, who)
        models[made["attribution"] and made["attribution"]["model"]] += 1
        if made["status"] == "pending":
            network.call("POST", f"/v1/conversions/{made['id']}/confirmation", None, who)
        if number % 4 == 0:
            given_back = {"external_id": "cn", "amount_minor": 20_500, "reason": "broken"}
            network.call("POST", f"/v1/conversions/{made['id']}/refunds", given_back, who)
    assert {"click", "introducer"} <= models.keys()
    assert swept(network)


def claim(network: Opened, program_id: str) -> dict[str, str]:
    """The latest click of a program, or its coupon."""
    clicks = [
        (item["clicked_at"]["S"], item["click_id"]["S"])
        for item in network.standin.tables["clicks"].items()
        if item["program_id"]["S"] == program_id and item["click_id"]["S"].startswith("clk_")
    ]
    codes = [
        item["code"]["S"]
        for item in network.standin.tables["coupons"].items()
        if item["program_id"]["S"] == program_id
    ]
    return {"click_id": max(clicks)[1]} if clicks else {"coupon": min(codes)} if codes else {}


def days_that_were_open_are_billed(network: Opened) -> None:
    """Those that were left open when the release was; they are billed late, by hand."""
    table = network.standin.tables["statistics"]
    closed = {
        at for at, item in table.partitions["days"].items() if item["status"]["S"] == "closed"
    }
    left = [of[7:] for of in table.partitions if of.startswith("clicks#") and of[7:] not in closed]
    assert left
    before = len(reports(network))
    for day in map(date.fromisoformat, left):
        assert folding.fold_again(day, network.moment).closed
    assert len(reports(network)) > before
    swept(network)


# ---- payouts


def old_balances_are_paid_out(network: Opened) -> None:
    """By a batch of today: planned, approved by a second operator, exported and settled."""
    total_minor = 0
    for currency in ("USD", "ZWG", "BHD", "JPY"):
        made = network.call("POST", "/v1/payout-batches", {"currency": currency}, "operator 1")
        total_minor += finish(network, made["id"])
    assert total_minor > 50_000


def finish(network: Opened, batch_id: str) -> int:
    """Brings a batch from its planning to the end, and one payout back; what it paid."""
    path = f"/v1/payout-batches/{batch_id}"
    network.outside.deliver_work()
    network.call("POST", f"{path}/approval", None, "operator 2")
    network.outside.deliver_approvals()
    sent_out = list(payouts.batch_payouts(batch_id))
    assert len(network.outside.files[payout_batches.file_key(batch_id)].splitlines()) == 1 + len(
        sent_out
    )
    settle(network, batch_id)
    return payout_batches.get_batch(batch_id).total_minor


def settle(network: Opened, batch_id: str) -> None:
    """The bank's answers for what has none: the first failed, the others paid."""
    on_their_way = {"sent", "unknown"}
    open_ones = [each for each in payouts.batch_payouts(batch_id) if each.status in on_their_way]
    results = [
        {"payout_id": each.payout_id, "status": "paid" if at else "failed"}
        for at, each in enumerate(open_ones)
    ]
    if results:
        path = f"/v1/payout-batches/{batch_id}/results"
        assert len(results) <= RESULTS_MAX
        network.call("POST", path, {"results": results})
    assert payout_batches.get_batch(batch_id).status == "settled"


def keys_without_a_name_are_one_person_until_they_are_named(network: Opened) -> None:
    """Its settings have four eyes, of which nobody knew more than two keys."""
    assert settings.current_settings().four_eyes
    planned = next(b for b in payout_batches.list_batches(100, None).data if b.status == "planned")
    path = f"/v1/payout-batches/{planned.batch_id}/approval"
    status, text = sent("POST", path, None, network.secrets["operator 2"])
    assert (status, json.loads(text)["code"]) == (409, "four_eyes")
    for who, person in (("operator", "rudo"), ("operator 2", "zuva")):
        key_id = key_id_in(network.secrets[who], "test")
        assert key_id
        api_keys.name_key(key_id, person, [])


def batches_that_were_left_half_way_go_on(network: Opened) -> None:
    """Of each state one: planned anew, exported, settled, and one given back."""
    left = {each.status: each.batch_id for each in payout_batches.list_batches(100, None).data}
    assert set(left) == {"planning", "planned", "approved", "exported", "settled", "cancelled"}
    network.outside.messages.clear()  # lost: the hourly tick sends them again
    planning.tick()
    finish(network, left["planning"])
    network.outside.deliver_approvals()
    settle(network, left["approved"])
    settle(network, left["exported"])
    network.call("POST", f"/v1/payout-batches/{left['planned']}/cancellation")
    network.outside.deliver_work()
    now = {payout_batches.get_batch(each).status for each in left.values()}
    assert now == {"settled", "cancelled"}
