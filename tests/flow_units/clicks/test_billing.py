"""Billing a day: once for each link and event, whatever happens meanwhile, and by the usual way."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import EndpointConnectionError

from linkage.domain import clock
from linkage.domain.clicks.statistics import Counts, LinkDay
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.domain.people.members import Member
from linkage.domain.terms.programs import Program, Reward
from linkage.flow.clicks import billing
from linkage.flow.clicks.billing import Billed, DayNotBilledError
from linkage.flow.commissions import posting
from linkage.flow.conversions import vendor_decisions
from linkage.flow.conversions.confirming_by_silence import confirm_due
from linkage.tables import members, programs, settings
from linkage.tables.conversions import get_conversion, get_history
from linkage.tables.dynamodb import transactions
from linkage.tables.statistics import put_counts
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import audit
from linkage_cli.ledger.replay import transactions_of
from tests.aws_tables import forget_versions
from tests.conversion_ids import plain_id
from tests.domain.examples import MEMBER
from tests.faults.standin import Standin
from tests.flow_units.calls import calls
from tests.flow_units.network import (
    ANN,
    ON_REPORT,
    RICH_SETTINGS,
    SETTINGS,
    SHOP,
    SPO,
    START,
    TOP,
    VENDOR,
    CrashError,
    Network,
    Writes,
    put_members,
    put_programs,
    table,
)

DAY = date(2026, 11, 19)
CLICK = Reward("click", amount_minor=5, currency="USD", name="clicks")
IMPRESSION = Reward("impression", amount_minor=250, currency="USD", name="impressions")
COUNTED = replace(ON_REPORT, program_id="prg_cpc", rewards=(CLICK, IMPRESSION))
LATER = replace(COUNTED, program_id="prg_cpc_man", confirmation="manual")
BEN = replace(MEMBER, member_id="mem_ben", name="Ben")
OTHER_SHOP = replace(SHOP, member_id="mem_other_shop", name="Other shop")
ELSEWHERE = replace(COUNTED, program_id="prg_cpc_other", vendor_id=OTHER_SHOP.member_id)


@pytest.fixture(autouse=True)
def versions() -> Iterator[None]:
    """Tests publish other terms under the same version, so none is to be remembered."""
    forget_versions()
    yield
    forget_versions()


@pytest.fixture
def counted(network: Network) -> Network:
    """The small network with programs that pay for clicks and impressions."""
    put_members(BEN, OTHER_SHOP)
    put_programs(COUNTED, LATER, ELSEWHERE)
    return network


def link(
    code: str = "annslink",
    visitors: int = 10,
    impressions: int = 0,
    *,
    of: Member = ANN,
    program: Program = COUNTED,
) -> LinkDay:
    return LinkDay(code, program.program_id, program.vendor_id, of.member_id, visitors, impressions)


def count(day: date, *links: LinkDay) -> None:
    """Puts into the statistics what there is to bill, as a fold does before it bills."""
    for each in links:
        counts = Counts()
        counts.hours["visitors"][9] = each.visitors
        counts.hours["impressions"][9] = each.impressions
        put_counts(f"link#{each.code}", day, counts)


def bill_day(day: date, links: Iterable[LinkDay]) -> Billed:
    """Counts each link's day and bills it."""

    def counted() -> Iterator[LinkDay]:
        for each in links:
            count(day, each)
            yield each

    return billing.bill_day(day, counted())


def only(event: str = "click", code: str = "annslink", vendor_id: str = VENDOR) -> Conversion:
    """The conversion of the day; raises NotFoundError."""
    return get_conversion(plain_id(vendor_id, event, f"{event}/{code}/{DAY}"))


def is_billed(event: str, code: str) -> bool:
    try:
        only(event, code)
    except NotFoundError:
        return False
    return True


def commission_of(conversion: Conversion) -> int:
    """What it was posted with for its affiliate, minor units."""
    (transaction,) = transactions_of(get_history(conversion.conversion_id))
    return sum(p.amount_minor for p in transaction.postings if p.kind == "commission")


DAY_BEGAN = f"{DAY}T00:00:00.000Z"
DURING_DAY = f"{DAY}T00:00:00.001Z"


def republish(program: Program, published_at: str = DAY_BEGAN, **changes: Any) -> None:
    """Publishes other terms, unless said otherwise as the day began."""
    version = program.version + 1
    programs.publish_program(
        replace(program, version=version, published_at=published_at, **changes)
    )


