"""Who of the upline is paid, what moves up, and who has the recruitment bonus."""

from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.commissions.commissions import commission_of, tallies_after_confirmation
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
)
from linkage.domain.commissions.uplines import paid_levels
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally, member_tally
from linkage.domain.ledger.ledger import Posting
from linkage.domain.people.members import Split
from linkage.domain.terms.network import NetworkSettings, RecruitmentBonus
from tests.domain.examples import (
    AFFILIATE,
    CONVERSION,
    PROGRAM,
    SETTINGS,
    UPLINE,
    VENDOR,
    confirmation,
    refund,
)

GOOD, IDLE = Standing("mem_good", "approved"), Standing("mem_idle", "approved", active=False)
AWAY, BUYER = Standing("mem_away", "suspended"), Standing("mem_buyer", "approved", buyer=True)
SELLER, LAST = Standing(VENDOR, "approved"), Standing("mem_last", "approved")

FIXED = [
    pytest.param((GOOD, LAST), {1: "mem_good", 2: "mem_last"}, id="both are paid"),
    pytest.param((AWAY, LAST), {2: "mem_last"}, id="one suspended: the other does not move"),
    pytest.param((BUYER, LAST), {2: "mem_last"}, id="one is the customer"),
    pytest.param((SELLER, LAST), {2: "mem_last"}, id="one is the vendor"),
    pytest.param((IDLE, LAST), {1: "mem_idle", 2: "mem_last"}, id="nobody asks who is active"),
    pytest.param((GOOD,), {1: "mem_good"}, id="the upline is shorter than the levels"),
    pytest.param((GOOD, AWAY, LAST), {1: "mem_good"}, id="the third is beyond the levels"),
    pytest.param((), {}, id="nobody above"),
]
MOVED_UP = [
    pytest.param((GOOD, LAST), {1: "mem_good", 2: "mem_last"}, id="both are active"),
    pytest.param((IDLE, GOOD, LAST), {1: "mem_good", 2: "mem_last"}, id="one idle is skipped"),
    pytest.param((GOOD, IDLE, AWAY, LAST), {1: "mem_good", 2: "mem_last"}, id="two are skipped"),
    pytest.param((BUYER, SELLER, LAST), {1: "mem_last"}, id="customer and vendor are skipped"),
    pytest.param((IDLE, AWAY), {}, id="nobody is left"),
    pytest.param((GOOD, LAST, IDLE), {1: "mem_good", 2: "mem_last"}, id="levels end"),
]


@pytest.mark.parametrize(("upline", "expected"), FIXED)
def test_without_active_days_nobody_moves_up(
    upline: tuple[Standing, ...], expected: dict[int, str]
) -> None:
    levels, _ = paid_levels(upline, VENDOR, SETTINGS)
    assert {level.level: level.member_id for level in levels} == expected


@pytest.mark.parametrize(("upline", "expected"), MOVED_UP)
def test_with_active_days_a_level_goes_to_the_next_active_member(
    upline: tuple[Standing, ...], expected: dict[int, str]
) -> None:
    levels, _ = paid_levels(upline, VENDOR, replace(SETTINGS, active_days=90))
    assert {level.level: level.member_id for level in levels} == expected
    assert [level.rate_bps for level in levels] == [1_000, 500][: len(levels)]


@pytest.mark.parametrize(
    ("upline", "active_days", "sentence"),
    [
        ((AWAY,), None, "Level 1 of the upline was suspended: no override."),
        ((BUYER,), None, "Level 1 of the upline is the customer of this sale: no override."),
        ((GOOD, SELLER), None, "Level 2 of the upline is the vendor of this sale: no override."),
        (
            (IDLE, AWAY, GOOD),
            90,
            "Level 1 went to the next active member of the upline: one had no sale of its own in "
            "90 days; one was suspended.",
        ),
        (
            (GOOD, IDLE),
            90,
            "Level 2 went to nobody, as no active member is left: one had no sale of its own in "
            "90 days.",
        ),
    ],
)
def test_every_level_that_moved_or_is_not_paid_is_said_without_a_name(
    upline: tuple[Standing, ...], active_days: int | None, sentence: str
) -> None:
    _, why = paid_levels(upline, VENDOR, replace(SETTINGS, active_days=active_days))
    assert sentence in why
    assert not any("mem_" in each for each in why)


