"""Accepted facts against what was posted and what was counted (I3 to I8, I11, I20, I23)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from linkage_cli.ledger.audit.chains import Link
from linkage_cli.ledger.audit.counted import check_version
from linkage_cli.ledger.audit.counts import Tally, tallies_in
from linkage_cli.ledger.audit.earnings import (
    Earning,
    ceiling_of,
    earning_of,
    returned_postings,
    standing_postings,
    withdrawn_postings,
)
from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.introduced import Introduced, is_after, may_end_introductions
from linkage_cli.ledger.audit.moves import (
    Moves,
    Refunded,
    after_withdrawal,
    confirmed,
    costs_of,
    lowered,
    refunded,
    wanted,
    withdrawn_names,
)
from linkage_cli.ledger.audit.sales import Sale, sale_of
from linkage_cli.ledger.audit.states import Conversion, check_facts
from linkage_cli.ledger.audit.stored import Fact, Head, Ledger, Line, Posting, UnreadableError
from linkage_cli.ledger.audit.terms import Terms

UNPOSTED_AGE_MAX = timedelta(minutes=15)
CONVERSION_KINDS = ("commission", "clawback")
RULES_KNOWN = 3
WITHDRAWALS_MOVE = 3
"""The version of the rules from which on a withdrawal moves tallies."""
"""The latest version of the rules that this audit can judge."""
OF_THE_PERIOD = ("bonus", "bonus_return")
"""What belongs to a period's sales together and not to one conversion."""

type Due = tuple[Posting, str]


