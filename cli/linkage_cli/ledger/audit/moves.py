"""Which tallies a fact had to see, and how it moved them (I6, I20)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from linkage_cli.ledger.audit.counts import (
    ANY,
    Held,
    Tally,
    bindings_name,
    cost_name,
    customer_name,
    member_name,
    period_of,
    sales_name,
)
from linkage_cli.ledger.audit.earnings import (
    Earning,
    introduces,
    is_own_sale,
    may_recruit,
    recruitment_least,
    recruits_tally,
    standing_least,
    standing_postings,
)
from linkage_cli.ledger.audit.rewards import limits_of
from linkage_cli.ledger.audit.sales import Sale, is_approved
from linkage_cli.ledger.audit.stored import Posting
from linkage_cli.ledger.audit.terms import remaining

BONUSES_AT_ONCE = 24
"""By rules 2, so many bonuses are held for one tally of sales."""
CONTACTS_COUNT = 3
"""By these rules each new contact counts against a day's bindings; before, each sale did."""


class Moves(NamedTuple):
    """The tallies as a fact left them, and the bonuses it posts with their due dates."""

    tallies: dict[str, Tally]
    bonuses: list[tuple[Posting, str]]


class Refunded(NamedTuple):
    """How much of a conversion is refunded before and after a refund, and its UTC date.

    A withdrawal is as a refund of all the rest, and also of a conversion of amount 0.
    """

    before_minor: int
    after_minor: int
    on: str
    withdraws: bool = False


def wanted(sale: Sale) -> list[str]:
    """The names of the tallies a confirmation has to see, sorted."""
    return sorted({*lowered(sale), *_month_of(sale), *_day_of(sale)})


def lowered(sale: Sale) -> list[str]:
    """Those of them that a refund has to see, sorted: a day's or a month's bound only fills up."""
    names = set(_periods(sale)) | set(_rewards(sale)) | set(_customers(sale))
    names |= set(costs_of(sale).values())
    if is_own_sale(sale):
        names.add(member_name(str(sale.affiliate_id)))
    return sorted(names)


def withdrawn_names(sale: Sale) -> list[str]:
    """Those that a withdrawal has to see, sorted: what the customer bought it leaves alone."""
    return sorted(set(lowered(sale)) - set(_customers(sale)))


def after_withdrawal(sale: Sale) -> list[str]:
    """Those that a refund after a withdrawal has to see, sorted: the others are back already."""
    return sorted(_customers(sale))


def _month_of(sale: Sale) -> list[str]:
    """The sponsor's recruitment bonuses, where this sale might bring one."""
    if sale.rules == 1 or not is_own_sale(sale) or not sale.upline:
        return []
    offered = sale.settings.get("recruitment_bonus")
    recruited = sale.tally(member_name(str(sale.affiliate_id))).recruited_by
    return [recruits_tally(sale)] if offered and recruited is None else []


def _day_of(sale: Sale) -> list[str]:
    """The affiliate's new bindings at the vendor that day.

    Only a sale of somebody nobody had introduced looks at it, which only its fact knows.
    """
    if sale.rules == 1 or sale.event != "sale" or sale.model == "introducer":
        return []
    if sale.affiliate_id is None or not sale.customer_keys:
        return []
    name = bindings_name(sale.vendor_id, sale.affiliate_id, sale.accepted_on)
    has_new = sale.new_contacts if sale.rules >= CONTACTS_COUNT else name in sale.tallies
    return [name] if has_new else []


def _periods(sale: Sale) -> dict[str, tuple[str, str]]:
    """The sales tallies with their kind of period and their currency."""
    if sale.event != "sale" or not sale.is_rewarded:
        return {}
    measures = [
        (rule["thresholds"], rule.get("currency"))
        for rule in sale.program["rewards"]
        if rule.get("thresholds")
    ]
    measures += [(bonus, bonus["currency"]) for bonus in sale.program["bonuses"]]
    used = {
        (measure["period"], currency if measure["by"] == "volume" else ANY)
        for measure, currency in measures
    }
    return {
        sales_name(
            sale.program_id, str(sale.affiliate_id), period_of(sale.moment, period), currency
        ): (period, currency)
        for period, currency in used
        if currency in {sale.currency, ANY}
    }


