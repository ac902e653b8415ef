"""A stand-in for the network's HTTP API on 127.0.0.1: conversions, and links to click."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

KEY = "lk_test_vendor_secret"


class StandinApi:
    """What was reported, in the order it came, and the answers to give before it is taken."""

    def __init__(self) -> None:
        self.url = ""
        self.reports: list[dict[str, Any]] = []
        self.known: dict[str, dict[str, Any]] = {}
        self.failures: dict[str, list[int]] = defaultdict(list)
        self.refused: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.instead: tuple[int, bytes] | None = None
        self.seconds_each = 0.0
        self.asked = 0
        self.clicks = 0
        self.in_progress: set[str] = set()
        self.overlaps = 0
        self.meeting: threading.Barrier | None = None
        self.lock = threading.Lock()

    def report(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], Any]:
        """Takes one conversion as the real API does."""
        if key != f"Bearer {KEY}":
            return 401, {}, {"detail": "Send a valid API key."}
        name = body["external_id"]
        if self.failures[name]:
            return self.failures[name].pop(0), {}, None
        if name in self.refused:
            return 422, {}, self.refused[name]
        if name not in self.known:
            self.known[name] = body
            self.reports.append(body)
            return 201, {}, self.shown(name)
        if self.known[name] != body:
            return 409, {}, {"detail": "It was already reported with other content."}
        return 200, {"Idempotent-Replayed": "true"}, self.shown(name)

    def shown(self, name: str) -> dict[str, Any]:
        """A conversion as the API answers it, as far as the importer looks at it."""
        refunded = sum(each["amount_minor"] for each in self.refunds[name].values())
        return {"id": f"cnv_{name}", "external_id": name, "refunded_minor": refunded}

    def refund(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        """Takes what was given back as the real API does."""
        known, external_id = self.refunds[name], body["external_id"]
        if external_id not in known:
            rest = self.known[name]["amount_minor"] - self.shown(name)["refunded_minor"]
            if body["amount_minor"] > rest:
                return 422, {}, {"detail": "Only so much is left to refund."}
            known[external_id] = body
            return 201, {}, {"conversion_id": f"cnv_{name}", "external_id": external_id}
        if known[external_id] != body:
            return 409, {}, {"detail": "It was already reported with other content."}
        shown = {"conversion_id": f"cnv_{name}", "external_id": external_id}
        return 200, {"Idempotent-Replayed": "true"}, shown


@contextmanager
def standin_api() -> Iterator[StandinApi]:
    """Serves a stand-in while the block lasts."""
    state = StandinApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            state.asked += 1
            time.sleep(state.seconds_each)
            if state.instead:
                self.answer_bytes(state.instead[0], {}, state.instead[1])
                return
            if self.path.endswith("/refunds"):
                name = unquote(self.path.split("/")[-2]).removeprefix("cnv_")
                with state.lock:
                    answer = state.refund(name, body)
                self.answer(*answer)
                return
            customer = body.get("customer", {}).get("id", "")
            with state.lock:
                state.overlaps += customer in state.in_progress
                state.in_progress.add(customer)
            if state.meeting:
                state.meeting.wait()
            with state.lock:
                answer = state.report(body, self.headers["authorization"])
            with state.lock:
                state.in_progress.discard(customer)
            self.answer(*answer)

        def do_GET(self) -> None:
            state.clicks += 1
            location = f"https://shop.example/?a=1&click_id=clk_{state.clicks}"
            self.answer(302, {"Location": location}, None)

        def answer(self, status: int, headers: dict[str, str], body: Any) -> None:
            self.answer_bytes(status, headers, b"" if body is None else json.dumps(body).encode())

        def answer_bytes(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: a client that was killed is no error of the test's."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
