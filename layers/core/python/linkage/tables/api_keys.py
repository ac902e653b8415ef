"""The keys table."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.domain.errors import NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.pages import read_page

type Operations = Sequence[dict[str, Any]]


class _ListingIndex(GlobalSecondaryIndex["KeyItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _MemberIndex(GlobalSecondaryIndex["KeyItem"]):
    class Meta(TableMeta):
        index_name = "by_member"
        projection = KeysOnlyProjection()

    member_id = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class KeyItem(Model):
    """An API key as stored: never the secret itself."""

    class Meta(TableMeta):
        table_name = os.environ["KEYS_TABLE"]

    key_id = UnicodeAttribute(hash_key=True)
    listing = UnicodeAttribute(default="key")
    role = UnicodeAttribute()
    member_id = UnicodeAttribute(null=True)
    secret_hash = UnicodeAttribute()
    created_at = UnicodeAttribute()
    revoked_at = UnicodeAttribute(null=True)
    person = UnicodeAttribute(null=True)
    by_listing = _ListingIndex()
    by_member = _MemberIndex()


def _key(item: KeyItem) -> Key:
    values = {name: getattr(item, name) for name in Key.__dataclass_fields__}
    return Key(**values | {"person": item.person or ""})


def put_key(key: Key, also: Operations = ()) -> None:
    """Stores a new key, with the `also` operations.

    Raises ConditionFailedError, with the stored one first if the id exists.
    """
    wire = KeyItem(**asdict(key) | {"person": key.person or None}).serialize()
    transactions.write([transactions.put_wire(KeyItem.Meta.table_name, wire, "key_id"), *also])


def find_key(key_id: str) -> Key | None:
    """The key as last written (a revoked one too), or None."""
    try:
        return _key(KeyItem.get(key_id, consistent_read=True))
    except KeyItem.DoesNotExist:
        return None


def get_key(key_id: str) -> Key:
    """The same; raises NotFoundError."""
    key = find_key(key_id)
    if key is None:
        raise NotFoundError("key")
    return key


def has_key(member_id: str) -> bool:
    """Whether a key was ever made for a member, but for those of this second."""
    return any(True for _ in KeyItem.by_member.query(member_id, limit=1))


def list_keys(limit: int, cursor: str | None) -> Listed[Key]:
    """Keys, oldest first."""
    return read_page(
        lambda **start: KeyItem.by_listing.query("key", **start),
        _key,
        keys=("listing", "created_at", "key_id"),
        limit=limit,
        cursor=cursor,
    )


def revoke_key(key_id: str, revoked_at: str, also: Operations) -> None:
    """Revokes a live key for ever, with the `also` operations; raises ConditionFailedError."""
    _set_once(key_id, "revoked_at", revoked_at, also)


def name_key(key_id: str, person: str, also: Operations) -> None:
    """Says whose hands a key is in, once; raises ConditionFailedError if that was said before."""
    _set_once(key_id, "person", person, also)


def _set_once(key_id: str, name: str, value: str, also: Operations) -> None:
    once = transactions.update(
        KeyItem.Meta.table_name,
        {"key_id": key_id},
        "SET #name = :value",
        condition="attribute_exists(key_id) AND attribute_not_exists(#name)",
        values={":value": value},
        names={"#name": name},
    )
    transactions.write([once, *also])
