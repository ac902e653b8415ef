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
from functools import cached_property
from types import MappingProxyType
from typing import Any

from linkage.tables.packed import unpacked
from linkage.tables.transactions import from_wire
from tests.abuse.play import Play
from tests.abuse.truth import Held, Sale
from tests.abuse.world import LIMITS_MINOR, Failed, Fake

TAKEOVER, OPT_OUT, RECRUITMENT = "takeover", "known after opting out", "recruitment"
LIMIT, SUSPENDED = "vendor beyond its limit", "vendor suspended"
OTHER = "other gain"
BONUSES = "network:bonuses"


@dataclass(frozen=True)
class Move:
    """What one posting moved to somebody who cheats (or from), and when that fell due."""

    name: str
    currency: str
    amount_minor: int
    kind: str
    recruitment: bool
    refund: bool
    accepted_at: datetime
    due_on: str


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
        self.names = {p.member_id: n for n, p in self.truth.people.items()}
        self.cheats = {n for n, p in self.truth.people.items() if not p.honest}
        self.gain = Gain()
        tables = play.network.standin.tables
        self.reports = {
            item["conversion_id"]["S"]: _whole(item)
            for item in tables["conversions"].items()
            if item["fact"]["S"] == "report"
        }
        self.moves = self._moves()

    def judged(self) -> Gain:
        """The gain of those who cheat; never above 0 where everything is right."""
        self._money_from_nowhere()
        introduced: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for found, moves in sorted(self.moves.items()):
            own = [move for move in moves if not move.recruitment]
            if found in self.truth.sales:
                self._honest_sale(self.truth.sales[found], own, introduced)
        self._bindings(introduced)
        self._own_vendors()
        self._recruitments()
        for name, currency, minor in self.balances():
            if minor < 0 and name in self.cheats:
                self.gain.apart[f"left below zero, {currency}"] += minor
        return self.gain

    def differences(self) -> Held:
        """What each affiliate has and is owed beyond what honest trade entitles it to."""
        found: Held = Counter(self.truth.bank)
        for name, currency, minor in self.balances():
            found[name, currency] += minor
        found.subtract(self.truth.recruitment())
        for sale in self.truth.sales.values():
            found.subtract(self.truth.entitled(sale))
        return Counter({place: minor for place, minor in found.items() if minor})

    # ---- what is stored

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Every affiliate's signed balance: name, currency, minor units."""
        for item in self.play.network.standin.tables["ledger"].items():
            name = self._name(item["account"]["S"])
            if name and item["line"]["S"].startswith("balance#"):
                currency = item["line"]["S"].partition("#")[2]
                yield name, currency, int(item["balance_minor"]["N"])

    def _name(self, account: str) -> str | None:
        kind, _, member_id = account.partition(":")
        return self.names.get(member_id) if kind == "affiliate" else None

    def _moves(self) -> dict[str, list[Move]]:
        """What each conversion has moved to and from those who cheat."""
        ledger = self.play.network.standin.tables["ledger"]
        heads = [_whole(item) for item in ledger.items() if item["line"]["S"] == "head"]
        found: dict[str, list[Move]] = defaultdict(list)
        for head in heads:
            if "conversion_id" not in head:
                continue
            dues = self._dues(head["transaction_id"])
            for posting in head["postings"]:
                for account, sign in ((posting["target"], 1), (posting["source"], -1)):
                    name = self._name(account)
                    if name in self.cheats:
                        move = _move(head, posting, str(name), sign, dues)
                        found[head["conversion_id"]].append(move)
        return found

    @cached_property
    def _lines(self) -> dict[str, dict[tuple[str, str], list[str]]]:
        """The due dates of each transaction's lines, by name and currency."""
        found: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
        for item in self.play.network.standin.tables["ledger"].items():
            name = self._name(item["account"]["S"])
            if name and item["line"]["S"].startswith("line#"):
                place = name, item["currency"]["S"]
                found[item["transaction_id"]["S"]][place] = sorted(item["dues"]["M"])
        return found

    def _dues(self, transaction_id: str) -> Mapping[tuple[str, str], list[str]]:
        return self._lines.get(transaction_id, {})

    # ---- each part of the sum

    def _money_from_nowhere(self) -> None:
        """What they have and are owed must be what their conversions moved to them."""
        held: Counter[str] = Counter()
        for (name, currency), minor in self.truth.bank.items():
            held[currency] += minor if name in self.cheats else 0
        for name, currency, minor in self.balances():
            held[currency] += minor if name in self.cheats else 0
        for moves in self.moves.values():
            for move in moves:
                held[move.currency] -= move.amount_minor
        for currency, minor in held.items():
            self.gain.add(OTHER, currency, minor, "no conversion has earned it")

    def _honest_sale(
        self,
        sale: Sale,
        moves: list[Move],
        introduced: dict[tuple[str, str, str], Counter[str]],
    ) -> None:
        got = sum(move.amount_minor for move in moves)
        entitled = sum(m for (n, _), m in self.truth.entitled(sale).items() if n in self.cheats)
        if got <= entitled:
            return
        excess, found = got - entitled, sale.conversion_id
        attribution = self.reports[found]["attribution"]
        said = f"{sale.vendor}'s {sale.order} of {sale.amount_minor}, bought by {sale.customer}"
        if attribution["model"] != "introducer":
            self.gain.add(OTHER, sale.currency, excess, f"{said}, whom they did not bring", found)
            return
        opted_out_at = self.truth.opted_out.get(sale.customer)
        if opted_out_at and opted_out_at < sale.reported_at:
            self.gain.add(OPT_OUT, sale.currency, excess, f"{said}, who had opted out", found)
            return
        source = next(c["reference"] for c in attribution["candidates"] if c["won"])
        affiliate = self.names[attribution["affiliate_id"]]
        if source in self.truth.sales:
            self._brought_later(sale, self.truth.sales[source], affiliate, excess)
            return
        fake = self.play.fakes[source]
        why = self._worthless(fake, sale, moves)
        if why:
            self.gain.add(
                TAKEOVER, sale.currency, excess, f"{said}, introduced by {why}", found, source
            )
            return
        if self._renews(source, affiliate, sale.customer):
            self.gain.apart["renewed at full price, USD"] += excess
            return
        day = self._confirmed_at(source).date().isoformat()
        introduced[affiliate, fake.vendor, day][source] += excess

    def _renews(self, source: str, affiliate: str, customer: str) -> bool:
        """Whether the customer was the affiliate's already, by an earlier sale that stood.

        That one counted against its own day, so this one introduces nobody new.
        """
        before = self._confirmed_at(source)
        for candidate in self.reports[source]["attribution"]["candidates"]:
            earlier = candidate["reference"]
            if (
                candidate["model"] != "introducer"
                or self.names[candidate["affiliate_id"]] != affiliate
            ):
                continue
            known: Fake | Sale | None = self.play.fakes.get(earlier) or self.truth.sales.get(
                earlier
            )
            if known is None or self._confirmed_at(earlier) >= before:
                continue
            if isinstance(known, Sale) and (known.brought_by, known.customer) != (
                affiliate,
                customer,
            ):
                continue
            if self._left_after(known, before) >= self.rules.introduction_floor(known.currency):
                return True
        return False

    def _brought_later(self, sale: Sale, source: Sale, affiliate: str, excess: int) -> None:
        """They did bring the customer, but somebody had before, whose introduction did not hold."""
        if source.brought_by == affiliate and source.customer == sale.customer:
            self.gain.apart["brought, but not first, USD"] += excess
            return
        detail = f"{affiliate} did not bring {sale.customer} by {source.order}"
        self.gain.add(OTHER, sale.currency, excess, detail, sale.conversion_id)

    def _worthless(self, fake: Fake, sale: Sale, moves: list[Move]) -> str | None:
        """Why a vendor's word does not introduce its customer to others; None if it does."""
        why = next(self._objections(fake, sale, moves), None)
        said = f"{fake.vendor}'s {fake.event} of {fake.amount_minor} {fake.currency}"
        return f"{said}, {why}" if why else None

    def _objections(self, fake: Fake, sale: Sale, moves: list[Move]) -> Iterator[str]:
        floor_minor = self.rules.introduction_floor(fake.currency)
        if fake.event != "sale" or fake.left_minor(sale.reported_at) < floor_minor:
            yield f"of which less than {floor_minor} was left"
        own = [m for m in self.moves.get(fake.conversion_id, []) if m.kind == "commission"]
        if not own:
            yield "which earned nothing"
            return
        due_on = max(move.due_on for move in moves if move.amount_minor > 0)
        if due_on < max(move.due_on for move in own):
            yield "which falls due later than what it introduces"
        for at, _ in fake.refunds:
            falls = fake.left_minor(at) >= floor_minor > self._left_after(fake, at)
            if falls and at.date().isoformat() < due_on:
                yield "refunded before what it introduced fell due"
        confirmed_at = self._confirmed_at(fake.conversion_id)
        if self._suspended(fake.vendor, confirmed_at):
            yield "confirmed while the vendor was suspended"
        unbound_at = self.truth.unbound.get(sale.customer)
        if unbound_at and confirmed_at < unbound_at < sale.reported_at:
            yield "unbound by the operators"

    @staticmethod
    def _left_after(sold: Fake | Sale, at: datetime) -> int:
        return sold.amount_minor - sum(minor for when, minor in sold.refunds if when <= at)

    def _bindings(self, introduced: dict[tuple[str, str, str], Counter[str]]) -> None:
        """What sales at full price have introduced is apart, up to so many of them a day."""
        most = self.rules.bindings_per_day_max
        for (affiliate, vendor, day), by_source in sorted(introduced.items()):
            for number, (_, minor) in enumerate(sorted(by_source.items()), start=1):
                if number <= most:
                    self.gain.apart["introduced at full price, USD"] += minor
                    self.gain.apart["introductions at full price"] += 1
                else:
                    detail = f"{affiliate} introduced more than {most} customers of {vendor} {day}"
                    self.gain.add(TAKEOVER, "USD", minor, detail, *by_source)

    def _own_vendors(self) -> None:
        """What their own vendors' conversions have cost, by vendor, month and currency."""
        used: Counter[tuple[str, str, str]] = Counter()
        about: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for found, fake in sorted(self.play.fakes.items()):
            own = [move for move in self.moves.get(found, []) if not move.recruitment]
            if not own:
                continue
            confirmed_at = self._confirmed_at(found)
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
        fake, sale = self.play.fakes.get(found), self.truth.sales.get(found)
        event, known = (fake.event, fake) if fake else ("sale", sale)
        assert known is not None
        left = fake.left_minor() if fake else known.left_minor
        floor_minor = self.rules.recruitment_floor(known.currency)
        said = f"a recruit's {event} of {known.amount_minor} {known.currency}, {left} of it left"
        if event != "sale" or floor_minor is None or left < floor_minor:
            return f"{said}, where {floor_minor} is the least"
        if not any(
            posting["kind"] == "commission" and posting["amount_minor"] > 0
            for posting in self._head(found)["postings"]
        ):
            return f"{said}, which earned nothing"
        return None

    # ---- what they are asked

    def _confirmed_at(self, found: str) -> datetime:
        return datetime.fromisoformat(self._head(found)["accepted_at"])

    def _head(self, found: str) -> dict[str, Any]:
        ledger = self.play.network.standin.tables["ledger"]
        return _whole(ledger.partitions[f"transaction:{found}/confirmation"]["head"])

    def _suspended(self, vendor: str, at: datetime) -> bool:
        since = self.truth.suspended.get(vendor)
        return since is not None and since <= at

    def _was_paid(self, taken: Move, found: str) -> bool:
        """Whether what a refund takes back had been paid out when it was accepted."""
        since = self._confirmed_at(found)
        return any(
            paid.name == taken.name
            and paid.currency == taken.currency
            and paid.cutoff >= taken.due_on
            and since < paid.debited_at < taken.accepted_at
            for paid in self.play.paid
        )


def _move(
    head: Mapping[str, Any],
    posting: Mapping[str, Any],
    name: str,
    sign: int,
    dues: Mapping[tuple[str, str], list[str]],
) -> Move:
    dates = dues.get((name, posting["currency"]), ["9999-12-31"])
    refund = not head["transaction_id"].endswith("/confirmation")
    return Move(
        name=name,
        currency=posting["currency"],
        amount_minor=sign * posting["amount_minor"],
        kind=posting["kind"],
        recruitment=BONUSES in {posting["source"], posting["target"]},
        refund=refund,
        accepted_at=datetime.fromisoformat(head["accepted_at"]),
        due_on=dates[0] if refund else dates[-1],
    )


def _whole(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with what is packed in it."""
    own = from_wire({name: value for name, value in item.items() if name != "content"})
    packed: dict[str, Any] = unpacked(item["content"]["B"]) if "content" in item else {}
    return own | packed
