"""What a server can do to a client instead of answering as DynamoDB does.

Each takes the connection after the request was read; the connection is closed when it returns.
"""

import random
import socket
import struct
import time
from collections.abc import Callable
from itertools import chain, repeat

LONG_S = 6.0
"""Longer than any client here waits."""

_HTML = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


def says(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def sending(*parts: bytes) -> Callable[[socket.socket], None]:
    return lambda client: client.sendall(b"".join(parts))


def dripping(parts: bytes) -> Callable[[socket.socket], None]:
    def drip(client: socket.socket) -> None:
        until_s = time.monotonic() + LONG_S
        for byte in chain(parts, repeat(32)):
            client.sendall(bytes([byte]))
            time.sleep(0.02)
            if time.monotonic() > until_s:
                return

    return drip


def flooding(start: bytes, more: bytes) -> Callable[[socket.socket], None]:
    def flood(client: socket.socket) -> None:
        client.settimeout(LONG_S)
        client.sendall(start)
        for _ in range(100_000):
            client.sendall(more)

    return flood


def stalling(*parts: bytes) -> Callable[[socket.socket], None]:
    def stall(client: socket.socket) -> None:
        client.sendall(b"".join(parts))
        time.sleep(LONG_S)

    return stall


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

MISCHIEF: dict[str, Callable[[socket.socket], None]] = {
    "closes": sending(),
    "resets": reset,
    "stalls": stalling(),
    "stalls after the status": stalling(b"HTTP/1.1 200 OK\r\n"),
    "stalls within the body": stalling(says("200 OK", b"{", length=2)),
    "drips a status": dripping(b"HTTP/1.1 200 OK"),
    "drips a body": dripping(says("200 OK", b"{", length=100_000)),
    "closes within the headers": sending(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "closes within the body": sending(says("200 OK", b'{"Attrib', length=1_000)),
    "random bytes": sending(random.Random(4).randbytes(2_000)),
    "another protocol": sending(b"SSH-2.0-OpenSSH_9.7\r\n"),
    "an old HTTP": sending(b"<html></html>"),
    "HTML with 200": sending(says("200 OK", _HTML)),
    "HTML with 403": sending(says("403 Forbidden", _HTML)),
    "HTML with 503": sending(says("503 Service Unavailable", _HTML)),
    "nothing with 200": sending(says("200 OK", b"")),
    "nothing with 500": sending(says("500 Internal Server Error", b"")),
    "an error without a type": sending(says("400 Bad Request", b"{}")),
    "an error of other types": sending(says("400 Bad Request", b'{"__type": 5, "message": []}')),
    "part of JSON": sending(says("200 OK", b'{"Attributes": {"click_id"')),
    "JSON that is no object": sending(says("200 OK", b"[1, 2]")),
    "null": sending(says("200 OK", b"null")),
    "deep JSON": sending(says("200 OK", b"[" * 200_000)),
    "bytes that are no text": sending(says("200 OK", b'{"\xff\xfe": 1}')),
    "a redirect": sending(says("301 Moved", b"", "location: http://127.0.0.1:1/")),
    "a continuation": sending(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a length that is none": sending(b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}"),
    "a negative length": sending(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
    "a length too short": sending(says("200 OK", b'{"Attributes": {}}', length=5)),
    "a length too long": sending(says("200 OK", b"{}", length=50)),
    "an enormous length": sending(says("200 OK", b"{}", length=10**15)),
    "a wrong checksum": sending(says("200 OK", b"{}", "x-amz-crc32: 1")),
    "a header without a name": sending(b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n{}"),
    "headers without end": flooding(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
    "a header without end": flooding(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1_000),
    "a body without end": flooding(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 1_000),
    "a chunk that is none": sending(_CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"),
    "an enormous chunk": sending(_CHUNKED, b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a large chunk": sending(_CHUNKED, b"7fffffffffff\r\n{}\r\n0\r\n\r\n"),
    "chunks without end": flooding(_CHUNKED, b"4\r\n    \r\n"),
    "chunks that stop": sending(_CHUNKED, b"5\r\n{}"),
}
