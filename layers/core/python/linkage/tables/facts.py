"""What a fact keeps as nested plain values, back in the domain's form.

What has its default is not stored, and neither is what a form could not say yet.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.attribution import Attribution, Candidate
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import HeldBonus, Tally
from linkage.domain.people.customers import Introduction
from linkage.domain.people.members import Split
from linkage.tables.dynamodb.packed import known_fields

type Plain = Mapping[str, Any]


def attribution_in(stored: Plain) -> Attribution:
    """The attribution a report was accepted with."""
    click, introduction = stored.get("click"), stored.get("introduction")
    own_form = {
        "candidates": tuple(
            Candidate(**known_fields(Candidate, each)) for each in stored.get("candidates", ())
        ),
        "click": click_in(click) if click else None,
        "introduction": (
            Introduction(**known_fields(Introduction, introduction)) if introduction else None
        ),
    }
    return Attribution(**known_fields(Attribution, stored) | own_form)


def seen_in(stored: Plain) -> Seen:
    """What a confirmation saw."""
    affiliate = stored["affiliate"]
    return Seen(
        affiliate=_standing_in(affiliate) if affiliate else None,
        upline=tuple(_standing_in(standing) for standing in stored.get("upline", ())),
        tallies=tallies_in(stored.get("tallies", ())),
        limits=dict(stored.get("limits", {})),
    )


def tallies_in(stored: Iterable[Plain]) -> tuple[Tally, ...]:
    """Tallies as a fact saw them."""
    return tuple(
        Tally(**known_fields(Tally, tally) | {"held": held_in(tally.get("held", ()))})
        for tally in stored
    )


def held_in(stored: Iterable[Plain]) -> tuple[HeldBonus, ...]:
    """The bonuses a tally holds."""
    return tuple(HeldBonus(**known_fields(HeldBonus, bonus)) for bonus in stored)


def _standing_in(stored: Plain) -> Standing:
    own_form = {
        "splits": splits_in(stored.get("splits", ())),
        "groups": tuple(stored.get("groups", ())),
    }
    return Standing(**known_fields(Standing, stored) | own_form)


def click_in(stored: Plain) -> Click:
    """What is kept of a click, with a report or for a customer."""
    return Click(**known_fields(Click, stored))


def splits_in(stored: Iterable[Plain]) -> tuple[Split, ...]:
    """The splits of a member or of what somebody earns."""
    return tuple(Split(**known_fields(Split, split)) for split in stored)
