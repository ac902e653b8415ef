"""A10: an account changed a second before planning, a payee suspended a second after, a name that
starts a formula, and one wallet behind many names.
"""

from typing import Any

import pytest

from linkage.domain.payouts.payout_file import cells
from linkage.domain.payouts.payouts import Payout, payout_id
from linkage.domain.people.members import Member
from linkage.flow.payouts import holding_payouts, planning
from linkage.flow.payouts.payout_warnings import warnings_of
from linkage.tables import members, payouts
from tests.domain.examples import operator
from tests.faults.approvals import change_method
from tests.flow_units.conftest import built, network
from tests.flow_units.network import Network

__all__ = ["built", "network"]

THIEFS = {"type": "bank", "provider": "CBZ", "account": "0099887766", "name": "x;=1+1"}
APPROVER = operator("key_2")


@pytest.fixture
def earned(network: Network) -> Network:
    """50.00 are due to Ann, 5.00 and 2.50 to those above her."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    return network


def plan(network: Network) -> None:
    network.start_batch("bat_1")
    network.deliver_work()


def pay(network: Network) -> str:
    """The file of the batch once it is approved."""
    planning.approve("bat_1", APPROVER)
    network.deliver_approvals()
    (content,) = network.files().values()
    return content


def anns() -> Payout:
    found = payouts.find_payout("bat_1", payout_id("bat_1", "mem_ann"))
    assert found is not None
    return found


def warned(payout: Payout) -> dict[str, Any]:
    return {each["code"]: each for each in warnings_of([payout])[payout.payout_id]}


def test_an_account_changed_a_second_before_planning_is_not_paid(earned: Network) -> None:
    change_method("mem_ann", THIEFS)
    earned.pass_time(seconds=1)
    plan(earned)
    assert "rests until" in earned.skipped("bat_1")["ann"]
    assert THIEFS["account"] not in pay(earned)
    assert earned.balances() == {"ann": 5_000}


def test_nor_is_one_changed_between_planning_and_approval_or_export(earned: Network) -> None:
    plan(earned)
    change_method("mem_ann", THIEFS)
    assert "left_out" in warned(anns())
    content = pay(earned)
    assert "mem_ann" not in content
    assert earned.balances() == {"ann": 5_000}


def test_a_thief_who_waits_for_the_end_of_the_rest_is_seen_by_the_approver(
    earned: Network,
) -> None:
    change_method("mem_ann", THIEFS)
    earned.pass_time(hours=73)
    plan(earned)
    payout = anns()
    assert cells(payout)["account"] == THIEFS["account"]
    assert "key_9 changed the payout method" in warned(payout)["method_changed"]["detail"]
    holding_payouts.hold("bat_1", payout.payout_id, "not her number", operator("key_3"))
    assert THIEFS["account"] not in pay(earned)


def test_a_payee_suspended_between_planning_and_approval_is_not_paid(earned: Network) -> None:
    plan(earned)
    members.set_member("mem_ann", status="suspended")
    assert "mem_ann" not in pay(earned)
    assert anns().reason == "the affiliate is suspended, not approved"


def test_one_wallet_behind_several_names_is_seen(earned: Network) -> None:
    ann = members.get_member("mem_ann")
    assert ann.payout_method is not None
    members.put_member(
        Member(
            *("mem_straw", "Straw", ("affiliate",), "approved", ann.created_at),
            payout_method={"type": "bank", "account": ann.payout_method["phone"][1:]},
        )
    )
    plan(earned)
    seen = warned(anns())["shared_account"]
    assert "mem_straw" in seen["affiliate_ids"]
    assert len(seen["payout_ids"]) == 2, "everybody's number is one in this network"


def test_a_name_of_a_thief_starts_no_formula_at_any_separator(earned: Network) -> None:
    change_method("mem_ann", THIEFS)
    earned.pass_time(hours=73)
    plan(earned)
    content = pay(earned)
    assert "x;'=1+1" in content
    assert ";=" not in content
    assert "0099887766" in content, "an account stays what it is"
