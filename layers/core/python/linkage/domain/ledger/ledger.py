"""The ledger's words: postings, the lines they make, and balances with their due dates.

A posting moves money from one account to another, so a transaction balances by construction.
Only affiliates have lines and balances; vendors' and the network's totals are sums of postings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import LedgerError
from linkage.domain.ids import fingerprint

NETWORK_FEES = "network:fees"
NETWORK_BONUSES = "network:bonuses"
NETWORK_ADJUSTMENTS = "network:adjustments"
BANK = "bank"
BY_OPERATOR = "by_operator"
"""The fact of a transaction, and of its lines, that names what an operator said in a vendor's name:
`report`, `confirmation`, `terms`, or several of them."""


def affiliate_account(affiliate_id: str) -> str:
    """What the network owes an affiliate."""
    return f"affiliate:{affiliate_id}"


def vendor_account(vendor_id: str) -> str:
    """What a vendor owes the network."""
    return f"vendor:{vendor_id}"


def payouts_account(batch_id: str) -> str:
    """Money debited for a batch and not settled yet."""
    return f"payouts:{batch_id}"


def affiliate_in(account: str) -> str | None:
    """The affiliate an account belongs to; None for every other account."""
    kind, _, member_id = account.partition(":")
    return member_id if kind == "affiliate" else None


@dataclass(frozen=True)
class Posting:
    """`amount_minor` > 0 of one currency moves from `source` to `target`."""

    source: str
    target: str
    amount_minor: int
    currency: str
    kind: str
    level: int = 0

    def __post_init__(self) -> None:
        if self.amount_minor <= 0 or self.source == self.target:
            raise LedgerError(f"a posting must move a positive amount between two accounts: {self}")


@dataclass(frozen=True)
class Line:
    """What a transaction does to an affiliate's balance; `dues` say from which date it counts."""

    affiliate_id: str
    currency: str
    amount_minor: int
    dues: Mapping[str, int]
    parts: tuple[tuple[str, int, int], ...]

    def __post_init__(self) -> None:
        if sum(self.dues.values()) != self.amount_minor:
            raise LedgerError(f"the due dates of a line must add up to its amount: {self}")
        if sum(amount for _, _, amount in self.parts) != self.amount_minor:
            raise LedgerError(f"the parts of a line must add up to its amount: {self}")


@dataclass(frozen=True)
class Transaction:
    """Everything one fact posts: put whole, once, or not at all."""

    transaction_id: str
    kind: str
    accepted_at: str
    postings: tuple[Posting, ...]
    lines: tuple[Line, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    why: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is posted: two transactions of one id must agree on it."""
        return fingerprint(
            [[p.source, p.target, p.amount_minor, p.currency, p.kind] for p in self.postings]
        )


@dataclass(frozen=True)
class Balance:
    """An affiliate's balance in one currency: `dues` map a UTC date to what counts from then on.

    `debits` is how many payouts have been taken out of it. `of_later_release` is what is stored
    beside it, in its stored form, that this release does not know: it is kept wherever the balance
    is written whole.
    """

    affiliate_id: str
    currency: str
    balance_minor: int
    version: int
    dues: Mapping[str, int]
    debits: int = 0
    of_later_release: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls, affiliate_id: str, currency: str) -> Balance:
        """The balance of an affiliate before its first line."""
        return cls(affiliate_id, currency, 0, 0, {})

    def after(self, line: Line) -> Balance:
        """The balance with this line in it, a version on; a due date that comes to 0 stays."""
        dues = Counter(self.dues)
        dues.update(line.dues)
        return replace(
            self,
            balance_minor=self.balance_minor + line.amount_minor,
            version=self.version + 1,
            dues=dict(dues),
        )

    def without(self, debit: Line) -> Balance:
        """The balance after a payout's line: the due dates it empties are gone."""
        after = self.after(debit)
        dues = {due: minor for due, minor in after.dues.items() if minor or due not in debit.dues}
        return replace(after, dues=dues, debits=self.debits + 1)

    def payable_minor(self, through: date) -> int:
        """What counts on this UTC date: every due date up to and including it, minor units."""
        return sum(self.dues_through(through).values())

    def dues_through(self, through: date) -> dict[str, int]:
        """The due dates up to and including this UTC date."""
        return {due: minor for due, minor in self.dues.items() if due <= through.isoformat()}


@dataclass(frozen=True)
class Debit:
    """The `number`-th payout out of a balance: everything due `through` a UTC date was taken.

    So it holds those of the balance's lines that were posted when there had been fewer payouts,
    as far as they were due by then and no payout before it had taken them. `lines` is how many the
    balance had, payouts' own included.
    """

    affiliate_id: str
    currency: str
    number: int
    through: str
    lines: int
    payout_id: str
    batch_id: str


def lines_due_on(postings: Iterable[Posting], due_on: str) -> tuple[Line, ...]:
    """One line per affiliate and currency these postings touch, all due on one UTC date."""
    return dated_lines((posting, due_on) for posting in postings)


def dated_lines(postings: Iterable[tuple[Posting, str]]) -> tuple[Line, ...]:
    """The same of postings that come each with a due date of their own."""
    parts: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    dues: dict[tuple[str, str], Counter[str]] = {}
    for posting, due_on in postings:
        for account, sign in ((posting.source, -1), (posting.target, 1)):
            affiliate_id = affiliate_in(account)
            if affiliate_id:
                whose, amount_minor = (affiliate_id, posting.currency), sign * posting.amount_minor
                parts.setdefault(whose, []).append((posting.kind, posting.level, amount_minor))
                dues.setdefault(whose, Counter())[due_on] += amount_minor
    return tuple(
        Line(*whose, sum(dues[whose].values()), dict(sorted(dues[whose].items())), tuple(own))
        for whose, own in sorted(parts.items())
    )


def due_at_once(accepted_at: str) -> str:
    """The UTC date from which what is accepted at this moment counts at once."""
    return clock.day(clock.instant(accepted_at)).isoformat()
