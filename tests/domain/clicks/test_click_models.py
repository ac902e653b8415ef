from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.known_clicks import Click, kept_clicks
from linkage.domain.conversions.claims import Claims
from tests.domain.claims import CLICK, ago, decided
from tests.domain.examples import NOW


def click(name: str, affiliate_id: str = "ann", **time: float) -> Click:
    return replace(CLICK, click_id=name, affiliate_id=affiliate_id, clicked_at=ago(**time))


FIRST, MIDDLE, LAST = (
    click("clk_a", "ann", days=20),
    click("clk_b", "bob", days=10),
    click("clk_c", "cid", days=1),
)
CLICK_MODELS = [
    pytest.param("last", (FIRST, MIDDLE, LAST), "clk_c", id="last"),
    pytest.param("first", (FIRST, MIDDLE, LAST), "clk_a", id="first"),
    pytest.param("last", (FIRST, MIDDLE, replace(LAST, affiliate_id="out")), "clk_b", id="not 1"),
    pytest.param("first", (replace(FIRST, affiliate_id="out"), MIDDLE, LAST), "clk_b", id="not 2"),
    pytest.param("first", (click("clk_0", "old", days=31), MIDDLE, LAST), "clk_b", id="window"),
    pytest.param("last", (FIRST, MIDDLE, click("clk_z", "old", days=-1)), "clk_b", id="back-dated"),
    pytest.param("last", (click("clk_0", "old", days=31),), None, id="none is eligible"),
    pytest.param(
        "last", (click("clk_a", "ann", days=1), click("clk_b", "bob", days=1)), "clk_b", id="tie"
    ),
]


@pytest.mark.parametrize(("model", "clicks", "wins"), CLICK_MODELS)
def test_the_program_says_which_eligible_click_wins_however_they_came(
    model: str, clicks: tuple[Click, ...], wins: str | None
) -> None:
    """Any of them may be the one sent now, in any order, or none: a purchase without a click."""
    outcomes = {
        (found.click and found.click.click_id)
        for order in permutations(clicks)
        for sent in (None, *order)
        for found in [
            decided(
                Claims(
                    click_id=sent and sent.click_id,
                    click=sent,
                    presented=tuple(each for each in order if each != sent),
                ),
                click_model=model,
            )
        ]
    }
    assert outcomes == {wins}


def test_each_click_is_a_candidate_with_its_why() -> None:
    claims = Claims(
        click_id="clk_b", click=MIDDLE, presented=(FIRST, LAST, click("clk_0", "old", days=31))
    )
    told = decided(claims).candidates
    assert [(each.reference, each.won, each.why) for each in told] == [
        ("clk_c", True, "the click was sent for this customer before, within the window"),
        ("clk_b", False, "the later click comes first"),
        ("clk_a", False, "the later click comes first"),
        ("clk_0", False, "the click is older than the program's window of 30 days"),
    ]
    assert decided(claims, click_model="first").candidates[2].why == "the earlier click comes first"


def test_a_click_presented_again_is_one_candidate() -> None:
    claims = Claims(click_id="clk_1", click=CLICK, presented=(CLICK,))
    assert [each.reference for each in decided(claims).candidates] == ["clk_1"]


@given(st.lists(st.integers(0, 80), max_size=12, unique=True), st.sampled_from(["last", "first"]))
def test_the_click_model_is_the_latest_or_the_earliest_of_those_in_the_window(
    ages: list[int], model: str
) -> None:
    clicks = [click(f"clk_{age}", days=age) for age in ages]
    eligible = [age for age in ages if age <= 30]
    best = (min if model == "last" else max)(eligible, default=None)
    found = decided(Claims(presented=tuple(clicks)), click_model=model)
    assert (found.click and found.click.click_id) == (None if best is None else f"clk_{best}")


@given(st.lists(st.integers(-5, 400), max_size=60))
def test_of_a_customers_clicks_the_first_five_and_the_last_fifteen_of_a_year_stay(
    ages: list[int],
) -> None:
    clicks = [click(f"clk_{age}", days=age) for age in ages]
    young = sorted({age for age in ages if age <= 365}, reverse=True)
    expected = young if len(young) <= 20 else young[:5] + young[-15:]
    kept = kept_clicks(clicks, NOW)
    assert [each.click_id for each in kept] == [f"clk_{age}" for age in expected]
    assert kept_clicks(kept, NOW) == kept


def test_what_speaks_against_many_clicks_is_said_once() -> None:
    old = tuple(click(f"clk_{age}", days=age) for age in range(40, 60))
    found = decided(Claims(presented=old))
    assert found.reason == "click: the click is older than the program's window of 30 days"
    assert len(found.candidates) == 20
