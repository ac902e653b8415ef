"""The truth of a network, kept beside it: who brought whom, what was sold, and what it earns.

Nothing here asks the product. Honest vendors report what happened and pay what they owe; amounts
are minor units, rates basis points, and the sums are those of tests/oracle.py.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import floor

from tests.abuse.contacts import Introduction, Introductions
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
    hold_days_min: int = 0
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
    """What an honest vendor publishes: one rate for a sale, and one for the introducer.

    `lead_minor` is for a lead, `bonus_minor` for whoever has `bonus_count` sales in a month.
    """

    rate_bps: int
    introducer_rate_bps: int
    hold_days: int
    confirmation: str
    window_days: int = WINDOW_DAYS
    confirm_after_days: int = 10
    lead_minor: int = 0
    bonus_count: int = 0
    bonus_minor: int = 0

    def bonus_of(self, sales: int) -> int:
        """The bonus for so many sales of one month."""
        return self.bonus_minor if self.bonus_count and sales >= self.bonus_count else 0


@dataclass(frozen=True)
class Visit:
    """A customer's visit to a vendor through somebody's link."""

    click_id: str
    affiliate: str
    clicked_at: datetime


@dataclass
class Sale:
    """What an honest vendor really sold, by whose doing, and what became of it.

    A lead is one of amount 0. What was bought by a `lead` names nobody as the customer.
    """

    conversion_id: str
    vendor: str
    order: str
    customer: str
    contacts: tuple[str, ...]
    amount_minor: int
    currency: str
    terms: Terms
    reported_at: datetime
    brought_by: str | None
    introduced_by: "Introduction[Sale] | None"
    event: str = "sale"
    lead: "Sale | None" = None
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
    def rate_bps(self) -> int:
        """What its affiliate has of it: an introducer, who has not brought a lead, has less."""
        own = self.brought_by or self.lead
        return self.terms.rate_bps if own else self.terms.introducer_rate_bps

    @property
    def affiliate(self) -> str | None:
        """Whose it is, as long as that holds."""
        introducer = self.introduced_by.affiliate if self.introduced_by else None
        return self.brought_by or (introducer if self.rate_bps else None)

    @property
    def counts(self) -> bool:
        """Whether it counts for a bonus: an introducer's does not, but what his lead leads to."""
        own = self.brought_by or self.lead
        return self.event == "sale" and bool(own and self.terms.bonus_count)

    @property
    def month(self) -> str:
        """The month it counts in."""
        return f"{self.reported_at:%Y-%m}"

    def left_after(self, at: datetime) -> int:
        """What was left of it after all that happened up to a moment."""
        return self.amount_minor - sum(minor for when, minor in self.refunds if when <= at)


