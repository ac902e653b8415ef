"""A suspended vendor's confirmations, and those beyond its limit, are kept and move nothing."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.clicks.statistics import Counts, LinkDay
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.errors import ConflictError, NotFoundError
from linkage.domain.people.customers import Customer
from linkage.domain.terms.network import RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Reward
from linkage.flow.clicks import billing
from linkage.flow.conversions import releasing, vendor_decisions
from linkage.flow.conversions.confirming_by_silence import confirm_due
from linkage.tables import conversions, members, settings
from linkage.tables.conversions import get_conversion, get_history
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.packed import unpacked
from linkage.tables.statistics import put_counts
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import audit
from tests.aws_tables import forget_versions
from tests.counted_units import counting
from tests.docs.markdown import ROOT
from tests.docs.markdown import table as table_of
from tests.domain.examples import operator
from tests.flow_units.network import (
    ANN,
    MANUAL,
    ON_REPORT,
    SETTINGS,
    VENDOR,
    Network,
    put_programs,
    table,
)

LATE = replace(ON_REPORT, program_id="prg_late", hold_days=14)
SILENT = replace(
    LATE, program_id="prg_quiet", confirmation="automatic", confirm_after_days=3, hold_days=0
)
PRIZES = replace(
    LATE,
    program_id="prg_prizes",
    bonuses=(Bonus("count", "month", 2, 900, "ZWG"), Bonus("volume", "month", 15_000, 70, "USD")),
)
CLICKS = replace(
    ON_REPORT,
    program_id="prg_clicks",
    rewards=(Reward("click", amount_minor=5, currency="USD"),),
)
DAY = date(2026, 11, 19)
NOVEMBER, DECEMBER = (f"cost#{VENDOR}#2026-{month}#" for month in (11, 12))
SUSPENDED, OVER = "vendor_suspended", "over_the_vendors_limit"
BUYER = Customer(phone="+263773000001")


@pytest.fixture(autouse=True)
def _versions() -> Iterator[None]:
    forget_versions()
    yield
    forget_versions()


class Shop:
    """One vendor's trade; its sales by their numbers. A sale of 100.00 costs it 6.00."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.sales: dict[str, Conversion] = {}

    def sell(self, name: str, amount_minor: int = 10_000, **changes: Any) -> None:
        """Reports a sale; one of `prg_man` is confirmed too."""
        self.sales[name] = self.network.report(name, amount_minor, **changes)
        if changes.get("program_id") == MANUAL.program_id:
            self.network.confirm(self.sales[name])

    def refund(self, name: str, amount_minor: int) -> None:
        made = len(get_history(self.id(name)).refunds)
        self.network.refund(self.sales[name], f"r-{made}", amount_minor)

    def release(self, name: str) -> Conversion:
        return releasing.release(self.id(name), operator("key_operator"))[0]

    def id(self, name: str) -> str:
        return self.sales[name].conversion_id

    def wait(self, days: int) -> None:
        """Time passes, and the tick confirms what silence does."""
        self.network.pass_time(days=days)
        for due in confirm_due(self.network.moment):
            assert due.error is None

    def bill(self, code: str, visitors: int) -> None:
        """A day of a link is counted and billed."""
        counts = Counts()
        counts.hours["visitors"][9] = visitors
        put_counts(f"link#{code}", DAY, counts)
        link = LinkDay(code, CLICKS.program_id, VENDOR, ANN.member_id, visitors, 0)
        billed = billing.bill_day(DAY, [link])
        assert billed.refused == ()
        external_id = f"click/{code}/{DAY}"
        (found,) = (each for each in table("conversions") if each.get("external_id") == external_id)
        self.sales[code] = get_conversion(found["conversion_id"])

    def limit(self, **limits: int) -> None:
        members.set_member(VENDOR, confirmed_max_minor=limits or None)

    def become(self, status: str) -> None:
        members.set_member(VENDOR, status=status)

    def costs(self) -> dict[str, int]:
        """The tallies of what its months cost."""
        return {
            each["tally"]: each["amount_minor"]
            for each in table("tallies")
            if each["tally"].startswith("cost#")
        }

    def held(self) -> dict[str, str | None]:
        """Why each sale that is held is."""
        found = {name: get_conversion(each.conversion_id) for name, each in self.sales.items()}
        assert all(each.status == "pending" for each in found.values() if each.held_reason)
        return {name: each.held_reason for name, each in found.items() if each.held_reason}


