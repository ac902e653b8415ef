"""What a reward pays, what limits it, and how that is said: a table for each."""

from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.commissions.rewards import Part, lowered
from linkage.domain.conversions.conversions import Item
from linkage.domain.conversions.tallies import Tally, reward_tally, sales_tally
from linkage.domain.money import percent
from linkage.domain.terms.programs import Reward, Step, Thresholds
from tests.domain.examples import AFFILIATE
from tests.domain.rewarding import PLAIN, direct, said, sale, seeing

TOOLS = Item(6_000, "tools")
STEPS = Thresholds(
    "volume",
    "month",
    (Step(0, 100_000, 500), Step(100_000, 500_000, 700), Step(500_000, None, 1_000)),
)
BY_COUNT = Thresholds("count", "quarter", (Step(0, 3, None, 100), Step(3, None, None, 900)))
VOLUME = sales_tally("prg_1", AFFILIATE, "2026-11", "USD")
COUNT = sales_tally("prg_1", AFFILIATE, "2026-Q4", "*")
STEPPED = Reward("sale", currency="USD", thresholds=STEPS)
COUNTED = Reward("sale", currency="USD", thresholds=BY_COUNT)
NAMED = Reward("sale", rate_bps=500, currency="USD", name="spring")
OF_PERIOD = reward_tally("prg_1", "spring", AFFILIATE, "2026-11", "USD")
OF_ALL = reward_tally("prg_1", "spring", "*", "*", "USD")
MONTHLY = replace(NAMED, period="month", period_max_minor=20_000)
BUDGETED = replace(NAMED, budget_minor=50_000)
BY_CATEGORY = (replace(PLAIN, rate_bps=500), replace(PLAIN, category="tools", rate_bps=1_000))

PAID = [
    pytest.param({}, (), (replace(PLAIN, rate_bps=500),), 500, id="a rate"),
    pytest.param({}, (), (Reward("sale", amount_minor=70, currency="USD"),), 70, id="an amount"),
    pytest.param({"items": (TOOLS,)}, (), BY_CATEGORY, 800, id="by category, the rest plain"),
    pytest.param({"items": (TOOLS,)}, (), BY_CATEGORY[1:], 600, id="the rest has no reward"),
    pytest.param(
        {"items": (Item(6_000, "tools"), Item(4_000, "paint"))}, (), BY_CATEGORY, 800,
        id="items that are all of it leave no rest",
    ),
    pytest.param(
        {"amount_minor": 30, "items": (Item(10),) * 3}, (), (replace(PLAIN, rate_bps=500),), 3,
        id="each line is rounded: three halves of a cent are three cents",
    ),
    pytest.param(
        {"items": (Item(1),) * 3}, (), (Reward("sale", amount_minor=70, currency="USD"),), 70,
        id="an amount is paid once for all its lines",
    ),
    pytest.param(
        {"items": (TOOLS,)}, (),
        (BY_CATEGORY[0], Reward("sale", amount_minor=70, currency="USD", category="tools")), 270,
        id="an amount for one line, a rate for the rest",
    ),
    pytest.param({}, (), (STEPPED,), 500, id="the first step of a new period"),
    pytest.param({}, (Tally(VOLUME, 1, 9, 99_999),), (STEPPED,), 500, id="below the second step"),
    pytest.param({}, (Tally(VOLUME, 1, 9, 100_000),), (STEPPED,), 700, id="at the second step"),
    pytest.param({}, (Tally(VOLUME, 1, 9, 10**9),), (STEPPED,), 1_000, id="the last step is open"),
    pytest.param(
        {"occurred_at": "2026-12-01T00:00:00.000Z"}, (Tally(VOLUME, 1, 9, 10**9),), (STEPPED,), 500,
        id="the next month starts again from the first step",
    ),
    pytest.param({}, (Tally(COUNT, 1, 2),), (COUNTED,), 100, id="two sales, of three asked"),
    pytest.param({}, (Tally(COUNT, 1, 3),), (COUNTED,), 900, id="three sales, of any currency"),
    pytest.param({}, (), (replace(NAMED, max_minor=300),), 300, id="capped for one sale"),
    pytest.param({}, (), (replace(NAMED, max_minor=0),), 0, id="capped to nothing"),
    pytest.param({}, (), (MONTHLY,), 500, id="within the month's cap"),
    pytest.param(
        {}, (Tally(OF_PERIOD, 1, amount_minor=19_850),), (MONTHLY,), 150, id="the month's last 1.50"
    ),
    pytest.param(
        {}, (Tally(OF_PERIOD, 1, amount_minor=20_001),), (MONTHLY,), 0, id="over it: never below 0"
    ),
    pytest.param(
        {}, (Tally(OF_ALL, 1, amount_minor=49_999),), (BUDGETED,), 1, id="the budget's last cent"
    ),
    pytest.param(
        {},
        (Tally(OF_PERIOD, 1, amount_minor=19_700), Tally(OF_ALL, 1, amount_minor=49_600)),
        (replace(MONTHLY, budget_minor=50_000, max_minor=350),),
        300,
        id="of three caps the least",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "tallies", "rewards", "expected"), PAID)
