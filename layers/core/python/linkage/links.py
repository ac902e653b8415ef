"""Links: their codes, what the redirect reads of one, and the short memory of those just read."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from linkage.destinations import host_allowed

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Letters and digits without those mistaken for one another on paper: 0 O, 1 l I, and L."""

CODE_LENGTH = 12
"""12 of 56 characters are 69 random bits: codes cannot be guessed, nor found by trying."""

SUB_NAMES = ("sub1", "sub2", "sub3", "sub4", "sub5")

SUBS_LARGEST_BYTES = 500
"""The sub-ids of a link together: each of its clicks has room for them (`linkage.clicks`)."""

_SHORTEST_CODE, _LONGEST_CODE = 8, 32
_CODE_CHARACTERS = frozenset(CODE_ALPHABET)

LinkState = Literal["live", "early", "paused", "expired"]


def new_code() -> str:
    """Return a random link code of `CODE_LENGTH` characters, from the system's secure generator."""
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
    allowed_hosts: tuple[str, ...]
    program_id: str
    vendor_id: str
    affiliate_id: str
    sub: Mapping[str, str]
    expires_at: str | None
    starts_at: str | None = None

    def state(self, now: str) -> LinkState:
        """Return what the link is at `now` (RFC 3339 UTC).

        It is early before `starts_at`, expired from `expires_at` on, and as paused while its
        destination is on none of its vendor's hosts.
        """
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.status != "active" or not host_allowed(self.destination_url, self.allowed_hosts):
            return "paused"
        return "early" if self.starts_at is not None and now < self.starts_at else "live"


def link_of(item: Mapping[str, Any]) -> Link:
    """Return the link a stored item describes; without hosts of its own it leads nowhere."""
    return Link(
        code=item["code"],
        link_id=item["link_id"],
        status=item["status"],
        destination_url=item["destination_url"],
        allowed_hosts=tuple(item.get("allowed_hosts") or ()),
        program_id=item["program_id"],
        vendor_id=item["vendor_id"],
        affiliate_id=item["affiliate_id"],
        sub=item.get("sub") or {},
        expires_at=item.get("expires_at"),
        starts_at=item.get("starts_at"),
    )


class RecentLinks:
    """The links read in the last few seconds, so that a busy link costs no read.

    Only links that exist are remembered. A code that is not one yet must work the moment it is
    made, and strangers trying codes must not push real links out.
    """

    def __init__(
        self,
        read: Callable[[str], Mapping[str, Any] | None],
        clock: Callable[[], float],
        *,
        keep_s: float = 5.0,
        most: int = 10_000,
    ) -> None:
        """Remember up to `most` links for `keep_s` seconds of `clock`; `read` loads an item."""
        self._read, self._clock = read, clock
        self._keep_s, self._most = keep_s, most
        self._links: dict[str, tuple[float, Link]] = {}

    def __len__(self) -> int:
        """Return how many links are remembered, fresh or not."""
        return len(self._links)

    def find(self, code: str) -> Link | None:
        """Return the link of `code`, at most `keep_s` seconds old; raises what `read` raises."""
        now_s = self._clock()
        read_at_s, link = self._links.get(code, (0.0, None))
        if link is not None and now_s - read_at_s < self._keep_s:
            return link
        self._links.pop(code, None)
        item = self._read(code)
        if item is None:
            return None
        if len(self._links) >= self._most:
            self._links.pop(next(iter(self._links)))  # in order of reading, so the oldest
        link = link_of(item)
        self._links[code] = (now_s, link)
        return link
