"""Attribution: which affiliate a conversion belongs to, and why every other candidate lost.

Decided once, when the conversion is recorded, from stored facts only. The order: an exclusive
coupon, a click, a shared coupon, the lead it came of, the other half of a joint promotion, the
affiliate the vendor names, the network introducer of the customer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from linkage import clock
from linkage.coupons import Coupon
from linkage.customers import Binding, Introduction, KnownCustomer
from linkage.members import Member
from linkage.programs import COUNTED_EVENTS, Program

CLOCKS_APART = timedelta(seconds=300)
"""How much earlier a vendor's clock may say that something happened than ours says."""

CLICKS_EARLIEST, CLICKS_LATEST = 5, 15
CLICK_KEEP_DAYS = 365
"""What is kept of the clicks presented for a customer: enough for either click model."""

LEAD_EVENTS = ("lead", "signup")
_PAUSED = "the program is paused"


@dataclass(frozen=True)
class Click:
    """What a conversion keeps of the click it was sent with."""

    click_id: str
    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str
    clicked_at: str
    sub: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountedLink:
    """A link of which the network counted the clicks or the impressions of a day itself."""

    code: str
    affiliate_id: str


@dataclass(frozen=True)
class Candidate:
    """One way the conversion could have been attributed, and what came of it.

    `introduced` is whether a lead or a joint conversion was an introducer's itself.
    """

    model: str
    reference: str
    affiliate_id: str | None
    won: bool
    why: str
    introduced: bool = False

    @property
    def by_introduction(self) -> bool:
        """Whether it was known whose it is by who once introduced the customer alone."""
        return self.model == "introducer" or self.introduced


@dataclass(frozen=True)
class Attribution:
    """The decision with every candidate; the click's facts are copied, since clicks expire.

    `coupon` is the code that was sent if it counts and is the winner's, whatever the model.
    `introduction` is the sale an introducer's conversion lives by.
    """

    affiliate_id: str | None
    model: str | None
    reason: str | None
    candidates: tuple[Candidate, ...] = ()
    click: Click | None = None
    coupon: str | None = None
    introduction: Introduction | None = None

    @property
    def by_introduction(self) -> bool:
        """Whether it is an introducer's, by itself or by the conversion it came of."""
        return self.model == "introducer" or any(
            each.won and each.by_introduction for each in self.candidates
        )


@dataclass(frozen=True)
class Earlier:
    """What attribution looks at in another conversion, a lead or half of a joint promotion.

    `customer` is what is known now of whom the introducer introduced, if it was one's. `partners`
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
    introducer: Binding | None = None
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
class _Claim:
    """A claim before the affiliate's standing is looked at."""

    model: str
    reference: str
    affiliate_id: str | None
    objection: str | None
    title: str
    won_because: str
    click: Click | None = None
    introduced: bool = False


def without_introductions(claims: Claims) -> Claims:
    """The claims that say whose they are by themselves, and not by who introduced the customer."""
    lead, joint = claims.lead, claims.joint
    return replace(
        claims,
        lead=None if lead and lead.introduced else lead,
        joint=None if joint and joint.introduced else joint,
        introducer=None,
    )


def claimed_affiliates(claims: Claims) -> list[str]:
    """The ids of the members whose standing decides between the claims."""
    said = (
        claims.link,
        claims.coupon,
        claims.click,
        claims.lead,
        claims.joint,
        claims.introducer,
    )
    named = [
        claims.named_affiliate_id,
        *(each.affiliate_id for each in said if each),
        *(click.affiliate_id for click in claims.presented),
    ]
    return sorted({member_id for member_id in named if member_id})


