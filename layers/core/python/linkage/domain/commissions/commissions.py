"""Commissions: what a confirmed conversion earns for whom and why, and what it moves.

Computed from the stored facts and the versions they saw alone, so it can be done late, twice, and
again to explain it. The rules are in docs/money.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from linkage.domain import clock
from linkage.domain.commissions import tally_moves
from linkage.domain.commissions.rewards import Part, lowered, rewarded, under_the_ceiling
from linkage.domain.commissions.shares import Commission, clawed_back, earned, taken_back_whole
from linkage.domain.commissions.tally_moves import Ending
from linkage.domain.commissions.uplines import is_first_sale, paid_levels, recruitment_of
from linkage.domain.commissions.wanted_tallies import earns
from linkage.domain.conversions.conversions import (
    Confirmation,
    Conversion,
    History,
    Refund,
    Withdrawal,
    refund_key,
)
from linkage.domain.conversions.introductions import newly_bound
from linkage.domain.conversions.tallies import (
    HeldBonus,
    Tally,
    is_lowered,
    is_of_the_customer,
    kind_of,
)
from linkage.domain.ledger.ledger import (
    NETWORK_FEES,
    Posting,
    affiliate_account,
    vendor_account,
)
from linkage.domain.money import amount_text, percent, share_half_up
from linkage.domain.rule_versions import RULES_FIRST, RULES_OF_WHAT_STANDS
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program

BEYOND_BINDINGS = "beyond_bindings_per_day"
"""What a head says of a sale that left contacts unbound because of the day's bound."""


def confirmation_id(conversion_id: str) -> str:
    """The transaction a conversion's commission is posted under."""
    return f"{conversion_id}/confirmation"


def refund_id(refund: Refund) -> str:
    """The transaction a refund's clawback is posted under."""
    return f"{refund.conversion_id}/{refund_key(refund.external_id).replace('#', '/')}"


def withdrawal_id(conversion_id: str) -> str:
    """The transaction by which an introducer's commission is taken back."""
    return f"{conversion_id}/withdrawal"


def commission_of(
    conversion: Conversion, confirmation: Confirmation, program: Program, settings: NetworkSettings
) -> tuple[Commission | None, tuple[str, ...]]:
    """The commission with the sentences that say how it came about.

    None only if the conversion is nobody's, or its affiliate was not approved at the confirmation.
    """
    affiliate_id, standing = conversion.attribution.affiliate_id, confirmation.seen.affiliate
    if affiliate_id is None:
        return None, (f"Not attributed: {conversion.attribution.reason}.",)
    if standing is None or not earns(conversion, standing):
        status = standing.status if standing else "unknown"
        return None, (f"The affiliate was {status} when the conversion was confirmed.",)
    parts, why = _direct(conversion, confirmation, program)
    levels, levels_why = paid_levels(confirmation.seen.upline, conversion.vendor_id, settings)
    direct_minor, ceiling_why = under_the_ceiling(
        sum(part.amount_minor for part in parts), conversion, program, settings, levels
    )
    recruitment, recruitment_why = recruitment_of(conversion, confirmation, settings, direct_minor)
    due_on, due_why = _due_on(conversion, confirmation, program, settings)
    commission = Commission(
        vendor_id=conversion.vendor_id,
        affiliate_id=affiliate_id,
        currency=conversion.currency,
        sale_minor=conversion.amount_minor,
        direct_minor=direct_minor,
        fee_bps=settings.network_fee_bps,
        levels=levels,
        overrides_from=(
            NETWORK_FEES
            if settings.override_funding == "network"
            else vendor_account(conversion.vendor_id)
        ),
        due_on=due_on,
        affiliate_fee_bps=settings.affiliate_fee_bps,
        parts=tuple(part for part in lowered(parts, direct_minor) if part.name),
        splits=standing.splits,
        recruitment=recruitment,
    )
    return commission, (*why, *ceiling_why, *levels_why, *recruitment_why, *due_why)


