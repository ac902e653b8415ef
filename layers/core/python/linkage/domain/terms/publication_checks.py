"""What terms must be before they are published, so that no conversion ever meets a doubt.

Every check raises InvalidFieldError at the field to change, with a sentence that says why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import WHOLE_BPS
from linkage.domain.people.members import Split
from linkage.domain.terms.ceilings import over_the_ceiling
from linkage.domain.terms.network import NetworkSettings, funding_gap_bps
from linkage.domain.terms.programs import ANY, COUNTED_EVENTS, Program, Reward, Step, Thresholds

TALLIES_MAX = 12
"""Counts one confirmation may have to move, all in its own transaction."""
PAYEES_MAX, BONUS_CURRENCIES_MAX = 40, 5
"""Whom one conversion may pay: each one's line and balance in each currency are two of the 100
items that DynamoDB writes in one transaction."""


def check_program(program: Program, settings: NetworkSettings) -> None:
    """Raises InvalidFieldError unless the program's terms are whole, clear and below its ceiling.

    Whether the affiliates and programs it names exist is not looked at here.
    """
    for at, reward in enumerate(program.rewards):
        _check_reward(reward, f"/rewards/{at}", program.categories)
    _check_names(program.rewards)
    _check_counted_currency(program.rewards)
    _check_ties(program.rewards)
    _check_bonuses(program)
    _check_tallies(program)
    _check_confirmation(program)
    _check_ceiling(program, settings)


def check_settings(settings: NetworkSettings) -> None:
    """Raises InvalidFieldError unless the fees pay the overrides and a sale's payees are few."""
    gap_bps = funding_gap_bps(settings)
    if gap_bps:
        fees_bps = settings.network_fee_bps + settings.affiliate_fee_bps
        raise InvalidFieldError(
            "/level_rates_bps",
            f"The levels add up to {sum(settings.level_rates_bps)} basis points, {gap_bps} more "
            f"than the fees of {fees_bps} that pay them. Lower the levels, raise network_fee_bps "
            "or affiliate_fee_bps, or set override_funding to vendor.",
            code="overrides_not_funded",
        )
    earners = 1 + len(settings.level_rates_bps) + (settings.recruitment_bonus is not None)
    payees = earners * (1 + settings.split_members_max)
    if payees > PAYEES_MAX:
        raise InvalidFieldError(
            "/split_members_max",
            f"One sale could pay {payees} affiliates: {earners} who earn by it, and "
            f"{settings.split_members_max} more for each of them by splits. At most {PAYEES_MAX} "
            "can be paid. Lower split_members_max, or take levels away.",
            code="too_many_payees",
        )


def check_settings_for(program: Program, settings: NetworkSettings) -> None:
    """Raises InvalidFieldError if under these settings the program could exceed its ceiling."""
    excess = over_the_ceiling(program, settings)
    if excess:
        raise InvalidFieldError(
            "/network_fee_bps",
            f"Program {program.name} ({program.program_id}) would be over its ceiling. "
            f"{excess.why} Lower network_fee_bps or the levels that vendors pay, or let the vendor "
            "publish other terms first.",
            code="over_the_ceiling",
        )


def check_splits(member_id: str, splits: Sequence[Split], settings: NetworkSettings) -> None:
    """Raises InvalidFieldError unless the splits fit in what a member earns and in the settings.

    Whether the receivers exist is not looked at here.
    """
    most = settings.split_members_max
    if len(splits) > most:
        raise InvalidFieldError(
            "/splits", f"The network allows splits to at most {most} members. Take some away."
        )
    receivers: set[str] = set()
    for at, split in enumerate(splits):
        pointer = f"/splits/{at}/member_id"
        if split.member_id == member_id:
            raise InvalidFieldError(
                pointer, "A member keeps what its splits leave. Take the split to itself away."
            )
        if split.member_id in receivers:
            raise InvalidFieldError(
                pointer, "This member has a split already. Give it one with the sum of both."
            )
        receivers.add(split.member_id)
    total_bps = sum(split.share_bps for split in splits)
    if total_bps > WHOLE_BPS:
        raise InvalidFieldError(
            "/splits",
            f"The splits add up to {total_bps} basis points, more than the member earns. Lower "
            f"them to {WHOLE_BPS} or less.",
        )


