"""Click tokens: click ids that carry their click, signed where the visitor was redirected.

    clt_1.<key id>.<code>.<program>.<vendor>.<affiliate>.<time>.<nonce>[.<n><sub-id n>]….<signature>

Ids are without `prg_` and `mem_`, the time is milliseconds in base 36. A part has letters, digits,
`_`, `-` and, before two hexadecimal digits of a byte, `~`. The signature is an HMAC-SHA256 cut to
132 bits. A link's signing key is made from the network's secret and from whose the link is, and
is published with the link: it cannot sign for another.
"""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

from linkage.domain import clock
from linkage.domain.clicks.clicks import LONGEST_SUB
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.clicks.links import is_code

PREFIX = "clt_"
LONGEST_TOKEN = 512

_SIGNATURE_LENGTH = 22
_NUMBER = r"[0-9a-z]{1,9}"
_PART = r"[A-Za-z0-9_-]{1,64}"
_TOKEN = re.compile(
    rf"(?P<body>clt_1\.(?P<key_id>{_PART})\.(?P<code>\w{{8,32}})\.(?P<program>{_PART})"
    rf"\.(?P<vendor>{_PART})\.(?P<affiliate>{_PART})\.(?P<at>{_NUMBER})\.{_PART}"
    r"(?P<sub>(?:\.[1-5](?:[A-Za-z0-9_-]|~[0-9A-F]{2})+)*))"
    rf"\.(?P<signature>[A-Za-z0-9_-]{{{_SIGNATURE_LENGTH}}})",
    re.ASCII,
)


class Owners(NamedTuple):
    """A link by its code, and whose it is: what its signing key is good for."""

    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str


def keys_in(text: str) -> dict[str, str]:
    """The secrets by key id in `{"1": "…"}`; no text means none. Raises ValueError otherwise."""
    keys = json.loads(text) if text else {}
    if not isinstance(keys, dict) or not all(isinstance(each, str) for each in keys.values()):
        raise ValueError("CLICK_TOKEN_KEYS must be a JSON object of texts, by key id.")
    return keys


def signing_key(secret: str, owners: Owners) -> str:
    """The key that signs the clicks of one link, and of no other: 43 URL-safe characters."""
    named = "".join(f"{len(each)}:{each}" for each in owners)
    return _encoded(hmac.digest(secret.encode(), b"link" + named.encode(), "sha256"))


def click_in(token: str, keys: Mapping[str, str]) -> Click | None:
    """The click a token carries, or None unless it was signed with one of the keys (secrets by
    key id) and nothing in it was changed."""
    found = _TOKEN.fullmatch(token) if len(token) <= LONGEST_TOKEN else None
    if found is None or found["key_id"] not in keys or not is_code(found["code"]):
        return None
    owners = Owners(
        found["code"],
        f"prg_{found['program']}",
        f"mem_{found['vendor']}",
        f"mem_{found['affiliate']}",
    )
    key = signing_key(keys[found["key_id"]], owners)
    expected = _encoded(hmac.digest(key.encode(), found["body"].encode(), "sha256"))
    if not hmac.compare_digest(expected[:_SIGNATURE_LENGTH], found["signature"]):
        return None
    return Click(token, *owners, _clicked_at(found["at"]), _sub_ids(found["sub"]))


def _clicked_at(milliseconds: str) -> str:
    seconds, rest = divmod(int(milliseconds, 36), 1000)
    return clock.text(datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000))


def _sub_ids(parts: str) -> dict[str, str]:
    values = {f"sub{part[0]}": unquote(part[1:].replace("~", "%")) for part in parts.split(".")[1:]}
    return {name: value for name, value in values.items() if len(value) <= LONGEST_SUB}


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