@pytest.fixture
def shop(network: Network) -> Shop:
    put_programs(LATE, SILENT, PRIZES, CLICKS)
    return Shop(network)


def assert_sound(network: Network) -> None:
    """The independent audit of all that is stored, with everything posted."""
    network.deliver_facts()
    tables = ledger_check.Tables(transactions.client, {noun: noun for noun in ledger_check.NOUNS})
    report = audit(ledger_check.read(tables), network.moment)
    assert (report.findings, report.in_flight) == ((), ())


type Step = Callable[[Shop], Any]


def does(name: str, *given: Any, **named: Any) -> Step:
    return lambda shop: getattr(shop, name)(*given, **named)


NOW = [does("sell", "a")]
LATER = [does("sell", "a", program_id="prg_late")]
LIMIT = does("limit", USD=1_000)
CASES = [
    pytest.param([*NOW], {}, {}, id="without a limit nothing is counted"),
    pytest.param([does("limit", ZWG=1), *NOW], {}, {}, id="a limit in another currency"),
    pytest.param([LIMIT, *NOW], {NOVEMBER + "USD": 600}, {}, id="commission and fee"),
    pytest.param(
        [does("limit", USD=600), *NOW], {NOVEMBER + "USD": 600}, {}, id="to the last unit of it"
    ),
    pytest.param([does("limit", USD=599), *NOW], {}, {"a": OVER}, id="a unit beyond it"),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("sell", "c", 5_000)],
        {NOVEMBER + "USD": 900},
        {"b": OVER},
        id="what is held leaves room for less",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b", program_id="prg_man")],
        {NOVEMBER + "USD": 600},
        {"b": OVER},
        id="by the vendor's word",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b", program_id="prg_quiet"), does("wait", 3)],
        {NOVEMBER + "USD": 600},
        {"b": OVER},
        id="by silence",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("release", "b")],
        {NOVEMBER + "USD": 1_200},
        {},
        id="a release goes beyond it",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("release", "b"), does("sell", "c", 1)],
        {NOVEMBER + "USD": 1_200},
        {},
        id="what costs nothing is not held beyond it",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("refund", "b", 10_000)],
        {NOVEMBER + "USD": 600},
        {"b": OVER},
        id="a refund of what is held",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("refund", "b", 9_000), does("release", "b")],
        {NOVEMBER + "USD": 660},
        {},
        id="what was refunded before its release",
    ),
    pytest.param(
        [LIMIT, *LATER, does("refund", "a", 5_000), does("sell", "b")],
        {NOVEMBER + "USD": 900},
        {},
        id="a refund before it was due makes room",
    ),
    pytest.param(
        [LIMIT, *LATER, does("wait", 13), does("refund", "a", 10_000)],
        {NOVEMBER + "USD": 0},
        {},
        id="on the day before it is due, in another month",
    ),
    pytest.param(
        [LIMIT, *LATER, does("wait", 14), does("refund", "a", 10_000)],
        {NOVEMBER + "USD": 600},
        {},
        id="on the day it is due it may be paid already",
    ),
    pytest.param(
        [LIMIT, *NOW, does("refund", "a", 10_000), does("sell", "b")],
        {NOVEMBER + "USD": 600},
        {"b": OVER},
        id="one limit is not paid out again to the next affiliate",
    ),
    pytest.param(
        [LIMIT, *NOW, does("wait", 10), does("sell", "b")],
        {NOVEMBER + "USD": 600, DECEMBER + "USD": 600},
        {},
        id="the next month begins at nothing",
    ),
    pytest.param(
        [LIMIT, *NOW, does("sell", "b"), does("wait", 10), does("release", "b")],
        {NOVEMBER + "USD": 600, DECEMBER + "USD": 600},
        {},
        id="a release counts in its own month",
    ),
    pytest.param(
        [does("limit", USD=2_000, ZWG=600), *NOW, does("sell", "b", currency="ZWG")],
        {NOVEMBER + "USD": 600, NOVEMBER + "ZWG": 600},
        {},
        id="two currencies",
    ),
    pytest.param(
        [
            does("limit", ZWG=900),
            does("sell", "a", 1_000, program_id="prg_prizes"),
            does("sell", "b", 1_000, program_id="prg_prizes"),
        ],
        {NOVEMBER + "ZWG": 900},
        {},
        id="a bonus in its own currency",
    ),
    pytest.param(
        [
            does("limit", USD=10_000, ZWG=899),
            does("sell", "a", 1_000, program_id="prg_prizes"),
            does("sell", "b", 1_000, program_id="prg_prizes"),
        ],
        {NOVEMBER + "USD": 60},
        {"b": OVER},
        id="a sale that would bring a bonus beyond its currency's limit",
    ),
    pytest.param(
        [
            does("limit", USD=10_000, ZWG=900),
            does("sell", "a", program_id="prg_prizes"),
            does("sell", "b", program_id="prg_prizes"),
            does("refund", "b", 10_000),
        ],
        {NOVEMBER + "USD": 600, NOVEMBER + "ZWG": 0},
        {},
        id="bonuses that are lost before they are due",
    ),
    pytest.param(
        [LIMIT, does("bill", "annslink", 100), does("bill", "another", 100)],
        {NOVEMBER + "USD": 600},
        {"another": OVER},
        id="days of clicks",
    ),
    pytest.param(
        [LIMIT, does("sell", "a", affiliate_id=None)], {}, {}, id="what is nobody's costs nothing"
    ),
    pytest.param([does("become", "suspended"), *NOW], {}, {"a": SUSPENDED}, id="suspended"),
    pytest.param(
        [does("become", "suspended"), does("sell", "a", program_id="prg_man")],
        {},
        {"a": SUSPENDED},
        id="suspended, by the vendor's word",
    ),
    pytest.param(
        [does("sell", "a", program_id="prg_quiet"), does("become", "suspended"), does("wait", 3)],
        {},
        {"a": SUSPENDED},
        id="suspended, by silence",
    ),
    pytest.param(
        [does("become", "suspended"), does("bill", "annslink", 100)],
        {},
        {"annslink": SUSPENDED},
        id="suspended, a day of clicks",
    ),
    pytest.param(
        [does("become", "suspended"), *NOW, does("become", "approved"), does("sell", "b")],
        {},
        {"a": SUSPENDED},
        id="an approval releases nothing",
    ),
    pytest.param(
        [LIMIT, does("become", "suspended"), *NOW, does("release", "a")],
        {NOVEMBER + "USD": 600},
        {},
        id="released while it is suspended",
    ),
]