def test_a_reward_pays(
    changes: dict[str, Any], tallies: tuple[Tally, ...], rewards: tuple[Reward, ...], expected: int
) -> None:
    assert direct(sale(**changes), seeing(*tallies), *rewards) == expected


def test_an_install_pays_its_own_reward_without_an_amount() -> None:
    install = sale(event="install", amount_minor=0)
    flat = Reward("install", amount_minor=120, currency="USD")
    assert direct(install, seeing(), PLAIN, flat) == 120


# ---- the ceiling


@pytest.mark.parametrize(
    ("ceiling_bps", "expected"),
    [
        pytest.param(600, 500, id="500 and a fee of 100 are 6 %, just allowed"),
        pytest.param(599, 499, id="599 allow 499 and a fee of 99"),
        pytest.param(12, 10, id="12 cents: 10 and a fee of 2"),
        pytest.param(1, 1, id="one cent: no fee of one cent"),
    ],
)
def test_the_commission_is_the_greatest_whose_cost_is_under_the_ceiling(
    ceiling_bps: int, expected: int
) -> None:
    paid = direct(sale(), seeing(), replace(PLAIN, rate_bps=500), ceiling_bps=ceiling_bps)
    assert paid == expected


def test_a_lead_has_no_ceiling() -> None:
    flat = Reward("lead", amount_minor=500, currency="USD")
    assert direct(sale(event="lead"), seeing(), flat, ceiling_bps=1) == 500


@pytest.mark.parametrize(
    ("minor", "kept"),
    [(600, (200, 300, 100)), (599, (200, 300, 99)), (450, (200, 250, 0)), (50, (50, 0, 0))],
)
def test_what_the_ceiling_cuts_it_cuts_from_the_last_reward_backwards(
    minor: int, kept: tuple[int, ...]
) -> None:
    parts = (Part("a", 200), Part(None, 300), Part("c", 100))
    assert tuple(part.amount_minor for part in lowered(parts, minor)) == kept


# ---- in words


