"""Terms that cannot be are refused with the sentence that says why."""

from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.members import Split
from linkage.domain.terms.network import RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Reward, Step, Thresholds
from linkage.domain.terms.publication_checks import check_program, check_settings, check_splits
from tests.domain.usual_terms import FEES, PLAIN, PROGRAM, refusal, steps

USD = {"currency": "USD"}
VOLUME = Thresholds("volume", "year", (Step(0, None, rate_bps=100),))
FIXED_STEP = Thresholds("count", "year", (Step(0, None, amount_minor=100),))
ONE_REWARD = [
    ({}, "", "invalid_field", "exactly one of rate_bps, amount_minor"),
    ({"rate_bps": 1, "amount_minor": 1} | USD, "", "invalid_field", "exactly one of"),
    ({"rate_bps": 1, "thresholds": VOLUME} | USD, "", "invalid_field", "exactly one of"),
    ({"amount_minor": 1}, "/currency", "invalid_field", "required beside amount_minor"),
    ({"rate_bps": 1, "max_minor": 1}, "/currency", "invalid_field", "required beside max_minor"),
    (
        {"rate_bps": 1, "name": "a", "budget_minor": 1},
        "/currency",
        "invalid_field",
        "required beside budget_minor",
    ),
    ({"thresholds": VOLUME}, "/currency", "invalid_field", "required beside thresholds by volume"),
    ({"thresholds": FIXED_STEP}, "/currency", "invalid_field", "the amount_minor of a step"),
    (
        {"rate_bps": 1, "name": "a", "period_max_minor": 1} | USD,
        "/period",
        "invalid_field",
        "month, quarter or year",
    ),
    ({"rate_bps": 1, "period": "month"}, "/period", "invalid_field", "is of period_max_minor"),
    (
        {"rate_bps": 1, "period": "month", "period_max_minor": 1} | USD,
        "/name",
        "invalid_field",
        "required beside period_max_minor",
    ),
    (
        {"rate_bps": 1, "budget_minor": 1} | USD,
        "/name",
        "invalid_field",
        "required beside budget_minor",
    ),
    (
        {"event": "lead", "thresholds": FIXED_STEP},
        "/thresholds",
        "invalid_field",
        "a reward for a lead cannot have them",
    ),
    ({"rate_bps": 1, "category": "food"}, "/category", "unknown_category", "'food' is not in"),
    (
        {"rate_bps": 1, "starts_on": "2026-02-01", "ends_on": "2026-01-31"},
        "/ends_on",
        "dates_reversed",
        "ends_on, 2026-01-31, is before starts_on, 2026-02-01",
    ),
]


@pytest.mark.parametrize(("fields", "pointer", "code", "said"), ONE_REWARD)
def test_a_reward_that_cannot_be_is_refused(
    fields: dict[str, Any], pointer: str, code: str, said: str
) -> None:
    rewards = (replace(PLAIN, event="signup"), Reward(**{"event": "sale", **fields}))
    refused = refusal(replace(PROGRAM, rewards=rewards))
    assert refused[:2] == (f"/rewards/1{pointer}", code)
    assert said in refused[2]


@pytest.mark.parametrize(
    ("spans", "pointer", "said"),
    [
        ([(5, None)], "0/from", "starts from 5, so there is none below"),
        ([(0, 10)], "0/to", "The last step ends at 10"),
        ([(0, 10), (20, None)], "1/from", "there is a gap between them. Start it from 10"),
        ([(0, 10), (5, None)], "1/from", "there is an overlap between them. Start it from 10"),
        ([(0, None), (10, None)], "0/to", "Step 1 has no end, so step 2 is never reached"),
        ([(0, 10), (10, 10), (10, None)], "1/to", "ends at 10, which is not above its start, 10"),
        ([(0, 10), (10, 5), (5, None)], "1/to", "ends at 5, which is not above its start, 10"),
    ],
)
def test_steps_leave_no_gap_and_do_not_overlap(
    spans: list[tuple[int, int | None]], pointer: str, said: str
) -> None:
    refused = refusal(replace(PROGRAM, rewards=(steps(*spans),)))
    assert refused[:2] == (f"/rewards/0/thresholds/steps/{pointer}", "thresholds_gap")
    assert said in refused[2]


def test_a_step_pays_a_rate_or_an_amount() -> None:
    for both in (Step(0, None), Step(0, None, rate_bps=1, amount_minor=1)):
        reward = Reward("sale", currency="USD", thresholds=Thresholds("count", "month", (both,)))
        refused = refusal(replace(PROGRAM, rewards=(reward,)))
        assert refused[0] == "/rewards/0/thresholds/steps/0"


def test_steps_that_fit_are_taken() -> None:
    check_program(replace(PROGRAM, rewards=(steps((0, 1), (1, 10), (10, None)),)), FEES)


def named(count: int, **fields: Any) -> tuple[Reward, ...]:
    """So many rewards with names, each for a group of its own."""
    return tuple(
        Reward("sale", rate_bps=1, currency="USD", name=f"n{at}", group=f"g{at}", **fields)
        for at in range(count)
    )


