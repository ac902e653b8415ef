"""Who looks at a conversion: vendors see their own, affiliates their part, operators everything."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from linkage.domain.commissions.commissions import confirmation_id
from linkage.domain.conversions import views
from linkage.domain.conversions.attribution import Candidate
from linkage.domain.conversions.conversions import Conversion, known_to
from linkage.domain.errors import NotFoundError
from linkage.domain.ledger.ledger import affiliate_account, affiliate_in
from linkage.domain.people.api_keys import Key
from linkage.tables.conversions import get_conversion
from linkage.tables.ledger import find_head

SOMEBODY_ELSE = "another affiliate"
HELD_BY_THE_NETWORK = "held_by_the_network"
"""All that an affiliate reads of why something is held: the rest is between vendor and network."""
_VENDORS_OWN = ("external_id", "items", "metadata")


@dataclass(frozen=True)
class Viewer:
    """The role and the member that look, and so what is left out."""

    role: str
    member_id: str | None

    @property
    def is_affiliate(self) -> bool:
        """Whether others' names and the vendor's own data are kept from the viewer."""
        return self.role == "affiliate"

    def affiliate(self, affiliate_id: str | None) -> str | None:
        """An affiliate's id as the viewer may know it."""
        if affiliate_id is None or not self.is_affiliate or affiliate_id == self.member_id:
            return affiliate_id
        return SOMEBODY_ELSE

    def account(self, account: str) -> str:
        """A ledger account as the viewer may know it."""
        affiliate_id = affiliate_in(account)
        return SOMEBODY_ELSE if self.affiliate(affiliate_id) == SOMEBODY_ELSE else account

    def said(self, affiliate_id: str) -> str:
        """An affiliate as the viewer's sentences call them."""
        if not self.is_affiliate:
            return f"affiliate {affiliate_id}"
        return "you" if affiliate_id == self.member_id else SOMEBODY_ELSE

    def conversion(self, conversion: Conversion) -> dict[str, Any]:
        """A conversion with the fields the viewer may know."""
        shown = views.conversion(conversion, self.role)
        if not self.is_affiliate:
            return shown
        shown = {name: value for name, value in shown.items() if name not in _VENDORS_OWN}
        if "held" in shown:
            shown["held"] = {"reason": HELD_BY_THE_NETWORK, "since": conversion.held_at}
        if conversion.attribution.affiliate_id is None:
            shown["reason"] = self.reason(conversion)
        elif conversion.attribution.affiliate_id != self.member_id:
            shown["attribution"] = {"model": conversion.attribution.model} | {
                "affiliate_id": SOMEBODY_ELSE,
                "click_id": None,
            }
            shown["coupon"] = None
            shown.pop("code", None)
        return shown

    def reason(self, conversion: Conversion) -> str | None:
        """Why nobody got the conversion; an affiliate reads of its own candidacies only."""
        if not self.is_affiliate or conversion.attribution.reason is None:
            return conversion.attribution.reason
        own = [
            f"{candidate.model}: {candidate.why}"
            for candidate in conversion.attribution.candidates
            if candidate.affiliate_id == self.member_id
        ]
        return "; ".join(own) or "no candidate qualified"

    def candidate(self, candidate: Candidate) -> Candidate:
        """A candidate with what the viewer may know of it.

        An introduction may have happened at another vendor: neither its conversion nor, if it
        lost, its affiliate is a vendor's business.
        """
        if self.role == "vendor" and candidate.by_introduction:
            known = candidate.affiliate_id
            if known is not None and not candidate.won:
                known = SOMEBODY_ELSE
            reference = "" if candidate.model == "introducer" else candidate.reference
            return replace(candidate, reference=reference, affiliate_id=known)
        if self.is_affiliate and candidate.affiliate_id != self.member_id:
            why = candidate.why if candidate.won else "it did not qualify"
            known = self.affiliate(candidate.affiliate_id)
            return Candidate(candidate.model, "", known, candidate.won, why)
        return candidate


def viewed(conversion_id: str, key: Key) -> tuple[Conversion, Viewer]:
    """A conversion as its viewer may know it; raises NotFoundError for who has no part in it."""
    conversion = get_conversion(conversion_id)
    if key.role == "vendor" and conversion.vendor_id != key.member_id:
        raise NotFoundError("conversion")
    if key.role == "affiliate" and not _takes_part(key.member_id or "", conversion):
        raise NotFoundError("conversion")
    return known_to(key.role, conversion), Viewer(key.role, key.member_id)


def _takes_part(affiliate_id: str, conversion: Conversion) -> bool:
    attribution = conversion.attribution
    if affiliate_id in {each.affiliate_id for each in attribution.candidates}:
        return True
    head = find_head(confirmation_id(conversion.conversion_id))
    return affiliate_account(affiliate_id) in _accounts(head["postings"] if head else ())


def _accounts(postings: Iterable[dict[str, Any]]) -> set[str]:
    return {posting[side] for posting in postings for side in ("source", "target")}
