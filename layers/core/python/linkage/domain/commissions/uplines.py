"""The upline of a sale: which members earn which level, and who recruited the affiliate.

Levels are counted from the affiliate up. Without `active_days` a member who may not earn leaves its
level empty; with it the level goes to the next active member (docs/money.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from linkage.domain import clock
from linkage.domain.conversions.conversions import Confirmation, Conversion
from linkage.domain.conversions.standing import Standing
from linkage.domain.conversions.tallies import member_tally, period_of, recruits_tally, tally_named
from linkage.domain.money import amount_text, least_that_earns, remaining
from linkage.domain.people.members import Split
from linkage.domain.rule_versions import RULES_FIRST, RULES_OF_WHAT_STANDS
from linkage.domain.terms.network import NetworkSettings


@dataclass(frozen=True)
class Level:
    """One member of the upline, its basis points of the direct commission, and its splits."""

    member_id: str
    level: int
    rate_bps: int
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True)
class Recruitment:
    """The bonus a sponsor has for its recruit's first confirmed sale, in a currency of its own.

    It is had as long as `floor_minor` of the sale stands, minor units of the sale's currency.
    """

    member_id: str
    amount_minor: int
    currency: str
    floor_minor: int = 1


def paid_levels(
    upline: tuple[Standing, ...], vendor_id: str, settings: NetworkSettings
) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    """The levels that are paid, nearest first, and a sentence for each one that moved or is not."""
    if settings.active_days is None:
        return _fixed_levels(upline, vendor_id, settings)
    return _moved_up_levels(upline, vendor_id, settings)


def _fixed_levels(
    upline: tuple[Standing, ...], vendor_id: str, settings: NetworkSettings
) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    levels, why = [], []
    reached = zip(upline, settings.level_rates_bps, strict=False)
    for level, (standing, rate_bps) in enumerate(reached, start=1):
        objection = _objection(standing, vendor_id)
        if objection:
            why.append(f"Level {level} of the upline {objection}: no override.")
        else:
            levels.append(Level(standing.member_id, level, rate_bps, standing.splits))
    return tuple(levels), tuple(why)


def _moved_up_levels(
    upline: tuple[Standing, ...], vendor_id: str, settings: NetworkSettings
) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    levels, why = [], []
    above = iter(upline)
    for level, rate_bps in enumerate(settings.level_rates_bps, start=1):
        standing, skipped = _next_active(above, vendor_id, settings)
        if standing:
            levels.append(Level(standing.member_id, level, rate_bps, standing.splits))
            if skipped:
                said = "; ".join(f"one {objection}" for objection in skipped)
                why.append(f"Level {level} went to the next active member of the upline: {said}.")
        elif skipped:
            said = "; ".join(f"one {objection}" for objection in skipped)
            why.append(f"Level {level} went to nobody, as no active member is left: {said}.")
    return tuple(levels), tuple(why)


def _next_active(
    above: Iterator[Standing], vendor_id: str, settings: NetworkSettings
) -> tuple[Standing | None, list[str]]:
    skipped: list[str] = []
    for standing in above:
        objection = _objection(standing, vendor_id)
        if objection is None and not standing.active:
            objection = f"had no sale of its own in {settings.active_days} days"
        if objection is None:
            return standing, skipped
        skipped.append(objection)
    return None, skipped


def _objection(standing: Standing, vendor_id: str) -> str | None:
    if standing.status != "approved":
        return f"was {standing.status}"
    if standing.member_id == vendor_id:
        return "is the vendor of this sale"
    if standing.buyer:
        return "is the customer of this sale"
    return None


def is_first_sale(
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    direct_minor: int,
) -> bool:
    """Whether this is the confirmed sale an attributed affiliate's recruitment bonus is for.

    It is kept as that also while no bonus is offered, so that a new offer is for new recruits. The
    affiliate is approved, `direct_minor` its direct commission. A sale that is too small, earns
    nothing, or comes when the sponsor has had as many as a month allows leaves the bonus to a
    later one.
    """
    refunded_minor = confirmation.refunded_before_minor
    if not _could_be_first(conversion, confirmation) or refunded_minor >= conversion.amount_minor:
        return False
    if confirmation.rules == RULES_FIRST:
        return True
    return (
        not _is_the_sponsor_s_shop(conversion, confirmation)
        and remaining(direct_minor, conversion.amount_minor, refunded_minor) > 0
        and _stands(conversion, confirmation, settings)
        and not _had_enough(confirmation, settings)
    )


def _could_be_first(conversion: Conversion, confirmation: Confirmation) -> bool:
    """Whether its kind can be a recruit's first at all, and none has been before it."""
    affiliate_id = conversion.attribution.affiliate_id
    return (
        affiliate_id is not None
        and conversion.event == "sale"
        and conversion.attribution.model != "introducer"
        and not tally_named(confirmation.seen.tallies, member_tally(affiliate_id)).recruited_by
    )


