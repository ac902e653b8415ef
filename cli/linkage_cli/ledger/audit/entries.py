"""Heads, lines and balances against each other (I1, I2, I14, I15)."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

from linkage_cli.ledger.audit.findings import Finding, Totals
from linkage_cli.ledger.audit.stored import Balance, Head, Ledger, Line, Posting

ACCOUNT_KINDS = (
    "vendor:",
    "affiliate:",
    "payouts:",
    "network:fees",
    "network:bonuses",
    "network:adjustments",
    "bank",
)
OWN_CURRENCY = ("bonus", "bonus_return", "recruitment")
"""Postings whose currency is that of their terms, whatever the sale's is."""


def check_entries(ledger: Ledger) -> Iterator[Finding]:
    """Every finding about the ledger table by itself."""
    for head in ledger.heads.values():
        yield from _check_head(head)
    yield from _check_lines(ledger)
    yield from _check_balances(ledger)


def _check_head(head: Head) -> Iterator[Finding]:
    subject = head.transaction_id
    for posting in head.postings:
        if posting.amount_minor <= 0:
            yield Finding("I1", subject, f"a posting moves {posting.amount_minor}, not more than 0")
        if posting.source == posting.target:
            yield Finding("I1", subject, f"a posting moves money from {posting.source} to itself")
        for account in (posting.source, posting.target):
            if not account.startswith(ACCOUNT_KINDS):
                yield Finding("I1", subject, f"a posting names {account!r}, which is no account")
    currencies = sorted({p.currency for p in head.postings if not _has_own_currency(p)})
    if len(currencies) > 1:
        yield Finding("I1", subject, f"one fact moves several currencies: {', '.join(currencies)}")
    vendors = {account for account in _accounts(head) if account.startswith("vendor:")}
    if len(vendors) > 1:
        yield Finding("I15", subject, f"it touches several vendors: {', '.join(sorted(vendors))}")
    if head.fingerprint != _fingerprint(head.postings):
        yield Finding("I14", subject, "its postings are not those it was written with")


def _has_own_currency(posting: Posting) -> bool:
    return posting.kind in OWN_CURRENCY or posting.target == "network:bonuses"


def _accounts(head: Head) -> set[str]:
    return {account for p in head.postings for account in (p.source, p.target)}


def _fingerprint(postings: tuple[Posting, ...]) -> str:
    moved = [[p.source, p.target, p.amount_minor, p.currency, p.kind] for p in postings]
    return hashlib.sha256(json.dumps(moved, separators=(",", ":")).encode()).hexdigest()


def parts_of(head: Head) -> dict[tuple[str, str], list[tuple[str, int, int]]]:
    """What the head's postings say of each affiliate's account and currency."""
    parts: dict[tuple[str, str], list[tuple[str, int, int]]] = defaultdict(list)
    for posting in head.postings:
        gain = (posting.kind, posting.level, posting.amount_minor)
        loss = (posting.kind, posting.level, -posting.amount_minor)
        for account, part in ((posting.source, loss), (posting.target, gain)):
            if account.startswith("affiliate:"):
                parts[account, posting.currency].append(part)
    return parts


def _check_lines(ledger: Ledger) -> Iterator[Finding]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for line in ledger.lines:
        head = ledger.heads.get(line.transaction_id)
        subject = f"{line.account} {line.line}"
        seen[line.transaction_id, line.account, line.currency] += 1
        if head is None:
            yield Finding("I1", subject, f"there is no head of {line.transaction_id}")
        else:
            yield from _check_line(line, head, subject)
    for head in ledger.heads.values():
        for account, currency in parts_of(head):
            times = seen[head.transaction_id, account, currency]
            if times != 1:
                said = "no line" if times == 0 else f"{times} lines"
                yield Finding("I1", head.transaction_id, f"{account} has {said} of it, not one")


def _check_line(line: Line, head: Head, subject: str) -> Iterator[Finding]:
    parts = parts_of(head).get((line.account, line.currency))
    if parts is None:
        yield Finding("I1", subject, f"{head.transaction_id} posts nothing to it")
        return
    posted = sum(amount for _, _, amount in parts)
    if line.amount_minor != posted:
        yield Finding(
            "I1", subject, f"it says {line.amount_minor}, {head.transaction_id} posted {posted}"
        )
    if sorted(line.parts) != sorted(parts):
        yield Finding("I1", subject, f"its parts are not the postings of {head.transaction_id}")
    due = sum(line.dues.values())
    if due != line.amount_minor:
        yield Finding("I2", subject, f"its due dates add up to {due}, not to {line.amount_minor}")
    for day in line.dues:
        if not is_date(day):
            yield Finding("I2", subject, f"{day!r} is no due date")
    same = (line.kind, line.accepted_at) == (head.kind, head.accepted_at)
    if not same or not line.line.startswith(f"line#{head.accepted_at}#"):
        yield Finding("I14", subject, f"its kind or its time is not that of {head.transaction_id}")


def is_date(value: str) -> bool:
    """Whether a text is a calendar date, YYYY-MM-DD."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _check_balances(ledger: Ledger) -> Iterator[Finding]:
    lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in ledger.lines:
        lines[line.account, line.currency].append(line)
    balances = {(balance.account, balance.currency): balance for balance in ledger.balances}
    for (account, currency), own in lines.items():
        balance = balances.get((account, currency))
        if balance is None:
            yield Finding("I2", f"{account} balance#{currency}", f"{len(own)} lines, no balance")
        else:
            yield from _check_balance(balance, own)
    for (account, currency), balance in balances.items():
        if (account, currency) not in lines:
            yield Finding("I2", f"{account} {balance.line}", "there is a balance but no line")


def _check_balance(balance: Balance, lines: list[Line]) -> Iterator[Finding]:
    subject = f"{balance.account} {balance.line}"
    total = sum(line.amount_minor for line in lines)
    if balance.balance_minor != total:
        yield Finding("I2", subject, f"it is {balance.balance_minor}, its lines sum to {total}")
    if balance.version != len(lines):
        yield Finding("I2", subject, f"its version is {balance.version}, it has {len(lines)} lines")
    if balance.line != f"balance#{balance.currency}":
        yield Finding("I2", subject, f"it is kept under another currency than {balance.currency}")
    if not balance.open.startswith(f"open#{balance.currency}#"):
        yield Finding("I13", subject, f"payouts look for it under {balance.open!r}")
    dues: Counter[str] = Counter()
    for line in lines:
        dues.update(line.dues)
    for day in sorted(dues.keys() | balance.dues.keys()):
        bucket = balance.dues.get(day, 0)
        if bucket != dues[day]:
            yield Finding(
                "I2", subject, f"{bucket} is due on {day}, its lines say {dues[day]} is due then"
            )


def totals_of(ledger: Ledger) -> dict[str, Totals]:
    """Each currency's sums of all postings."""
    net: dict[str, Counter[str]] = defaultdict(Counter)
    for head in ledger.heads.values():
        for posting in head.postings:
            net[posting.currency][_kind(posting.source)] -= posting.amount_minor
            net[posting.currency][_kind(posting.target)] += posting.amount_minor
    return {
        currency: Totals(
            owed_to_affiliates=sums["affiliate"],
            vendors_owe=-sums["vendor"],
            network_fees=sums["network:fees"],
            network_bonuses=-sums["network:bonuses"],
            adjustments=-sums["network:adjustments"],
            in_payout=sums["payouts"],
            paid_out=sums["bank"],
        )
        for currency, sums in sorted(net.items())
    }


def _kind(account: str) -> str:
    return account if account.startswith("network:") else account.partition(":")[0]
