"""What the bank says later: each word moves the money once, and a payout keeps all of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.errors import ConflictError, LinkageError
from linkage.domain.payouts.payouts import UNKNOWN_AFTER_DAYS, payout_id
from linkage.domain.payouts.requests import RESULTS, Result
from linkage.domain.payouts.results import steps_of
from linkage.flow.payouts import planning, settling, watching_batches
from linkage.tables import ledger, payout_batches, payouts
from linkage.tables.audit import list_records
from tests.domain.examples import operator
from tests.flow_units.audited import audited
from tests.flow_units.calls import calls
from tests.flow_units.network import Network, table

NAMES = ("ann", "spo", "top")


@pytest.fixture
def earned(network: Network) -> Network:
    """A network where a sale of 1000.00 was posted: 50.00, 5.00 and 2.50 are due today."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    return network


def exported(network: Network, batch_id: str = "bat_1") -> None:
    network.start_batch(batch_id)
    network.deliver_work()
    planning.approve(batch_id, operator("key_2"))
    network.deliver_approvals()


def say(batch_id: str, name: str, status: str, **of: Any) -> None:
    values: dict[str, Any] = {"reference": None, "reason": None} | of
    result = Result("/results/0", payout_id(batch_id, f"mem_{name}"), status, **values)
    settling.settle(batch_id, [result], operator("key_1"))


def paid_by(network: Network) -> int:
    """What the bank has of the network's money, minor units."""
    return audited(network).totals["USD"].paid_out


def test_a_payout_that_the_bank_sends_back_is_owed_again_that_day_and_once(earned: Network) -> None:
    exported(earned)
    assert earned.settle("bat_1", ann="paid", spo="paid", top="paid").status == "settled"
    earned.pass_time(days=3)
    for _ in range(2):
        say("bat_1", "ann", "returned", reason="account closed")
        assert earned.balances() == {"ann": 5_000}
    balance = earned.balance("ann")
    assert balance is not None
    assert dict(balance.dues) == {"2026-11-24": 5_000}
    batch = payout_batches.get_batch("bat_1")
    assert (batch.status, batch.unsettled) == ("settled", 0)
    line = ledger.list_lines("mem_ann", "USD", 1, None).data[0]
    assert (line["kind"], line["amount_minor"]) == ("payout_return", 5_000)
    earned.pay_all("bat_2", ann="paid")
    assert paid_by(earned) == 5_750
    assert audited(earned).findings == ()


def test_a_payout_that_had_arrived_after_all_is_taken_again_even_below_zero(
    earned: Network,
) -> None:
    exported(earned)
    earned.settle("bat_1", ann="failed", spo="paid", top="paid")
    earned.pay_all("bat_2", ann="paid")
    for _ in range(2):
        say("bat_1", "ann", "arrived", reference="EC-1")
        assert earned.balances() == {"ann": -5_000}
    assert paid_by(earned) == 5_750 + 5_000
    assert audited(earned).findings == ()
    earned.start_batch("bat_3")
    earned.deliver_work()
    assert earned.skipped("bat_3") == {
        "ann": "-50.00 USD is due: later earnings cover it first",
        "spo": "there is nothing to pay",
        "top": "there is nothing to pay",
    }


def test_the_bank_may_change_its_mind_and_every_word_of_it_is_kept(earned: Network) -> None:
    exported(earned)
    for status, step in (("paid", None), ("returned", None), ("arrived", None), ("returned", 4)):
        earned.pass_time(hours=1)
        say("bat_1", "ann", status, step=step, reference=f"EC-{status}")
    payout = payouts.find_payout("bat_1", payout_id("bat_1", "mem_ann"))
    assert payout is not None
    assert [(step.status, step.by, step.reference) for step in steps_of(payout)] == [
        (status, "key_1", f"EC-{status}") for status in ("paid", "returned", "arrived", "returned")
    ]
    assert [step.at for step in steps_of(payout)] == [
        f"2026-11-21T{hour}:00:00.000Z" for hour in (10, 11, 12, 13)
    ]
    assert earned.balances() == {"ann": 5_000}
    assert audited(earned).findings == ()


def test_a_late_repetition_of_an_old_word_moves_nothing(earned: Network) -> None:
    exported(earned)
    for status in ("paid", "returned", "arrived"):
        say("bat_1", "ann", status)
    before = earned.everything()
    with pytest.raises(ConflictError, match='"step": 4'):
        say("bat_1", "ann", "returned")
    say("bat_1", "ann", "paid")
    assert earned.everything() == before