@pytest.mark.parametrize(
    ("changes", "tallies", "rewards", "sentence"),
    [
        pytest.param(
            {}, (), (replace(PLAIN, name="Spring"),),
            'The reward "Spring" for a sale is 1 %: 1 % of 100.00 USD is 1.00 USD, rounded half '
            "up.",
            id="the reward by its name",
        ),
        pytest.param(
            {"coupon": "SPRING", "customer_keys": ("k1",)}, (),
            (replace(PLAIN, coupon="SPRING", first_n=3, ends_on="2026-12-31"),),
            "The program's reward for a sale with coupon SPRING until 2026-12-31 among a "
            "customer's first 3 is 1 %",
            id="the reward by what it is for",
        ),
        pytest.param(
            {"items": (TOOLS,)}, (), (PLAIN,),
            "1 % of each of 2 lines, 100.00 USD together, is 1.00 USD, each line rounded half up.",
            id="a rate of several lines",
        ),
        pytest.param(
            {"event": "install", "amount_minor": 0}, (),
            (Reward("install", amount_minor=120, currency="USD"),),
            "The program's reward for an install is 1.20 USD.",
            id="a fixed amount",
        ),
        pytest.param(
            {}, (Tally(VOLUME, 1, 9, 123_456),), (STEPPED,),
            "Less refunds they came to 1234.56 USD before this: the step from 1000.00 USD on "
            "applies.",
            id="the volume and its step",
        ),
        pytest.param(
            {}, (Tally(COUNT, 1, 1),), (COUNTED,),
            "Less refunds they came to 1 sale before this: the step from 0 sales on applies.",
            id="the count and its step",
        ),
        pytest.param(
            {}, (), (replace(NAMED, max_minor=300),),
            "This reward is at most 3.00 USD for one sale: 5.00 USD becomes 3.00 USD.",
            id="the cap of one sale",
        ),
        pytest.param(
            {}, (Tally(OF_PERIOD, 1, amount_minor=19_850),), (MONTHLY,),
            "This reward is at most 200.00 USD for one affiliate in 2026-11, and 1.50 USD of it "
            "was left: 5.00 USD becomes 1.50 USD.",
            id="the cap of the period",
        ),
        pytest.param(
            {}, (Tally(OF_ALL, 1, amount_minor=49_999),), (BUDGETED,),
            "This reward's budget is 500.00 USD for everybody, and 0.01 USD of it was left: 5.00 "
            "USD becomes 0.01 USD.",
            id="the budget",
        ),
        pytest.param(
            {}, (), (PLAIN, replace(PLAIN, ends_on="2026-10-31")),
            "The program's reward for a sale until 2026-10-31 does not apply: it ended on "
            "2026-10-31.",
            id="a promotion that ended",
        ),
        pytest.param(
            {}, (), (PLAIN, replace(PLAIN, first_n=1)),
            "does not apply: the vendor did not say who the customer is.",
            id="a first purchase of nobody known",
        ),
        pytest.param(
            {}, (), (PLAIN, replace(PLAIN, ends_on="2026-12-31", rate_bps=700)),
            "The program's reward for a sale does not apply: a more particular reward comes first.",
            id="the reward another goes before",
        ),
        pytest.param(
            {}, (), (PLAIN, replace(PLAIN, category="tools")),
            "in category tools does not apply: no item is of that category.",
            id="a category nobody bought of",
        ),
        pytest.param(
            {"items": (TOOLS,)}, (), (replace(PLAIN, category="tools"),),
            "No reward of the program fits 40.00 USD of this sale, so that earns nothing.",
            id="a line without a reward",
        ),
    ],
)  # fmt: skip
def test_why_says_what_was_tried_chosen_and_limited(
    changes: dict[str, Any], tallies: tuple[Tally, ...], rewards: tuple[Reward, ...], sentence: str
) -> None:
    assert sentence in said(sale(**changes), seeing(*tallies), *rewards)


def test_why_says_what_the_ceiling_cut() -> None:
    told = said(sale(), seeing(), replace(PLAIN, rate_bps=500), ceiling_bps=300)
    assert (
        "This sale may cost the vendor at most 3 % of its amount, 3.00 USD with all fees: the "
        "commission of 5.00 USD becomes 2.50 USD." in told
    )


def test_why_keeps_what_others_are_offered_to_itself() -> None:
    others = (
        replace(PLAIN, affiliate_id="mem_other"),
        replace(PLAIN, coupon="SECRET"),
        replace(PLAIN, group="staff"),
    )
    told = said(sale(), seeing(), PLAIN, *others)
    assert not any(secret in told for secret in ("mem_", "SECRET", "staff", "does not apply"))


@pytest.mark.parametrize(
    ("bps", "text"), [(500, "5 %"), (1_250, "12.5 %"), (1, "0.01 %"), (0, "0 %"), (10_000, "100 %")]
)
def test_a_rate_is_written_in_percent(bps: int, text: str) -> None:
    assert percent(bps) == text
