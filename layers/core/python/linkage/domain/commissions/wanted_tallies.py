"""Which tallies the rules of a program look at, or move, for one conversion."""

from collections.abc import Iterable
from datetime import datetime

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.standing import Standing
from linkage.domain.conversions.tallies import (
    cost_tally,
    customer_tally,
    member_tally,
    period_of,
    reward_tally,
    sales_tally,
)
from linkage.domain.terms.programs import ANY, Program, Reward


def earns(conversion: Conversion, affiliate: Standing | None) -> bool:
    """Whether a confirmation has a commission: attributed, to one approved when it came."""
    attributed = conversion.attribution.affiliate_id is not None
    return attributed and affiliate is not None and affiliate.status == "approved"


def wanted(conversion: Conversion, program: Program, affiliate: Standing | None) -> tuple[str, ...]:
    """The sorted names of the tallies a confirmation must read, whether or not it moves them.

    `affiliate` is the attributed one as the confirmation sees it, `program` the version of the
    report. What the network's settings are makes no difference.
    """
    names = customer_names(conversion, program)
    affiliate_id = conversion.attribution.affiliate_id
    own = conversion.attribution.model != "introducer" and earns(conversion, affiliate)
    if own and affiliate_id:
        names |= _capped_names(conversion, program, affiliate_id)
        if conversion.event == "sale":
            names |= _sales_names(conversion, program, affiliate_id)
            if conversion.amount_minor:
                names.add(member_tally(affiliate_id))
    return tuple(sorted(names))


def cost_names(
    conversion: Conversion,
    program: Program,
    affiliate: Standing | None,
    limits: Iterable[str],
    moment: datetime,
) -> dict[str, str]:
    """The cost tallies of a confirmation at this moment by currency, of those with a limit.

    A conversion costs its own currency, and those of the bonuses its sale may reach.
    """
    if not earns(conversion, affiliate):
        return {}
    currencies = {conversion.currency}
    if conversion.event == "sale" and conversion.attribution.model != "introducer":
        currencies |= {bonus.currency for bonus in program.bonuses if bonus.by == "count"}
    month = period_of(moment, "month")
    return {
        currency: cost_tally(conversion.vendor_id, month, currency)
        for currency in sorted(currencies.intersection(limits))
    }


def sales_name(
    conversion: Conversion, affiliate_id: str, by: str, period: str, currency: str | None
) -> str:
    """The sales tally that a threshold or a bonus looks at, in the conversion's own period."""
    current = period_of(clock.instant(conversion.occurred_at), period)
    counted = currency if by == "volume" and currency else ANY
    return sales_tally(conversion.program_id, affiliate_id, current, counted)


def cap_names(conversion: Conversion, reward: Reward, affiliate_id: str) -> dict[str, int]:
    """The tallies of a reward's caps with the most each may hold, minor units, in their order."""
    names: dict[str, int] = {}
    if reward.name is None or reward.currency is None:
        return names
    program_id, moment = conversion.program_id, clock.instant(conversion.occurred_at)
    if reward.period and reward.period_max_minor is not None:
        current = period_of(moment, reward.period)
        name = reward_tally(program_id, reward.name, affiliate_id, current, reward.currency)
        names[name] = reward.period_max_minor
    if reward.budget_minor is not None:
        names[reward_tally(program_id, reward.name, ANY, ANY, reward.currency)] = (
            reward.budget_minor
        )
    return names


def _capped_names(conversion: Conversion, program: Program, affiliate_id: str) -> set[str]:
    return {
        name
        for reward in program.rewards
        if reward.event == conversion.event and reward.currency == conversion.currency
        for name in cap_names(conversion, reward, affiliate_id)
    }


def _sales_names(conversion: Conversion, program: Program, affiliate_id: str) -> set[str]:
    measures = [
        (reward.thresholds.by, reward.thresholds.period, reward.currency)
        for reward in program.rewards
        if reward.thresholds
    ] + [(bonus.by, bonus.period, bonus.currency) for bonus in program.bonuses]
    return {
        sales_name(conversion, affiliate_id, by, period, currency)
        for by, period, currency in measures
        if by == "count" or currency == conversion.currency
    }


def customer_names(conversion: Conversion, program: Program) -> set[str]:
    """The tallies of a customer that a program's rewards for this event look at."""
    if not any(
        reward.event == conversion.event and (reward.first_n or reward.months)
        for reward in program.rewards
    ):
        return set()
    return {
        customer_tally(conversion.program_id, conversion.event, key)
        for key in conversion.customer_keys
    }
