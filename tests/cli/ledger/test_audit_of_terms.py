"""The auditor agrees with what was worked out by hand, and names whatever breaks the terms."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from linkage_cli.ledger.audit import Report, Stored, audit
from tests.cli.clicks.hand_counted import DAY
from tests.cli.ledger.corruptions_of_terms import CORRUPTIONS_OF_TERMS
from tests.cli.ledger.hand_made import Hand, account
from tests.cli.ledger.hand_network import hand_network


def audited(hand: Hand) -> Report:
    return audit(Stored(**hand.items()), datetime.now(UTC))


def named(hand: Hand) -> set[str]:
    return {finding.invariant for finding in audited(hand).findings}


def test_the_auditor_finds_nothing_wrong_with_what_was_worked_out_by_hand() -> None:
    report = audited(hand_network())
    assert report.findings == ()
    assert report.counts["transactions"] == len(hand_network().posted)
    assert report.counts["tallies"] == len(hand_network().tallies)
    assert report.totals["ZWG"].network_bonuses == 300


def test_a_day_that_is_billed_for_less_than_is_counted_now_is_a_number_and_no_finding() -> None:
    hand = hand_network()
    assert audited(hand).counts["days_of_links"] == 3
    assert audited(hand).counts["days_of_links_billed_for_less"] == 0
    hand.counts("second", DAY, visitors={"11": 25})
    report = audited(hand)
    assert (report.findings, report.counts["days_of_links_billed_for_less"]) == ((), 1)


def test_silence_that_lasted_confirms_and_from_then_on_the_hold_runs() -> None:
    hand = hand_network()
    hand.programs["prg_leads"] |= {"confirmation": "automatic", "confirm_after_days": 7}
    silent = {"silent": True, "accepted_at": "2026-11-09T08:00:00.000Z"}
    hand.facts["cnv_lead", "confirmation"] |= silent
    assert audited(hand).findings == ()
    assert hand.due_on("cnv_lead") == "2026-11-19"


def _name(case: object) -> str:
    return getattr(case, "__name__", "").replace("_", " ")


@pytest.mark.parametrize(("corrupt", "invariants"), CORRUPTIONS_OF_TERMS, ids=_name)
def test_the_auditor_names_exactly(corrupt: Callable[[Hand], None], invariants: set[str]) -> None:
    hand = hand_network()
    corrupt(hand)
    assert named(hand) == invariants


def test_one_more_in_any_posting_is_found_though_lines_and_balances_follow() -> None:
    sound = hand_network()
    missed = []
    for transaction_id, posts in sound.posted.items():
        for place, post in enumerate(posts):
            hand = hand_network()
            hand.posted[transaction_id][place] = post._replace(amount_minor=post.amount_minor + 1)
            if "I20" not in named(hand):
                missed.append((transaction_id, post))
    assert missed == []


def test_any_posting_to_another_member_is_found_though_lines_and_balances_follow() -> None:
    sound = hand_network()
    missed = []
    for transaction_id, posts in sound.posted.items():
        for place, post in enumerate(posts):
            hand = hand_network()
            hand.posted[transaction_id][place] = post._replace(target=account("thief"))
            if "I20" not in named(hand):
                missed.append((transaction_id, post))
    assert missed == []


def one_more(tally: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The tally with each of its numbers one higher, in turn."""
    for name in ("version", "count", "amount_minor"):
        yield tally | {name: tally[name] + 1}
    for place, held in enumerate(tally["held"]):
        for name in ("target", "amount_minor"):
            changed = copy.deepcopy(tally)
            changed["held"][place] = held | {name: held[name] + 1}
            yield changed


def test_one_more_in_any_number_of_a_stored_tally_is_found() -> None:
    missed = []
    for name, tally in hand_network().tallies.items():
        for changed in one_more(tally):
            hand = hand_network()
            hand.tallies[name] = changed
            if named(hand) != {"I6"}:
                missed.append(changed)
    assert missed == []


def test_one_more_in_any_number_of_a_tally_as_a_fact_saw_it_is_found() -> None:
    missed, tried = [], 0
    for key, fact in hand_network().facts.items():
        for place, tally in enumerate(
            fact.get("tallies") or fact.get("seen", {}).get("tallies", ())
        ):
            for changed in one_more(tally):
                hand, tried = hand_network(), tried + 1
                spoilt = hand.facts[key]
                (spoilt.get("tallies") or spoilt["seen"]["tallies"])[place] = changed
                if "I6" not in named(hand):
                    missed.append((key, changed))
    assert missed == []
    assert tried > 100
