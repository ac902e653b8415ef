"""Ids: created ones sort by time and are random, computed ones are a hash of their cause."""

import base64
import hashlib
import json
import re
import secrets
import time
import unicodedata

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, which sorts as its numbers do
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{1,60}")
_TIME_BITS, _RANDOM_BITS = 50, 80


def is_id(value: str) -> bool:
    """Whether a text can be the id of anything; what cannot is not looked up in any table."""
    return _ID.fullmatch(value) is not None


def created(prefix: str) -> str:
    """A new id `prefix_…`: 50 bits of milliseconds, then 80 random bits."""
    number = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    length = (_TIME_BITS + _RANDOM_BITS) // 5
    return f"{prefix}_" + "".join(
        _ALPHABET[number >> 5 * place & 31] for place in reversed(range(length))
    )


def computed(prefix: str, *causes: str) -> str:
    """The id that these causes always give; no two different tuples of causes share a text."""
    return f"{prefix}_{digest(*causes)}"


def digest(*causes: str) -> str:
    """26 base-32 characters (130 bits) of the SHA-256 of the causes, each with its length."""
    return encoded(hashlib.sha256(joined(*causes)).digest())


def joined(*causes: str) -> bytes:
    """The causes as one text in UTF-8, which no other causes have."""
    return "".join(f"{len(cause.encode())}:{cause}" for cause in causes).encode()


def encoded(hashed: bytes) -> str:
    """The first 130 bits of a hash as 26 base-32 characters."""
    return base64.b32encode(hashed).decode().lower()[:26]


def external(value: str) -> str:
    """A client's own id in its one form: NFC, trimmed, case kept."""
    return unicodedata.normalize("NFC", value).strip()


def fingerprint(body: object) -> str:
    """SHA-256 (hex) of a JSON value in canonical form: sorted keys, no white space."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def meaning(said: object) -> str:
    """The digest of checked values, letter by letter: what may earn otherwise is not the same."""
    return digest(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
