"""`/v1/keys`: API keys, each shown once."""

import os
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.api_keys import Key, checked_person, new_half, secret_of
from linkage.domain.people.proposals import Asked, Proposal
from linkage.flow.people.acting import member_with_role, require_same
from linkage.flow.people.managing_keys import CREATE, REVOKE, plan_create, plan_revoke
from linkage.flow.people.proposing import act
from linkage.tables.api_keys import get_key, list_keys
from linkage_api.answers import created, listed, nothing
from linkage_api.bodies import Body, Id, checked, read
from linkage_api.calls import PAGE, call, checked_id
from linkage_api.people.proposals import waiting

router = Router()

_STAGE = os.environ["STAGE"]

type Person = Annotated[str, checked(checked_person)]


class KeyBody(Body):
    """A new key: an operator's belongs to a person, every other to a member with its role."""

    role: Literal["operator", "vendor", "affiliate"]
    member_id: Id | None = None
    person: Person = ""


@router.post("/v1/keys")
def create() -> Response[str]:
    """Makes a key; its secret is in this answer and nowhere else, not even in a replay.

    One that waits for a second person has the first half here, and the other in the approval.
    """
    asked = call(router, "operator", has_body=True)
    body = read(KeyBody, asked.body)
    _require_owner(body)
    key_id, half = asked.new_id("key", "POST /v1/keys"), new_half()
    wanted = Asked(body.model_dump(), {"key_id": key_id, "first_half": half})
    change, proposal = act(CREATE, plan_create, wanted, asked.key)
    if proposal:
        return _waiting(proposal, half)
    stored = get_key(key_id)
    if change.write is None:
        return _replayed(stored, body)
    secret = secret_of(_STAGE, key_id, half, change.shown["second_half"])
    return created({**_view(stored), "secret": secret})


def _require_owner(body: KeyBody) -> None:
    if body.role == "operator":
        if body.member_id is not None:
            raise InvalidFieldError(
                "/member_id", "An operator's key belongs to no member. Leave member_id out."
            )
        if not body.person:
            raise InvalidFieldError(
                "/person", "person is required: name whose hands the operator's key is in."
            )
        return
    if body.member_id is None:
        raise InvalidFieldError("/member_id", f"member_id is required: name the {body.role}.")
    member_with_role(body.role, body.member_id, "/member_id")


def _waiting(proposal: Proposal, half: str) -> Response[str]:
    """What was asked for before, and waits already, shows no half again."""
    private = proposal.asked.private
    if private.get("first_half") != half:
        note = "The first half of the secret was shown once. Lost it? Withdraw this, ask again."
        return waiting(proposal, first_half=None, note=note)
    note = "The secret is this half, and right behind it second_half of the answer to the approval."
    return waiting(proposal, first_half=secret_of(_STAGE, private["key_id"], half), note=note)


def _replayed(stored: Key, body: KeyBody) -> Response[str]:
    said = (stored.role, stored.member_id, stored.person)
    require_same(said, (body.role, body.member_id, body.person))
    note = "The secret was shown once, when the key was made. Lost it? Revoke this key, make one."
    return created({**_view(stored), "secret": None, "note": note}, replayed=True)


@router.get("/v1/keys")
def index() -> Response[str]:
    """Every key, oldest first, the revoked ones too; never a secret."""
    limit, cursor = call(router, "operator", query=PAGE).page()
    return listed(list_keys(limit, cursor), _view)


@router.delete("/v1/keys/<key_id>")
def revoke(key_id: str) -> Response[str]:
    """Revokes a key at once and for ever; a second time changes nothing."""
    asked = call(router, "operator")
    wanted = Asked({"key_id": checked_id("key", key_id)})
    _, proposal = act(REVOKE, plan_revoke, wanted, asked.key)
    return waiting(proposal) if proposal else nothing()


def _view(key: Key) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role,
        "member_id": key.member_id,
        "person": key.person or None,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
