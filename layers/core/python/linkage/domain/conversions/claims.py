"""What may say whose a conversion is: the claims in their order, with what speaks against each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click, CountedLink, moment_of
from linkage.domain.clock import CLOCKS_APART
from linkage.domain.people.customers import Binding, Introduction, KnownCustomer, is_own_id
from linkage.domain.people.members import Member
from linkage.domain.terms.coupons import Coupon
from linkage.domain.terms.programs import COUNTED_EVENTS, Program

LEAD_EVENTS = ("lead", "signup")
PAUSED = "the program is paused"


@dataclass(frozen=True)
class Earlier:
    """What attribution looks at in another conversion, a lead or half of a joint promotion.

    `customer` is what is known now of whom the introducer introduced, if it was one's, and
    `introduction_ended` whether too little stands of the sale it was introduced by. `partners`
    are the programs that its own program names as promoted together with it now.
    """

    conversion_id: str
    vendor_id: str
    program_id: str
    event: str
    affiliate_id: str | None
    occurred_at: str
    reported_at: str
    rejected: bool
    refunded: bool
    introduced: bool = False
    introduction: Introduction | None = None
    introduction_ended: bool = False
    customer: KnownCustomer | None = None
    partners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claims:
    """What may attribute a conversion: each claim as it was sent and as it was found.

    `presented` are clicks sent before for this customer at this vendor. `code_notes` say, for an
    affiliate, why the client's code that was sent proves nothing. `link` is the one whose visits
    were counted; it has no other claims beside it.
    """

    coupon_code: str | None = None
    coupon: Coupon | None = None
    click_id: str | None = None
    click: Click | None = None
    presented: tuple[Click, ...] = ()
    lead_id: str | None = None
    lead: Earlier | None = None
    joint_id: str | None = None
    joint: Earlier | None = None
    named_affiliate_id: str | None = None
    introducers: tuple[Binding, ...] = ()
    code_notes: Mapping[str, str] = field(default_factory=dict)
    link: CountedLink | None = None


@dataclass(frozen=True)
class People:
    """Who the claims are about: the members that exist, and those who stand too near the sale.

    `buyers` are the customer themselves; `kin` share the vendor's own phone or e-mail address.
    """

    members: Mapping[str, Member]
    buyers: frozenset[str] = frozenset()
    kin: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Claim:
    """A claim before the affiliate's standing is looked at."""

    model: str
    reference: str
    affiliate_id: str | None
    objection: str | None
    title: str
    won_because: str
    click: Click | None = None
    introduced: bool = False