def test_names_are_unique_in_a_program() -> None:
    twice = (*named(2), replace(named(1)[0], group="other"))
    refused = refusal(replace(PROGRAM, rewards=twice))
    assert refused[:2] == ("/rewards/2/name", "invalid_field")
    assert "Rewards 1 and 3 have the same name" in refused[2]


def test_at_most_12_counts_are_kept() -> None:
    limits = {"budget_minor": 5, "period": "year", "period_max_minor": 5}
    check_program(replace(PROGRAM, rewards=named(6, **limits)), FEES)
    month = Bonus("count", "month", 3, 100, "USD")
    pointer, _, said = refusal(replace(PROGRAM, rewards=named(6, **limits), bonuses=(month,)))
    assert (pointer, "keep 13 counts" in said) == ("/rewards", True)
    # Thresholds and bonuses by count of one period share their count, whatever their currency.
    shared = (steps((0, None)), *named(5, **limits), *named(6, budget_minor=5)[5:])
    check_program(
        replace(PROGRAM, rewards=shared, bonuses=(month, replace(month, currency="ZWG"))), FEES
    )


def test_two_bonuses_have_not_the_same_target() -> None:
    bonus = Bonus("volume", "month", 1000, 100, "USD")
    refused = refusal(replace(PROGRAM, bonuses=(bonus, replace(bonus, amount_minor=5))))
    assert refused[:2] == ("/bonuses/1/target", "invalid_field")
    for other in ({"target": 2000}, {"currency": "ZWG"}, {"period": "year"}, {"by": "count"}):
        check_program(replace(PROGRAM, bonuses=(bonus, replace(bonus, **other))), FEES)


def test_bonuses_are_in_at_most_5_currencies() -> None:
    codes = ("USD", "ZWG", "ZAR", "EUR", "JPY", "BHD")
    bonuses = tuple(Bonus("count", "month", 5, 100, each) for each in codes)
    check_program(replace(PROGRAM, bonuses=bonuses[:5]), FEES)
    refused = refusal(replace(PROGRAM, bonuses=bonuses))
    assert refused[0] == "/bonuses"
    assert "in 6 currencies" in refused[2]
    later = replace(PROGRAM, bonuses=bonuses[5:], bonus_currencies=tuple(sorted(codes[:5])))
    assert refusal(later)[0] == "/bonuses"
    check_program(replace(later, bonuses=bonuses[4:5]), FEES)


def test_days_of_silence_are_of_automatic_confirmation_alone() -> None:
    for confirmation, days in (("automatic", None), ("manual", 5), ("on_report", 5)):
        program = replace(PROGRAM, confirmation=confirmation, confirm_after_days=days)
        refused = refusal(program)
        assert refused[:2] == ("/confirm_after_days", "invalid_field")
    check_program(replace(PROGRAM, confirmation="automatic", confirm_after_days=5), FEES)


def test_a_sale_pays_at_most_40() -> None:
    bonus = RecruitmentBonus(500, "USD")
    five = replace(FEES, level_rates_bps=(400,) * 5)
    check_settings(replace(five, recruitment_bonus=bonus))  # 7 who earn, 4 splits each: 35
    check_settings(replace(FEES, recruitment_bonus=bonus, split_members_max=9))  # exactly 40
    for many in (
        replace(five, split_members_max=6),
        replace(five, recruitment_bonus=bonus, split_members_max=5),
    ):
        with pytest.raises(InvalidFieldError, match="could pay 42 affiliates") as refused:
            check_settings(many)
        assert (refused.value.pointer, refused.value.code) == (
            "/split_members_max",
            "too_many_payees",
        )


def test_overrides_are_paid_out_of_both_fees_or_by_the_vendor() -> None:
    levels = replace(FEES, level_rates_bps=(1500, 600))
    with pytest.raises(InvalidFieldError, match="100 more than the fees of 2000") as refused:
        check_settings(levels)
    assert (refused.value.pointer, refused.value.code) == (
        "/level_rates_bps",
        "overrides_not_funded",
    )
    check_settings(replace(levels, affiliate_fee_bps=100))
    check_settings(replace(levels, override_funding="vendor"))


@pytest.mark.parametrize(
    ("splits", "pointer", "said"),
    [
        ((Split("me", 100),), "/splits/0/member_id", "split to itself"),
        ((Split("a", 100), Split("a", 100)), "/splits/1/member_id", "has a split already"),
        ((Split("a", 9000), Split("b", 1001)), "/splits", "10001 basis points"),
        (tuple(Split(each, 1) for each in "abcde"), "/splits", "at most 4 members"),
    ],
)
def test_splits_that_cannot_be_are_refused(
    splits: tuple[Split, ...], pointer: str, said: str
) -> None:
    with pytest.raises(InvalidFieldError, match=said) as refused:
        check_splits("me", splits, FEES)
    assert refused.value.pointer == pointer


def test_splits_up_to_the_whole_are_taken() -> None:
    check_splits("me", (Split("a", 9000), Split("b", 1000)), FEES)
