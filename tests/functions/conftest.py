from collections.abc import Iterator
from types import ModuleType

import pytest

from linkage.tables.dynamodb import wire
from tests.functions.redirect import link_item, load_handler, member_item
from tests.tables.dynamodb.standin_dynamodb import StandIn, standin_dynamodb


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standin_dynamodb(monkeypatch) as state:
        monkeypatch.setattr(wire, "PAUSES_S", (0.0, 0.0))
        state.put("links", link_item())
        state.put("members", member_item(["shop.example"]))
        yield state


@pytest.fixture
def function(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load_handler(monkeypatch)
