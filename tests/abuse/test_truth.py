"""The truth by hand, without a network."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.abuse.truth import Person, Rules, Sale, Terms, Truth, Visit

KIM = ("phone", "email")

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHOP, OTHER_SHOP = Terms(500, 200, 14, "manual"), Terms(1_000, 300, 7, "manual")


@pytest.fixture
def truth() -> Truth:
    truth = Truth(Rules(affiliate_fee_bps=200, takes_back=True))
    for name, sponsor in (("top", None), ("ann", "top"), ("ben", None)):
        truth.people[name] = Person(name, f"mem_{name}", "", sponsor, True, "", "")
    return truth


def after(**of: float) -> datetime:
    return START + timedelta(**of)


def sold(
    truth: Truth,
    order: str,
    at: datetime,
    brought_by: str | None = None,
    contacts: tuple[str, ...] = KIM,
) -> Sale:
    """A sale of 100.01 to kim, at the other shop if nobody brought her."""
    vendor, terms = ("shop", SHOP) if brought_by else ("other", OTHER_SHOP)
    by = truth.introducer("kim", contacts, at)
    sale = Sale(order, vendor, order, "kim", contacts, 10_001, "USD", terms, at, brought_by, by)
    truth.sold(sale, None)
    return sale


def led(truth: Truth, order: str, at: datetime, terms: Terms, by: str | None = None) -> Sale:
    """A lead of kim's at the led shop."""
    introduced = None if by else truth.introducer("kim", KIM, at)
    lead = Sale(order, "led", order, "kim", KIM, 0, "USD", terms, at, by, introduced, "lead")
    truth.sold(lead, None)
    truth.confirmed(lead, at)
    return lead


def by_lead(truth: Truth, lead: Sale, order: str, at: datetime) -> Sale:
    """A sale of 100.00 that came of a lead, confirmed at once."""
    brought, introduced = truth.by_lead(lead, at)
    sale = Sale(
        order, "led", order, "", (), 10_000, "USD", lead.terms, at, brought, introduced, lead=lead
    )
    truth.sold(sale, None)
    truth.confirmed(sale, at)
    return sale


def test_a_sale_brought_by_a_click_earns_by_the_published_terms(truth: Truth) -> None:
    sale = sold(truth, "1", START, "ann")
    assert truth.entitled(sale) == Counter()
    truth.confirmed(sale, after(days=1))
    # 5 % of 100.01 is 5.0005, of which the network has 2 %; the sponsor has 10 % of 5.00.
    assert truth.entitled(sale) == {("ann", "USD"): 490, ("top", "USD"): 50}
    truth.refunded(sale, 5_000, after(days=2))
    # 500 * 5001 / 10001 is 250.02...
    assert truth.entitled(sale) == {("ann", "USD"): 245, ("top", "USD"): 25}
    truth.refunded(sale, 5_001, after(days=3))
    assert not +truth.entitled(sale)


def test_who_brought_a_customer_first_has_introduced_it_for_a_year(truth: Truth) -> None:
    truth.confirmed(sold(truth, "1", START, "ann"), START)
    truth.confirmed(sold(truth, "2", after(days=30), "ben"), after(days=30))
    third = sold(truth, "3", after(days=364))
    truth.confirmed(third, after(days=364))
    # 3 % of 100.01 is 3.0003.
    assert truth.entitled(third) == {("ann", "USD"): 294, ("top", "USD"): 30}
    assert truth.introducer("kim", KIM, after(days=365)) is None


def test_only_the_same_affiliate_renews_an_introduction(truth: Truth) -> None:
    truth.confirmed(sold(truth, "1", START, "ann"), START)
    truth.confirmed(sold(truth, "2", after(days=300), "ann"), after(days=300))
    assert truth.introducer("kim", KIM, after(days=600)) is not None


@pytest.mark.parametrize(
    ("ends", "refunded_minor", "taken_back"),
    [
        pytest.param(after(days=13), 10_001, True, id="before it is due"),
        pytest.param(after(days=14), 10_001, True, id="on the day it is due"),
        pytest.param(after(days=15), 10_001, False, id="after it was due"),
        pytest.param(after(days=13), 9_990, False, id="what is left still earns"),
        pytest.param(after(days=13), 9_991, True, id="what is left earns nothing"),
    ],
)
def test_an_introducing_sale_that_comes_to_nothing(
    truth: Truth, ends: datetime, refunded_minor: int, taken_back: bool
) -> None:
    first = sold(truth, "1", START, "ann")
    truth.confirmed(first, START)
    second = sold(truth, "2", after(days=1))
    truth.confirmed(second, after(days=1))
    truth.refunded(first, refunded_minor, ends)
    assert (not truth.entitled(second)) == taken_back
    assert (truth.introducer("kim", KIM, ends) is None) == (refunded_minor > 9_990)


