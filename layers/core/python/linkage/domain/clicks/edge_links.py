"""Links as the edge keeps them: what `infra/edge/redirect.js` needs to send a visitor on.

The edge's store holds texts of up to 1 KB with their key, 5 MB in all. A link that does not fit,
is paused, or leads where it no longer may is not published: the links API answers for it.
"""

import json
from collections.abc import Collection, Mapping
from urllib.parse import quote

from linkage.domain.clicks.click_tokens import LONGEST_TOKEN, Owners, signing_key
from linkage.domain.clicks.destinations import host_allowed, redirected
from linkage.domain.clicks.links import Link

PAIR_BYTES_MAX = 1024
"""What a key and its value may have together, in UTF-8."""

_PAIRS_MAX = 50
"""So many parameters of a destination the edge has time to look at."""

_ROOM_WITHOUT_SUBS = 240
"""More characters than any click token has beside its sub-ids."""


def published(link: Link, hosts: Collection[str], keys: Mapping[str, str]) -> str | None:
    """The value the edge keeps under the link's code, or None if it must not or cannot keep one.

    `hosts` are those of the link's vendor. `keys` are the secrets of click tokens by key id; the
    last one signs.
    """
    if link.status != "active" or not host_allowed(link.destination_url, hosts):
        return None
    ids = _ids(link)
    if ids is None or not keys or _length_in_token(link.sub) > LONGEST_TOKEN - _ROOM_WITHOUT_SUBS:
        return None
    key_id, secret = list(keys.items())[-1]
    owners = Owners(link.code, link.program_id, link.vendor_id, link.affiliate_id)
    address, query, fragment = _split(link.destination_url)
    if query.count("&") + query.count(";") >= _PAIRS_MAX:
        return None
    kept = {"a": address, "q": query, "h": fragment, "n": key_id, "i": ids}
    kept |= {"k": signing_key(secret, owners)}
    text = json.dumps(
        kept | {"s": dict(link.sub)} | _dates(link), separators=(",", ":"), ensure_ascii=False
    )
    return text if len(link.code) + len(text.encode()) <= PAIR_BYTES_MAX else None


def _ids(link: Link) -> str | None:
    program, vendor, affiliate = (link.program_id, link.vendor_id, link.affiliate_id)
    if (program[:4], vendor[:4], affiliate[:4]) != ("prg_", "mem_", "mem_"):
        return None
    return f"{program[4:]}.{vendor[4:]}.{affiliate[4:]}"


def _length_in_token(sub: Mapping[str, str]) -> int:
    return sum(2 + len(quote(value, safe="")) + 2 * value.count(".") for value in sub.values())


def _split(destination_url: str) -> tuple[str, str, str]:
    """Address, query and fragment (with its `#`), as a redirect without a click has them."""
    address, hash_sign, fragment = redirected(destination_url, "", None).partition("#")
    path, _, query = address.partition("?")
    return path, query, hash_sign + fragment


def _dates(link: Link) -> dict[str, str]:
    dates = {"f": link.starts_at, "u": link.expires_at}
    return {name: date for name, date in dates.items() if date is not None}
