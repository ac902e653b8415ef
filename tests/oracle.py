"""What the rules of money say, worked out apart from the product, in exact fractions.

Nothing here is imported from `linkage`: where the two agree, two people agreed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor


def rounded_half_up(value: Fraction) -> int:
    """The nearest whole number, the greater one when two are as near."""
    return floor(value + Fraction(1, 2))


@dataclass(frozen=True)
class Terms:
    """What a commission depends on, besides the sale and its refunds."""

    fee_bps: int = 2000
    level_bps: tuple[int, ...] = (1000, 500)
    approved: tuple[bool, ...] = (True, True)
    paid_by_network: bool = True

    @property
    def paid_levels(self) -> list[tuple[int, int]]:
        """(level from 1, basis points) of each level that has an approved member."""
        pairs = zip(self.level_bps, self.approved, strict=False)
        return [(level, bps) for level, (bps, good) in enumerate(pairs, start=1) if good]


def direct(sale_minor: int, rate_bps: int) -> int:
    """A share of a sale as the direct commission."""
    return rounded_half_up(Fraction(sale_minor * rate_bps, 10_000))


def standing(direct_minor: int, sale_minor: int, refunded_minor: int, terms: Terms) -> Counter[str]:
    """What each account holds of a commission once this much of its sale is refunded.

    Accounts: `vendor`, `fees`, `affiliate`, `level1`… A vendor's debt is negative.
    """
    part = Fraction(sale_minor - refunded_minor, sale_minor) if sale_minor else Fraction(1)
    stays = rounded_half_up(direct_minor * part)
    fee = floor(stays * Fraction(terms.fee_bps, 10_000))
    held: Counter[str] = Counter(affiliate=stays, fees=fee, vendor=-stays - fee)
    for level, bps in terms.paid_levels:
        override = floor(stays * Fraction(bps, 10_000))
        held[f"level{level}"] += override
        held["fees" if terms.paid_by_network else "vendor"] -= override
    return Counter({account: minor for account, minor in held.items() if minor})


def moved(postings: Iterable[tuple[str, str, int]]) -> Counter[str]:
    """What (source, target, amount) triples change in each account; untouched ones are absent."""
    change: Counter[str] = Counter()
    for source, target, amount in postings:
        change[source] -= amount
        change[target] += amount
    return Counter({account: minor for account, minor in change.items() if minor})


def difference(after: Counter[str], before: Counter[str]) -> Counter[str]:
    """What each account gained from `before` to `after`."""
    both = after.keys() | before.keys()
    change = {account: after[account] - before[account] for account in both}
    return Counter({account: minor for account, minor in change.items() if minor})


def running(parts: Sequence[int], start: int = 0) -> list[tuple[int, int]]:
    """(before, after) of each part of a sum, in order."""
    steps, total = [], start
    for part in parts:
        steps.append((total, total + part))
        total += part
    return steps