def claims_in_order(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[Claim]:
    """Every claim there is, in the order in which they count, with what its own facts object."""
    if claims.link is not None:
        yield Claim(
            "link",
            claims.link.code,
            claims.link.affiliate_id,
            None,
            title="the link",
            won_because="the network counted this on the affiliate's own link",
        )
    exclusive = claims.coupon is not None and claims.coupon.exclusive
    if exclusive:
        yield from _coupon_claim(program, occurred_at, claims)
    yield from _click_claims(program, occurred_at, claims)
    if not exclusive:
        yield from _coupon_claim(program, occurred_at, claims)
    yield from _conversion_claims(program, occurred_at, claims)
    if claims.named_affiliate_id is not None:
        yield Claim(
            "named",
            claims.named_affiliate_id,
            claims.named_affiliate_id,
            None,
            title="the named affiliate",
            won_because="the vendor named this affiliate",
        )
    for introducer in claims.introducers:
        yield Claim(
            "introducer",
            introducer.conversion_id,
            introducer.affiliate_id,
            None if program.introducer_rate_bps else "the program pays no introducer commission",
            title="the introducer",
            won_because="this affiliate introduced the customer to the network",
        )


def _coupon_claim(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[Claim]:
    if claims.coupon_code is None:
        return
    coupon = claims.coupon
    kind = "exclusive coupon" if coupon and coupon.exclusive else "coupon"
    yield Claim(
        "coupon",
        claims.coupon_code,
        coupon.affiliate_id if coupon else None,
        coupon.objection(program.program_id, clock.day(occurred_at))
        if coupon
        else "there is no such coupon",
        title=f"the {kind}",
        won_because=f"this affiliate's {kind} was sent with the conversion",
    )


def _click_claims(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[Claim]:
    own = claims.click if claims.click and claims.click.vendor_id == program.vendor_id else None
    if claims.click_id is not None and own is None:
        objection = (
            "the click belongs to another vendor" if claims.click else "there is no such click"
        )
        yield Claim("click", claims.click_id, None, objection, title="", won_because="")

    known = {click.click_id: click for click in (*claims.presented, *([own] if own else []))}
    if len(known) == 1:
        title = "the click"
    else:
        title = "the later click" if program.click_model == "last" else "the earlier click"
    for click in sorted(known.values(), key=moment_of, reverse=program.click_model == "last"):
        sent = click.click_id == claims.click_id
        how = "was sent with the conversion" if sent else "was sent for this customer before"
        yield Claim(
            "click",
            click.click_id,
            click.affiliate_id,
            _age_objection("click", program, click.clicked_at, occurred_at),
            title=title,
            won_because=f"the click {how}, within the window",
            click=click,
        )


def _conversion_claims(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[Claim]:
    if claims.lead_id is not None:
        lead = claims.lead
        known = lead is not None and lead.vendor_id == program.vendor_id
        yield Claim(
            "lead",
            claims.lead_id,
            lead.affiliate_id if lead and known else None,
            _lead_objection(program, lead if known else None, occurred_at),
            title="the lead",
            won_because="this affiliate brought the lead that became this conversion",
            introduced=known and lead is not None and lead.introduced,
        )
    if claims.joint_id is not None:
        joint = claims.joint
        counts = joint is not None and _is_other_half(program, joint, occurred_at)
        yield Claim(
            "joint",
            claims.joint_id,
            joint.affiliate_id if joint and counts else None,
            None if counts else NO_OTHER_HALF,
            title="the joint promotion",
            won_because="this affiliate's is the other vendor's half of the joint promotion",
            introduced=counts and joint is not None and joint.introduced,
        )


def _lead_objection(program: Program, lead: Earlier | None, occurred_at: datetime) -> str | None:
    if lead is None:
        return "there is no such lead"
    if lead.event not in LEAD_EVENTS:
        return f"it is a {lead.event}, not a lead or a signup"
    if lead.affiliate_id is None:
        return "the lead belongs to no affiliate"
    if lead.rejected:
        return "the lead was rejected"
    if lead.refunded:
        return "the lead was refunded in full"
    too_old = _age_objection("lead", program, lead.occurred_at, occurred_at)
    return too_old or _introduction_objection(lead, occurred_at)


NO_OTHER_HALF = (
    "there is no such other half that counts: its program and this one name each other, it is "
    "within the window, it stands, and its affiliate may earn here"
)
"""The one answer to all that speaks against another vendor's conversion, so that nobody learns by
asking whether there is one, how it stands and whose it is."""


def _is_other_half(program: Program, joint: Earlier, occurred_at: datetime) -> bool:
    if joint.program_id not in program.joint_program_ids:
        return False
    if program.program_id not in joint.partners or joint.vendor_id == program.vendor_id:
        return False
    if joint.event in COUNTED_EVENTS or joint.affiliate_id is None:
        return False
    if joint.rejected or joint.refunded:
        return False
    first, second = sorted((clock.instant(joint.occurred_at), occurred_at))
    is_near = clock.days_later(first, program.window_days) >= second
    return is_near and _introduction_objection(joint, occurred_at) is None


def _introduction_objection(earlier: Earlier, occurred_at: datetime) -> str | None:
    """What ended the introduction it came by; that this has expired since is no objection."""
    if earlier.customer is None:
        return None
    if earlier.customer.opted_out:
        return "the customer has opted out"
    if earlier.introduction_ended:
        return "too little stands of the sale that introduced the customer"
    unbound_at = [each.unbound_at for each in _carrying(earlier, occurred_at)]
    if not unbound_at:
        # Whoever binds a key again writes over what was, so how that ended is not known.
        return "the customer was introduced anew since"
    if all(unbound_at) or any(at and at >= earlier.reported_at for at in unbound_at):
        return "an operator has ended the introduction it came by"
    return None


def _carrying(earlier: Earlier, occurred_at: datetime) -> Iterator[Binding]:
    """The bindings by which the customer was the affiliate's then, as far as they are still there.

    By the very sale, since others of the affiliate's may bind other contacts. A vendor's own id
    follows a contact, so where one is bound it has no say beyond its own end.
    """
    customer = earlier.customer or KnownCustomer()
    known_by = max(earlier.occurred_at, earlier.reported_at)
    contact_bound = any(not is_own_id(each) for each in customer.bindings)
    for key, binding in customer.bindings.items():
        if binding.affiliate_id != earlier.affiliate_id or binding.known_since > known_by:
            continue
        if earlier.introduction and not binding.has(earlier.introduction.conversion_id):
            continue
        is_over = clock.instant(binding.expires_at) <= occurred_at
        if not (is_own_id(key) and contact_bound and is_over):
            yield binding


def _age_objection(what: str, program: Program, at: str, occurred_at: datetime) -> str | None:
    moment = clock.instant(at)
    if moment > occurred_at + CLOCKS_APART:
        return f"the {what} came after the conversion"
    if clock.days_later(moment, program.window_days) < occurred_at:
        return f"the {what} is older than the program's window of {program.window_days} days"
    return None


def objection_to(program: Program, claim: Claim, people: People) -> str | None:
    """What of the program, the claim or the affiliate speaks against a claim, if anything does."""
    if program.paused:
        return PAUSED
    if claim.objection:
        return claim.objection
    standing = _standing_objection(program, claim.affiliate_id, people)
    return NO_OTHER_HALF if standing and claim.model == "joint" else standing


def _standing_objection(program: Program, affiliate_id: str | None, people: People) -> str | None:
    member = people.members.get(affiliate_id or "")
    if member is None or not member.has_role("affiliate"):
        return "there is no such affiliate"
    if member.status != "approved":
        return f"the affiliate is {member.status}, not approved"
    if member.member_id == program.vendor_id:
        return "an affiliate earns nothing on its own vendor's sale"
    if member.member_id in people.kin:
        return "the affiliate has the vendor's own phone number or e-mail address"
    if member.member_id in people.buyers:
        return "an affiliate earns nothing on its own purchase"
    return None
