"""Accepted facts against each other and against what was posted (I3 to I8, I16, I19, I20)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from linkage_cli.audit.findings import Finding
from linkage_cli.audit.stored import Fact, Head, Ledger, Line, Posting, UnreadableError
from linkage_cli.audit.terms import (
    Terms,
    confirmation_postings,
    due_on,
    earning_of,
    refund_postings,
)

UNPOSTED_AGE_MAX = timedelta(minutes=15)
CONVERSION_KINDS = ("commission", "clawback")


@dataclass(frozen=True)
class Conversion:
    """One conversion's facts; `confirming` is the report itself under `on_report`."""

    report: Fact
    confirming: Fact | None
    rejection: Fact | None
    refunds: tuple[Fact, ...]

    @property
    def conversion_id(self) -> str:
        return self.report.conversion_id

    @property
    def later(self) -> tuple[Fact, ...]:
        """The facts accepted after the report, in their order."""
        facts = (self.confirming, self.rejection, *self.refunds)
        after = [fact for fact in facts if fact and fact is not self.report]
        return tuple(sorted(after, key=lambda fact: fact.sequence))

    def postable(self) -> Iterator[tuple[str, Fact]]:
        """The transaction each fact must become, with the fact."""
        if self.confirming:
            yield f"{self.conversion_id}/confirmation", self.confirming
        for refund in self.refunds:
            if refund.values.get("posts"):
                yield f"{self.conversion_id}/{refund.fact.replace('#', '/', 1)}", refund


