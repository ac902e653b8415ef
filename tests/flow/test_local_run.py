"""`linkage dev`, the whole of it: it comes up, says where it is, and leaves nothing behind."""

import json
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from linkage_cli.local.emulator import free_port

SECONDS_TO_COME_UP = 120
SECONDS_TO_STOP = 20
# The same command, with a folder of its own, so that it may run beside the clone's own `make dev`.
PROGRAM = """
import sys, pathlib
from linkage_cli.local import dev
dev.HOUSE = pathlib.Path(sys.argv[1])
dev.LOCAL_FILE = dev.HOUSE / "local.json"
dev.LOCK_FILE = dev.HOUSE / "dev.lock"
dev.dev()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_comes_up_and_a_stop_signal_leaves_nothing(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("GATEWAY_PORT", str(port))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    local_file = tmp_path / "local.json"
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: local_file.exists() or process.poll() is not None, SECONDS_TO_COME_UP)
        assert process.poll() is None, said.read_text()
        local = json.loads(local_file.read_text())
        assert local.keys() == {"api_url", "links_url", "keys", "demo"}
        assert stat.S_IMODE(local_file.stat().st_mode) == 0o600
        base = f"http://127.0.0.1:{port}/_aws/execute-api/"
        assert local["api_url"].startswith(base)
        assert local["links_url"].startswith(base)
        assert status_of(local["api_url"] + "/v1/members") == 401
        process.send_signal(number)
        assert process.wait(SECONDS_TO_STOP) == 0
    finally:
        process.kill()
        process.wait()
    assert said.read_text().endswith("Stopped.\n")
    assert not local_file.exists()
    wait_for(lambda: not processes_on(port), SECONDS_TO_STOP)


def status_of(url: str) -> int:
    """The status a GET without a key answers."""
    try:
        with urllib.request.urlopen(url) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def processes_on(port: int) -> list[str]:
    """The processes that have this emulator's port in their environment, where the system tells."""
    marker = f"GATEWAY_PORT={port}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != "self" and marker in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Returns as soon as the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
