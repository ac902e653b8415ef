"""API keys: `lk_test_<key id's random part>_<secret>`; only a hash of the secret is kept."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from linkage.domain.errors import ForbiddenError, InvalidFieldError
from linkage.domain.fields import checked_text

ROLES = ("operator", "vendor", "affiliate")
PERSON_LENGTH_MAX = 60
_UNSEEN = ("FILLER", "SELECTOR", "JOINER", "VOWEL INHERENT")
"""What the names of characters have that are printable and show nothing."""
_NAME_MAX = 60  # DynamoDB answers a key beyond 2 KB with an error, not with nothing


@dataclass(frozen=True)
class Key:
    """Who is calling: a role, and for all but operators the member they are.

    `person` is whom the key is in the hands of; all keys that name nobody are one unnamed person's.
    """

    key_id: str
    role: str
    member_id: str | None
    secret_hash: str
    created_at: str
    revoked_at: str | None = None
    person: str = ""

    def require(self, *roles: str) -> "Key":
        """The key itself, if it has one of the roles; raises ForbiddenError."""
        if self.role not in roles:
            article = "an" if self.role[0] in "ao" else "a"
            raise ForbiddenError(
                "wrong_role",
                f"This route is for {' or '.join(roles)} keys; yours is {article} {self.role} key.",
            )
        return self


def checked_person(value: object, pointer: str) -> str:
    """A person's name in its one form, so that nobody is two by another spelling of it.

    Raises InvalidFieldError for what is no short text, or has characters nobody can see.
    """
    name = unicodedata.normalize("NFKC", checked_text(value, pointer, PERSON_LENGTH_MAX))
    name = " ".join(unicodedata.normalize("NFKC", name.casefold()).split())
    unseen = (word in unicodedata.name(each, "") for each in name for word in _UNSEEN)
    if not any(map(str.isalnum, name)) or not name.isprintable() or any(unseen):
        raise InvalidFieldError(
            pointer, f"{pointer[1:]} must be a name, with letters and without invisible characters."
        )
    return name


def is_second_person(first: str, second: Key) -> bool:
    """Whether a key is surely another person's: a key that names nobody may be anybody's."""
    return bool(first and second.person) and first != second.person


def prefix_for(stage: str) -> str:
    """`lk_live` in prod, `lk_test` everywhere else."""
    return "lk_live" if stage == "prod" else "lk_test"


def new_secret(stage: str, key_id: str) -> str:
    """A secret of 256 random bits that also names its key id, so that one read finds it."""
    return secret_of(stage, key_id, secrets.token_urlsafe(32))


def new_half() -> str:
    """Half of what is random in a secret, 128 bits: no use to who has not the other."""
    return secrets.token_urlsafe(16)


def secret_of(stage: str, key_id: str, *parts: str) -> str:
    """The secret of a key, of its random parts in their order."""
    return f"{prefix_for(stage)}_{key_id.removeprefix('key_')}_{''.join(parts)}"


def key_id_in(secret: str, stage: str) -> str | None:
    """The key id a secret of this stage names; None when it cannot be one."""
    prefix = prefix_for(stage) + "_"
    if not secret.startswith(prefix) or not secret.isascii():
        return None
    name, _, random = secret.removeprefix(prefix).partition("_")
    return f"key_{name}" if 0 < len(name) <= _NAME_MAX and random else None


def hashed(secret: str) -> str:
    """SHA-256 (hex) of a secret; the secrets are random, so they need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def opens(key: Key, secret: str) -> bool:
    """Whether the secret is this key's and the key is live; takes the same time either way."""
    same = hmac.compare_digest(hashed(secret).encode(), key.secret_hash.encode())
    return same and key.revoked_at is None
