"""Tallies: what is counted so far for an affiliate, a customer or a budget, and in which period.

A rule that looks at more than its own conversion looks at tallies. They are read and moved in the
transaction that accepts a confirmation or a refund, each on the condition that it is as it was
read, and the fact stores them as it saw them. So the order of acceptance decides, and posting is
free to come late, twice or in any order.
"""

from dataclasses import dataclass
from datetime import datetime

PERIODS = ("month", "quarter", "year")
ANY = "*"
"""In a tally's name: every affiliate, every currency, or all time."""


@dataclass(frozen=True)
class HeldBonus:
    """A period's bonus an affiliate has because its tally reached the target."""

    target: int
    amount_minor: int
    currency: str
    due_on: str


@dataclass(frozen=True)
class Tally:
    """One count as last written; `version` is raised with every move and 0 before the first.

    - `sales`: `count` and `amount_minor` of an affiliate's confirmed sales of a period, less what
      was refunded, and the bonuses it holds for them.
    - `reward`: `amount_minor` a named reward has earned somebody, or everybody, so far.
    - `customer`: `count` of a customer's confirmed conversions of an event, and since when (the
      first attributed one's `occurred_at`).
    - `member`: the UTC date of an affiliate's last own sale, and the conversion that earned its
      sponsor the recruitment bonus.
    """

    name: str
    version: int = 0
    count: int = 0
    amount_minor: int = 0
    since: str | None = None
    last_on: str | None = None
    recruited_by: str | None = None
    held: tuple[HeldBonus, ...] = ()


def period_of(moment: datetime, period: str) -> str:
    """The period a UTC moment falls in: `2026-11`, `2026-Q4` or `2026`."""
    if period == "month":
        return f"{moment.year:04d}-{moment.month:02d}"
    if period == "quarter":
        return f"{moment.year:04d}-Q{(moment.month + 2) // 3}"
    return f"{moment.year:04d}"


def sales_tally(program_id: str, affiliate_id: str, period: str, currency: str) -> str:
    """The name of an affiliate's sales of a program in a period; `ANY` currency for counts."""
    return f"sales#{program_id}#{affiliate_id}#{period}#{currency}"


def reward_tally(program_id: str, name: str, affiliate_id: str, period: str, currency: str) -> str:
    """The name of what a reward has earned: an affiliate in a period, or `ANY` in `ANY`."""
    return f"reward#{program_id}#{affiliate_id}#{period}#{currency}#{name}"


def customer_tally(program_id: str, event: str, customer_key: str) -> str:
    """The name of what the customer behind a key did under a program."""
    return f"customer#{program_id}#{event}#{customer_key}"


def member_tally(member_id: str) -> str:
    """The name of an affiliate's own activity in the whole network."""
    return f"member#{member_id}"
