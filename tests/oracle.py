"""What the rules of money say, worked out apart from the product, in exact fractions.

Nothing here is imported from `linkage`: where the two agree, two people agreed. Facts and terms
come as plain dictionaries, as they are stored.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Any

type Plain = Mapping[str, Any]
type Held = Counter[tuple[str, str]]
"""What accounts hold, by (account, currency); a vendor's debt is negative."""


def rounded_half_up(value: Fraction) -> int:
    """The nearest whole number, the greater one when two are as near."""
    return floor(value + Fraction(1, 2))


def share(minor: int, bps: int) -> Fraction:
    """So many basis points of an amount, exactly."""
    return Fraction(minor * bps, 10_000)


def left(minor: int, sale_minor: int, refunded_minor: int) -> int:
    """What stays of an amount when part of its sale is refunded."""
    part = Fraction(sale_minor - refunded_minor, sale_minor) if sale_minor else Fraction(1)
    return rounded_half_up(minor * part)


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
    return rounded_half_up(share(sale_minor, rate_bps))


def standing(direct_minor: int, sale_minor: int, refunded_minor: int, terms: Terms) -> Counter[str]:
    """What each account holds of a commission once this much of its sale is refunded.

    Accounts: `vendor`, `fees`, `affiliate`, `level1`… A vendor's debt is negative.
    """
    stays = left(direct_minor, sale_minor, refunded_minor)
    fee = floor(share(stays, terms.fee_bps))
    held: Counter[str] = Counter(affiliate=stays, fees=fee, vendor=-stays - fee)
    for level, bps in terms.paid_levels:
        override = floor(share(stays, bps))
        held[f"level{level}"] += override
        held["fees" if terms.paid_by_network else "vendor"] -= override
    return Counter({account: minor for account, minor in held.items() if minor})


def moved[A](postings: Iterable[tuple[A, A, int]]) -> Counter[A]:
    """What (source, target, amount) triples change in each account; untouched ones are absent."""
    change: Counter[A] = Counter()
    for source, target, amount in postings:
        change[source] -= amount
        change[target] += amount
    return Counter({account: minor for account, minor in change.items() if minor})


def difference[A](after: Counter[A], before: Counter[A]) -> Counter[A]:
    """What each account gained from `before` to `after`."""
    both = after.keys() | before.keys()
    change = {account: after[account] - before[account] for account in both}
    return Counter({account: minor for account, minor in change.items() if minor})


def together[A](*each: Counter[A]) -> Counter[A]:
    """What each account gained in all; untouched ones are absent."""
    change: Counter[A] = Counter()
    for one in each:
        change.update(one)
    return Counter({account: minor for account, minor in change.items() if minor})


def running(parts: Sequence[int], start: int = 0) -> list[tuple[int, int]]:
    """(before, after) of each part of a sum, in order."""
    steps, total = [], start
    for part in parts:
        steps.append((total, total + part))
        total += part
    return steps


# ---- every rule


@dataclass(frozen=True)
class Story:
    """A conversion with its confirmation and the versions of the terms it was reported under."""

    conversion: Plain
    confirmation: Plain
    program: Plain
    settings: Plain

    @cached_property
    def moment(self) -> datetime:
        """When it happened, UTC."""
        return datetime.fromisoformat(self.conversion["occurred_at"])

    @cached_property
    def tallies(self) -> dict[str, Plain]:
        """Those the confirmation saw, by name."""
        return {tally["name"]: tally for tally in self.confirmation["seen"]["tallies"]}

    @property
    def amount(self) -> int:
        """Of the whole conversion, minor units."""
        return int(self.conversion["amount_minor"])

    @property
    def refunded(self) -> int:
        """What was refunded before the confirmation, minor units."""
        return int(self.confirmation["refunded_before_minor"])

    @property
    def is_sale(self) -> bool:
        """Whether it is a sale, and not a lead, a signup or an install."""
        return bool(self.conversion["event"] == "sale")

    @property
    def introduced(self) -> bool:
        """Whether it was the introducer who got it."""
        return bool(self.conversion["attribution"]["model"] == "introducer")

    @property
    def affiliate(self) -> str:
        """Whose it is."""
        return str(self.conversion["attribution"]["affiliate_id"])

    @property
    def earns(self) -> bool:
        """Whether it has a commission at all, be it of 0."""
        seen = self.confirmation["seen"]["affiliate"]
        attributed = self.conversion["attribution"]["affiliate_id"] is not None
        return attributed and seen is not None and seen["status"] == "approved"

    def period(self, kind: str) -> str:
        """The month, quarter or year it happened in."""
        year, month = self.moment.year, self.moment.month
        names = {"month": f"{year}-{month:02}", "quarter": f"{year}-Q{-(-month // 3)}"}
        return names.get(kind, str(year))

    def counted(self, name: str, what: str = "amount_minor") -> int:
        """What a tally held before; 0 if there was none."""
        return int(self.tallies[name][what]) if name in self.tallies else 0

    def sales_name(self, by: str, period: str, currency: str | None) -> str:
        """The tally that a threshold or a bonus is measured by."""
        of = currency if by == "volume" else "*"
        return f"sales#{self.conversion['program_id']}#{self.affiliate}#{self.period(period)}#{of}"


