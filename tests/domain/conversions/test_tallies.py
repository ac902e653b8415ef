"""What tallies are called, which ones a confirmation reads, and how they move there and back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from linkage.domain.commissions.commissions import (
    commission_of,
    tallies_after_confirmation,
    tallies_after_refund,
)
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
)
from linkage.domain.commissions.wanted_tallies import wanted
from linkage.domain.conversions.conversions import Confirmation
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import HeldBonus, Tally, period_of
from linkage.domain.ledger.ledger import Posting
from linkage.domain.terms.programs import Bonus, Program, Reward, Step, Thresholds
from tests.domain.examples import (
    AFFILIATE,
    CONVERSION,
    PROGRAM,
    SETTINGS,
    VENDOR,
    confirmation,
    refund,
)

APPROVED = Standing(AFFILIATE, "approved")
CUSTOMER, MEMBER = "customer#prg_1#sale#k1", f"member#{AFFILIATE}"
VOLUME = f"sales#prg_1#{AFFILIATE}#2026-11#USD"
COUNT = f"sales#prg_1#{AFFILIATE}#2026-Q4#*"
CAP, BUDGET = f"reward#prg_1#{AFFILIATE}#2026#USD#spring", "reward#prg_1#*#*#USD#spring"
STEPS = Thresholds("volume", "month", (Step(0, None, 500),))
STEPPED = Reward("sale", currency="USD", thresholds=STEPS)
SPRING = Reward(
    "sale", 500, currency="USD", name="spring", period="year", period_max_minor=10**6,
    budget_minor=10**7,
)  # fmt: skip
FIRST = Reward("sale", 500, first_n=1)
BY_COUNT = Bonus("count", "quarter", 3, 900, "ZWG")
BY_VOLUME = Bonus("volume", "month", 25_000, 700, "USD")


@pytest.mark.parametrize(
    ("month", "names"),
    [
        (1, ("2026-01", "2026-Q1", "2026")),
        (3, ("2026-03", "2026-Q1", "2026")),
        (4, ("2026-04", "2026-Q2", "2026")),
        (9, ("2026-09", "2026-Q3", "2026")),
        (12, ("2026-12", "2026-Q4", "2026")),
    ],
)
def test_a_moment_is_in_its_month_quarter_and_year(month: int, names: tuple[str, ...]) -> None:
    moment = datetime(2026, month, 28, 23, 59, tzinfo=UTC)
    assert tuple(period_of(moment, each) for each in ("month", "quarter", "year")) == names


def program(*rewards: Reward, bonuses: tuple[Bonus, ...] = ()) -> Program:
    """The example with these rewards."""
    return replace(PROGRAM, rewards=rewards, bonuses=bonuses)


INTRODUCED = replace(CONVERSION.attribution, model="introducer")
NOBODYS = replace(CONVERSION.attribution, affiliate_id=None, model=None)
KNOWN = {"customer_keys": ("k1",)}
EVERYTHING = program(STEPPED, SPRING, FIRST, bonuses=(BY_COUNT, BY_VOLUME))

WANTED = [
    pytest.param({}, program(), [MEMBER], id="a plain sale: the member's own activity"),
    pytest.param({"amount_minor": 0}, program(), [], id="a sale of 0 is no activity"),
    pytest.param({"event": "lead"}, EVERYTHING, [], id="a lead of a program for sales"),
    pytest.param({}, program(STEPPED), [MEMBER, VOLUME], id="thresholds by volume"),
    pytest.param({"currency": "ZWG"}, program(STEPPED), [MEMBER], id="in another currency"),
    pytest.param({"currency": "ZWG"}, program(bonuses=(BY_COUNT,)), [MEMBER, COUNT],
                 id="a count is of any currency"),
    pytest.param({}, program(STEPPED, bonuses=(BY_VOLUME,)), [MEMBER, VOLUME],
                 id="one tally for a threshold and a bonus of one period"),
    pytest.param({}, program(SPRING), [MEMBER, BUDGET, CAP], id="a reward's cap and budget"),
    pytest.param({"currency": "ZWG"}, program(SPRING), [MEMBER], id="a cap in its currency only"),
    pytest.param(KNOWN, program(FIRST), [CUSTOMER, MEMBER], id="a known customer"),
    pytest.param({}, program(FIRST), [MEMBER], id="an unknown customer"),
    pytest.param(KNOWN, program(), [MEMBER], id="no reward looks at customers"),
    pytest.param(KNOWN | {"attribution": INTRODUCED}, EVERYTHING, [CUSTOMER],
                 id="an introducer's sale counts for the customer alone"),
    pytest.param(KNOWN | {"attribution": NOBODYS}, EVERYTHING, [CUSTOMER],
                 id="nobody's sale counts for the customer alone"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "terms", "expected"), WANTED)
def test_a_confirmation_reads_what_its_rules_look_at(
    changes: dict[str, Any], terms: Program, expected: list[str]
) -> None:
    names = wanted(replace(CONVERSION, **changes), terms, APPROVED)
    assert list(names) == sorted(expected)


def test_a_suspended_affiliates_sale_counts_for_the_customer_alone() -> None:
    conversion = replace(CONVERSION, customer_keys=("k1",))
    suspended = Standing(AFFILIATE, "suspended")
    assert wanted(conversion, EVERYTHING, suspended) == (CUSTOMER,)


# ---- there and back

SALE = replace(CONVERSION, customer_keys=("k1",))
BONUSES = {
    "by volume": HeldBonus(25_000, 700, "USD", "2026-12-05"),
    "by count": HeldBonus(3, 900, "ZWG", "2026-12-05"),
}


def seeing(*tallies: Tally, refunded_minor: int = 0) -> Confirmation:
    """A confirmation that saw these tallies."""
    return confirmation(Seen(APPROVED, (), tallies), refunded_minor)


MOVED = [
    pytest.param(Tally(VOLUME), 0, {"count": 1, "amount_minor": 10_000}, id="its sales"),
    pytest.param(Tally(VOLUME), 4_000, {"count": 1, "amount_minor": 6_000}, id="less refunds"),
    pytest.param(Tally(COUNT), 4_000, {"count": 1}, id="a count has no amount"),
    pytest.param(Tally(VOLUME), 10_000, None, id="nothing of the sale is left"),
    pytest.param(Tally(CAP), 0, {"amount_minor": 500}, id="what the reward paid"),
    pytest.param(Tally(BUDGET, 5, amount_minor=7), 5_000, {"amount_minor": 257}, id="its rest"),
    pytest.param(Tally(BUDGET), 10_000, None, id="the reward paid nothing"),
    pytest.param(Tally(CUSTOMER), 0, {"count": 1, "since": SALE.occurred_at}, id="a customer"),
    pytest.param(Tally(CUSTOMER, 1, 1, since="2026-01-01T00:00:00.000Z"), 0,
                 {"count": 2, "since": "2026-01-01T00:00:00.000Z"}, id="the first since stays"),
    pytest.param(Tally(CUSTOMER), 10_000, {"since": SALE.occurred_at}, id="all refunded before"),
    pytest.param(Tally(MEMBER), 0, {"last_on": "2026-11-20", "recruited_by": "cnv_1"},
                 id="the first own sale"),
    pytest.param(Tally(MEMBER, 1, last_on="2026-11-19", recruited_by="cnv_0"), 0,
                 {"last_on": "2026-11-20", "recruited_by": "cnv_0"}, id="the last own sale"),
    pytest.param(Tally(MEMBER, 1, last_on="2026-11-21", recruited_by="cnv_0"), 0, None,
                 id="a later one was before"),
    pytest.param(Tally(VOLUME, 4, 1, 15_000), 0,
                 {"count": 2, "amount_minor": 25_000, "held": (BONUSES["by volume"],)},
                 id="a target is reached"),
    pytest.param(Tally(VOLUME, 4, 1, 14_999), 0, {"count": 2, "amount_minor": 24_999},
                 id="one unit below it"),
    pytest.param(Tally(COUNT, 4, 2), 0, {"count": 3, "held": (BONUSES["by count"],)},
                 id="the third sale"),
    pytest.param(Tally(COUNT, 4, 3, held=(BONUSES["by count"],)), 0,
                 {"count": 4, "held": (BONUSES["by count"],)}, id="a bonus comes once"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "refunded_minor", "expected"), MOVED)
def test_a_confirmation_moves_a_tally_a_version_on_or_leaves_it(
    before: Tally, refunded_minor: int, expected: dict[str, Any] | None
) -> None:
    terms = EVERYTHING if before.name != CUSTOMER else program(FIRST)
    terms = program(SPRING) if before.name in {CAP, BUDGET} else terms
    fact = seeing(before, refunded_minor=refunded_minor)
    written = tallies_after_confirmation(SALE, fact, terms, SETTINGS)
    if expected is None:
        assert written == ()
    else:
        assert written == (replace(before, version=before.version + 1, **expected),)


def test_a_suspended_affiliates_sale_is_the_customers_first_but_not_since_it() -> None:
    fact = confirmation(Seen(Standing(AFFILIATE, "suspended"), (), (Tally(CUSTOMER),)))
    written = tallies_after_confirmation(SALE, fact, EVERYTHING, SETTINGS)
    assert written == (Tally(CUSTOMER, 1, count=1),)


TAKEN_BACK = [
    pytest.param(Tally(VOLUME, 7, 2, 30_000), 4_000, {"amount_minor": 26_000}, id="a part"),
    pytest.param(Tally(VOLUME, 7, 2, 30_000), 10_000, {"count": 1, "amount_minor": 20_000},
                 id="all of it"),
    pytest.param(Tally(VOLUME, 7, 2, 30_000, held=(BONUSES["by volume"],)), 5_000,
                 {"amount_minor": 25_000}, id="the bonus stays at its target"),
    pytest.param(Tally(VOLUME, 7, 2, 30_000, held=(BONUSES["by volume"],)), 5_001,
                 {"amount_minor": 24_999, "held": ()}, id="and goes below it"),
    pytest.param(Tally(COUNT, 7, 3, held=(BONUSES["by count"],)), 9_999, None,
                 id="a sale counts while anything of it stands"),
    pytest.param(Tally(COUNT, 7, 3, held=(BONUSES["by count"],)), 10_000, {"count": 2, "held": ()},
                 id="the third sale is gone"),
    pytest.param(Tally(CAP, 7, amount_minor=800), 5_000, {"amount_minor": 550}, id="room again"),
    pytest.param(Tally(CAP, 7, amount_minor=100), 10_000, {"amount_minor": 0}, id="never below 0"),
    pytest.param(Tally(CUSTOMER, 7, 2, since="x"), 9_999, None, id="the customer's, in part"),
    pytest.param(Tally(CUSTOMER, 7, 2, since="x"), 10_000, {"count": 1}, id="the customer's, all"),
    pytest.param(Tally(MEMBER, 7, recruited_by="cnv_1"), 9_999, None, id="the recruit, in part"),
    pytest.param(Tally(MEMBER, 7, recruited_by="cnv_1"), 10_000, {"recruited_by": None},
                 id="the next sale is the first"),
    pytest.param(Tally(MEMBER, 7, recruited_by="cnv_0"), 10_000, None, id="another was the first"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "refund_minor", "expected"), TAKEN_BACK)
def test_a_refund_moves_a_tally_back_or_leaves_it(
    before: Tally, refund_minor: int, expected: dict[str, Any] | None
) -> None:
    terms = program(SPRING) if before.name == CAP else EVERYTHING
    fact = replace(refund(refund_minor), tallies=(before,))
    written = tallies_after_refund(SALE, seeing(Tally(before.name)), fact, terms, SETTINGS)
    if expected is None:
        assert written == ()
    else:
        assert written == (replace(before, version=8, **expected),)


# ---- a period's bonus


def test_the_sale_that_reaches_a_target_brings_the_bonus_from_the_vendor() -> None:
    fact = seeing(Tally(VOLUME, 4, 1, 15_000), Tally(COUNT, 4, 2))
    terms = program(PROGRAM.rewards[0], bonuses=(BY_COUNT, BY_VOLUME))
    transaction = confirmation_transaction(SALE, fact, terms, SETTINGS)
    vendor, affiliate = f"vendor:{VENDOR}", f"affiliate:{AFFILIATE}"
    assert [p for p in transaction.postings if p.kind == "bonus"] == [
        Posting(vendor, affiliate, 700, "USD", "bonus"),
        Posting(vendor, affiliate, 900, "ZWG", "bonus"),
    ]
    assert (
        "The affiliate's sales of 2026-11 now come to 250.00 USD, which reaches 250.00 USD: a "
        "bonus of 7.00 USD, paid by the vendor." in transaction.why
    )
    assert (
        "The affiliate's sales of 2026-Q4 now come to 3 sales, which reaches 3 sales: a bonus of "
        "9.00 ZWG, paid by the vendor." in transaction.why
    )


def test_a_lost_bonus_is_returned_from_its_own_due_date() -> None:
    terms = program(PROGRAM.rewards[0], bonuses=(BY_VOLUME,))
    older = HeldBonus(25_000, 700, "USD", "2026-11-30")
    present = Tally(VOLUME, 7, 3, 25_000, held=(older,))
    fact = replace(refund(5_000), tallies=(present,))
    commission, _ = commission_of(SALE, seeing(Tally(VOLUME)), terms, SETTINGS)
    transaction = refund_transaction(SALE, fact, commission)
    assert [(p.kind, p.amount_minor) for p in transaction.postings] == [
        ("clawback", 250),
        ("fee_return", 50),
        ("bonus_return", 700),
    ]
    (line,) = transaction.lines
    assert line.dues == {"2026-11-30": -700, "2026-12-05": -250}
    assert (
        "The affiliate's sales of 2026-11 fall to 200.00 USD, below 250.00 USD: the bonus of 7.00 "
        "USD is taken back." in transaction.why
    )
