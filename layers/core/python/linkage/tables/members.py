"""The members table."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, cast

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.domain.errors import ConditionFailedError, NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.people import payout_methods
from linkage.domain.people.members import Member
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta
from linkage.tables.dynamodb.batch_reads import Reading, Wire, place, read, reading_one
from linkage.tables.dynamodb.pages import read_page
from linkage.tables.facts import splits_in

type Operations = Sequence[dict[str, Any]]


class _ListingIndex(GlobalSecondaryIndex["MemberItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _DestinationIndex(GlobalSecondaryIndex["MemberItem"]):
    class Meta(TableMeta):
        index_name = "by_destination"
        projection = KeysOnlyProjection()

    payout_destination = UnicodeAttribute(hash_key=True)
    member_id = UnicodeAttribute(range_key=True)


class MemberItem(Model):
    """A member as stored; `payout_destination` finds others whose money goes to the same place."""

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
    payout_method_changed_at = UnicodeAttribute(null=True)
    payout_method_changed_by = UnicodeAttribute(null=True)
    payout_method_before = NestedAttribute(null=True)
    payout_destination = UnicodeAttribute(null=True)
    by_listing = _ListingIndex()
    by_destination = _DestinationIndex()


_TABLE = MemberItem.Meta.table_name
_LISTS = ("roles", "upline", "groups", "hosts")
_COUNTS = ("programs_count", "coupons_count", "links_count")


def _member(item: MemberItem) -> Member:
    values = {name: getattr(item, name) for name in Member.__dataclass_fields__}
    own_form = {name: tuple(values[name]) for name in _LISTS}
    counts = {name: int(values[name] or 0) for name in _COUNTS}
    return Member(**values | own_form | counts | {"splits": splits_in(item.splits or ())})


def put_member(member: Member, also: Operations = ()) -> None:
    """Stores a new member, with the `also` operations.

    Raises ConditionFailedError, with the stored one first if the id exists.
    """
    destination = payout_methods.destination(member.payout_method)
    wire = MemberItem(**asdict(member) | {"payout_destination": destination}).serialize()
    transactions.write([transactions.put_wire(_TABLE, wire, "member_id"), *also])


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


@dataclass(frozen=True)
class StoredMember:
    """A member with its item as read, which a change of it needs."""

    member: Member
    wire: Wire


def get_stored_member(member_id: str) -> StoredMember:
    """The member as last written, to be changed; raises NotFoundError."""
    wire = read(reading_one(place(_TABLE, member_id=member_id), lambda found: found))
    if wire is None:
        raise NotFoundError("member")
    return StoredMember(_member(MemberItem.from_raw_data(wire)), wire)


def change_member(
    stored: StoredMember, changes: Mapping[str, object], also: Operations = ()
) -> None:
    """Changes attributes of a member, None removes one, with the `also` operations.

    Raises ConditionFailedError if one of them is no longer as it was read.
    """
    if "payout_method" in changes:
        method = cast("dict[str, str] | None", changes["payout_method"])
        changes = {**changes, "payout_destination": payout_methods.destination(method)}
    attributes, was = MemberItem.get_attributes(), transactions.from_wire(stored.wire)
    given = {name: value for name, value in changes.items() if value is not None}
    wire = {
        name: {attributes[name].attr_type: attributes[name].serialize(value)}
        for name, value in given.items()
    }
    key = {"member_id": stored.wire["member_id"]}
    as_read = {name: was.get(name) for name in changes}
    change = transactions.set_over(_TABLE, key | wire, ("member_id",), as_read, tuple(changes))
    transactions.write([change, *also])


def require_payable(was: Member) -> dict[str, Any]:
    """The operation that holds only while a member is approved, and paid as it was read."""
    changed_at = was.payout_method_changed_at
    return transactions.require(
        _TABLE,
        {"member_id": was.member_id},
        "#status = :approved AND "
        + ("#changed_at = :changed_at" if changed_at else "attribute_not_exists(#changed_at)"),
        values={":approved": "approved"} | ({":changed_at": changed_at} if changed_at else {}),
        names={"#status": "status", "#changed_at": "payout_method_changed_at"},
    )


def index_destination(member: Member) -> None:
    """Lets others find where a member is paid to, if it was stored before that was kept."""
    destination = payout_methods.destination(member.payout_method)
    if destination == member.payout_destination:
        return
    with suppress(ConditionFailedError):  # a new method came, and brought its own
        change_member(get_stored_member(member.member_id), {"payout_destination": destination})


def members_paid_to(destination: str, limit: int) -> list[str]:
    """The ids of at most so many members whose payout method leads to one destination."""
    found = MemberItem.by_destination.query(destination, limit=limit)
    return [item.member_id for item in found]


def set_member(member_id: str, **changes: object) -> Member:
    """Changes attributes of a member as it is now; None removes one. Raises NotFoundError."""
    change_member(get_stored_member(member_id), changes)
    return get_member(member_id)
