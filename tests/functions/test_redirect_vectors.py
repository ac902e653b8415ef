"""The redirect answers as `tests/vectors/redirects.json` says, as the edge function does."""

import json
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest

from linkage.tables.dynamodb.wire import _to_attribute, _to_attributes
from tests.functions.redirect import ROOT, event, member_item
from tests.tables.dynamodb.standin_dynamodb import StandIn

VECTORS = json.loads((ROOT / "tests/vectors/redirects.json").read_text())


def test_the_vectors_are_many_and_each_has_its_name() -> None:
    assert len({case["name"] for case in VECTORS}) == len(VECTORS) >= 60


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_a_request_is_answered_as_agreed(
    case: dict[str, Any],
    function: ModuleType,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link, request, expected = case["link"], case["request"], case["expect"]
    standin.items.clear()
    if link is not None:
        standin.put("links", _to_attributes(link))
        standin.put("members", member_item(link["hosts"], link["vendor_id"]))
    monkeypatch.setattr(function.clock, "now", lambda: datetime.fromisoformat(case["now"]))
    code, path = request["path"].split("/")[1], request["path"]
    headers = {"user-agent": "", **request["headers"]}

    asked = event(code, request["method"], request["query"], path=path, headers=headers)
    answer = function.handler(asked, None)

    stored = [item for (table, _), item in standin.items.items() if table == "clicks"]
    assert answer["statusCode"] == expected["status"]
    assert len(stored) == expected["click"]
    click_id = stored[0]["click_id"]["S"] if stored else ""
    location = expected["location"] and expected["location"].replace("{click}", click_id)
    assert answer["headers"].get("Location") == location

    for name, value in expected.get("stored", {}).items():
        assert stored[0].get(name) == (None if value is None else _to_attribute(value))
