"""Whatever DynamoDB does, who follows a known link is redirected in time; no loss is silent."""

import json
import socket
import time
from types import ModuleType

import pytest

from linkage.tables.dynamodb import wire
from tests.functions.redirect import event, link_item
from tests.tables.dynamodb.standin_dynamodb import StandIn
from tests.tables.mischief import LONG_S, MISCHIEF, says, sending

BOUND_S = 0.3


def _throttles(client: socket.socket) -> None:
    body = b'{"__type": "com.amazonaws#ThrottlingException"}'
    client.sendall(says("400 Bad Request", body))


@pytest.mark.parametrize("fault", [*MISCHIEF, "throttles"])
def test_a_known_link_is_followed_in_time_and_the_lost_click_is_counted_once(
    function: ModuleType,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    monkeypatch.setattr(wire, "LONGEST_WRITE_S", BOUND_S)
    function.handler(event(), None)
    standin.mischief = _throttles if fault == "throttles" else MISCHIEF[fault]

    began_s = time.monotonic()
    answer = function.handler(event(query="sub1=lost"), None)
    took_s = time.monotonic() - began_s

    assert answer["statusCode"] == 302
    assert took_s < LONG_S
    (line,) = capsys.readouterr().out.splitlines()
    lost = json.loads(line)
    assert lost["ClickLost"] == 1
    assert lost["click"]["click_id"] in answer["headers"]["Location"]

    standin.mischief = None
    answer = function.handler(event(query="sub1=kept"), None)
    assert "click_id=clk_" in answer["headers"]["Location"]
    assert capsys.readouterr().out == ""
    assert standin.calls == ["GetItem", "GetItem", "PutItem", "PutItem"]


def test_a_stalled_write_holds_a_visitor_as_long_as_the_contract_says(
    function: ModuleType, standin: StandIn
) -> None:
    function.handler(event(), None)
    standin.mischief = MISCHIEF["stalls"]
    began_s = time.monotonic()
    assert function.handler(event(query="sub1=lost"), None)["statusCode"] == 302
    assert wire.LONGEST_WRITE_S == 1.5
    assert 1.0 < time.monotonic() - began_s < LONG_S


@pytest.mark.parametrize("fault", MISCHIEF)
def test_a_link_that_cannot_be_read_is_a_page_in_time(
    function: ModuleType,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    monkeypatch.setattr(wire, "LONGEST_READ_S", BOUND_S)
    standin.mischief = MISCHIEF[fault]
    assert function.handler(event(), None)["statusCode"] == 503
    assert json.loads(capsys.readouterr().out)["LinkReadFailed"] == 1
    standin.mischief = None
    assert function.handler(event(), None)["statusCode"] == 302


@pytest.mark.parametrize(
    "item",
    [
        b"5",
        b'{"code": 5}',
        b'{"code": {}}',
        b'{"code": {"N": "x"}}',
    ],
)
def test_an_item_that_is_none_of_ours_is_as_unreadable(
    function: ModuleType, standin: StandIn, item: bytes
) -> None:
    standin.mischief = sending(says("200 OK", b'{"Item": ' + item + b"}"))
    assert function.handler(event(), None)["statusCode"] == 503


def test_an_answer_about_another_link_sends_nobody_there(
    function: ModuleType, standin: StandIn
) -> None:
    other = link_item(code={"S": "zzzzzzzz"})
    standin.mischief = sending(says("200 OK", json.dumps({"Item": other}).encode()))
    assert function.handler(event(), None)["statusCode"] == 503
    standin.mischief = None
    assert function.handler(event(), None)["statusCode"] == 302
