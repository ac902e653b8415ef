"""Attributing a report: reads whom its claims are of, decides, and says what to remember of it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click, kept_clicks
from linkage.domain.clock import CLOCKS_APART
from linkage.domain.conversions.attribution import (
    Attribution,
    attribute,
    claimed_affiliates,
)
from linkage.domain.conversions.claims import Claims, Earlier, People
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.introductions import has_ended
from linkage.domain.conversions.requests import Report
from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.people.client_codes import ClientCode
from linkage.domain.people.customers import KnownCustomer, aliases, own_aliases
from linkage.domain.people.members import Member
from linkage.domain.terms.programs import Program
from linkage.flow.conversions.client_proofs import Proof, code_keys, proved
from linkage.flow.conversions.known_customers import fully_refunded, known, reading_ended
from linkage.flow.conversions.report_references import Named, keys_of
from linkage.tables import customers
from linkage.tables.conversions import get_conversion, reading_conversion
from linkage.tables.dynamodb.batch_reads import NOTHING, Reading, gather, reading_each
from linkage.tables.members import reading_members
from linkage.tables.programs import reading_program

_SECRET = os.environ["HASH_SECRET"]


@dataclass(frozen=True)
class Attributed:
    """Whose a report is, with everything read on the way that its acceptance needs.

    `operations` belong into the report's transaction: they keep the clicks presented for the
    customer and use the client's code up.
    """

    attribution: Attribution
    occurred_at: datetime
    customer: KnownCustomer
    customer_keys: tuple[str, ...]
    customer_aliases: tuple[str, ...]
    members: dict[str, Member]
    operations: list[dict[str, Any]]


def attributed(sent: Report, given: Named, program: Program, now: datetime) -> Attributed:
    """Decides whose a report of the program's vendor is, where `given` is what it names.

    Raises InvalidFieldError for an `occurred_at` out of bounds, ConflictError if the vendor was
    never approved.
    """
    occurred_at = _occurred_at(sent, program, now)
    claims = _sent_claims(sent, given)
    around = _around(sent, given, claims, program, occurred_at)
    _require_once_approved(around.members[sent.vendor_id])
    proof = proved(sent, given.new_id.form, claims, around.codes, occurred_at)
    found = _decided(sent, program, occurred_at, claims, around, proof)
    if proof.affiliate_id in {None, found.attribution.affiliate_id}:
        return found
    # The code is not the winner's, so it proves nothing of this sale and stays unused.
    return _decided(sent, program, occurred_at, claims, around, Proof())


@dataclass(frozen=True)
class _Around:
    """What the claims lead to: whoever they are of, the clients' codes, and ended introductions.

    `introduced` is what is remembered of whom an introducer's lead or joint conversion came of,
    `ended_for` those of the two of whose introducing sale too little stands, `partners` are the
    programs that the joint conversion's names as promoted with it.
    """

    remembered: Mapping[tuple[str, ...], customers.Remembered]
    members: dict[str, Member]
    codes: Mapping[str, ClientCode]
    ended: frozenset[str]
    introduced: Mapping[str, customers.Remembered]
    ended_for: frozenset[str]
    partners: tuple[str, ...]


def _around(
    sent: Report, given: Named, claims: Claims, program: Program, occurred_at: datetime
) -> _Around:
    """Reads by one call what the claims lead to; by none if it was all named."""
    remembered = given.remembered.values()
    claimed = {
        *claimed_affiliates(claims),
        *(binding.affiliate_id for each in remembered for binding in each.bindings.values()),
        *(click.affiliate_id for each in remembered for click in _clicks_in(each)),
    }
    members = reading_members(claimed - given.members.keys())
    codes = customers.reading_codes(code_keys(sent, claims).values())
    ended = reading_ended(remembered, occurred_at)
    introduced = _reading_introduced(sent, given)
    ended_for, partner = _reading_ended_for(given), _reading_partner(given, program)
    found = gather(members, codes, ended, introduced, ended_for, partner)
    promoted_with = partner.of(found)
    return _Around(
        remembered=given.remembered,
        members={**given.members, **members.of(found)},
        codes=codes.of(found),
        ended=ended.of(found),
        introduced=introduced.of(found),
        ended_for=ended_for.of(found),
        partners=promoted_with.joint_program_ids if promoted_with else (),
    )


def _decided(
    sent: Report,
    program: Program,
    occurred_at: datetime,
    claims: Claims,
    around: _Around,
    proof: Proof,
) -> Attributed:
    buyer = proof.client or sent.customer
    keys = keys_of(sent, buyer)
    remembered = around.remembered[keys]
    customer = known(keys, remembered, around.ended)
    claims = replace(
        claims,
        lead=_with_customer(claims.lead, customer, around),
        joint=_with_partners(_with_customer(claims.joint, customer, around), around),
        presented=_presented(customer, remembered, occurred_at),
        introducers=customer.introducers(occurred_at),
        code_notes=proof.notes,
    )
    members, buyer_aliases = around.members, aliases(_SECRET, buyer)
    people = _people(members, sent, buyer_aliases, proof)
    return Attributed(
        attribution=attribute(program, occurred_at, claims, people),
        occurred_at=occurred_at,
        customer=customer,
        customer_keys=keys,
        customer_aliases=buyer_aliases,
        members=members,
        operations=[
            *_remembering(sent, claims, customer, remembered, occurred_at),
            *proof.operations,
        ],
    )


# ---- when, and by what claims


def _occurred_at(sent: Report, program: Program, now: datetime) -> datetime:
    if sent.occurred_at is None:
        return now
    occurred_at = clock.instant(sent.occurred_at)
    if occurred_at > now + CLOCKS_APART:
        raise InvalidFieldError(
            "/occurred_at",
            "occurred_at is in the future. Report a conversion once it has happened.",
            code="occurred_in_future",
        )
    if not sent.may_backdate and clock.days_later(occurred_at, program.lateness_days) < now:
        raise InvalidFieldError(
            "/occurred_at",
            f"occurred_at is more than {program.lateness_days} days ago, which the program does "
            "not allow. Ask an operator to report it.",
            code="occurred_too_long_ago",
        )
    return occurred_at


def _sent_claims(sent: Report, given: Named) -> Claims:
    return Claims(
        coupon_code=sent.coupon,
        coupon=given.coupon,
        click_id=sent.click_id,
        click=given.click,
        lead_id=sent.lead_id,
        lead=_earlier(given.lead),
        joint_id=sent.joint_with,
        joint=_earlier(given.joint),
        named_affiliate_id=sent.affiliate_id,
        link=sent.link,
    )


def _earlier(found: Conversion | None) -> Earlier | None:
    if found is None:
        return None
    return Earlier(
        conversion_id=found.conversion_id,
        vendor_id=found.vendor_id,
        program_id=found.program_id,
        event=found.event,
        affiliate_id=found.attribution.affiliate_id,
        occurred_at=found.occurred_at,
        reported_at=found.reported_at,
        rejected=found.status == "rejected",
        refunded=fully_refunded(found),
        introduced=found.attribution.by_introduction,
        introduction=found.attribution.introduction,
    )


# ---- the other half of a joint promotion


def _reading_partner(given: Named, program: Program) -> Reading[Program | None]:
    """The other half's program as it is now, if this one is promoted with it."""
    other = given.joint.program_id if given.joint else None
    return reading_program(other) if other and other in program.joint_program_ids else NOTHING


