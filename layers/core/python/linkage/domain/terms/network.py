"""The network's own terms: levels, fee, payouts. Versioned like programs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from linkage.domain import clock
from linkage.domain.rule_versions import RULES_FIRST

LEVELS_MAX = 5
MADE_FOR = timedelta(days=3)
"""So long after its hour a scheduled batch is still made by itself; then it is missed."""
MISSED_DAYS = 35
"""So long a missed batch is told: each day of a month comes again in it."""


@dataclass(frozen=True)
class PayoutSchedule:
    """When a batch is planned by itself: on these days of the month, from this local hour on.

    `since` is the UTC moment it began: it plans nothing for local days before. What earlier
    releases have published does not say when.
    """

    days_of_month: tuple[int, ...]
    hour: int
    time_zone: str
    currencies: tuple[str, ...]
    since: str = ""

    @property
    def begins_on(self) -> date:
        """The first local day it plans for, as far as is known."""
        if not self.since:
            return date.min
        return clock.instant(self.since).astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True)
class Planned:
    """A batch as a schedule asks for it: for a local date, made from `opens` on (UTC).

    `cutoff` is that date, or the day before where it has not begun in UTC at that hour: due dates
    are UTC dates, and nothing is paid before it is due.
    """

    on: date
    opens: datetime

    @property
    def cutoff(self) -> date:
        """The last UTC date of what it pays, however late it is made."""
        return min(self.on, clock.day(self.opens))

    def is_over(self, moment: datetime) -> bool:
        """Whether it is no longer made by itself."""
        return self.opens + MADE_FOR <= moment


@dataclass(frozen=True)
class Missed:
    """A batch that a schedule asked for on a local date and nobody made; both are dates."""

    currency: str
    scheduled_on: str
    cutoff: str


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
    introduces its customer or brings a recruitment bonus; `bindings_per_day_max` is of the
    contacts one affiliate introduces at one vendor on a UTC day, `recruits_per_month_max` of one
    sponsor. Nothing is paid by a payout method that was changed less than `method_rest_hours` ago.
    `rules` is the version of the rules that it takes to understand these settings. From
    `keyed_ids_from` on (RFC 3339 UTC, None for never) what is new has keyed ids, by the secret with
    that mark.
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
    method_rest_hours: int = 72
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


def began(
    schedule: PayoutSchedule | None, before: PayoutSchedule | None, moment: datetime
) -> PayoutSchedule | None:
    """A schedule published at this moment, with the moment it began.

    It goes on where it plans nothing that the one before it did not plan: then what that one left
    to be made is still made.
    """
    if schedule is None:
        return None
    if before is None or not (
        schedule.time_zone == before.time_zone
        and set(schedule.days_of_month) <= set(before.days_of_month)
        and set(schedule.currencies) <= set(before.currencies)
    ):
        return replace(schedule, since=clock.text(moment))
    return replace(schedule, since=before.since or clock.text(moment - MADE_FOR))


def _planned(schedule: PayoutSchedule, first: date) -> Iterator[Planned]:
    """What a schedule asks for, from a local date on, without an end."""
    zone = ZoneInfo(schedule.time_zone)
    for ahead in count():
        on = max(first, schedule.begins_on) + timedelta(days=ahead)
        if on.day in schedule.days_of_month:
            opens = datetime(on.year, on.month, on.day, schedule.hour, tzinfo=zone)
            yield Planned(on, opens.astimezone(UTC))


def _opened(schedule: PayoutSchedule, moment: datetime) -> Iterator[Planned]:
    """What it asked for up to this moment, as long as it may be told to be missed."""
    first = clock.day(moment) - timedelta(days=MISSED_DAYS)
    return takewhile(lambda each: each.opens <= moment, _planned(schedule, first))


def due_batches(settings: NetworkSettings, moment: datetime) -> list[tuple[str, Planned]]:
    """The scheduled batches that should exist by now, each with its currency.

    A tick may come twice or late, so each is named for three days.
    """
    schedule = settings.payout_schedule
    if schedule is None:
        return []
    due = [each for each in _opened(schedule, moment) if not each.is_over(moment)]
    return [(currency, each) for each in due for currency in schedule.currencies]


def missed_batches(
    settings: NetworkSettings, moment: datetime, reached: Mapping[str, str]
) -> list[Missed]:
    """The scheduled batches that were not made in three days.

    `reached` has by currency the latest cutoff of a batch: one made later, by hand or by the
    schedule, has paid what the missed one would have. Of a schedule that does not say when it
    began none is named.
    """
    schedule = settings.payout_schedule
    if schedule is None or not schedule.since:
        return []
    over = [each for each in _opened(schedule, moment) if each.is_over(moment)]
    return [
        Missed(currency, each.on.isoformat(), each.cutoff.isoformat())
        for each in over
        for currency in schedule.currencies
        if reached.get(currency, "") < each.cutoff.isoformat()
    ]


def coming_batches(schedule: PayoutSchedule, due_on: date, moment: datetime) -> Iterator[Planned]:
    """The scheduled batches that may still be made and pay what is due on a UTC date, in order.

    Those whose hour is over may have been made already.
    """
    first = max(due_on, clock.day(moment) - MADE_FOR - timedelta(days=1))
    return (
        each
        for each in _planned(schedule, first)
        if each.cutoff >= due_on and not each.is_over(moment)
    )
