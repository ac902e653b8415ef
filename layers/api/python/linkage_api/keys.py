"""`/v1/keys`: API keys, each shown once."""

import os
from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage import clock
from linkage.errors import InvalidFieldError
from linkage.keys import Key, hashed, new_secret
from linkage.tables.keys import list_keys, put_key, revoke_key
from linkage.tables.transactions import ConditionFailedError
from linkage_api.answers import created, listed, nothing
from linkage_api.bodies import Body, Id, read
from linkage_api.calls import Query, call, checked_id, member_with_role, require_same

router = Router()

_STAGE = os.environ["STAGE"]


class KeyBody(Body):
    """A new key: an operator's belongs to nobody, every other to a member with its role."""

    role: Literal["operator", "vendor", "affiliate"]
    member_id: Id | None = None


@router.post("/v1/keys")
def create() -> Response[str]:
    """Makes a key; its secret is in this answer and nowhere else, not even in a replay."""
    asked = call(router, "operator")
    body = read(KeyBody, asked.body)
    _require_owner(body)
    key_id = asked.new_id("key", "POST /v1/keys")
    secret = new_secret(_STAGE, key_id)
    key = Key(key_id, body.role, body.member_id, hashed(secret), clock.text(clock.now()))
    try:
        put_key(key)
    except ConditionFailedError as failed:
        return _replayed(failed.items[0] or {}, body)
    return created({**_view(key), "secret": secret})


def _require_owner(body: KeyBody) -> None:
    if body.role == "operator":
        if body.member_id is not None:
            raise InvalidFieldError(
                "/member_id", "An operator's key belongs to no member. Leave member_id out."
            )
        return
    if body.member_id is None:
        raise InvalidFieldError("/member_id", f"member_id is required: name the {body.role}.")
    member_with_role(body.role, body.member_id, "/member_id")


def _replayed(stored: dict[str, Any], body: KeyBody) -> Response[str]:
    require_same((stored.get("role"), stored.get("member_id")), (body.role, body.member_id))
    values: dict[str, Any] = {name: stored.get(name) for name in Key.__dataclass_fields__}
    values["person"] = values["person"] or ""
    note = "The secret was shown once, when the key was made. Lost it? Revoke this key, make one."
    return created({**_view(Key(**values)), "secret": None, "note": note}, replayed=True)


@router.get("/v1/keys")
def index() -> Response[str]:
    """Every key, oldest first, the revoked ones too; never a secret."""
    asked = call(router, "operator")
    limit, cursor = Query(asked).page()
    return listed(list_keys(limit, cursor), _view)


@router.delete("/v1/keys/<key_id>")
def revoke(key_id: str) -> Response[str]:
    """Revokes a key at once and for ever; a second time changes nothing."""
    call(router, "operator")
    revoke_key(checked_id("key", key_id))
    return nothing()


def _view(key: Key) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role,
        "member_id": key.member_id,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