def assert_sound(network: Network) -> None:
    """The independent audit of all that is stored, with everything posted."""
    tables = ledger_check.Tables(transactions.client, {noun: noun for noun in ledger_check.NOUNS})
    report = audit(ledger_check.read(tables), network.moment)
    assert (report.findings, report.in_flight) == ((), ())


# ---- what a day becomes


def test_each_link_is_billed_for_what_was_counted_on_it(counted: Network) -> None:
    links = [link(visitors=40, impressions=12_346), link("benslink", 3, of=BEN)]
    assert bill_day(DAY, links) == Billed(3, 0, ())
    clicks, impressions = only("click"), only("impression")
    assert (clicks.quantity, impressions.quantity) == (40, 12_346)
    assert (clicks.amount_minor, clicks.currency) == (0, "USD")
    assert clicks.occurred_at == "2026-11-19T23:59:59.999Z"
    assert clicks.reported_at == clock.text(START)
    assert clicks.external_id == "click/annslink/2026-11-19"
    assert clicks.status == "confirmed"
    assert (clicks.attribution.model, clicks.attribution.affiliate_id) == ("link", ANN.member_id)
    assert clicks.link_code == "annslink"
    counted.deliver_facts()
    assert counted.balance("ben").balance_minor == 15  # type: ignore[union-attr]
    assert_sound(counted)


def test_the_fee_and_the_upline_s_overrides_come_on_it_as_on_a_sale(counted: Network) -> None:
    bill_day(DAY, [link(visitors=1_000, impressions=12_346)])
    counted.deliver_facts()
    assert counted.balances() == {"ann": 5_000 + 3_087, "spo": 500 + 308, "top": 250 + 154}
    assert_sound(counted)


def test_nothing_counted_is_nothing_billed(counted: Network) -> None:
    assert bill_day(DAY, [link(visitors=0), link("other", 0, 5)]) == Billed(1, 0, ())
    assert not is_billed("click", "annslink")
    assert bill_day(DAY, []) == Billed(0, 0, ())


def test_a_program_that_pays_for_sales_alone_is_billed_nothing(counted: Network) -> None:
    assert bill_day(DAY, [link(program=ON_REPORT)]) == Billed(0, 0, ())
    republish(COUNTED, rewards=(IMPRESSION,))
    assert bill_day(DAY, [link(visitors=5, impressions=5)]) == Billed(1, 0, ())
    assert [item["event"] for item in table("conversions")] == ["impression"]


def test_a_thousand_million_clicks_earn_no_more_than_an_amount_can_be(counted: Network) -> None:
    republish(COUNTED, rewards=(replace(CLICK, amount_minor=10**6),))
    bill_day(DAY, [link(visitors=10**9)])
    counted.deliver_facts()
    assert counted.balances() == {"ann": 10**12, "spo": 10**11, "top": 5 * 10**10}
    assert_sound(counted)


def test_a_day_that_is_not_over_is_not_billed(counted: Network) -> None:
    with pytest.raises(ValueError, match="2026-11-21 is not over"):
        bill_day(START.date(), [link()])
    assert bill_day(START.date() - timedelta(days=1), [link()]).accepted == 1


# ---- again, halfway, and by two at once


def test_billing_a_day_again_changes_nothing(counted: Network) -> None:
    links = [link(visitors=40, impressions=2_000), link("benslink", 3, of=BEN)]
    bill_day(DAY, links)
    counted.deliver_facts()
    before = counted.everything()
    counted.pass_time(days=3)
    assert bill_day(DAY, links) == Billed(0, 3, ())
    assert counted.unposted() == []
    assert counted.everything() == before


def test_dying_at_any_write_and_billing_again_ends_the_same(counted: Network) -> None:
    capped = replace(CLICK, budget_minor=120)
    republish(COUNTED, rewards=(capped, IMPRESSION))
    links = [link(visitors=20, impressions=4_000), link("second", 8), link("benslink", 3, of=BEN)]

    def bill() -> None:
        billing.bill_day(DAY, links)
        counted.deliver_facts()

    count(DAY, *links)
    counted.save()
    writes = Writes()
    with writes.watched():
        bill()
    expected = counted.everything()
    assert writes.count == 8
    for number in range(1, writes.count + 1):
        for when in ("before", "after"):
            counted.restore()
            with pytest.raises(CrashError), Writes((number, when)).watched():
                bill()
            bill()
            assert counted.everything() == expected, f"died {when} write {number}"
    assert_sound(counted)


