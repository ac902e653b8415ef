"""Random terms and conversions for the properties of money: every kind of reward there is."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from hypothesis import strategies as st

from linkage.domain import clock
from linkage.domain.commissions.tally_moves import HELD_MAX
from linkage.domain.commissions.wanted_tallies import cost_names, wanted
from linkage.domain.conversions.attribution import Attribution
from linkage.domain.conversions.conversions import Confirmation, Conversion, Item
from linkage.domain.conversions.introductions import bindings_name, could_introduce
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import (
    PERIODS,
    HeldBonus,
    Tally,
    kind_of,
    member_tally,
    recruits_tally,
    tally_named,
)
from linkage.domain.people.customers import Introduction
from linkage.domain.people.members import Split
from linkage.domain.rule_versions import RULES, RULES_FIRST
from linkage.domain.terms.network import NetworkSettings, RecruitmentBonus
from linkage.domain.terms.programs import COUNTED_EVENTS, Bonus, Program, Reward, Step, Thresholds
from tests.domain.examples import (
    AFFILIATE,
    CONVERSION,
    NOW,
    PROGRAM,
    SETTINGS,
    UPLINE,
    confirmation,
)
from tests.oracle import Story

CURRENCIES = ("JPY", "USD", "ZWG", "BHD")
CATEGORIES = ("tools", "paint")
MANY_HELD = 160
"""More due dates of one line than an expression takes; held by the first rules alone."""
ABOVE = (*UPLINE, *(f"mem_above{level}" for level in range(6, 11)))

type Case = tuple[Conversion, Confirmation, Program, NetworkSettings]

maybe = st.booleans()
rates = st.sampled_from((500, 1_250, 3_000, 333, 1, 0)) | st.integers(0, 3_000)
amounts = st.sampled_from(
    (10_000, 25_030, 1_999, 333_333, 190, 11, 10, 9, 1, 0, 10**12)
) | st.integers(1, 10**12)


@st.composite
def thresholds(draw: st.DrawFn) -> Thresholds:
    """Steps from 0 on without a gap, some of a rate and some of a fixed amount."""
    starts = [0, *sorted(draw(st.sets(st.integers(1, 40), max_size=3)))]
    by = draw(st.sampled_from(("volume", "count")))
    scale = draw(st.sampled_from((1, 1000))) if by == "volume" else 1
    ends = [start * scale for start in starts[1:]]
    steps = tuple(
        Step(start * scale, stop, *draw(st.sampled_from(((500, None), (1250, None), (None, 70)))))
        for start, stop in zip(starts, [*ends, None], strict=True)
    )
    return Thresholds(by, draw(st.sampled_from(PERIODS)), steps)


HOLDING: tuple[dict[str, Any], ...] = (
    {"affiliate_id": AFFILIATE},
    {"coupon": "SPRING"},
    {"group": "gold"},
    {"group": "staff"},
    {"category": "tools"},
    {"category": "paint"},
    {"starts_on": "2026-11-20"},
    {"ends_on": "2026-11-20"},
    {"first_n": 1},
    {"first_n": 3},
    {"months": 1},
    {"months": 12},
)
OF_COUNTED = tuple(
    each for each in HOLDING if not each.keys() & {"coupon", "category", "first_n", "months"}
)
MISSING: tuple[dict[str, Any], ...] = (
    {"event": "install"},
    {"affiliate_id": "mem_other"},
    {"coupon": "OTHER"},
    {"group": "other"},
    {"starts_on": "2026-11-21"},
    {"ends_on": "2026-11-19"},
)
CAPS: tuple[dict[str, Any], ...] = (
    {"max_minor": 60},
    {"max_minor": 0},
    {"period": "month", "period_max_minor": 9_000},
    {"period": "quarter", "period_max_minor": 40},
    {"budget_minor": 7_000},
    {"budget_minor": 10**9},
)


@st.composite
def rewards(draw: st.DrawFn, event: str, currency: str, name: str) -> Reward:
    """A reward of any kind; most of its conditions hold for the example's affiliate and day."""
    terms: dict[str, Any] = {"event": event, "currency": currency, "name": name}
    if event in COUNTED_EVENTS:
        return draw(counted_rewards(terms))
    terms |= draw(st.sampled_from(({}, {}, *HOLDING)))
    terms |= draw(st.sampled_from(({}, {}, {}, *HOLDING)))
    terms |= draw(st.sampled_from(({},) * 20 + MISSING))
    match draw(st.sampled_from(("any", "rate", "amount", "thresholds"))):
        case "any":
            currency_of_it = draw(st.sampled_from((None, None, "EUR")))
            return Reward(**terms | {"currency": currency_of_it, "rate_bps": draw(rates)})
        case "rate":
            terms |= {"rate_bps": draw(rates)}
        case "amount":
            terms |= {"amount_minor": draw(st.integers(1, 5_000))}
        case "thresholds":
            terms |= {"thresholds": draw(thresholds())}
    terms |= draw(st.sampled_from(({}, {}, *CAPS))) | draw(st.sampled_from(({}, {}, *CAPS)))
    return Reward(**terms)