def _rewards(sale: Sale) -> dict[str, int]:
    """The reward tallies with the place of their reward in the program."""
    if not sale.is_rewarded:
        return {}
    return {
        name: place
        for place, reward in enumerate(sale.program["rewards"])
        if reward["event"] == sale.event
        for _, name in limits_of(sale, reward)
    }


def _customers(sale: Sale) -> list[str]:
    is_used = any(
        reward["event"] == sale.event
        and (reward.get("first_n") is not None or reward.get("months") is not None)
        for reward in sale.program["rewards"]
    )
    return [
        customer_name(sale.program_id, sale.event, key) for key in sale.customer_keys if is_used
    ]


def costs_of(sale: Sale) -> dict[str, str]:
    """The tallies of what its vendor's month costs, by currency, of those it had a limit in."""
    if not sale.earns:
        return {}
    possible = {sale.currency}
    if sale.is_rewarded and sale.event == "sale":
        possible |= {each["currency"] for each in sale.program["bonuses"] if each["by"] == "count"}
    return {
        currency: cost_name(sale.vendor_id, sale.month, currency)
        for currency in sorted(possible & sale.limits.keys())
    }


def _of_vendor(sale: Sale, postings: Iterable[Posting], currency: str) -> int:
    """What postings move out of the vendor's account or, negative, into it."""
    vendor = f"vendor:{sale.vendor_id}"
    return sum(
        ((each.source == vendor) - (each.target == vendor)) * each.amount_minor
        for each in postings
        if each.currency == currency
    )


def confirmed(sale: Sale, earning: Earning | None) -> Moves:
    """What the confirmation makes of the tallies it saw."""
    moved = dict(sale.tallies)
    stands = sale.refunded_minor < sale.amount_minor or sale.amount_minor == 0
    bonuses: list[tuple[Posting, str]] = []
    for name, (period, currency) in _periods(sale).items():
        added = sale.amount_minor - sale.refunded_minor if currency != ANY else 0
        tally = sale.tally(name)
        if stands:
            tally = tally._replace(number=tally.number + 1, amount_minor=tally.amount_minor + added)
        granted = list(_granted(sale, tally, period, currency))
        if sale.rules >= 2:
            del granted[max(0, BONUSES_AT_ONCE - len(tally.held)) :]
        moved[name] = tally._replace(held=tuple(sorted((*tally.held, *granted))))
        bonuses += [(_bonus(sale, held), held.due_on) for held in granted]
    for name, place in _rewards(sale).items():
        part = earning.parts.get(place, 0) if earning else 0
        left = remaining(part, sale.amount_minor, sale.refunded_minor)
        tally = sale.tally(name)
        moved[name] = tally._replace(amount_minor=tally.amount_minor + left)
    for name in _customers(sale):
        tally = sale.tally(name)
        moved[name] = tally._replace(
            number=tally.number + stands,
            since=tally.since or (sale.occurred_at if sale.earns else None),
        )
    direct = earning.direct_minor if earning else 0
    for name in _day_of(sale):
        tally, wants = sale.tally(name), sale.new_contacts if sale.rules >= CONTACTS_COUNT else 1
        room = max(0, sale.settings.get("bindings_per_day_max", 50) - tally.number)
        added = min(wants, room) if introduces(sale, direct) else 0
        moved[name] = tally._replace(number=tally.number + added)
    for name in _month_of(sale):
        sponsor = sale.upline[0]
        had = is_approved(sponsor) and not sponsor.get("buyer") and may_recruit(sale, direct)
        moved[name] = _one_more(sale.tally(name), had)
    if is_own_sale(sale):
        name = member_name(str(sale.affiliate_id))
        tally = sale.tally(name)
        recruits = may_recruit(sale, direct) and stands
        moved[name] = tally._replace(
            last_on=max(tally.last_on or "", sale.day),
            recruited_by=sale.conversion_id if recruits else tally.recruited_by,
        )
    posted = [*standing_postings(earning, sale.refunded_minor), *(each for each, _ in bonuses)]
    for currency, name in costs_of(sale).items():
        tally = sale.tally(name)
        cost = tally.amount_minor + _of_vendor(sale, posted, currency)
        moved[name] = tally._replace(amount_minor=cost)
    return Moves(moved, bonuses)


