"""Which reward each line of a conversion earns, and how much, computed anew (I20)."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from linkage_cli.ledger.audit.counted import MOST_MINOR, is_counted, worth
from linkage_cli.ledger.audit.counts import ANY, customer_name, period_of, reward_name, sales_name
from linkage_cli.ledger.audit.sales import Sale
from linkage_cli.ledger.audit.stored import UnreadableError, whole
from linkage_cli.ledger.audit.terms import half_up, share

type Reward = Mapping[str, Any]


def capped_parts(sale: Sale) -> dict[int, int]:
    """What each reward used earns after its caps, by its place in the program, minor units.

    Raises UnreadableError if the conversion's items exceed its amount.
    """
    if sale.event == "sale" and sale.amount_minor == 0:
        return {}
    rewards = sale.program["rewards"]
    possible = [
        (place, reward) for place, reward in enumerate(rewards) if _matches_sale(sale, reward)
    ]
    lines: dict[int, list[int]] = defaultdict(list)
    for amount_minor, category in _lines(sale):
        matching = [
            (_specificity(reward), -place)
            for place, reward in possible
            if reward.get("category") in {None, category}
        ]
        if matching:
            lines[-max(matching)[1]].append(amount_minor)
    return {
        place: _capped(sale, rewards[place], _gross(sale, rewards[place], lines[place]))
        for place in sorted(lines)
    }


def _lines(sale: Sale) -> list[tuple[int, str | None]]:
    rest_minor = sale.amount_minor - sum(amount for amount, _ in sale.items)
    if rest_minor < 0:
        raise UnreadableError("its items sum to more than its amount")
    rest: list[tuple[int, str | None]] = [(rest_minor, None)]
    return [*sale.items, *(rest if rest_minor or not sale.items else [])]


def _specificity(reward: Reward) -> tuple[bool, ...]:
    return (
        reward.get("affiliate_id") is not None,
        reward.get("coupon") is not None,
        reward.get("group") is not None,
        reward.get("category") is not None,
        reward.get("starts_on") is not None or reward.get("ends_on") is not None,
        reward.get("first_n") is not None,
        reward.get("months") is not None,
    )


def _matches_sale(sale: Sale, reward: Reward) -> bool:
    """Everything but the line's category."""
    group = reward.get("group")
    return (
        reward["event"] == sale.event
        and reward.get("currency") in {None, sale.currency}
        and reward.get("affiliate_id") in {None, sale.affiliate_id}
        and reward.get("coupon") in {None, sale.coupon}
        and (group is None or group in ((sale.standing or {}).get("groups") or ()))
        and (reward.get("starts_on") or "") <= sale.day <= (reward.get("ends_on") or "9999")
        and _suits_customer(sale, reward)
    )


def _suits_customer(sale: Sale, reward: Reward) -> bool:
    first_n, months = reward.get("first_n"), reward.get("months")
    if first_n is None and months is None:
        return True
    if not sale.customer_keys:
        return False
    tallies = [
        sale.tally(customer_name(sale.program_id, sale.event, key)) for key in sale.customer_keys
    ]
    if first_n is not None and max(tally.number for tally in tallies) >= first_n:
        return False
    since = min((tally.since for tally in tallies if tally.since is not None), default=None)
    if months is None or since is None:
        return True
    return sale.moment < months_later(datetime.fromisoformat(since).astimezone(UTC), months)


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time so many months on; the month's last day if it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _gross(sale: Sale, reward: Reward, lines: list[int]) -> int:
    pays = _step(sale, reward) if reward.get("thresholds") else reward
    if is_counted(sale.event):
        return worth(sale.event, sale.quantity, whole(pays, "amount_minor"))
    if pays.get("amount_minor") is not None:
        return int(pays["amount_minor"])
    return sum(half_up(Fraction(line) * share(pays["rate_bps"])) for line in lines)


def _step(sale: Sale, reward: Reward) -> Mapping[str, Any]:
    thresholds = reward["thresholds"]
    by_volume = thresholds["by"] == "volume"
    tally = sale.tally(
        sales_name(
            sale.program_id,
            str(sale.affiliate_id),
            period_of(sale.moment, thresholds["period"]),
            sale.currency if by_volume else ANY,
        )
    )
    reached = tally.amount_minor if by_volume else tally.number
    for step in thresholds["steps"]:
        stop = step.get("stop")
        if step["start"] <= reached and (stop is None or reached < stop):
            return dict(step)
    raise UnreadableError(f"no step of its thresholds holds {reached}")


def _capped(sale: Sale, reward: Reward, gross_minor: int) -> int:
    limits = [gross_minor, *([MOST_MINOR] if is_counted(sale.event) else [])]
    if reward.get("max_minor") is not None:
        limits.append(reward["max_minor"])
    for limit, name in limits_of(sale, reward):
        limits.append(limit - sale.tally(name).amount_minor)
    return max(0, min(limits))


def limits_of(sale: Sale, reward: Reward) -> list[tuple[int, str]]:
    """The reward's limits beyond one conversion, each with the tally it is kept by."""
    limits = []
    if reward.get("name") is None or reward.get("currency") != sale.currency:
        return []
    if reward.get("period_max_minor") is not None:
        period = period_of(sale.moment, reward["period"])
        name = reward_name(
            sale.program_id, str(sale.affiliate_id), period, sale.currency, reward["name"]
        )
        limits.append((reward["period_max_minor"], name))
    if reward.get("budget_minor") is not None:
        name = reward_name(sale.program_id, ANY, ANY, sale.currency, reward["name"])
        limits.append((reward["budget_minor"], name))
    return limits
