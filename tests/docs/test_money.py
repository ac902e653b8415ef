"""The tables of docs/money.md, computed again with the code they describe."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from linkage.domain.commissions.shares import Commission, clawed_back, earned
from linkage.domain.commissions.uplines import Level
from linkage.domain.ledger.ledger import NETWORK_FEES
from linkage.domain.money import share_half_up
from linkage.domain.payouts.payouts import PAYOUT_METHODS
from linkage.domain.terms.network import FIRST_SETTINGS
from linkage.domain.terms.programs import Reward
from tests.docs.markdown import ROOT, table
from tests.domain.examples import CONVERSION
from tests.domain.rewarding import direct, seeing

MONEY = (ROOT / "docs" / "money.md").read_text()


def minor(text: str) -> int:
    """An amount of dollars as the page writes it, in cents."""
    return round(float(text) * 100)


def example() -> Commission:
    """The page's example: 250.30 USD at 5 %, by the default settings."""
    levels = enumerate(FIRST_SETTINGS.level_rates_bps, start=1)
    return Commission(
        vendor_id="mem_vendor",
        affiliate_id="mem_affiliate",
        currency="USD",
        sale_minor=250_30,
        direct_minor=share_half_up(250_30, 500),
        fee_bps=FIRST_SETTINGS.network_fee_bps,
        levels=tuple(Level(f"mem_{level}", level, rate_bps) for level, rate_bps in levels),
        overrides_from=NETWORK_FEES,
        due_on=datetime.now(UTC).date().isoformat(),
    )


def amounts(refunded_minor: int) -> list[int]:
    """What is posted with so much refunded: commission, fee, level 1, level 2."""
    postings = {(p.kind, p.level): p.amount_minor for p in earned(example(), refunded_minor)}
    order = [("commission", 0), ("fee", 0), ("override", 1), ("override", 2)]
    return [postings.get(each, 0) for each in order]


def test_the_example_posts_what_the_page_says() -> None:
    posted = [minor(row[3]) for row in table(MONEY, "what")]
    assert posted == amounts(0)
    commission, fee, *overrides = posted
    assert f"costs the vendor {(commission + fee) / 100:.2f} USD" in MONEY
    assert f"keeps {(fee - sum(overrides)) / 100:.2f} USD" in MONEY


def test_three_refunds_take_back_what_the_page_says() -> None:
    before = 0
    for row in table(MONEY, "refund"):
        refunded = minor(row[1])
        assert [minor(cell) for cell in row[2:6]] == amounts(refunded)
        if refunded:
            assert minor(row[0]) == refunded - before
            taken = clawed_back(example(), before, refunded)
            assert minor(row[6]) == next(p.amount_minor for p in taken if p.level == 0)
        before = refunded
    assert before == example().sale_minor


def test_the_netted_balance_is_the_sum_of_its_steps() -> None:
    commission = amounts(0)[0]
    half = amounts(125_15)[0]
    steps = [minor(row[1]) for row in table(MONEY, "step")]
    after_refund = half - commission
    assert steps == [commission, 0, after_refund, after_refund + share_half_up(200_00, 500), 0]


def test_a_day_of_a_link_earns_what_the_page_says() -> None:
    rows = table(MONEY, "counted on one link in a day")
    assert len(rows) == 5
    for counted, price, exactly, commission in rows:
        many, event = re.match(r"([\d,]+) (click|impression)", counted).groups()  # type: ignore[union-attr]
        cap = re.search(r"`max_minor` (\d+)", counted)
        reward = Reward(
            event,
            amount_minor=minor(price.split()[0]),
            currency="USD",
            max_minor=int(cap[1]) if cap else None,
        )
        quantity = int(many.replace(",", ""))
        per = 1 if event == "click" else 1000
        assert Fraction(exactly) == Fraction(quantity * minor(price.split()[0]), per * 100)
        day = replace(CONVERSION, event=event, amount_minor=0, quantity=quantity)
        assert direct(day, seeing(), reward) == minor(commission)


def test_the_defaults_named_are_the_code_s() -> None:
    assert f"(default {FIRST_SETTINGS.network_fee_bps})" in MONEY
    assert f"(default `{list(FIRST_SETTINGS.level_rates_bps)}`" in MONEY
    assert f"(default {FIRST_SETTINGS.introducer_days})" in MONEY
    operating = (ROOT / "docs" / "operating.md").read_text()
    assert all(f"`{method}`" in operating for method in PAYOUT_METHODS)
