"""Tallies: what is counted so far for an affiliate, a customer or a budget, and in which period.

A rule that looks at more than its own conversion looks at tallies. They are read and moved in the
transaction that accepts a confirmation or a refund, each on the condition that it is as it was
read, and the fact stores them as it saw them. So the order of acceptance decides, and posting is
free to come late, twice or in any order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from linkage.domain.money import amount_text
from linkage.domain.terms.programs import ANY

PERIODS = ("month", "quarter", "year")


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
    - `bindings`: `count` of the contacts an affiliate introduced at a vendor on a day; by rules 2
      of the sales that introduced somebody.
    - `recruits`: `count` of the recruitment bonuses a sponsor had in a month.
    - `cost`: `amount_minor` of what a vendor's confirmations of a UTC month cost it, less what was
      taken back before it fell due.
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


def bindings_tally(vendor_id: str, affiliate_id: str, on: str) -> str:
    """The name of how many contacts an affiliate introduced at a vendor on a UTC date."""
    return f"bindings#{vendor_id}#{affiliate_id}#{on}"


def recruits_tally(sponsor_id: str, month: str) -> str:
    """The name of the recruitment bonuses a sponsor had in a month."""
    return f"recruits#{sponsor_id}#{month}"


def cost_tally(vendor_id: str, month: str, currency: str) -> str:
    """The name of what a vendor's confirmations accepted in a UTC month cost it in a currency."""
    return f"cost#{vendor_id}#{month}#{currency}"


def is_lowered(name: str) -> bool:
    """Whether a refund takes back what a tally counts: bounds on a day or a month only fill up."""
    return kind_of(name) not in {"bindings", "recruits"}


def is_of_the_customer(name: str) -> bool:
    """Whether a tally counts what a customer bought, whoever brought it: a refund takes that back,
    a withdrawal does not."""
    return kind_of(name) == "customer"


def tally_named(tallies: Iterable[Tally], name: str) -> Tally:
    """The tally of this name as it was seen; one that was never written if it is not there."""
    return next((tally for tally in tallies if tally.name == name), Tally(name))


def kind_of(name: str) -> str:
    """What a tally counts, the first word of its name (`Tally`)."""
    return name.partition("#")[0]


def period_in(name: str) -> str:
    """The period of a sales or reward tally, as `period_of` writes it, or `ANY`."""
    return name.split("#")[3]


def currency_in(name: str) -> str:
    """The currency of a sales or cost tally, or `ANY`."""
    return name.rpartition("#")[2]


def measured(tally: Tally) -> int:
    """What thresholds and bonuses look at in a sales tally: its amount, or else its count."""
    return tally.count if counts_only(tally.name) else tally.amount_minor


def measure_text(name: str, value: int) -> str:
    """A value of the sales tally of this name, in words: `12.50 USD`, `3 sales`."""
    if counts_only(name):
        return f"{value} sale" if value == 1 else f"{value} sales"
    return amount_text(value, currency_in(name))


def counts_only(name: str) -> bool:
    """Whether a sales tally is of every currency, and so has no amount."""
    return name.endswith(f"#{ANY}")


def reward_in(name: str) -> str:
    """The reward a reward tally is about."""
    return name.split("#", 5)[5]