class Truth:
    """What really happened; told by whoever acts, asked at the end."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.people: dict[str, Person] = {}
        self.visits: dict[tuple[str, str], dict[str, Visit]] = {}
        self.presented: dict[tuple[str, str], dict[str, Visit]] = {}
        self.introductions = Introductions[Sale](
            self.stands, rules.introducer_days, rules.bindings_per_day_max
        )
        self.sales: dict[str, Sale] = {}
        self.recruits: dict[str, Sale] = {}
        self.opted_out: dict[str, datetime] = {}
        self.suspended: dict[str, datetime] = {}
        self.bank: Held = Counter()

    # ---- what happens

    def visited(self, customer: str, vendor: str, visit: Visit) -> None:
        """A customer came to a vendor through a link; an id once seen stays the first visit's."""
        self.visits.setdefault((customer, vendor), {}).setdefault(visit.click_id, visit)

    def has_opted_out(self, contacts: tuple[str, ...]) -> bool:
        """Whether somebody who is named so wants to be known by nobody."""
        return not self.opted_out.keys().isdisjoint(contacts)

    def brought_by(
        self,
        customer: str,
        contacts: tuple[str, ...],
        vendor: str,
        click_id: str | None,
        named: str | None,
        at: datetime,
    ) -> str | None:
        """Who brought this purchase, by a click within the window or the vendor's own word."""
        own = self.visits.get((customer, vendor), {}).get(click_id or "")
        known: dict[str, Visit] = {}
        if not self.has_opted_out(contacts):
            for contact in contacts:
                known |= self.presented.get((contact, vendor), {})
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
        if click_id and not self.has_opted_out(sale.contacts):
            visit = self.visits[sale.customer, sale.vendor][click_id]
            for contact in sale.contacts:
                self.presented.setdefault((contact, sale.vendor), {})[click_id] = visit
        self.sales[sale.conversion_id] = sale

    def introducer(
        self, customer: str, contacts: tuple[str, ...], at: datetime
    ) -> Introduction[Sale] | None:
        """Who has introduced the customer, unless the customer wants nobody to have."""
        if self.has_opted_out(contacts):
            return None
        return self.introductions.of(contacts, at, customer)

    def by_lead(self, lead: Sale, at: datetime) -> tuple[str | None, Introduction[Sale] | None]:
        """Who brought, or else has introduced, whoever now buys by a lead."""
        if lead.reported_at + timedelta(days=WINDOW_DAYS) < at:
            return None, None
        introduced = lead.introduced_by
        if lead.brought_by or introduced is None:
            return lead.brought_by, None
        anew = self.introductions.was_anew(lead.contacts, introduced, lead.reported_at)
        ended = anew or not self.stands(introduced.sale, at)
        return None, None if ended or self.has_opted_out(lead.contacts) else introduced

    def confirmed(self, sale: Sale, at: datetime) -> None:
        """A sale was confirmed: it may introduce its customer, and be its affiliate's first."""
        sale.confirmed_at = at
        affiliate, brought = sale.affiliate, sale.brought_by
        if affiliate is None or not sale.left_minor:
            return
        is_own = brought or sale.lead
        if is_own and self.people[affiliate].sponsor and affiliate not in self.recruits:
            self.recruits[affiliate] = sale
        self._end_recruitments()
        if brought and self.stands(sale, at) and not self.has_opted_out(sale.contacts):
            self.introductions.confirmed(sale, brought, at)

    def refunded(self, sale: Sale, amount_minor: int, at: datetime) -> None:
        """A vendor gave a customer money back."""
        sale.refunds.append((at, amount_minor))
        self._end_recruitments()

    def _end_recruitments(self) -> None:
        """A recruit's sale that came to nothing, or was taken back, leaves it to a later one."""
        for recruit, first in list(self.recruits.items()):
            if not first.left_minor or self._taken_back(first):
                del self.recruits[recruit]

    def stands(self, sale: Sale, at: datetime) -> bool:
        """Whether enough of a sale is left for it to introduce, by all that happened by then."""
        left_minor = sale.left_after(at)
        own = direct_commission(sale.amount_minor, sale.rate_bps)
        earns = left(own, sale.amount_minor, sale.amount_minor - left_minor) > 0
        return earns and left_minor >= self.rules.introduction_floor(sale.currency)

    # ---- what it earns

    def entitled(self, sale: Sale) -> Held:
        """What each member is entitled to of an honest sale, recruitment bonuses apart."""
        held: Held = Counter()
        found = self._commission(sale)
        if found is None:
            return held
        affiliate, direct_minor = found
        stays = left(direct_minor, sale.amount_minor, sale.refunded_minor)
        own_fee = floor(share(stays, self.rules.affiliate_fee_bps))
        held[affiliate, sale.currency] += stays - own_fee
        for sponsor, bps in zip(self.upline(affiliate), self.rules.level_rates_bps, strict=False):
            if sponsor != sale.customer:
                held[sponsor, sale.currency] += floor(share(stays, bps))
        return held

    def _commission(self, sale: Sale) -> tuple[str, int] | None:
        """Whose a sale's commission is, and how much it was before refunds, if it stays."""
        affiliate = sale.affiliate
        if sale.rejected or sale.confirmed_at is None or affiliate is None:
            return None
        if self._taken_back(sale):
            return None
        if sale.event == "lead":
            return affiliate, sale.terms.lead_minor if sale.brought_by else 0
        return affiliate, direct_commission(sale.amount_minor, sale.rate_bps)

    def _taken_back(self, sale: Sale) -> bool:
        """Whether the introducing sale came to nothing by the day this commission was due."""
        if sale.introduced_by is None or sale.brought_by or not self.rules.takes_back:
            return False
        first = sale.introduced_by.sale
        ended = next((at for at, _ in first.refunds if not self.stands(first, at)), None)
        return ended is not None and ended.date() <= max(self._due_on(sale), self._due_on(first))

    def _due_on(self, sale: Sale) -> date:
        """When a confirmed sale's own commission falls due."""
        assert sale.confirmed_at
        hold_days = max(sale.terms.hold_days, self.rules.hold_days_min)
        return sale.confirmed_at.date() + timedelta(days=hold_days)

    def counted(self) -> dict[tuple[str, str, str], list[Sale]]:
        """The sales that count for a bonus, by honest vendor, affiliate and month."""
        found: dict[tuple[str, str, str], list[Sale]] = {}
        for sale in self.sales.values():
            earned = self._commission(sale)
            if earned and sale.counts and sale.left_minor:
                found.setdefault((sale.vendor, earned[0], sale.month), []).append(sale)
        return found

    def bonuses(self) -> Held:
        """The bonuses of honest vendors: one is had while enough sales of its month stand."""
        held: Held = Counter()
        for (_, affiliate, _), sales in self.counted().items():
            held[affiliate, sales[0].currency] += sales[0].terms.bonus_of(len(sales))
        return held

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
