"""Ids: created ones sort by time and are random, computed ones are a hash of their cause."""

import base64
import hashlib
import json
import secrets
import time
import unicodedata

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, which sorts as its numbers do
_TIME_BITS, _RANDOM_BITS = 50, 80


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
    joined = "".join(f"{len(cause.encode())}:{cause}" for cause in causes)
    return base64.b32encode(hashlib.sha256(joined.encode()).digest()).decode().lower()[:26]


def external(value: str) -> str:
    """A client's own id in its one form: NFC, trimmed, case kept."""
    return unicodedata.normalize("NFC", value).strip()


def conversion_id(vendor_id: str, event: str, external_id: str) -> str:
    """The id of the one conversion a vendor can report under this event and external id."""
    return computed("cnv", vendor_id, event, external(external_id))


def fingerprint(body: object) -> str:
    """SHA-256 (hex) of a JSON value in canonical form: sorted keys, no white space."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def meaning(said: object) -> str:
    """The digest of checked values, letter by letter: what may earn otherwise is not the same."""
    return digest(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