def test_who_opted_out_has_no_introducer(truth: Truth) -> None:
    truth.confirmed(sold(truth, "1", START, "ann"), START)
    truth.opted_out["phone"] = after(days=1)
    assert truth.introducer("kim", KIM, after(days=2)) is None
    assert truth.introducer("kim", ("email",), after(days=2)) is not None
    truth.confirmed(sold(truth, "2", after(days=2), "ben"), after(days=2))
    del truth.opted_out["phone"]
    found = truth.introducer("kim", KIM, after(days=3))
    assert found is not None
    assert found.affiliate == "ann"


# ---- leads

LED = Terms(600, 600, 0, "on_report", lead_minor=25, bonus_count=3, bonus_minor=2_000)


def test_a_lead_that_was_brought_earns_and_what_comes_of_it_too(truth: Truth) -> None:
    lead = led(truth, "lead", START, LED, "ann")
    sale = by_lead(truth, lead, "1", after(days=30))
    # 2 % of 25 is less than a cent; 6 % of 100.00, of which the network has 2 %.
    assert truth.entitled(lead) == {("ann", "USD"): 25, ("top", "USD"): 2}
    assert truth.entitled(sale) == {("ann", "USD"): 588, ("top", "USD"): 60}
    assert not truth.entitled(by_lead(truth, lead, "2", after(days=31)))


def test_an_introducer_s_lead_earns_by_the_introduction_and_binds_nobody(truth: Truth) -> None:
    first = sold(truth, "1", START, "ann")
    truth.confirmed(first, START)
    lead = led(truth, "lead", after(days=1), LED)
    sale = by_lead(truth, lead, "2", after(days=2))
    assert not +truth.entitled(lead)
    assert truth.entitled(sale)["ann", "USD"] == 588
    assert truth.recruitment()
    truth.refunded(first, 10_001, after(days=14))
    assert not truth.entitled(sale)
    assert not truth.recruitment()
    assert truth.introducer("kim", KIM, after(days=15)) is None


def test_an_introducer_s_lead_ends_with_an_opt_out_and_with_the_sale_that_introduced(
    truth: Truth,
) -> None:
    first = sold(truth, "1", START, "ann")
    truth.confirmed(first, START)
    lead = led(truth, "lead", after(days=1), LED)
    truth.opted_out["email"] = after(days=2)
    assert truth.by_lead(lead, after(days=3)) == (None, None)
    truth.opted_out.clear()
    truth.refunded(first, 10_001, after(days=20))
    assert truth.by_lead(lead, after(days=21)) == (None, None)


def test_a_month_s_bonus_stands_as_long_as_its_sales(truth: Truth) -> None:
    first = sold(truth, "1", START, "ann")
    truth.confirmed(first, START)
    lead = led(truth, "lead", START, LED)
    sales = [by_lead(truth, lead, str(number), after(days=number)) for number in range(2, 6)]
    assert truth.bonuses() == {("ann", "USD"): 2_000}
    truth.refunded(sales[0], 10_000, after(days=6))
    assert truth.bonuses() == {("ann", "USD"): 2_000}
    truth.refunded(first, 10_001, after(days=6))
    assert not truth.bonuses()


def test_the_latest_click_within_the_window_brings_also_later_purchases(truth: Truth) -> None:
    for click_id, affiliate, day in (("a", "ann", 0), ("b", "ben", 10)):
        truth.visited("kim", "shop", Visit(click_id, affiliate, after(days=day)))

    def brought_by(click_id: str | None, day: int, named: str | None = None) -> str | None:
        return truth.brought_by("kim", KIM, "shop", click_id, named, after(days=day))

    assert brought_by("a", 11) == "ann"
    assert brought_by(None, 11, "ben") == "ben"
    sale = Sale("1", "shop", "1", "kim", KIM, 100, "USD", SHOP, after(days=11), "ben", None)
    truth.sold(sale, "b")
    assert brought_by(None, 40) == "ben"
    assert brought_by("a", 12) == "ben"
    assert brought_by(None, 41) is None
    assert brought_by(None, 41, "ann") == "ann"


def test_a_recruits_first_sale_brings_its_sponsor_the_bonus_while_it_stands(truth: Truth) -> None:
    first, second = sold(truth, "1", START, "ann"), sold(truth, "2", START, "ann")
    truth.confirmed(first, START)
    truth.confirmed(second, START)
    assert truth.recruitment() == {("top", "USD"): 500}
    truth.refunded(first, first.amount_minor, START)
    assert not truth.recruitment()
    truth.confirmed(sold(truth, "3", START, "ann"), START)
    assert truth.recruitment() == {("top", "USD"): 500}