def _with_partners(joint: Earlier | None, around: _Around) -> Earlier | None:
    return replace(joint, partners=around.partners) if joint else None


# ---- whom an earlier conversion's introducer introduced


def _reading_introduced(sent: Report, given: Named) -> Reading[dict[str, customers.Remembered]]:
    """What is remembered of their customers, by the introducers' lead and joint conversion."""
    earlier = (each for each in (given.lead, given.joint) if each)
    keys = {each.conversion_id: _introduced_keys(each) for each in earlier}
    return reading_each(
        {
            each: customers.reading_remembered(theirs, sent.vendor_id, with_clicks=False)
            for each, theirs in keys.items()
            if theirs
        }
    )


def _reading_ended_for(given: Named) -> Reading[frozenset[str]]:
    """Those of the lead and the joint conversion whose introducing sale no longer stands."""
    lives_by = {
        each.conversion_id: each.attribution.introduction
        for each in (given.lead, given.joint)
        if each and each.attribution.introduction
    }
    sales = reading_each(
        {each: reading_conversion(by.conversion_id) for each, by in lives_by.items()}
    )
    return Reading(
        sales.places,
        lambda found: frozenset(
            each
            for each, sale in sales.of(found).items()
            if sale is not None and has_ended(lives_by[each].floor_minor, sale)
        ),
    )


