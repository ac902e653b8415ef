"""Keys made with AWS credentials open the API exactly as those the API makes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from linkage.keys import Key, key_id_in, opens
from linkage_cli import keys
from tests.cli.standin_stack import standin_stacks

STAGES = ("prod", "dev")


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    outputs = {"KeysTableName": "keys", "MembersTableName": "members"}
    standin_stacks(monkeypatch, {f"Linkage-{stage}": outputs for stage in STAGES})
    with mock_aws():
        client = boto3.client("dynamodb")
        for table, key in {"keys": "key_id", "members": "member_id"}.items():
            client.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            )
        member = {"member_id": {"S": "mem_1"}, "roles": {"S": json.dumps(["vendor"])}}
        client.put_item(TableName="members", Item=member)
        yield client


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys.app, ["create", *arguments])


def stored(dynamodb: Any) -> list[Key]:
    items = dynamodb.scan(TableName="keys")["Items"]
    assert all(item.pop("listing") == {"S": "key"} for item in items)
    return [
        Key(**{"member_id": None} | {name: each["S"] for name, each in item.items()})
        for item in items
    ]


@pytest.mark.parametrize(("stage", "prefix"), [("prod", "lk_live_"), ("dev", "lk_test_")])
def test_the_secret_is_shown_once_and_opens_the_stored_key(
    dynamodb: Any, stage: str, prefix: str
) -> None:
    result = run("operator", "--stage", stage)
    assert result.exit_code == 0, result.output
    said, secret = result.output.splitlines()
    assert "Its secret is shown this once" in said
    assert secret.startswith(prefix)
    (key,) = stored(dynamodb)
    assert (key.key_id, key.role, key.member_id) == (key_id_in(secret, stage), "operator", None)
    assert opens(key, secret)
    assert secret not in str(dynamodb.scan(TableName="keys"))


def test_a_vendors_key_belongs_to_its_member(dynamodb: Any) -> None:
    assert run("vendor", "--stage", "prod", "--member", "mem_1").exit_code == 0
    (key,) = stored(dynamodb)
    assert (key.role, key.member_id) == ("vendor", "mem_1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("operator", "--stage", "nowhere"), "There is no stack Linkage-nowhere"),
        (("operator",), "Say which network"),
        (("vendor", "--stage", "prod"), "Say whose key it is: --member mem_…"),
        (("vendor", "--stage", "prod", "--member", "mem_2"), "There is no member mem_2"),
        (("affiliate", "--stage", "prod", "--member", "mem_1"), "it can have no affiliate key"),
        (("operator", "--stage", "prod", "--member", "mem_1"), "belongs to no member"),
    ],
)
def test_a_key_that_cannot_be_made_is_a_sentence(
    dynamodb: Any, arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert stored(dynamodb) == []


def test_an_older_stack_without_the_table_says_to_deploy(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin_stacks(monkeypatch, {"Linkage-prod": {}})
    assert "npx cdk deploy -c stage=prod" in run("operator", "--stage", "prod").output
