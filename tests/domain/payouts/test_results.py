"""What the bank may say of a payout after what it has said, and what stays as it was booked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.errors import ConflictError
from linkage.domain.payouts.payouts import GIVEN_BACK, Payout
from linkage.domain.payouts.requests import RESULTS, STEPS_MAX, Result
from linkage.domain.payouts.results import (
    answered,
    result_transaction,
    return_id,
    step_id,
    steps_of,
)

SENT = Payout(
    payout_id="pay_1",
    batch_id="bat_1",
    affiliate_id="mem_ann",
    amount_minor=500,
    currency="USD",
    status="sent",
    created_at="2026-11-21T09:00:00.000Z",
    name="Ann",
    method={"type": "manual"},
)
AT = "2026-11-22T09:00:00.000Z"


def said(
    status: str, reference: str | None = None, reason: str | None = None, step: int | None = None
) -> Result:
    return Result("/results/0", SENT.payout_id, status, reference, reason, step)


def after(*statuses: str) -> Payout:
    """The payout after these words, each a step of its own."""
    payout = SENT
    for step, status in enumerate(statuses, 1):
        payout = answered(said(status, step=step), payout, AT, "key_1")
    return payout


NEXT = [
    pytest.param((), "paid", id="paid"),
    pytest.param((), "failed", id="failed"),
    pytest.param(("paid",), "returned", id="sent back"),
    pytest.param(("failed",), "arrived", id="arrived after all"),
    pytest.param(("paid", "returned"), "arrived", id="the return was none"),
    pytest.param(("failed", "arrived"), "returned", id="sent back in the end"),
]


@pytest.mark.parametrize(("before", "status"), NEXT)
def test_each_word_is_a_step_and_those_before_it_are_kept(
    before: tuple[str, ...], status: str
) -> None:
    payout = answered(said(status, "EC-1", "why"), after(*before), AT, "key_2")
    assert payout.status == status
    assert [step.status for step in steps_of(payout)] == [*before, status]
    assert steps_of(payout)[-1].by == "key_2"
    assert steps_of(payout)[:-1] == steps_of(after(*before))


REFUSED = [
    pytest.param((), "returned", None, "first say whether", id="returned before paid"),
    pytest.param((), "arrived", None, "first say whether", id="arrived before failed"),
    pytest.param(("paid",), "failed", None, "it is `returned`", id="failed after paid"),
    pytest.param(("failed",), "paid", None, "has `arrived`", id="paid after failed"),
    pytest.param(("paid",), "arrived", None, "it is `returned`", id="arrived after paid"),
    pytest.param(("failed",), "returned", None, "has `arrived`", id="returned after failed"),
    pytest.param(("paid",), "returned", 3, "next step is 2", id="a step left out"),
    pytest.param(("paid",), "failed", 1, "step 1 of it is paid", id="another first step"),
    pytest.param(
        ("paid", "returned", "arrived"), "returned", None, '"step": 4', id="once more, or again"
    ),
    pytest.param(
        ("failed", "arrived", "returned"), "arrived", None, '"step": 4', id="which arrival"
    ),
]


@pytest.mark.parametrize(("before", "status", "step", "why"), REFUSED)
def test_what_cannot_be_so_is_refused_with_what_to_say_instead(
    before: tuple[str, ...], status: str, step: int | None, why: str
) -> None:
    payout = after(*before)
    with pytest.raises(ConflictError) as refused:
        answered(said(status, step=step), payout, AT, "key_1")
    assert refused.value.code == f"payout_{payout.status}"
    assert why in refused.value.detail


@pytest.mark.parametrize("status", ["debited", "cancelled", "removed", "of a later release"])
def test_what_was_never_sent_has_no_result(status: str) -> None:
    with pytest.raises(ConflictError, match="no result"):
        answered(said("paid"), replace(SENT, status=status), AT, "key_1")


def test_the_advice_given_for_a_second_return_is_right() -> None:
    payout = answered(said("returned", step=4), after("paid", "returned", "arrived"), AT, "key_1")
    assert payout.status == "returned"
    assert len(steps_of(payout)) == 4


@pytest.mark.parametrize(
    ("before", "again"),
    [
        (("paid",), "paid"),
        (("paid", "returned"), "returned"),
        (("paid", "returned"), "paid"),
        (("failed", "arrived"), "failed"),
        (("failed", "arrived"), "arrived"),
    ],
)
def test_the_same_word_again_changes_nothing(before: tuple[str, ...], again: str) -> None:
    payout = after(*before)
    assert answered(said(again), payout, "2027-01-01T00:00:00.000Z", "key_9") == payout


def test_what_was_not_known_is_added_and_what_was_known_stays() -> None:
    paid = after("paid")
    known = answered(said("paid", "EC-1"), paid, AT, "key_2")
    assert (known.reference, known.result_by) == ("EC-1", "key_1")
    known = answered(said("paid", "EC-1", "by hand"), known, AT, "key_2")
    assert (known.reference, known.reason) == ("EC-1", "by hand")
    assert answered(said("paid"), known, AT, "key_2") == known
    for other in (said("paid", "EC-2"), said("paid", "EC-1", "otherwise")):
        with pytest.raises(ConflictError, match="final"):
            answered(other, known, AT, "key_2")


def test_an_earlier_step_is_completed_too() -> None:
    returned = answered(said("returned", None, "closed"), after("paid"), AT, "key_1")
    known = answered(said("paid", "EC-1", step=1), returned, AT, "key_1")
    first, second = steps_of(known)
    assert (first.reference, second.reference, second.reason) == ("EC-1", None, "closed")
    assert known.status == "returned"


def test_a_step_keeps_what_a_later_release_has_stored_beside_it() -> None:
    payout = after("paid", "returned")
    later = replace(payout, history=tuple({**each, "later": 1} for each in payout.history or ()))
    arrived = answered(said("arrived"), later, AT, "key_1")
    assert arrived.history is not None
    assert [each.get("later") for each in arrived.history] == [1, None]


def test_a_result_of_an_earlier_release_is_its_first_step() -> None:
    paid = replace(SENT, status="paid", reference="EC-1")
    (step,) = steps_of(paid)
    assert (step.status, step.at, step.reference) == ("paid", None, "EC-1")
    returned = answered(said("returned"), paid, AT, "key_1")
    assert [each.status for each in steps_of(returned)] == ["paid", "returned"]


def test_two_who_contradict_each_other_come_to_an_end() -> None:
    payout = after("paid")
    for step in range(2, STEPS_MAX + 1):
        status = "returned" if step % 2 == 0 else "arrived"
        payout = answered(said(status, step=step), payout, AT, "key_1")
    with pytest.raises(ConflictError, match="Use an adjustment"):
        answered(said("returned"), payout, AT, "key_1")
    with pytest.raises(ConflictError, match="Use an adjustment"):
        answered(said("returned", step=STEPS_MAX + 1), payout, AT, "key_1")


@given(st.lists(st.tuples(st.sampled_from(RESULTS), st.booleans()), max_size=30))
def test_whatever_is_said_each_new_step_moves_the_money_once_and_the_other_way(
    words: list[tuple[str, bool]],
) -> None:
    """With the bank or with the affiliate: never with both, and never with neither."""
    payout, at_bank, moved = SENT, 0, set()
    for status, numbered in words:
        before = steps_of(payout)
        sent = said(status, step=len(before) + 1 if numbered else None)
        try:
            becomes = answered(sent, payout, AT, "key_1")
        except ConflictError:
            continue
        if len(steps_of(becomes)) > len(before):
            transaction = result_transaction(becomes)
            assert transaction.transaction_id not in moved
            moved.add(transaction.transaction_id)
            (posting,) = transaction.postings
            at_bank += posting.amount_minor * (
                (posting.target == "bank") - (posting.source == "bank")
            )
            assert at_bank == (500 if becomes.status in {"paid", "arrived"} else 0)
            assert (becomes.status in GIVEN_BACK) == (posting.target == "affiliate:mem_ann")
        payout = becomes
    assert len(moved) == len(steps_of(payout)) <= STEPS_MAX


@pytest.mark.parametrize(
    ("payout", "expected"),
    [
        (after("failed"), "pay_1/failed"),
        (replace(SENT, status="cancelled"), "pay_1/cancelled"),
        (replace(SENT, status="removed"), "pay_1/removed"),
        (after("paid", "returned"), "pay_1/2/returned"),
        (after("failed", "arrived", "returned"), "pay_1/3/returned"),
    ],
)
def test_the_transaction_that_gave_the_money_back_is_known(payout: Payout, expected: str) -> None:
    assert return_id(payout) == expected


def test_the_first_result_keeps_the_id_it_always_had() -> None:
    assert [step_id("pay_1", 1, each) for each in ("paid", "failed")] == [
        "pay_1/paid",
        "pay_1/failed",
    ]


def test_the_money_that_comes_back_counts_at_once_and_so_does_what_is_taken_again() -> None:
    for before, sign in ((("paid", "returned"), 1), (("failed", "arrived"), -1)):
        (line,) = result_transaction(after(*before)).lines
        assert dict(line.dues) == {"2026-11-22": sign * 500}
