"""Audits a network's tables: pure functions over plain items, sharing no code with the posting.

The invariants' numbers are those of docs/operating.md.
"""

from collections import Counter
from datetime import datetime

from linkage_cli.ledger.audit.adjusted import check_adjusted
from linkage_cli.ledger.audit.billed import check_billed, places_of
from linkage_cli.ledger.audit.chains import check_chains
from linkage_cli.ledger.audit.conversions import Facts
from linkage_cli.ledger.audit.counts import read_tallies
from linkage_cli.ledger.audit.debits import check_debits
from linkage_cli.ledger.audit.entries import check_entries, totals_of
from linkage_cli.ledger.audit.files import check_files
from linkage_cli.ledger.audit.findings import Finding, Report, Totals
from linkage_cli.ledger.audit.payouts import Payouts
from linkage_cli.ledger.audit.stored import Stored, UnreadableError, read_facts, read_ledger
from linkage_cli.ledger.audit.terms import Terms, read_terms

__all__ = ["Finding", "Report", "Stored", "Totals", "audit", "places_of"]


def audit(stored: Stored, now: datetime) -> Report:
    """Checks every invariant over the stored items; `now` decides what is still in flight."""
    findings: list[Finding] = []
    ledger = read_ledger(stored.ledger, findings)
    facts = read_facts(stored.conversions, findings)
    try:
        terms = read_terms(stored.programs, stored.settings)
    except (UnreadableError, KeyError, TypeError, AttributeError) as error:
        findings.append(Finding("I20", "programs and settings", f"cannot be read: {error}"))
        terms = Terms({}, {})
    findings += [*check_entries(ledger), *check_debits(ledger), *check_adjusted(ledger)]
    conversions = Facts(facts, ledger, terms, now)
    findings += conversions.check()
    days = check_billed(facts, stored.statistics, findings)
    tallies, unknown = read_tallies(stored.tallies, findings), conversions.unknown_tallies
    links = {name: each for name, each in conversions.links.items() if name not in unknown}
    known = {name: each for name, each in tallies.items() if name not in unknown}
    findings += check_chains(links, known)
    payouts = Payouts(stored.payouts, ledger, findings)
    findings += payouts.check()
    if stored.files is not None:
        findings += check_files(stored.files, payouts)
    return Report(
        findings=tuple(sorted(set(findings))),
        counts=Counter(
            transactions=len(ledger.heads),
            lines=len(ledger.lines),
            balances=len(ledger.balances),
            facts=sum(len(each) for each in facts.values()),
            payouts=sum(len(each) for each in payouts.payouts.values()),
            files=len(stored.files or ()),
            tallies=len(tallies),
            days_of_links=days.billed,
            days_of_links_billed_for_less=days.billed_for_less,
            conversions_of_a_later_release=len(conversions.left_alone),
        ),
        in_flight=tuple(sorted(conversions.in_flight)),
        totals=totals_of(ledger),
    )
