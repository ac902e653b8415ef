"""The programs table: every version of each program, and `current`, a copy of the last."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.domain.errors import NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.rule_versions import RULES_FIRST, require_known
from linkage.domain.terms.ceilings import room_of
from linkage.domain.terms.programs import Bonus, Program, Reward, Step, Thresholds
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta
from linkage.tables.dynamodb.batch_reads import Kept, Place, Reading, Wire, place, read, reading_one
from linkage.tables.dynamodb.packed import known_fields
from linkage.tables.dynamodb.pages import read_page

CURRENT = "current"
_CAPPED = "program"
TIGHT_MAX = 100
PAGES_BEFORE_ROOMS_MAX = 5
"""Of a megabyte each, in which programs that an earlier release has published last are sought."""


class _ListingIndex(GlobalSecondaryIndex["ProgramItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _VendorIndex(GlobalSecondaryIndex["ProgramItem"]):
    class Meta(TableMeta):
        index_name = "by_vendor"
        projection = AllProjection()

    vendor_id = UnicodeAttribute(hash_key=True)
    listed_at = UnicodeAttribute(range_key=True)


class _RoomIndex(GlobalSecondaryIndex["ProgramItem"]):
    class Meta(TableMeta):
        index_name = "by_room"
        projection = KeysOnlyProjection()

    capped = UnicodeAttribute(hash_key=True)
    room = UnicodeAttribute(range_key=True)


class ProgramItem(Model):
    """One version of a program as stored; only `current` is listed."""

    class Meta(TableMeta):
        table_name = os.environ["PROGRAMS_TABLE"]

    program_id = UnicodeAttribute(hash_key=True)
    version = UnicodeAttribute(range_key=True)
    number = NumberAttribute()
    listing = UnicodeAttribute(null=True)
    listed_at = UnicodeAttribute(null=True)
    vendor_id = UnicodeAttribute()
    name = UnicodeAttribute()
    destination_url = UnicodeAttribute()
    rewards = NestedAttribute()
    window_days = NumberAttribute()
    hold_days = NumberAttribute()
    confirmation = UnicodeAttribute()
    introducer_rate_bps = NumberAttribute()
    created_at = UnicodeAttribute()
    fingerprint = UnicodeAttribute(null=True)
    click_model = UnicodeAttribute(null=True)
    lateness_days = NumberAttribute(null=True)
    confirm_after_days = NumberAttribute(null=True)
    categories = NestedAttribute(null=True)
    bonuses = NestedAttribute(null=True)
    ceiling_bps = NumberAttribute(null=True)
    paused = BooleanAttribute(null=True)
    by_operator = BooleanAttribute(null=True)
    joint_program_ids = NestedAttribute(null=True)
    bonus_currencies = NestedAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    rules = NumberAttribute(null=True)
    capped = UnicodeAttribute(null=True)
    room = UnicodeAttribute(null=True)
    by_listing = _ListingIndex()
    by_vendor = _VendorIndex()
    by_room = _RoomIndex()


_OWN_FORM = {
    "version",
    "rewards",
    "bonuses",
    "categories",
    "joint_program_ids",
    "bonus_currencies",
}


def _program(item: ProgramItem) -> Program:
    """The program; what a version stored before could not say yet has its default."""
    same = {n: getattr(item, n) for n in Program.__dataclass_fields__ if n not in _OWN_FORM}
    return Program(
        **{name: value for name, value in same.items() if value is not None},
        version=int(item.number),
        rewards=tuple(_reward(reward) for reward in item.rewards),
        bonuses=tuple(Bonus(**known_fields(Bonus, each)) for each in item.bonuses or ()),
        categories=tuple(item.categories or ()),
        joint_program_ids=tuple(item.joint_program_ids or ()),
        bonus_currencies=tuple(item.bonus_currencies or ()),
    )


def _reward(stored: dict[str, Any]) -> Reward:
    thresholds = stored.get("thresholds")
    own_form = {"thresholds": _thresholds(thresholds)} if thresholds else {}
    return Reward(**known_fields(Reward, stored) | own_form)


def _thresholds(stored: dict[str, Any]) -> Thresholds:
    steps = tuple(Step(**known_fields(Step, step)) for step in stored["steps"])
    return Thresholds(**known_fields(Thresholds, stored) | {"steps": steps})


def _wire(program: Program, *, current: bool) -> dict[str, dict[str, object]]:
    values = {name: value for name, value in asdict(program).items() if name != "version"}
    if program.rules == RULES_FIRST:
        del values["rules"]
    listed: dict[str, Any] = {}
    if current:
        listed = {"listing": "program", "listed_at": program.created_at}
        room_bps = room_of(program)
        if room_bps is not None:
            listed |= {"capped": _CAPPED, "room": _room(room_bps)}
    return ProgramItem(
        version=CURRENT if current else _name(program.version),
        number=program.version,
        **values,
        **listed,
    ).serialize()


def _name(number: int) -> str:
    return f"v{number:06d}"


def publish_program(program: Program, *also: dict[str, Any]) -> None:
    """Stores a version as the current one, together with the `also` operations.

    Raises ConditionFailedError if another came first, or if the program's id already exists; then
    the first two conditions failed and not those of `also` alone. Raises LaterReleaseError instead
    of following a version that a later release has published.
    """
    table = ProgramItem.Meta.table_name
    of_later = _of_later_release(program.program_id) if program.version > 1 else {}
    current = of_later | _wire(program, current=True)
    put_current = (
        transactions.put_wire(table, current, "program_id")
        if program.version == 1
        else transactions.put_over(table, current, {"number": program.version - 1})
    )
    version = of_later | _wire(program, current=False)
    put_version = transactions.put_wire(table, version, "program_id")
    transactions.write([put_version, put_current, *also])


def _of_later_release(program_id: str) -> Wire:
    """What the current version says that only a later release than this one reads.

    Raises LaterReleaseError if it takes a later release to understand it at all.
    """
    stored = read(reading_one(_place(program_id, CURRENT), lambda wire: wire)) or {}
    known = ProgramItem.get_attributes()
    require_known(int(stored["rules"]["N"]) if "rules" in stored else RULES_FIRST)
    return {name: value for name, value in stored.items() if name not in known}


def reading_program(program_id: str) -> Reading[Program | None]:
    """The program's current version, or None."""
    return reading_one(_place(program_id, CURRENT), _stored)


