"""One payout of a batch held, released or taken out, and whom a batch still pays in the end."""

import csv
import io
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.errors import ConflictError, NotFoundError
from linkage.domain.payouts.payouts import Payout, payout_id
from linkage.domain.payouts.requests import Result
from linkage.domain.people.payout_methods import destination
from linkage.domain.people.proposals import Asked
from linkage.flow.approvals import approving
from linkage.flow.payouts import debiting, exporting, holding_payouts, planning, sealing, settling
from linkage.flow.people import changing_members, proposing
from linkage.flow.terms import publishing_settings
from linkage.tables import audit, members, payout_batches, payouts, settings
from tests.domain.examples import operator
from tests.faults.approvals import change_method
from tests.flow_units.network import SETTINGS, CrashError, Network, Writes, table

ANN = payout_id("bat_1", "mem_ann")
OTHER_PHONE = {"type": "mobile_money", "phone": "+263771111111"}
BOSS, SECOND, THIRD = operator("key_1"), operator("key_2"), operator("key_3")


@pytest.fixture
def planned(network: Network) -> Network:
    """A batch of 50.00, 5.00 and 2.50, planned."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    network.deliver_work()
    return network


def in_file(network: Network) -> set[str]:
    (content,) = network.files().values()
    return {
        row["affiliate_id"].removeprefix("mem_") for row in csv.DictReader(io.StringIO(content))
    }


def approve_and_export(network: Network) -> None:
    planning.approve("bat_1", SECOND)
    network.deliver_approvals()


def counts() -> tuple[int, int, int, int, int, int]:
    batch = payout_batches.get_batch("bat_1")
    return (
        *(batch.count, batch.total_minor, batch.held_count, batch.held_minor),
        *(batch.removed_count, batch.removed_minor),
    )


def reason_of(name: str) -> str | None:
    found = payouts.find_payout("bat_1", payout_id("bat_1", f"mem_{name}"))
    assert found is not None
    return found.reason


# ---- taken out


@pytest.mark.parametrize("approved", [False, True], ids=["planned", "approved"])
def test_a_payout_taken_out_comes_back_due_at_once_and_its_batch_says_so(
    planned: Network, approved: bool
) -> None:
    planned.pass_time(days=1)
    if approved:
        planning.approve("bat_1", SECOND)
    holding_payouts.remove("bat_1", ANN, "asked to wait", THIRD)
    assert counts() == (2, 750, 0, 0, 1, 5_000)
    balance = planned.balance("ann")
    assert balance is not None
    assert dict(balance.dues) == {"2026-11-22": 5_000}
    (named,) = payouts.list_removed("bat_1", 10)
    assert (named.payout_id, named.reason, named.removed_by) == (ANN, "asked to wait", "key_3")
    if not approved:
        planning.approve("bat_1", SECOND)
    planned.deliver_approvals()
    assert in_file(planned) == {"spo", "top"}
    assert planned.settle("bat_1", spo="paid", top="paid").status == "settled"


def test_what_was_taken_out_is_in_the_next_batch(planned: Network) -> None:
    holding_payouts.remove("bat_1", ANN, "asked to wait", THIRD)
    planned.start_batch("bat_2")
    planned.deliver_work()
    assert planned.payout_statuses("bat_2") == {"ann": "debited"}


def test_a_batch_whose_every_payout_was_taken_out_settles_by_itself(planned: Network) -> None:
    for payout in list(payouts.batch_payouts("bat_1")):
        holding_payouts.remove("bat_1", payout.payout_id, "none of them", THIRD)
    approve_and_export(planned)
    assert payout_batches.get_batch("bat_1").status == "settled"
    assert in_file(planned) == set()
    assert planned.balances() == {"ann": 5_000, "spo": 500, "top": 250}


def test_a_batch_cancelled_after_a_removal_gives_each_payout_back_once(planned: Network) -> None:
    holding_payouts.remove("bat_1", ANN, "asked to wait", THIRD)
    holding_payouts.hold("bat_1", payout_id("bat_1", "mem_spo"), "odd", THIRD)
    planning.cancel("bat_1", THIRD)
    planned.deliver_work()
    assert planned.balances() == {"ann": 5_000, "spo": 500, "top": 250}
    assert planned.payout_statuses("bat_1") == {
        "ann": "removed",
        "spo": "cancelled",
        "top": "cancelled",
    }


def test_a_release_that_knows_no_removals_cannot_pay_what_was_taken_out(planned: Network) -> None:
    """It puts every payout into the file, whatever its state: one without a method stops it."""
    holding_payouts.remove("bat_1", ANN, "out", THIRD)
    (stored,) = [each for each in table("payouts") if each["item"] == f"payout#{ANN}"]
    assert "method" not in stored
    kept = payouts.find_payout("bat_1", ANN)
    assert kept is not None
    assert kept.method == members.get_member("mem_ann").payout_method


# ---- held


def test_a_held_payout_is_left_out_at_the_approval(planned: Network) -> None:
    holding_payouts.hold("bat_1", ANN, "whose number is it", THIRD)
    assert counts() == (3, 5_750, 1, 5_000, 0, 0)
    approve_and_export(planned)
    assert counts() == (2, 750, 0, 0, 1, 5_000)
    assert in_file(planned) == {"spo", "top"}
    assert planned.balances() == {"ann": 5_000}
    assert reason_of("ann") == "the payout was held when its batch was approved"


def test_a_payout_held_after_the_approval_is_left_out_by_the_export(planned: Network) -> None:
    planning.approve("bat_1", SECOND)
    holding_payouts.hold("bat_1", ANN, "whose number is it", THIRD)
    planned.deliver_approvals()
    assert in_file(planned) == {"spo", "top"}
    assert counts() == (2, 750, 0, 0, 1, 5_000)


def test_a_released_payout_is_paid_and_may_be_held_again(planned: Network) -> None:
    holding_payouts.hold("bat_1", ANN, "odd", THIRD)
    holding_payouts.release("bat_1", ANN, SECOND)
    assert counts() == (3, 5_750, 0, 0, 0, 0)
    holding_payouts.hold("bat_1", ANN, "still odd", THIRD)
    assert counts() == (3, 5_750, 1, 5_000, 0, 0)
    released = holding_payouts.release("bat_1", ANN, SECOND)
    assert (released.held_by, released.released_by) == ("key_3", "key_2")
    approve_and_export(planned)
    assert in_file(planned) == {"ann", "spo", "top"}


# ---- what is refused, and what may be repeated


def in_its_file() -> None:
    planning.approve("bat_1", SECOND)
    exporting.export("bat_1")


@pytest.mark.parametrize(
    ("before", "code"),
    [
        pytest.param(in_its_file, "batch_exported", id="its file is written"),
        pytest.param(
            lambda: planning.cancel("bat_1", THIRD), "batch_cancelled", id="it is cancelled"
        ),
        pytest.param(
            lambda: (planning.approve("bat_1", SECOND), sealing.seal("bat_1")),
            "payout_sent",
            id="it is sealed, its file is not written yet",
        ),
        pytest.param(
            lambda: holding_payouts.remove("bat_1", ANN, "before", THIRD),
            "payout_removed",
            id="it is out",
        ),
    ],
)
@pytest.mark.parametrize(
    "decide",
    [
        pytest.param(lambda: holding_payouts.hold("bat_1", ANN, "odd", THIRD), id="hold"),
        pytest.param(lambda: holding_payouts.release("bat_1", ANN, THIRD), id="release"),
        pytest.param(lambda: holding_payouts.remove("bat_1", ANN, "out", THIRD), id="removal"),
    ],
)
def test_it_is_too_late_once(
    planned: Network, before: Callable[[], Any], code: str, decide: Callable[[], Payout]
) -> None:
    before()
    was = planned.everything()
    with pytest.raises(ConflictError) as refused:
        decide()
    assert refused.value.code == code
    assert planned.everything() == was


def test_nothing_is_held_in_a_batch_that_is_still_planned(network: Network) -> None:
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    with (
        patch.object(payout_batches, "close_page", lambda *_: False),
        pytest.raises(Exception, match="page"),
    ):
        debiting.debit_page("bat_1", 1)
    with pytest.raises(ConflictError) as refused:
        holding_payouts.hold("bat_1", ANN, "odd", THIRD)
    assert refused.value.code == "batch_planning"


def test_a_payout_of_another_batch_is_not_found(planned: Network) -> None:
    for wrong in (("bat_1", "pay_nothing"), ("bat_none", ANN)):
        with pytest.raises(NotFoundError):
            holding_payouts.hold(*wrong, "odd", THIRD)


def test_what_was_not_held_cannot_be_released(planned: Network) -> None:
    with pytest.raises(ConflictError) as refused:
        holding_payouts.release("bat_1", ANN, THIRD)
    assert refused.value.code == "payout_not_held"


def test_each_may_be_repeated_and_another_reason_is_refused(planned: Network) -> None:
    for decide, another in (
        (lambda: holding_payouts.hold("bat_1", ANN, "odd", THIRD), "payout_held"),
        (lambda: holding_payouts.release("bat_1", ANN, THIRD), None),
        (lambda: holding_payouts.remove("bat_1", ANN, "out", THIRD), "payout_removed"),
    ):
        decide()
        before = planned.everything()
        decide()
        assert planned.everything() == before
        if another:
            again = holding_payouts.hold if another == "payout_held" else holding_payouts.remove
            with pytest.raises(ConflictError) as refused:
                again("bat_1", ANN, "another reason", THIRD)
            assert refused.value.code == another


def test_a_result_for_what_was_taken_out_is_refused(planned: Network) -> None:
    holding_payouts.remove("bat_1", ANN, "out", THIRD)
    approve_and_export(planned)
    with pytest.raises(ConflictError) as refused:
        settling.settle("bat_1", [Result("/results/0", ANN, "paid", None, None)], SECOND)
    assert refused.value.code == "payout_removed"


def test_each_is_recorded_with_its_reason_and_whose_key_it_was(planned: Network) -> None:
    holding_payouts.hold("bat_1", ANN, "odd", replace(THIRD, person="Rudo"))
    holding_payouts.release("bat_1", ANN, SECOND)
    holding_payouts.remove("bat_1", ANN, "out", THIRD)
    listed = audit.list_records(10, None, subject=f"payout#{ANN}").data
    assert sorted((each.action, each.by_key, each.by_person, each.why) for each in listed) == [
        ("payout.held", "key_3", "Rudo", "odd"),
        ("payout.released", "key_2", "", None),
        ("payout.removed", "key_3", "", "out"),
    ]


# ---- standing is looked at again


def suspend() -> None:
    members.set_member("mem_ann", status="suspended")


STANDING = [
    pytest.param(suspend, "the affiliate is suspended, not approved", id="suspended"),
    pytest.param(
        lambda: change_method("mem_ann", OTHER_PHONE),
        "the payout method was changed and rests until 2026-11-24T09:00:00.000Z",
        id="paid elsewhere",
    ),
    pytest.param(
        lambda: change_method("mem_ann", None), "the affiliate has no payout method", id="nowhere"
    ),
    pytest.param(
        lambda: members.MemberItem("mem_ann").delete(),
        "there is no such member any more",
        id="gone",
    ),
]


@pytest.mark.parametrize(("happens", "why"), STANDING)
@pytest.mark.parametrize("when", ["before the approval", "before the export"])
def test_who_is_not_to_be_paid_any_more_is_taken_out(
    planned: Network, happens: Callable[[], None], why: str, when: str
) -> None:
    if when == "before the export":
        planning.approve("bat_1", SECOND)
    happens()
    if when == "before the approval":
        assert planning.approve("bat_1", SECOND).count == 2
    planned.deliver_approvals()
    assert in_file(planned) == {"spo", "top"}
    assert planned.balances() == {"ann": 5_000}
    (named,) = payouts.list_removed("bat_1", 10)
    assert (named.reason, named.removed_by) == (why, "schedule")
    assert counts() == (2, 750, 0, 0, 1, 5_000)


@pytest.mark.parametrize(("happens", "why"), STANDING)
def test_also_between_the_look_at_it_and_its_seal(
    planned: Network, happens: Callable[[], None], why: str
) -> None:
    planning.approve("bat_1", SECOND)
    real, done = sealing.find_members, []

    def find(ids: Any) -> Any:
        found = real(ids)
        if not done:
            done.append(happens())
        return found

    with patch.object(sealing, "find_members", find):
        planned.deliver_approvals()
    assert done
    assert in_file(planned) == {"spo", "top"}
    assert reason_of("ann") == why


def test_a_method_changed_where_none_rests_is_not_what_the_batch_was_planned_for(
    planned: Network,
) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, method_rest_hours=0))
    change_method("mem_ann", OTHER_PHONE)
    approve_and_export(planned)
    assert in_file(planned) == {"spo", "top"}
    assert reason_of("ann") == "the payout method was changed after the batch was planned"


def test_who_is_refused_by_four_eyes_takes_nobody_out(planned: Network) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    suspend()
    with pytest.raises(ConflictError):
        planning.approve("bat_1", BOSS)
    assert counts() == (3, 5_750, 0, 0, 0, 0)


def test_a_batch_too_large_to_be_looked_at_by_a_request_is_looked_at_by_the_export(
    planned: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "LOOKED_AT_MAX", 2)
    suspend()
    assert planning.approve("bat_1", SECOND).count == 3
    planned.deliver_approvals()
    assert in_file(planned) == {"spo", "top"}


@pytest.mark.parametrize("together", [1, 2, 50])
def test_however_many_are_sealed_together_the_file_is_the_same(
    planned: Network, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(sealing, "TOGETHER_MAX", together)
    suspend()
    approve_and_export(planned)
    assert in_file(planned) == {"spo", "top"}


def test_wherever_an_export_with_one_to_take_out_dies_it_ends_the_same(planned: Network) -> None:
    planning.approve("bat_1", SECOND)
    holding_payouts.hold("bat_1", payout_id("bat_1", "mem_top"), "odd", THIRD)
    suspend()
    planned.save()
    writes = Writes()
    with writes.watched():
        exporting.export("bat_1")
    expected = planned.everything()
    assert writes.count >= 5
    for number in range(1, writes.count + 1):
        for when in ("before", "after"):
            planned.restore()
            with Writes((number, when)).watched(), pytest.raises(CrashError):
                exporting.export("bat_1")
            exporting.export("bat_1")
            assert planned.everything() == expected, f"died {when} write {number}"


# ---- a changed method rests


def earned_again(network: Network, number: int) -> None:
    network.report(f"again-{number}", 100_000)
    network.deliver_facts()


@pytest.mark.parametrize(
    ("hours", "left_out"),
    [(0, True), (71, True), (72, False), (100, False)],
)
def test_a_changed_method_rests_for_three_days(
    network: Network, hours: int, left_out: bool
) -> None:
    change_method("mem_ann", OTHER_PHONE)
    network.pass_time(hours=hours)
    earned_again(network, 1)
    network.start_batch("bat_1")
    network.deliver_work()
    assert ("ann" in network.skipped("bat_1")) == left_out
    if left_out:
        assert network.skipped("bat_1")["ann"].endswith("rests until 2026-11-24T09:00:00.000Z")


@pytest.mark.parametrize(
    ("methods", "rests"),
    [
        pytest.param([OTHER_PHONE], True, id="another one"),
        pytest.param([None, OTHER_PHONE], True, id="another one after none"),
        pytest.param([OTHER_PHONE, "same"], True, id="changed and changed back"),
        pytest.param([None, "same"], True, id="the same after none"),
        pytest.param(["same"], False, id="the same again"),
    ],
)
def test_what_is_a_change_of_method(network: Network, methods: list[Any], rests: bool) -> None:
    first = members.get_member("mem_ann").payout_method
    for method in methods:
        network.pass_time(hours=1)
        change_method("mem_ann", first if method == "same" else method)
    earned_again(network, 1)
    network.start_batch("bat_1")
    network.deliver_work()
    assert ("ann" in network.skipped("bat_1")) == rests


def test_the_first_method_ever_is_no_change_and_the_second_is(network: Network) -> None:
    members.set_member("mem_ann", payout_method=None)  # as a member that never had one
    change_method("mem_ann", OTHER_PHONE)
    earned_again(network, 1)
    network.start_batch("bat_1")
    network.deliver_work()
    assert network.payout_statuses("bat_1")["ann"] == "debited"
    change_method("mem_ann", {**OTHER_PHONE, "phone": "+263772222222"})
    earned_again(network, 2)
    network.start_batch("bat_2")
    network.deliver_work()
    assert "rests until" in network.skipped("bat_2")["ann"]


def test_two_who_set_a_first_method_at_once_make_one_first_and_one_change(
    network: Network,
) -> None:
    members.set_member("mem_ann", payout_method=None)
    real, done = changing_members.change_member, []

    def change(*of: Any) -> None:
        if not done:
            done.append(True)
            change_method("mem_ann", {**OTHER_PHONE, "phone": "+263772222222"})
        real(*of)

    with patch.object(changing_members, "change_member", change):
        change_method("mem_ann", OTHER_PHONE)
    ann = members.get_member("mem_ann")
    assert ann.payout_method == OTHER_PHONE
    assert ann.payout_method_before == {"type": "mobile_money", "phone": "…2222"}


RUDO, TINO = replace(BOSS, person="Rudo"), replace(SECOND, person="Tino")


def test_a_change_that_waited_for_a_second_person_rests_from_its_approval(
    network: Network,
) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    asked = Asked({"member_id": "mem_ann", "changes": {"payout_method": OTHER_PHONE}})
    _, proposal = proposing.act(changing_members.CHANGE, changing_members.plan_change, asked, RUDO)
    assert proposal is not None
    assert members.get_member("mem_ann").payout_method_changed_at is None
    network.pass_time(hours=100)
    approving.approve(proposal.proposal_id, TINO)
    ann = members.get_member("mem_ann")
    assert ann.payout_method == OTHER_PHONE
    assert (ann.payout_method_changed_at, ann.payout_method_changed_by) == (
        clock.text(network.moment),
        "key_2",
    )


@pytest.mark.parametrize(("hours", "waits"), [(71, True), (0, True), (72, False), (73, True)])
def test_one_person_alone_cannot_change_the_rest(network: Network, hours: int, waits: bool) -> None:
    now = replace(SETTINGS, version=2, four_eyes=True)
    settings.publish_settings(now)
    new = replace(now, version=3, method_rest_hours=hours, name="Renamed")
    _, proposal = proposing.act(
        publishing_settings.PUBLISH, publishing_settings.plan_publish, Asked(asdict(new)), RUDO
    )
    assert (proposal is not None) == waits


def test_a_shorter_rest_counts_from_the_next_batch_on(network: Network) -> None:
    change_method("mem_ann", OTHER_PHONE)
    settings.publish_settings(replace(SETTINGS, version=2, method_rest_hours=1))
    network.pass_time(hours=1)
    earned_again(network, 1)
    network.start_batch("bat_1")
    network.deliver_work()
    assert network.payout_statuses("bat_1")["ann"] == "debited"


# ---- who else is paid there


def test_a_member_stored_before_it_was_kept_is_found_once_it_is_debited(network: Network) -> None:
    place = destination(members.get_member("mem_ann").payout_method)
    assert place is not None
    for item in table("members"):
        members.MemberItem(item["member_id"]).update(
            actions=[members.MemberItem.payout_destination.remove()]
        )
    assert members.members_paid_to(place, 10) == []
    earned_again(network, 1)
    network.start_batch("bat_1")
    network.deliver_work()
    assert sorted(members.members_paid_to(place, 10)) == ["mem_ann", "mem_spo", "mem_top"]