def _direct(
    conversion: Conversion, confirmation: Confirmation, program: Program
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The parts of the direct commission before the ceiling."""
    if conversion.event == "sale" and conversion.amount_minor == 0:
        return (), ("The order's amount is 0, so it earns nothing.",)
    if conversion.attribution.model != "introducer":
        return rewarded(conversion, confirmation.seen, program)
    rate = percent(program.introducer_rate_bps)
    direct_minor = share_half_up(conversion.amount_minor, program.introducer_rate_bps)
    sale, direct = (
        amount_text(minor, conversion.currency) for minor in (conversion.amount_minor, direct_minor)
    )
    return (Part(None, direct_minor),), (
        f"The program's introducer rate is {rate}: {rate} of {sale} is {direct}, rounded half up.",
    )


def _due_on(
    conversion: Conversion,
    confirmation: Confirmation,
    program: Program,
    settings: NetworkSettings,
) -> tuple[str, tuple[str, ...]]:
    """The UTC date the commission counts from, and why where it is not the program's own hold.

    Never before the network's least hold is over; an introducer's not before its introduction's.
    """
    accepted_on = clock.day(clock.instant(confirmation.accepted_at))
    least = settings.hold_days_min if confirmation.rules > RULES_FIRST else 0
    why: tuple[str, ...] = ()
    if least > program.hold_days:
        why = (
            f"The network holds what is confirmed for at least {least} days, longer than the "
            f"{program.hold_days} of the program.",
        )
    due_on = (accepted_on + timedelta(days=max(program.hold_days, least))).isoformat()
    introduction = conversion.attribution.introduction
    if introduction is None or introduction.due_on <= due_on:
        return due_on, why
    return introduction.due_on, (
        f"It is due on {introduction.due_on}, when the sale that introduced the customer is, and "
        "is taken back if that sale is refunded before.",
    )


# ---- tallies


def tallies_after_confirmation(
    conversion: Conversion, confirmation: Confirmation, program: Program, settings: NetworkSettings
) -> tuple[Tally, ...]:
    """The tallies a confirmation changes, as they are to be written: a version on from as seen."""
    commission, _ = commission_of(conversion, confirmation, program, settings)
    refunded_minor = confirmation.refunded_before_minor

    def after(tally: Tally) -> Tally:
        match kind_of(tally.name):
            case "customer":
                return tally_moves.met(
                    tally, conversion, refunded_minor, earns=commission is not None
                )
            case _ if commission is None:
                return tally
            case "sales":
                moved, _, granted = _sold(tally, conversion, confirmation, program, commission)
                return replace(moved, held=(*moved.held, *granted))
            case "reward":
                return tally_moves.rewarded_in(tally, commission.parts, conversion, refunded_minor)
            case "cost":
                postings = postings_of(conversion, confirmation, program, commission)
                return tally_moves.spent(tally, postings, conversion.vendor_id)
        return _filled_up(tally, conversion, confirmation, settings, commission)

    return tally_moves.changed((tally, after(tally)) for tally in confirmation.seen.tallies)


def _filled_up(
    tally: Tally,
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    commission: Commission,
) -> Tally:
    """A member's tally with its own sale, or a day's or a month's bound with what this brings."""
    direct_minor = commission.direct_minor
    match kind_of(tally.name):
        case "bindings":
            newly = newly_bound(conversion, confirmation, settings, direct_minor)
            return replace(tally, count=tally.count + newly)
        case "recruits":
            return replace(tally, count=tally.count + (commission.recruitment is not None))
    recruited = is_first_sale(conversion, confirmation, settings, direct_minor)
    return tally_moves.worked(tally, conversion, recruited=recruited)


def moved_by_refund(history: History) -> tuple[str, ...]:
    """The names of the tallies a refund now must read, whether or not it moves them.

    All its confirmation moved that are ever lowered, but what a withdrawal has taken back already.
    """
    seen = history.confirmation.seen.tallies if history.confirmation else ()
    names = (tally.name for tally in seen if is_lowered(tally.name))
    taken = history.withdrawal
    if taken is None or taken.rules < RULES_OF_WHAT_STANDS:
        return tuple(names)
    return tuple(name for name in names if is_of_the_customer(name))


def moved_by_withdrawal(confirmation: Confirmation) -> tuple[str, ...]:
    """The names of the tallies a withdrawal must read: all but what the customer bought."""
    names = (tally.name for tally in confirmation.seen.tallies if is_lowered(tally.name))
    return tuple(name for name in names if not is_of_the_customer(name))


def tallies_after_refund(
    conversion: Conversion,
    confirmation: Confirmation,
    refund: Refund,
    program: Program,
    settings: NetworkSettings,
) -> tuple[Tally, ...]:
    """The tallies a refund after the confirmation changes, a version on from `refund.tallies`."""
    commission, _ = commission_of(conversion, confirmation, program, settings)
    ending, returns = Ending.by_refund(refund), returned_postings(refund, commission)
    return _ended(conversion, commission, ending, refund.tallies, returns)


def tallies_after_withdrawal(
    conversion: Conversion, withdrawal: Withdrawal, commission: Commission
) -> tuple[Tally, ...]:
    """The tallies a withdrawal changes, a version on from `withdrawal.tallies`."""
    ending = Ending.by_withdrawal(withdrawal, conversion)
    returns = withdrawn_postings(withdrawal, commission)
    return _ended(conversion, commission, ending, withdrawal.tallies, returns)


def _ended(
    conversion: Conversion,
    commission: Commission | None,
    ending: Ending,
    seen: Sequence[Tally],
    returns: Iterable[Posting],
) -> tuple[Tally, ...]:
    """The tallies that change with what ends and `returns` so much of the commission."""
    parts = commission.parts if commission else ()
    recruited = commission.recruitment if commission else None
    floor_minor = recruited.floor_minor if recruited else 1
    dated = dated_postings(conversion, ending, seen, commission, returns) if commission else []

    def after(tally: Tally) -> Tally:
        if kind_of(tally.name) == "cost":
            return tally_moves.unspent(tally, dated, ending, conversion.vendor_id)
        return tally_moves.undone(tally, conversion, ending, parts, floor_minor)

    return tally_moves.changed((tally, after(tally)) for tally in seen)


def postings_of(
    conversion: Conversion, confirmation: Confirmation, program: Program, commission: Commission
) -> tuple[Posting, ...]:
    """Everything a confirmation posts: the shares of its commission, then the bonuses it brings."""
    bonuses = bonuses_reached(conversion, confirmation, program, commission)
    return (
        *earned(commission, confirmation.refunded_before_minor),
        *(_bonus(commission, bonus) for _, bonus, granted in bonuses if granted),
    )


def dated_postings(
    conversion: Conversion,
    ending: Ending,
    seen: Iterable[Tally],
    commission: Commission,
    returns: Iterable[Posting],
) -> list[tuple[Posting, str]]:
    """Everything an ending posts, with the due date of what it takes back.

    Bonuses of earlier sales have their own.
    """
    bonuses = bonuses_lost(conversion, ending, seen)
    return [
        *((posting, commission.due_on) for posting in returns),
        *((_bonus_return(commission, bonus), bonus.due_on) for _, bonus in bonuses),
    ]


def returned_postings(refund: Refund, commission: Commission | None) -> tuple[Posting, ...]:
    """What a refund ends of a commission; nothing once that was taken back whole."""
    if refund.withdrawn or commission is None:
        return ()
    return clawed_back(commission, refund.refunded_before_minor, refund.refunded_after_minor)


def withdrawn_postings(withdrawal: Withdrawal, commission: Commission) -> tuple[Posting, ...]:
    """What a withdrawal takes back of a commission: all of it that stood."""
    if withdrawal.rules < RULES_OF_WHAT_STANDS:
        before_minor = withdrawal.refunded_before_minor
        return clawed_back(commission, before_minor, commission.sale_minor)
    return taken_back_whole(commission, withdrawal.refunded_before_minor)


def bonuses_reached(
    conversion: Conversion, confirmation: Confirmation, program: Program, commission: Commission
) -> Iterator[tuple[Tally, HeldBonus, bool]]:
    """Each bonus this sale reaches, with the moved tally, and whether it is granted."""
    for tally in confirmation.seen.tallies:
        if kind_of(tally.name) == "sales":
            moved, reached, granted = _sold(tally, conversion, confirmation, program, commission)
            yield from ((moved, bonus, bonus in granted) for bonus in reached)


def _sold(
    tally: Tally,
    conversion: Conversion,
    confirmation: Confirmation,
    program: Program,
    commission: Commission,
) -> tuple[Tally, tuple[HeldBonus, ...], tuple[HeldBonus, ...]]:
    """A tally of sales moved by this one, the bonuses it reaches, and those of them granted."""
    moved = tally_moves.sold(tally, conversion, confirmation.refunded_before_minor)
    reached = tally_moves.reached(moved, conversion, program.bonuses, commission.due_on)
    return moved, reached, tally_moves.granted(moved, reached, confirmation.rules)


def bonuses_lost(
    conversion: Conversion, ending: Ending, seen: Iterable[Tally]
) -> Iterator[tuple[Tally, HeldBonus]]:
    """Each bonus this ends, with the moved tally that is below its target."""
    for tally in seen:
        if kind_of(tally.name) == "sales":
            moved = tally_moves.returned(tally, conversion, ending)
            for bonus in tally_moves.missed(moved):
                yield moved, bonus


def _bonus(commission: Commission, bonus: HeldBonus) -> Posting:
    vendor = vendor_account(commission.vendor_id)
    affiliate = affiliate_account(commission.affiliate_id)
    return Posting(vendor, affiliate, bonus.amount_minor, bonus.currency, "bonus")


def _bonus_return(commission: Commission, bonus: HeldBonus) -> Posting:
    vendor = vendor_account(commission.vendor_id)
    affiliate = affiliate_account(commission.affiliate_id)
    return Posting(affiliate, vendor, bonus.amount_minor, bonus.currency, "bonus_return")