def add_months(moment: datetime, months: int) -> datetime:
    """So many months later; a day that month does not have becomes its last one."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    for day in range(moment.day, 0, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _customer(story: Story) -> tuple[int, list[datetime]]:
    begins = f"customer#{story.conversion['program_id']}#{story.conversion['event']}#"
    own = [tally for name, tally in story.tallies.items() if name.startswith(begins)]
    since = [datetime.fromisoformat(tally["since"]) for tally in own if tally["since"]]
    return max((tally["count"] for tally in own), default=0), since


def _applies(story: Story, reward: Plain, category: str | None) -> bool:
    conversion, attribution = story.conversion, story.conversion["attribution"]
    on, (count, since) = story.moment.date(), _customer(story)
    named = {
        "currency": conversion["currency"],
        "affiliate_id": attribution["affiliate_id"],
        "coupon": attribution["coupon"],
        "category": category,
    }
    known = bool(conversion["customer_keys"])
    return (
        reward["event"] == conversion["event"]
        and all(reward[key] in (None, value) for key, value in named.items())
        and reward["group"] in (None, *story.confirmation["seen"]["affiliate"]["groups"])
        and (not reward["starts_on"] or on >= date.fromisoformat(reward["starts_on"]))
        and (not reward["ends_on"] or on <= date.fromisoformat(reward["ends_on"]))
        and (not reward["first_n"] or (known and count < reward["first_n"]))
        and (not reward["months"] or (known and _is_early(story.moment, since, reward["months"])))
    )


def _is_early(moment: datetime, since: Sequence[datetime], months: int) -> bool:
    return not since or moment < add_months(min(since), months)


_PRECEDENCE = (
    ("affiliate_id",), ("coupon",), ("group",), ("category",), ("starts_on", "ends_on"),
    ("first_n",), ("months",),
)  # fmt: skip


def _rank(reward: Plain) -> int:
    """A number greater for the reward that goes first."""
    bits = ("1" if any(reward[key] is not None for key in keys) else "0" for keys in _PRECEDENCE)
    return int("".join(bits), 2)


def parts(story: Story) -> list[int]:
    """What each reward of the program earns after its caps, before the ceiling."""
    rewards, items = story.program["rewards"], story.conversion["items"]
    earned = [0] * len(rewards)
    if story.introduced or (story.is_sale and story.amount == 0):
        return earned
    lines = [(item["amount_minor"], item["category"]) for item in items]
    rest = story.amount - sum(minor for minor, _ in lines)
    if rest or not lines:
        lines.append((rest, None))
    of_reward: dict[int, list[int]] = {}
    for minor, category in lines:
        fitting = [i for i, r in enumerate(rewards) if _applies(story, r, category)]
        if fitting:
            best = min(fitting, key=lambda i: (-_rank(rewards[i]), i))
            of_reward.setdefault(best, []).append(minor)
    for place, own in of_reward.items():
        reward = rewards[place]
        pays = _step(story, reward) if reward["thresholds"] else reward
        fixed = pays["amount_minor"]
        if story.conversion["event"] in PRICED_BY:
            minor = min(counted(story, fixed), 10**12)
        elif fixed is not None:
            minor = fixed
        else:
            minor = sum(direct(each, pays["rate_bps"]) for each in own)
        earned[place] = max(0, min([minor, *_room(story, reward)]))
    return earned


PRICED_BY = {"click": 1, "impression": 1000}
"""How many of what the network counts itself a price is for."""


def counted(story: Story, price_minor: int) -> int:
    """What as many as it stands for are worth at a price, minor units."""
    many = Fraction(story.conversion["quantity"], PRICED_BY[story.conversion["event"]])
    return rounded_half_up(price_minor * many)


def _step(story: Story, reward: Plain) -> Plain:
    by, period = reward["thresholds"]["by"], reward["thresholds"]["period"]
    name = story.sales_name(by, period, reward["currency"])
    before = story.counted(name, "amount_minor" if by == "volume" else "count")
    begun = [step for step in reward["thresholds"]["steps"] if step["start"] <= before]
    return max(begun, key=lambda step: int(step["start"]))


def cap_names(story: Story, reward: Plain) -> dict[str, int]:
    """The tallies a reward is limited by, with their limits."""
    program_id, currency = story.conversion["program_id"], reward["currency"]
    names = {}
    if reward["name"] and reward["period_max_minor"] is not None:
        period = story.period(reward["period"])
        name = f"reward#{program_id}#{story.affiliate}#{period}#{currency}#{reward['name']}"
        names[name] = reward["period_max_minor"]
    if reward["name"] and reward["budget_minor"] is not None:
        names[f"reward#{program_id}#*#*#{currency}#{reward['name']}"] = reward["budget_minor"]
    return names


def _room(story: Story, reward: Plain) -> Iterator[int]:
    if reward["max_minor"] is not None:
        yield reward["max_minor"]
    for name, limit in cap_names(story, reward).items():
        yield limit - story.counted(name)


def levels(story: Story) -> list[tuple[int, int, Plain]]:
    """(level from 1, basis points, who) of each level that is paid."""
    upline, rates = story.confirmation["seen"]["upline"], story.settings["level_rates_bps"]
    vendor_id = story.conversion["vendor_id"]
    may = [
        who["status"] == "approved" and not who["buyer"] and who["member_id"] != vendor_id
        for who in upline
    ]
    if story.settings["active_days"] is not None:
        up = [who for who, good in zip(upline, may, strict=True) if good and who["active"]]
        may = [True] * len(up)
    else:
        up = upline
    ranked = zip(range(1, len(rates) + 1), rates, up, may, strict=False)
    return [(level, bps, who) for level, bps, who, good in ranked if good]


def cost(story: Story, direct_minor: int) -> int:
    """What a direct commission costs the vendor, all in."""
    total = direct_minor + floor(share(direct_minor, story.settings["network_fee_bps"]))
    if story.settings["override_funding"] == "vendor":
        total += sum(floor(share(direct_minor, bps)) for _, bps, _ in levels(story))
    return total


def ceiling(story: Story) -> int | None:
    """The most the sale may cost the vendor, if its program has a ceiling."""
    bps = story.program["ceiling_bps"]
    return floor(share(story.amount, bps)) if bps is not None and story.is_sale else None


def direct_of(story: Story) -> tuple[int, list[int]]:
    """The direct commission under the ceiling, and what each reward has of it."""
    own = parts(story)
    wanted = sum(own)
    if story.introduced:
        wanted = direct(story.amount, story.program["introducer_rate_bps"])
    most, given = ceiling(story), wanted
    if most is not None and cost(story, given) > most:
        # cost(d) lies less than ten floors below d times the exact factor, so begin just above
        factor = 1 + Fraction(story.settings["network_fee_bps"], 10_000)
        if story.settings["override_funding"] == "vendor":
            factor += sum(Fraction(bps, 10_000) for _, bps, _ in levels(story))
        given = min(given, floor((most + 10) / factor))
        while cost(story, given) > most:
            given -= 1
    excess = wanted - given
    for place in reversed(range(len(own))):
        cut = min(own[place], excess)
        own[place] -= cut
        excess -= cut
    return given, own


def held(story: Story, refunded: int) -> Held:
    """What every account holds of the conversion, but for period bonuses, at so much refunded."""
    of: Held = Counter()
    if not story.earns:
        return of
    currency, settings = story.conversion["currency"], story.settings
    vendor = f"vendor:{story.conversion['vendor_id']}"

    def move(source: str, target: str, minor: int, unit: str = currency) -> None:
        of[source, unit] -= minor
        of[target, unit] += minor

    def split(who: Plain, minor: int) -> None:
        for each in who["splits"]:
            to = f"affiliate:{each['member_id']}"
            move(f"affiliate:{who['member_id']}", to, floor(share(minor, each["share_bps"])))

    affiliate, fees = f"affiliate:{story.affiliate}", "network:fees"
    stays = left(direct_of(story)[0], story.amount, refunded)
    own_fee = floor(share(stays, settings["affiliate_fee_bps"]))
    move(vendor, affiliate, stays)
    move(vendor, fees, floor(share(stays, settings["network_fee_bps"])))
    move(affiliate, fees, own_fee)
    split(story.confirmation["seen"]["affiliate"], stays - own_fee)
    payer = fees if settings["override_funding"] == "network" else vendor
    for _, bps, who in levels(story):
        override = floor(share(stays, bps))
        move(payer, f"affiliate:{who['member_id']}", override)
        split(who, override)
    sponsor = story.confirmation["seen"]["upline"][:1]
    bonus = settings["recruitment_bonus"]
    may_have = sponsor and sponsor[0]["status"] == "approved" and not sponsor[0]["buyer"]
    if bonus and may_have and recruits(story) and story.amount - refunded >= (least(story) or 1):
        to = f"affiliate:{sponsor[0]['member_id']}"
        move("network:bonuses", to, bonus["amount_minor"], bonus["currency"])
    return Counter({account: minor for account, minor in of.items() if minor})


def recruits(story: Story) -> bool:
    """Whether this is the affiliate's first sale, which decides on the recruitment bonus."""
    own = story.is_sale and story.earns and not story.introduced
    before = story.tallies.get(f"member#{story.affiliate}", {"recruited_by": None})
    first = own and story.refunded < story.amount and before["recruited_by"] is None
    if not first or story.confirmation["rules"] == 1:
        return first
    upline, shop = story.confirmation["seen"]["upline"], story.conversion["vendor_id"]
    if upline and upline[0]["member_id"] == shop:
        return False
    floor_minor, stands = least(story), story.amount - story.refunded
    had = [tally for name, tally in story.tallies.items() if name.startswith("recruits#")]
    full = any(tally["count"] >= story.settings["recruits_per_month_max"] for tally in had)
    return (
        floor_minor is not None
        and stands >= floor_minor
        and left(direct_of(story)[0], story.amount, story.refunded) > 0
        and not (full and story.settings["recruitment_bonus"])
    )


