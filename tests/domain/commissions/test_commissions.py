from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.commissions.commissions import commission_of, refund_id
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
)
from linkage.domain.commissions.shares import Commission, clawed_back, earned
from linkage.domain.commissions.uplines import Level
from linkage.domain.conversions.attribution import Attribution
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.standing import Seen
from linkage.domain.ledger.ledger import NETWORK_FEES, vendor_account
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward
from tests import oracle
from tests.domain.examples import (
    AFFILIATE,
    COMMISSION,
    CONVERSION,
    PROGRAM,
    SETTINGS,
    UPLINE,
    VENDOR,
    changes,
    confirmation,
    refund,
    seen,
)

exact = settings(deadline=None, derandomize=True, max_examples=300)


def terms(
    conversion: dict[str, Any] | None = None,
    program: dict[str, Any] | None = None,
    network: dict[str, Any] | None = None,
) -> tuple[Conversion, Program, NetworkSettings]:
    return (
        replace(CONVERSION, **(conversion or {})),
        replace(PROGRAM, **(program or {})),
        replace(SETTINGS, **(network or {})),
    )


LEAD = {"event": "lead", "amount_minor": 0}
INTRODUCED = {"attribution": Attribution(AFFILIATE, "introducer", None)}
FLAT_LEAD = {"rewards": (Reward("lead", amount_minor=250, currency="USD"),)}
BOTH = ("approved", "approved")

EARNED = [
    pytest.param(
        terms(),
        seen("approved", *BOTH),
        {"vendor": -600, "affiliate": 500, "fees": 25, "level1": 50, "level2": 25},
        id="5 % of 100.00, fee 20 %, two levels out of the fee",
    ),
    pytest.param(
        terms(network={"override_funding": "vendor"}),
        seen("approved", *BOTH),
        {"vendor": -675, "affiliate": 500, "fees": 100, "level1": 50, "level2": 25},
        id="the vendor pays the overrides on top",
    ),
    pytest.param(
        terms(),
        seen("approved"),
        {"vendor": -600, "affiliate": 500, "fees": 100},
        id="nobody above: the network keeps its whole fee",
    ),
    pytest.param(
        terms(),
        seen("approved", "suspended", "approved"),
        {"vendor": -600, "affiliate": 500, "fees": 75, "level2": 25},
        id="a suspended sponsor is passed over, not skipped up",
    ),
    pytest.param(
        terms(),
        seen("approved", "applied"),
        {"vendor": -600, "affiliate": 500, "fees": 100},
        id="a sponsor not approved yet earns nothing",
    ),
    pytest.param(
        terms(network={"level_rates_bps": (500, 400, 300, 200, 100)}),
        seen("approved", *["approved"] * 5),
        {
            "vendor": -600,
            "affiliate": 500,
            "fees": 25,
            "level1": 25,
            "level2": 20,
            "level3": 15,
            "level4": 10,
            "level5": 5,
        },
        id="five levels",
    ),
    pytest.param(
        terms(network={"level_rates_bps": ()}),
        seen("approved", *BOTH),
        {"vendor": -600, "affiliate": 500, "fees": 100},
        id="a network of no levels",
    ),
    pytest.param(
        terms({"amount_minor": 190}),
        seen("approved", *BOTH),
        {"vendor": -12, "affiliate": 10, "fees": 1, "level1": 1},
        id="9.5 rounds up to 10, a level of 0.5 rounds down to nothing",
    ),
    pytest.param(
        terms({"amount_minor": 9}), seen("approved", *BOTH), {}, id="0.45 of a cent is nothing"
    ),
    pytest.param(
        terms({"amount_minor": 10}),
        seen("approved", *BOTH),
        {"vendor": -1, "affiliate": 1},
        id="half a cent is one, its fee none",
    ),
    pytest.param(terms({"amount_minor": 0}), seen("approved", *BOTH), {}, id="an order of 0"),
    pytest.param(
        terms({"amount_minor": 0}, {"rewards": (Reward("sale", amount_minor=5, currency="USD"),)}),
        seen("approved", *BOTH),
        {},
        id="an order of 0 earns no flat reward either",
    ),
    pytest.param(
        terms(LEAD, FLAT_LEAD),
        seen("approved", *BOTH),
        {"vendor": -300, "affiliate": 250, "fees": 13, "level1": 25, "level2": 12},
        id="a free lead earns its flat reward",
    ),
    pytest.param(
        terms({**LEAD, "currency": "ZWG"}, FLAT_LEAD),
        seen("approved", *BOTH),
        {},
        id="a flat reward is for its own currency only",
    ),
    pytest.param(terms(LEAD), seen("approved", *BOTH), {}, id="no reward for a lead"),
    pytest.param(
        terms(INTRODUCED),
        seen("approved", *BOTH),
        {"vendor": -120, "affiliate": 100, "fees": 5, "level1": 10, "level2": 5},
        id="the introducer earns the introducer rate, with fee and levels",
    ),
    pytest.param(
        terms(INTRODUCED, {"introducer_rate_bps": 0}), seen("approved", *BOTH), {}, id="rate of 0"
    ),
    pytest.param(terms(), seen("suspended", *BOTH), {}, id="suspended before the confirmation"),
    pytest.param(
        terms({"attribution": Attribution(None, None, "no click")}),
        Seen(None),
        {},
        id="not attributed",
    ),
    pytest.param(
        terms({"currency": "JPY", "amount_minor": 1990}),
        seen("approved", *BOTH),
        {"vendor": -120, "affiliate": 100, "fees": 5, "level1": 10, "level2": 5},
        id="yen: 99.5 rounds to a whole yen",
    ),
    pytest.param(
        terms({"currency": "BHD", "amount_minor": 12_345_678}),
        seen("approved", *BOTH),
        {
            "vendor": -740_740,
            "affiliate": 617_284,
            "fees": 30_864,
            "level1": 61_728,
            "level2": 30_864,
        },
        id="dinars to the thousandth",
    ),
    pytest.param(
        terms({"currency": "ZWG", "amount_minor": 10**12}),
        seen("approved", *BOTH),
        {
            "vendor": -60_000_000_000,
            "affiliate": 50_000_000_000,
            "fees": 2_500_000_000,
            "level1": 5_000_000_000,
            "level2": 2_500_000_000,
        },
        id="the greatest amount",
    ),
]