def test_what_was_not_known_is_added_and_is_on_the_record(earned: Network) -> None:
    exported(earned)
    earned.settle("bat_1", ann="paid")
    written = len(table("ledger"))
    say("bat_1", "ann", "paid", reference="EC-77")
    before = earned.everything()
    say("bat_1", "ann", "paid", reference="EC-77")
    say("bat_1", "ann", "paid")
    assert earned.everything() == before
    payout = payouts.find_payout("bat_1", payout_id("bat_1", "mem_ann"))
    assert payout is not None
    assert (payout.status, payout.reference) == ("paid", "EC-77")
    with pytest.raises(ConflictError, match="'EC-77', and final"):
        say("bat_1", "ann", "paid", reference="EC-78")
    assert len(table("ledger")) == written
    (record,) = list_records(10, None, subject=f"payout#{payout.payout_id}").data
    assert (record.action, record.by_key) == ("payout.completed", "key_1")
    assert record.after == {"reference": "EC-77"}


# ---- at once


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[None]:
    """Puts something in between what a result was decided on and its writing."""
    real, done = settling._write, []

    def write(*arguments: Any) -> None:
        if not done:
            done.append(True)
            act()
        real(*arguments)

    with patch.object(settling, "_write", write):
        yield


AT_ONCE = [
    pytest.param(("paid", "EC-1"), ("paid", "EC-1"), None, id="the same twice"),
    pytest.param(("paid", None), ("paid", "EC-1"), None, id="the other knows more"),
    pytest.param(("paid", "EC-2"), ("paid", "EC-1"), "final", id="two references"),
    pytest.param(("failed", None), ("paid", None), "`returned`", id="failed while paid"),
    pytest.param(("paid", None), ("failed", None), "`arrived`", id="paid while failed"),
]


@pytest.mark.parametrize(("mine", "theirs", "refused"), AT_ONCE)
def test_two_results_at_once_move_the_money_once(
    earned: Network,
    mine: tuple[str, str | None],
    theirs: tuple[str, str | None],
    refused: str | None,
) -> None:
    exported(earned)
    status, reference = theirs
    outcome = pytest.raises(ConflictError, match=refused) if refused else nullcontext()
    with meanwhile(lambda: say("bat_1", "ann", status, reference=reference)), outcome:
        say("bat_1", "ann", mine[0], reference=mine[1])
    payout = payouts.find_payout("bat_1", payout_id("bat_1", "mem_ann"))
    assert payout is not None
    assert (payout.status, payout.reference) == theirs
    assert payout_batches.get_batch("bat_1").unsettled == 2
    assert earned.balances() == ({"ann": 5_000} if status == "failed" else {})
    assert audited(earned).findings == ()


@pytest.mark.parametrize("theirs", ["returned", "arrived"])
def test_a_later_word_is_held_to_the_steps_it_was_decided_on(earned: Network, theirs: str) -> None:
    """The status alone could come back to what it was: the steps do not."""
    exported(earned)
    say("bat_1", "ann", "paid")

    def there_and_back() -> None:
        say("bat_1", "ann", "returned")
        if theirs == "arrived":
            say("bat_1", "ann", "arrived")

    with meanwhile(there_and_back):
        if theirs == "arrived":
            with pytest.raises(ConflictError, match='"step": 4'):
                say("bat_1", "ann", "returned")
        else:
            say("bat_1", "ann", "returned")
    assert earned.balances() == ({} if theirs == "arrived" else {"ann": 5_000})
    assert audited(earned).findings == ()


@pytest.mark.parametrize("batches", [40, pytest.param(150, marks=pytest.mark.faults)])
def test_many_batches_raced_with_words_of_all_kinds_pay_what_is_owed(
    network: Network, batches: int
) -> None:
    """In between each word and its writing others say other things of the same payout."""
    random, refused, moved = Random(10), Counter[str](), 0
    real, depth = settling._write, [0]

    def write(*arguments: Any) -> None:
        if depth[0] < 2 and random.random() < 0.5:
            depth[0] += 1
            try:
                any_word(arguments[0].batch_id, arguments[0].affiliate_id)
            finally:
                depth[0] -= 1
        real(*arguments)

    def any_word(batch_id: str, affiliate_id: str) -> None:
        nonlocal moved
        status, step = random.choice(RESULTS), random.choice((None, None, 1, 2, 3, 4))
        result = Result("", payout_id(batch_id, affiliate_id), status, None, None, step)
        try:
            settling.settle(batch_id, [result], operator("key_1"))
            moved += 1
        except LinkageError as error:
            refused[type(error).__name__] += 1

    with patch.object(settling, "_write", write):
        for number in range(batches):
            network.report(f"o-{number}", random.randint(5_000, 100_000))
            network.deliver_facts()
            network.pass_time(hours=random.choice((1, 30)))
            exported(network, f"bat_{number}")
            for _ in range(9):
                older = random.randint(max(0, number - 3), number)
                name = random.choice(NAMES)
                if f"{name}" in network.payout_statuses(f"bat_{older}"):
                    any_word(f"bat_{older}", f"mem_{name}")
    report = audited(network)
    assert report.findings == ()
    assert moved > 2 * batches
    assert refused["ConflictError"] > 2 * batches
    totals = report.totals["USD"]
    on_the_way = sum(
        each["amount_minor"]
        for each in table("payouts")
        if each["item"].startswith("payout#") and each["status"] == "sent"
    )
    assert totals.in_payout == on_the_way
    earned_minor = totals.vendors_owe - totals.network_fees
    assert earned_minor == totals.owed_to_affiliates + totals.in_payout + totals.paid_out


