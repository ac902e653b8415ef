"""`linkage keys create`: a key to the API, made with AWS credentials where no key exists yet."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from linkage import clock, ids
from linkage.keys import hashed, new_secret
from linkage_cli.errors import CommandError
from linkage_cli.networks import Network, find_network

app = typer.Typer(help="Keys to the API.", no_args_is_help=True)


class Role(StrEnum):
    """Who a key speaks for."""

    operator = "operator"
    vendor = "vendor"
    affiliate = "affiliate"


class KeyRefusedError(CommandError):
    """No such key can be made."""


@app.callback()
def group() -> None:
    """Keys to the API."""


@app.command("create")
def create_command(
    role: Annotated[Role, typer.Argument(help="Who the key speaks for.")],
    stage: Annotated[str | None, typer.Option(help="The stage on AWS, for example prod.")] = None,
    local: Annotated[bool, typer.Option("--local", help="The network make dev runs.")] = False,
    member: Annotated[
        str | None, typer.Option(help="The member (mem_…) a vendor's or affiliate's key is for.")
    ] = None,
) -> None:
    """Create a key straight in the keys table, and show its secret once."""
    try:
        network = find_network(stage, local=local)
        require_member(network, role, member)
        key_id, secret = create_key(
            network.client("dynamodb"), network.table("keys"), network.stage, role, member
        )
    except CommandError as error:
        sys.exit(str(error))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"The key was not created: {error}")
    whose = f"{role} {member}" if member else role
    print(f"Created {key_id}, a key for the {whose}. Its secret is shown this once:")
    print(secret)


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


def create_key(
    dynamodb: Any, table: str, stage: str, role: str, member_id: str | None = None
) -> tuple[str, str]:
    """Stores a new key and gives its id and its secret; only a hash of the secret is kept."""
    key_id = ids.created("key")
    secret = new_secret(stage, key_id)
    item = {
        "key_id": key_id,
        "listing": "key",
        "role": str(role),
        "secret_hash": hashed(secret),
        "created_at": clock.text(clock.now()),
    } | ({"member_id": member_id} if member_id else {})
    dynamodb.put_item(
        TableName=table,
        Item={name: {"S": value} for name, value in item.items()},
        ConditionExpression="attribute_not_exists(key_id)",
    )
    return key_id, secret
