"""Programs: a vendor's terms. Every version is kept; a conversion lives by the one it saw."""

from __future__ import annotations

from dataclasses import dataclass

from linkage.domain.rule_versions import RULES_FIRST

EVENTS = ("sale", "lead", "signup", "install")
"""What vendors report."""
COUNTED_EVENTS = ("click", "impression")
"""What the network counts itself: a conversion of these is one link's whole day."""


@dataclass(frozen=True)
class Step:
    """What is paid while the period's volume or count is at least `start` and below `stop`.

    `stop` None is without end. Either a rate or an amount in the reward's currency.
    """

    start: int
    stop: int | None
    rate_bps: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True)
class Thresholds:
    """Steps by the affiliate's confirmed sales of the current period before this one."""

    by: str
    period: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Reward:
    """What one event earns, for whom, when, and up to how much.

    It pays a share of the amount (`rate_bps`), a fixed amount (`amount_minor`), or by `thresholds`.
    `currency` None is every currency; every absolute amount of the reward is in `currency`. `name`
    is what the tallies of `period_max_minor` and `budget_minor` are kept under, across versions.
    Of a counted event, `amount_minor` is for each click, or for each thousand impressions, and
    `max_minor` for one link and day.
    `starts_on` and `ends_on` are UTC dates, both inclusive.
    """

    event: str
    rate_bps: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    name: str | None = None
    affiliate_id: str | None = None
    coupon: str | None = None
    group: str | None = None
    category: str | None = None
    starts_on: str | None = None
    ends_on: str | None = None
    first_n: int | None = None
    months: int | None = None
    thresholds: Thresholds | None = None
    max_minor: int | None = None
    period: str | None = None
    period_max_minor: int | None = None
    budget_minor: int | None = None


@dataclass(frozen=True)
class Bonus:
    """A fixed amount for an affiliate whose sales of a period reach a target.

    `by` volume: `target` is in minor units of `currency`; `by` count: in sales of any currency.
    """

    by: str
    period: str
    target: int
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Program:
    """One version of a vendor's terms.

    `created_at` is the program's, `published_at` this version's; None is as old as the program.
    `bonus_currencies` are those of the bonuses of this version and all before it, since what an
    affiliate holds by an earlier one may be taken back by a refund under this one. `rules` is the
    version of the rules that it takes to understand these terms. `by_operator` is whether an
    operator published this version in the vendor's name.
    """

    program_id: str
    version: int
    vendor_id: str
    name: str
    destination_url: str
    rewards: tuple[Reward, ...]
    window_days: int
    hold_days: int
    confirmation: str
    introducer_rate_bps: int
    created_at: str
    fingerprint: str | None = None
    click_model: str = "last"
    lateness_days: int = 30
    confirm_after_days: int | None = None
    categories: tuple[str, ...] = ()
    bonuses: tuple[Bonus, ...] = ()
    ceiling_bps: int | None = None
    paused: bool = False
    joint_program_ids: tuple[str, ...] = ()
    bonus_currencies: tuple[str, ...] = ()
    published_at: str | None = None
    rules: int = RULES_FIRST
    by_operator: bool = False

    @property
    def in_force_from(self) -> str:
        """When this version was published, UTC; it is in force until the next one is."""
        return self.published_at or self.created_at


ANY = "*"
"""In a tally's name: every affiliate, every currency, or all time."""