# ---- by age


def test_a_payout_without_a_word_becomes_unknown_by_age_and_a_person_decides(
    earned: Network,
) -> None:
    exported(earned)
    earned.settle("bat_1", top="paid")
    earned.pass_time(days=UNKNOWN_AFTER_DAYS, seconds=-1)
    planning.tick()
    assert earned.payout_statuses("bat_1") == {"ann": "sent", "spo": "sent", "top": "paid"}
    earned.pass_time(seconds=1)
    planning.tick()
    assert earned.payout_statuses("bat_1") == {"ann": "unknown", "spo": "unknown", "top": "paid"}
    batch = payout_batches.get_batch("bat_1")
    assert (batch.status, batch.unsettled) == ("exported", 2)
    assert earned.balances() == {}
    before = earned.everything()
    planning.tick()
    assert earned.everything() == before
    assert earned.settle("bat_1", ann="paid", spo="failed").status == "settled"
    assert earned.balances() == {"spo": 500}
    assert audited(earned).findings == ()


def test_more_payouts_than_a_tick_has_time_for_age_by_the_next_ones(
    earned: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching_batches, "AGED_AT_ONCE", 2)
    exported(earned)
    earned.pass_time(days=UNKNOWN_AFTER_DAYS)
    planning.tick()
    assert Counter(earned.payout_statuses("bat_1").values()) == {"unknown": 2, "sent": 1}
    planning.tick()
    assert set(earned.payout_statuses("bat_1").values()) == {"unknown"}


def test_a_result_that_comes_as_a_payout_ages_wins(earned: Network) -> None:
    exported(earned)
    earned.pass_time(days=UNKNOWN_AFTER_DAYS)
    real, done = watching_batches.write, []

    def write(operations: Any) -> None:
        if not done:
            done.append(True)
            earned.settle("bat_1", ann="paid", spo="paid", top="paid")
        real(operations)

    with patch.object(watching_batches, "write", write):
        planning.tick()
    assert set(earned.payout_statuses("bat_1").values()) == {"paid"}
    assert payout_batches.get_batch("bat_1").status == "settled"


def test_how_long_batches_stay_where_they_are_is_told(earned: Network) -> None:
    earned.start_batch("bat_1")
    earned.pass_time(hours=4)
    assert watching_batches.watch().ages_s == {
        "OldestPlanningAge": 4 * 3600,
        "OldestApprovedAge": 0,
        "OldestUnsettledAge": 0,
    }
    earned.deliver_work()
    earned.pass_time(days=9)
    planning.approve("bat_1", operator("key_2"))
    earned.pass_time(hours=5)
    assert watching_batches.watch().ages_s["OldestApprovedAge"] == 5 * 3600
    earned.deliver_approvals()
    earned.pass_time(days=15)
    assert watching_batches.watch().ages_s == {
        "OldestPlanningAge": 0,
        "OldestApprovedAge": 0,
        "OldestUnsettledAge": 15 * 24 * 3600,
    }
    earned.settle("bat_1", ann="paid", spo="failed", top="paid")
    assert set(watching_batches.watch().ages_s.values()) == {0}


def test_a_payout_meanwhile_costs_the_next_sale_one_more_try(earned: Network) -> None:
    earned.pay_all("bat_1", ann="paid", spo="paid", top="paid")
    for number in range(2):
        earned.report(f"o-2-{number}", 10_000)
    with calls() as made:
        earned.deliver_facts()
    assert sum(each.startswith("TransactWriteItems") for each in made) == 3
    assert earned.balances() == {"ann": 1_000, "spo": 100, "top": 50}