def test_a_link_takes_two_reads_and_a_write_and_one_read_once_it_is_billed(
    counted: Network,
) -> None:
    links = [link(f"link{number:04}", number + 1) for number in range(20)]
    with calls() as made:
        billing.bill_day(DAY, links)
    assert Counter(each.split()[0] for each in made) == {
        "BatchGetItem": 1 + 2 * len(links),  # the program of them all, once
        "PutItem": len(links),
    }
    with calls() as made:
        billing.bill_day(DAY, links)
    assert len(made) == 1 + len(links)


@pytest.fixture
def shared() -> Iterator[Standin]:
    """The same programs on the stand-in, which threads may use."""
    standin = Standin()
    with standin.serving(), patch.object(clock, "now", lambda: START):
        settings.publish_settings(SETTINGS)
        put_members(SHOP, ANN, SPO, TOP, BEN)
        put_programs(replace(COUNTED, rewards=(replace(CLICK, budget_minor=1_000),)))
        yield standin


def test_two_that_bill_a_day_at_once_bill_it_once(shared: Standin) -> None:
    links = [link(f"link{number:04}", number) for number in range(1, 26)]
    orders = (links, links[::-1])
    count(DAY, *links)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda each: billing.bill_day(DAY, each), orders))
    assert sum(each.accepted for each in both) == len(links)
    assert sum(each.repeated for each in both) == len(links)
    facts = [(item["conversion_id"], item["fact"]) for item in table("conversions")]
    assert len(facts) == len(links)
    for fact in facts:
        posting.post_fact(*fact)
    assert sum(item["line"] == "head" for item in table("ledger")) == len(links)
    tables = ledger_check.Tables(transactions.client, {noun: noun for noun in ledger_check.NOUNS})
    assert audit(ledger_check.read(tables), START).findings == ()
    (tally,) = table("tallies")
    assert tally["amount_minor"] == 1_000


# ---- whose it is


def test_a_suspended_affiliate_s_days_are_nobody_s(counted: Network) -> None:
    members.set_member(ANN.member_id, status="suspended")
    assert bill_day(DAY, [link(), link("benslink", 3, of=BEN)]) == Billed(2, 0, ())
    alone = only()
    assert alone.attribution.affiliate_id is None
    assert alone.attribution.reason == "link: the affiliate is suspended, not approved"
    counted.deliver_facts()
    assert counted.balances() == {}
    assert_sound(counted)


def test_a_vendor_s_own_link_and_a_paused_program_s_earn_nothing(counted: Network) -> None:
    both = replace(BEN, member_id="mem_both", roles=("affiliate", "vendor"))
    put_members(both)
    put_programs(replace(COUNTED, program_id="prg_own", vendor_id=both.member_id))
    own = LinkDay("ownlink1", "prg_own", both.member_id, both.member_id, 10, 0)
    republish(COUNTED, paused=True)
    assert bill_day(DAY, [own, link()]) == Billed(2, 0, ())
    assert only(code="ownlink1", vendor_id=both.member_id).attribution.reason == (
        "link: an affiliate earns nothing on its own vendor's sale"
    )
    assert only().attribution.reason == "the program is paused"


def test_a_suspended_vendor_s_links_are_billed_and_held(counted: Network) -> None:
    members.set_member(VENDOR, status="suspended")
    links = [link(impressions=7), link("elsewhere", program=ELSEWHERE)]
    billed = bill_day(DAY, links)
    assert (billed.accepted, billed.repeated, billed.refused) == (3, 0, ())
    assert [each.event for each in billed.held] == ["click", "impression"]
    assert {each.held_reason for each in billed.held} == {"vendor_suspended"}
    counted.deliver_facts()
    assert_sound(counted)
    members.set_member(VENDOR, status="approved")
    assert bill_day(DAY, links) == Billed(0, 3, ())
    assert only().held_reason == "vendor_suspended"


def test_a_vendor_s_links_that_was_never_approved_are_refused_and_all_others_billed(
    counted: Network,
) -> None:
    members.set_member(VENDOR, status="applied")
    links = [link(impressions=7), link("elsewhere", program=ELSEWHERE)]
    billed = bill_day(DAY, links)
    assert (billed.accepted, billed.repeated) == (1, 0)
    assert [(each.code, each.event, each.quantity) for each in billed.refused] == [
        ("annslink", "click", 10),
        ("annslink", "impression", 7),
    ]
    assert all("not approved" in each.why for each in billed.refused)
    assert not is_billed("click", "annslink")
    members.set_member(VENDOR, status="approved")
    assert bill_day(DAY, links) == Billed(2, 1, ())


