"""Clicks and impressions: what a day of one link earns, by tables and against the oracle."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.known_clicks import CountedLink
from linkage.domain.commissions.ledger_transactions import confirmation_transaction
from linkage.domain.commissions.wanted_tallies import wanted
from linkage.domain.conversions.attribution import Attribution, attribute
from linkage.domain.conversions.claims import Claims, People
from linkage.domain.conversions.conversions import Conversion, require_refundable
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally
from linkage.domain.conversions.views import conversion as view
from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import MAX_AMOUNT_MINOR
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward
from tests import oracle
from tests.domain.commissions.test_money_properties import held, thorough
from tests.domain.examples import AFFILIATE, MEMBER, PROGRAM, SETTINGS, VENDOR, confirmation, seen
from tests.domain.random_terms import Case, cases, story_of
from tests.domain.rewarding import PLAIN, direct, said, sale, seeing

CLICKS = Reward("click", amount_minor=5, currency="USD")
THOUSANDS = Reward("impression", amount_minor=250, currency="USD")
CAPPED = replace(CLICKS, name="c", period="month", period_max_minor=2_000, budget_minor=5_000)
OF_PERIOD = f"reward#prg_1#{AFFILIATE}#2026-11#USD#c"
OF_ALL = "reward#prg_1#*#*#USD#c"


def day(event: str, quantity: int, **changes: Any) -> Conversion:
    """A day of the example's link."""
    attribution = Attribution(AFFILIATE, "link", None)
    counted = sale(event=event, amount_minor=0, occurred_at="2026-11-20T23:59:59.999Z")
    return replace(counted, attribution=attribution, quantity=quantity, **changes)


PAID = [
    pytest.param("click", 1, (), (CLICKS,), 5, id="one click"),
    pytest.param("click", 1_234, (), (CLICKS,), 6_170, id="each click alike"),
    pytest.param("impression", 1, (), (THOUSANDS,), 0, id="one impression of 2.50 is 0.25 cents"),
    pytest.param("impression", 2, (), (THOUSANDS,), 1, id="two are half a cent: rounded up"),
    pytest.param("impression", 1_000, (), (THOUSANDS,), 250, id="a thousand impressions"),
    pytest.param("impression", 12_345, (), (THOUSANDS,), 3_086, id="3086.25 are 3086"),
    pytest.param("impression", 12_346, (), (THOUSANDS,), 3_087, id="3086.5 are 3087"),
    pytest.param("click", 9, (), (THOUSANDS, PLAIN), 0, id="no reward is for clicks"),
    pytest.param("click", 10, (), (CLICKS, THOUSANDS), 50, id="impressions' price is another"),
    pytest.param("click", 10, (), (replace(CLICKS, currency="ZWG"),), 0, id="another currency"),
    pytest.param(
        "click", 10, (), (CLICKS, replace(CLICKS, amount_minor=7, affiliate_id=AFFILIATE)), 70,
        id="this affiliate's own price",
    ),
    pytest.param(
        "click", 10, (), (CLICKS, replace(CLICKS, amount_minor=7, starts_on="2026-11-20")), 70,
        id="the dates are of the day that is billed",
    ),
    pytest.param(
        "click", 10, (), (CLICKS, replace(CLICKS, amount_minor=7, starts_on="2026-11-21")), 50,
        id="not of the day it is billed on",
    ),
    pytest.param("click", 10, (), (replace(CLICKS, group="gold"),), 0, id="not of the group"),
    pytest.param("click", 100, (), (replace(CLICKS, max_minor=300),), 300, id="a link's day"),
    pytest.param("click", 1_000, (), (CAPPED,), 2_000, id="the month's cap"),
    pytest.param(
        "click", 100, (Tally(OF_PERIOD, 1, amount_minor=1_950),), (CAPPED,), 50,
        id="the month's last 0.50",
    ),
    pytest.param(
        "click", 100, (Tally(OF_ALL, 1, amount_minor=4_999),), (CAPPED,), 1,
        id="the budget's last cent",
    ),
    pytest.param(
        "click", 10**9, (), (replace(CLICKS, amount_minor=10**12),), 10**12,
        id="never more than an amount can be",
    ),
    pytest.param(
        "impression", 10**9, (), (replace(THOUSANDS, amount_minor=10**12),), 10**12,
        id="nor for impressions",
    ),
    pytest.param("click", 10**9, (), (CLICKS,), 5 * 10**9, id="a thousand million clicks"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "quantity", "tallies", "rewards", "expected"), PAID)
def test_a_day_of_a_link_earns(
    event: str,
    quantity: int,
    tallies: tuple[Tally, ...],
    rewards: tuple[Reward, ...],
    expected: int,
) -> None:
    assert direct(day(event, quantity), seeing(*tallies), *rewards) == expected


def test_the_explanation_says_how_many_and_at_what_price() -> None:
    assert said(day("click", 1_234), seeing(), CLICKS) == (
        "The program's reward for a click is 0.05 USD each: 1,234 clicks make 61.70 USD."
    )
    assert said(day("impression", 12_346), seeing(), THOUSANDS) == (
        "The program's reward for an impression is 2.50 USD for each 1,000: 12,346 impressions "
        "make 30.87 USD, rounded half up."
    )
    assert said(day("click", 1), seeing(), replace(CLICKS, max_minor=3)) == (
        "The program's reward for a click is 0.05 USD each: 1 click makes 0.05 USD. This reward "
        "is at most 0.03 USD for one link in a day: 0.05 USD becomes 0.03 USD."
    )


