from dataclasses import replace
from itertools import permutations

import pytest

from linkage.domain.errors import LedgerError
from linkage.flow.commissions import posting
from linkage.flow.commissions.sweeping import GRACE_S, sweep
from linkage.tables import ledger, programs, settings
from tests import oracle
from tests.flow_units.network import (
    MANUAL,
    SETTINGS,
    CrashError,
    Network,
    Writes,
    spoil_fact,
    table,
)


def test_a_confirmed_sale_is_posted_to_the_affiliate_and_those_above(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    assert network.unposted() == []
    network.confirm(pending)
    network.deliver_facts()
    assert network.unposted() == []
    held = oracle.standing(oracle.direct(10_000, 500), 10_000, 0, oracle.Terms())
    assert network.balances() == {
        "ann": held["affiliate"],
        "spo": held["level1"],
        "top": held["level2"],
    }
    balance = network.balance("ann")
    assert balance is not None
    assert (balance.version, dict(balance.dues)) == (1, {"2026-11-21": 500})


def test_what_earns_nothing_still_has_its_head(network: Network) -> None:
    conversion = network.report("o-1", 0)
    network.deliver_facts()
    head = ledger.find_head(f"{conversion.conversion_id}/confirmation")
    assert head is not None
    commission = ledger.commission_in(head)
    assert (head["postings"], commission and commission.direct_minor) == ([], 0)
    assert "amount is 0" in head["why"][0]
    assert [item["line"] for item in table("ledger")] == ["head"]


def test_a_flat_reward_is_paid_for_a_free_lead(network: Network) -> None:
    network.report("l-1", 0, program_id="prg_led", event="lead")
    network.report("l-2", 0, program_id="prg_led", event="lead", currency="ZWG")
    network.deliver_facts()
    assert network.balances() == {"ann": 250, "spo": 25, "top": 12}
    assert network.balances("ZWG") == {}


def test_a_fact_delivered_again_and_again_posts_nothing_more(network: Network) -> None:
    sold = network.report("o-1", 100_000)
    network.refund(sold, "r-1", 30_000)
    facts = network.unposted()
    for fact in facts:
        posting.post_fact(*fact)
    before = network.everything()
    network.pass_time(days=400)
    for fact in [*facts, *reversed(facts)] * 3:
        assert posting.post_fact(*fact) is False
    assert network.everything() == before


def test_facts_of_one_sale_post_the_same_in_any_order(network: Network) -> None:
    pending = network.report("o-1", 9_999, program_id="prg_man")
    network.refund(pending, "r-0", 333)
    network.confirm(pending)
    for number, amount_minor in enumerate((1, 9_665), start=1):
        network.refund(pending, f"r-{number}", amount_minor)
    facts = network.unposted()
    assert len(facts) == 3
    ended = set()
    network.save()
    for order in permutations(facts):
        network.restore()
        for fact in order:
            posting.post_fact(*fact)
        ended.add(network.everything())
        assert network.balances() == {}
    assert len(ended) == 1


def test_refunds_leave_the_rest_of_the_commission_to_the_unit(network: Network) -> None:
    sold = network.report("o-1", 9_999)
    network.deliver_facts()
    refunded = 0
    for number, amount_minor in enumerate((1, 3_333, 17, 6_647)):
        network.refund(sold, f"r-{number}", amount_minor)
        network.deliver_facts()
        refunded += amount_minor
        held = oracle.standing(oracle.direct(9_999, 500), 9_999, refunded, oracle.Terms())
        expected = {"ann": held["affiliate"], "spo": held["level1"], "top": held["level2"]}
        assert network.balances() == {name: minor for name, minor in expected.items() if minor}


def test_posting_reads_the_terms_the_report_saw(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    programs.publish_program(replace(MANUAL, version=2, rewards=(), hold_days=90))
    settings.publish_settings(replace(SETTINGS, version=2, level_rates_bps=(), network_fee_bps=0))
    network.confirm(pending)
    network.deliver_facts()
    assert network.balances() == {"ann": 500, "spo": 50, "top": 25}


@pytest.mark.parametrize("fact", ["report", "confirmation"])
def test_what_is_not_confirmed_is_not_posted(network: Network, fact: str) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    with pytest.raises(LedgerError, match="not confirmed"):
        posting.post_fact(pending.conversion_id, fact)
    assert table("ledger") == []


def test_a_refund_before_the_confirmation_is_no_fact_to_post(network: Network) -> None:
    pending = network.report("o-1", 10_000, program_id="prg_man")
    network.refund(pending, "r-1", 1_000)
    (fact,) = [item["fact"] for item in table("conversions") if item["fact"].startswith("refund")]
    with pytest.raises(LedgerError, match="not a refund to be posted"):
        posting.post_fact(pending.conversion_id, fact)


def test_the_sweeper_posts_what_the_stream_has_left_behind(network: Network) -> None:
    network.report("o-1", 100_000)
    assert list(sweep(network.moment)) == []
    network.pass_time(seconds=GRACE_S + 1)
    (swept,) = sweep(network.moment)
    assert (swept.error, swept.age_s) == (None, GRACE_S + 1)
    assert network.balances() == {"ann": 5_000, "spo": 500, "top": 250}
    assert list(sweep(network.moment)) == []


def test_a_fact_that_cannot_be_posted_does_not_hold_up_the_others(network: Network) -> None:
    for number in range(6):
        network.report(f"o-{number}", 100_000)
    broken = network.unposted()[2][0]
    spoil_fact(broken, "report", "seen")
    network.pass_time(minutes=1)
    swept = list(sweep(network.moment))
    assert {each.conversion_id for each in swept if each.error} == {broken}
    assert network.balances() == {"ann": 25_000, "spo": 2_500, "top": 1_250}
    assert network.unposted() == [(broken, "report")]


def test_a_fact_whose_terms_cannot_be_read_does_not_hold_up_the_others(network: Network) -> None:
    for number in range(6):
        network.report(f"o-{number}", 100_000)
    broken = network.unposted()[2][0]
    spoil_fact(broken, "report", "program_version", 9)
    network.pass_time(minutes=1)
    swept = list(sweep(network.moment))
    assert {each.conversion_id for each in swept if each.error} == {broken}
    assert network.unposted() == [(broken, "report")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fact_whose_posting_died_is_swept(network: Network, when: str) -> None:
    network.report("o-1", 100_000)
    with Writes((1, when)).watched(), pytest.raises(CrashError):
        network.deliver_facts()
    network.pass_time(minutes=1)
    assert [each.error for each in sweep(network.moment)] == ([None] if when == "before" else [])
    assert network.balances() == {"ann": 5_000, "spo": 500, "top": 250}


def test_lines_add_up_to_every_balance(network: Network) -> None:
    for number in range(5):
        sold = network.report(f"o-{number}", 12_345 + number)
        network.refund(sold, "r-1", 1 + number * 1_000)
    network.deliver_facts()
    items = table("ledger")
    lines = [item for item in items if item["line"].startswith("line#")]
    for balance in (item for item in items if item["line"].startswith("balance#")):
        own = [line for line in lines if line["account"] == balance["account"]]
        assert balance["balance_minor"] == sum(line["amount_minor"] for line in own)
        assert balance["version"] == len(own)
        assert balance["balance_minor"] == sum(
            minor for name, minor in balance.items() if name.startswith("due_")
        )
