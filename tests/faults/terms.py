"""Random terms that can be published: every kind of reward, bonus, ceiling and setting.

Each part is tried by the product's own check at publish time and left out if it is refused, so what
is left is as wild as terms can get.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from linkage.domain.conversions.tallies import PERIODS
from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.network import FIRST_SETTINGS, NetworkSettings, RecruitmentBonus
from linkage.domain.terms.programs import (
    COUNTED_EVENTS,
    EVENTS,
    Bonus,
    Program,
    Reward,
    Step,
    Thresholds,
)
from linkage.domain.terms.publication_checks import (
    check_program,
    check_settings,
    check_settings_for,
)

CURRENCIES = ("JPY", "USD", "ZWG", "BHD")
GROUPS = ("gold", "field", "north")
CATEGORIES = ("roofing", "tools", "paint")
BONUSES_MAX = 10
COUPONS = ("SPRING", "ANN-10", "FIELD_5", "VIP")
NAMES = ("base", "extra", "first", "push")
REWARDS_TRIED = 9
GROWN_VERSIONS = 150
"""So many due dates of one line are too many for an expression that adds them to a balance."""


def random_program(random: Random, program: Program, settings: NetworkSettings) -> Program:
    """Other terms for a program that has its id, version, vendor and joint programs already."""
    confirmation = random.choice(("on_report", "on_report", "manual", "automatic"))
    terms = replace(
        program,
        rewards=(),
        bonuses=(),
        ceiling_bps=None,
        window_days=random.choice((3, 30, 365)),
        hold_days=random.choice((0, 7, 30, random.randint(0, 365))),
        confirmation=confirmation,
        confirm_after_days=random.choice((1, 5, 14)) if confirmation == "automatic" else None,
        introducer_rate_bps=random.choice((0, 0, 100, 333)),
        click_model=random.choice(("last", "first")),
        lateness_days=random.choice((0, 3, 30, 365)),
        categories=CATEGORIES,
        paused=random.random() < 0.03,
    )
    tried = [random_reward(random, program) for _ in range(random.randint(2, REWARDS_TRIED))]
    for reward in (*_basic_rewards(random), *tried, *_counted_rewards(random, program)):
        terms = _with(settings, terms, rewards=(*terms.rewards, reward)) or terms
    terms = replace(terms, rewards=tuple(random.sample(terms.rewards, len(terms.rewards))))
    if random.random() < 0.4:
        for factor in (1, 2, 4):
            ceiling_bps = random.randint(200, 2_500) * factor
            terms = _with(settings, terms, ceiling_bps=min(ceiling_bps, 10_000)) or terms
    for _ in range(random.choice((0, 1, 2, 4, BONUSES_MAX))):
        bonuses = (*terms.bonuses, random_bonus(random))
        terms = _with(settings, terms, bonuses=bonuses) or terms
    check_program(terms, settings)
    return terms


def growing_program(program: Program, number: int, settings: NetworkSettings) -> Program:
    """The numbered version of terms that add a bonus with each and fall due on another day.

    The first one has a bonus of each period, so that its sales look at all the later ones.
    """
    bonuses = [Bonus("volume", each, 1_000_000 + number, 1, CURRENCIES[0]) for each in PERIODS]
    terms = replace(
        program,
        rewards=(Reward("sale", rate_bps=1_000),),
        bonuses=tuple(bonuses if number == 0 else [bonuses[number % len(PERIODS)]]),
        ceiling_bps=None,
        hold_days=number,
        confirmation="on_report",
        confirm_after_days=None,
        categories=(),
        paused=False,
    )
    check_program(terms, settings)
    return terms


def _with(settings: NetworkSettings, program: Program, **changes: Any) -> Program | None:
    changed = replace(program, **changes)
    try:
        check_program(changed, settings)
    except InvalidFieldError:
        return None
    return changed


def _basic_rewards(random: Random) -> list[Reward]:
    """What any sale earns when nothing narrower fits: in every currency alike, or in each."""
    name = f"basic-{random.randrange(2)}"
    currencies = random.choice(((None,), CURRENCIES))
    return [
        _capped(random, _paying(random, Reward("sale", currency=each, name=f"{name}-{each}")))
        for each in currencies
    ]


def _counted_rewards(random: Random, program: Program) -> Iterator[Reward]:
    """Prices of clicks and impressions, for everybody and for some."""
    currency = random.choice(CURRENCIES)
    for event in COUNTED_EVENTS:
        for narrow in (_everybody, *random.sample(_NARROWER, random.choice((0, 1, 2)))):
            name = f"{event}-{random.randrange(4)}"
            price = random.choice((1, 5, 250, random.randint(1, 5_000)))
            reward = Reward(event, amount_minor=price, currency=currency, name=name)
            yield _capped(random, replace(reward, **narrow(random, program)))


def _everybody(_random: Random, _program: Program) -> dict[str, Any]:
    return {}


def random_reward(random: Random, program: Program) -> Reward:
    """Any reward: what it pays, whom it is for, and its caps, each at random."""
    event = random.choice(("sale", "sale", *EVENTS))
    currency = random.choice((None, *CURRENCIES))
    name = f"{random.choice(NAMES)}-{random.randrange(4)}"
    reward = _paying(random, Reward(event, currency=currency, name=name))
    for narrow in random.sample(_NARROWER, random.choice((0, 1, 1, 1, 2, 3))):
        reward = replace(reward, **narrow(random, program))
    return _capped(random, reward)


def _paying(random: Random, reward: Reward) -> Reward:
    """A rate, a fixed amount or steps; in some currency where one is needed."""
    kind = random.choice(("rate", "rate", "amount", "volume", "count"))
    if kind == "rate":
        return replace(reward, rate_bps=_rate(random))
    currency = reward.currency or (random.choice(CURRENCIES) if kind != "count" else None)
    reward = replace(reward, currency=currency)
    if kind == "amount":
        return replace(reward, amount_minor=random.randint(1, 5_000))
    return replace(reward, thresholds=_thresholds(random, kind, currency))


def _rate(random: Random) -> int:
    return random.choice((1, 33, 500, 750, 1_250, random.randint(1, 2_500)))


def _thresholds(random: Random, by: str, currency: str | None) -> Thresholds:
    most = 300_000 if by == "volume" else 15
    stops = sorted(random.sample(range(1, most), random.randint(1, 3)))
    steps = []
    for start, stop in zip([0, *stops], [*stops, None], strict=True):
        fixed = currency is not None and random.random() < 0.2
        paid = {"amount_minor": random.randint(1, 3_000)} if fixed else {"rate_bps": _rate(random)}
        steps.append(Step(start, stop, **paid))
    return Thresholds(by, random.choice(PERIODS), tuple(steps))


def _dates(random: Random, program: Program) -> dict[str, Any]:
    starts = date.fromisoformat(program.created_at[:10]) + timedelta(days=random.randint(-40, 40))
    ends = starts + timedelta(days=random.randint(0, 60))
    return {
        "starts_on": starts.isoformat() if random.random() < 0.8 else None,
        "ends_on": ends.isoformat(),
    }


_NARROWER = (
    lambda random, _: {"group": random.choice(GROUPS)},
    lambda random, _: {"category": random.choice(CATEGORIES)},
    lambda random, _: {"coupon": random.choice(COUPONS)},
    lambda random, _: {"affiliate_id": f"mem_a{random.randrange(12):02d}"},
    lambda random, _: {"first_n": random.choice((1, 1, 3))},
    lambda random, _: {"months": random.choice((1, 3, 12))},
    _dates,
)


def _capped(random: Random, reward: Reward) -> Reward:
    if reward.currency is None or random.random() < 0.5:
        return reward
    caps: dict[str, Any] = {}
    if random.random() < 0.4:
        caps["max_minor"] = random.randint(1, 5_000)
    if random.random() < 0.4:
        caps |= {"period": random.choice(PERIODS), "period_max_minor": random.randint(1, 20_000)}
    if random.random() < 0.3:
        caps["budget_minor"] = random.randint(1, 100_000)
    return replace(reward, **caps)


def random_bonus(random: Random) -> Bonus:
    """A period's target, by volume or by count."""
    by = random.choice(("volume", "count"))
    target = random.randint(1, 200_000) if by == "volume" else random.randint(1, 6)
    paid = random.randint(1, 9_999)
    return Bonus(by, random.choice(PERIODS), target, paid, random.choice(CURRENCIES))


