"""Everything that a report's body names, read by one call before anything is decided."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.requests import Report
from linkage.domain.people.customers import Customer, customer_keys
from linkage.domain.people.members import Member
from linkage.domain.terms.coupons import Coupon
from linkage.domain.terms.keyed_ids import New, conversion_ids, new_form
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.tables.clicks import reading_click
from linkage.tables.conversions import reading_conversion
from linkage.tables.coupons import reading_coupon
from linkage.tables.customers import Remembered, reading_remembered
from linkage.tables.dynamodb.batch_reads import NOTHING, Reading, gather, reading_each
from linkage.tables.members import reading_members
from linkage.tables.programs import reading_program
from linkage.tables.settings import reading_settings

_SECRET = os.environ["HASH_SECRET"]
_ID_SECRET = os.environ["ID_SECRET"]


@dataclass(frozen=True)
class Named:
    """What a report names, as last written; None for what was not named or does not exist.

    `known` is the conversion it would be, if it was reported before, and `new_id` the id that it
    has if it was not; `remembered` is what is kept of whoever may be its customer, by their keys;
    `members` are those of its members that exist.
    """

    known: Conversion | None
    new_id: New
    program: Program | None
    settings: NetworkSettings
    coupon: Coupon | None
    click: Click | None
    lead: Conversion | None
    joint: Conversion | None
    members: Mapping[str, Member]
    remembered: Mapping[tuple[str, ...], Remembered]


def named(sent: Report, program: Program | None = None) -> Named:
    """Reads everything a report names, except a program that was read already.

    Raises WrongSecretError.
    """
    ids = conversion_ids(_ID_SECRET, sent.vendor_id, sent.event, sent.external_id)
    plain, keyed = reading_conversion(ids.plain), reading_conversion(ids.keyed)
    current = NOTHING if program else reading_program(sent.program_id)
    settings = reading_settings()
    coupon = reading_coupon(sent.vendor_id, sent.coupon) if sent.coupon else NOTHING
    click = reading_click(sent.click_id) if sent.click_id else NOTHING
    lead, joint = _earlier(sent.lead_id), _earlier(sent.joint_with)
    linked = sent.link.affiliate_id if sent.link else None
    members = reading_members(each for each in (sent.vendor_id, sent.affiliate_id, linked) if each)
    remembered = reading_each(
        {keys: reading_remembered(keys, sent.vendor_id) for keys in _possible_keys(sent)}
    )
    found = gather(plain, keyed, current, settings, coupon, click, lead, joint, members, remembered)
    in_force = settings.of(found)
    return Named(
        known=plain.of(found) or keyed.of(found),
        new_id=new_form(ids, in_force, _ID_SECRET, clock.now()),
        program=program or current.of(found),
        settings=in_force,
        coupon=coupon.of(found),
        click=click.of(found),
        lead=lead.of(found),
        joint=joint.of(found),
        members=members.of(found),
        remembered=remembered.of(found),
    )


def keys_of(sent: Report, customer: Customer) -> tuple[str, ...]:
    """A customer's keys at the report's vendor."""
    return customer_keys(_SECRET, sent.vendor_id, customer)


def _possible_keys(sent: Report) -> list[tuple[str, ...]]:
    """Those of the customer, and of the client whom the affiliate may prove to buy for."""
    possible = [sent.customer, *([sent.client.customer] if sent.client else [])]
    return [keys_of(sent, each) for each in possible]


def _earlier(earlier_id: str | None) -> Reading[Conversion | None]:
    return reading_conversion(earlier_id) if earlier_id else NOTHING