def _check_reward(reward: Reward, pointer: str, categories: Sequence[str]) -> None:
    if reward.event in COUNTED_EVENTS:
        _check_counted(reward, pointer)
    kinds = (reward.rate_bps, reward.amount_minor, reward.thresholds)
    if sum(kind is not None for kind in kinds) != 1:
        raise InvalidFieldError(
            pointer, "Give exactly one of rate_bps, amount_minor (with its currency) or thresholds."
        )
    if reward.thresholds:
        if reward.event != "sale":
            raise InvalidFieldError(
                f"{pointer}/thresholds",
                f"Thresholds go by sales, so a reward for a {reward.event} cannot have them. Give "
                "it a rate_bps or an amount_minor.",
            )
        _check_steps(reward.thresholds, f"{pointer}/thresholds/steps")
    if reward.currency is None:
        for what in _absolute(reward):
            raise InvalidFieldError(
                f"{pointer}/currency", f"currency is required beside {what}: say of which."
            )
    _check_limits(reward, pointer)
    if reward.category is not None and reward.category not in categories:
        raise InvalidFieldError(
            f"{pointer}/category",
            f"{reward.category!r} is not in the program's categories. Add it there, or name one "
            "that is.",
            code="unknown_category",
        )
    if reward.starts_on and reward.ends_on and reward.ends_on < reward.starts_on:
        raise InvalidFieldError(
            f"{pointer}/ends_on",
            f"ends_on, {reward.ends_on}, is before starts_on, {reward.starts_on}: the reward would "
            "never apply. Exchange them.",
            code="dates_reversed",
        )


_NOT_OF_COUNTED = ("rate_bps", "thresholds", "coupon", "category", "first_n", "months")
"""What needs an amount, an order or a customer, of which a click or an impression has none."""


def _check_counted(reward: Reward, pointer: str) -> None:
    each = "one click" if reward.event == "click" else "1,000 impressions"
    for name in _NOT_OF_COUNTED:
        if getattr(reward, name) is not None:
            raise InvalidFieldError(
                f"{pointer}/{name}",
                f"Clicks and impressions have no amount, order or customer, so {name} cannot be "
                f"said of them. Leave it out, and give the amount_minor of {each}.",
                code="not_of_counted",
            )
    if reward.amount_minor is None:
        raise InvalidFieldError(
            f"{pointer}/amount_minor",
            f"amount_minor is required, with its currency: the price of {each}.",
        )


def _check_counted_currency(rewards: Sequence[Reward]) -> None:
    """A day of a link is billed once, in one currency, so all that pay for it must share theirs."""
    counted = [(at, each) for at, each in enumerate(rewards) if each.event in COUNTED_EVENTS]
    for at, reward in counted:
        first_at, first = counted[0]
        if reward.currency != first.currency:
            raise InvalidFieldError(
                f"/rewards/{at}/currency",
                f"Rewards {first_at + 1} and {at + 1} pay for clicks or impressions in "
                f"{first.currency} and in {reward.currency}. Pay for them in one currency.",
                code="several_currencies",
            )


def _absolute(reward: Reward) -> Iterator[str]:
    """What of a reward is an amount of money, and so needs a currency."""
    for name in ("amount_minor", "max_minor", "period_max_minor", "budget_minor"):
        if getattr(reward, name) is not None:
            yield name
    if reward.thresholds:
        if reward.thresholds.by == "volume":
            yield "thresholds by volume"
        if any(step.amount_minor is not None for step in reward.thresholds.steps):
            yield "the amount_minor of a step"


def _check_limits(reward: Reward, pointer: str) -> None:
    if reward.period_max_minor is not None and reward.period is None:
        raise InvalidFieldError(
            f"{pointer}/period",
            "period is required beside period_max_minor: month, quarter or year.",
        )
    if reward.period is not None and reward.period_max_minor is None:
        raise InvalidFieldError(
            f"{pointer}/period", "period is of period_max_minor. Give that too, or leave it out."
        )
    for name in ("period_max_minor", "budget_minor"):
        if getattr(reward, name) is not None and reward.name is None:
            raise InvalidFieldError(
                f"{pointer}/name",
                f"name is required beside {name}: what the reward has paid so far is counted "
                "under it.",
            )


def _check_steps(thresholds: Thresholds, pointer: str) -> None:
    steps = thresholds.steps
    for at, step in enumerate(steps):
        if (step.rate_bps is None) == (step.amount_minor is None):
            raise InvalidFieldError(
                f"{pointer}/{at}", "Give a step either rate_bps or amount_minor."
            )
    if steps[0].start != 0:
        raise _gap(
            f"{pointer}/0/from",
            f"The first step starts from {steps[0].start}, so there is none below. Start it from "
            "0.",
        )
    for at, (step, following) in enumerate(pairwise(steps), start=1):
        _check_neighbours(step, following, at, pointer)
    if steps[-1].stop is not None:
        raise _gap(
            f"{pointer}/{len(steps) - 1}/to",
            f"The last step ends at {steps[-1].stop}, so there is none from there on. Leave its "
            "to out.",
        )


def _check_neighbours(step: Step, following: Step, number: int, pointer: str) -> None:
    here, there = f"{pointer}/{number - 1}/to", f"{pointer}/{number}/from"
    if step.stop is None:
        raise _gap(here, f"Step {number} has no end, so step {number + 1} is never reached.")
    if step.stop <= step.start:
        raise _gap(
            here,
            f"Step {number} ends at {step.stop}, which is not above its start, {step.start}.",
        )
    if following.start != step.stop:
        kind = "a gap" if following.start > step.stop else "an overlap"
        raise _gap(
            there,
            f"Step {number} ends below {step.stop} and step {number + 1} starts from "
            f"{following.start}: there is {kind} between them. Start it from {step.stop}.",
        )


