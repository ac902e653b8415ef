"""Attribution: which affiliate a conversion belongs to, and why every other candidate lost.

Decided once, when the conversion is recorded, from stored facts only. The order: an exclusive
coupon, a click, a shared coupon, the lead it came of, the other half of a joint promotion, the
affiliate the vendor names, the network introducer of the customer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.claims import (
    PAUSED,
    Claim,
    Claims,
    People,
    claims_in_order,
    objection_to,
)
from linkage.domain.people.customers import Introduction
from linkage.domain.terms.coupons import Coupon
from linkage.domain.terms.programs import Program


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


def without_introductions(claims: Claims) -> Claims:
    """The claims that say whose they are by themselves, and not by who introduced the customer."""
    lead, joint = claims.lead, claims.joint
    return replace(
        claims,
        lead=None if lead and lead.introduced else lead,
        joint=None if joint and joint.introduced else joint,
        introducers=(),
    )


def claimed_affiliates(claims: Claims) -> list[str]:
    """The ids of the members whose standing decides between the claims."""
    said = (
        claims.link,
        claims.coupon,
        claims.click,
        claims.lead,
        claims.joint,
        *claims.introducers,
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
    winner: Claim | None = None
    for claim in claims_in_order(program, occurred_at, claims):
        why = objection_to(program, claim, people)
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


def _introduction_of(winner: Claim, claims: Claims) -> Introduction | None:
    """The sale that introduced the customer, where the winner is known by that alone."""
    if winner.model == "introducer":
        won = (winner.reference, winner.affiliate_id)
        return next(
            each.introduction
            for each in claims.introducers
            if (each.conversion_id, each.affiliate_id) == won
        )
    earlier = {"lead": claims.lead, "joint": claims.joint}.get(winner.model)
    return earlier.introduction if earlier else None


def _reason(program: Program, candidates: list[Candidate]) -> str:
    if program.paused:
        return PAUSED
    return _whys(candidates) or "no click, no named affiliate and no introducer of this customer"


def _whys(candidates: Iterable[Candidate]) -> str:
    return "; ".join(dict.fromkeys(f"{each.model}: {each.why}" for each in candidates))


def _coupon_of(
    winner: Claim, program: Program, occurred_at: datetime, coupon: Coupon | None
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
    told = reason is None or reason == PAUSED
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
