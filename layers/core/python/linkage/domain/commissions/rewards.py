"""Rewards: what a conversion earns by its program, and what limits it.

A rate is of each line, a fixed amount is for the conversion, or for each click or thousand
impressions of what the network counted itself. Then come the reward's own caps, and
the program's ceiling over all that a sale costs the vendor (docs/money.md).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from linkage.domain.commissions.matching import (
    Case,
    Line,
    case_of,
    chosen,
    lines_of,
    passed_over,
    titled,
)
from linkage.domain.commissions.uplines import Level
from linkage.domain.commissions.wanted_tallies import cap_names, sales_name
from linkage.domain.conversions.conversions import Conversion, counted_text
from linkage.domain.conversions.standing import Seen
from linkage.domain.conversions.tallies import measure_text, measured, period_in, tally_named
from linkage.domain.money import (
    MAX_AMOUNT_MINOR,
    THOUSAND,
    amount_text,
    percent,
    share_floor,
    share_half_up,
    thousandths_half_up,
)
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import ANY, Program, Reward, Step


@dataclass(frozen=True)
class Part:
    """What one reward earns of a conversion, minor units; `name` None if no tally counts it."""

    name: str | None
    amount_minor: int


def rewarded(
    conversion: Conversion, seen: Seen, program: Program
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """What each reward that applies earns after its caps, in the program's order, and why."""
    case = case_of(conversion, seen, program)
    choices = [(line, chosen(program, case, line)) for line in lines_of(conversion)]
    parts = []
    why = [*passed_over(program, case, [reward for _, reward in choices])]
    for reward in program.rewards:
        own = [line.amount_minor for line, choice in choices if choice is reward]
        if own:
            part, said = _part(reward, own, case)
            parts.append(part)
            why += said
    return tuple(parts), (*why, *_unrewarded(conversion, program, choices))


def _part(reward: Reward, lines_minor: Sequence[int], case: Case) -> tuple[Part, list[str]]:
    currency = case.conversion.currency
    step, why = _step(reward, case)
    if step.amount_minor is not None and case.conversion.counted:
        amount_minor, said = _counted(reward, step.amount_minor, case.conversion)
        why.append(said)
    elif step.amount_minor is not None:
        amount_minor = step.amount_minor
        why.append(f"{titled(reward)} is {amount_text(amount_minor, currency)}.")
    else:
        rate_bps = step.rate_bps or 0
        amount_minor = sum(share_half_up(line_minor, rate_bps) for line_minor in lines_minor)
        computed = _computed(lines_minor, rate_bps, amount_minor, currency)
        why.append(f"{titled(reward)} is {percent(rate_bps)}: {computed}")
    for limit_minor, limit in _caps(reward, case):
        if amount_minor > limit_minor:
            was, amount_minor = amount_text(amount_minor, currency), limit_minor
            why.append(f"{limit}: {was} becomes {amount_text(limit_minor, currency)}.")
    return Part(reward.name, amount_minor), why


def _counted(reward: Reward, price_minor: int, conversion: Conversion) -> tuple[int, str]:
    """What a day of one link earns at this price, before any cap, and the sentence about it."""
    currency, many = conversion.currency, counted_text(conversion)
    price = amount_text(price_minor, currency)
    if conversion.event == "click":
        amount_minor = price_minor * conversion.quantity
        of, rounded = "each", ""
    else:
        amount_minor = thousandths_half_up(price_minor, conversion.quantity)
        of, rounded = f"for each {THOUSAND:,}", ", rounded half up"
    make = "makes" if conversion.quantity == 1 else "make"
    earned = amount_text(amount_minor, currency)
    return amount_minor, f"{titled(reward)} is {price} {of}: {many} {make} {earned}{rounded}."


def _step(reward: Reward, case: Case) -> tuple[Step, list[str]]:
    """What the reward pays now; with thresholds, by what the affiliate sold before."""
    affiliate_id = case.conversion.attribution.affiliate_id
    thresholds = reward.thresholds
    if thresholds is None or affiliate_id is None:
        return Step(0, None, reward.rate_bps, reward.amount_minor), []
    name = sales_name(
        case.conversion, affiliate_id, thresholds.by, thresholds.period, reward.currency
    )
    value = measured(tally_named(case.seen.tallies, name))
    step = next(
        each
        for each in thresholds.steps
        if each.start <= value and (each.stop is None or value < each.stop)
    )
    return step, [
        f"{titled(reward)} goes by the affiliate's sales of {period_in(name)} under this program. "
        f"Less refunds they came to {measure_text(name, value)} before this: the step from "
        f"{measure_text(name, step.start)} on applies."
    ]


