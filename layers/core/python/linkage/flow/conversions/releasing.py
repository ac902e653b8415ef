"""Releasing: an operator lets a confirmation that was held move what it would have moved."""

from collections.abc import Mapping
from typing import Any

from linkage.domain.conversions.conversions import BY_VENDOR, Conversion, require_held
from linkage.domain.people.api_keys import Key
from linkage.domain.people.proposals import Asked, Change, Operations, Proposal
from linkage.domain.rule_versions import require_known
from linkage.flow.conversions.vendor_decisions import confirmation_now
from linkage.flow.people.proposing import Plan, act
from linkage.tables import conversions

RELEASE = "conversion.release"
_HELD = ("status", "held_reason", "held_by", "held_at")


def release(conversion_id: str, by: Key) -> tuple[Conversion, Proposal | None, bool]:
    """Accepts what is held, or proposes it; says the conversion, the proposal, and if a replay.

    It is accepted now: due dates, periods and limits count from here. Raises ConflictError if the
    conversion is not held.
    """
    asked = Asked({"conversion_id": conversion_id})
    change, proposal = act(RELEASE, plan_release, asked, by)
    return conversions.get_conversion(conversion_id), proposal, change.write is None


def plan_release(asked: Asked, by: Key) -> Change:
    """Releases the conversion of `said`'s `conversion_id`; raises ConflictError if not held."""
    history = conversions.get_history(asked.said["conversion_id"])
    conversion = history.conversion
    require_known(*history.versions())
    subject, action = f"conversion#{conversion.conversion_id}", "conversion.released"
    if history.confirmation and history.confirmation.released_by:
        return Change(subject, action, None, None, None)
    require_held(conversion)
    becomes, operations = confirmation_now(conversion, BY_VENDOR, released_by=by.key_id)

    def write(also: Operations) -> None:
        conversions.accept([*operations, *also])

    return Change(subject, action, _state(conversion), _state(becomes), write)


def _state(conversion: Conversion) -> dict[str, Any]:
    return {name: getattr(conversion, name) for name in _HELD}


ACTIONS: Mapping[str, Plan] = {RELEASE: plan_release}
