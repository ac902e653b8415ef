"""The emulator: where it listens, what it says when it cannot, and that it leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from linkage_cli.errors import EmulatorError, PortTakenError
from linkage_cli.local.emulator import (
    emulator_environment,
    free_port,
    remove_for_a_while,
    running_emulator,
)
from linkage_cli.local.local_aws import local_aws
from linkage_cli.local.processes import stop_group

SECONDS_TO_WAIT = 20


def test_it_serves_aws_and_ends_with_its_block(tmp_path: Path) -> None:
    port = free_port()
    with (
        local_aws(port),
        running_emulator(port, tmp_path / "log", enforce_roles=True) as emulator,
    ):
        identity = boto3.Session().client("sts").get_caller_identity()
        assert (tmp_path / "emulator-state").is_dir()
        assert identity["Account"] == "000000000000"
    assert group_is_empty(emulator.pid)
    assert not accepts_connections(port)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_each_run_starts_empty(tmp_path: Path) -> None:
    port = free_port()
    found = []
    for _ in range(2):
        with local_aws(port), running_emulator(port, tmp_path / "log", enforce_roles=True):
            s3 = boto3.Session().client("s3")
            found.append([bucket["Name"] for bucket in s3.list_buckets()["Buckets"]])
            s3.create_bucket(Bucket="left-behind")
    assert found == [[], []]


def test_only_this_machine_can_reach_it() -> None:
    environment = emulator_environment(4566, Path("/scratch"), enforce_roles=True)
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert environment["IOT_MTLS_ENABLED"] == "0"
    assert environment["SFTP_ENABLED"] == "0"


def test_nothing_of_the_user_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.com")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    environment = emulator_environment(4566, Path("/scratch"), enforce_roles=True)
    assert not {"AWS_ENDPOINT_URL", "PYTHONPATH", "AWS_PROFILE"} & environment.keys()
    assert environment["HOME"] == environment["TMPDIR"] == "/scratch"


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(PortTakenError, match=rf"Port {port} .* GATEWAY_PORT=\d+ make dev"),
            running_emulator(port, tmp_path / "log", enforce_roles=True),
        ):
            pass


def test_an_emulator_that_ends_while_starting_is_reported_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('out of luck')")
    monkeypatch.setattr("linkage_cli.local.emulator.PROCESS_SCRIPT", script)
    with (
        pytest.raises(EmulatorError, match="out of luck"),
        running_emulator(free_port(), tmp_path / "log", enforce_roles=True),
    ):
        pass


def test_it_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    port = free_port()
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\n"
            "from linkage_cli.local.emulator import running_emulator\n"
            "port, log = int(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
            "with running_emulator(port, log, enforce_roles=True):\n"
            "    time.sleep(600)\n",
            str(port),
            str(tmp_path / "log"),
        ]
    )
    try:
        wait_for(lambda: accepts_connections(port))
    finally:
        starter.kill()
        starter.wait()
    wait_for(lambda: not accepts_connections(port))


def test_files_that_are_not_removed_in_time_do_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "emulator-state"
    folder.mkdir()
    monkeypatch.setattr("linkage_cli.local.emulator.SECONDS_TO_REMOVE", 0)
    remove_for_a_while(folder)
    monkeypatch.undo()
    remove_for_a_while(folder)
    assert not folder.exists()


def test_a_group_that_ignores_the_wish_to_end_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("linkage_cli.local.processes.SECONDS_TO_STOP", 0.2)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys; {stubborn}"
            "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])",
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    stop_group(process)
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    assert group_is_empty(process.pid)


def group_is_empty(group: int) -> bool:
    """Whether no process of a group is left, allowing for the moment the kernel takes."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def accepts_connections(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