@pytest.mark.parametrize(("agreed", "saw", "expected"), EARNED)
def test_a_confirmed_conversion_earns_by_the_terms_it_saw(
    agreed: tuple[Conversion, Program, NetworkSettings], saw: Seen, expected: dict[str, int]
) -> None:
    conversion, program, network = agreed
    transaction = confirmation_transaction(conversion, confirmation(saw), program, network)
    assert changes(transaction.postings) == expected
    assert all(posting.currency == conversion.currency for posting in transaction.postings)
    assert transaction.why


def test_a_commission_says_how_it_came_about() -> None:
    saw = seen("approved", "approved", "suspended")
    transaction = confirmation_transaction(CONVERSION, confirmation(saw), PROGRAM, SETTINGS)
    assert transaction.why == (
        "The program's reward for a sale is 5 %: 5 % of 100.00 USD is 5.00 USD, rounded half up.",
        "Level 2 of the upline was suspended: no override.",
        "The network fee is 20 % of the commission: 1.00 USD, paid by the vendor.",
        "Level 1 of the upline earns 10 % of the commission, rounded down: 0.50 USD, paid out "
        "of the network fee.",
    )


@pytest.mark.parametrize(
    ("agreed", "saw", "sentence"),
    [
        (terms({"amount_minor": 0}), seen(), "amount is 0"),
        (terms(LEAD), seen(), "no reward for a lead in USD"),
        (terms({**LEAD, "currency": "ZWG"}, FLAT_LEAD), seen(), "no reward for a lead in ZWG"),
        (terms({"amount_minor": 9}), seen(), "is 0.00 USD"),
    ],
)
def test_earning_nothing_has_its_reason(
    agreed: tuple[Conversion, Program, NetworkSettings], saw: Seen, sentence: str
) -> None:
    conversion, program, network = agreed
    commission, why = commission_of(conversion, confirmation(saw), program, network)
    assert commission is not None
    assert commission.direct_minor == 0
    assert sentence in " ".join(why)


@pytest.mark.parametrize(
    ("agreed", "saw", "sentence"),
    [
        (terms({"attribution": Attribution(None, None, "no click")}), Seen(None), "no click"),
        (terms(), seen("suspended"), "was suspended when"),
    ],
)
def test_there_is_no_commission_without_an_approved_affiliate(
    agreed: tuple[Conversion, Program, NetworkSettings], saw: Seen, sentence: str
) -> None:
    conversion, program, network = agreed
    commission, why = commission_of(conversion, confirmation(saw), program, network)
    assert commission is None
    assert sentence in " ".join(why)


