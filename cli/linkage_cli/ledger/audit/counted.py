"""What the network counted itself: one link's whole day, and what it is worth (I20, I21)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count

from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import Fact
from linkage_cli.ledger.audit.terms import Terms, half_up

MOST_MINOR = 10**12
"""No link earns more in a day, whatever its price."""
_OVER_AT = "T23:59:59.999Z"
_EACH = {"click": 1, "impression": 1000}


def is_counted(event: str) -> bool:
    """Whether vendors cannot report it."""
    return event in _EACH


def quantity_of(report: Fact) -> int:
    """How many a conversion stands for; raises UnreadableError."""
    return report.whole("quantity") if "quantity" in report.values else 1


def worth(event: str, quantity: int, price_minor: int) -> int:
    """What so many clicks, or impressions by the thousand, earn at a price, before any limit."""
    return half_up(Fraction(price_minor * quantity, _EACH[event]))


def check_counted(report: Fact) -> Iterator[Finding]:
    """That it is a day of one link if the network counted it, and nothing like it otherwise."""
    for sentence in _faults(report):
        yield Finding("I21", report.conversion_id, sentence)


def check_version(report: Fact, terms: Terms) -> Iterator[Finding]:
    """That a day of a link lives by the terms in force as that day began.

    A version of which is not stored when it was published is not held against it.
    """
    if not is_counted(report.text("event")):
        return
    program_id, used = report.text("program_id"), report.whole("program_version")
    began = f"{report.text('occurred_at')[:10]}T00:00:00.000Z"
    own = terms.program(program_id, used).get("published_at")
    if used > 1 and own and own > began:
        yield Finding("I21", report.conversion_id, f"its terms were published on {own}, too late")
    for number in count(used + 1):
        if (program_id, number) not in terms.programs:
            return
        published_at = terms.program(program_id, number).get("published_at")
        if published_at and published_at <= began:
            said = f"it lives by version {used}, when version {number} was in force as it began"
            yield Finding("I21", report.conversion_id, said)
            return


def _faults(report: Fact) -> Iterator[str]:
    event, quantity = report.text("event"), quantity_of(report)
    candidates = report.nested("attribution").get("candidates") or ()
    links = [each["reference"] for each in candidates if each["model"] == "link"]
    if not is_counted(event):
        if links or quantity != 1:
            yield f"a {event} is no day of a link, yet it counts {quantity} for {links or 'none'}"
        return
    if quantity < 1:
        yield f"it counts {quantity}"
    if report.whole("amount_minor") or report.nested("items"):
        yield f"{event}s have no amount and no items"
    if len(candidates) != 1 or len(links) != 1:
        yield f"{event}s belong to their link alone, its candidates are {candidates}"
        return
    day = report.text("occurred_at").removesuffix(_OVER_AT)
    if report.values.get("external_id") != f"{event}/{links[0]}/{day}":
        yield f"it is {report.values.get('external_id')}, not the {event}s of {links[0]} on {day}"
    if report.accepted_at <= report.text("occurred_at"):
        yield "it was billed before its day was over"
