"""The AWS emulator's life: on 127.0.0.1 only, a fresh state each time, no process left behind."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from linkage_cli.errors import CommandError, EmulatorError, PortTakenError
from linkage_cli.local.local_aws import ACCOUNT, REGION, endpoint_of
from linkage_cli.local.logs import tail
from linkage_cli.local.places import EMULATOR_PYTHON
from linkage_cli.local.processes import has_ended, stop_group

PROCESS_SCRIPT = Path(__file__).with_name("emulator_process.py")
DEFAULT_PORT = "4566"
HIGHEST_PORT = 65535
SECONDS_TO_START = 60
SECONDS_TO_REMOVE = 5
POLL_SECONDS = 0.05


@contextmanager
def running_emulator(
    port: int, log: Path, *, enforce_roles: bool
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the emulator on `port` for as long as the block lasts, and writes what it says to `log`.

    All its files are in `emulator-state` beside the log, emptied first and removed afterwards
    (see `remove_for_a_while`).

    `enforce_roles` makes it check every call against the caller's IAM policies.
    Raises `PortTakenError` or `EmulatorError`.
    """
    refuse_taken_port(port)
    scratch = log.resolve().with_name("emulator-state")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [EMULATOR_PYTHON, PROCESS_SCRIPT],
                env=emulator_environment(port, scratch, enforce_roles=enforce_roles),
                cwd=scratch,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until_healthy(process, port, log)
            yield process
        finally:
            stop_group(process)
    finally:
        remove_for_a_while(scratch)


def remove_for_a_while(folder: Path) -> None:
    """Removes a folder for at most `SECONDS_TO_REMOVE`; the next start removes what is left.

    Each worker unpacked the layers for itself: after heavy use there are 100,000 files and more.
    """
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["rm", "-rf", folder],
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_TO_REMOVE,
            check=False,
        )


def port_from(environ: Mapping[str, str]) -> int:
    """The emulator's port, from `GATEWAY_PORT`. Raises `CommandError` when it is no port."""
    text = environ.get("GATEWAY_PORT") or DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise CommandError(
            f"GATEWAY_PORT is {text!r}, which is no port. Set it to a number from 1 to "
            f"{HIGHEST_PORT}: GATEWAY_PORT=4567 make dev"
        )
    return int(text)


def refuse_taken_port(port: int) -> None:
    """Raises `PortTakenError` when something listens on `port` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            other = port + 1 if port < HIGHEST_PORT else port - 1
            raise PortTakenError(
                f"Port {port} on 127.0.0.1 is not free ({error.strerror}): another program has it, "
                f"perhaps another `make dev`. Stop that one, or move this one: "
                f"GATEWAY_PORT={other} make dev"
            ) from error


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def emulator_environment(port: int, scratch: Path, *, enforce_roles: bool) -> dict[str, str]:
    """All that the emulator and its functions see: nothing of the user's, files in `scratch`."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": str(enforce_roles).lower(),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDA_EXECUTOR": "local",
        # No other listeners, no mail, no containers: it would remove those another emulator left.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "COGNITO_EMAIL_ENABLED": "false",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": f"{scratch}/state",
        "S3_DATA_DIR": f"{scratch}/s3",
    }


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Returns when the emulator answers; raises `EmulatorError` when it ended or never did."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if has_ended(process):
            raise EmulatorError(f"The emulator ended while starting. It said:\n{tail(log)}")
        if answers(port):
            return
        time.sleep(POLL_SECONDS)
    raise EmulatorError(
        f"The emulator gave no answer on port {port} within {SECONDS_TO_START} seconds. It said:\n"
        f"{tail(log)}"
    )


def answers(port: int) -> bool:
    """Whether the emulator's health page is served."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint_of(port)}/_ministack/health", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