class Facts:
    """The audit of all conversions against the ledger.

    After `check`, `links` holds every tally's facts with what they saw and left; `left_alone` the
    conversions that a later release has said something of, which this one cannot judge, and
    `unknown_tallies` what those moved.
    """

    def __init__(
        self, facts: dict[str, dict[str, Fact]], ledger: Ledger, terms: Terms, now: datetime
    ) -> None:
        self._ledger, self._terms, self._now = ledger, terms, now
        self._known = facts
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for line in ledger.lines:
            self._lines[line.transaction_id].append(line)
        self.links: dict[str, list[Link]] = defaultdict(list)
        self.in_flight: list[str] = []
        self.postable: set[str] = set()
        self.left_alone: set[str] = set()
        self._introduced = Introduced(facts)
        self.unknown_tallies: set[str] = set()

    def check(self) -> Iterator[Finding]:
        """Every finding about conversions and what they posted."""
        for conversion_id, facts in self._known.items():
            if any(fact.rules > RULES_KNOWN for fact in facts.values()):
                self._leave_alone(conversion_id, facts)
                continue
            try:
                yield from self._check_conversion(conversion_id, facts)
            except (UnreadableError, KeyError, TypeError, ValueError, AttributeError) as error:
                yield Finding("I20", conversion_id, f"cannot be computed anew: {error!r}")
        yield from self._introduced.check_all_remembered(self.left_alone)
        for head in self._ledger.heads.values():
            if head.kind not in CONVERSION_KINDS or head.transaction_id in self.postable:
                continue
            if head.transaction_id.partition("/")[0] not in self.left_alone:
                yield Finding("I5", head.transaction_id, "it was posted without an accepted fact")

    def _leave_alone(self, conversion_id: str, facts: dict[str, Fact]) -> None:
        self.left_alone.add(conversion_id)
        for fact in facts.values():
            seen = (fact.nested("seen") or {}).get("tallies") or ()
            self.unknown_tallies |= {each["name"] for each in (*seen, *_tallies_of(fact))}

    def _check_conversion(self, conversion_id: str, facts: dict[str, Fact]) -> Iterator[Finding]:
        report = facts.get("report")
        if report is None:
            yield Finding("I5", conversion_id, f"it has {', '.join(sorted(facts))} but no report")
            return
        on_report = report if "seen" in report.values else None
        if on_report and "confirmation" in facts:
            yield Finding("I3", conversion_id, "it was confirmed twice, by report and confirmation")
        refunds = sorted(
            (fact for key, fact in facts.items() if key.startswith("refund#")),
            key=lambda fact: fact.sequence,
        )
        conversion = Conversion(
            report,
            facts.get("confirmation") or on_report,
            facts.get("rejection"),
            tuple(refunds),
            facts.get("withdrawal"),
        )
        for transaction_id, _ in conversion.postable():
            self.postable.add(transaction_id)
        program = self._terms.program(report.text("program_id"), report.whole("program_version"))
        yield from check_facts(conversion, program)
        yield from check_version(report, self._terms)
        yield from self._check_posted(conversion)
        yield from self._introduced.check(conversion, self._terms, self._is_posted)

    def _is_posted(self, transaction_id: str) -> bool:
        return transaction_id in self._ledger.heads

    def _check_posted(self, conversion: Conversion) -> Iterator[Finding]:
        sale = earning = None
        if conversion.confirming:
            sale = sale_of(conversion.report, conversion.confirming, self._terms)
            earning = earning_of(sale)
        whole = True
        for fact in conversion.refunds:
            if not fact.values.get("posts") and fact.nested("tallies"):
                yield Finding(
                    "I6",
                    f"{conversion.conversion_id} {fact.fact}",
                    "it moves nothing, yet saw tallies",
                )
        for transaction_id, fact in conversion.postable():
            expected: list[Due] = []
            if sale:
                seen = _seen_by(fact, sale, conversion)
                yield from _check_names(transaction_id, seen, _names(fact, sale, conversion))
                moves, expected = _expected(fact, sale, earning, seen, conversion)
                if fact is conversion.confirming:
                    yield from _check_limits(transaction_id, sale, moves)
                for name, tally in seen.items():
                    self.links[name].append(Link(transaction_id, tally, moves.tallies[name]))
            head = self._ledger.heads.get(transaction_id)
            if head is None:
                whole = False
                yield from self._check_unposted(transaction_id, fact)
                continue
            if fact.unposted:
                yield from self._check_marked(transaction_id, fact, sale)
            is_confirming = fact is conversion.confirming
            yield from _check_head(head, fact, expected, is_confirming=is_confirming)
            yield from self._check_due(head, expected)
            if sale and is_confirming:
                yield from _check_cost(head, sale)
        refunded_minor = conversion.report.whole("refunded_minor")
        if whole and 0 < conversion.report.whole("amount_minor") == refunded_minor:
            yield from self._check_all_returned(conversion)

    def _check_unposted(self, transaction_id: str, fact: Fact) -> Iterator[Finding]:
        if not fact.unposted:
            yield Finding(
                "I4", transaction_id, "its fact was accepted, is not in the ledger and never will"
            )
            return
        yield from self._check_age("I4", transaction_id, fact, "its fact is not posted")

    def _check_marked(
        self, transaction_id: str, fact: Fact, sale: Sale | None
    ) -> Iterator[Finding]:
        """A refund is posted before what lived by its sale is taken back, and marked only then."""
        if sale and may_end_introductions(fact, sale):
            said = "what lived by its sale is not taken back"
            yield from self._check_age("I25", transaction_id, fact, said)
        else:
            yield Finding("I4", transaction_id, "it is posted, its fact says it is not")

    def _check_age(
        self, invariant: str, transaction_id: str, fact: Fact, said: str
    ) -> Iterator[Finding]:
        """A finding if the fact waits for longer than the sweeper takes."""
        age = self._now - datetime.fromisoformat(fact.accepted_at)
        if age > UNPOSTED_AGE_MAX:
            minutes = int(age.total_seconds() // 60)
            yield Finding(invariant, transaction_id, f"{said} after {minutes} minutes")
        else:
            self.in_flight.append(transaction_id)

    def _check_due(self, head: Head, expected: Iterable[Due]) -> Iterator[Finding]:
        """If the postings are wrong already, only that no other dates are used."""
        postings = sorted(posting for posting, _ in expected)
        is_right, days = sorted(head.postings) == postings, {due for _, due in expected}
        dues: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for posting, due in expected:
            dues[posting.source, posting.currency][due] -= posting.amount_minor
            dues[posting.target, posting.currency][due] += posting.amount_minor
        for line in self._lines[head.transaction_id]:
            right = _moving(dues[line.account, line.currency])
            if _moving(line.dues) != right if is_right else not days.issuperset(line.dues):
                yield Finding(
                    "I11",
                    f"{line.account} {line.line}",
                    f"its due dates are {_dates(line.dues)}; its facts and terms give "
                    f"{_dates(right)}",
                )

    def _check_all_returned(self, conversion: Conversion) -> Iterator[Finding]:
        net: Counter[tuple[str, str]] = Counter()
        for transaction_id, _ in conversion.postable():
            for posting in self._ledger.heads[transaction_id].postings:
                if posting.kind not in OF_THE_PERIOD:
                    net[posting.source, posting.currency] -= posting.amount_minor
                    net[posting.target, posting.currency] += posting.amount_minor
        for (account, currency), amount in sorted(net.items()):
            if amount:
                yield Finding(
                    "I8",
                    conversion.conversion_id,
                    f"all is refunded, {account} keeps {amount} {currency}",
                )


def _tallies_of(fact: Fact) -> Iterable[Mapping[str, Any]]:
    return fact.nested("tallies") or ()


def _names(fact: Fact, sale: Sale, conversion: Conversion) -> list[str]:
    """The tallies a fact had to see, sorted."""
    taken = conversion.withdrawal
    if fact is conversion.confirming:
        return wanted(sale)
    if taken is None or taken.rules < WITHDRAWALS_MOVE:
        return [] if fact is taken else lowered(sale)
    if fact is taken:
        return withdrawn_names(sale)
    return after_withdrawal(sale) if is_after(fact, conversion) else lowered(sale)


def _seen_by(fact: Fact, sale: Sale, conversion: Conversion) -> dict[str, Tally]:
    if fact is conversion.confirming:
        return dict(sale.tallies)
    return tallies_in(fact.nested("tallies"))


def _check_names(subject: str, seen: Mapping[str, Tally], right: list[str]) -> Iterator[Finding]:
    names = list(seen)
    if names != right:
        missing, foreign = sorted(set(right) - set(names)), sorted(set(names) - set(right))
        yield Finding(
            "I20",
            subject,
            "it did not see the tallies its terms name in their order: missing "
            f"{', '.join(missing) or 'none'}, foreign {', '.join(foreign) or 'none'}",
        )


def _check_limits(subject: str, sale: Sale, moves: Moves) -> Iterator[Finding]:
    """Whether a confirmation took its vendor's month beyond a limit it saw, by itself."""
    if sale.is_released:
        return
    for currency, name in costs_of(sale).items():
        cost, limit = moves.tallies[name].amount_minor, sale.limits[currency]
        if cost > limit and moves.tallies[name] != sale.tally(name):
            said = (
                f"with it its vendor's {sale.month} costs {cost} {currency}, the limit was {limit}"
            )
            yield Finding("I23", subject, said)


def _expected(
    fact: Fact,
    sale: Sale,
    earning: Earning | None,
    seen: Mapping[str, Tally],
    conversion: Conversion,
) -> tuple[Moves, list[Due]]:
    """What a fact makes of the tallies it saw, and all it must have posted with the due dates."""
    before = fact.whole("refunded_before_minor")
    on = datetime.fromisoformat(fact.accepted_at).astimezone(UTC).date().isoformat()
    if fact is conversion.confirming:
        moves, postings = confirmed(sale, earning), standing_postings(earning, before)
    elif fact is conversion.withdrawal:
        postings = _withdrawn(fact, sale, earning)
        withdrawal = Refunded(before, sale.amount_minor, on, withdraws=True)
        moves = refunded(sale, earning, seen, withdrawal, postings)
    else:
        refund = Refunded(before, before + fact.whole("amount_minor"), on)
        postings = (
            []
            if is_after(fact, conversion)
            else returned_postings(earning, refund.before_minor, refund.after_minor)
        )
        moves = refunded(sale, earning, seen, refund, postings)
    return moves, [*((posting, sale.due_on) for posting in postings), *moves.bonuses]


def _withdrawn(fact: Fact, sale: Sale, earning: Earning | None) -> list[Posting]:
    """What of its commission a withdrawal must have posted."""
    if earning is None:
        raise UnreadableError("it took back what was never earned")
    before = fact.whole("refunded_before_minor")
    if fact.rules < WITHDRAWALS_MOVE:
        return returned_postings(earning, before, sale.amount_minor)
    return withdrawn_postings(earning, before)


def _check_head(
    head: Head, fact: Fact, expected: Iterable[Due], *, is_confirming: bool
) -> Iterator[Finding]:
    kind = "commission" if is_confirming else "clawback"
    if (head.kind, head.accepted_at) != (kind, fact.accepted_at):
        yield Finding(
            "I5", head.transaction_id, "its kind or its time is not that of its accepted fact"
        )
    posted, right = sorted(head.postings), sorted(posting for posting, _ in expected)
    if posted != right:
        yield Finding(
            "I20",
            head.transaction_id,
            f"posted {_said(posted)}; its facts and terms give {_said(right)}",
        )


def _check_cost(head: Head, sale: Sale) -> Iterator[Finding]:
    ceiling = ceiling_of(sale)
    cost = sum(
        posting.amount_minor
        for posting in head.postings
        if posting.source.startswith("vendor:") and posting.kind not in OF_THE_PERIOD
    )
    if ceiling is not None and cost > ceiling:
        yield Finding(
            "I7", head.transaction_id, f"it cost the vendor {cost}, its terms' ceiling is {ceiling}"
        )


def _moving(dues: Mapping[str, int]) -> dict[str, int]:
    return {day: amount for day, amount in dues.items() if amount}


def _dates(dues: Mapping[str, int]) -> str:
    return ", ".join(f"{amount} on {day}" for day, amount in sorted(dues.items())) or "none"


def _said(postings: Iterable[Posting]) -> str:
    said = (f"{p.amount_minor} {p.currency} {p.source} → {p.target} ({p.kind})" for p in postings)
    return "; ".join(said) or "nothing"
