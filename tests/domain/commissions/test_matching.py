"""Which reward applies to a line: a table of conditions, and a table of who goes first."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest

from linkage.domain.commissions.matching import case_of, chosen, lines_of, months_later
from linkage.domain.conversions.conversions import Item
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally, customer_tally
from tests.domain.examples import AFFILIATE, PROGRAM
from tests.domain.rewarding import PLAIN, direct, sale, seeing

SALE = sale(coupon="SPRING", items=(Item(6_000, "tools"),), customer_keys=("k1",))


# ---- precedence

CONDITIONS: dict[str, dict[str, Any]] = {
    "affiliate": {"affiliate_id": AFFILIATE},
    "coupon": {"coupon": "SPRING"},
    "group": {"group": "gold"},
    "category": {"category": "tools"},
    "dates": {"starts_on": "2026-11-01"},
    "first n": {"first_n": 1},
    "months": {"months": 12},
    "plain": {},
}
"""Every kind of condition, the one that goes first at the top."""


@pytest.mark.parametrize(("first", "second"), list(combinations(CONDITIONS, 2)), ids=str)
@pytest.mark.parametrize("listed", ["first", "last"])
def test_the_more_particular_reward_applies_wherever_it_is_listed(
    first: str, second: str, listed: str
) -> None:
    better, other = (replace(PLAIN, **CONDITIONS[each]) for each in (first, second))
    rewards = (better, other) if listed == "first" else (other, better)
    program = replace(PROGRAM, rewards=rewards)
    seen = Seen(Standing(AFFILIATE, "approved", groups=("gold",)))
    line = lines_of(SALE)[0]
    assert chosen(program, case_of(SALE, seen, program), line) is better


def test_one_condition_of_a_higher_kind_goes_before_all_lower_ones_together() -> None:
    names = list(CONDITIONS)
    for place, name in enumerate(names[:-1]):
        together: dict[str, Any] = {}
        for lower in names[place + 1 :]:
            together |= CONDITIONS[lower]
        alone, all_lower = replace(PLAIN, **CONDITIONS[name]), replace(PLAIN, **together)
        program = replace(PROGRAM, rewards=(all_lower, alone))
        seen = Seen(Standing(AFFILIATE, "approved", groups=("gold",)))
        assert chosen(program, case_of(SALE, seen, program), lines_of(SALE)[0]) is alone


@pytest.mark.parametrize("groups", [("gold", "staff"), ("staff", "gold")])
def test_of_two_groups_the_one_listed_first_in_the_program_applies(groups: tuple[str, str]) -> None:
    staff, gold = replace(PLAIN, group="staff", rate_bps=700), replace(PLAIN, group="gold")
    assert direct(sale(), seeing(groups=groups), staff, gold) == 700
    assert direct(sale(), seeing(groups=groups), gold, staff) == 100


# ---- conditions

SINCE = "2025-11-20T09:59:00.000Z"
CUSTOMER = Tally(customer_tally("prg_1", "sale", "k1"), 1, count=2, since=SINCE)
OTHER_KEY = Tally(
    customer_tally("prg_1", "sale", "k2"), 1, count=1, since="2025-11-21T00:00:00.000Z"
)
KNOWN, TWICE_KNOWN = {"customer_keys": ("k1",)}, {"customer_keys": ("k1", "k2")}

APPLIES = [
    ("the event", {"event": "lead"}, {}, (), False),
    ("the currency", {"currency": "USD"}, {}, (), True),
    ("another currency", {"currency": "ZWG"}, {}, (), False),
    ("the affiliate", {"affiliate_id": AFFILIATE}, {}, (), True),
    ("another affiliate", {"affiliate_id": "mem_other"}, {}, (), False),
    ("the coupon", {"coupon": "SPRING"}, {"coupon": "SPRING"}, (), True),
    ("no coupon", {"coupon": "SPRING"}, {}, (), False),
    ("a group", {"group": "gold"}, {}, (), True),
    ("another group", {"group": "staff"}, {}, (), False),
    ("no such category", {"category": "tools"}, {}, (), False),
    ("its first day", {"starts_on": "2026-11-20"}, {}, (), True),
    ("before its first day", {"starts_on": "2026-11-21"}, {}, (), False),
    ("its last day", {"ends_on": "2026-11-20"}, {}, (), True),
    ("after its last day", {"ends_on": "2026-11-19"}, {}, (), False),
    ("its only day", {"starts_on": "2026-11-20", "ends_on": "2026-11-20"}, {}, (), True),
    (
        "the last moment of a day",
        {"ends_on": "2026-11-20"},
        {"occurred_at": "2026-11-20T23:59:59.999Z"},
        (),
        True,
    ),
    (
        "the first moment of the next",
        {"ends_on": "2026-11-20"},
        {"occurred_at": "2026-11-21T00:00:00.000Z"},
        (),
        False,
    ),
    ("first n of an unknown customer", {"first_n": 1}, {}, (), False),
    ("the first of a new customer", {"first_n": 1}, KNOWN, (), True),
    ("the third of three", {"first_n": 3}, KNOWN, (CUSTOMER,), True),
    ("the third of two", {"first_n": 2}, KNOWN, (CUSTOMER,), False),
    ("the greater count of two keys", {"first_n": 2}, TWICE_KNOWN, (CUSTOMER, OTHER_KEY), False),
    ("months of an unknown customer", {"months": 1}, {}, (), False),
    ("the first month of a new customer", {"months": 1}, KNOWN, (), True),
    ("the moment twelve months end", {"months": 12}, KNOWN, (CUSTOMER,), False),
    ("thirteen months", {"months": 13}, KNOWN, (CUSTOMER,), True),
    ("the earlier since of two keys", {"months": 12}, TWICE_KNOWN, (CUSTOMER, OTHER_KEY), False),
    (
        "a millisecond before twelve months end",
        {"months": 12},
        KNOWN | {"occurred_at": "2026-11-20T09:58:59.999Z"},
        (CUSTOMER,),
        True,
    ),
]


@pytest.mark.parametrize(
    ("condition", "changes", "tallies", "applies"),
    [pytest.param(*row[1:], id=row[0]) for row in APPLIES],
)
def test_a_reward_applies_if_all_it_names_holds(
    condition: dict[str, Any], changes: dict[str, Any], tallies: tuple[Tally, ...], applies: bool
) -> None:
    reward = replace(PLAIN, **condition)
    fact = seeing(*tallies, groups=("gold",))
    assert direct(sale(**changes), fact, reward) == (100 if applies else 0)


@pytest.mark.parametrize(
    ("since", "months", "until"),
    [
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2028, 1, 31), 1, (2028, 2, 29)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 11, 30), 3, (2027, 2, 28)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2026, 3, 31), 24, (2028, 3, 31)),
    ],
)
def test_months_are_of_the_calendar_and_end_at_the_same_time_of_day(
    since: tuple[int, int, int], months: int, until: tuple[int, int, int]
) -> None:
    begun = datetime(*since, 9, 30, 15, tzinfo=UTC)
    assert months_later(begun, months) == datetime(*until, 9, 30, 15, tzinfo=UTC)