@st.composite
def counted_rewards(draw: st.DrawFn, terms: dict[str, Any]) -> Reward:
    """A price of clicks or impressions; most of its conditions hold."""
    terms = terms | draw(st.sampled_from(({}, {}, *OF_COUNTED)))
    terms |= draw(st.sampled_from(({}, {}, {}, *OF_COUNTED)))
    terms |= draw(st.sampled_from(({},) * 10 + tuple(m for m in MISSING if "coupon" not in m)))
    terms |= draw(st.sampled_from(({}, {}, *CAPS))) | draw(st.sampled_from(({}, {}, *CAPS)))
    return Reward(**terms | {"amount_minor": draw(st.integers(1, 5_000) | st.just(10**12))})


@st.composite
def bonuses(draw: st.DrawFn, currency: str) -> tuple[Bonus, ...]:
    """Up to three bonuses, by volume in this currency or by count."""
    shapes = st.sampled_from(
        (
            ("volume", "month", 30, currency),
            ("volume", "quarter", 100_000, currency),
            ("volume", "quarter", 400_000, currency),
            ("volume", "year", 5_000_000, currency),
            ("count", "month", 1, "USD"),
            ("count", "month", 20, "ZWG"),
            ("count", "quarter", 25, currency),
        )
    )
    chosen = draw(st.lists(shapes, max_size=3, unique=True))
    return tuple(
        Bonus(by, period, target, draw(st.integers(1, 900)), unit)
        for by, period, target, unit in chosen
    )


SPLITS = (
    (),
    (),
    (Split("mem_employee1", 3_333),),
    (Split("mem_employee1", 10_000),),
    (Split("mem_employee2", 1), Split("mem_employee3", 9_998)),
)


@st.composite
def standings(draw: st.DrawFn, member_id: str) -> Standing:
    """A member of the upline as a confirmation may see it."""
    status, active, buyer = draw(
        st.sampled_from(
            (
                *[("approved", True, False)] * 3,
                ("approved", False, False),
                ("approved", True, True),
                ("suspended", True, False),
            )
        )
    )
    return Standing(member_id, status, active, buyer, splits=draw(st.sampled_from(SPLITS)))


@st.composite
def settings_of(draw: st.DrawFn) -> NetworkSettings:
    """Settings an operator could have published."""
    level_bps = draw(
        st.sampled_from(((1_000, 500, 250), (1_000, 500), (900, 700, 500, 300, 100), (333,), ()))
    )
    by_network = draw(maybe)
    own_fee_bps = draw(st.sampled_from((0, 0, 700, 10_000)))
    least_bps = max(0, sum(level_bps) - own_fee_bps) if by_network else 0
    bonus = RecruitmentBonus(draw(st.integers(1, 900)), draw(st.sampled_from(CURRENCIES)))
    return replace(
        SETTINGS,
        level_rates_bps=level_bps,
        network_fee_bps=draw(st.just(max(2_000, least_bps)) | st.integers(least_bps, 10_000)),
        override_funding="network" if by_network else "vendor",
        affiliate_fee_bps=own_fee_bps,
        active_days=draw(st.sampled_from((None, 90))),
        recruitment_bonus=draw(st.sampled_from((bonus, None))),
        introduction_minimum_minor=draw(
            st.dictionaries(st.sampled_from(CURRENCIES), st.integers(1, 20_000), max_size=2)
        ),
        bindings_per_day_max=draw(st.integers(0, 3)),
        recruits_per_month_max=draw(st.integers(0, 3)),
        hold_days_min=draw(st.sampled_from((0, 0, 1, 45))),
    )


