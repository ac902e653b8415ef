"""Client codes: a client's word that an affiliate buys for them, and so not for itself.

The client gets the code and tells it the affiliate. It is known only by a keyed hash.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from linkage.domain import clock
from linkage.domain.clock import CLOCKS_APART
from linkage.domain.people.customers import Customer, customer_keys, hashed

CODE_VALID_HOURS = 72
CODES_PER_DAY_MAX = 200
"""So many a vendor may make on a UTC day."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, made to be said aloud
_LENGTH = 8
_MISHEARD = str.maketrans("OIL", "011", " -")
"""What a code may become on the way: letters that are not in it, spaces and hyphens."""


@dataclass(frozen=True)
class Client:
    """Whom an affiliate says it buys for, with the code that is to prove it."""

    customer: Customer
    code: str


@dataclass(frozen=True)
class ClientCode:
    """A client's code as stored; `used_by` is the conversion it proved."""

    code_key: str
    created_at: str
    expires_at: str
    used_by: str | None = None

    def objection(self, occurred_at: datetime) -> str | None:
        """Why the code proves nothing of a purchase of that moment, if so."""
        if self.used_by is not None:
            return "the client's code was used before"
        if clock.instant(self.created_at) > occurred_at + CLOCKS_APART:
            return "the client's code was made after the purchase"
        if clock.instant(self.expires_at) <= occurred_at:
            return "the client's code had expired"
        return None


def new_code() -> str:
    """A random code of 40 bits: few enough to say aloud, too many to try in three days."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def code_key(secret: str, vendor_id: str, affiliate_id: str, client: Client) -> str:
    """The key a code is stored under: it is one affiliate's, at one vendor, for one client."""
    (client_key,) = customer_keys(secret, vendor_id, client.customer)
    said = client.code.upper().translate(_MISHEARD)
    return hashed(secret, "code", vendor_id, affiliate_id, client_key, said)
