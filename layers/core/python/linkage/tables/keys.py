"""The keys table."""

import os
from dataclasses import asdict

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage import clock
from linkage.errors import NotFoundError
from linkage.keys import Key
from linkage.tables import transactions
from linkage.tables.base import TableMeta
from linkage.tables.pages import Listed, read_page


class _ListingIndex(GlobalSecondaryIndex["KeyItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
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


def _key(item: KeyItem) -> Key:
    values = {name: getattr(item, name) for name in Key.__dataclass_fields__}
    return Key(**values | {"person": item.person or ""})


def put_key(key: Key) -> None:
    """Stores a new key; raises ConditionFailedError with the stored one if the id exists."""
    wire = KeyItem(**asdict(key) | {"person": key.person or None}).serialize()
    transactions.write([transactions.put_wire(KeyItem.Meta.table_name, wire, "key_id")])


def find_key(key_id: str) -> Key | None:
    """The key as last written (a revoked one too), or None."""
    try:
        return _key(KeyItem.get(key_id, consistent_read=True))
    except KeyItem.DoesNotExist:
        return None


def list_keys(limit: int, cursor: str | None) -> Listed[Key]:
    """Keys, oldest first."""
    return read_page(
        lambda **start: KeyItem.by_listing.query("key", **start),
        _key,
        keys=("listing", "created_at", "key_id"),
        limit=limit,
        cursor=cursor,
    )


def revoke_key(key_id: str) -> Key:
    """Revokes a key at once and for ever; a second time changes nothing. Raises NotFoundError."""
    if find_key(key_id) is None:
        raise NotFoundError("key")
    item = KeyItem(key_id)
    revoked_at = clock.text(clock.now())
    item.update(actions=[KeyItem.revoked_at.set(KeyItem.revoked_at | revoked_at)])
    return _key(item)