introductions = st.sampled_from(
    (None, *(Introduction("cnv_0", f"2026-{day}", 1) for day in ("11-01", "12-01", "12-31")))
)


@st.composite
def conversions(draw: st.DrawFn) -> Conversion:
    """A conversion of any event, amount and currency, some in lines and categories."""
    event = draw(st.sampled_from(("sale",) * 5 + ("lead", "signup", "install", *COUNTED_EVENTS)))
    if event in COUNTED_EVENTS:
        return draw(counted_days(event))
    amount_minor = draw(amounts)
    percents = draw(st.sampled_from(((), (60,), (30, 50), (50, 50), (0, 33, 33), (7, 8, 9, 10))))
    items = tuple(
        Item(amount_minor * percent // 100, draw(st.sampled_from((*CATEGORIES, None))))
        for percent in percents
    )
    model = draw(st.sampled_from(("click", "click", "click", "coupon", "introducer")))
    coupon = draw(st.sampled_from((None, "SPRING")))
    return replace(
        CONVERSION,
        event=event,
        amount_minor=amount_minor,
        currency=draw(st.sampled_from(CURRENCIES)),
        items=items,
        customer_keys=draw(st.sampled_from(((), ("k1",), ("k1", "k2")))),
        attribution=Attribution(
            AFFILIATE,
            model,
            None,
            coupon=coupon,
            introduction=draw(introductions) if model == "introducer" else None,
        ),
    )


@st.composite
def counted_days(draw: st.DrawFn, event: str) -> Conversion:
    """A day of one link as the network bills it."""
    return replace(
        CONVERSION,
        event=event,
        amount_minor=0,
        quantity=draw(st.sampled_from((1, 499, 500, 1_234, 10**9)) | st.integers(1, 10**9)),
        currency=draw(st.sampled_from(CURRENCIES)),
        attribution=Attribution(AFFILIATE, "link", None),
    )


@st.composite
def programs(draw: st.DrawFn, event: str, currency: str) -> Program:
    """A program of up to five rewards, with bonuses and perhaps a ceiling."""
    count = draw(st.sampled_from((3, 5, 2, 1)))
    return replace(
        PROGRAM,
        rewards=tuple(draw(rewards(event, currency, f"reward {n}")) for n in range(count)),
        bonuses=draw(bonuses(currency)),
        introducer_rate_bps=draw(rates),
        ceiling_bps=draw(st.sampled_from((None, None, 1_000, 400, 3_999, 1))),
    )


@st.composite
def tallies(draw: st.DrawFn, name: str, program: Program) -> Tally:
    """A tally as it may be before: a sales tally holds exactly the bonuses it has reached.

    Those of earlier versions of the program among them, as many as there may be and more.
    """
    kind, of = name.split("#", maxsplit=1)[0], name.rpartition("#")[2]
    count = draw(st.integers(0, 40))
    match kind:
        case "sales":
            amount_minor = draw(st.integers(0, 40) | st.integers(0, 500_000)) if of != "*" else 0
            tally = Tally(name, 3, count, amount_minor)
            value = count if of == "*" else amount_minor
            held = _held(name, value, program)
            earlier = draw(st.sampled_from((0, 0, 0, 0, HELD_MAX - 2, HELD_MAX, MANY_HELD)))
            return replace(tally, held=(*held, *_of_earlier_versions(name, value, held, earlier)))
        case "reward":
            return Tally(name, 2, amount_minor=draw(st.integers(0, 12_000)))
        case "cost":
            return Tally(name, 4, amount_minor=draw(st.integers(0, 10**6)))
        case "customer":
            sinces = (None, "2026-10-20T09:58:00.000Z", "2025-11-20T09:59:00.000Z")
            return Tally(name, 1, draw(st.integers(0, 4)), since=draw(st.sampled_from(sinces)))
    return Tally(
        name,
        version=draw(st.integers(0, 2)),
        last_on=draw(st.sampled_from((None, "2026-11-01", "2026-12-24"))),
        recruited_by=draw(st.sampled_from((None, None, "cnv_0"))),
    )


def _held(name: str, value: int, program: Program) -> tuple[HeldBonus, ...]:
    period, of = name.split("#")[3:]
    shapes = {"month": "2026-11", "quarter": "2026-Q4", "year": "2026"}
    return tuple(
        HeldBonus(bonus.target, bonus.amount_minor, bonus.currency, "2026-11-15")
        for bonus in program.bonuses
        if shapes[bonus.period] == period
        and of == ("*" if bonus.by == "count" else bonus.currency)
        and bonus.target <= value
    )


def _of_earlier_versions(
    name: str, value: int, held: tuple[HeldBonus, ...], count: int
) -> Iterator[HeldBonus]:
    """So many more that a value has reached, if there are so many, each due on a day of its own."""
    of, taken = name.rpartition("#")[2], {(bonus.target, bonus.currency) for bonus in held}
    currencies = CURRENCIES if of == "*" else (of,)
    reached = ((target, unit) for target in range(value, 0, -1) for unit in currencies)
    free = (each for each in reached if each not in taken)
    for number, (target, unit) in enumerate(islice(free, count)):
        yield HeldBonus(target, 1, unit, (date(2026, 1, 1) + timedelta(number)).isoformat())


@st.composite
def bounds(
    draw: st.DrawFn,
    conversion: Conversion,
    known: tuple[Tally, ...],
    upline: tuple[Standing, ...],
    settings: NetworkSettings,
) -> tuple[Tally, ...]:
    """The tallies of a day's bindings and a month's bonuses, where the sale might look at them."""
    looked_at, accepted_at = [], clock.text(NOW)
    if could_introduce(conversion) and draw(st.booleans()):
        looked_at.append(bindings_name(conversion, accepted_at))
    own = tally_named(known, member_tally(AFFILIATE))
    first = own in known and own.recruited_by is None
    if settings.recruitment_bonus and first and upline:
        looked_at.append(recruits_tally(upline[0].member_id, accepted_at[:7]))
    return tuple(Tally(name, 1, draw(st.integers(0, 3))) for name in looked_at)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A conversion with its confirmation, its program and the settings."""
    conversion = draw(conversions())
    program = draw(programs(conversion.event, conversion.currency))
    settings = draw(settings_of())
    affiliate = Standing(
        AFFILIATE,
        "approved",
        groups=draw(st.sampled_from(((), ("gold",), ("staff", "gold")))),
        splits=draw(st.sampled_from(SPLITS)),
    )
    depth = draw(st.sampled_from((3, 1, 10, 6, 5, 4, 2, 0)))
    upline = tuple(draw(standings(member_id)) for member_id in ABOVE[:depth])
    limits = draw(st.dictionaries(st.sampled_from(CURRENCIES), st.integers(1, 10**6), max_size=3))
    costs = cost_names(conversion, program, affiliate, limits, NOW)
    names = sorted({*wanted(conversion, program, affiliate), *costs.values()})
    known = tuple(draw(tallies(name, program)) for name in names)
    refunded = draw(st.just(0) | st.just(0) | st.integers(0, conversion.amount_minor))
    rules = draw(st.sampled_from((RULES, 2, RULES_FIRST)))
    if rules > RULES_FIRST:
        known = (*known, *draw(bounds(conversion, known, upline, settings)))
    seen = Seen(affiliate, upline, known, {currency: limits[currency] for currency in costs})
    counts = rules > 2 and any(kind_of(tally.name) == "bindings" for tally in known)
    new_contacts = draw(st.integers(1, 2)) if counts else 0
    confirmed = replace(confirmation(seen, refunded), rules=rules, new_contacts=new_contacts)
    return conversion, confirmed, program, settings


def wanted_of(conversion: Conversion, program: Program, confirmed: Confirmation) -> list[str]:
    """The sorted names of all tallies a confirmation has to read."""
    seen = confirmed.seen
    costs = cost_names(conversion, program, seen.affiliate, seen.limits, NOW)
    return sorted({*wanted(conversion, program, seen.affiliate), *costs.values()})


def story_of(case: Case) -> Story:
    """The same for the oracle, as plain dictionaries."""
    conversion, confirmed, program, settings = case
    return Story(asdict(conversion), asdict(confirmed), asdict(program), asdict(settings))
