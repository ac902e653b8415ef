"""`linkage keys`: keys to the API, by AWS credentials, where no key exists or none may do it."""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from linkage.domain import clock, ids
from linkage.domain.people.api_keys import Key, checked_person, hashed, new_secret
from linkage.domain.people.audit import record_by
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import CommandError
from linkage_cli.networks import Network, find_network, principal, tables_of

app = commands("Keys to the API.")

NOUNS = ("keys", "audit")

# Not by `type`: typer does not see through it that an option is a flag.
Stage = Annotated[str | None, typer.Option(help="The stage on AWS, for example prod.")]
Local = Annotated[bool, typer.Option("--local", help="The network make dev runs.")]
KeyId = Annotated[str, typer.Argument(help="The key (key_…).")]


class Role(StrEnum):
    """Who a key speaks for."""

    operator = "operator"
    vendor = "vendor"
    affiliate = "affiliate"


class KeyRefusedError(CommandError):
    """No such key can be made, named or revoked."""


@app.callback()
def group() -> None:
    """Keys to the API."""


@app.command("create")
def create_command(
    role: Annotated[Role, typer.Argument(help="Who the key speaks for.")],
    stage: Stage = None,
    local: Local = False,
    member: Annotated[
        str | None, typer.Option(help="The member (mem_…) a vendor's or affiliate's key is for.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose hands it is in; an operator's key needs it.")
    ] = None,
) -> None:
    """Create a key straight in the keys table, and show its secret once."""

    def create(network: Network) -> None:
        require_member(network, role, member)
        key_id, secret = create_key(network, role, member, checked_name(role, person))
        whose = f"{role} {member}" if member else role
        print(f"Created {key_id}, a key for the {whose}. Its secret is shown this once:")
        print(secret)

    _run(create, stage, local, "The key was not created")


@app.command("name")
def name_command(
    key: KeyId,
    person: Annotated[str, typer.Option(help="Whose hands the key is in.")],
    stage: Stage = None,
    local: Local = False,
) -> None:
    """Say whose hands a key is in that names nobody."""

    def name(network: Network) -> None:
        said = name_key(network, key, checked_person(person, "/person"))
        print(f"{key} is {said}'s.")

    _run(name, stage, local, "The key was not named")


@app.command("revoke")
def revoke_command(key: KeyId, stage: Stage = None, local: Local = False) -> None:
    """Revoke a key at once and for ever, whosever it is."""

    def revoke(network: Network) -> None:
        revoke_key(network, key)
        print(f"{key} is revoked.")

    _run(revoke, stage, local, "The key was not revoked")


def _run(do: Callable[[Network], None], stage: str | None, local: bool, failed: str) -> None:
    with aws_errors(failed):
        network = find_network(stage, local=local)
        with tables_of(network, NOUNS):
            do(network)


def checked_name(role: str, person: str | None) -> str:
    """The person in its one form; raises KeyRefusedError for an operator's key without one."""
    if person is None and role == Role.operator:
        raise KeyRefusedError("Say whose hands the operator's key is in: --person NAME.")
    return "" if person is None else checked_person(person, "/person")


def require_member(network: Network, role: Role, member_id: str | None) -> None:
    """Raises KeyRefusedError unless the member fits the role; operators' keys have no member."""
    if role is Role.operator:
        if member_id:
            raise KeyRefusedError(
                "An operator's key belongs to no member. Leave --member out, or create a vendor or "
                "affiliate key."
            )
        return
    if not member_id:
        raise KeyRefusedError(
            f"Say whose key it is: --member mem_… (a member with the role {role})."
        )
    found = network.client("dynamodb").get_item(
        TableName=network.table("members"), Key={"member_id": {"S": member_id}}
    )
    if "Item" not in found:
        raise KeyRefusedError(f"There is no member {member_id} in stage {network.stage}.")
    roles = json.loads(found["Item"]["roles"]["S"])
    if role not in roles:
        raise KeyRefusedError(
            f"{member_id} has the role {' and '.join(roles)}, so it can have no {role} key."
        )


def create_key(network: Network, role: str, member_id: str | None, person: str) -> tuple[str, str]:
    """Stores a new key and gives its id and its secret; only a hash of the secret is kept.

    To be called, like all below, while `tables_of` lasts.
    """
    from linkage.tables.api_keys import put_key
    from linkage.tables.audit import put_record

    key_id = ids.created("key")
    secret = new_secret(network.stage, key_id)
    made_at = clock.text(clock.now())
    key = Key(key_id, str(role), member_id, hashed(secret), made_at, person=person)
    who = (principal(network), "")
    put_key(key, [put_record(record_by(who, f"key#{key_id}", "key.created", None, key))])
    return key_id, secret


def name_key(network: Network, key_id: str, person: str) -> str:
    """Names a key once; raises KeyRefusedError for one that names another, NotFoundError."""
    from linkage.tables import api_keys
    from linkage.tables.audit import put_record

    key = api_keys.get_key(key_id)
    if key.person == person:
        return person
    if key.person:
        raise KeyRefusedError(
            f"{key_id} is {key.person}'s, and stays so: what was done with it was done by "
            f"{key.person}. Revoke it, and create one for {person}."
        )
    who = (principal(network), "")
    said = ({"person": None}, {"person": person})
    api_keys.name_key(
        key_id, person, [put_record(record_by(who, f"key#{key_id}", "key.named", *said))]
    )
    return person


def revoke_key(network: Network, key_id: str) -> None:
    """Revokes a key; a second time changes nothing. Raises NotFoundError."""
    from linkage.tables import api_keys
    from linkage.tables.audit import put_record

    if api_keys.get_key(key_id).revoked_at is not None:
        return
    now, who = clock.text(clock.now()), (principal(network), "")
    said = ({"revoked_at": None}, {"revoked_at": now})
    record = record_by(who, f"key#{key_id}", "key.revoked", *said)
    api_keys.revoke_key(key_id, now, [put_record(record)])