def attribute(
    program: Program, occurred_at: datetime, claims: Claims, people: People
) -> Attribution:
    """Tries the claims in order; the first without an objection wins.

    Times are UTC, the program is the version seen; a paused one attributes to nobody.
    """
    candidates: list[Candidate] = []
    winner: _Claim | None = None
    for claim in _claims(program, occurred_at, claims):
        why = _objection(program, claim, people)
        if winner is not None and (why is None or claim.model == "joint"):
            why = f"{winner.title} comes first"
        won = why is None
        if not won and claim.model == "joint":
            # Whose the other vendor's conversion is, and how it came, is that vendor's business.
            claim = replace(claim, affiliate_id=None, introduced=False)  # noqa: PLW2901
        said = why or claim.won_because
        note = claims.code_notes.get(claim.affiliate_id or "")
        candidates.append(
            Candidate(
                model=claim.model,
                reference=claim.reference,
                affiliate_id=claim.affiliate_id,
                won=won,
                why=f"{said}; {note}" if note else said,
                introduced=claim.introduced,
            )
        )
        winner = claim if won else winner

    if winner is None:
        return Attribution(None, None, _reason(program, candidates), tuple(candidates))
    return Attribution(
        affiliate_id=winner.affiliate_id,
        model=winner.model,
        reason=None,
        candidates=tuple(candidates),
        click=winner.click,
        coupon=_coupon_of(winner, program, occurred_at, claims.coupon),
        introduction=_introduction_of(winner, claims),
    )


def _introduction_of(winner: _Claim, claims: Claims) -> Introduction | None:
    """The sale that introduced the customer, where the winner is known by that alone."""
    if winner.model == "introducer" and claims.introducer:
        return claims.introducer.introduction
    earlier = {"lead": claims.lead, "joint": claims.joint}.get(winner.model)
    return earlier.introduction if earlier else None


def _reason(program: Program, candidates: list[Candidate]) -> str:
    if program.paused:
        return _PAUSED
    return _whys(candidates) or "no click, no named affiliate and no introducer of this customer"


def _whys(candidates: Iterable[Candidate]) -> str:
    return "; ".join(dict.fromkeys(f"{each.model}: {each.why}" for each in candidates))


def _coupon_of(
    winner: _Claim, program: Program, occurred_at: datetime, coupon: Coupon | None
) -> str | None:
    if coupon is None or coupon.affiliate_id != winner.affiliate_id:
        return None
    objection = coupon.objection(program.program_id, clock.day(occurred_at))
    return None if objection else coupon.code


# ---- what a vendor may know of it before it confirms


_NAMED_LATER = "who introduced the customer is told once the conversion is confirmed"
_WHY_LATER = "what spoke against the introducer is told once the conversion is confirmed"


def without_introducers(attribution: Attribution) -> Attribution:
    """The same without who introduced the customer and what speaks against them.

    Else a vendor could ask by whom anybody is known, with conversions it never confirms.
    """
    candidates = tuple(map(_without_introducer, attribution.candidates))
    if candidates == attribution.candidates:
        return attribution
    hidden, reason = attribution.by_introduction, attribution.reason
    told = reason is None or reason == _PAUSED
    return replace(
        attribution,
        affiliate_id=None if hidden else attribution.affiliate_id,
        reason=reason if told else _whys(candidates),
        candidates=candidates,
    )


def _without_introducer(candidate: Candidate) -> Candidate:
    if not candidate.by_introduction:
        return candidate
    why = _NAMED_LATER if candidate.won else _WHY_LATER
    return replace(candidate, affiliate_id=None, why=why)


# ---- the claims in their order, each with what speaks against itself


