"""A stand-in for DynamoDB: GetItem and conditional PutItem over HTTP on 127.0.0.1, counted.

`mischief` answers in its place, with whatever it does to the connection; `stray` is sent after
each answer.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class StandIn:
    """What was asked, what is stored, and the failures to answer with next."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.failures: list[tuple[int, str]] = []
        self.always_fails = False
        self.delay_s = 0.0
        self.connections = 0
        self.drop_next = 0
        self.mischief: Callable[[socket.socket], None] | None = None
        self.stray = b""
        self.port = 0

    def put(self, table: str, item: dict[str, Any]) -> None:
        key = next(iter(item.values()))["S"]
        self.items[table, key] = item

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(operation)
        if self.always_fails:
            return 400, _error("ProvisionedThroughputExceededException")
        if self.failures:
            status, code = self.failures.pop(0)
            return status, _error(code)
        table = request["TableName"]
        if operation == "GetItem":
            (key,) = request["Key"].values()
            item = self.items.get((table, key["S"]))
            named = request.get("ExpressionAttributeNames")
            if item is not None and named is not None:
                wanted = {named[each] for each in request["ProjectionExpression"].split(",")}
                item = {name: value for name, value in item.items() if name in wanted}
            return 200, {} if item is None else {"Item": item}
        name = request["ExpressionAttributeNames"]["#key"]
        place = (table, request["Item"][name]["S"])
        if place in self.items:
            return 400, _error("ConditionalCheckFailedException")
        self.items[place] = request["Item"]
        return 200, {}


def _error(code: str) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as told"}


@contextmanager
def standin_dynamodb(
    monkeypatch: pytest.MonkeyPatch, context: ssl.SSLContext | None = None
) -> Iterator[StandIn]:
    """Serve a `StandIn`, with the environment pointing the client at it."""
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            if context:
                self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()
            state.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if state.mischief:
                self.close_connection = True
                with suppress(OSError):  # a client that would not wait
                    state.mischief(self.connection)
                return
            if state.drop_next:
                state.drop_next -= 1
                self.close_connection = True
                return
            state.headers.append(dict(self.headers))
            if state.delay_s:
                time.sleep(state.delay_s)
            operation = self.headers["x-amz-target"].rpartition(".")[2]
            status, content = state.answer(operation, json.loads(body))
            payload = json.dumps(content).encode()
            with suppress(BrokenPipeError):  # a client that would not wait
                self.send_response(status)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload + state.stray)

        def log_message(self, *_: object) -> None:
            """Keep the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL_DYNAMODB": f"{'https' if context else 'http'}://127.0.0.1:{state.port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