def recruitment_floor_minor(settings: NetworkSettings, currency: str) -> int | None:
    """The least that must stand of a recruit's first sale, minor units; None if none will do.

    Where the network sets no floor for the currency, it is the bonus's own amount in the bonus's
    currency, and no sale in another one earns it.
    """
    bonus, least = settings.recruitment_bonus, settings.introduction_minimum_minor.get(currency)
    if least is not None or bonus is None:
        return least or 1
    return bonus.amount_minor if bonus.currency == currency else None


def _standing_minor(
    conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings, direct_minor: int
) -> int:
    """The least that must stand of a first sale for its bonus: the floor, and that it earns."""
    if confirmation.rules == RULES_FIRST:
        return 1
    floor_minor = recruitment_floor_minor(settings, conversion.currency) or 1
    if confirmation.rules < RULES_OF_WHAT_STANDS:
        return floor_minor
    return max(floor_minor, least_that_earns(direct_minor, conversion.amount_minor))


def _is_the_sponsor_s_shop(conversion: Conversion, confirmation: Confirmation) -> bool:
    return conversion.vendor_id in {each.member_id for each in confirmation.seen.upline[:1]}


def recruits_name(confirmation: Confirmation) -> str | None:
    """The tally of the sponsor's recruitment bonuses of the month of the confirmation."""
    upline = confirmation.seen.upline
    month = period_of(clock.instant(confirmation.accepted_at), "month")
    return recruits_tally(upline[0].member_id, month) if upline else None


def _stands(conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings) -> bool:
    least_minor = recruitment_floor_minor(settings, conversion.currency)
    left_minor = conversion.amount_minor - confirmation.refunded_before_minor
    return least_minor is not None and left_minor >= least_minor


def _had_enough(confirmation: Confirmation, settings: NetworkSettings) -> bool:
    name = recruits_name(confirmation)
    had = tally_named(confirmation.seen.tallies, name).count if name else 0
    return settings.recruitment_bonus is not None and had >= settings.recruits_per_month_max


def recruitment_of(
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    direct_minor: int,
) -> tuple[Recruitment | None, tuple[str, ...]]:
    """The sponsor's recruitment bonus if this sale earns it, and why it is had or lost."""
    bonus, upline = settings.recruitment_bonus, confirmation.seen.upline
    if bonus is None or not upline:
        return None, ()
    amount = amount_text(bonus.amount_minor, bonus.currency)
    if not is_first_sale(conversion, confirmation, settings, direct_minor):
        return None, tuple(_left_to_a_later_sale(conversion, confirmation, settings, amount))
    sponsor, first = upline[0], "This is the affiliate's first confirmed sale"
    if sponsor.status != "approved":
        lost = f"the sponsor was {sponsor.status}"
    elif sponsor.buyer:
        lost = "the sponsor is the customer of this sale"
    else:
        floor_minor = _standing_minor(conversion, confirmation, settings, direct_minor)
        why = f"{first}: its sponsor earns the recruitment bonus of {amount}, paid by the network."
        brought = Recruitment(sponsor.member_id, bonus.amount_minor, bonus.currency, floor_minor)
        return brought, (why,)
    return None, (f"{first}, but the recruitment bonus of {amount} is lost: {lost}.",)


def _left_to_a_later_sale(
    conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings, amount: str
) -> Iterator[str]:
    """Why an affiliate's sale, though it is the first, does not bring its sponsor the bonus."""
    if confirmation.rules == RULES_FIRST or not _could_be_first(conversion, confirmation):
        return
    least_minor = recruitment_floor_minor(settings, conversion.currency)
    if _is_the_sponsor_s_shop(conversion, confirmation):
        why = "the sponsor is the vendor"
    elif least_minor is None:
        why = f"in {conversion.currency} it has no least amount for one"
    elif not _stands(conversion, confirmation, settings):
        least = amount_text(least_minor, conversion.currency)
        why = f"it takes a sale of which at least {least} stands"
    elif _had_enough(confirmation, settings):
        why = (
            f"the sponsor has had {settings.recruits_per_month_max} of them this month, the most "
            "the network allows"
        )
    else:
        why = "it takes a sale that earns something"
    yield f"This sale brings no recruitment bonus of {amount}: {why}. A later sale can."
