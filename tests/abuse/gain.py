"""What those who cheat have gained: what they have and are owed, less what they are entitled to.

Each conversion is judged by itself, so that what they lost by one never hides what they stole by
another. Of their own vendors' conversions they may have what these vendors' limits allow; what such
a vendor refunds after it was paid out stays received. What no rule can tell from an honest sale is
counted apart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from tests.abuse.play import Play
from tests.abuse.ruling import Ruling
from tests.abuse.stored import Move, Stored
from tests.abuse.truth import Held, Sale
from tests.abuse.world import LIMITS_MINOR, Failed, Fake

TAKEOVER, OPT_OUT, RECRUITMENT = "takeover", "known after opting out", "recruitment"
LIMIT, SUSPENDED = "vendor beyond its limit", "vendor suspended"
BONUS, LOST, OTHER = "bonus not reached", "an introducer's loss", "other gain"
OPERATOR = "an operator's sale"

type Introduced = dict[tuple[str, str, str], dict[str, Source]]
"""What sales at full price have introduced: by affiliate, vendor and day, and by sale."""


@dataclass
class Source:
    """What one sale at full price has introduced: so much, and surely these contacts."""

    minor: int = 0
    contacts: set[str] = field(default_factory=set)


@dataclass
class Gain:
    """The sum of a run: what was gained, by kind, and what was counted apart."""

    failed: list[Failed] = field(default_factory=list)
    minor: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, currency: str, minor: int, detail: str, *about: str) -> None:
        """Counts what was gained, if anything was, by these conversions."""
        if minor > 0:
            self.minor[currency] += minor
            self.failed.append(Failed(kind, f"{minor} {currency}: {detail}", about))


class Judge:
    """Looks at everything stored at the end of a run, and holds it against the truth."""

    def __init__(
        self, play: Play, limits_minor: Mapping[str, int] = MappingProxyType(LIMITS_MINOR)
    ) -> None:
        self.limits_minor = limits_minor
        self.play, self.truth, self.rules = play, play.truth, play.truth.rules
        self.stored = Stored(play)
        self.names, self.cheats = self.stored.names, self.stored.cheats
        self.reports, self.moves = self.stored.reports, self.stored.moves
        self.ruling = Ruling(play, self.stored)
        self.gain = Gain()

    def judged(self) -> Gain:
        """The gain of those who cheat; never above 0 where everything is right."""
        self._money_from_nowhere()
        introduced: Introduced = defaultdict(lambda: defaultdict(Source))
        for found, moves in sorted(self.moves.items()):
            own = [move for move in moves if not (move.recruitment or move.bonus)]
            if found in self.truth.sales:
                self._honest_sale(self.truth.sales[found], own, introduced)
        self._bindings(introduced)
        self._own_vendors()
        self._forged()
        self._recruitments()
        self._bonuses()
        self._lost()
        for name, currency, minor in self.stored.balances():
            if minor < 0 and name in self.cheats:
                self.gain.apart[f"left below zero, {currency}"] += minor
        return self.gain

    def differences(self) -> Held:
        """What each affiliate has and is owed beyond what honest trade entitles it to."""
        found: Held = Counter(self.truth.bank)
        for name, currency, minor in self.stored.balances():
            found[name, currency] += minor
        found.subtract(self.truth.recruitment())
        found.subtract(self.truth.bonuses())
        for sale in self.truth.sales.values():
            found.subtract(self.truth.entitled(sale))
        return Counter({place: minor for place, minor in found.items() if minor})

    # ---- each part of the sum

    def _money_from_nowhere(self) -> None:
        """What they have and are owed must be what their conversions moved to them."""
        held: Counter[str] = Counter()
        for (name, currency), minor in self.truth.bank.items():
            held[currency] += minor if name in self.cheats else 0
        for name, currency, minor in self.stored.balances():
            held[currency] += minor if name in self.cheats else 0
        for moves in self.moves.values():
            for move in moves:
                held[move.currency] -= move.amount_minor
        for currency, minor in held.items():
            self.gain.add(OTHER, currency, minor, "no conversion has earned it")

    def _honest_sale(self, sale: Sale, moves: list[Move], introduced: Introduced) -> None:
        got = sum(move.amount_minor for move in moves)
        entitled = sum(m for (n, _), m in self.truth.entitled(sale).items() if n in self.cheats)
        if got <= entitled:
            return
        excess, found, known = got - entitled, sale.conversion_id, sale.lead or sale
        source, affiliate = self.stored.introducing(found), self.stored.attributed(found)
        said = f"{sale.vendor}'s {sale.order} of {sale.amount_minor}, bought by {known.customer}"
        if source is None or affiliate is None:
            self.gain.add(OTHER, sale.currency, excess, f"{said}, whom they did not bring", found)
            return
        opted_out_at = (self.truth.opted_out.get(each) for each in known.contacts)
        if any(at and at < sale.reported_at for at in opted_out_at):
            self.gain.add(OPT_OUT, sale.currency, excess, f"{said}, who had opted out", found)
            return
        why = self._taken(known, affiliate) or self._worthless(source, sale, moves)
        if why:
            self.gain.add(TAKEOVER, sale.currency, excess, f"{said}, {why}", found, source)
            return
        if source in self.truth.sales:
            self._brought_later(known, self.truth.sales[source], affiliate, excess)
            return
        if source not in self.ruling.new:
            self.gain.apart["renewed at full price, USD"] += excess
            return
        day = self.stored.confirmed_at(source).date().isoformat()
        place = introduced[affiliate, self.play.fakes[source].vendor, day][source]
        place.minor += excess
        shared = self._keys(known.conversion_id) & self._keys(source)
        if len(shared) == 1:
            place.contacts |= shared

    def _keys(self, found: str) -> set[str]:
        return {*self.reports[found]["customer_keys"]}

    def _taken(self, sale: Sale, affiliate: str) -> str | None:
        """Why it is not its affiliate who had introduced its customer by the rules, if so."""
        ruled = self.ruling.of[sale.conversion_id]
        if ruled is None:
            return "whom nobody had introduced"
        if ruled.affiliate == affiliate or ruled.affiliate in self.cheats:
            return None
        sold = ruled.sale.sold
        return f"whom {ruled.affiliate} had introduced by {sold.vendor}'s {sold.order}"

    def _brought_later(self, sale: Sale, source: Sale, affiliate: str, excess: int) -> None:
        """They did bring the customer, but somebody had before, whose introduction did not hold."""
        if source.brought_by == affiliate and source.customer == sale.customer:
            self.gain.apart["brought, but not first, USD"] += excess
            return
        detail = f"{affiliate} did not bring {sale.customer} by {source.order}"
        self.gain.add(OTHER, sale.currency, excess, detail, sale.conversion_id)

    def _worthless(self, source: str, sale: Sale, moves: list[Move]) -> str | None:
        """Why a vendor's word does not introduce its customer to others; None if it does."""
        fake = self.play.fakes.get(source)
        why = next(self._objections(fake, sale, moves), None) if fake else None
        return f"introduced by {fake.vendor}'s {fake.order}, {why}" if fake and why else None

    def _objections(self, fake: Fake, sale: Sale, moves: list[Move]) -> Iterator[str]:
        if fake.event != "sale" or fake.left_before(sale.reported_at) < self._floor(fake):
            yield f"of which less than {self._floor(fake)} was left"
        own = [m for m in self.moves.get(fake.conversion_id, []) if m.kind == "commission"]
        if not own:
            yield "which earned nothing"
            return
        if not self._stands(fake, sale.reported_at):
            yield "which earned nothing any more"
        due_on = max(move.due_on for move in moves if move.amount_minor > 0)
        if due_on < max(move.due_on for move in own):
            yield "which falls due later than what it introduces"
        for at, _ in fake.refunds:
            if not self._stands(fake, at) and at.date().isoformat() <= due_on:
                yield "refunded by the day what it introduced fell due"
        confirmed_at = self.stored.confirmed_at(fake.conversion_id)
        if self._suspended(fake.vendor, confirmed_at):
            yield "confirmed while the vendor was suspended"
        named = {*(sale.lead or sale).contacts}
        for each in self.play.unbindings:
            if confirmed_at < each.at < sale.reported_at and named & {*each.contact.values()}:
                yield "unbound by the operators"

    def _floor(self, sold: Fake | Sale) -> int:
        return self.rules.introduction_floor(sold.currency)

    def _stands(self, sold: Fake | Sale, at: datetime) -> bool:
        """Whether enough was left of it for it to introduce, and that earned something."""
        earned_minor = self.stored.earned_minor(sold.conversion_id, at)
        return earned_minor > 0 and sold.left_after(at) >= self._floor(sold)

    def _bindings(self, introduced: Introduced) -> None:
        """What sales at full price have introduced is apart, up to so many contacts a day."""
        most = self.rules.bindings_per_day_max
        for (affiliate, vendor, day), by_source in sorted(introduced.items()):
            contacts = 0
            for _, source in sorted(by_source.items()):
                contacts += max(1, len(source.contacts))
                if contacts <= most:
                    self.gain.apart["introduced at full price, USD"] += source.minor
                    self.gain.apart["introductions at full price"] += 1
                else:
                    detail = f"{affiliate} introduced more than {most} contacts at {vendor} {day}"
                    self.gain.add(TAKEOVER, "USD", source.minor, detail, *by_source)

    def _bonuses(self) -> None:
        """Bonuses of honest vendors: each takes enough sales that still earn their commission."""
        got: Counter[tuple[str, str, str]] = Counter()
        earn, about = defaultdict[tuple[str, str, str], set[str]](set), defaultdict(list)
        for place, sales in self.truth.counted().items():
            earn[place] |= {sale.conversion_id for sale in sales}
        for found, moves in sorted(self.moves.items()):
            sale, name = self.truth.sales.get(found), self.stored.attributed(found)
            forged = self.play.forged.get(found)
            known = sale or forged
            if known is None or name not in self.cheats:
                continue
            place = known.vendor, str(name), self.stored.reported_at(found)[:7]
            bonus_minor = sum(move.amount_minor for move in moves if move.bonus)
            if bonus_minor:
                got[place] += bonus_minor
                about[place].append(found)
            if sale and sale.counts and self.stored.earned_minor(found, self.play.now) > 0:
                earn[place].add(found)
        for place, minor in sorted(got.items()):
            vendor, name, month = place
            entitled_minor = self.play.shops[vendor].bonus_of(len(earn[place]))
            detail = f"{name} has {vendor}'s bonus of {month} for {len(earn[place])} sales"
            self.gain.add(BONUS, "USD", minor - entitled_minor, detail, *about[place])

    def _lost(self) -> None:
        """Whom an honest affiliate had introduced, nobody else may make forgotten."""
        for sale in self.truth.sales.values():
            if sale.lead or sale.brought_by or not sale.terms.introducer_rate_bps:
                continue
            ruled, found = self.ruling.of[sale.conversion_id], sale.conversion_id
            whose = self.stored.attributed(found)
            if ruled is None or whose == ruled.affiliate or whose in self.cheats:
                continue
            if self.truth.people[ruled.affiliate].honest:
                detail = f"{ruled.affiliate} had introduced who bought {sale.vendor}'s {sale.order}"
                self.gain.failed.append(
                    Failed(LOST, f"{detail}, now {whose or 'nobody'}'s", (found,))
                )

    def _own_vendors(self) -> None:
        """What their own vendors' conversions have cost, by vendor, month and currency."""
        used: Counter[tuple[str, str, str]] = Counter()
        about: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for found, fake in sorted(self.play.fakes.items()):
            own = [move for move in self.moves.get(found, []) if not move.recruitment]
            if not own:
                continue
            confirmed_at = self.stored.confirmed_at(found)
            minor = sum(m.amount_minor for m in own if not m.refund or not self._was_paid(m, found))
            if self._suspended(fake.vendor, confirmed_at):
                detail = f"{fake.order}, confirmed after {fake.vendor} was suspended"
                self.gain.add(SUSPENDED, own[0].currency, minor, detail, found)
                continue
            place = fake.vendor, f"{confirmed_at:%Y-%m}", own[0].currency
            used[place] += minor
            about[place].append(found)
        for place, minor in sorted(used.items()):
            vendor, month, currency = place
            most = self.limits_minor[currency]
            detail = f"{vendor} may cost {most} {currency} in {month}"
            self.gain.add(LIMIT, currency, minor - most, detail, *about[place])

    def _forged(self) -> None:
        """What an operator has reported in honest vendors' names must have come to nothing."""
        for found in sorted(self.play.forged):
            own = [m for m in self.moves.get(found, []) if not (m.recruitment or m.bonus)]
            minor = sum(m.amount_minor for m in own if not m.refund or not self._was_paid(m, found))
            detail = "an operator reported it in an honest vendor's name"
            self.gain.add(OPERATOR, "USD", minor, detail, found)

    def _recruitments(self) -> None:
        """Recruitment bonuses of recruits' sales: those too small, and those beyond the bound."""
        monthly: dict[tuple[str, str], list[str]] = defaultdict(list)
        currency, most = self.rules.bonus_currency, self.rules.recruits_per_month_max
        for found, moves in sorted(self.moves.items()):
            bonuses = [move for move in moves if move.recruitment]
            minor = sum(move.amount_minor for move in bonuses)
            why = self._too_small(found)
            if minor > 0 and why:
                self.gain.add(RECRUITMENT, currency, minor, why, found)
            else:
                excess, detail = minor - self.rules.bonus_minor, "it is more than was offered"
                self.gain.add(RECRUITMENT, currency, excess, detail, found)
            kept = sum(
                m.amount_minor for m in bonuses if not m.refund or not self._was_paid(m, found)
            )
            if kept > 0 and not (minor > 0 and why):
                monthly[bonuses[0].name, f"{bonuses[0].accepted_at:%Y-%m}"].append(found)
        for (sponsor, month), sold in sorted(monthly.items()):
            self.gain.apart["recruitment bonuses at full price"] += min(len(sold), most)
            detail = f"{sponsor} had {len(sold)} recruitment bonuses in {month}"
            excess = (len(sold) - most) * self.rules.bonus_minor
            self.gain.add(RECRUITMENT, currency, excess, detail, *sold)

    def _too_small(self, found: str) -> str | None:
        known = self.truth.sales.get(found) or self.play.reported_by_cheats(found)
        event, left = known.event, known.left_minor
        floor_minor = self.rules.recruitment_floor(known.currency)
        said = f"a recruit's {event} of {known.amount_minor} {known.currency}, {left} of it left"
        if event != "sale" or floor_minor is None or left < floor_minor:
            return f"{said}, where {floor_minor} is the least"
        if self.stored.earned_minor(found, self.play.now) <= 0:
            return f"{said}, which earns nothing"
        return None

    # ---- what they are asked

    def _suspended(self, vendor: str, at: datetime) -> bool:
        since = self.truth.suspended.get(vendor)
        return since is not None and since <= at

    def _was_paid(self, taken: Move, found: str) -> bool:
        """Whether what a refund takes back had been paid out when it was accepted."""
        since = self.stored.confirmed_at(found)
        return any(
            paid.name == taken.name
            and paid.currency == taken.currency
            and paid.cutoff >= taken.due_on
            and since < paid.debited_at < taken.accepted_at
            for paid in self.play.paid
        )