def _gap(pointer: str, detail: str) -> InvalidFieldError:
    return InvalidFieldError(pointer, detail, code="thresholds_gap")


def _check_names(rewards: Sequence[Reward]) -> None:
    seen: dict[str, int] = {}
    for at, reward in enumerate(rewards):
        if reward.name is None:
            continue
        if reward.name in seen:
            raise InvalidFieldError(
                f"/rewards/{at}/name",
                f"Rewards {seen[reward.name] + 1} and {at + 1} have the same name. Change one: "
                "what each has paid is counted under its name.",
            )
        seen[reward.name] = at


def _check_ties(rewards: Sequence[Reward]) -> None:
    for (first, one), (second, other) in combinations(enumerate(rewards), 2):
        if could_tie(one, other):
            raise InvalidFieldError(
                f"/rewards/{second}",
                f"Rewards {first + 1} and {second + 1} would both apply to the same {one.event}, "
                "and neither is more specific. Take one away, or give them other dates, "
                "categories, currencies, groups, coupons or affiliates.",
                code="tied_rewards",
            )


def could_tie(one: Reward, other: Reward) -> bool:
    """Whether one line of a conversion could meet both rewards with neither more specific.

    Those of two groups never tie: of a member's groups the reward that is listed first wins.
    """
    same = ("event", "affiliate_id", "coupon", "group", "category")
    if any(getattr(one, name) != getattr(other, name) for name in same):
        return False
    both_set = ("first_n", "months")
    if any((getattr(one, name) is None) != (getattr(other, name) is None) for name in both_set):
        return False
    if _dated(one) != _dated(other) or not _days_in_common(one, other):
        return False
    return None in (one.currency, other.currency) or one.currency == other.currency


def _dated(reward: Reward) -> bool:
    return reward.starts_on is not None or reward.ends_on is not None


def _days_in_common(one: Reward, other: Reward) -> bool:
    starts_on = max(one.starts_on or "", other.starts_on or "")
    ends_on = min(one.ends_on or "9999-12-31", other.ends_on or "9999-12-31")
    return starts_on <= ends_on


def _check_bonuses(program: Program) -> None:
    currencies = {bonus.currency for bonus in program.bonuses} | {*program.bonus_currencies}
    if len(currencies) > BONUS_CURRENCIES_MAX:
        raise InvalidFieldError(
            "/bonuses",
            f"With its earlier versions the program has bonuses in {len(currencies)} currencies: "
            f"{', '.join(sorted(currencies))}. One refund can take back bonuses in at most "
            f"{BONUS_CURRENCIES_MAX}. Keep to those there were.",
        )
    for (first, one), (second, other) in combinations(enumerate(program.bonuses), 2):
        if replace(one, amount_minor=other.amount_minor) == other:
            raise InvalidFieldError(
                f"/bonuses/{second}/target",
                f"Bonuses {first + 1} and {second + 1} have the same target. Make them one with "
                "the sum of both amounts.",
            )


def _check_tallies(program: Program) -> None:
    counted = len(_sales_tallies(program))
    for reward in program.rewards:
        counted += (reward.period_max_minor is not None) + (reward.budget_minor is not None)
    if counted > TALLIES_MAX:
        raise InvalidFieldError(
            "/rewards",
            f"These terms keep {counted} counts: of sales for thresholds and bonuses, of what "
            f"rewards paid in a period and of budgets. At most {TALLIES_MAX} are possible. Use the "
            "same periods and currencies, or fewer limits.",
        )


def _sales_tallies(program: Program) -> set[tuple[str, str | None]]:
    used: set[tuple[str, str | None]] = set()
    for bonus in program.bonuses:
        used.add((bonus.period, bonus.currency if bonus.by == "volume" else ANY))
    for reward in program.rewards:
        if reward.thresholds:
            by_volume = reward.thresholds.by == "volume"
            used.add((reward.thresholds.period, reward.currency if by_volume else ANY))
    return used


def _check_confirmation(program: Program) -> None:
    automatic = program.confirmation == "automatic"
    if automatic and program.confirm_after_days is None:
        raise InvalidFieldError(
            "/confirm_after_days",
            "confirm_after_days is required with confirmation automatic: after how many days of "
            "silence a conversion is confirmed.",
        )
    if not automatic and program.confirm_after_days is not None:
        raise InvalidFieldError(
            "/confirm_after_days",
            "confirm_after_days is of confirmation automatic. Leave it out, or choose that.",
        )


def _check_ceiling(program: Program, settings: NetworkSettings) -> None:
    excess = over_the_ceiling(program, settings)
    if excess:
        raise InvalidFieldError(
            excess.pointer, f"{excess.why} {excess.advice}", code="over_the_ceiling"
        )
