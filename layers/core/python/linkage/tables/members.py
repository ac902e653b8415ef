"""The members table."""

import os
from collections.abc import Iterable
from dataclasses import asdict

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.update import Action
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
    confirmed_max_minor = NestedAttribute(null=True)
    by_listing = _ListingIndex()


_LISTS = ("roles", "upline", "groups", "hosts")


def _member(item: MemberItem) -> Member:
    values = {name: getattr(item, name) for name in Member.__dataclass_fields__}
    own_form = {name: tuple(values[name]) for name in _LISTS}
    return Member(**values | own_form | {"splits": splits_in(item.splits or ())})


def put_member(member: Member) -> None:
    """Stores a new member; raises ConditionFailedError with the stored one if the id exists."""
    item = MemberItem(**asdict(member))
    transactions.write(
        [transactions.put_wire(MemberItem.Meta.table_name, item.serialize(), "member_id")]
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


def list_members(limit: int, cursor: str | None) -> Listed[Member]:
    """Members, oldest first."""
    return read_page(
        lambda **start: MemberItem.by_listing.query("member", **start),
        _member,
        keys=("listing", "created_at", "member_id"),
        limit=limit,
        cursor=cursor,
    )


def set_member(member_id: str, **changes: object) -> Member:
    """Changes attributes of a member that exists; None removes one."""
    item = MemberItem(member_id)
    attributes = MemberItem.get_attributes()
    actions: list[Action] = [
        attributes[name].remove() if value is None else attributes[name].set(value)
        for name, value in changes.items()
    ]
    item.update(actions=actions, condition=MemberItem.member_id.exists())
    return _member(item)