@pytest.mark.parametrize(
    ("hold_days", "accepted_at", "due_on"),
    [
        (14, "2026-11-21T09:12:00.000Z", "2026-12-05"),
        (0, "2026-11-21T23:59:59.999Z", "2026-11-21"),
        (1, "2028-02-28T00:00:00.000Z", "2028-02-29"),
        (30, "2026-12-15T12:00:00.000Z", "2027-01-14"),
    ],
)
def test_everything_of_a_conversion_falls_due_hold_days_after_its_confirmation(
    hold_days: int, accepted_at: str, due_on: str
) -> None:
    transaction = confirmation_transaction(
        CONVERSION,
        replace(confirmation(), accepted_at=accepted_at),
        replace(PROGRAM, hold_days=hold_days),
        SETTINGS,
    )
    assert len(transaction.lines) == 3
    assert all(list(line.dues) == [due_on] for line in transaction.lines)


CLAWED_BACK = [
    pytest.param(0, 10_000, {"vendor": 600, "affiliate": -500, "fees": -25, "level1": -50,
                             "level2": -25}, id="all of it"),
    pytest.param(0, 5_000, {"vendor": 300, "affiliate": -250, "fees": -12, "level1": -25,
                            "level2": -13}, id="half: what stays is rounded, not what goes"),
    pytest.param(5_000, 10_000, {"vendor": 300, "affiliate": -250, "fees": -13, "level1": -25,
                                 "level2": -12}, id="the other half takes the rest"),
    pytest.param(0, 9, {}, id="0.45 of a cent stays with the affiliate"),
    pytest.param(0, 10, {}, id="499.5 stays 500"),
    pytest.param(0, 11, {"vendor": 2, "affiliate": -1, "fees": 1, "level1": -1, "level2": -1},
                 id="499.45 is 499; the floors below it fall by one each"),
    pytest.param(9_999, 10_000, {}, id="nothing was left to take back"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), CLAWED_BACK)
def test_a_refund_takes_back_what_it_ends(
    before: int, after: int, expected: dict[str, int]
) -> None:
    assert changes(clawed_back(COMMISSION, before, after)) == expected


def test_a_clawback_counts_from_the_due_date_of_what_it_takes_back() -> None:
    transaction = refund_transaction(CONVERSION, refund(5_000), COMMISSION)
    assert [line.dues for line in transaction.lines] == [
        {COMMISSION.due_on: -250},
        {COMMISSION.due_on: -25},
        {COMMISSION.due_on: -13},
    ]
    assert transaction.why[0] == "50.00 USD of 100.00 USD was refunded."
    assert transaction.why[1] == (
        "With 50.00 USD of 100.00 USD refunded in all, 2.50 USD of the whole commission of 5.00 "
        "USD remains, rounded half up; fees, overrides and splits are of what remains."
    )
    assert "2.50 USD of the commission is taken back." in transaction.why


def test_a_refund_of_what_earned_nothing_posts_nothing() -> None:
    transaction = refund_transaction(CONVERSION, refund(5_000), None)
    assert (transaction.postings, transaction.lines) == ((), ())


def test_each_refund_has_its_own_transaction() -> None:
    ids = {refund_id(refund(1, external_id=each)) for each in ("r-1", "r-2", "R-1")}
    assert len(ids) == 3
    assert refund_id(refund(1, external_id=" r-1 ")) == refund_id(refund(2, external_id="r-1"))
    assert all(each.startswith("cnv_1/refund/") for each in ids)


@st.composite
def commissions(draw: st.DrawFn) -> tuple[Commission, oracle.Terms]:
    """A commission as a confirmation could have made it, and the same for the oracle."""
    level_bps = tuple(draw(st.lists(st.integers(1, 2_000), max_size=5)))
    by_network = draw(st.booleans())
    fee_bps = draw(st.integers(sum(level_bps) if by_network else 0, 10_000))
    approved = tuple(draw(st.booleans()) for _ in level_bps)
    sale_minor = draw(st.one_of(st.integers(1, 400), st.integers(1, 10**12)))
    flat = draw(st.booleans())
    direct_minor = (
        draw(st.integers(1, 10**6))
        if flat
        else oracle.direct(sale_minor, draw(st.integers(0, 10_000)))
    )
    agreed = oracle.Terms(fee_bps, level_bps, approved, by_network)
    commission = replace(
        COMMISSION,
        sale_minor=sale_minor,
        direct_minor=direct_minor,
        fee_bps=fee_bps,
        levels=tuple(Level(UPLINE[level - 1], level, bps) for level, bps in agreed.paid_levels),
        overrides_from=NETWORK_FEES if by_network else vendor_account(VENDOR),
    )
    return commission, agreed