@pytest.mark.parametrize(("steps", "costs", "held"), CASES)
def test_what_a_month_costs_and_what_is_held(
    shop: Shop, steps: list[Step], costs: dict[str, int], held: dict[str, str]
) -> None:
    for step in steps:
        step(shop)
    assert (shop.costs(), shop.held()) == (costs, held)
    assert_sound(shop.network)


def test_the_vendor_s_share_of_overrides_counts(shop: Shop) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, override_funding="vendor"))
    shop.limit(USD=10_000)
    shop.sell("a")
    assert shop.costs() == {NOVEMBER + "USD": 500 + 100 + 50 + 25}


def test_the_network_s_bonus_does_not_count(shop: Shop) -> None:
    bonus = RecruitmentBonus(5_000, "USD")
    settings.publish_settings(replace(SETTINGS, version=2, recruitment_bonus=bonus))
    shop.limit(USD=600)
    shop.sell("a")
    assert shop.costs() == {NOVEMBER + "USD": 600}


def test_the_month_of_the_page_is_as_it_says(shop: Shop) -> None:
    first = {"program_id": "prg_late"}
    steps: list[Step] = [
        does("sell", "1", **first),
        does("sell", "2", **first),
        does("refund", "1", 5_000),
        does("sell", "3", **first),
        does("release", "2"),
        lambda shop: (shop.wait(14), shop.refund("1", 5_000)),
    ]
    shop.limit(USD=1_000)
    rows = table_of((ROOT / "docs" / "money.md").read_text(), "in the month")
    for step, (what, said, _) in zip(steps, rows, strict=True):
        step(shop)
        assert f"{shop.costs()[NOVEMBER + 'USD'] / 100:.2f}" == said, what


# ---- the smallest input


def test_a_suspended_vendor_s_word_report_and_silence_pay_nobody(shop: Shop) -> None:
    first, third = (
        shop.network.report("o-1", 10**9),
        shop.network.report("o-3", 10**9, program_id="prg_quiet"),
    )
    second = shop.network.report("o-2", 10**9, program_id="prg_man")
    shop.network.deliver_facts()
    paid = shop.network.balances()
    shop.become("suspended")
    shop.network.confirm(second)
    shop.wait(3)
    shop.network.report("o-4", 10**9)
    shop.network.deliver_facts()
    assert first.status == "confirmed"
    assert shop.network.balances() == paid
    assert {get_conversion(each.conversion_id).held_reason for each in (second, third)} == {
        SUSPENDED
    }
    assert_sound(shop.network)


