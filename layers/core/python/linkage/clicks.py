"""Clicks: who followed a link, without keeping who it was."""

import hmac
import re
from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from linkage import clock
from linkage.bots import is_bot
from linkage.links import Link

CLICK_KEEP_DAYS = 400
SUB_NAMES = ("sub1", "sub2", "sub3", "sub4", "sub5")
LONGEST_SUB = 255

_KEY_VERSION = "1"
"""Part of what is hashed: raise it together with a new secret, and old ids stay apart from new."""

_HASH_BYTES = 20

Device = Literal["mobile", "tablet", "desktop", "bot", "other"]

_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook")
_MOBILE = re.compile(r"iphone|ipod|mobi|phone|opera mini|kaios|symbian|midp")
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros |linux")


class Visit(NamedTuple):
    """One visitor's request for a link, at `at` (UTC)."""

    ip: str
    user_agent: str
    query: str
    at: datetime


def click_of(link: Link, visit: Visit, secret: str) -> dict[str, Any]:
    """Return the click to store for a visit.

    The click id is computed, never random: one visitor's visits to one link, with the same sub-ids
    and within one UTC hour, are one click.
    """
    sub = sub_ids(link.sub, visit.query)
    visitor = visitor_hash(visit, secret)
    hour = visit.at.strftime("%Y-%m-%dT%H")
    named = [part for pair in sorted(sub.items()) for part in pair]
    digest = _keyed_hash(secret, "click", link.link_id, visitor, hour, *named)
    return {
        "click_id": f"clk_{digest}",
        "code": link.code,
        "link_id": link.link_id,
        "program_id": link.program_id,
        "vendor_id": link.vendor_id,
        "affiliate_id": link.affiliate_id,
        "clicked_at": clock.text(visit.at),
        "visitor": visitor,
        "device": device_of(visit.user_agent),
        "sub": sub,
        "expires_epoch_s": int(clock.days_later(visit.at, CLICK_KEEP_DAYS).timestamp()),
    }


def visitor_hash(visit: Visit, secret: str) -> str:
    """Return who visited as a keyed hash that changes every UTC day; no address is kept."""
    return _keyed_hash(
        secret, "visitor", visit.ip, visit.user_agent, clock.day(visit.at).isoformat()
    )


def sub_ids(of_link: Mapping[str, str], query: str) -> dict[str, str]:
    """Return the link's sub-ids, overridden by good ones of the query string.

    Empty ones, ones over 255 characters and ones with control characters are passed over.
    """
    subs = {name: value for name, value in of_link.items() if name in SUB_NAMES}
    for name, value in parse_qsl(query):
        if name in SUB_NAMES and len(value) <= LONGEST_SUB and value.isprintable():
            subs[name] = value
    return subs


def device_of(user_agent: str) -> Device:
    """Return the class of device a user agent claims to be, by the words it uses."""
    text = user_agent.lower()
    if is_bot(user_agent):
        return "bot"
    if _TABLET.search(text) or ("android" in text and "mobi" not in text):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    return "desktop" if _DESKTOP.search(text) else "other"


def _keyed_hash(secret: str, *parts: str) -> str:
    """Return 32 lower-case letters and digits of the parts, each hashed with its length."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in (_KEY_VERSION, *parts)]
    message = b"".join(b"%d:%s" % (len(part), part) for part in encoded)
    digest = hmac.digest(secret.encode(), message, "sha256")[:_HASH_BYTES]
    return b32encode(digest).decode().lower()
