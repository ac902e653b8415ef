"""One kept-alive HTTP connection on which no exchange takes longer than it may.

`http.client` reads the answers. Its connections are not used: their time-outs begin anew with each
byte that comes, and their headers are parsed as those of an e-mail, at half the price of a click.
"""

import io
import os
import select
import socket
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult

CONNECT_TIMEOUT_S = 0.5
READ_TIMEOUT_S = 1.0
LARGEST_ANSWER_BYTES = 1_000_000
"""More than twice the largest item that DynamoDB stores."""

_MOST_HEADERS = 100
_LONGEST_LINE_BYTES = 8_192
_AMAZON_ROOTS = os.path.join(os.path.dirname(__file__), "amazon_roots.pem")

UNUSABLE = (OSError, HTTPException, ValueError, MemoryError, OverflowError)
"""What `exchange` raises for any answer but a whole one of HTTP/1, and for none; the last two are
for a part that claims to be larger than memory."""


def trust(ca_file: str | None, *, amazon: bool) -> ssl.SSLContext:
    """Return a context that checks names and certificates.

    It trusts those of `ca_file`; without one, Amazon's own roots or, where `amazon` is false, the
    system's. Reading Amazon's five costs a tenth of reading everybody's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None and not amazon:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca_file or _AMAZON_ROOTS)
    return context


class Connection:
    """A connection to one endpoint, made at the first exchange; not for several threads."""

    def __init__(self, endpoint: SplitResult, context: ssl.SSLContext | None) -> None:
        """With a `context` the connection is encrypted."""
        self._host = endpoint.hostname or ""
        self._port = endpoint.port or (443 if context else 80)
        self._context = context
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes, until_s: float) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body of the answer to a request that may be sent twice.

        All of it is over by `until_s` of the monotonic clock, but for the look-up of the name. A
        kept-alive connection that the other end has closed is replaced at once. Raises `UNUSABLE`.
        """
        kept = self._socket
        if kept is not None and _is_silent(kept):
            try:
                return self._exchange_on(kept, request, until_s)
            except TimeoutError:
                raise
            except OSError:
                pass  # it was closed while the request was on its way
        self.close()
        return self._exchange_on(self._connect(until_s), request, until_s)

    def close(self) -> None:
        """Drop the connection; the next exchange makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange_on(
        self, live: socket.socket, request: bytes, until_s: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        keep = False
        try:
            live.settimeout(_time_left_s(until_s, READ_TIMEOUT_S))
            live.sendall(request)
            with _Answer(_Incoming(live, until_s)) as answer:
                answer.begin()
                body = answer.read()
                keep = not answer.will_close
            return answer.status, answer.known, body
        finally:
            if not keep:
                self.close()

    def _connect(self, until_s: float) -> socket.socket:
        failure: OSError = ConnectionError(f"{self._host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        ):
            live = socket.socket(family, kind, protocol)
            try:
                live.settimeout(_time_left_s(until_s, CONNECT_TIMEOUT_S))
                live.connect(address)
                live.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context:
                    live = self._context.wrap_socket(live, server_hostname=self._host)
            except OSError as error:
                live.close()
                failure = error
                continue
            self._socket = live
            return live
        raise failure


class _Incoming(io.RawIOBase):
    """What arrives on a socket, as `HTTPResponse` reads it, within the time and size allowed."""

    def __init__(self, arriving: socket.socket, until_s: float) -> None:
        self._socket, self._until_s = arriving, until_s
        self._bytes_left = LARGEST_ANSWER_BYTES

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_time_left_s(self._until_s, READ_TIMEOUT_S))
        count = self._socket.recv_into(buffer)
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise ValueError(f"the answer is longer than {LARGEST_ANSWER_BYTES} bytes")
        return count


class _Answer(HTTPResponse):
    """An answer whose headers are a plain dictionary, `known`, with names in lower case."""

    def __init__(self, incoming: _Incoming) -> None:
        super().__init__(incoming)  # type: ignore[arg-type]  # it only wants `makefile`
        self.known: dict[str, str] = {}

    def begin(self) -> None:
        version, self.status, self.reason = self._read_status()  # type: ignore[attr-defined]
        for _ in range(_MOST_HEADERS):
            line = self.fp.readline(_LONGEST_LINE_BYTES)
            if line in (b"\r\n", b"\n"):
                break
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or not line.endswith(b"\n"):
                raise HTTPException("a header that is none")
            self.known[name.lower()] = value.strip()
        else:
            raise HTTPException(f"more than {_MOST_HEADERS} headers")
        self.chunked = self.known.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = self.known.get("content-length")
        self.length = None if self.chunked or length is None else int(length)
        if self.length is not None and not 0 <= self.length <= LARGEST_ANSWER_BYTES:
            raise ValueError(f"an answer of {self.length} bytes")
        unbounded = self.length is None and not self.chunked
        asks_to_close = self.known.get("connection", "").lower() == "close"
        self.will_close = unbounded or asks_to_close or version != "HTTP/1.1"


def _is_silent(kept: socket.socket) -> bool:
    """Whether nothing has come since the last answer: not an end, nor an answer to nothing."""
    if isinstance(kept, ssl.SSLSocket) and kept.pending():
        return False  # it left the socket with the last answer, and waits decrypted
    poll = select.poll()
    poll.register(kept, select.POLLIN)
    return not poll.poll(0)


def _time_left_s(until_s: float, at_most_s: float) -> float:
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the time for this call is over")
    return min(left_s, at_most_s)
