"""The truth of a network, kept beside it: who brought whom, what was sold, and what it earns.

Nothing here asks the product. Honest vendors report what happened and pay what they owe; amounts
are minor units, rates basis points, and the sums are those of tests/oracle.py.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import floor

from tests.oracle import direct as direct_commission
from tests.oracle import left, share

WINDOW_DAYS = 30
"""How long a click counts at every honest vendor."""

type Held = Counter[tuple[str, str]]
"""Minor units by (member's name, currency)."""


@dataclass(frozen=True)
class Rules:
    """What the network's operators set, and which of the later rules the release knows."""

    fee_bps: int = 2000
    affiliate_fee_bps: int = 0
    level_rates_bps: tuple[int, ...] = (1000, 500)
    introducer_days: int = 365
    bonus_minor: int = 500
    bonus_currency: str = "USD"
    floors_minor: tuple[tuple[str, int], ...] = ()
    bindings_per_day_max: int = 50
    recruits_per_month_max: int = 20
    takes_back: bool = False

    def introduction_floor(self, currency: str) -> int:
        """What must be left of a sale that introduces; without an entry, anything."""
        return dict(self.floors_minor).get(currency, 1)

    def recruitment_floor(self, currency: str) -> int | None:
        """What must be left of a recruit's sale; None if no sale in this currency can bring it."""
        own = self.bonus_minor if currency == self.bonus_currency else None
        return dict(self.floors_minor).get(currency, own)


@dataclass(frozen=True)
class Person:
    """A member of the network, honest or not; a sponsor is named when the member joins."""

    name: str
    member_id: str
    secret: str
    sponsor: str | None
    honest: bool
    phone: str
    email: str


@dataclass(frozen=True)
class Terms:
    """What an honest vendor publishes: one rate for a sale, and one for the introducer."""

    rate_bps: int
    introducer_rate_bps: int
    hold_days: int
    confirmation: str
    window_days: int = WINDOW_DAYS
    confirm_after_days: int = 10


@dataclass(frozen=True)
class Visit:
    """A customer's visit to a vendor through somebody's link."""

    click_id: str
    affiliate: str
    clicked_at: datetime


@dataclass
class Sale:
    """What an honest vendor really sold, by whose doing, and what became of it."""

    conversion_id: str
    vendor: str
    order: str
    customer: str
    amount_minor: int
    currency: str
    terms: Terms
    reported_at: datetime
    brought_by: str | None
    introduced_by: "Introduction | None"
    confirmed_at: datetime | None = None
    rejected: bool = False
    refunds: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def refunded_minor(self) -> int:
        return sum(amount for _, amount in self.refunds)

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.refunded_minor

    @property
    def due_on(self) -> date:
        """When its own commission falls due; it must be confirmed."""
        assert self.confirmed_at
        return self.confirmed_at.date() + timedelta(days=self.terms.hold_days)

    def ended_on(self) -> date | None:
        """The day nothing was left of it."""
        return self.refunds[-1][0].date() if self.refunds and not self.left_minor else None


@dataclass
class Introduction:
    """Who introduced a customer to the network, by which sale, until when."""

    affiliate: str
    sale: Sale
    expires_at: datetime

    def live(self, moment: datetime) -> bool:
        return self.expires_at > moment and self.sale.left_minor > 0


class Truth:
    """What really happened; told by whoever acts, asked at the end."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.people: dict[str, Person] = {}
        self.visits: dict[tuple[str, str], dict[str, Visit]] = {}
        self.presented: dict[tuple[str, str], dict[str, Visit]] = {}
        self.introductions: dict[str, Introduction] = {}
        self.sales: dict[str, Sale] = {}
        self.recruits: dict[str, Sale] = {}
        self.opted_out: dict[str, datetime] = {}
        self.suspended: dict[str, datetime] = {}
        self.unbound: dict[str, datetime] = {}
        self.bank: Held = Counter()

    # ---- what happens

    def visited(self, customer: str, vendor: str, visit: Visit) -> None:
        """A customer came to a vendor through a link; an id once seen stays the first visit's."""
        self.visits.setdefault((customer, vendor), {}).setdefault(visit.click_id, visit)

    def brought_by(
        self, customer: str, vendor: str, click_id: str | None, named: str | None, at: datetime
    ) -> str | None:
        """Who brought this purchase, by a click within the window or the vendor's own word."""
        own = self.visits.get((customer, vendor), {}).get(click_id or "")
        known = {} if customer in self.opted_out else {**self.presented.get((customer, vendor), {})}
        if own:
            known[own.click_id] = own
        window = timedelta(days=WINDOW_DAYS)
        young = [each for each in known.values() if each.clicked_at + window >= at]
        for visit in sorted(young, key=lambda v: (v.clicked_at, v.click_id), reverse=True):
            if visit.affiliate != customer:
                return visit.affiliate
        return named if named != customer else None

    def sold(self, sale: Sale, click_id: str | None) -> None:
        """An honest vendor has reported a purchase, with the click it was made after."""
        place = sale.customer, sale.vendor
        if click_id and sale.customer not in self.opted_out:
            visit = self.visits[place][click_id]
            self.presented.setdefault(place, {})[click_id] = visit
        self.sales[sale.conversion_id] = sale

    def introducer(self, customer: str, at: datetime) -> Introduction | None:
        """Who has introduced the customer, unless the customer wants nobody to have."""
        found = self.introductions.get(customer)
        if found is None or customer in self.opted_out or not found.live(at):
            return None
        return found if found.affiliate != customer else None

    def confirmed(self, sale: Sale, at: datetime) -> None:
        """A sale was confirmed: it may introduce its customer, and be its affiliate's first."""
        sale.confirmed_at = at
        affiliate = sale.brought_by
        if affiliate is None or not sale.left_minor:
            return
        sponsor = self.people[affiliate].sponsor
        if sponsor and affiliate not in self.recruits:
            self.recruits[affiliate] = sale
        if sale.customer in self.opted_out:
            return
        until = sale.reported_at + timedelta(days=self.rules.introducer_days)
        known = self.introductions.get(sale.customer)
        if known is None or not known.live(sale.reported_at):
            self.introductions[sale.customer] = Introduction(affiliate, sale, until)
        elif known.affiliate == affiliate:
            known.expires_at = max(known.expires_at, until)

    def refunded(self, sale: Sale, amount_minor: int, at: datetime) -> None:
        """A vendor gave a customer money back."""
        sale.refunds.append((at, amount_minor))
        for recruit, first in list(self.recruits.items()):
            if first is sale and not sale.left_minor:
                del self.recruits[recruit]

    # ---- what it earns

    def entitled(self, sale: Sale) -> Held:
        """What each member is entitled to of an honest sale, recruitment bonuses apart."""
        held: Held = Counter()
        found = self._commission(sale)
        if found is None:
            return held
        affiliate, rate_bps = found
        direct_minor = direct_commission(sale.amount_minor, rate_bps)
        stays = left(direct_minor, sale.amount_minor, sale.refunded_minor)
        own_fee = floor(share(stays, self.rules.affiliate_fee_bps))
        held[affiliate, sale.currency] += stays - own_fee
        for sponsor, bps in zip(self.upline(affiliate), self.rules.level_rates_bps, strict=False):
            if sponsor != sale.customer:
                held[sponsor, sale.currency] += floor(share(stays, bps))
        return held

    def _commission(self, sale: Sale) -> tuple[str, int] | None:
        if sale.rejected or sale.confirmed_at is None:
            return None
        if sale.brought_by:
            return sale.brought_by, sale.terms.rate_bps
        introduced = sale.introduced_by
        if introduced is None or not sale.terms.introducer_rate_bps or self._taken_back(sale):
            return None
        return introduced.affiliate, sale.terms.introducer_rate_bps

    def _taken_back(self, sale: Sale) -> bool:
        """Whether the introducing sale came to nothing before this commission was due."""
        introducing = sale.introduced_by.sale if sale.introduced_by else sale
        ended_on = introducing.ended_on()
        if not self.rules.takes_back or ended_on is None:
            return False
        return ended_on < max(sale.due_on, introducing.due_on)

    def recruitment(self) -> Held:
        """The recruitment bonuses of honest sales, by sponsor."""
        held: Held = Counter()
        for recruit, sale in self.recruits.items():
            sponsor = self.people[recruit].sponsor
            if sponsor and sponsor != sale.customer:
                held[sponsor, self.rules.bonus_currency] += self.rules.bonus_minor
        return held

    def upline(self, name: str) -> Iterator[str]:
        """The sponsor, the sponsor's sponsor, and so on."""
        sponsor = self.people[name].sponsor
        while sponsor:
            yield sponsor
            sponsor = self.people[sponsor].sponsor
