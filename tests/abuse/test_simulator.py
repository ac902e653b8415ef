"""That the simulator itself is right: its truth to the unit, and every planted theft found."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.abuse.gain import LIMIT, OPT_OUT, OTHER, Judge
from tests.abuse.run import Run
from tests.abuse.shrinking import shortest
from tests.abuse.words import terms
from tests.abuse.world import Action

HONEST_ACTIONS = 350


@pytest.fixture(scope="module")
def honest() -> Run:
    """A network in which nobody cheats; xav1 has a sponsor's share of what dot sells."""
    run = Run(7, honest=True)
    assert not run.chosen(HONEST_ACTIONS).failed
    return run


def test_who_is_honest_gets_exactly_what_the_truth_says(honest: Run) -> None:
    assert not Judge(honest.play).judged().minor
    assert not Judge(honest.play).differences()
    truth = honest.play.truth
    earners = {n for sale in truth.sales.values() for n, _ in truth.entitled(sale)}
    assert earners >= {"ann", "ben", "cat", "dot", "xav1"}
    assert any(sale.introduced_by and not sale.brought_by for sale in truth.sales.values())
    assert any(sale.lead and sale.introduced_by for sale in truth.sales.values())
    assert truth.recruitment()
    assert +truth.bonuses()
    assert truth.bank


def test_a_balance_that_nothing_has_earned_is_found(honest: Run) -> None:
    ledger = honest.play.network.standin.tables["ledger"]
    member_id = honest.play.truth.people["xav1"].member_id
    items = ledger.partitions[f"affiliate:{member_id}"]
    was = items["balance#USD"]
    items["balance#USD"] = was | {"balance_minor": {"N": str(int(was["balance_minor"]["N"]) + 7)}}
    gain = Judge(honest.play).judged()
    items["balance#USD"] = was
    assert [each.kind for each in gain.failed] == [OTHER]
    assert gain.minor == {"USD": 7}


def test_money_the_bank_paid_twice_is_found(honest: Run) -> None:
    honest.play.truth.bank["xav1", "USD"] += 9
    gain = Judge(honest.play).judged()
    honest.play.truth.bank["xav1", "USD"] -= 9
    assert gain.minor == {"USD": 9}


def test_a_share_of_a_sale_somebody_else_brought_is_found(honest: Run) -> None:
    truth = honest.play.truth
    sale = next(
        each
        for each in truth.sales.values()
        if each.brought_by == "dot" and truth.entitled(each)["xav1", "USD"]
    )
    share_minor = truth.entitled(sale)["xav1", "USD"]
    sale.brought_by = "ann"
    gain = Judge(honest.play).judged()
    sale.brought_by = "dot"
    assert [each.kind for each in gain.failed] == [OTHER]
    assert gain.minor == {"USD": share_minor}
    assert sale.order in gain.failed[0].detail


def test_what_is_earned_of_who_had_opted_out_is_found() -> None:
    run = Run(3, honest=True)
    run.repeated(
        [
            _do("visit", customer="kim", affiliate="dot", vendor="shop1"),
            _do("buy", customer="kim", vendor="shop1", order="1", amount=9_000, named=None),
            _do("buy", customer="kim", vendor="shop2", order="2", amount=9_000, named=None),
            _do("settle", vendor="shop2", order="2", confirms=True),
        ]
    )
    assert not Judge(run.play).judged().failed
    second = run.play.sale("shop2", "2")
    assert second is not None
    run.play.truth.opted_out[second.contacts[0]] = second.reported_at.replace(hour=0)
    second.introduced_by = None
    assert [each.kind for each in Judge(run.play).judged().failed] == [OPT_OUT]


@pytest.mark.parametrize(
    ("spare_minor", "refunded", "gained_minor"),
    [
        pytest.param(0, None, 0, id="as much as the limit allows"),
        pytest.param(-1, None, 1, id="one more"),
        pytest.param(-500, "before", 0, id="taken back before it was paid out"),
        pytest.param(-500, "after", 500, id="what was paid out before its refund stays received"),
    ],
)
def test_own_vendors_may_cost_what_their_limits_allow(
    spare_minor: int, refunded: str | None, gained_minor: int
) -> None:
    refund = _do("say", word="refunds", external_id="1", amount_minor=1_000, **ORDER)
    run = Run(2)
    run.repeated(
        [
            _do("publish", vendor="mal1", program="p", body=terms(10_000, hold_days=9)),
            _do("claim", program="p", amount=1_000, currency="EUR", named="xav1", **ORDER),
            *([refund] if refunded == "before" else []),
            _do("wait", hours=24 * 10),
            _do("month_end"),
            *([refund] if refunded == "after" else []),
        ]
    )
    earned_minor = 1_000 - 1_000 * run.play.truth.rules.affiliate_fee_bps // 10_000
    gain = Judge(run.play, {"EUR": earned_minor + spare_minor}).judged()
    assert gain.minor["EUR"] == gained_minor
    assert {each.kind for each in gain.failed} == ({LIMIT} if gained_minor else set())
    assert gain.apart["left below zero, EUR"] == (-earned_minor if refunded == "after" else 0)


ORDER = {"vendor": "mal1", "event": "sale", "order": "1"}


def test_the_same_actions_end_the_same() -> None:
    first = Run(5).chosen(120)
    again = Run(5).repeated(first.actions)
    assert again.failed == first.failed
    assert again.gain == first.gain
    assert again.counts == first.counts


def test_actions_that_lead_to_nothing_are_left_out() -> None:
    actions = [_do("wait", hours=number) for number in range(50)]

    def shown(some: Sequence[Action]) -> bool:
        return {7, 31} <= {each.args["hours"] for each in some}

    assert [each.args["hours"] for each in shortest(actions, shown)] == [7, 31]


def _do(what: str, **args: Any) -> Action:
    return Action(what, "test", args)
