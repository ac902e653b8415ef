"""The upline of a sale: which members earn which level, and who recruited the affiliate.

Levels are counted from the affiliate up. Without `active_days` a member who may not earn leaves its
level empty; with it the level goes to the next active member (docs/money.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from linkage.conversions import Confirmation, Conversion
from linkage.members import Split, Standing
from linkage.money import amount_text
from linkage.network import NetworkSettings
from linkage.tallies import member_tally, tally_named


@dataclass(frozen=True)
class Level:
    """One member of the upline, its basis points of the direct commission, and its splits."""

    member_id: str
    level: int
    rate_bps: int
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True)
class Recruitment:
    """The bonus a sponsor has for its recruit's first confirmed sale, in a currency of its own."""

    member_id: str
    amount_minor: int
    currency: str


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


def is_first_sale(conversion: Conversion, confirmation: Confirmation) -> bool:
    """Whether this is the confirmed sale an attributed affiliate's recruitment bonus is for.

    It is kept as that also while no bonus is offered, so that a new offer is for new recruits. The
    affiliate is approved. A sale refunded in full before it was confirmed leaves the bonus to
    the next one.
    """
    affiliate_id = conversion.attribution.affiliate_id
    if (
        affiliate_id is None
        or conversion.event != "sale"
        or conversion.attribution.model == "introducer"
        or confirmation.refunded_before_minor >= conversion.amount_minor
    ):
        return False
    return tally_named(confirmation.seen.tallies, member_tally(affiliate_id)).recruited_by is None


def recruitment_of(
    conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings
) -> tuple[Recruitment | None, tuple[str, ...]]:
    """The sponsor's recruitment bonus if this sale earns it, and why it is had or lost."""
    bonus, upline = settings.recruitment_bonus, confirmation.seen.upline
    if bonus is None or not upline or not is_first_sale(conversion, confirmation):
        return None, ()
    sponsor, amount = upline[0], amount_text(bonus.amount_minor, bonus.currency)
    first = "This is the affiliate's first confirmed sale"
    if sponsor.status != "approved":
        lost = f"the sponsor was {sponsor.status}"
    elif sponsor.buyer:
        lost = "the sponsor is the customer of this sale"
    else:
        return Recruitment(sponsor.member_id, bonus.amount_minor, bonus.currency), (
            f"{first}: its sponsor earns the recruitment bonus of {amount}, paid by the network.",
        )
    return None, (f"{first}, but the recruitment bonus of {amount} is lost: {lost}.",)
