"""Changing a member: its fields, and whether it may earn or sell; some of it takes two persons."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people import payout_methods
from linkage.domain.people.api_keys import Key
from linkage.domain.people.members import Member, Split
from linkage.domain.people.proposals import Asked, Change
from linkage.domain.terms.four_eyes import approval_takes_two, guarded_in
from linkage.domain.terms.publication_checks import check_splits
from linkage.flow.people.proposing import Plan
from linkage.tables.members import change_member, get_stored_member
from linkage.tables.settings import current_settings

CHANGE, STATUS = "member.change", "member.status"


def plan_change(asked: Asked, by: Key) -> Change:
    """Changes a member's fields: `said` has its `member_id`, and `changes` in their checked form.

    A payout method that becomes another one rests from the moment this is carried out.

    Raises InvalidFieldError for splits that cannot be, or for hosts beside what waits.
    """
    stored, sent = get_stored_member(asked.said["member_id"]), asked.said["changes"]
    member, now = stored.member, _fields(stored.member)
    changes = {name: value for name, value in sent.items() if value != now[name]}
    if "payout_method" in changes:
        at = clock.text(clock.now())
        changes |= payout_methods.changed(member, changes["payout_method"], at, by.key_id)
    guarded = guarded_in(member, changes)
    if "splits" in changes:
        splits = tuple(Split(**split) for split in changes["splits"])
        check_splits(member.member_id, splits, current_settings())
    if guarded and "hosts" in changes and current_settings().four_eyes:
        raise InvalidFieldError(
            "/hosts", f"{guarded[0]} waits for a second person, and hosts do not. Send hosts alone."
        )
    return Change(
        f"member#{member.member_id}",
        "member.changed",
        {name: now[name] for name in changes},
        changes,
        partial(change_member, stored, changes) if changes else None,
        guarded=bool(guarded),
    )


def plan_status(asked: Asked, _: Key) -> Change:
    """Approves or suspends a member: `said` has its `member_id` and its new `status`.

    To lift a suspension, or to approve a vendor, takes two; all else one.
    """
    stored, status = get_stored_member(asked.said["member_id"]), asked.said["status"]
    was = stored.member.status
    changes = {"status": status}
    return Change(
        f"member#{stored.member.member_id}",
        f"member.{status}",
        {"status": was},
        changes,
        partial(change_member, stored, changes) if was != status else None,
        guarded=status == "approved" and approval_takes_two(stored.member),
    )


def _fields(member: Member) -> dict[str, Any]:
    """A member's fields in the form they are sent in."""
    own = vars(member)
    lists = {name: list(value) for name, value in own.items() if isinstance(value, tuple)}
    return own | lists | {"splits": [asdict(split) for split in member.splits]}


ACTIONS: Mapping[str, Plan] = {CHANGE: plan_change, STATUS: plan_status}