def _claims(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[_Claim]:
    if claims.link is not None:
        yield _Claim(
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
        yield _Claim(
            "named",
            claims.named_affiliate_id,
            claims.named_affiliate_id,
            None,
            title="the named affiliate",
            won_because="the vendor named this affiliate",
        )
    if claims.introducer is not None:
        yield _Claim(
            "introducer",
            claims.introducer.conversion_id,
            claims.introducer.affiliate_id,
            None if program.introducer_rate_bps else "the program pays no introducer commission",
            title="the introducer",
            won_because="this affiliate introduced the customer to the network",
        )


def _coupon_claim(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[_Claim]:
    if claims.coupon_code is None:
        return
    coupon = claims.coupon
    kind = "exclusive coupon" if coupon and coupon.exclusive else "coupon"
    yield _Claim(
        "coupon",
        claims.coupon_code,
        coupon.affiliate_id if coupon else None,
        coupon.objection(program.program_id, clock.day(occurred_at))
        if coupon
        else "there is no such coupon",
        title=f"the {kind}",
        won_because=f"this affiliate's {kind} was sent with the conversion",
    )


def _click_claims(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[_Claim]:
    own = claims.click if claims.click and claims.click.vendor_id == program.vendor_id else None
    if claims.click_id is not None and own is None:
        objection = (
            "the click belongs to another vendor" if claims.click else "there is no such click"
        )
        yield _Claim("click", claims.click_id, None, objection, title="", won_because="")

    known = {click.click_id: click for click in (*claims.presented, *([own] if own else []))}
    if len(known) == 1:
        title = "the click"
    else:
        title = "the later click" if program.click_model == "last" else "the earlier click"
    for click in sorted(known.values(), key=_when, reverse=program.click_model == "last"):
        sent = click.click_id == claims.click_id
        how = "was sent with the conversion" if sent else "was sent for this customer before"
        yield _Claim(
            "click",
            click.click_id,
            click.affiliate_id,
            _age_objection("click", program, click.clicked_at, occurred_at),
            title=title,
            won_because=f"the click {how}, within the window",
            click=click,
        )


def _when(click: Click) -> tuple[str, str]:
    return click.clicked_at, click.click_id


def _conversion_claims(program: Program, occurred_at: datetime, claims: Claims) -> Iterator[_Claim]:
    if claims.lead_id is not None:
        lead = claims.lead
        known = lead is not None and lead.vendor_id == program.vendor_id
        yield _Claim(
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
        yield _Claim(
            "joint",
            claims.joint_id,
            joint.affiliate_id if joint and counts else None,
            None if counts else _NO_OTHER_HALF,
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
    return too_old or _introduction_objection(lead)


_NO_OTHER_HALF = (
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
    return is_near and _introduction_objection(joint) is None


def _introduction_objection(earlier: Earlier) -> str | None:
    """What ended the introduction it came by; that this has expired since is no objection."""
    if earlier.customer is None:
        return None
    if earlier.customer.opted_out:
        return "the customer has opted out"
    known_by = max(earlier.occurred_at, earlier.reported_at)
    unbound_at = [
        binding.unbound_at
        for binding in earlier.customer.bindings.values()
        if binding.affiliate_id == earlier.affiliate_id and binding.known_since <= known_by
    ]
    if not unbound_at:
        # Whoever binds a key again writes over what was, so how that ended is not known.
        return "the customer was introduced anew since"
    if all(unbound_at) or any(at and at >= earlier.reported_at for at in unbound_at):
        return "an operator has ended the introduction it came by"
    return None


def _age_objection(what: str, program: Program, at: str, occurred_at: datetime) -> str | None:
    moment = clock.instant(at)
    if moment > occurred_at + CLOCKS_APART:
        return f"the {what} came after the conversion"
    if clock.days_later(moment, program.window_days) < occurred_at:
        return f"the {what} is older than the program's window of {program.window_days} days"
    return None


# ---- what speaks against the affiliate


def _objection(program: Program, claim: _Claim, people: People) -> str | None:
    if program.paused:
        return _PAUSED
    if claim.objection:
        return claim.objection
    standing = _standing_objection(program, claim.affiliate_id, people)
    return _NO_OTHER_HALF if standing and claim.model == "joint" else standing


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


# ---- the clicks kept for a customer


def kept_clicks(clicks: Iterable[Click], occurred_at: datetime) -> tuple[Click, ...]:
    """The clicks that stay, oldest first: none older than a year, the first five, the last fifteen.

    A click is kept once, and its age is what it was when the conversion occurred.
    """
    young = {
        click.click_id: click
        for click in clicks
        if clock.days_later(clock.instant(click.clicked_at), CLICK_KEEP_DAYS) >= occurred_at
    }
    kept = tuple(sorted(young.values(), key=_when))
    if len(kept) <= CLICKS_EARLIEST + CLICKS_LATEST:
        return kept
    return kept[:CLICKS_EARLIEST] + kept[-CLICKS_LATEST:]