def least(story: Story) -> int | None:
    """How much of a recruit's first sale has to stand; None where none is enough."""
    if story.confirmation["rules"] == 1:
        return 1
    floors, currency = story.settings["introduction_minimum_minor"], story.conversion["currency"]
    bonus = story.settings["recruitment_bonus"]
    if currency in floors or not bonus:
        return int(floors.get(currency, 1))
    return int(bonus["amount_minor"]) if bonus["currency"] == currency else None


def introduces(story: Story) -> bool:
    """Whether it introduces its customer, if nobody has and the day has room."""
    stands = story.amount - story.refunded
    return (
        story.is_sale
        and story.earns
        and not story.introduced
        and bool(story.conversion["customer_keys"])
        and stands
        >= story.settings["introduction_minimum_minor"].get(story.conversion["currency"], 1)
        and left(direct_of(story)[0], story.amount, story.refunded) > 0
    )


def due_on(story: Story) -> str:
    """The UTC date from which everything of the conversion counts."""
    accepted = datetime.fromisoformat(story.confirmation["accepted_at"]).date()
    days = [story.program["hold_days"]]
    if story.confirmation["rules"] > 1:
        days.append(story.settings["hold_days_min"])
    own = (accepted + timedelta(days=max(days))).isoformat()
    introduction = story.conversion["attribution"]["introduction"]
    return max(own, introduction["due_on"]) if introduction else own


def cost_names(story: Story) -> dict[str, str]:
    """The tallies of what the vendor's month costs, by currency, where it has a limit."""
    if not story.earns:
        return {}
    possible = [story.conversion["currency"]]
    if story.is_sale and not story.introduced:
        possible += [b["currency"] for b in story.program["bonuses"] if b["by"] == "count"]
    limits = story.confirmation["seen"]["limits"]
    begins = f"cost#{story.conversion['vendor_id']}#{story.confirmation['accepted_at'][:7]}#"
    return {currency: begins + currency for currency in possible if currency in limits}