@st.composite
def splits(draw: st.DrawFn, total: int, parts_max: int = 7) -> list[int]:
    """Positive parts of a total, in any order."""
    cuts = draw(st.lists(st.integers(1, max(1, total - 1)), max_size=parts_max - 1, unique=True))
    ends = sorted({cut for cut in cuts if cut < total} | {total})
    parts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    return draw(st.permutations(parts))


@exact
@given(
    st.integers(0, 10**12),
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 2_000), st.booleans()), max_size=5),
    st.booleans(),
    st.data(),
)
def test_commission_fee_and_overrides_equal_the_exact_fractions_rounded(
    sale_minor: int,
    rate_bps: int,
    levels: list[tuple[int, bool]],
    by_network: bool,
    data: st.DataObject,
) -> None:
    level_bps = tuple(bps for bps, _ in levels)
    fee_bps = data.draw(st.integers(sum(level_bps) if by_network else 0, 10_000))
    refunded_minor = data.draw(st.integers(0, sale_minor))
    agreed = oracle.Terms(fee_bps, level_bps, tuple(good for _, good in levels), by_network)
    statuses = ["approved" if good else "suspended" for good in agreed.approved]
    transaction = confirmation_transaction(
        replace(CONVERSION, amount_minor=sale_minor),
        confirmation(seen("approved", *statuses), refunded_minor),
        replace(PROGRAM, rewards=(Reward("sale", rate_bps=rate_bps),)),
        replace(
            SETTINGS,
            network_fee_bps=fee_bps,
            level_rates_bps=level_bps,
            override_funding="network" if by_network else "vendor",
        ),
    )
    direct_minor = oracle.direct(sale_minor, rate_bps)
    expected = oracle.standing(direct_minor, sale_minor, refunded_minor, agreed)
    assert changes(transaction.postings) == expected


@exact
@given(commissions(), st.data())
def test_refunds_that_add_up_to_the_sale_leave_every_account_at_zero(
    drawn: tuple[Commission, oracle.Terms], data: st.DataObject
) -> None:
    commission, _ = drawn
    parts = data.draw(splits(commission.sale_minor))
    postings = [*earned(commission, 0)]
    for before, after in oracle.running(parts):
        postings += clawed_back(commission, before, after)
    assert changes(postings) == Counter()


@exact
@given(commissions(), st.data())
def test_refunds_before_and_after_the_confirmation_meet_at_the_oracles_standing(
    drawn: tuple[Commission, oracle.Terms], data: st.DataObject
) -> None:
    commission, agreed = drawn
    parts = data.draw(splits(commission.sale_minor))
    confirmed_after = data.draw(st.integers(0, len(parts)))
    refunded = sum(parts[:confirmed_after])
    postings = [*earned(commission, refunded)]
    for before, after in oracle.running(parts[confirmed_after:], refunded):
        taken = clawed_back(commission, before, after)
        expected = oracle.difference(
            oracle.standing(commission.direct_minor, commission.sale_minor, after, agreed),
            oracle.standing(commission.direct_minor, commission.sale_minor, before, agreed),
        )
        assert changes(taken) == expected
        postings += taken
    assert changes(postings) == Counter()


@exact
@given(commissions(), st.data())
def test_no_more_is_ever_taken_back_of_a_share_than_was_posted(
    drawn: tuple[Commission, oracle.Terms], data: st.DataObject
) -> None:
    commission, _ = drawn
    parts = data.draw(splits(commission.sale_minor))
    posted = {(p.source, p.target, p.level): p.amount_minor for p in earned(commission, 0)}
    for before, after in oracle.running(parts):
        for taken in clawed_back(commission, before, after):
            posted[taken.target, taken.source, taken.level] -= taken.amount_minor
        assert min(posted.values(), default=0) >= 0
