"""Terms that cannot be are refused with the sentence that says why; those taken never tie."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import InvalidFieldError
from linkage.members import Split
from linkage.network import NetworkSettings, RecruitmentBonus
from linkage.programs import Bonus, Program, Reward, Step, Thresholds
from linkage.terms import check_program, check_settings, check_settings_for, check_splits

PLAIN = Reward("sale", rate_bps=500)
PROGRAM = Program(
    program_id="prg_1",
    version=1,
    vendor_id="mem_vendor",
    name="Roof tiles",
    destination_url="https://shop.example/",
    rewards=(PLAIN,),
    window_days=30,
    hold_days=14,
    confirmation="manual",
    introducer_rate_bps=100,
    created_at="2026-01-05T08:00:00.000Z",
    categories=("tools", "paint"),
)
FEES = NetworkSettings(version=1)
VENDOR_PAYS = replace(FEES, override_funding="vendor")


def steps(*each: tuple[int, int | None]) -> Reward:
    """A reward with steps by count from … to …, at 1 %, 2 %, …"""
    made = tuple(Step(*span, rate_bps=100 * at) for at, span in enumerate(each, start=1))
    return Reward("sale", thresholds=Thresholds("count", "month", made))


def refusal(program: Program, network: NetworkSettings = FEES) -> tuple[str | None, str, str]:
    """The pointer, the code and the sentence terms are refused with."""
    with pytest.raises(InvalidFieldError) as refused:
        check_program(program, network)
    return refused.value.pointer, refused.value.code, refused.value.detail


TIES = [
    pytest.param(PLAIN, Reward("sale", rate_bps=300), id="plain and plain"),
    pytest.param(PLAIN, Reward("sale", amount_minor=5, currency="USD"), id="any currency and one"),
    pytest.param(
        Reward("lead", amount_minor=5, currency="USD"),
        Reward("lead", amount_minor=9, currency="USD"),
        id="the same currency",
    ),
    *(
        pytest.param(replace(PLAIN, **{name: value}), replace(PLAIN, **{name: value}), id=name)
        for name, value in (
            ("affiliate_id", "mem_1"),
            ("coupon", "SUMMER"),
            ("group", "gold"),
            ("category", "tools"),
        )
    ),
    pytest.param(replace(PLAIN, first_n=1), replace(PLAIN, first_n=3), id="first 1 and first 3"),
    pytest.param(replace(PLAIN, months=6), replace(PLAIN, months=12), id="6 and 12 months"),
    pytest.param(
        replace(PLAIN, starts_on="2026-01-01", ends_on="2026-01-31"),
        replace(PLAIN, starts_on="2026-01-31", ends_on="2026-02-28"),
        id="one day in common",
    ),
    pytest.param(
        replace(PLAIN, starts_on="2026-01-01"),
        replace(PLAIN, ends_on="2026-01-01"),
        id="open dates",
    ),
    pytest.param(
        replace(PLAIN, ends_on="2026-01-01"), replace(PLAIN, ends_on="2020-01-01"), id="both ended"
    ),
    pytest.param(
        replace(PLAIN, category="tools", first_n=1),
        replace(PLAIN, category="tools", first_n=2),
        id="the same two conditions",
    ),
    pytest.param(PLAIN, steps((0, None)), id="a rate and thresholds"),
]
NO_TIES = [
    pytest.param(PLAIN, Reward("lead", amount_minor=5, currency="USD"), id="events"),
    pytest.param(
        replace(PLAIN, currency="USD"), replace(PLAIN, currency="ZWG"), id="two currencies"
    ),
    pytest.param(PLAIN, replace(PLAIN, category="tools"), id="a category and the rest"),
    pytest.param(
        replace(PLAIN, category="paint"), replace(PLAIN, category="tools"), id="two categories"
    ),
    pytest.param(replace(PLAIN, coupon="A"), replace(PLAIN, coupon="B"), id="two coupons"),
    pytest.param(
        replace(PLAIN, affiliate_id="a"), replace(PLAIN, affiliate_id="b"), id="two affiliates"
    ),
    pytest.param(
        replace(PLAIN, group="gold"),
        replace(PLAIN, group="new"),
        id="two groups: the first listed wins",
    ),
    pytest.param(
        replace(PLAIN, starts_on="2026-01-01", ends_on="2026-01-31"),
        replace(PLAIN, starts_on="2026-02-01", ends_on="2026-02-28"),
        id="one day after the other",
    ),
    pytest.param(PLAIN, replace(PLAIN, starts_on="2026-01-01"), id="dated and not"),
    pytest.param(replace(PLAIN, first_n=1), replace(PLAIN, months=1), id="first n and months"),
    pytest.param(
        replace(PLAIN, group="gold", category="tools"),
        replace(PLAIN, coupon="A", category="tools"),
        id="coupon before group",
    ),
]


@pytest.mark.parametrize(("one", "other"), TIES)
def test_rewards_that_would_both_apply_are_refused(one: Reward, other: Reward) -> None:
    alone = Reward("install", amount_minor=1, currency="USD")
    for first, second in ((one, other), (other, one)):
        pointer, code, detail = refusal(replace(PROGRAM, rewards=(first, alone, second)))
        assert (pointer, code) == ("/rewards/2", "tied_rewards")
        assert f"Rewards 1 and 3 would both apply to the same {one.event}" in detail


@pytest.mark.parametrize(("one", "other"), NO_TIES)
def test_rewards_of_which_one_is_more_specific_or_never_meets_the_other_are_taken(
    one: Reward, other: Reward
) -> None:
    for rewards in ((one, other), (other, one)):
        check_program(replace(PROGRAM, rewards=rewards), FEES)


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
    rewards = (replace(PLAIN, event="lead"), Reward("sale", **fields))
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


def test_days_of_silence_are_of_automatic_confirmation_alone() -> None:
    for confirmation, days in (("automatic", None), ("manual", 5), ("on_report", 5)):
        program = replace(PROGRAM, confirmation=confirmation, confirm_after_days=days)
        refused = refusal(program)
        assert refused[:2] == ("/confirm_after_days", "invalid_field")
    check_program(replace(PROGRAM, confirmation="automatic", confirm_after_days=5), FEES)


CEILINGS = [
    pytest.param(
        {"ceiling_bps": 599}, FEES, "/rewards/0/rate_bps", "6 % in all", id="rate and fee"
    ),
    pytest.param(
        {"ceiling_bps": 674},
        VENDOR_PAYS,
        "/rewards/0/rate_bps",
        "5 % of a sale, and 35 % of that",
        id="levels that the vendor pays",
    ),
    pytest.param(
        {"ceiling_bps": 600, "introducer_rate_bps": 501},
        FEES,
        "/introducer_rate_bps",
        "6.02 % in all, over the ceiling of 6 %",
        id="introducer, rounded up in words only",
    ),
    pytest.param(
        {"ceiling_bps": 239, "rewards": (steps((0, 5), (5, None)),)},
        FEES,
        "/rewards/0/thresholds/steps/1/rate_bps",
        "The rate of reward 1 in step 2",
        id="the best step",
    ),
    pytest.param(
        {"ceiling_bps": 9999, "bonuses": (Bonus("count", "month", 1, 1, "USD"),)},
        FEES,
        "/bonuses/0/by",
        "Make it one by volume",
        id="bonus by count",
    ),
    pytest.param(
        {"ceiling_bps": 700, "bonuses": (Bonus("volume", "month", 10_000, 101, "USD"),)},
        FEES,
        "/bonuses",
        "can be 1.01 % of the sales",
        id="bonus by volume",
    ),
    pytest.param(
        {
            "ceiling_bps": 700,
            "bonuses": (
                Bonus("volume", "month", 10_000, 60, "USD"),
                Bonus("volume", "month", 20_000, 141, "USD"),
            ),
        },
        FEES,
        "/bonuses",
        "over the ceiling of 7 %",
        id="bonuses that add up",
    ),
    pytest.param(
        {
            "ceiling_bps": 700,
            "bonuses": (
                Bonus("volume", "month", 10_000, 60, "USD"),
                Bonus("volume", "year", 100_000, 410, "USD"),
            ),
        },
        FEES,
        "/bonuses",
        "over the ceiling of 7 %",
        id="twelve months and their year",
    ),
]


@pytest.mark.parametrize(("changes", "network", "pointer", "said"), CEILINGS)
def test_terms_that_could_exceed_their_ceiling_are_refused(
    changes: dict[str, Any], network: NetworkSettings, pointer: str, said: str
) -> None:
    program = replace(PROGRAM, **changes)
    refused = refusal(program, network)
    assert refused[:2] == (pointer, "over_the_ceiling")
    assert said in refused[2]
    with pytest.raises(InvalidFieldError, match=r"Program Roof tiles \(prg_1\)") as by_settings:
        check_settings_for(program, network)
    assert by_settings.value.code == "over_the_ceiling"
    assert said.partition(".")[0] in by_settings.value.detail or "by volume" in said


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({"ceiling_bps": None, "rewards": (replace(PLAIN, rate_bps=10_000),)}, FEES),
        ({"ceiling_bps": 600}, FEES),
        ({"ceiling_bps": 675}, VENDOR_PAYS),
        ({"ceiling_bps": 600, "rewards": (PLAIN, Reward("lead", rate_bps=9000))}, FEES),
        (
            {
                "ceiling_bps": 120,
                "rewards": (Reward("sale", amount_minor=10**9, currency="USD"),),
            },
            FEES,
        ),
        ({"ceiling_bps": 700, "bonuses": (Bonus("volume", "month", 10_000, 100, "USD"),)}, FEES),
    ],
)
def test_terms_at_their_ceiling_are_taken_and_fixed_amounts_left_to_each_sale(
    changes: dict[str, Any], network: NetworkSettings
) -> None:
    check_program(replace(PROGRAM, **changes), network)
    check_settings_for(replace(PROGRAM, **changes), network)


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


# A small universe: two of everything that a reward can name, and every conversion there can be.
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
some_rewards = st.lists(
    st.builds(
        Reward,
        event=st.sampled_from(["sale", "lead"]),
        rate_bps=st.just(1),
        currency=st.sampled_from([None, "USD", "ZWG"]),
        affiliate_id=st.sampled_from([None, None, "a", "b"]),
        coupon=st.sampled_from([None, None, "A", "B"]),
        group=st.sampled_from([None, None, "g"]),
        category=st.sampled_from([None, None, "tools", "paint"]),
        starts_on=st.sampled_from([None, *DAYS]),
        ends_on=st.sampled_from([None, *DAYS]),
        first_n=st.sampled_from([None, None, 1, 2]),
        months=st.sampled_from([None, None, 1, 2]),
    ),
    min_size=2,
    max_size=5,
)
UNIVERSE = [
    dict(zip(("event", "currency", "affiliate_id", "coupon", "category", "on"), each, strict=True))
    for each in product(
        ("sale", "lead"),
        ("USD", "ZWG"),
        ("a", "b"),
        (None, "A", "B"),
        (None, "tools", "paint"),
        DAYS,
    )
]
NAMED = ("event", "currency", "affiliate_id", "coupon", "category")


def meets(reward: Reward, line: dict[str, Any]) -> bool:
    """Whether a line of a new customer of a member of group g meets the reward."""
    return all(getattr(reward, name) in (None, line[name]) for name in NAMED) and (
        (reward.starts_on or "") <= line["on"] <= (reward.ends_on or "9")
    )


def rank(reward: Reward) -> tuple[bool, ...]:
    """The written precedence: affiliate, coupon, group, category, dates, first n, months."""
    dated = bool(reward.starts_on or reward.ends_on)
    named = (reward.affiliate_id, reward.coupon, reward.group, reward.category)
    return (
        *(each is not None for each in named),
        dated,
        reward.first_n is not None,
        reward.months is not None,
    )


def test_terms_that_are_taken_never_have_two_rewards_that_tie() -> None:
    counts = {"taken": 0, "tied": 0}

    @settings(deadline=None, derandomize=True, max_examples=400)
    @given(some_rewards)
    def check(rewards: list[Reward]) -> None:
        program = replace(PROGRAM, rewards=tuple(rewards))
        try:
            check_program(program, FEES)
            code = None
        except InvalidFieldError as error:
            code = error.code
        if code not in {None, "tied_rewards"}:
            return
        tied = False
        for line in UNIVERSE:
            ranks = [rank(reward) for reward in rewards if meets(reward, line)]
            tied = tied or ranks.count(max(ranks, default=())) > 1
        assert tied <= (code == "tied_rewards")
        counts["tied" if code else "taken"] += 1

    check()
    assert min(counts.values()) > 50
