"""Ceilings: the most a sale may cost its vendor under any terms, as a part of its amount.

Checked when a program or settings are published, in exact fractions. Fixed amounts are not looked
at: each conversion lowers them to the ceiling by itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from linkage.domain.money import WHOLE_BPS, percent
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Bonus, Program


@dataclass(frozen=True)
class Excess:
    """Which field of a program lets it cost too much, why, and what would help."""

    pointer: str
    why: str
    advice: str


def over_the_ceiling(program: Program, settings: NetworkSettings) -> Excess | None:
    """The first thing by which the program could exceed its ceiling; None if nothing can."""
    if program.ceiling_bps is None:
        return None
    rate_bps, pointer, name = max(_sale_rates(program), key=lambda rate: rate[0])
    on_top_bps = on_top_of(settings)
    all_in_bps = Fraction(rate_bps * (WHOLE_BPS + on_top_bps), WHOLE_BPS)
    if all_in_bps > program.ceiling_bps:
        return Excess(
            pointer,
            f"{name} is {_percent(rate_bps)} of a sale, and {_percent(on_top_bps)} of that comes "
            f"on top for the network: {_percent(all_in_bps)} in all, over the ceiling of "
            f"{_percent(program.ceiling_bps)}.",
            "Lower the rate, or raise ceiling_bps.",
        )
    if program.bonuses:
        return _fixed_excess(program) or _bonus_excess(
            program.bonuses, program.ceiling_bps, all_in_bps
        )
    return None


def on_top_of(settings: NetworkSettings) -> int:
    """What comes on top of each commission for the vendor, basis points of it."""
    levels = settings.level_rates_bps if settings.override_funding == "vendor" else ()
    return settings.network_fee_bps + sum(levels)


def room_of(program: Program) -> int | None:
    """The most that may come on top under the program's ceiling, basis points of a commission.

    None where nothing on top could exceed it: without a ceiling, or without a rate.
    """
    rate_bps = max(rate for rate, _, _ in _sale_rates(program))
    if program.ceiling_bps is None or not rate_bps:
        return None
    left_bps = program.ceiling_bps - max(_shares_bps(program.bonuses).values(), default=0)
    return floor(left_bps * WHOLE_BPS / Fraction(rate_bps)) - WHOLE_BPS


def _fixed_excess(program: Program) -> Excess | None:
    """A fixed amount is cut down to the whole ceiling, so it leaves none of it for bonuses."""
    for at, reward in enumerate(program.rewards):
        steps = reward.thresholds.steps if reward.thresholds else ()
        fixed = [reward.amount_minor, *(step.amount_minor for step in steps)]
        if reward.event == "sale" and any(amount is not None for amount in fixed):
            return Excess(
                f"/rewards/{at}",
                f"Reward {at + 1} pays a fixed amount, which on a small sale takes all that the "
                "ceiling allows and leaves nothing of it for bonuses.",
                "Make it a rate, or take bonuses or ceiling_bps away.",
            )
    return None


def _sale_rates(program: Program) -> Iterator[tuple[int, str, str]]:
    yield program.introducer_rate_bps, "/introducer_rate_bps", "The introducer rate"
    for at, reward in enumerate(program.rewards):
        if reward.event != "sale":
            continue
        pointer, name = f"/rewards/{at}", f"The rate of reward {at + 1}"
        if reward.rate_bps is not None:
            yield reward.rate_bps, f"{pointer}/rate_bps", name
        for number, step in enumerate(reward.thresholds.steps if reward.thresholds else ()):
            if step.rate_bps is not None:
                at_step = f"{pointer}/thresholds/steps/{number}/rate_bps"
                yield step.rate_bps, at_step, f"{name} in step {number + 1}"


def _bonus_excess(
    bonuses: Sequence[Bonus], ceiling_bps: int, all_in_bps: Fraction
) -> Excess | None:
    for at, bonus in enumerate(bonuses):
        if bonus.by == "count":
            return Excess(
                f"/bonuses/{at}/by",
                f"Bonus {at + 1} goes by a count of sales, whatever their amounts, so it could "
                f"exceed the ceiling of {_percent(ceiling_bps)}.",
                "Make it one by volume, or take ceiling_bps away.",
            )
    for currency, share_bps in _shares_bps(bonuses).items():
        if share_bps > ceiling_bps - all_in_bps:
            return Excess(
                "/bonuses",
                f"The bonuses in {currency} can be {_percent(share_bps)} of the sales that reach "
                f"their targets; with {_percent(all_in_bps)} for rates and fees that is over "
                f"the ceiling of {_percent(ceiling_bps)}.",
                "Lower the bonuses, raise their targets, or raise ceiling_bps.",
            )
    return None


def _shares_bps(bonuses: Sequence[Bonus]) -> dict[str, Fraction]:
    """For each currency the greatest part of an affiliate's sales that bonuses can be."""
    by_period: dict[tuple[str, str], list[Bonus]] = defaultdict(list)
    for bonus in bonuses:
        by_period[bonus.currency, bonus.period].append(bonus)
    shares_bps: dict[str, Fraction] = defaultdict(Fraction)
    for (currency, _), together in by_period.items():
        # Added up over periods, because a sale counts for its month, its quarter and its year.
        shares_bps[currency] += max(_share_bps(together, bonus.target) for bonus in together)
    return shares_bps


def _share_bps(bonuses: Sequence[Bonus], target: int) -> Fraction:
    """The part that all bonuses up to a target are of sales that just reach it."""
    reached_minor = sum(bonus.amount_minor for bonus in bonuses if bonus.target <= target)
    return Fraction(reached_minor * WHOLE_BPS, target)


def _percent(rate_bps: int | Fraction) -> str:
    """A rate as people write it, a broken basis point rounded up: `12.5 %`."""
    return percent(ceil(rate_bps))
