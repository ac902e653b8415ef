"""GetItem and PutItem over plain HTTP on the loopback, answered from memory: as little as can be.

What it costs is not measured, so it runs in a process of its own: `python -m bench.standin` prints
its port and serves until its standard input ends. A GetItem finds any code and
any vendor, a PutItem is always new; answers carry the headers DynamoDB's do, the checksum that SDKs
verify among them.
"""

import asyncio
import json
import sys
import zlib
from collections import Counter
from typing import Any

from bench.visits import DESTINATION

_END = b"\r\n\r\n"


class Standin:
    """Calls by operation since `counts` was cleared; and their requests, where `keeps` is set."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.keeps = keeps
        self.requests: list[dict[str, Any]] = []
        self._stored = answer_of({})
        self._links: dict[str, bytes] = {}

    def answer(self, operation: str, body: bytes) -> bytes:
        """The whole HTTP answer."""
        self.counts[operation] += 1
        if self.keeps:
            self.requests.append(json.loads(body))
        if operation == "PutItem":
            return self._stored
        if operation != "GetItem":
            raise ValueError(f"The stand-in knows no {operation}")
        key = json.loads(body)["Key"]
        if "member_id" in key:
            return answer_of({"Item": {**key, "hosts": {"S": '["shop.example"]'}}})
        code = key["code"]["S"]
        if code not in self._links:
            self._links[code] = answer_of({"Item": link_item(code)})
        return self._links[code]

    async def serve(self, port: int = 0) -> asyncio.Server:
        """Listens on 127.0.0.1; port 0 is a free one."""
        return await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", port
        )


class _Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, standin: Standin) -> None:
        self._standin, self._data = standin, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(_END)) >= 0:
            head = self._data[:end].decode("latin-1").lower()
            length = int(header(head, "content-length"))
            start, stop = end + len(_END), end + len(_END) + length
            if len(self._data) < stop:
                return
            operation = header(self._data[:end].decode("latin-1"), "x-amz-target").partition(".")[2]
            self._transport.write(self._standin.answer(operation, self._data[start:stop]))
            self._data = self._data[stop:]


def header(head: str, name: str) -> str:
    """A header of a request's head; an empty text if it is not there."""
    for line in head.split("\r\n"):
        if line[: len(name) + 1].lower() == f"{name}:":
            return line[len(name) + 1 :].strip()
    return ""


def link_item(code: str) -> dict[str, Any]:
    """A stored link, in DynamoDB's form."""
    texts = {
        "code": code,
        "link_id": f"lnk_{code.lower()}",
        "status": "active",
        "destination_url": DESTINATION,
        "program_id": "prg_01jd8tools",
        "vendor_id": "mem_01jd8hardware",
        "affiliate_id": "mem_01jd8tendai",
        "created_at": "2026-11-01T00:00:00.000Z",
    }
    return {name: {"S": text} for name, text in texts.items()} | {
        "sub": {"M": {"sub1": {"S": "flyer"}}},
    }


def answer_of(content: dict[str, Any]) -> bytes:
    """An HTTP answer as DynamoDB writes it."""
    body = json.dumps(content, separators=(",", ":")).encode()
    lines = (
        "HTTP/1.1 200 OK",
        "Server: Server",
        "Date: Sun, 22 Nov 2026 09:12:00 GMT",
        "Content-Type: application/x-amz-json-1.0",
        f"Content-Length: {len(body)}",
        "Connection: keep-alive",
        "x-amzn-RequestId: 5V1M0QJ2B7C9D8E6F4G3H2J1KLVV4KQNSO5AEMVJF66Q9ASUAAJG",
        f"x-amz-crc32: {zlib.crc32(body)}",
    )
    return "\r\n".join(lines).encode() + _END + body


async def _main() -> None:
    server = await Standin().serve()
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
