"""A sound network's items, made once by the product's own code."""

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from linkage_cli.ledger.ledger_check import plain
from tests.cli.contents import spread

type Items = list[dict[str, Any]]

SAMPLE = Path(__file__).with_name("sample_network.py")


@pytest.fixture(scope="session")
def wire() -> dict[str, Items]:
    made = subprocess.run([sys.executable, SAMPLE], capture_output=True, check=True, text=True)
    items: dict[str, Items] = json.loads(made.stdout, object_hook=_with_bytes)
    return items


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": b64decode(value["B"])} if value.keys() == {"B"} else value


@pytest.fixture
def network(wire: dict[str, Items]) -> dict[str, Items]:
    """The same in plain Python and with nothing packed, to look at and to spoil."""
    read = TypeDeserializer().deserialize
    return {
        noun: [spread({name: plain(read(value)) for name, value in item.items()}) for item in items]
        for noun, items in wire.items()
    }
