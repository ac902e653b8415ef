"""One network for all flow tests: the real app, deployed to the emulator on a free port."""

from collections.abc import Callable, Iterator

import boto3
import pytest

from linkage.domain import clock
from linkage.domain.ids import created
from linkage.domain.money import EXPONENTS
from linkage.domain.people.api_keys import hashed, new_secret
from linkage_cli.ledger.ledger_check import BUCKET, NOUNS, Bucket, Tables, check
from linkage_cli.local.local_network import LocalNetwork, local_network
from tests.flow.client import Api, World

CURRENCIES = (code for code in EXPONENTS if EXPONENTS[code] == 2)
"""Each test has a currency to itself, since a payout batch takes a currency's whole network."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the emulator."""
    for item in items:
        if "tests/flow/" in str(item.path):
            item.add_marker(pytest.mark.flow)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """The running network."""
    with local_network(tmp_path_factory.mktemp("network")) as running:
        yield running


@pytest.fixture(scope="session")
def api(network: LocalNetwork) -> Api:
    """A client with an operator's key."""
    return Api(network.api_url, network.links_url, new_operator_key(network))


def new_operator_key(network: LocalNetwork) -> str:
    """An operator's key written straight into the table, as the first one is on AWS."""
    key_id = created("key")
    secret = new_secret("local", key_id)
    values = {
        "key_id": key_id,
        "listing": "key",
        "role": "operator",
        "secret_hash": hashed(secret),
        "created_at": clock.text(clock.now()),
    }
    boto3.client("dynamodb").put_item(
        TableName=network.outputs["KeysTableName"],
        Item={name: {"S": value} for name, value in values.items()},
    )
    return secret


@pytest.fixture
def world(api: Api, network: LocalNetwork) -> World:
    """A fresh corner of the network with a currency to itself."""
    return World(api, network.outputs, next(CURRENCIES))


@pytest.fixture
def ledger_is_right(network: LocalNetwork) -> Callable[[], None]:
    """Checks every invariant of the ledger, by the command's own code."""
    names = {noun: network.outputs[f"{noun.title()}TableName"] for noun in NOUNS}
    tables = Tables(boto3.client("dynamodb"), names)
    bucket = Bucket(boto3.client("s3"), network.outputs[BUCKET])

    def checked() -> None:
        assert not check(tables, bucket).findings

    return checked
