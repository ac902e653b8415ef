"""The network's own terms: levels, fee, payouts. Versioned like programs."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from linkage.rules import RULES_FIRST

LEVELS_MAX = 5
TICK_LATENESS_DAYS = 3


@dataclass(frozen=True)
class PayoutSchedule:
    """When a batch is planned by itself: on these days of the month, from this local hour on."""

    days_of_month: tuple[int, ...]
    hour: int
    time_zone: str
    currencies: tuple[str, ...]


@dataclass(frozen=True)
class RecruitmentBonus:
    """What the sponsor of a recruit gets for the recruit's first confirmed sale."""

    amount_minor: int
    currency: str


@dataclass(frozen=True)
class NetworkSettings:
    """One version of the network's settings; rates in basis points of the direct commission.

    `network_fee_bps` is paid by the vendor on top of the commission, `affiliate_fee_bps` by the
    affiliate out of it. With `active_days` a member of the upline earns overrides only if it had a
    confirmed sale of its own in so many days, else its level goes to the next one who had. Nothing
    a vendor confirms falls due before `hold_days_min`, whatever its program says. What one member
    may make is in `programs_max` and `coupons_max` (a vendor), `links_max` (an affiliate) and
    `program_versions_per_day_max` (of one program in one UTC day).
    `introduction_minimum_minor` has, by currency, the least that must stand of a sale that
    introduces its customer or brings a recruitment bonus; `bindings_per_day_max` is of one
    affiliate at one vendor on a UTC day, `recruits_per_month_max` of one sponsor. `rules` is the
    version of the rules that it takes to understand these settings. From `keyed_ids_from` on (RFC
    3339 UTC, None for never) what is new has keyed ids, by the secret with that mark.
    """

    version: int = 0
    name: str = "Linkage network"
    level_rates_bps: tuple[int, ...] = (1000, 500)
    network_fee_bps: int = 2000
    override_funding: str = "network"
    introducer_days: int = 365
    payout_minimum_minor: dict[str, int] = field(default_factory=dict)
    four_eyes: bool = False
    payout_schedule: PayoutSchedule | None = None
    affiliate_fee_bps: int = 0
    active_days: int | None = None
    recruitment_bonus: RecruitmentBonus | None = None
    split_members_max: int = 4
    programs_max: int = 100
    program_versions_per_day_max: int = 24
    links_max: int = 10_000
    coupons_max: int = 1_000
    introduction_minimum_minor: dict[str, int] = field(default_factory=dict)
    bindings_per_day_max: int = 50
    recruits_per_month_max: int = 20
    hold_days_min: int = 0
    rules: int = RULES_FIRST
    keyed_ids_from: str | None = None
    id_secret_mark: str | None = None

    def minimum_minor(self, currency: str) -> int:
        """The smallest payout in this currency, minor units; 1 when none is set."""
        return self.payout_minimum_minor.get(currency, 1)


FIRST_SETTINGS = NetworkSettings()
"""Version 0, in force until an operator publishes settings. Never change it: terms are kept."""


def funding_gap_bps(settings: NetworkSettings) -> int:
    """By how many basis points overrides paid out of the fees would exceed them; 0 when covered."""
    if settings.override_funding == "vendor":
        return 0
    fees_bps = settings.network_fee_bps + settings.affiliate_fee_bps
    return max(0, sum(settings.level_rates_bps) - fees_bps)


def due_batches(settings: NetworkSettings, moment: datetime) -> list[tuple[str, date]]:
    """The (currency, local date) of each scheduled batch that should exist by now.

    A tick may come twice or late, so every scheduled date of the last three days is named again.
    """
    schedule = settings.payout_schedule
    if schedule is None:
        return []
    zone = ZoneInfo(schedule.time_zone)
    local = moment.astimezone(zone)
    due = []
    for age in reversed(range(TICK_LATENESS_DAYS)):
        on = local.date() - timedelta(days=age)
        opens = datetime(on.year, on.month, on.day, schedule.hour, tzinfo=zone)
        if on.day in schedule.days_of_month and opens.astimezone(UTC) <= moment:
            due += [(currency, on) for currency in schedule.currencies]
    return due


def next_batch_on(schedule: PayoutSchedule, on: date) -> date:
    """The first scheduled local date that is not before this one."""
    days = (on + timedelta(days=ahead) for ahead in count())
    return next(day for day in days if day.day in schedule.days_of_month)