def test_the_most_that_a_link_can_earn_in_a_day_is_said_when_it_is_reached() -> None:
    told = said(day("click", 10**9), seeing(), replace(CLICKS, amount_minor=10**4))
    assert "No link earns more than 10000000000.00 USD in a day" in told


def test_overrides_and_the_fee_are_of_what_the_day_earns() -> None:
    program = replace(PROGRAM, rewards=(CLICKS,))
    posted = confirmation_transaction(day("click", 1_000), confirmation(), program, SETTINGS)
    moved = {(p.kind, p.level): p.amount_minor for p in posted.postings}
    assert moved == {
        ("commission", 0): 5_000,
        ("fee", 0): 1_000,
        ("override", 1): 500,
        ("override", 2): 250,
    }


def test_a_day_of_clicks_is_no_sale_for_bonuses_activity_recruits_or_a_ceiling() -> None:
    program = replace(PROGRAM, rewards=(CLICKS, PLAIN), ceiling_bps=1)
    clicked = day("click", 1_000)
    assert wanted(clicked, program, Standing(AFFILIATE, "approved")) == ()
    assert direct(clicked, seeing(), CLICKS, ceiling_bps=1) == 5_000


def test_there_is_nothing_to_refund_of_a_day_of_clicks() -> None:
    with pytest.raises(InvalidFieldError) as refused:
        require_refundable(day("click", 10), 1)
    assert refused.value.code == "refund_exceeds_rest"


def test_only_what_the_network_counted_shows_how_many_and_on_which_link() -> None:
    link = Claims(link=CountedLink("abcdefgh", AFFILIATE))
    decided = attribute(
        PROGRAM, datetime(2026, 11, 20, tzinfo=UTC), link, People({AFFILIATE: MEMBER})
    )
    shown = view(replace(day("click", 7), attribution=decided), "vendor")
    assert (shown["quantity"], shown["code"]) == (7, "abcdefgh")
    assert not {"quantity", "code"} & view(sale(), "vendor").keys()


# ---- whose it is


def member(**changes: Any) -> Member:
    return replace(MEMBER, **changes)


@pytest.mark.parametrize(
    ("program", "who", "kin", "why"),
    [
        pytest.param({}, {}, (), None, id="the link's own affiliate"),
        pytest.param({"paused": True}, {}, (), "the program is paused", id="a paused program"),
        pytest.param(
            {}, {"status": "suspended"}, (), "the affiliate is suspended, not approved",
            id="a suspended affiliate",
        ),
        pytest.param(
            {"vendor_id": AFFILIATE}, {"roles": ("affiliate", "vendor")}, (),
            "an affiliate earns nothing on its own vendor's sale", id="the vendor's own link",
        ),
        pytest.param(
            {}, {}, (AFFILIATE,),
            "the affiliate has the vendor's own phone number or e-mail address",
            id="the same person",
        ),
    ],
)  # fmt: skip
def test_a_link_s_day_is_its_affiliate_s_unless(
    program: dict[str, Any], who: dict[str, Any], kin: tuple[str, ...], why: str | None
) -> None:
    decided = attribute(
        replace(PROGRAM, **program),
        datetime(2026, 11, 20, tzinfo=UTC),
        Claims(link=CountedLink("abcdefgh", AFFILIATE)),
        People({AFFILIATE: member(**who)}, kin=frozenset(kin)),
    )
    (candidate,) = decided.candidates
    assert (candidate.model, candidate.reference) == ("link", "abcdefgh")
    assert (decided.affiliate_id, decided.model) == (
        (AFFILIATE, "link") if why is None else (None, None)
    )
    if why is not None:
        assert candidate.why == why


# ---- against the oracle


@st.composite
def counted_cases(draw: st.DrawFn) -> Case:
    """A case of the same kinds as all others, of clicks or impressions."""
    return draw(cases().filter(lambda case: case[0].counted))


@thorough
@given(counted_cases())
def test_a_counted_day_posts_what_the_oracle_says(case: Case) -> None:
    story = story_of(case)
    transaction = confirmation_transaction(*case)
    assert held(transaction.postings) == oracle.held(story, 0)
    assert all(posting.amount_minor <= MAX_AMOUNT_MINOR for posting in transaction.postings)


@thorough
@given(
    st.sampled_from(("click", "impression")),
    st.integers(1, 10**9),
    st.integers(1, 10**12),
    st.integers(0, 10_000),
)
def test_more_clicks_never_earn_less_and_no_day_earns_more_than_an_amount_can_be(
    event: str, quantity: int, price_minor: int, fee_bps: int
) -> None:
    reward = Reward(event, amount_minor=price_minor, currency="USD")
    program, settings = replace(PROGRAM, rewards=(reward,)), _with_fee(fee_bps)
    less, more = (_earned(day(event, each), program, settings) for each in (quantity, quantity + 1))
    assert less <= more <= MAX_AMOUNT_MINOR
    story = oracle.Story(
        asdict(day(event, quantity)), asdict(confirmation()), asdict(program), asdict(settings)
    )
    assert less == min(oracle.counted(story, price_minor), MAX_AMOUNT_MINOR)


def _with_fee(fee_bps: int) -> NetworkSettings:
    return replace(SETTINGS, network_fee_bps=fee_bps, level_rates_bps=())


def _earned(conversion: Conversion, program: Program, settings: NetworkSettings) -> int:
    fact = confirmation(Seen(seen().affiliate, ()))
    posted = confirmation_transaction(conversion, fact, program, settings).postings
    assert all(posting.source == f"vendor:{VENDOR}" for posting in posted)
    return sum(p.amount_minor for p in posted if p.kind == "commission")
