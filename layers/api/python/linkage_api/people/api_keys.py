"""`/v1/keys`: API keys, each shown once."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.people.api_keys import Key, checked_person
from linkage.flow.people import managing_keys
from linkage_api.answers import created, listed, nothing
from linkage_api.bodies import Body, Id, checked, read
from linkage_api.calls import PAGE, call, checked_id
from linkage_api.people.proposals import waiting

router = Router()

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
    causes = asked.causes("POST /v1/keys")
    done = managing_keys.create_key(asked.key, body.role, body.member_id, body.person, causes)
    if done.proposal:
        note = _HALF_LOST if done.first_half is None else _HALF_SHOWN
        return waiting(done.proposal, first_half=done.first_half, note=note)
    assert done.key is not None
    shown = {**_view(done.key), "secret": done.secret}
    if done.replayed:
        return created({**shown, "note": _SECRET_LOST}, replayed=True)
    return created(shown)


_HALF_SHOWN = (
    "The secret is this half, and right behind it second_half of the answer to the approval."
)
_HALF_LOST = "The first half of the secret was shown once. Lost it? Withdraw this, ask again."
_SECRET_LOST = (
    "The secret was shown once, when the key was made. Lost it? Revoke this key, make one."
)


@router.get("/v1/keys")
def index() -> Response[str]:
    """Every key, oldest first, the revoked ones too; never a secret."""
    asked = call(router, "operator", query=PAGE)
    return listed(managing_keys.keys(asked.key, *asked.page()), _view)


@router.delete("/v1/keys/<key_id>")
def revoke(key_id: str) -> Response[str]:
    """Revokes a key at once and for ever; a second time changes nothing."""
    asked = call(router, "operator")
    proposal = managing_keys.revoke(asked.key, checked_id("key", key_id))
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
