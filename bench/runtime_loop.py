"""Redirects a second through a real Lambda runtime: `awslambdaric` against a runtime endpoint here.

This process is the endpoint that hands out events and takes answers, and the stand-in for DynamoDB;
the function's process runs what Lambda runs. One event is under way at a time, as in one execution
environment. Beside it the ceiling: this process asks an asyncio server that answers a fixed 302,
one request at a time too, so both sides are two processes on the same machine.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bench.rounds import Rounds, orders, ratios, summary
from bench.standin import Standin, header
from bench.visits import events
from bench.worker import BUILD, LINKAGE, ROOT, environment

ROUNDS, TURN_S, EVENTS = 5, 0.5, 2000
FUNCTIONS = ("static", "linkage", "sdk", "naive")
CEILING = "ceiling"
_END = b"\r\n\r\n"
_FIXED_302 = (
    b"HTTP/1.1 302 Found\r\nLocation: https://shop.example/\r\nContent-Length: 0\r\n"
    b"Cache-Control: private, no-store\r\n\r\n"
)


class Endpoint(asyncio.Protocol):
    """The Lambda Runtime API for one function: `next` waits until there is a turn."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = itertools.cycle(bodies)
        self._data = b""
        self._waiting: asyncio.Transport | None = None
        self._handing_out = False
        self.answered = 0
        self.wrong: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_END)) >= 0:
            head = self._data[:end].decode("latin-1")
            stop = end + len(_END) + int(header(head, "content-length") or 0)
            if len(self._data) < stop:
                return
            body, self._data = self._data[end + len(_END) : stop], self._data[stop:]
            if head.startswith("GET "):
                self._waiting = self._transport
                if self._handing_out:
                    self._hand_out()
            else:
                self._take(head, body)

    def _take(self, head: str, body: bytes) -> None:
        if "/response " in head.split("\r\n", 1)[0] and b'"statusCode": 302' in body[:60]:
            self.answered += 1
        else:
            self.wrong.append(body)
        self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def _hand_out(self) -> None:
        transport, self._waiting = self._waiting, None
        if transport is None:
            return
        body = next(self._bodies)
        deadline_ms = int(time.time() * 1000) + 10_000
        transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n"
            b"Lambda-Runtime-Deadline-Ms: %d\r\n"
            b"Lambda-Runtime-Invoked-Function-Arn: "
            b"arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (deadline_ms, len(body), body)
        )

    async def turn(self, seconds: float) -> float:
        """Hands out events for so long; answers a second."""
        before, start = self.answered, time.perf_counter()
        self._handing_out = True
        self._hand_out()
        await asyncio.sleep(seconds)
        self._handing_out = False
        while self._waiting is None:  # the last one is still under way
            await asyncio.sleep(0.001)
        spent_s = time.perf_counter() - start
        assert not self.wrong, self.wrong[0]
        return (self.answered - before) / spent_s


class _Fixed302(asyncio.Protocol):
    """Answers every request with the same 302."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_FIXED_302 * data.count(_END))


class _Asker(asyncio.Protocol):
    """Asks, and asks again as soon as there is an answer, while it is asked to."""

    def __init__(self) -> None:
        self.answered, self.asking = 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.answered += data.count(_END)
        if self.asking:
            self.ask()

    def ask(self) -> None:
        self._transport.write(
            b"GET /benchShop2 HTTP/1.1\r\nHost: go.example.com\r\nAccept: text/html\r\n"
            b"User-Agent: Mozilla/5.0 (Linux; Android 13; K)\r\n\r\n"
        )

    async def turn(self, seconds: float) -> float:
        """Asks for so long; answers a second."""
        before, start = self.answered, time.perf_counter()
        self.asking = True
        self.ask()
        await asyncio.sleep(seconds)
        self.asking = False
        return (self.answered - before) / (time.perf_counter() - start)


@asynccontextmanager
async def running(
    *arguments: str, env: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that is ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=env, cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def function(
    name: str, dynamodb_port: int, bodies: list[bytes], stack: AsyncExitStack
) -> Callable[[float], Awaitable[float]]:
    """Starts a function under the runtime's own client; its turns."""
    endpoint = Endpoint(bodies)
    server = await asyncio.get_running_loop().create_server(lambda: endpoint, "127.0.0.1", 0)
    stack.callback(server.close)
    port = server.sockets[0].getsockname()[1]
    paths = [*map(str, LINKAGE), str(ROOT)] if name == "linkage" else [str(ROOT)]
    env = environment(dynamodb_port) | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    task_root, named = (
        (BUILD / "functions/record_click", "handler.handler")
        if name == "linkage"
        else (ROOT, f"bench/handlers/{name}.handler")
    )
    process = await stack.enter_async_context(
        running("-m", "awslambdaric", named, env=env | {"LAMBDA_TASK_ROOT": str(task_root)})
    )
    # What a function prints is read and thrown away, as Lambda reads it.
    stack.callback(asyncio.create_task(_drain(process)).cancel)
    return endpoint.turn


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout
    while await process.stdout.read(65536):
        pass


async def ceiling(stack: AsyncExitStack) -> Callable[[float], Awaitable[float]]:
    """Starts the server of a fixed 302; its turns."""
    process = await stack.enter_async_context(
        running("-m", "bench.runtime_loop", env=dict(os.environ))
    )
    assert process.stdout
    port = int(await process.stdout.readline())
    asker = _Asker()
    await asyncio.get_running_loop().create_connection(lambda: asker, "127.0.0.1", port)
    return asker.turn


async def _measured(names: tuple[str, ...], rounds: int, turn_s: float) -> Rounds:
    bodies = [json.dumps(event).encode() for event in events(EVENTS, seed=1)]
    async with AsyncExitStack() as stack:
        server = await Standin().serve()
        stack.callback(server.close)
        port = server.sockets[0].getsockname()[1]
        turns = {name: await function(name, port, bodies, stack) for name in names}
        turns[CEILING] = await ceiling(stack)
        for turn in turns.values():
            await asyncio.wait_for(turn(turn_s / 2), timeout=20)  # starts, connects, warms up
        results: Rounds = []
        for order in orders(list(turns), rounds):
            given = {name: await turns[name](turn_s) for name in order}
            results.append({name: given[name] for name in turns})
        return results


def measured(
    names: tuple[str, ...] = FUNCTIONS, rounds: int = ROUNDS, turn_s: float = TURN_S
) -> Rounds:
    """Redirects a second of each function and of the ceiling, for each round."""
    return asyncio.run(_measured(names, rounds, turn_s))


def result() -> dict[str, Any]:
    """The figures as they are kept."""
    rounds = measured()
    return {
        "rounds": ROUNDS,
        "turn_s": TURN_S,
        "servers": {
            name: {
                "per_s": summary([each[name] for each in rounds], 0),
                "of_ceiling": summary(ratios(rounds, name, CEILING)),
                "of_sdk": summary(ratios(rounds, name, "sdk"), 2),
            }
            for name in (CEILING, *FUNCTIONS)
        },
    }


async def _serve_fixed_302() -> None:
    server = await asyncio.get_running_loop().create_server(_Fixed302, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve_fixed_302())