# ---- the recruitment bonus

BONUS = replace(SETTINGS, recruitment_bonus=RecruitmentBonus(1_500, "ZWG"), level_rates_bps=())
MEMBER = Tally(member_tally(AFFILIATE), 1, last_on="2026-11-01")
SPONSOR = Standing(UPLINE[0], "approved")
RECRUITED = replace(MEMBER, version=2, last_on="2026-11-20", recruited_by="cnv_1")


def recruited(
    *upline: Standing,
    tally: Tally = MEMBER,
    refunded_minor: int = 0,
    settings: NetworkSettings = BONUS,
    **changes: Any,
) -> tuple[list[Posting], tuple[Tally, ...]]:
    """The recruitment postings of a sale, and the tallies it changes."""
    seen = Seen(Standing(AFFILIATE, "approved"), upline, (tally,))
    sale = replace(CONVERSION, **changes)
    facts = (sale, confirmation(seen, refunded_minor), PROGRAM, settings)
    postings = confirmation_transaction(*facts).postings
    own = [posting for posting in postings if posting.kind == "recruitment"]
    return own, tallies_after_confirmation(*facts)


def test_the_sponsor_has_the_bonus_for_its_recruits_first_confirmed_sale() -> None:
    postings, changed = recruited(SPONSOR)
    account = f"affiliate:{UPLINE[0]}"
    assert postings == [Posting("network:bonuses", account, 1_500, "ZWG", "recruitment")]
    assert changed == (RECRUITED,)


@pytest.mark.parametrize(
    ("upline", "tally"),
    [
        pytest.param((replace(SPONSOR, status="suspended"),), RECRUITED, id="suspended sponsor"),
        pytest.param((replace(SPONSOR, buyer=True),), RECRUITED, id="the sponsor is the customer"),
        pytest.param((), RECRUITED, id="no sponsor"),
    ],
)
def test_a_bonus_the_sponsor_may_not_have_is_lost(
    upline: tuple[Standing, ...], tally: Tally
) -> None:
    assert recruited(*upline) == ([], (tally,))


def test_a_first_sale_is_kept_as_that_while_no_bonus_is_offered() -> None:
    postings, (tally,) = recruited(SPONSOR, settings=replace(BONUS, recruitment_bonus=None))
    assert (postings, tally.recruited_by) == ([], "cnv_1")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event": "lead"}, id="a lead"),
        pytest.param({"amount_minor": 0}, id="a sale of 0"),
        pytest.param({"refunded_minor": 10_000}, id="refunded in full before the confirmation"),
        pytest.param({"tally": replace(MEMBER, recruited_by="cnv_0")}, id="not the first sale"),
    ],
)
def test_no_other_conversion_earns_it(changes: dict[str, Any]) -> None:
    if "refunded_minor" in changes:
        postings, changed = recruited(SPONSOR, refunded_minor=changes["refunded_minor"])
    else:
        postings, changed = recruited(SPONSOR, **changes)
    assert postings == []
    assert all(tally.recruited_by != "cnv_1" for tally in changed)


def test_the_bonus_is_whole_until_the_sale_is_refunded_in_full() -> None:
    seen = Seen(Standing(AFFILIATE, "approved"), (SPONSOR,), (MEMBER,))
    commission, _ = commission_of(CONVERSION, confirmation(seen), PROGRAM, BONUS)
    almost = refund_transaction(CONVERSION, refund(9_999), commission)
    rest = refund_transaction(CONVERSION, refund(1, 9_999), commission)
    returned = [[p for p in each.postings if p.currency == "ZWG"] for each in (almost, rest)]
    account = f"affiliate:{UPLINE[0]}"
    assert returned == [[], [Posting(account, "network:bonuses", 1_500, "ZWG", "clawback")]]
    assert "The recruitment bonus of 15.00 ZWG is taken back; the next sale earns it." in rest.why


