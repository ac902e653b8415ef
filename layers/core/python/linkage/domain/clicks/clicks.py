"""Clicks and impressions: who followed or saw a link, without keeping who it was.

Bots and prefetches are recorded like visits, and marked: a wrong guess, or a browser that shows the
page it fetched ahead, must not cost an affiliate its sale. They are counted apart.
"""

import hmac
import random
import re
import socket
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from linkage.domain import clock
from linkage.domain.clicks.bots import is_bot
from linkage.domain.clicks.links import SUB_NAMES, SUBS_LARGEST_BYTES, Link

CLICK_KEEP_DAYS = 400
IMPRESSION_KEEP_DAYS = 40
LONGEST_SUB = 255

SUBS_COUNTED = 15
"""So many clicks one visitor of a link leaves in an hour by its sub-ids, and one more ahead."""

UNRECOGNISED_MOST = 65_536
"""So many clicks of visitors without consent are kept of a link and hour."""

LARGEST_ITEM_BYTES = 1_024
"""One write unit of DynamoDB; sub-ids that would make it two are passed over."""

_KEY_VERSION = "1"
"""Part of what is hashed: raise it together with a new secret, and old ids stay apart from new."""

_HASH_BYTES = 16
_NUMBER_BYTES = 7  # of an `expires_epoch_s`: ten digits, two a byte, and one or two more
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

Device = Literal["mobile", "tablet", "desktop", "bot", "other"]

_COUNTRY = re.compile("[A-Z]{2}")
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook")
_MOBILE = re.compile(r"iphone|ipod|mobi|phone|opera mini|kaios|symbian|midp")
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros |linux")

_REFUSAL_HEADERS = ("sec-gpc", "dnt")
_PURPOSE_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_AHEAD = re.compile(r"prefetch|prerender|preview")


class Visit(NamedTuple):
    """One visitor's request for a link, or for its pixel, at `at` (UTC).

    names of `headers` are in lower case; `country` is what the owner's
    own network says, or empty.
    """

    ip: str
    user_agent: str
    query: str
    at: datetime
    method: str = "GET"
    headers: Mapping[str, str] = _NO_HEADERS
    country: str = ""
    pixel: bool = False


def click_of(link: Link, visit: Visit, secret: str) -> dict[str, Any] | None:
    """Return the click, or of the pixel the impression, to store for a visit; None if none.

    Only `GET` without `no-track` leaves one. Its id is computed: one visitor's visits to one link,
    with the same sub-ids and within one UTC hour, are one click, and so may be those with other
    sub-ids, since whoever invents sub-ids leaves at most 16. Of visitors who do not consent to be
    recognised nothing is kept that tells them apart: one of 65,536 ids by lot, and no impression.
    """
    asked = parse_qsl(visit.query, keep_blank_values=True) if visit.query else []
    recognised = _may_be_recognised(visit.headers, asked)
    if visit.method != "GET" or _is_untracked(asked) or (visit.pixel and not recognised):
        return None
    click: dict[str, Any] = {
        "click_id": "",
        "code": link.code,
        "link_id": link.link_id,
        "program_id": link.program_id,
        "vendor_id": link.vendor_id,
        "affiliate_id": link.affiliate_id,
        "clicked_at": clock.text(visit.at),
        "device": device_of(visit.user_agent),
    }
    if recognised:
        click["visitor"] = visitor_hash(visit, secret)
    if _COUNTRY.fullmatch(visit.country):
        click["country"] = visit.country
    if ("qr", "1") in asked:
        click["via"] = "qr"
    if _is_ahead(visit.headers):
        click["prefetch"] = True
    click["sub"] = _fitting_subs(link.sub, () if visit.pixel else asked, click)
    click["click_id"] = _id_of(link, visit, click, secret)
    keep_days = IMPRESSION_KEEP_DAYS if visit.pixel else CLICK_KEEP_DAYS
    click["expires_epoch_s"] = int(clock.days_later(visit.at, keep_days).timestamp())
    return click


def visitor_hash(visit: Visit, secret: str) -> str:
    """Return who visited as a keyed hash that changes every UTC day; no address is kept."""
    address, day = _in_one_form(visit.ip), clock.day(visit.at).isoformat()
    return _keyed_hash(secret, "visitor", address, visit.user_agent, day)