class Facts:
    """The audit of all conversions against the ledger."""

    def __init__(
        self, facts: dict[str, dict[str, Fact]], ledger: Ledger, terms: Terms, now: datetime
    ) -> None:
        self._ledger, self._terms, self._now = ledger, terms, now
        self._known = facts
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for line in ledger.lines:
            self._lines[line.transaction_id].append(line)
        self.in_flight: list[str] = []
        self.postable: set[str] = set()

    def check(self) -> Iterator[Finding]:
        """Every finding about conversions and what they posted."""
        for conversion_id, facts in self._known.items():
            try:
                yield from self._check_conversion(conversion_id, facts)
            except (UnreadableError, KeyError, TypeError, ValueError) as error:
                yield Finding("I20", conversion_id, f"cannot be computed anew: {error}")
        for head in self._ledger.heads.values():
            if head.kind in CONVERSION_KINDS and head.transaction_id not in self.postable:
                yield Finding("I5", head.transaction_id, "it was posted without an accepted fact")

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
            report, facts.get("confirmation") or on_report, facts.get("rejection"), tuple(refunds)
        )
        yield from _check_state(conversion)
        yield from _check_refund_chain(conversion)
        yield from _check_attribution(conversion)
        yield from self._check_posted(conversion)

    def _check_posted(self, conversion: Conversion) -> Iterator[Finding]:
        whole = True
        for transaction_id, fact in conversion.postable():
            self.postable.add(transaction_id)
            head = self._ledger.heads.get(transaction_id)
            if head is None:
                whole = False
                yield from self._check_unposted(transaction_id, fact)
            else:
                if fact.unposted:
                    yield Finding("I4", transaction_id, "it is posted, its fact says it is not")
                yield from self._check_head(conversion, fact, head)
        refunded = conversion.report.whole("refunded_minor")
        if whole and 0 < conversion.report.whole("amount_minor") == refunded:
            yield from self._check_all_returned(conversion)

    def _check_unposted(self, transaction_id: str, fact: Fact) -> Iterator[Finding]:
        if not fact.unposted:
            yield Finding(
                "I4", transaction_id, "its fact was accepted, is not in the ledger and never will"
            )
            return
        age = self._now - datetime.fromisoformat(fact.accepted_at)
        if age > UNPOSTED_AGE_MAX:
            minutes = int(age.total_seconds() // 60)
            yield Finding("I4", transaction_id, f"its fact is not posted after {minutes} minutes")
        else:
            self.in_flight.append(transaction_id)

    def _check_head(self, conversion: Conversion, fact: Fact, head: Head) -> Iterator[Finding]:
        earning = None
        if conversion.confirming:
            earning = earning_of(conversion.report, conversion.confirming, self._terms)
        before = fact.whole("refunded_before_minor")
        if fact is conversion.confirming:
            kind, expected = "commission", confirmation_postings(earning, before)
        else:
            after = before + fact.whole("amount_minor")
            kind, expected = "clawback", refund_postings(earning, before, after)
        if (head.kind, head.accepted_at) != (kind, fact.accepted_at):
            yield Finding(
                "I5", head.transaction_id, "its kind or its time is not that of its accepted fact"
            )
        posted = sorted(head.postings)
        if posted != expected:
            yield Finding(
                "I20",
                head.transaction_id,
                f"posted {_said(posted)}; its facts and terms give {_said(expected)}",
            )
        if conversion.confirming and expected:
            yield from self._check_due(conversion, conversion.confirming, head)

    def _check_due(self, conversion: Conversion, confirming: Fact, head: Head) -> Iterator[Finding]:
        due = due_on(conversion.report, confirming, self._terms)
        for line in self._lines[head.transaction_id]:
            if set(line.dues) != {due}:
                yield Finding(
                    "I11",
                    f"{line.account} {line.line}",
                    f"it is due on {', '.join(sorted(line.dues))}; confirmed and held it is {due}",
                )

    def _check_all_returned(self, conversion: Conversion) -> Iterator[Finding]:
        net: Counter[str] = Counter()
        for transaction_id, _ in conversion.postable():
            for posting in self._ledger.heads[transaction_id].postings:
                net[posting.source] -= posting.amount_minor
                net[posting.target] += posting.amount_minor
        for account, amount in sorted(net.items()):
            if amount:
                yield Finding(
                    "I8", conversion.conversion_id, f"all is refunded, {account} keeps {amount}"
                )


def _said(postings: Iterable[Posting]) -> str:
    said = (f"{p.amount_minor} {p.currency} {p.source} → {p.target} ({p.kind})" for p in postings)
    return "; ".join(said) or "nothing"


def _check_state(conversion: Conversion) -> Iterator[Finding]:
    subject, report = conversion.conversion_id, conversion.report
    if conversion.confirming and conversion.rejection:
        yield Finding("I3", subject, "it was both confirmed and rejected")
    state = "pending"
    if conversion.confirming or conversion.rejection:
        state = "confirmed" if conversion.confirming else "rejected"
    if report.values.get("status") != state:
        yield Finding("I19", subject, f"it is {report.values.get('status')}, its facts say {state}")
    sequences = [fact.sequence for fact in conversion.later]
    if sequences != list(range(len(sequences))) or report.sequence != len(sequences):
        yield Finding(
            "I19", subject, f"it counts {report.sequence} later facts, they are {sequences}"
        )


def _check_refund_chain(conversion: Conversion) -> Iterator[Finding]:
    subject, refunded = conversion.conversion_id, 0
    confirmed = conversion.confirming is conversion.report
    for fact in (conversion.report, *conversion.later):
        if fact is conversion.confirming:
            confirmed = True
        if "refunded_before_minor" in fact.values:
            before = fact.whole("refunded_before_minor")
            if before != refunded:
                yield Finding(
                    "I8", f"{subject} {fact.fact}", f"it saw {before} refunded, {refunded} was"
                )
        if fact.fact.startswith("refund#"):
            refunded += fact.whole("amount_minor")
            if fact.whole("amount_minor") <= 0:
                yield Finding("I8", f"{subject} {fact.fact}", "it gives nothing back")
            if bool(fact.values.get("posts")) != confirmed:
                yield Finding(
                    "I8", f"{subject} {fact.fact}", "a refund posts if and only if it is confirmed"
                )
    stored, amount = (
        conversion.report.whole("refunded_minor"),
        conversion.report.whole("amount_minor"),
    )
    if stored != refunded:
        yield Finding("I8", subject, f"{stored} is refunded, its refunds sum to {refunded}")
    if refunded > amount:
        yield Finding("I8", subject, f"{refunded} of {amount} was refunded")


def _check_attribution(conversion: Conversion) -> Iterator[Finding]:
    subject, attribution = conversion.conversion_id, conversion.report.nested("attribution")
    winner = next((c for c in attribution["candidates"] if c["won"]), None)
    won = (winner["affiliate_id"], winner["model"]) if winner else (None, None)
    if (attribution["affiliate_id"], attribution["model"]) != won:
        yield Finding(
            "I16",
            subject,
            f"it is attributed to {attribution['affiliate_id']}, {won[0]} won",
        )
    if sum(bool(candidate["won"]) for candidate in attribution["candidates"]) > 1:
        yield Finding("I16", subject, "several candidates won")
    if conversion.report.values.get("affiliate_id") != attribution["affiliate_id"]:
        yield Finding("I16", subject, "it is listed for another affiliate than it is attributed to")
    if conversion.confirming:
        seen = (conversion.confirming.nested("seen") or {}).get("affiliate")
        if (seen and seen["member_id"]) != attribution["affiliate_id"]:
            yield Finding("I16", subject, "its confirmation saw another affiliate than it names")