def get_program(program_id: str) -> Program:
    """The same, as last written; raises NotFoundError."""
    program = read(reading_program(program_id))
    if program is None:
        raise NotFoundError("program")
    return program


kept_versions: Kept[tuple[str, int], Program] = Kept(1000)
"""Versions a warm function has read."""


def reading_program_version(program_id: str, number: int) -> Reading[Program]:
    """One version, which never changes."""
    at = _place(program_id, _name(number))
    return kept_versions.reading((program_id, number), at, _version)


def program_version(program_id: str, number: int) -> Program:
    """The same, read once by a warm function."""
    return read(reading_program_version(program_id, number))


def program_in_force(program_id: str, at: str) -> Program:
    """The version in force at a moment (as stored, UTC), the first one before there was any.

    Raises NotFoundError. No version is published before the one it follows, so few are read.
    """
    current = get_program(program_id)
    if current.version == 1 or current.in_force_from <= at:
        return current
    later = range(2, current.version)
    before = bisect_right(later, at, key=lambda n: program_version(program_id, n).in_force_from)
    return program_version(program_id, before + 1)


def versions_since(program: Program, moment: str, most: int) -> int:
    """How many of a program's last `most` versions, this one included, are of a moment or later."""
    numbers = range(max(1, program.version - most + 1), program.version + 1)
    before = bisect_left(
        numbers, moment, key=lambda n: program_version(program.program_id, n).in_force_from
    )
    return len(numbers) - before


def _version(stored: Wire | None) -> Program:
    if stored is None:
        raise ProgramItem.DoesNotExist
    return _stored(stored)


def _stored(wire: Wire) -> Program:
    return _program(ProgramItem.from_raw_data(wire))


def _place(program_id: str, version: str) -> Place:
    return place(ProgramItem.Meta.table_name, program_id=program_id, version=version)


def tight_programs(on_top_bps: int) -> Iterator[Program]:
    """Current programs whose ceilings may not allow so much on top, the tightest first.

    So does every program as it was published before releases stored how much room it leaves, as
    far as five pages of the table's listing reach.
    """
    below = ProgramItem.room < _room(on_top_bps)
    for item in ProgramItem.by_room.query(_CAPPED, below, limit=TIGHT_MAX):
        if item.version == CURRENT:
            yield get_program(item.program_id)
    pages = transactions.client.get_paginator("query").paginate(
        TableName=ProgramItem.Meta.table_name,
        IndexName="listing",
        KeyConditionExpression="#listing = :program",
        FilterExpression="attribute_exists(#ceiling) AND attribute_not_exists(#room)",
        ExpressionAttributeNames={
            "#listing": "listing",
            "#ceiling": "ceiling_bps",
            "#room": "room",
        },
        ExpressionAttributeValues={":program": {"S": "program"}},
    )
    for page in islice(pages, PAGES_BEFORE_ROOMS_MAX):
        yield from map(_stored, page["Items"])


def _room(room_bps: int) -> str:
    """A number of basis points as a text that sorts as it does."""
    return f"{max(room_bps, 0):08d}"


def list_programs(vendor_id: str | None, limit: int, cursor: str | None) -> Listed[Program]:
    """Current programs, oldest first: one vendor's, or everybody's."""
    if vendor_id is None:
        return read_page(
            lambda **start: ProgramItem.by_listing.query("program", **start),
            _program,
            keys=("listing", "created_at", "program_id", "version"),
            limit=limit,
            cursor=cursor,
        )
    return read_page(
        lambda **start: ProgramItem.by_vendor.query(vendor_id, **start),
        _program,
        keys=("vendor_id", "listed_at", "program_id", "version"),
        limit=limit,
        cursor=cursor,
    )
