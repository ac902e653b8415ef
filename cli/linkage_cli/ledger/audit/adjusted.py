"""What operators added to balances or took from them by hand (I27)."""

from collections.abc import Iterator

from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import Head, Ledger

ACCOUNT = "network:adjustments"
KINDS = ("adjustment", "write_off")


def check_adjusted(ledger: Ledger) -> Iterator[Finding]:
    """Every finding about adjustments: one posting each, of an affiliate's, with a reason."""
    for head in ledger.heads.values():
        touches = any(ACCOUNT in {p.source, p.target} for p in head.postings)
        if head.kind in KINDS:
            yield from _check(head)
        elif touches:
            yield Finding("I27", head.transaction_id, f"a {head.kind} moves {ACCOUNT}")


def _check(head: Head) -> Iterator[Finding]:
    subject = head.transaction_id
    if not subject.startswith("adj_") or not head.reason:
        yield Finding("I27", subject, "it is no adjustment with a reason")
    if len(head.postings) != 1:
        yield Finding("I27", subject, f"it has {len(head.postings)} postings, not one")
        return
    (posting,) = head.postings
    accounts = {posting.source, posting.target} - {ACCOUNT}
    other = accounts.pop() if len(accounts) == 1 else ""
    if not other.startswith("affiliate:") or posting.kind != head.kind:
        yield Finding("I27", subject, f"it moves money from {posting.source} to {posting.target}")
    if head.kind == "write_off" and posting.source != ACCOUNT:
        yield Finding("I27", subject, "it writes off what it takes from the affiliate")
