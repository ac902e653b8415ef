"""What a later release has written passes: fields are kept, and its facts are left alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.clicks.statistics import LinkDay
from linkage.domain.conversions import views
from linkage.domain.errors import LaterReleaseError
from linkage.domain.payouts.payouts import payout_id
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentCustomer
from linkage.domain.rule_versions import RULES_KNOWN
from linkage.domain.terms.coupons import Coupon
from linkage.flow.clicks import billing
from linkage.flow.commissions import posting
from linkage.flow.commissions.sweeping import sweep
from linkage.flow.conversions.confirming_by_silence import confirm_due
from linkage.flow.payouts import planning
from linkage.flow.people.consenting import opt_out
from linkage.tables import conversions, coupons, payouts, programs, settings, statistics
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.packed import packed, unpacked
from tests.aws_tables import TABLES, forget_versions
from tests.domain.examples import operator
from tests.flow_units.network import (
    ANN,
    RICH,
    RICH_SETTINGS,
    VENDOR,
    Network,
    make_rich,
    put_click,
    small_network,
    spoil_fact,
    table,
)

LATER = "of_a_later_release"
PACKED, NESTED = (
    ("content", "clicks"),
    frozenset(
        {"rewards", "bonuses", "splits", "held", "settings", "payout_method", "method", "counts"}
    ),
)
BUYER = Customer(phone="+263773000001", vendor_customer_id="C-1")


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        make_rich()
        yield made


def grown(value: Any) -> Any:
    """The value with one more field in every map."""
    if isinstance(value, dict):
        return {name: grown(inner) for name, inner in value.items()} | {LATER: 1}
    return [grown(inner) for inner in value] if isinstance(value, list) else value


def grow_everything() -> int:
    """Writes one more attribute into every item, and one more field into every map packed in it."""
    count = 0
    for noun in TABLES:
        for item in table(noun):
            for name in item.keys() & {*PACKED, *NESTED}:
                if isinstance(item[name], bytes):
                    item[name] = packed(grown(unpacked(item[name])))
                elif isinstance(item[name], str):
                    item[name] = json.dumps(grown(json.loads(item[name])))
            wire = transactions.to_wire(item | {LATER: 1})
            transactions.write([{"Put": {"TableName": noun, "Item": wire}}])
            count += 1
    forget_versions()
    return count


def trade(network: Network, number: int) -> None:
    """One of everything that is stored, of the same people each time."""
    sale = {"program_id": "prg_rich", "customer": BUYER, "coupon": "SPRING"}
    first = network.report(f"o-{number}", 60_000, **sale, click_id=f"clk_{number}")
    waits = network.report(f"w-{number}", 9_000, **sale | {"program_id": "prg_silent"})
    network.refund(first, "r-1", 10_000)
    network.reject(waits)
    network.deliver_facts()
    out = SentCustomer(VENDOR, Customer(phone=f"+26377300010{number}"))
    opt_out(out, Key("key_1", "vendor", VENDOR, "", ""))
    day = network.moment.date().replace(day=number)
    billing.bill_day(day, [LinkDay("abcdefgh", "prg_rich", VENDOR, ANN.member_id, 3, 0)])
    statistics.put_counts("link#abcdefgh", day, statistics.Counts())
    statistics.put_day(day, statistics.DayState("folded", "x"))


def export(network: Network, batch_id: str) -> None:
    network.start_batch(batch_id)
    network.deliver_work()
    planning.approve(batch_id, operator("key_2"))
    network.deliver_approvals()


def all_items() -> dict[tuple[str, ...], dict[str, Any]]:
    return {
        (noun, *(item[key] for key in keys)): item
        for noun, (keys, _) in TABLES.items()
        for item in table(noun)
    }


def test_what_a_later_release_stores_is_read_over_and_kept_when_written_over(
    network: Network,
) -> None:
    coupons.put_coupon(
        Coupon(VENDOR, "SPRING", "prg_rich", ANN.member_id, False, None, None, False, "2026")
    )
    for number in (1, 2):
        put_click(ANN.member_id, f"clk_{number}")
    trade(network, 1)
    export(network, "bat_1")
    network.report("o-late", 100_000)
    assert grow_everything() > 40
    before = all_items()

    trade(network, 1)  # the same again, then more of it
    trade(network, 2)
    programs.publish_program(replace(RICH, version=2))
    settings.publish_settings(replace(RICH_SETTINGS, version=3))
    network.pass_time(days=20)
    assert [due.error for due in confirm_due(network.moment)] == []
    assert [swept.error for swept in sweep(network.moment) if swept.error] == []
    export(network, "bat_2")
    for batch_id, answer in (("bat_1", "paid"), ("bat_2", "failed")):
        network.settle(batch_id, **dict.fromkeys(network.payout_statuses(batch_id), answer))
    network.start_batch("bat_3")
    network.deliver_work()
    planning.cancel("bat_3", operator("key_2"))
    network.deliver_work()

    after = all_items()
    rewritten = {at for at, item in before.items() if after[at] != item}
    assert {at[0] for at in rewritten} >= {"tallies", "ledger", "programs", "settings", "payouts"}
    assert [at for at in before if LATER not in after[at]] == []
    kept = json.loads(next(i for i in table("settings") if i["version"] == "current")["settings"])
    assert kept[LATER] == 1
    assert LATER in after["programs", "prg_rich", "v000002"]


def test_a_fact_of_a_later_release_is_shown_and_left_alone(network: Network) -> None:
    sale = network.report("o-1", 60_000, program_id="prg_man")
    other = network.report("o-2", 60_000)
    spoil_fact(sale.conversion_id, "report", "rules", RULES_KNOWN + 1)

    said: list[Callable[[], object]] = [
        lambda: network.confirm(sale),
        lambda: network.reject(sale),
        lambda: network.refund(sale, "r-1", 100),
    ]
    before = all_items()
    for say in said:
        with pytest.raises(LaterReleaseError, match="Try again in a few minutes"):
            say()
    assert all_items() == before
    assert views.conversion(conversions.get_conversion(sale.conversion_id), "vendor")["id"]

    network.confirm(other)
    spoil_fact(other.conversion_id, "report", "rules", RULES_KNOWN + 1)
    third = network.report("o-3", 60_000)
    network.pass_time(minutes=1)
    outcome = {each.conversion_id: each.error for each in sweep(network.moment)}
    assert isinstance(outcome[other.conversion_id], LaterReleaseError)
    assert outcome[third.conversion_id] is None
    with pytest.raises(LaterReleaseError):
        posting.post_fact(other.conversion_id, "report")


@pytest.mark.parametrize("what", ["program", "settings"])
def test_nothing_is_accepted_or_posted_under_terms_of_a_later_release(
    network: Network, what: str
) -> None:
    accepted = network.report("o-1", 60_000, program_id="prg_rich")
    if what == "program":
        programs.publish_program(replace(RICH, version=2, rules=RULES_KNOWN + 1))
    else:
        settings.publish_settings(replace(RICH_SETTINGS, version=3, rules=RULES_KNOWN + 1))
    with pytest.raises(LaterReleaseError):
        network.report("o-2", 60_000, program_id="prg_rich")
    assert posting.post_fact(accepted.conversion_id, "report")


def test_one_that_fails_whatever_its_error_stops_no_other(network: Network) -> None:
    first, second = (network.report(f"o-{n}", 60_000) for n in (1, 2))
    network.pass_time(minutes=1)
    real = posting.post_fact

    def failing(conversion_id: str, fact: str) -> bool:
        if conversion_id == first.conversion_id:
            raise TypeError("unexpected keyword argument")
        return real(conversion_id, fact)

    with patch("linkage.flow.commissions.sweeping.post_fact", failing):
        outcome = {each.conversion_id: each.error for each in sweep(network.moment)}
    assert isinstance(outcome[first.conversion_id], TypeError)
    assert outcome[second.conversion_id] is None


def test_an_affiliate_that_cannot_be_debited_stops_no_other_and_holds_its_page_open(
    network: Network,
) -> None:
    network.report("o-1", 100_000)
    network.deliver_facts()
    real = payouts.find_payout

    def failing(batch_id: str, found: str) -> object:
        if found == payout_id(batch_id, "mem_ann"):
            raise TypeError("unexpected keyword argument")
        return real(batch_id, found)

    network.start_batch("bat_1")
    with (
        patch("linkage.tables.payouts.find_payout", failing),
        pytest.raises(ExceptionGroup, match="1 affiliates were not debited") as raised,
    ):
        network.deliver_work()
    named = raised.value.exceptions[0].__notes__
    assert named == ["while debiting mem_ann for page 1 of bat_1"]
    others = set(network.payout_statuses("bat_1"))
    assert others == {"spo", "emp"}
    network.deliver_work()
    assert set(network.payout_statuses("bat_1")) == others | {"ann"}
