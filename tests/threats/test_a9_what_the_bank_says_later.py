"""A9: the bank takes back what it said of a payout, says nothing at all, and one who would gain
by it says the other thing, twice or at once.
"""

import pytest

from linkage.domain.errors import ConflictError
from linkage.domain.ledger.requests import SentAdjustment
from linkage.domain.payouts.payouts import payout_id
from linkage.domain.payouts.requests import Result
from linkage.flow.ledger.adjusting import adjust
from linkage.flow.payouts import planning, settling
from linkage.flow.payouts.watching_batches import watch
from linkage.tables import payout_batches
from tests.domain.examples import operator
from tests.flow_units.audited import audited
from tests.flow_units.conftest import built, network
from tests.flow_units.network import Network

__all__ = ["built", "network"]


@pytest.fixture
def exported(network: Network) -> Network:
    """50.00, 5.00 and 2.50 are at the bank."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    network.deliver_work()
    planning.approve("bat_1", operator("key_2"))
    network.deliver_approvals()
    return network


def say(status: str, step: int | None = None) -> None:
    result = Result("", payout_id("bat_1", "mem_ann"), status, None, None, step)
    settling.settle("bat_1", [result], operator("key_1"))


def test_money_the_bank_sent_back_is_owed_again_and_paid_once(exported: Network) -> None:
    exported.settle("bat_1", ann="paid", spo="paid", top="paid")
    exported.pass_time(days=4)
    for _ in range(3):
        say("returned")
    assert exported.balances() == {"ann": 5_000}
    exported.pay_all("bat_2", ann="paid")
    assert exported.balances() == {}
    assert audited(exported).totals["USD"].paid_out == 5_750
    assert audited(exported).findings == ()


def test_who_got_the_money_that_failed_does_not_keep_it_twice(exported: Network) -> None:
    exported.settle("bat_1", ann="failed", spo="paid", top="paid")
    exported.pay_all("bat_2", ann="paid")
    for _ in range(3):
        say("arrived")
    assert exported.balances() == {"ann": -5_000}
    exported.report("o-2", 40_000)
    exported.deliver_facts()
    exported.start_batch("bat_3")
    exported.deliver_work()
    assert "ann" not in exported.payout_statuses("bat_3")
    assert audited(exported).findings == ()


def test_nobody_draws_money_by_contradicting_the_bank(exported: Network) -> None:
    """Whatever is said of a payout in whatever order, its money is in one place."""
    refused = 0
    for status in ("returned", "arrived", "paid", "failed", "arrived", "returned", "returned",
                   "arrived", "arrived", "failed", "paid", "returned"):  # fmt: skip
        try:
            say(status)
        except ConflictError:
            refused += 1
        totals = audited(exported).totals["USD"]
        at_the_bank = totals.in_payout + totals.paid_out - 750
        assert (at_the_bank, exported.balances().get("ann", 0)) in {(5_000, 0), (0, 5_000)}
    assert refused == 6
    assert audited(exported).findings == ()


def test_a_payout_that_nobody_hears_of_is_told_and_paid_to_nobody_else(exported: Network) -> None:
    exported.pass_time(days=14)
    planning.tick()
    assert set(exported.payout_statuses("bat_1").values()) == {"unknown"}
    assert watch().ages_s["OldestUnsettledAge"] == 14 * 24 * 3600
    exported.start_batch("bat_2")
    exported.deliver_work()
    assert exported.payout_statuses("bat_2") == {}
    assert payout_batches.get_batch("bat_1").unsettled == 3


def test_a_debt_is_forgiven_once_and_no_more_of_it_than_there_is(exported: Network) -> None:
    exported.settle("bat_1", ann="failed", spo="paid", top="paid")
    exported.pay_all("bat_2", ann="paid")
    say("arrived")
    forgiven = SentAdjustment("mem_ann", "USD", 5_000, "write_off", "the bank's mistake")
    for _ in range(2):
        adjust(forgiven, "adj_1", operator("key_1"))
    with pytest.raises(ConflictError, match="owes"):
        adjust(forgiven, "adj_2", operator("key_1"))
    assert exported.balances() == {}
    assert audited(exported).findings == ()