def device_of(user_agent: str) -> Device:
    """Return the class of device a user agent claims to be, by the words it uses."""
    if is_bot(user_agent):
        return "bot"
    text = user_agent.lower()
    if _TABLET.search(text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    if "android" in text:
        return "tablet"  # a phone would have said that it is mobile
    return "desktop" if _DESKTOP.search(text) else "other"


def _in_one_form(ip: str) -> str:
    """The same text for the same address: of version 6, API Gateway, CloudFront and its log need
    not write it alike."""
    if ":" in ip:
        try:
            return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, ip))
        except (OSError, ValueError):
            pass  # whoever calls the links API itself can claim anything
    return ip


def _may_be_recognised(headers: Mapping[str, str], asked: Iterable[tuple[str, str]]) -> bool:
    refused = any(_says_one(headers.get(name, "")) for name in _REFUSAL_HEADERS)
    return not refused and not any(
        name.lower() == "consent" and value.strip().lower() == "no" for name, value in asked
    )


def _says_one(value: str) -> bool:
    """Whether a header is `1`, or was once where it was sent several times and joined by commas."""
    return "1" in (each.strip() for each in value.split(","))


def _is_untracked(asked: Iterable[tuple[str, str]]) -> bool:
    return any(name == "no-track" and value.lower() not in ("0", "false") for name, value in asked)


def _is_ahead(headers: Mapping[str, str]) -> bool:
    """Whether a browser or an app fetches before its user has decided to visit."""
    return any(
        name in headers and _AHEAD.search(headers[name].lower()) for name in _PURPOSE_HEADERS
    )


def _id_of(link: Link, visit: Visit, click: Mapping[str, Any], secret: str) -> str:
    hour = click["clicked_at"][: len("2026-11-22T05")]
    if "visitor" not in click:
        lot = str(random.randrange(UNRECOGNISED_MOST))
        return f"clk_{_keyed_hash(secret, 'unrecognised', link.link_id, hour, lot)}"
    ahead = ["prefetch"] if "prefetch" in click else []
    if visit.pixel:
        seen = _keyed_hash(secret, "impression", link.link_id, click["visitor"], hour, *ahead)
        return f"imp_{seen}"
    named = ahead or [_one_of_few(secret, click["sub"])]
    return f"clk_{_keyed_hash(secret, 'click', link.link_id, click['visitor'], hour, *named)}"


def _one_of_few(secret: str, subs: Mapping[str, str]) -> str:
    """A number that is the same for the same sub-ids, and one of `SUBS_COUNTED` for any."""
    named = [part for pair in sorted(subs.items()) for part in pair]
    return str(int(_keyed_hash(secret, "subs", *named), 16) % SUBS_COUNTED)


def _of_link(subs: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in subs.items() if name in SUB_NAMES}


def _good_subs(asked: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those of the query, but for empty ones, long ones, and ones with control characters."""
    return {
        name: value
        for name, value in asked
        if name in SUB_NAMES and 0 < len(value) <= LONGEST_SUB and value.isprintable()
    }


def _fitting_subs(
    of_link: Mapping[str, str], asked: Iterable[tuple[str, str]], click: Mapping[str, Any]
) -> dict[str, str]:
    """The sub-ids with which the click stays one write unit; the link's come before the query's."""
    wanted = (*_of_link(of_link).items(), *_good_subs(asked).items())
    if 4 * sum(len(value) for _, value in wanted) <= SUBS_LARGEST_BYTES:
        return dict(wanted)  # there is room for so many, whatever the click and the letters
    kept: dict[str, str] = {}
    room = LARGEST_ITEM_BYTES - _bytes_without_subs(click)
    for name, value in wanted:
        bytes_more = (
            _bytes_of(value) - _bytes_of(kept[name])
            if name in kept
            else (1 + len(name) + _bytes_of(value))
        )
        if bytes_more <= room:
            kept[name] = value
            room -= bytes_more
    return kept


def _bytes_without_subs(click: Mapping[str, Any]) -> int:
    """What DynamoDB counts of an item: names, values, and three bytes for the map of sub-ids."""
    id_bytes = len("clk_") + _HASH_BYTES * 2
    values = (value for value in click.values() if isinstance(value, str))
    flags = sum(1 for value in click.values() if value is True)
    names = sum(map(len, click)) + len("sub") + len("expires_epoch_s")
    return names + sum(map(_bytes_of, values)) + flags + id_bytes + 3 + _NUMBER_BYTES


def _bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _keyed_hash(secret: str, *parts: str) -> str:
    """Return 32 hexadecimal digits of the parts, each hashed with its length."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in (_KEY_VERSION, *parts)]
    message = b"".join(b"%d:%s" % (len(part), part) for part in encoded)
    return hmac.digest(secret.encode(), message, "sha256")[:_HASH_BYTES].hex()
