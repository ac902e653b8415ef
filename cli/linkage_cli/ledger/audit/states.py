"""A conversion's facts against each other: state, holds, refunds, attribution.

I3, I8, I16, I19 and I23.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from linkage_cli.ledger.audit.counted import check_counted, is_counted
from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import Fact, Item

HELD = ("held", "held_reason", "held_by", "held_at")
HELD_REASONS = ("vendor_suspended", "over_the_vendors_limit")
HOLDS = 2
"""The version of the rules from which on a confirmation can be held."""


@dataclass(frozen=True)
class Conversion:
    """One conversion's facts; `confirming` is the report itself under `on_report`."""

    report: Fact
    confirming: Fact | None
    rejection: Fact | None
    refunds: tuple[Fact, ...]
    withdrawal: Fact | None = None

    @property
    def conversion_id(self) -> str:
        return self.report.conversion_id

    @property
    def later(self) -> tuple[Fact, ...]:
        """The facts accepted after the report, in their order."""
        facts = (self.confirming, self.rejection, self.withdrawal, *self.refunds)
        after = [fact for fact in facts if fact and fact is not self.report]
        return tuple(sorted(after, key=lambda fact: fact.sequence))

    def postable(self) -> Iterator[tuple[str, Fact]]:
        """The transaction each fact must become, with the fact."""
        if self.confirming:
            yield f"{self.conversion_id}/confirmation", self.confirming
        for refund in self.refunds:
            if refund.values.get("posts"):
                yield f"{self.conversion_id}/{refund.fact.replace('#', '/', 1)}", refund
        if self.withdrawal:
            yield f"{self.conversion_id}/withdrawal", self.withdrawal


def check_facts(conversion: Conversion, program: Item) -> Iterator[Finding]:
    """Every finding about the facts by themselves; `program` is the version they saw."""
    yield from _check_state(conversion)
    yield from _check_silence(conversion, program)
    yield from _check_held(conversion)
    yield from _check_refund_chain(conversion)
    yield from _check_attribution(conversion, program)
    yield from check_counted(conversion.report)


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


def _check_silence(conversion: Conversion, program: Item) -> Iterator[Finding]:
    """Only silence that lasted as long as the terms say confirms, and only the pending wait."""
    subject, report, confirming = conversion.conversion_id, conversion.report, conversion.confirming
    waits, until = program["confirmation"] == "automatic", None
    if waits:
        days = timedelta(days=program["confirm_after_days"])
        until = _instant(report) + days
    is_pending = confirming is None and conversion.rejection is None
    is_pending = is_pending and "held" not in report.values
    if ("awaiting" in report.values) != (waits and is_pending):
        said = "waits" if "awaiting" in report.values else "does not wait"
        yield Finding("I19", subject, f"it {said} for silence to confirm it")
    silent = confirming if confirming and confirming.values.get("silent") else None
    if silent and not (until and until <= _instant(silent)):
        yield Finding("I5", subject, "silence confirmed it before the terms allow")


def _check_held(conversion: Conversion) -> Iterator[Finding]:
    """What is held has been received, says by whose word and why, and has moved nothing."""
    subject, report, confirming = conversion.conversion_id, conversion.report, conversion.confirming
    marks = [name for name in HELD if name in report.values]
    if not marks:
        return
    if len(marks) < len(HELD) or report.values["held_reason"] not in HELD_REASONS:
        yield Finding("I23", subject, "it is held and does not say why, by whose word or when")
    # Rules before these knew no hold, and left its marks where they were.
    decided = conversion.rejection or confirming
    if decided and decided.rules >= HOLDS:
        yield Finding("I23", subject, "it is held, and confirmed or rejected as well")


def _instant(fact: Fact) -> datetime:
    return datetime.fromisoformat(fact.accepted_at)


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


def _check_attribution(conversion: Conversion, program: Item) -> Iterator[Finding]:
    subject, attribution = conversion.conversion_id, conversion.report.nested("attribution")
    candidates = attribution.get("candidates") or ()
    winner = next((c for c in candidates if c["won"]), None)
    won = (winner["affiliate_id"], winner["model"]) if winner else (None, None)
    if (attribution["affiliate_id"], attribution["model"]) != won:
        yield Finding(
            "I16",
            subject,
            f"it is attributed to {attribution['affiliate_id']}, {won[0]} won",
        )
    if sum(bool(candidate["won"]) for candidate in candidates) > 1:
        yield Finding("I16", subject, "several candidates won")
    if conversion.report.values.get("affiliate_id") != attribution["affiliate_id"]:
        yield Finding("I16", subject, "it is listed for another affiliate than it is attributed to")
    if conversion.confirming:
        seen = (conversion.confirming.nested("seen") or {}).get("affiliate")
        if (seen and seen["member_id"]) != attribution["affiliate_id"]:
            yield Finding("I16", subject, "its confirmation saw another affiliate than it names")
    event = conversion.report.text("event")
    if (
        attribution["affiliate_id"]
        and program.get("paused")
        and (event == "sale" or is_counted(event))
    ):
        yield Finding("I16", subject, "it is attributed, though its program was paused")
