"""Attribution: which affiliate a conversion belongs to, and why every other candidate lost.

Decided once, when the conversion is recorded, from stored facts only. The order: the click that
was sent, the affiliate the vendor names, the network introducer of the customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from linkage import clock
from linkage.customers import Binding
from linkage.members import Member


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
class Candidate:
    """One way the conversion could have been attributed, and what came of it."""

    model: str
    reference: str
    affiliate_id: str | None
    won: bool
    why: str


@dataclass(frozen=True)
class Attribution:
    """The decision with every candidate; the click's facts are copied, since clicks expire."""

    affiliate_id: str | None
    model: str | None
    reason: str | None
    candidates: tuple[Candidate, ...] = ()
    click: Click | None = None


@dataclass(frozen=True)
class Claims:
    """What may attribute a conversion: each claim as it was sent and as it was found."""

    click_id: str | None = None
    click: Click | None = None
    named_affiliate_id: str | None = None
    introducer: Binding | None = None


@dataclass(frozen=True)
class Sale:
    """What the rules need to know of the conversion itself."""

    vendor_id: str
    moment: datetime
    window_days: int
    introducer_rate_bps: int


def claimed_affiliates(claims: Claims) -> list[str]:
    """The ids of the members whose standing decides between the claims."""
    named = [
        claims.click and claims.click.affiliate_id,
        claims.named_affiliate_id,
        claims.introducer and claims.introducer.affiliate_id,
    ]
    return sorted({member_id for member_id in named if member_id})


def attribute(
    sale: Sale, claims: Claims, members: Mapping[str, Member], buyers: frozenset[str]
) -> Attribution:
    """Tries the claims in order; the first without an objection wins.

    `members` holds the claimed affiliates that exist, `buyers` those who are the customer.
    """
    claimed: list[tuple[str, str, str | None, str | None]] = []
    if claims.click_id is not None:
        affiliate_id, objection = None, _click_objection(sale, claims.click)
        if claims.click and claims.click.vendor_id == sale.vendor_id:
            affiliate_id = claims.click.affiliate_id
        claimed.append(("click", claims.click_id, affiliate_id, objection))
    if claims.named_affiliate_id is not None:
        claimed.append(("named", claims.named_affiliate_id, claims.named_affiliate_id, None))
    if claims.introducer is not None:
        binding = claims.introducer
        objection = (
            None if sale.introducer_rate_bps else "the program pays no introducer commission"
        )
        claimed.append(("introducer", binding.conversion_id, binding.affiliate_id, objection))

    candidates: list[Candidate] = []
    winner: Candidate | None = None
    for model, reference, affiliate_id, objection in claimed:
        why = objection or _standing_objection(sale, affiliate_id, members, buyers)
        if why is None and winner is not None:
            why = f"the {winner.model} comes first"
        candidate = Candidate(
            model, reference, affiliate_id, why is None, why or _WON_BECAUSE[model]
        )
        candidates.append(candidate)
        winner = winner or (candidate if candidate.won else None)

    if winner is None:
        reason = (
            "; ".join(f"{c.model}: {c.why}" for c in candidates)
            or "no click, no named affiliate and no introducer of this customer"
        )
        return Attribution(None, None, reason, tuple(candidates))
    click = claims.click if winner.model == "click" else None
    return Attribution(winner.affiliate_id, winner.model, None, tuple(candidates), click)


_WON_BECAUSE = {
    "click": "the click was sent with the conversion, within the window",
    "named": "the vendor named this affiliate",
    "introducer": "this affiliate introduced the customer to the network",
}


def _click_objection(sale: Sale, click: Click | None) -> str | None:
    if click is None:
        return "there is no such click"
    if click.vendor_id != sale.vendor_id:
        return "the click belongs to another vendor"
    clicked_at = clock.instant(click.clicked_at)
    if clock.days_later(clicked_at, sale.window_days) < sale.moment:
        return f"the click is older than the program's window of {sale.window_days} days"
    return None


def _standing_objection(
    sale: Sale, affiliate_id: str | None, members: Mapping[str, Member], buyers: frozenset[str]
) -> str | None:
    member = members.get(affiliate_id or "")
    if member is None or not member.has_role("affiliate"):
        return "there is no such affiliate"
    if member.status != "approved":
        return f"the affiliate is {member.status}, not approved"
    if member.member_id == sale.vendor_id:
        return "an affiliate earns nothing on its own vendor's sale"
    if member.member_id in buyers:
        return "an affiliate earns nothing on its own purchase"
    return None
