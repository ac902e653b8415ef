"""Matching: which reward of a program applies to each line of a conversion, in which precedence.

Of the rewards whose every condition holds the most specific applies; a reward that names an
affiliate goes before one that does not, whatever else they name, then coupon, group, category,
dates, first conversions and first months (docs/money.md).
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from linkage.domain import clock
from linkage.domain.commissions.wanted_tallies import customer_names
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.standing import Seen
from linkage.domain.conversions.tallies import tally_named
from linkage.domain.terms.programs import Program, Reward


@dataclass(frozen=True)
class Line:
    """A part of an order: an item, or the rest of the amount, which has no category."""

    amount_minor: int
    category: str | None = None


@dataclass(frozen=True)
class Customer:
    """What a known customer did under the program before, for the conversion's event."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Case:
    """What the conditions of a reward are held against; `customer` None is an unknown one."""

    conversion: Conversion
    seen: Seen
    moment: datetime
    customer: Customer | None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups the attributed affiliate was in at the confirmation."""
        return self.seen.affiliate.groups if self.seen.affiliate else ()

    @property
    def on(self) -> str:
        """The UTC date it happened on."""
        return clock.day(self.moment).isoformat()


def case_of(conversion: Conversion, seen: Seen, program: Program) -> Case:
    """The case of a conversion as its confirmation saw it."""
    customer = None
    if conversion.customer_keys:
        names = customer_names(conversion, program)
        tallies = [tally_named(seen.tallies, name) for name in names]
        customer = Customer(
            count=max((tally.count for tally in tallies), default=0),
            since=min((clock.instant(t.since) for t in tallies if t.since), default=None),
        )
    return Case(conversion, seen, clock.instant(conversion.occurred_at), customer)


def lines_of(conversion: Conversion) -> tuple[Line, ...]:
    """The items, and what they leave of the amount as a line without category."""
    items = tuple(Line(item.amount_minor, item.category) for item in conversion.items)
    rest_minor = conversion.amount_minor - sum(line.amount_minor for line in items)
    return (*items, Line(rest_minor)) if rest_minor or not items else items


def specificity(reward: Reward) -> tuple[bool, ...]:
    """Of two rewards that apply, the one with the greater tuple does."""
    return (
        reward.affiliate_id is not None,
        reward.coupon is not None,
        reward.group is not None,
        reward.category is not None,
        reward.starts_on is not None or reward.ends_on is not None,
        reward.first_n is not None,
        reward.months is not None,
    )


def chosen(program: Program, case: Case, line: Line) -> Reward | None:
    """The reward that applies to a line, if any; of two groups' equals the one listed first."""
    fitting = [
        reward
        for reward in program.rewards
        if reward.category in (None, line.category) and fits(reward, case)
    ]
    return max(fitting, key=specificity, default=None)


def fits(reward: Reward, case: Case) -> bool:
    """Whether all conditions but the category hold, which is each line's own."""
    return _is_offered(reward, case) and not any(_objections(reward, case))


def _is_offered(reward: Reward, case: Case) -> bool:
    """Whether the reward is for this event and for this affiliate at all."""
    attribution = case.conversion.attribution
    return (
        reward.event == case.conversion.event
        and reward.affiliate_id in (None, attribution.affiliate_id)
        and reward.coupon in (None, attribution.coupon)
        and (reward.group is None or reward.group in case.groups)
    )


def _objections(reward: Reward, case: Case) -> Iterator[str]:
    currency, customer = case.conversion.currency, case.customer
    if reward.currency not in (None, currency):
        yield f"it is for amounts in {reward.currency}"
    if reward.starts_on is not None and case.on < reward.starts_on:
        yield f"it starts on {reward.starts_on}"
    if reward.ends_on is not None and reward.ends_on < case.on:
        yield f"it ended on {reward.ends_on}"
    if reward.first_n is not None or reward.months is not None:
        if customer is None:
            yield "the vendor did not say who the customer is"
        else:
            yield from _customer_objections(reward, case.moment, customer)


def _customer_objections(reward: Reward, moment: datetime, customer: Customer) -> Iterator[str]:
    if reward.first_n is not None and customer.count >= reward.first_n:
        yield f"the customer had {customer.count} before"
    if reward.months is not None and customer.since is not None:
        ended = months_later(customer.since, reward.months)
        if moment >= ended:
            yield f"the customer's first months ended at {clock.text(ended)}"


def months_later(moment: datetime, months: int) -> datetime:
    """The same time of the same day so many calendar months on, or of that month's last day."""
    ahead = moment.month - 1 + months
    year, month = moment.year + ahead // 12, ahead % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


# ---- in words


def passed_over(program: Program, case: Case, choices: Sequence[Reward | None]) -> Iterator[str]:
    """A sentence for each reward that was tried for this affiliate and applies to no line.

    Rewards for other affiliates, coupons and groups are theirs to know.
    """
    for reward in program.rewards:
        if not _is_offered(reward, case) or any(reward is choice for choice in choices):
            continue
        objection = next(_objections(reward, case), None)
        if objection is None:
            categories = {line.category for line in lines_of(case.conversion)}
            objection = (
                "a more particular reward comes first"
                if reward.category is None or reward.category in categories
                else "no item is of that category"
            )
        yield f"{titled(reward)} does not apply: {objection}."


def titled(reward: Reward) -> str:
    """What a reward is called in a sentence, with all that it is for."""
    name = f'The reward "{reward.name}"' if reward.name else "The program's reward"
    return f"{name} for {_a(reward.event)}{''.join(_conditions(reward))}"


def _a(event: str) -> str:
    return f"an {event}" if event[0] in "aeiou" else f"a {event}"


def _conditions(reward: Reward) -> Iterator[str]:
    if reward.affiliate_id:
        yield ", agreed with this affiliate"
    if reward.coupon:
        yield f" with coupon {reward.coupon}"
    if reward.group:
        yield f" for group {reward.group}"
    if reward.category:
        yield f" in category {reward.category}"
    if reward.starts_on:
        yield f" from {reward.starts_on}"
    if reward.ends_on:
        yield f" until {reward.ends_on}"
    if reward.first_n:
        yield f" among a customer's first {reward.first_n}"
    if reward.months:
        yield f" in a customer's first {reward.months} months"
