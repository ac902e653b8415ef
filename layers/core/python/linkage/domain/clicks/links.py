"""Links: their codes, and what the redirect reads of one and of its vendor."""

import json
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from linkage.domain.clicks.destinations import host_allowed

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Letters and digits without those mistaken for one another on paper: 0 O, 1 l I, and L."""

CODE_LENGTH = 12
"""12 of 56 characters are 69 random bits: codes cannot be guessed, nor found by trying."""

SUB_NAMES = ("sub1", "sub2", "sub3", "sub4", "sub5")

SUBS_LARGEST_BYTES = 500
"""The sub-ids of a link together: each of its clicks has room for them (`clicks.py`)."""

_SHORTEST_CODE, _LONGEST_CODE = 8, 32
_CODE_CHARACTERS = frozenset(CODE_ALPHABET)

LinkState = Literal["live", "early", "paused", "expired"]


def new_code() -> str:
    """Return a random link code of `CODE_LENGTH` characters, from the system's secure generator."""
    import secrets  # the redirect makes no codes, and starts sooner without

    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def is_code(text: str) -> bool:
    """Say whether `text` can be a link code, by its length and characters only."""
    return _SHORTEST_CODE <= len(text) <= _LONGEST_CODE and _CODE_CHARACTERS.issuperset(text)


class Link(NamedTuple):
    """What a redirect needs to know of a link; times are RFC 3339 UTC with milliseconds."""

    code: str
    link_id: str
    status: str
    destination_url: str
    program_id: str
    vendor_id: str
    affiliate_id: str
    sub: Mapping[str, str]
    expires_at: str | None
    starts_at: str | None = None

    def state(self, hosts: Collection[str], now: str) -> LinkState:
        """Return what the link is at `now` (RFC 3339 UTC), where `hosts` are its vendor's.

        It is early before `starts_at`, expired from `expires_at` on, and as paused while its
        destination is on none of the hosts.
        """
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.status != "active" or not host_allowed(self.destination_url, hosts):
            return "paused"
        return "early" if self.starts_at is not None and now < self.starts_at else "live"


def link_of(item: Mapping[str, Any]) -> Link:
    """Return the link a stored item describes."""
    return Link(
        code=item["code"],
        link_id=item["link_id"],
        status=item["status"],
        destination_url=item["destination_url"],
        program_id=item["program_id"],
        vendor_id=item["vendor_id"],
        affiliate_id=item["affiliate_id"],
        sub=item.get("sub") or {},
        expires_at=item.get("expires_at"),
        starts_at=item.get("starts_at"),
    )


def hosts_of(member: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the hosts that a stored member lets its links lead to; none of one that is not."""
    return () if member is None else tuple(json.loads(member.get("hosts") or "[]"))
