"""Managing members: who is made one, who may sell and earn, and what is changed of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from linkage.domain import clock, ids
from linkage.domain.errors import ConditionFailedError, InvalidFieldError, NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.outcomes import Made, Repeatable
from linkage.domain.people import payout_methods
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.people.members import Member, Split, upline_below
from linkage.domain.people.proposals import Asked, Change, Proposal
from linkage.domain.terms.publication_checks import check_splits
from linkage.domain.terms.quotas import usage_of
from linkage.flow.people.acting import member_with_role, require_same
from linkage.flow.people.changing_members import CHANGE, STATUS, plan_change, plan_status
from linkage.flow.people.proposing import act
from linkage.tables import host_changes
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.host_changes import HostsChange, reading_changes
from linkage.tables.members import get_member, list_members, put_member
from linkage.tables.settings import current_settings

_EDGE = os.environ.get("EDGE") == "on"


@dataclass(frozen=True)
class NewMember:
    """A member as it is asked for, each field as checked."""

    name: str
    roles: tuple[str, ...]
    email: str | None
    phone: str | None
    sponsor_id: str | None
    groups: tuple[str, ...]
    hosts: tuple[str, ...]
    payout_method: dict[str, str] | None
    splits: tuple[Split, ...]


@dataclass(frozen=True)
class SeenMember:
    """A member, and how far the edge has followed its hosts.

    `rests_until` and `usage` are of one that was asked for alone: until when its payout method
    rests, and what it has made of what it may make.
    """

    member: Member
    hosts_pending: bool = False
    hosts_published_at: str | None = None
    rests_until: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)


def create_member(by: Key, asked: NewMember, request: Repeatable) -> Made[SeenMember]:
    """Makes a member, as `applied`; its upline is fixed from its sponsor here and for ever.

    For operators. Raises InvalidFieldError for a sponsor or a split that cannot be.
    """
    by.require("operator")
    upline: tuple[str, ...] = ()
    if asked.sponsor_id:
        upline = upline_below(member_with_role("affiliate", asked.sponsor_id, "/sponsor_id"))
    causes = request.causes
    member_id = ids.created("mem") if causes is None else ids.computed("mem", *causes)
    member = Member(
        **vars(asked),
        member_id=member_id,
        status="applied",
        created_at=clock.text(clock.now()),
        upline=upline,
        fingerprint=request.fingerprint,
    )
    _check_splits(member_id, asked.splits)
    record = recorded(by, f"member#{member_id}", "member.created", None, member)
    try:
        put_member(member, [put_record(record)])
    except ConditionFailedError:
        stored = get_member(member_id)
        require_same(stored.fingerprint, request.fingerprint)
        return Made(_seen(stored), replayed=True)
    return Made(SeenMember(member))


def members(by: Key, limit: int, cursor: str | None) -> Listed[SeenMember]:
    """Every member, oldest first; for operators."""
    by.require("operator")
    page = list_members(limit, cursor)
    changes = _changes(page.data)
    seen = [_with(each, changes.get(each.member_id)) for each in page.data]
    return Listed(seen, page.next_cursor, page.cursor_after)


def seen_member(by: Key, member_id: str) -> SeenMember:
    """One member with what it made of what it may make; members see themselves only.

    Raises NotFoundError.
    """
    if by.role != "operator" and member_id != by.member_id:
        raise NotFoundError("member")
    member, settings = get_member(member_id), current_settings()
    return replace(
        _seen(member),
        rests_until=payout_methods.rests_until(member, settings.method_rest_hours),
        usage=usage_of(member, settings),
    )


def require_member(by: Key, member_id: str) -> None:
    """Raises NotFoundError unless there is such a member; for operators."""
    by.require("operator")
    get_member(member_id)


def change_member(
    by: Key, member_id: str, changes: Mapping[str, Any]
) -> tuple[SeenMember, Proposal | None]:
    """Changes fields of a member; what somebody gains by waits for a second person (a Proposal).

    `changes` has the fields as checked, `splits` as Split. For operators. Raises NotFoundError, and
    InvalidFieldError for splits or limits that cannot be.
    """
    by.require("operator")
    wanted = dict(changes)
    if "splits" in wanted:
        _check_splits(member_id, wanted["splits"])
        wanted["splits"] = [asdict(split) for split in wanted["splits"]]
    if wanted.get("confirmed_max_minor") and not get_member(member_id).has_role("vendor"):
        raise InvalidFieldError(
            "/confirmed_max_minor",
            "Only a vendor's confirmations cost something. Leave confirmed_max_minor out.",
        )
    asked = Asked({"member_id": member_id, "changes": wanted})
    _, proposal = act(CHANGE, _plan_change, asked, by)
    return _seen(get_member(member_id)), proposal


def set_status(by: Key, member_id: str, status: str) -> tuple[SeenMember, Proposal | None]:
    """Lets a member sell or earn (`approved`), or ends that (`suspended`); balances stay.

    Lifting a suspension, and approving a vendor, wait for a second person with four eyes. For
    operators. Raises NotFoundError.
    """
    by.require("operator")
    asked = Asked({"member_id": member_id, "status": status})
    _, proposal = act(STATUS, plan_status, asked, by)
    return _seen(get_member(member_id)), proposal


def _plan_change(asked: Asked, by: Key) -> Change:
    """The plan of a change; the edge is told of changed hosts in its transaction."""
    change = plan_change(asked, by)
    write, member_id = change.write, asked.said["member_id"]
    if not _EDGE or write is None or "hosts" not in asked.said["changes"]:
        return change
    return replace(change, write=lambda also: write([*also, host_changes.begin(member_id)]))


def _check_splits(member_id: str, splits: tuple[Split, ...]) -> None:
    """Raises InvalidFieldError for splits that cannot be."""
    if splits:
        check_splits(member_id, splits, current_settings())
    for at, split in enumerate(splits):
        member_with_role("affiliate", split.member_id, f"/splits/{at}/member_id")


def _changes(found: Iterable[Member]) -> Mapping[str, HostsChange | None]:
    """The latest change of each vendor's hosts that the edge had to follow, where there is one."""
    vendors = (each.member_id for each in found if each.has_role("vendor"))
    return read(reading_changes(vendors)) if _EDGE else {}


def _seen(member: Member) -> SeenMember:
    """A member that was not made just now, so that the edge may have something to follow."""
    return _with(member, _changes([member]).get(member.member_id))


def _with(member: Member, change: HostsChange | None) -> SeenMember:
    pending = change is not None and change.published_at is None
    return SeenMember(member, pending, change.published_at if change else None)
