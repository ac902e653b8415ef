"""A17: a table was away, and the client got the gateway's plain 5xx, which said nothing."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from linkage.domain.errors import LedgerError
from linkage.edge import failures
from linkage.flow.people import authenticating
from linkage_api.app import resolved
from tests.api import client as api_client
from tests.api.client import CONTEXT, Answer, Client
from tests.api.conftest import Network
from tests.api.recording import record
from tests.api.test_every_route import require_problem
from tests.faults.standin import RefusedError, Standin

URL = "https://dynamodb.eu-west-1.amazonaws.com/"
SALE = {
    "program_id": "prg_0",
    "event": "sale",
    "external_id": "order 1",
    "amount_minor": 5000,
    "currency": "USD",
}
PASSING: dict[str, Callable[[], Exception]] = {
    "a table is away": lambda: RefusedError("ResourceNotFoundException", "Requested resource"),
    "a table is throttled": lambda: RefusedError("ProvisionedThroughputExceededException", "less"),
    "the account is throttled": lambda: RefusedError("ThrottlingException", "Rate exceeded"),
    "others write the same": lambda: RefusedError("TransactionConflictException", "ongoing"),
    "DynamoDB fails": lambda: RefusedError("InternalServerError", "Internal server error"),
    "DynamoDB cannot be reached": lambda: EndpointConnectionError(endpoint_url=URL),
    "DynamoDB does not answer": lambda: ReadTimeoutError(endpoint_url=URL),
    "DynamoDB takes no connection": lambda: ConnectTimeoutError(endpoint_url=URL),
}
OTHERS: dict[str, Callable[[], Exception]] = {
    "the function may not": lambda: RefusedError("AccessDeniedException", "not authorized"),
    "the function has no credentials": NoCredentialsError,
    "a request that DynamoDB does not take": lambda: RefusedError("ValidationException", "wrong"),
    "a mistake in the code": lambda: KeyError("reward"),
    "the ledger refuses": lambda: LedgerError("It would not balance."),
}
DOORS: dict[str, Callable[[Network], Answer]] = {
    "the API's resolver": lambda network: network.operator.get("/v1/network"),
    "a list of the API": lambda network: network.operator.get("/v1/members"),
    "a change by the API": lambda network: network.operator.post("/v1/keys", {"role": "operator"}),
    "a function of its own": lambda network: record(network.vendor, "/v1/conversions", SALE),
    "the approval of a batch": lambda network: record(
        network.operator, "/v1/payout-batches/{batch_id}/approval", batch_id="bat_0"
    ),
}
each_door = pytest.mark.parametrize("door", DOORS)


@contextmanager
def failing(aws: Standin, error: Callable[[], Exception]) -> Iterator[None]:
    """Every call of DynamoDB fails with this error."""

    def fail(_operation: str, _given: Any, _go: Callable[[], Any]) -> Any:
        raise error()

    with aws.serving(fail, alone=False):
        yield


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@each_door
@pytest.mark.parametrize("cause", PASSING)
def test_what_passes_is_said_to_pass(
    network: Network, aws: Standin, caplog: pytest.LogCaptureFixture, door: str, cause: str
) -> None:
    before = aws.saved()
    with failing(aws, PASSING[cause]):
        answer = DOORS[door](network)
    require_problem(answer, 503)
    assert answer.code == "unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert "request_id" in answer.body
    assert aws.saved() == before
    (line,) = [each for each in caplog.records if each.message == "request failed"]
    assert line.levelno == logging.ERROR
    assert line.exc_info
    assert DOORS[door](network).status != 503


@each_door
@pytest.mark.parametrize("cause", OTHERS)
def test_what_nobody_foresaw_has_a_stable_code_and_is_logged(
    network: Network, aws: Standin, caplog: pytest.LogCaptureFixture, door: str, cause: str
) -> None:
    with failing(aws, OTHERS[cause]):
        answer = DOORS[door](network)
    require_problem(answer, 500)
    is_ledger = cause == "the ledger refuses"
    assert answer.code == ("ledger_refused" if is_ledger else "internal_error")
    assert "retry-after" not in answer.headers
    assert "reward" not in answer.body["detail"]
    (line,) = [each for each in caplog.records if each.message == "request failed"]
    assert line.exc_info


def test_the_answer_and_the_log_name_the_gateways_request(
    network: Network, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(authenticating, "find_key", lambda _: 1 / 0)
    event = {
        "version": "2.0",
        "routeKey": "GET /v1/network",
        "rawPath": "/v1/network",
        "headers": {"authorization": f"Bearer {network.operator.secret}"},
        "requestContext": {"http": {"method": "GET"}, "stage": "$default", "requestId": "JKJaX="},
    }
    answer = resolved(event, CONTEXT)
    assert answer["statusCode"] == 500
    assert '"request_id": "JKJaX="' in answer["body"]
    assert vars(caplog.records[-1])["request_id"] == "JKJaX="


def test_who_has_no_key_is_told_so_only_when_keys_can_be_read(
    network: Network, aws: Standin
) -> None:
    with failing(aws, PASSING["a table is away"]):
        require_problem(Client("lk_test_0_x").get("/v1/network"), 503)
        require_problem(Client("nothing").get("/v1/network"), 401)


@each_door
def test_whoever_waits_too_long_is_answered_before_lambda_ends_it(
    network: Network,
    aws: Standin,
    monkeypatch: pytest.MonkeyPatch,
    door: str,
) -> None:
    monkeypatch.undo()  # the pauses are real
    context = SimpleNamespace(**vars(CONTEXT))
    context.get_remaining_time_in_millis = lambda: failures.ANSWER_S * 1000 + 100
    monkeypatch.setattr(api_client, "CONTEXT", context)
    monkeypatch.setattr("tests.api.recording.CONTEXT", context)

    def hang(_operation: str, _given: Any, go: Callable[[], Any]) -> Any:
        time.sleep(5)
        return go()

    began_s = time.monotonic()
    with aws.serving(hang, alone=False):
        answer = DOORS[door](network)
    assert time.monotonic() - began_s < 2
    require_problem(answer, 503)
    assert answer.code == "unavailable"


def test_who_is_answered_in_time_is_left_alone(network: Network) -> None:
    assert network.operator.get("/v1/members").status == 200
    time.sleep(0)
    assert failures.signal.getitimer(failures.signal.ITIMER_REAL) == (0.0, 0.0)
