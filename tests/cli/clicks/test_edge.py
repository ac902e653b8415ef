"""`linkage edge publish` walks all pages, and says what cannot be done and what to do about it."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from linkage_cli.clicks.edge import EdgeError, publish, publisher_of


class Functions:
    """Lambda, with the answers of one function."""

    def __init__(self, *answers: dict[str, Any], error: bool = False) -> None:
        self.answers, self.error = list(answers), error
        self.sent: list[Any] = []

    def invoke(self, **sent: Any) -> dict[str, Any]:
        self.sent.append(json.loads(sent["Payload"]))
        answer = {"Payload": io.BytesIO(json.dumps(self.answers.pop(0)).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


class Stacks:
    """CloudFormation, with one stack or none."""

    def __init__(self, outputs: dict[str, str] | None) -> None:
        self.outputs = outputs

    def describe_stacks(self, **sent: Any) -> dict[str, Any]:
        if self.outputs is None:
            said = f"Stack with id {sent['StackName']} does not exist"
            error = {"Error": {"Code": "ValidationError", "Message": said}}
            raise ClientError(error, "DescribeStacks")
        pairs = self.outputs.items()
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in pairs]}]}


def page(kept: int, after: str | None, removed: int = 0) -> dict[str, Any]:
    return {"kept": kept, "removed": removed, "without_room": 0, "after": after}


def test_it_goes_on_where_each_page_ended_and_adds_up() -> None:
    functions = Functions(page(50, "c"), page(48, "x", removed=2), page(3, None))
    assert publish(functions, "f") == {"kept": 101, "removed": 2, "without_room": 0}
    assert functions.sent == [{"after": None}, {"after": "c"}, {"after": "x"}]


def test_a_page_that_fails_stops_it() -> None:
    functions = Functions({"errorMessage": "StoreChangedError"}, error=True)
    with pytest.raises(EdgeError, match=r"StoreChangedError.*run the same command again"):
        publish(functions, "f")


def test_the_publisher_is_found_by_the_stack_s_output() -> None:
    assert publisher_of("prod", Stacks({"PublishLinksFunctionName": "f"})) == "f"


def test_a_stage_without_an_edge_is_told_how_to_get_one() -> None:
    with pytest.raises(EdgeError, match=r"no stack Linkage-prod-edge.*-c edge=true --all"):
        publisher_of("prod", Stacks(None))
    with pytest.raises(EdgeError, match="Deploy it again"):
        publisher_of("prod", Stacks({}))
