"""Click tokens made by code of its own, to hold the edge's against."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime

from linkage.domain.clicks.click_tokens import Owners, signing_key

_AS_THEY_ARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def token_of(
    owners: Owners, sub: Mapping[str, str], at: datetime, request_id: str, key_id: str, secret: str
) -> str:
    """The token that the edge makes of the same click."""
    nonce = _text(hashlib.sha256(request_id.encode()).digest())[:16]
    ids = [each[4:] for each in owners[1:]]
    milliseconds = round(at.timestamp() * 1000)
    parts = ["clt_1", key_id, owners.code, *ids, _base_36(milliseconds), nonce]
    parts += [name[3:] + _tilded(sub[name]) for name in sorted(sub)]
    return signed(".".join(parts), signing_key(secret, owners))


def signed(body: str, key: str) -> str:
    """The body with its signature."""
    return f"{body}.{_text(hmac.digest(key.encode(), body.encode(), 'sha256'))[:22]}"


def _tilded(text: str) -> str:
    return "".join(chr(byte) if byte in _AS_THEY_ARE else f"~{byte:02X}" for byte in text.encode())


def _base_36(number: int) -> str:
    rest, digit = divmod(number, 36)
    return (_base_36(rest) if rest else "") + _DIGITS[digit]


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
