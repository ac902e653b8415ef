"""What the auditor says: each finding names the invariant, the thing and what is wrong with it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Finding:
    """One broken invariant; `subject` is the transaction, line, balance, fact or payout with it."""

    invariant: str
    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.sentence}"


@dataclass(frozen=True)
class Totals:
    """One currency's sums of all postings, minor units; `network_bonuses` is what they cost.

    `adjustments` is what operators gave by hand, less what they took.
    """

    owed_to_affiliates: int = 0
    vendors_owe: int = 0
    network_fees: int = 0
    network_bonuses: int = 0
    in_payout: int = 0
    paid_out: int = 0
    adjustments: int = 0


@dataclass(frozen=True)
class Report:
    """Everything one audit looked at, and what it found."""

    findings: tuple[Finding, ...]
    counts: Counter[str]
    in_flight: tuple[str, ...]
    totals: dict[str, Totals] = field(default_factory=dict)
