"""The members table."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage.errors import NotFoundError
from linkage.members import Member
from linkage.tables import transactions
from linkage.tables.base import NestedAttribute, TableMeta
from linkage.tables.facts import splits_in
from linkage.tables.gathering import Reading, place, read
from linkage.tables.pages import Listed, read_page


class _ListingIndex(GlobalSecondaryIndex["MemberItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class MemberItem(Model):
    """A member as stored."""

    class Meta(TableMeta):
        table_name = os.environ["MEMBERS_TABLE"]

    member_id = UnicodeAttribute(hash_key=True)
    listing = UnicodeAttribute(default="member")
    name = UnicodeAttribute()
    roles = NestedAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    sponsor_id = UnicodeAttribute(null=True)
    upline = NestedAttribute()
    groups = NestedAttribute()
    hosts = NestedAttribute()
    payout_method = NestedAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    splits = NestedAttribute(null=True)
    programs_count = NumberAttribute(null=True)
    coupons_count = NumberAttribute(null=True)
    links_count = NumberAttribute(null=True)
    confirmed_max_minor = NestedAttribute(null=True)
    by_listing = _ListingIndex()


_LISTS = ("roles", "upline", "groups", "hosts")
_COUNTS = ("programs_count", "coupons_count", "links_count")


def _member(item: MemberItem) -> Member:
    values = {name: getattr(item, name) for name in Member.__dataclass_fields__}
    own_form = {name: tuple(values[name]) for name in _LISTS}
    counts = {name: int(values[name] or 0) for name in _COUNTS}
    return Member(**values | own_form | counts | {"splits": splits_in(item.splits or ())})


def put_member(member: Member) -> None:
    """Stores a new member; raises ConditionFailedError with the stored one if the id exists."""
    item = MemberItem(**asdict(member))
    transactions.write(
        [transactions.put_wire(MemberItem.Meta.table_name, item.serialize(), "member_id")]
    )


def count_one(member_id: str, what: str, most: int) -> dict[str, Any]:
    """The operation that counts one more of `what` a member makes, if it has fewer than `most`."""
    return transactions.update(
        MemberItem.Meta.table_name,
        {"member_id": member_id},
        "ADD #count :one",
        condition="attribute_exists(member_id) "
        "AND (attribute_not_exists(#count) OR #count < :most)",
        values={":one": 1, ":most": most},
        names={"#count": f"{what}_count"},
    )


def find_member(member_id: str) -> Member | None:
    """The member as last written, or None."""
    try:
        return _member(MemberItem.get(member_id, consistent_read=True))
    except MemberItem.DoesNotExist:
        return None


def get_member(member_id: str) -> Member:
    """The member as last written; raises NotFoundError."""
    member = find_member(member_id)
    if member is None:
        raise NotFoundError("member")
    return member


def reading_members(member_ids: Iterable[str]) -> Reading[dict[str, Member]]:
    """Those of the members that exist, by id."""
    wanted = {
        each: place(MemberItem.Meta.table_name, member_id=each) for each in sorted(set(member_ids))
    }
    return Reading(
        tuple(wanted.values()),
        lambda found: {
            each: _member(MemberItem.from_raw_data(found[at]))
            for each, at in wanted.items()
            if at in found
        },
    )


def find_members(member_ids: Iterable[str]) -> dict[str, Member]:
    """The same, as last written."""
    return read(reading_members(member_ids))


def find_hosts(vendor_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The hosts of those of these members that exist, as last written, by id.

    Nothing else is asked for: whoever publishes links may read no more of a member.
    """
    wanted = [MemberItem.member_id, MemberItem.hosts]
    found = MemberItem.batch_get(
        sorted(set(vendor_ids)),
        consistent_read=True,
        attributes_to_get=[attribute.attr_name for attribute in wanted],
    )
    return {item.member_id: tuple(item.hosts) for item in found}


def list_members(limit: int, cursor: str | None) -> Listed[Member]:
    """Members, oldest first."""
    return read_page(
        lambda **start: MemberItem.by_listing.query("member", **start),
        _member,
        keys=("listing", "created_at", "member_id"),
        limit=limit,
        cursor=cursor,
    )


def set_member(member_id: str, *also: dict[str, Any], **changes: object) -> Member:
    """Changes attributes of a member that exists, together with the `also` operations.

    None removes one.
    """
    attributes = MemberItem.get_attributes()
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    gone = [f"#{name}" for name, value in changes.items() if value is None]
    parts = [f"SET {', '.join(sets)}" if sets else "", f"REMOVE {', '.join(gone)}" if gone else ""]
    change = transactions.update(
        MemberItem.Meta.table_name,
        {"member_id": member_id},
        " ".join(filter(None, parts)),
        condition="attribute_exists(member_id)",
        values={
            f":{name}": attributes[name].serialize(value)
            for name, value in changes.items()
            if value is not None
        },
        names={f"#{name}": name for name in changes},
    )
    transactions.write([change, *also])
    return get_member(member_id)