def _one_more(tally: Tally, counts: bool) -> Tally:
    return tally._replace(number=tally.number + counts)


def _granted(sale: Sale, tally: Tally, period: str, currency: str) -> Iterator[Held]:
    """The bonuses the tally has reached and does not hold."""
    by, reached = ("count", tally.number) if currency == ANY else ("volume", tally.amount_minor)
    have = {(held.target, held.currency) for held in tally.held}
    for bonus in sale.program["bonuses"]:
        is_of_tally = (bonus["by"], bonus["period"]) == (by, period) and (
            by == "count" or bonus["currency"] == currency
        )
        is_new = (bonus["target"], bonus["currency"]) not in have
        if is_of_tally and is_new and reached >= bonus["target"]:
            yield Held(bonus["target"], bonus["currency"], bonus["amount_minor"], sale.due_on)


def _bonus(sale: Sale, held: Held) -> Posting:
    return Posting(
        f"vendor:{sale.vendor_id}",
        f"affiliate:{sale.affiliate_id}",
        held.amount_minor,
        held.currency,
        "bonus",
        0,
    )


def refunded(
    sale: Sale,
    earning: Earning | None,
    seen: Mapping[str, Tally],
    refund: Refunded,
    returned: Iterable[Posting],
) -> Moves:
    """What a refund after the confirmation, which returns so much, makes of the tallies it saw."""
    moved = dict(seen)
    stood = refund.before_minor < sale.amount_minor or sale.amount_minor == 0
    is_whole = stood and refund.after_minor == sale.amount_minor
    bonuses: list[tuple[Posting, str]] = []
    for name, (_, currency) in _periods(sale).items():
        if name not in seen:
            continue
        back = refund.after_minor - refund.before_minor if currency != ANY else 0
        tally = seen[name]
        tally = tally._replace(
            number=max(0, tally.number - is_whole), amount_minor=max(0, tally.amount_minor - back)
        )
        reached = tally.number if currency == ANY else tally.amount_minor
        lost = [held for held in tally.held if held.target > reached]
        moved[name] = tally._replace(held=tuple(held for held in tally.held if held not in lost))
        bonuses += [(_bonus_return(_bonus(sale, held)), held.due_on) for held in lost]
    for name, place in _rewards(sale).items():
        if name in seen:
            part = earning.parts.get(place, 0) if earning else 0
            back = remaining(part, sale.amount_minor, refund.before_minor)
            if not refund.withdraws:
                back -= remaining(part, sale.amount_minor, refund.after_minor)
            tally = seen[name]
            moved[name] = tally._replace(amount_minor=max(0, tally.amount_minor - back))
    for name in _customers(sale):
        if name in seen:
            moved[name] = seen[name]._replace(number=max(0, seen[name].number - is_whole))
    member = member_name(str(sale.affiliate_id))
    bonus, least = sale.settings.get("recruitment_bonus"), 1
    had = bonus and sale.upline and is_approved(sale.upline[0])
    if had and not sale.upline[0].get("buyer"):
        least = standing_least(sale, earning, recruitment_least(sale) or 1)
    is_over = sale.amount_minor - refund.after_minor < least
    if is_over and member in seen and seen[member].recruited_by == sale.conversion_id:
        moved[member] = seen[member]._replace(recruited_by=None)
    dated = [*((each, sale.due_on) for each in returned), *bonuses]
    in_time = [posting for posting, due_on in dated if refund.on < due_on]
    for currency, name in costs_of(sale).items():
        if name in seen:
            left = seen[name].amount_minor + _of_vendor(sale, in_time, currency)
            moved[name] = seen[name]._replace(amount_minor=max(0, left))
    return Moves(moved, bonuses)


def _bonus_return(bonus: Posting) -> Posting:
    return bonus._replace(source=bonus.target, target=bonus.source, kind="bonus_return")
