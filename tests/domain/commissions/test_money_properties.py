"""Whatever the terms: what is posted and counted is what the oracle says, to the unit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

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
from linkage.domain.conversions.conversions import Refund
from linkage.domain.conversions.standing import Seen
from linkage.domain.conversions.tallies import Tally, is_lowered, kind_of
from linkage.domain.ledger.ledger import Posting
from tests import oracle, oracle_tallies
from tests.domain.examples import refund
from tests.domain.random_terms import Case, cases, story_of, wanted_of
from tests.oracle_tallies import State

thorough = settings(deadline=None, derandomize=True, max_examples=150)


def held(postings: Iterable[Posting]) -> oracle.Held:
    """What postings change, by account and currency."""
    return oracle.moved(
        ((p.source, p.currency), (p.target, p.currency), p.amount_minor) for p in postings
    )


def states(tallies: Iterable[Tally]) -> dict[str, State]:
    """Tallies as the oracle has them."""
    return {tally.name: asdict(tally) for tally in tallies}


def now(before: Iterable[Tally], written: Iterable[Tally]) -> tuple[Tally, ...]:
    """All tallies once the changed ones are written."""
    changed = {tally.name: tally for tally in written}
    return tuple(changed.get(tally.name, tally) for tally in before)


@st.composite
def refunds(draw: st.DrawFn, case: Case) -> list[Refund]:
    """Refunds after the confirmation that together give everything back."""
    conversion, confirmed, _, _ = case
    start, total = confirmed.refunded_before_minor, conversion.amount_minor
    cuts = draw(st.lists(st.integers(start, total), max_size=5))
    ends = sorted({start, *cuts, total})
    parts = [end - begin for begin, end in pairwise(ends)]
    steps = oracle.running(draw(st.permutations(parts)), start)
    return [refund(after - before, before, f"r-{before}") for before, after in steps]


@thorough
@given(cases())
def test_a_confirmation_reads_the_tallies_the_rules_name(case: Case) -> None:
    conversion, confirmed, program, _ = case
    names = wanted_of(conversion, program, confirmed)
    assert names == oracle_tallies.wanted(story_of(case))


@thorough
@given(cases())
def test_a_confirmation_posts_and_moves_what_the_oracle_says(case: Case) -> None:
    story = story_of(case)
    expected = oracle_tallies.after_confirmation(story)
    bonuses = oracle_tallies.bonuses(story, story.tallies, expected)
    transaction = confirmation_transaction(*case)
    shares = oracle.held(story, story.refunded)
    assert held(transaction.postings) == oracle.together(shares, bonuses)
    moved = tallies_after_confirmation(*case)
    assert states(now(case[1].seen.tallies, moved)) == expected
    assert all(list(line.dues) == [oracle.due_on(story)] for line in transaction.lines)


@thorough
@given(cases(), st.data())
def test_each_refund_takes_back_what_the_oracle_says(case: Case, data: st.DataObject) -> None:
    conversion, confirmed, program, network = case
    story = story_of(case)
    commission, _ = commission_of(*case)
    present = now(confirmed.seen.tallies, tallies_after_confirmation(*case))
    for each in data.draw(refunds(case)):
        present = tuple(tally for tally in present if is_lowered(tally.name))
        given_back = replace(each, tallies=present)
        before, after = each.refunded_before_minor, each.refunded_after_minor
        on = each.accepted_at[:10]
        expected = oracle_tallies.after_refund(story, states(present), before, after, on)
        bonuses = oracle_tallies.bonuses(story, states(present), expected)
        shares = oracle.difference(oracle.held(story, after), oracle.held(story, before))
        transaction = refund_transaction(conversion, given_back, commission)
        assert held(transaction.postings) == oracle.together(shares, bonuses)
        moved = tallies_after_refund(conversion, confirmed, given_back, program, network)
        present = now(present, moved)
        assert states(present) == expected


@thorough
@given(cases(), st.data())
def test_any_number_of_refunds_in_full_leaves_every_account_and_count_as_before(
    case: Case, data: st.DataObject
) -> None:
    conversion, confirmed, program, network = case
    if conversion.amount_minor in {0, confirmed.refunded_before_minor}:
        return
    commission, _ = commission_of(*case)
    postings = [*confirmation_transaction(*case).postings]
    present = now(confirmed.seen.tallies, tallies_after_confirmation(*case))
    present = tuple(tally for tally in present if is_lowered(tally.name))
    for each in data.draw(refunds(case)):
        given_back = replace(each, tallies=present)
        postings += refund_transaction(conversion, given_back, commission).postings
        moved = tallies_after_refund(conversion, confirmed, given_back, program, network)
        present = now(present, moved)
    assert held(postings) == Counter()
    seen = (tally for tally in confirmed.seen.tallies if is_lowered(tally.name))
    assert [counted(tally) for tally in present if kind_of(tally.name) != "cost"] == [
        counted(tally) for tally in seen if kind_of(tally.name) != "cost"
    ]


def counted(tally: Tally) -> tuple[object, ...]:
    """What a refund in full must bring back; when something first or last happened stays."""
    terms = sorted((bonus.target, bonus.amount_minor, bonus.currency) for bonus in tally.held)
    return tally.name, tally.count, tally.amount_minor, tally.recruited_by, terms


@thorough
@given(cases())
def test_a_sale_never_costs_its_vendor_more_than_the_ceiling(case: Case) -> None:
    conversion, confirmed, program, network = case
    unlimited = replace(program, ceiling_bps=None)
    commission, _ = commission_of(*case)
    without, _ = commission_of(conversion, confirmed, unlimited, network)
    assert commission is not None
    assert without is not None
    whole = replace(confirmed, refunded_before_minor=0)
    postings = confirmation_transaction(conversion, whole, program, network).postings
    vendor = f"vendor:{conversion.vendor_id}"
    paid_minor = sum(p.amount_minor for p in postings if p.source == vendor and p.kind != "bonus")
    story = story_of(case)
    most_minor = oracle.ceiling(story)
    assert paid_minor == oracle.cost(story, commission.direct_minor)
    if most_minor is None:
        assert commission.direct_minor == without.direct_minor
        return
    assert paid_minor <= most_minor
    lowered = commission.direct_minor < without.direct_minor
    assert not lowered or oracle.cost(story, commission.direct_minor + 1) > most_minor


@thorough
@given(cases())
def test_no_cap_of_a_reward_is_ever_exceeded(case: Case) -> None:
    _, confirmed, program, _ = case
    before = {tally.name: tally for tally in confirmed.seen.tallies}
    story = story_of(case)
    limits = [oracle.cap_names(story, asdict(reward)) for reward in program.rewards]
    for tally in tallies_after_confirmation(*case):
        for limit in limits:
            if tally.name in limit:
                most_minor = max(limit[tally.name], before[tally.name].amount_minor)
                assert tally.amount_minor <= most_minor


@thorough
@given(cases(), st.sampled_from(("suspended", "applied")))
def test_whoever_is_not_approved_earns_nothing_and_moves_only_the_customer(
    case: Case, status: str
) -> None:
    conversion, confirmed, program, network = case
    affiliate = confirmed.seen.affiliate
    assert affiliate is not None
    away = replace(affiliate, status=status)
    names = wanted(conversion, program, away)
    assert all(name.startswith("customer#") for name in names)
    seen = Seen(away, confirmed.seen.upline, tuple(Tally(name) for name in names))
    fact = replace(confirmed, seen=seen)
    assert confirmation_transaction(conversion, fact, program, network).postings == ()
    moved = tallies_after_confirmation(conversion, fact, program, network)
    assert all(tally.since is None for tally in moved)