def _introduced_keys(earlier: Conversion) -> tuple[str, ...]:
    """The keys an introducer knew the customer by: its own, or those of the sale that introduced.

    What came of an introducer's lead itself may name nobody.
    """
    attribution = earlier.attribution
    if attribution.model == "introducer":
        return earlier.customer_keys
    if attribution.introduction is None:
        return ()
    sale = get_conversion(attribution.introduction.conversion_id)
    return tuple(dict.fromkeys((*earlier.customer_keys, *sale.customer_keys)))


def _with_customer(
    earlier: Earlier | None, buyer: KnownCustomer, around: _Around
) -> Earlier | None:
    """The same with whom its introducer introduced; who buys now is that customer, too."""
    remembered = around.introduced.get(earlier.conversion_id) if earlier else None
    if earlier is None or remembered is None:
        return earlier
    opted_out = remembered.opted_out or buyer.opted_out
    introduced = KnownCustomer(bindings=remembered.bindings, opted_out=opted_out)
    is_over = earlier.conversion_id in around.ended_for
    return replace(earlier, customer=introduced, introduction_ended=is_over)


# ---- what is known of the customer


def _presented(
    customer: KnownCustomer, remembered: customers.Remembered, occurred_at: datetime
) -> tuple[Click, ...]:
    if customer.opted_out:
        return ()
    return kept_clicks(_clicks_in(remembered), occurred_at)


def _clicks_in(remembered: customers.Remembered) -> list[Click]:
    return [click for each in remembered.presented.values() for click in each.clicks]


def _remembering(
    sent: Report,
    claims: Claims,
    customer: KnownCustomer,
    remembered: customers.Remembered,
    occurred_at: datetime,
) -> Iterable[dict[str, Any]]:
    """The operations that keep the click sent for each key of the customer, where that is new."""
    if customer.opted_out:
        return
    click = claims.click
    new = [click] if click and click.vendor_id == sent.vendor_id else []
    for key in customer.keys:
        was = remembered.presented.get(key, customers.Presented())
        clicks = kept_clicks([*was.clicks, *new], occurred_at)
        if clicks != was.clicks:
            yield customers.put_presented(key, sent.vendor_id, clicks, was)


# ---- the people


def _require_once_approved(vendor: Member) -> None:
    """A suspended vendor's reports are kept: its confirmations are held until somebody looks."""
    if vendor.status not in {"approved", "suspended"}:
        raise ConflictError(
            "member_not_approved",
            "The vendor is not approved, so nothing can be reported for it. Ask an operator.",
        )


def _people(
    members: dict[str, Member], sent: Report, buyer: tuple[str, ...], proof: Proof
) -> People:
    """Whoever is named as the customer is a buyer, but not who proved to buy for somebody else."""
    vendor_id, named = sent.vendor_id, set(aliases(_SECRET, sent.customer))
    own = {member_id: own_aliases(_SECRET, member) for member_id, member in members.items()}
    return People(
        members=members,
        buyers=frozenset(
            each
            for each, known_by in own.items()
            if known_by & {*buyer, *(named if each != proof.affiliate_id else ())}
        ),
        kin=frozenset(
            each
            for each, known_by in own.items()
            if each != vendor_id and known_by & own[vendor_id]
        ),
    )
