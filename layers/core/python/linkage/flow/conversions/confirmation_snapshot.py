"""What a confirmation looks at as it is accepted, since posting looks at nothing newer."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from linkage.domain import clock
from linkage.domain.commissions.wanted_tallies import cost_names, wanted
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally, member_tally, period_of, recruits_tally
from linkage.domain.people.customers import own_aliases
from linkage.domain.people.members import UPLINE_DEPTH_MAX, Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.tables.dynamodb.batch_reads import gather
from linkage.tables.members import find_members, reading_members
from linkage.tables.tallies import reading_tallies

_SECRET = os.environ["HASH_SECRET"]

type Members = Mapping[str, Member]


def seen_now(
    conversion: Conversion,
    program: Program,
    settings: NetworkSettings,
    moment: datetime,
    known: Members,
    also: Iterable[str] = (),
) -> Seen:
    """The standing of all who may be paid, and the tallies as they are before they are moved.

    `program` and `settings` are the versions the report saw, `known` members read just now, the
    vendor among them, `also` more tallies to be looked at.
    """
    affiliate_id = conversion.attribution.affiliate_id
    members = _with(known, (affiliate_id,) if affiliate_id else ())
    affiliate = members.get(affiliate_id or "")
    above = affiliate.upline[: _reach(settings)] if affiliate else ()
    # Whose tallies are wanted depends on how the affiliate stands, and not on who shares with it.
    unshared = _standing(affiliate_id, conversion, members, settings) if affiliate_id else None
    vendor = members.get(conversion.vendor_id)
    limits = (vendor.confirmed_max_minor if vendor else None) or {}
    costs = cost_names(conversion, program, unshared, limits, moment)
    names = {*wanted(conversion, program, unshared), *costs.values(), *also}
    own_sales = map(member_tally, above) if settings.active_days is not None else ()
    recruits = _recruits(above, settings, moment)
    counted = reading_tallies([*names, *own_sales, *recruits])
    others = reading_members(
        each for each in (*above, *_receivers([affiliate_id or ""], members)) if each not in members
    )
    found = gather(counted, others)
    tallies, members = counted.of(found), {**members, **others.of(found)}
    if recruits and _may_recruit(affiliate_id, names, tallies):
        names |= {*recruits}
    members = _with(members, _receivers(above, members))

    def standing_of(member_id: str) -> Standing:
        return _standing(member_id, conversion, members, settings)

    standing = standing_of(affiliate_id) if affiliate_id else None
    upline = (
        replace(
            standing_of(member_id),
            active=_active(tallies.get(member_tally(member_id)), settings, moment),
        )
        for member_id in above
    )
    return Seen(
        standing,
        tuple(upline),
        tuple(tallies[name] for name in sorted(names)),
        limits={currency: limits[currency] for currency in costs},
    )


def _recruits(
    above: tuple[str, ...], settings: NetworkSettings, moment: datetime
) -> tuple[str, ...]:
    """The tally of the sponsor's bonuses of the month, where the network has such a bonus."""
    if not above or settings.recruitment_bonus is None:
        return ()
    return (recruits_tally(above[0], period_of(moment, "month")),)


def _may_recruit(affiliate_id: str | None, names: set[str], tallies: Mapping[str, Tally]) -> bool:
    """Whether it may be the sale that brings the affiliate's sponsor its bonus."""
    own = member_tally(affiliate_id or "")
    return own in names and tallies[own].recruited_by is None


def _with(members: Members, wanted_ids: Iterable[str]) -> Members:
    """These members and the wanted ones: those not known yet are read at once."""
    missing = [each for each in wanted_ids if each not in members]
    return {**members, **find_members(missing)}


def _reach(settings: NetworkSettings) -> int:
    """How many of the upline can matter: those passed over, and whoever recruited, included."""
    if settings.level_rates_bps and settings.active_days is not None:
        return UPLINE_DEPTH_MAX
    return max(len(settings.level_rates_bps), 1 if settings.recruitment_bonus else 0)


def _receivers(earner_ids: Iterable[str], members: Members) -> set[str]:
    earners = (members[each] for each in earner_ids if each in members)
    return {
        split.member_id
        for earner in earners
        if earner.status == "approved"
        for split in earner.splits
    }


def _standing(
    member_id: str, conversion: Conversion, members: Members, settings: NetworkSettings
) -> Standing:
    """One member as it stands; of more splits than the settings allow, only the first count.

    What settings allow was checked to fit into one transaction when they were published.
    """
    member = members.get(member_id)
    if member is None:
        return Standing(member_id, "unknown")
    allowed = member.splits[: settings.split_members_max]
    buyer = set(conversion.customer_aliases)
    return Standing(
        member_id,
        member.status,
        buyer=not own_aliases(_SECRET, member).isdisjoint(buyer),
        groups=member.groups,
        splits=tuple(each for each in allowed if _may_receive(members.get(each.member_id), buyer)),
    )


def _may_receive(member: Member | None, buyer: set[str]) -> bool:
    return (
        member is not None
        and member.status == "approved"
        and member.has_role("affiliate")
        and own_aliases(_SECRET, member).isdisjoint(buyer)
    )


def _active(own_sales: Tally | None, settings: NetworkSettings, moment: datetime) -> bool:
    if settings.active_days is None:
        return True
    earliest = clock.day(moment) - timedelta(days=settings.active_days)
    last_on = own_sales.last_on if own_sales else None
    return last_on is not None and last_on >= earliest.isoformat()
