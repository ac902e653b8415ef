"""What a fact keeps as nested plain values, back in the domain's form.

What has its default is not stored, and neither is what a form could not say yet.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from linkage.attribution import Attribution, Candidate, Click
from linkage.members import Seen, Split, Standing
from linkage.tallies import HeldBonus, Tally

type Plain = Mapping[str, Any]


def attribution_in(stored: Plain) -> Attribution:
    """The attribution a report was accepted with."""
    click = stored.get("click")
    candidates = tuple(Candidate(**candidate) for candidate in stored.get("candidates", ()))
    return Attribution(
        **{**stored, "candidates": candidates, "click": Click(**click) if click else None}
    )


def seen_in(stored: Plain) -> Seen:
    """What a confirmation saw."""
    affiliate = stored["affiliate"]
    return Seen(
        affiliate=_standing_in(affiliate) if affiliate else None,
        upline=tuple(_standing_in(standing) for standing in stored.get("upline", ())),
        tallies=tallies_in(stored.get("tallies", ())),
    )


def tallies_in(stored: Iterable[Plain]) -> tuple[Tally, ...]:
    """Tallies as a fact saw them."""
    return tuple(Tally(**{**tally, "held": held_in(tally.get("held", ()))}) for tally in stored)


def held_in(stored: Iterable[Plain]) -> tuple[HeldBonus, ...]:
    """The bonuses a tally holds."""
    return tuple(HeldBonus(**bonus) for bonus in stored)


def _standing_in(stored: Plain) -> Standing:
    splits = tuple(Split(**split) for split in stored.get("splits", ()))
    groups = tuple(stored.get("groups", ()))
    return Standing(**{**stored, "splits": splits, "groups": groups})