def random_settings(
    random: Random, before: NetworkSettings, programs: Sequence[Program]
) -> NetworkSettings:
    """The next version of the settings, or `before` if none that was tried can be published."""
    for _ in range(20):
        rates = tuple(random.randint(1, 1_500) for _ in range(random.randint(0, 5)))
        bonus = RecruitmentBonus(random.randint(1, 2_000), random.choice(CURRENCIES))
        settings = replace(
            FIRST_SETTINGS,
            version=before.version + 1,
            level_rates_bps=rates,
            network_fee_bps=random.choice((0, 1_000, 2_000, 3_333)),
            override_funding=random.choice(("network", "vendor")),
            affiliate_fee_bps=random.choice((0, 0, 50, 1_000)),
            introducer_days=random.choice((7, 90, 365)),
            active_days=random.choice((None, None, 7, 60)),
            recruitment_bonus=random.choice((None, bonus)),
            split_members_max=random.choice((0, 2, 4, 9)),
            introduction_minimum_minor={
                each: random.choice((1, 400, 20_000))
                for each in random.sample(CURRENCIES, random.choice((0, 0, 2)))
            },
            bindings_per_day_max=random.choice((0, 1, 50)),
            recruits_per_month_max=random.choice((1, 2, 20)),
            hold_days_min=random.choice((0, 0, 3, 40)),
        )
        try:
            check_settings(settings)
            for program in programs:
                check_settings_for(program, settings)
        except InvalidFieldError:
            continue
        return settings
    return before