def _caps(reward: Reward, case: Case) -> Iterator[tuple[int, str]]:
    """Each limit of a reward, minor units, with the sentence's beginning that says it."""
    conversion = case.conversion
    if reward.max_minor is not None:
        most = amount_text(reward.max_minor, conversion.currency)
        one = "link in a day" if conversion.counted else reward.event
        yield reward.max_minor, f"This reward is at most {most} for one {one}"
    if conversion.counted:
        most = amount_text(MAX_AMOUNT_MINOR, conversion.currency)
        yield MAX_AMOUNT_MINOR, f"No link earns more than {most} in a day"
    affiliate_id = conversion.attribution.affiliate_id
    if affiliate_id is None:
        return
    for name, most_minor in cap_names(conversion, reward, affiliate_id).items():
        left_minor = max(0, most_minor - tally_named(case.seen.tallies, name).amount_minor)
        most, left = (amount_text(each, conversion.currency) for each in (most_minor, left_minor))
        period = period_in(name)
        whose = (
            f"This reward's budget is {most} for everybody"
            if period == ANY
            else f"This reward is at most {most} for one affiliate in {period}"
        )
        yield left_minor, f"{whose}, and {left} of it was left"


def _computed(lines_minor: Sequence[int], rate_bps: int, amount_minor: int, currency: str) -> str:
    base, amount = amount_text(sum(lines_minor), currency), amount_text(amount_minor, currency)
    if len(lines_minor) == 1:
        return f"{percent(rate_bps)} of {base} is {amount}, rounded half up."
    return (
        f"{percent(rate_bps)} of each of {len(lines_minor)} lines, {base} together, is {amount}, "
        "each line rounded half up."
    )


def _unrewarded(
    conversion: Conversion, program: Program, choices: Iterable[tuple[Line, Reward | None]]
) -> Iterator[str]:
    lines_minor = [line.amount_minor for line, reward in choices if reward is None]
    if not lines_minor:
        return
    event, currency = conversion.event, conversion.currency
    if not any(
        reward.event == event and reward.currency in (None, currency) for reward in program.rewards
    ):
        yield f"The program has no reward for a {event} in {currency}."
    else:
        amount = amount_text(sum(lines_minor), currency)
        yield f"No reward of the program fits {amount} of this {event}, so that earns nothing."


# ---- the ceiling


def under_the_ceiling(
    direct_minor: int,
    conversion: Conversion,
    program: Program,
    settings: NetworkSettings,
    levels: Sequence[Level],
) -> tuple[int, tuple[str, ...]]:
    """The direct commission, lowered as far as the program's ceiling asks, and why."""
    if program.ceiling_bps is None or conversion.event != "sale":
        return direct_minor, ()
    most_minor = share_floor(conversion.amount_minor, program.ceiling_bps)

    def cost(minor: int) -> int:
        return cost_minor(minor, settings, levels)

    if cost(direct_minor) <= most_minor:
        return direct_minor, ()
    lowered_minor = bisect_right(range(direct_minor + 1), most_minor, key=cost) - 1
    most, was, now = (
        amount_text(minor, conversion.currency)
        for minor in (most_minor, direct_minor, lowered_minor)
    )
    return lowered_minor, (
        f"This sale may cost the vendor at most {percent(program.ceiling_bps)} of its amount, "
        f"{most} with all fees: the commission of {was} becomes {now}.",
    )


def cost_minor(direct_minor: int, settings: NetworkSettings, levels: Iterable[Level]) -> int:
    """What a direct commission costs the vendor with its fee and the overrides it funds."""
    overrides_minor = (
        sum(share_floor(direct_minor, level.rate_bps) for level in levels)
        if settings.override_funding == "vendor"
        else 0
    )
    return direct_minor + share_floor(direct_minor, settings.network_fee_bps) + overrides_minor


def lowered(parts: Sequence[Part], direct_minor: int) -> tuple[Part, ...]:
    """The parts cut from the last one backwards until they add up to no more than this."""
    kept, left_minor = [], direct_minor
    for part in parts:
        kept.append(replace(part, amount_minor=min(part.amount_minor, left_minor)))
        left_minor -= kept[-1].amount_minor
    return tuple(kept)
