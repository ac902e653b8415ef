"""A sale and its rewards in one line, for the tables of what a reward pays."""

from dataclasses import replace
from typing import Any

from linkage.domain.commissions.commissions import commission_of
from linkage.domain.conversions.conversions import Confirmation, Conversion
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally
from linkage.domain.terms.programs import Reward
from tests.domain.examples import AFFILIATE, CONVERSION, PROGRAM, SETTINGS, confirmation

PLAIN = Reward("sale", rate_bps=100)


def sale(*, coupon: str | None = None, **changes: Any) -> Conversion:
    """The example with these changes."""
    attribution = replace(CONVERSION.attribution, coupon=coupon)
    return replace(CONVERSION, attribution=attribution, **changes)


def seeing(*tallies: Tally, groups: tuple[str, ...] = ()) -> Confirmation:
    """A confirmation that saw these tallies, of an affiliate in these groups."""
    return confirmation(Seen(Standing(AFFILIATE, "approved", groups=groups), (), tallies))


def direct(conversion: Conversion, fact: Confirmation, *rewards: Reward, **terms: Any) -> int:
    """The direct commission by these rewards."""
    program = replace(PROGRAM, rewards=rewards, **terms)
    commission, _ = commission_of(conversion, fact, program, SETTINGS)
    assert commission is not None
    return commission.direct_minor


def said(conversion: Conversion, fact: Confirmation, *rewards: Reward, **terms: Any) -> str:
    """Why, in one string."""
    program = replace(PROGRAM, rewards=rewards, **terms)
    return " ".join(commission_of(conversion, fact, program, SETTINGS)[1])