def test_a_program_that_is_not_there_is_refused(counted: Network) -> None:
    lost = LinkDay("lostlink", "prg_none", VENDOR, ANN.member_id, 1, 0)
    billed = bill_day(DAY, [lost, link()])
    assert billed.accepted == 1
    assert [each.why for each in billed.refused] == ["There is no such program."]


def test_what_fails_for_now_leaves_the_day_open_and_is_billed_the_next_time(
    counted: Network,
) -> None:
    real = billing.report

    def failing(sent: Any, program: Any) -> Any:
        if "annslink" in sent.external_id:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.invalid")
        if "busylink" in sent.external_id:
            raise ConflictError("busy", "Others are changing this.")
        return real(sent, program)

    links = [link(), link("busylink"), link("benslink", 3, of=BEN)]
    with (
        patch.object(billing, "report", failing),
        pytest.raises(DayNotBilledError, match="2 of 2026-11-19 are not billed yet") as failed,
    ):
        bill_day(DAY, links)
    assert [each.code for each in failed.value.failed] == ["annslink", "busylink"]
    assert is_billed("click", "benslink")
    assert bill_day(DAY, links) == Billed(2, 1, ())


# ---- prices that change, and limits


def test_a_day_is_priced_by_the_terms_in_force_as_it_began(counted: Network) -> None:
    republish(COUNTED, rewards=(replace(CLICK, amount_minor=9),))
    bill_day(DAY - timedelta(days=1), [link("daybefore")])
    bill_day(DAY, [link()])
    before = get_conversion(plain_id(VENDOR, "click", "click/daybefore/2026-11-18"))
    assert (before.program_version, only().program_version) == (1, 2)
    counted.deliver_facts()
    assert counted.balances()["ann"] == 50 + 90
    assert_sound(counted)


@pytest.mark.parametrize(
    "changes",
    [
        {"rewards": (IMPRESSION,)},
        {"rewards": (replace(CLICK, amount_minor=0),)},
        {"paused": True},
        {"rewards": (replace(CLICK, amount_minor=900),)},
    ],
    ids=["the reward is dropped", "the price is 0", "paused", "the price is raised"],
)
def test_what_is_published_after_a_day_began_changes_nothing_of_that_day(
    counted: Network, changes: dict[str, Any]
) -> None:
    republish(COUNTED, DURING_DAY, **changes)
    assert bill_day(DAY, [link()]) == Billed(1, 0, ())
    assert (only().program_version, only().attribution.affiliate_id) == (1, ANN.member_id)
    counted.deliver_facts()
    assert counted.balances() == {"ann": 50, "spo": 5, "top": 2}
    assert_sound(counted)


def test_a_day_that_was_not_paid_for_is_not_paid_by_later_terms(counted: Network) -> None:
    republish(COUNTED, rewards=(IMPRESSION,))
    assert bill_day(DAY, [link()]) == Billed(0, 0, ())
    republish(replace(COUNTED, version=2), clock.text(START), rewards=(CLICK,))
    counted.pass_time(days=25)
    assert bill_day(DAY, [link()]) == Billed(0, 0, ())
    assert not is_billed("click", "annslink")


def test_a_program_s_first_day_lives_by_its_first_version(counted: Network) -> None:
    fresh = replace(COUNTED, program_id="prg_fresh", created_at=f"{DAY}T08:00:00.000Z")
    put_programs(fresh)
    republish(fresh, f"{DAY}T09:00:00.000Z", rewards=(replace(CLICK, amount_minor=9),))
    bill_day(DAY, [link(program=fresh)])
    bill_day(DAY + timedelta(days=1), [link(program=fresh)])
    counted.deliver_facts()
    assert counted.balances()["ann"] == 50 + 90
    assert_sound(counted)


@pytest.mark.parametrize("version", [1, 2, 7, 19, 20])
def test_of_many_versions_the_one_in_force_as_the_day_began_is_found(
    counted: Network, version: int
) -> None:
    many = replace(COUNTED, program_id="prg_many", created_at="2026-01-01T00:00:00.000Z")
    put_programs(many)
    for number in range(2, 21):
        at = DAY_BEGAN if number <= version else DURING_DAY
        republish(replace(many, version=number - 1), at, name=f"number {number}")
    with calls() as made:
        billing.bill_day(DAY, [link(program=many)])
    assert only().program_version == version
    assert len(made) <= 3 + 1 + 5 + 1  # a link's own, the current version, halving, the found one


