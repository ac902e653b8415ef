"""Runs the emulator, and ends it when whoever started it is gone, however that came about.

A script of the emulator's own environment. Its standard input is a pipe that nobody writes to: it
closes when the process that started the emulator ends, even by SIGKILL. The emulator's function
workers are in the same process group, so ending the group leaves none behind.
"""

import os
import signal
import sys
import threading
import time
from typing import Any

from ministack import app as emulator

SECONDS_TO_END_WELL = 5


def end_with_the_starter() -> None:
    """Waits for the pipe to close, then ends this process group."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(SECONDS_TO_END_WELL)
    os.killpg(0, signal.SIGKILL)


def as_if_encrypted(application: Any) -> Any:
    """The same application, told that each request came over TLS.

    Bucket policies, CDK's own among them, deny whatever did not, and on 127.0.0.1 nothing does.
    """

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = scope | {"headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await application(scope, receive, send)

    return serve


if __name__ == "__main__":
    if os.getpgid(0) != os.getpid():
        sys.exit("The emulator has to lead its own process group.")
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    emulator.app = as_if_encrypted(emulator.app)
    emulator.main()
