"""Four eyes: what one person alone must not do to a network, once it is to be done by two."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings

OF_ONE = ("version", "name", "rules", "keyed_ids_from", "id_secret_mark")
"""The settings that nobody gains by: all others say what is paid, to whom, when and by how many."""
_LIMITS = "confirmed_max_minor"


def takes_two(before: NetworkSettings, after: NetworkSettings) -> bool:
    """Whether it takes two persons to publish these settings after those."""
    free = {name: getattr(before, name) for name in OF_ONE}
    return before.four_eyes and replace(after, **free) != before


def guarded_in(member: Member, changes: Mapping[str, Any]) -> list[str]:
    """Those fields of a member's changes that are for two persons: all that somebody gains by.

    Who it is decides whose purchase is its own, and its groups what it earns. A limit is, where it
    is raised or taken away; hosts are not.
    """
    own = {
        "name": member.name,
        "email": member.email,
        "phone": member.phone,
        "groups": list(member.groups),
        "payout_method": member.payout_method,
        "splits": [{"member_id": s.member_id, "share_bps": s.share_bps} for s in member.splits],
    }
    found = [name for name in changes if name in own and changes[name] != own[name]]
    if _LIMITS in changes and raises_limit(member.confirmed_max_minor, changes[_LIMITS]):
        found.append(_LIMITS)
    return found


def approval_takes_two(member: Member) -> bool:
    """Whether it takes two persons to approve a member: one that was suspended, or may sell.

    A vendor's word makes money, up to its limit if it has one.
    """
    return member.status == "suspended" or member.has_role("vendor")


def raises_limit(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> bool:
    """Whether any limit, minor units by currency, is taken away or higher than it was."""
    limits = after or {}
    return any(limits.get(name, most + 1) > most for name, most in (before or {}).items())
