"""Rewards that would tie are refused, and those taken never do."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.programs import Reward
from linkage.domain.terms.publication_checks import check_program
from tests.domain.usual_terms import FEES, PLAIN, PROGRAM, refusal, steps

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
