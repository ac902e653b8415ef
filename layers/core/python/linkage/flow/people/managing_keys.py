"""Managing keys: making and revoking them; an operator's is for two persons with four eyes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from linkage.domain import clock, ids
from linkage.domain.errors import InvalidFieldError
from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key, hashed, new_half, secret_of
from linkage.domain.people.proposals import Asked, Change, Proposal
from linkage.flow.people.acting import member_with_role, require_same
from linkage.flow.people.proposing import Plan, act
from linkage.tables.api_keys import find_key, get_key, has_key, list_keys, put_key, revoke_key

CREATE, REVOKE = "key.create", "key.revoke"

_STAGE = os.environ["STAGE"]


def plan_create(asked: Asked, _: Key) -> Change:
    """Makes a key: `said` has its role, member and person, `private` its id and first half.

    The secret is both halves. Where a second person approves, each of the two is shown one, so that
    neither of them has the key of the third. A member's first key is made by one person, since
    nobody has acted for it yet; with a further one that person could pass for the member.
    """
    key_id, second_half = asked.private["key_id"], new_half()
    secret = secret_of(_STAGE, key_id, asked.private["first_half"], second_half)
    key = Key(
        key_id=key_id,
        role=asked.said["role"],
        member_id=asked.said["member_id"],
        secret_hash=hashed(secret),
        created_at=clock.text(clock.now()),
        person=asked.said["person"],
    )
    return Change(
        f"key#{key_id}",
        "key.created",
        None,
        key,
        None if find_key(key_id) else partial(put_key, key),
        guarded=key.member_id is None or has_key(key.member_id),
        shown={"key_id": key_id, "second_half": second_half},
    )


def plan_revoke(asked: Asked, by: Key) -> Change:
    """Revokes the key of `said`'s `key_id`, at once and for ever; raises NotFoundError.

    An operator's own keys go at once, another person's wait: one could be left alone otherwise.
    """
    key = get_key(asked.said["key_id"])
    revoked_at = key.revoked_at or clock.text(clock.now())
    return Change(
        f"key#{key.key_id}",
        "key.revoked",
        {"revoked_at": key.revoked_at},
        {"revoked_at": revoked_at},
        None if key.revoked_at else partial(revoke_key, key.key_id, revoked_at),
        guarded=key.role == "operator" and key.person != by.person,
    )


@dataclass(frozen=True)
class CreatedKey:
    """What came of asking for a key: a live one (`key`), or a Proposal that waits.

    `secret` is shown once; `first_half` is the half of whoever asked, where a second person is
    shown the other. Both are None in a replay.
    """

    key: Key | None = None
    secret: str | None = None
    proposal: Proposal | None = None
    first_half: str | None = None
    replayed: bool = False


def create_key(
    by: Key, role: str, member_id: str | None, person: str, causes: tuple[str, ...] | None
) -> CreatedKey:
    """Makes a key of a role, for a member that has it, or of an operator in a person's hands.

    For operators. Raises InvalidFieldError for an owner that cannot be, and for an Idempotency-Key
    (`causes`) that made another key.
    """
    by.require("operator")
    _require_owner(role, member_id, person)
    key_id = ids.created("key") if causes is None else ids.computed("key", *causes)
    half = new_half()
    said = {"role": role, "member_id": member_id, "person": person}
    asked = Asked(said, {"key_id": key_id, "first_half": half})
    change, proposal = act(CREATE, plan_create, asked, by)
    if proposal:
        private = proposal.asked.private
        is_new = private.get("first_half") == half
        shown = secret_of(_STAGE, private["key_id"], half) if is_new else None
        return CreatedKey(proposal=proposal, first_half=shown)
    stored = get_key(key_id)
    if change.write is None:
        require_same((stored.role, stored.member_id, stored.person), (role, member_id, person))
        return CreatedKey(stored, replayed=True)
    return CreatedKey(stored, secret_of(_STAGE, key_id, half, change.shown["second_half"]))


def revoke(by: Key, key_id: str) -> Proposal | None:
    """Revokes a key at once and for ever, or proposes it; a second time changes nothing.

    For operators. Raises NotFoundError.
    """
    by.require("operator")
    _, proposal = act(REVOKE, plan_revoke, Asked({"key_id": key_id}), by)
    return proposal


def keys(by: Key, limit: int, cursor: str | None) -> Listed[Key]:
    """Every key, oldest first, the revoked ones too; for operators."""
    by.require("operator")
    return list_keys(limit, cursor)


def _require_owner(role: str, member_id: str | None, person: str) -> None:
    if role == "operator":
        if member_id is not None:
            raise InvalidFieldError(
                "/member_id", "An operator's key belongs to no member. Leave member_id out."
            )
        if not person:
            raise InvalidFieldError(
                "/person", "person is required: name whose hands the operator's key is in."
            )
        return
    if member_id is None:
        raise InvalidFieldError("/member_id", f"member_id is required: name the {role}.")
    member_with_role(role, member_id, "/member_id")


ACTIONS: Mapping[str, Plan] = {CREATE: plan_create, REVOKE: plan_revoke}