@pytest.mark.parametrize(
    ("sponsor", "sentence"),
    [
        (SPONSOR, "its sponsor earns the recruitment bonus of 15.00 ZWG, paid by the network."),
        (replace(SPONSOR, status="suspended"), "15.00 ZWG is lost: the sponsor was suspended."),
        (replace(SPONSOR, buyer=True), "is lost: the sponsor is the customer of this sale."),
    ],
)
def test_why_says_who_has_the_recruitment_bonus(sponsor: Standing, sentence: str) -> None:
    seen = Seen(Standing(AFFILIATE, "approved"), (sponsor,), (MEMBER,))
    _, why = commission_of(CONVERSION, confirmation(seen), PROGRAM, BONUS)
    assert sentence in " ".join(why)


# ---- splits and the affiliate's fee

EMPLOYEE, SECOND = Split("mem_employee", 3_000), Split("mem_second", 7_000)


def test_splits_share_what_is_left_after_the_affiliates_fee() -> None:
    seen = Seen(
        Standing(AFFILIATE, "approved", splits=(EMPLOYEE, SECOND)),
        (Standing(UPLINE[0], "approved", splits=(EMPLOYEE,)),),
    )
    settings = replace(SETTINGS, affiliate_fee_bps=1_000)
    transaction = confirmation_transaction(CONVERSION, confirmation(seen), PROGRAM, settings)
    assert [(p.kind, p.level, p.target, p.amount_minor) for p in transaction.postings] == [
        ("commission", 0, f"affiliate:{AFFILIATE}", 500),
        ("fee", 0, "network:fees", 100),
        ("affiliate_fee", 0, "network:fees", 50),
        ("override", 1, f"affiliate:{UPLINE[0]}", 50),
        ("split", 0, "affiliate:mem_employee", 135),
        ("split", 0, "affiliate:mem_second", 315),
        ("split", 1, "affiliate:mem_employee", 15),
    ]
    balances = {line.affiliate_id: line.amount_minor for line in transaction.lines}
    assert balances == {AFFILIATE: 0, UPLINE[0]: 35, "mem_employee": 150, "mem_second": 315}
    assert (
        "The affiliate's fee to the network is 10 % of the commission, rounded down: 0.50 USD, "
        "taken out of it." in transaction.why
    )
    for rate, earned, amount in (
        ("30 %", "commission after the fee", "1.35"),
        ("30 %", "level 1 override", "0.15"),
    ):
        assert (
            f"{rate} of the {earned}, rounded down, goes on to a member it is shared with: "
            f"{amount} USD." in transaction.why
        )
    assert not any("mem_" in sentence for sentence in transaction.why)


def test_a_refund_returns_the_affiliates_fee_and_the_splits_by_their_own_kinds() -> None:
    seen = Seen(
        Standing(AFFILIATE, "approved", splits=(EMPLOYEE,)),
        (Standing(UPLINE[0], "approved", splits=(EMPLOYEE,)),),
    )
    settings = replace(SETTINGS, affiliate_fee_bps=1_000)
    commission, _ = commission_of(CONVERSION, confirmation(seen), PROGRAM, settings)
    transaction = refund_transaction(CONVERSION, refund(10_000), commission)
    assert [(p.kind, p.level, p.amount_minor) for p in transaction.postings] == [
        ("clawback", 0, 500),
        ("fee_return", 0, 100),
        ("affiliate_fee_return", 0, 50),
        ("clawback", 1, 50),
        ("split_return", 0, 135),
        ("split_return", 1, 15),
    ]
    assert "0.50 USD of the affiliate's fee is given back to it." in transaction.why
    assert (
        "1.35 USD of the commission comes back from a member it is shared with." in transaction.why
    )