def test_a_limit_counts_from_when_it_was_set(shop: Shop) -> None:
    shop.sell("before")
    shop.limit(USD=600)
    shop.sell("first")
    shop.sell("second")
    assert list(shop.costs().values()) == [600]
    assert shop.held() == {"second": OVER}


# ---- what is held


def test_what_is_held_has_moved_nothing_and_says_why_since_when_and_by_whose_word(
    shop: Shop,
) -> None:
    shop.become("suspended")
    by = {"report": "prg_now", "vendor": "prg_man", "silence": "prg_quiet"}
    for word, program_id in by.items():
        shop.sell(word, program_id=program_id, customer=BUYER)
    waited = shop.network.moment
    shop.wait(3)
    for word in by:
        found = get_conversion(shop.id(word))
        at = shop.network.moment if word == "silence" else waited
        assert (found.held_reason, found.held_by) == (SUSPENDED, word)
        assert found.held_at == clock.text(at)
        assert get_history(found.conversion_id).confirmation is None
    assert table("tallies") == []
    assert shop.network.unposted() == []
    assert not any("awaiting" in item or "confirm_at" in item for item in table("conversions"))


def test_confirming_what_is_held_again_is_a_replay_and_the_tick_looks_at_it_no_more(
    shop: Shop,
) -> None:
    shop.become("suspended")
    shop.sell("a", program_id="prg_quiet")
    shop.wait(3)
    before = shop.network.everything()
    shop.wait(3)
    shop.become("approved")
    assert vendor_decisions.confirm(shop.id("a"), VENDOR) == (get_conversion(shop.id("a")), True)
    shop.become("suspended")
    assert shop.network.everything() == before


def test_a_rejection_ends_the_hold(shop: Shop) -> None:
    shop.become("suspended")
    shop.sell("a", program_id="prg_man")
    assert shop.network.reject(shop.sales["a"]).status == "rejected"
    assert shop.held() == {}
    assert not any(name.startswith("held") for item in table("conversions") for name in item)
    with pytest.raises(ConflictError) as refused:
        shop.release("a")
    assert (refused.value.code, refused.value.status) == ("not_held", 409)
    assert_sound(shop.network)


def test_a_release_is_its_acceptance(shop: Shop) -> None:
    shop.become("suspended")
    shop.sell("a", program_id="prg_late", customer=BUYER)
    shop.network.pass_time(days=40)
    released, _, replayed = releasing.release(shop.id("a"), operator("key_operator"))
    assert (released.status, released.held_reason, replayed) == ("confirmed", None, False)
    (confirmation,) = [each for each in table("conversions") if each["fact"] == "confirmation"]
    assert confirmation["accepted_at"] == clock.text(shop.network.moment)
    history = get_history(shop.id("a"))
    assert history.confirmation is not None
    assert (history.confirmation.released_by, history.confirmation.silent) == (
        "key_operator",
        False,
    )
    shop.network.deliver_facts()
    due = (shop.network.moment + timedelta(days=14)).date().isoformat()
    balance = shop.network.balance("ann")
    assert balance is not None
    assert dict(balance.dues) == {due: 500}
    assert any(each["customer_key"] and "affiliate_id" in each for each in table("customers"))
    before = shop.network.everything()
    again = releasing.release(shop.id("a"), operator("key_other"))
    assert again == (get_conversion(shop.id("a")), None, True)
    assert shop.network.everything() == before
    assert_sound(shop.network)


@pytest.mark.parametrize("program_id", ["prg_now", "prg_quiet"])
def test_what_is_not_held_is_not_released(shop: Shop, program_id: str) -> None:
    shop.sell("a", program_id=program_id)
    before = shop.network.everything()
    with pytest.raises(ConflictError, match="not held, so there is nothing to release") as refused:
        shop.release("a")
    assert refused.value.code == "not_held"
    with pytest.raises(NotFoundError):
        releasing.release("cnv_unknown", operator("key_operator"))
    assert shop.network.everything() == before


def test_a_vendor_that_was_never_approved_reports_nothing(shop: Shop) -> None:
    shop.become("applied")
    with pytest.raises(ConflictError) as refused:
        shop.sell("a")
    assert refused.value.code == "member_not_approved"


# ---- at once