def test_a_new_price_or_currency_changes_nothing_of_a_day_half_billed(counted: Network) -> None:
    links = [link(), link("second")]
    count(DAY, *links)
    with pytest.raises(CrashError), Writes((2, "before")).watched():
        billing.bill_day(DAY, links)
    republish(COUNTED, clock.text(START), rewards=(replace(CLICK, amount_minor=9, currency="ZWG"),))
    assert bill_day(DAY, links) == Billed(1, 1, ())
    counted.deliver_facts()
    assert (counted.balances("USD")["ann"], counted.balances("ZWG")) == (100, {})
    assert_sound(counted)


def test_a_new_price_while_a_day_is_billed_is_for_the_next_day(counted: Network) -> None:
    def links() -> Iterator[LinkDay]:
        yield link()
        republish(COUNTED, rewards=(replace(CLICK, amount_minor=9, currency="ZWG"),))
        yield link("second")

    bill_day(DAY, links())
    assert {only(code=each).program_version for each in ("annslink", "second")} == {1}
    counted.deliver_facts()
    assert counted.balances() == {"ann": 100, "spo": 10, "top": 4}


def test_what_was_billed_stands_though_it_is_counted_otherwise_later(counted: Network) -> None:
    bill_day(DAY, [link(visitors=10)])
    counted.deliver_facts()
    before = counted.everything()
    (refused,) = billing.bill_day(DAY, [link(visitors=11)]).refused
    assert (refused.code, refused.quantity) == ("annslink", 11)
    assert refused.why == "This day was billed before, for another count, which stands."
    assert counted.everything() == before


@pytest.mark.parametrize(
    ("limit", "earned"),
    [
        ({"max_minor": 40}, [40, 40, 40]),
        ({"period": "month", "period_max_minor": 75}, [50, 25, 50]),
        ({"budget_minor": 75}, [50, 25, 0]),
        ({"budget_minor": 75, "max_minor": 40}, [40, 35, 0]),
    ],
    ids=["a link's day", "an affiliate's month", "a budget", "two of them"],
)
def test_limits_hold_over_links_and_days(
    counted: Network, limit: dict[str, Any], earned: list[int]
) -> None:
    republish(COUNTED, rewards=(replace(CLICK, **limit),))
    links = [link("first001"), link("second02"), link("benslink", of=BEN)]
    bill_day(DAY, links)
    counted.deliver_facts()
    assert [commission_of(only(code=each.code)) for each in links] == earned
    assert_sound(counted)


def test_a_month_s_cap_begins_anew_by_the_day_that_is_billed(counted: Network) -> None:
    republish(COUNTED, rewards=(replace(CLICK, period="month", period_max_minor=60),))
    counted.pass_time(days=12)
    for day in (date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 1)):
        bill_day(day, [link()])
    counted.deliver_facts()
    assert counted.balances()["ann"] == 50 + 10 + 50


def test_clicks_make_nobody_active_and_are_nobody_s_first_sale(counted: Network) -> None:
    settings.publish_settings(RICH_SETTINGS)
    bill_day(DAY, [link(visitors=100)])
    assert counted.tallies() == {}
    counted.deliver_facts()
    assert counted.balances() == {"ann": 500 - 10}
    assert_sound(counted)


# ---- what a vendor does about clicks it does not believe


def test_a_vendor_rejects_a_day_before_it_confirms_it_and_it_stays_rejected(
    counted: Network,
) -> None:
    links = [link(program=LATER)]
    bill_day(DAY, links)
    pending = only()
    assert pending.status == "pending"
    vendor_decisions.reject(pending.conversion_id, VENDOR, "fraud", "clicks of one machine")
    assert bill_day(DAY, links) == Billed(0, 1, ())
    assert only().status == "rejected"
    assert counted.unposted() == []
    assert_sound(counted)


def test_a_day_that_is_confirmed_is_final(counted: Network) -> None:
    bill_day(DAY, [link()])
    billed = only()
    with pytest.raises(ConflictError):
        vendor_decisions.reject(billed.conversion_id, VENDOR, "fraud", "clicks of one machine")
    with pytest.raises(InvalidFieldError):
        counted.refund(billed, "r-1", 1)


def test_silence_confirms_a_day_as_any_conversion(counted: Network) -> None:
    put_programs(
        replace(COUNTED, program_id="prg_cpc_aut", confirmation="automatic", confirm_after_days=7)
    )
    bill_day(DAY, [LinkDay("silent01", "prg_cpc_aut", VENDOR, ANN.member_id, 10, 0)])
    assert only(code="silent01").confirm_at == "2026-11-28T09:00:00.000Z"
    counted.pass_time(days=8)
    assert [due.confirmed for due in confirm_due(counted.moment)] == [True]
    counted.deliver_facts()
    assert counted.balances()["ann"] == 50
    assert_sound(counted)
