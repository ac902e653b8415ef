"""Managing keys: making and revoking them; an operator's is for two persons with four eyes."""

import os
from collections.abc import Mapping
from functools import partial

from linkage.domain import clock
from linkage.domain.people.api_keys import Key, hashed, new_half, secret_of
from linkage.domain.people.proposals import Asked, Change
from linkage.flow.people.proposing import Plan
from linkage.tables.api_keys import find_key, get_key, has_key, put_key, revoke_key

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


ACTIONS: Mapping[str, Plan] = {CREATE: plan_create, REVOKE: plan_revoke}