def between(shop: Shop, read: Callable[[], Any], first: Callable[[], Any]) -> None:
    """Does the first thing after the other has read and before it writes."""
    real, coming = conversions.accept, [first]

    def accept(operations: Any) -> None:
        if coming:
            with patch.object(conversions, "accept", real):
                coming.pop()()
        real(operations)

    with patch.object(conversions, "accept", accept):
        read()


def test_two_confirmations_at_once_do_not_both_pass_the_limit(shop: Shop) -> None:
    shop.limit(USD=1_000)
    between(shop, lambda: shop.sell("a"), lambda: shop.sell("b"))
    assert shop.costs() == {NOVEMBER + "USD": 600}
    assert shop.held() == {"a": OVER}
    assert_sound(shop.network)


@pytest.mark.parametrize("first", ["confirm", "reject", "refund", "release"])
def test_what_is_said_between_reading_and_holding_wins(shop: Shop, first: str) -> None:
    sold = shop.sales["a"] = shop.network.report("o-1", 10_000, program_id="prg_man")
    shop.become("suspended")
    said: dict[str, Callable[[], Any]] = {
        "confirm": lambda: shop.network.confirm(sold),
        "reject": lambda: shop.network.reject(sold),
        "refund": lambda: shop.refund("a", 100),
        "release": lambda: (shop.network.confirm(sold), shop.release("a")),
    }
    refused = pytest.raises(ConflictError, match="rejected") if first == "reject" else nullcontext()
    with refused:
        between(shop, lambda: shop.network.confirm(sold), said[first])
    expected = {"reject": "rejected", "release": "confirmed"}.get(first, "pending")
    assert get_conversion(sold.conversion_id).status == expected
    assert_sound(shop.network)


def test_a_release_at_once_with_a_rejection_is_one_of_them(shop: Shop) -> None:
    shop.become("suspended")
    shop.sell("a", program_id="prg_man")
    with pytest.raises(ConflictError) as refused:
        between(shop, lambda: shop.release("a"), lambda: shop.network.reject(shop.sales["a"]))
    assert refused.value.code == "not_held"
    assert_sound(shop.network)


# ---- what it takes


def units(shop: Shop, work: Callable[[], Any]) -> int:
    with counting() as counted:
        work()
    return counted.table_units + counted.index_units


def test_a_limit_takes_two_write_units_and_none_where_there_is_none(shop: Shop) -> None:
    sale: dict[str, Any] = {"program_id": "prg_prizes", "amount_minor": 1_000}
    for name in ("a", "b"):  # the first of an affiliate write more, without a limit too
        shop.sell(name, **sale)
    plain = units(shop, lambda: shop.sell("c", **sale))
    shop.limit(JPY=10**6)
    assert units(shop, lambda: shop.sell("d", **sale)) == plain
    shop.limit(USD=10**6)
    assert units(shop, lambda: shop.sell("e", **sale)) == plain + 2


def test_a_report_that_was_written_alone_is_a_transaction_with_a_limit(shop: Shop) -> None:
    shop.sell("a")
    alone = units(shop, lambda: shop.sell("b"))
    shop.limit(USD=10**6)
    assert units(shop, lambda: shop.sell("c")) == alone + 1 + 2


def test_a_hold_takes_a_unit_for_the_report_and_one_for_its_index(shop: Shop) -> None:
    sold = shop.network.report("o-1", 10_000, program_id="prg_man")
    shop.become("suspended")
    assert units(shop, lambda: shop.network.confirm(sold)) == 2


# ---- the network's least hold


@pytest.mark.parametrize(
    ("least", "program_id", "days"),
    [
        pytest.param(0, "prg_late", 14, id="none"),
        pytest.param(10, "prg_late", 14, id="shorter than the program's"),
        pytest.param(30, "prg_late", 30, id="longer"),
        pytest.param(7, "prg_now", 7, id="where the program has none"),
    ],
)
def test_nothing_falls_due_before_the_network_s_least_hold(
    shop: Shop, least: int, program_id: str, days: int
) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, hold_days_min=least))
    shop.sell("a", program_id=program_id)
    shop.network.deliver_facts()
    balance = shop.network.balance("ann")
    assert balance is not None
    assert list(balance.dues) == [(shop.network.moment.date() + timedelta(days=days)).isoformat()]
    (head,) = (each for each in table("ledger") if each["line"] == "head")
    said = "".join(unpacked(head["content"])["why"])
    assert (f"for at least {least} days" in said) == (days == least)
    assert_sound(shop.network)
