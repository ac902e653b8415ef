"""Four eyes: what one person alone must not do to a network, once it is to be done by two."""

from collections.abc import Mapping
from typing import Any

from linkage.members import Member
from linkage.network import NetworkSettings

GUARDED_FIELDS = frozenset({"name", "payout_method", "splits"})
"""Where a member's money goes, and to whom: no change of them is one person's."""


def lowers(before: NetworkSettings, after: NetworkSettings) -> bool:
    """Whether settings take from what two persons guard.

    A schedule does: of its batches one person alone decides. So does a shorter rest: it is the time
    to see that a payout method was changed. A higher bound lets an import bind more in a day.
    """
    return before.four_eyes and (
        not after.four_eyes
        or after.payout_schedule != before.payout_schedule
        or after.method_rest_hours < before.method_rest_hours
        or after.bindings_per_day_max > before.bindings_per_day_max
    )


def guarded_in(member: Member, changes: Mapping[str, Any]) -> list[str]:
    """Those fields of a member's changes that are for two persons."""
    own = {
        "name": member.name,
        "payout_method": member.payout_method,
        "splits": _splits(member),
    }
    found = [name for name in changes if name in GUARDED_FIELDS and changes[name] != own[name]]
    limits = "confirmed_max_minor"
    if limits in changes and raises_limit(member.confirmed_max_minor, changes[limits]):
        found.append(limits)
    return found


def raises_limit(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> bool:
    """Whether any limit, minor units by currency, is taken away or higher than it was."""
    limits = after or {}
    return any(limits.get(name, most + 1) > most for name, most in (before or {}).items())


def _splits(member: Member) -> list[dict[str, Any]]:
    return [{"member_id": s.member_id, "share_bps": s.share_bps} for s in member.splits]
