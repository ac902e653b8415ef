"""`linkage dev`: the network on this machine, in the foreground until it is told to stop."""

import fcntl
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from linkage_cli.errors import CommandError, EmulatorError
from linkage_cli.local import seed
from linkage_cli.local.emulator import port_from
from linkage_cli.local.local_network import LocalNetwork, local_network
from linkage_cli.local.places import HOUSE, LOCAL_FILE, LOCK_FILE
from linkage_cli.local.progress import shown

STDOUT = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(BaseException):
    """Ctrl-C, or a signal that means the same."""


def dev() -> None:
    """Run the network on this machine: the emulator, the real CDK app, a demo. Ctrl-C stops it."""
    console = Console(highlight=False)
    try:
        with stop_signals_raise(), the_only_run():
            run(console)
    except StopRequestedError:
        console.print("Stopped before the network was up.")
        sys.exit(128 + signal.SIGINT)
    except CommandError as error:
        sys.exit(f"\n{error}")
    console.print("Stopped.")


@contextmanager
def the_only_run() -> Iterator[None]:
    """Holds this clone's lock, and leaves no local file. Raises `CommandError` when it is held."""
    HOUSE.mkdir(exist_ok=True)
    with LOCK_FILE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                "Another `make dev` runs in this clone already. Stop that one first; "
                "a second network needs a clone of its own."
            ) from error
        LOCAL_FILE.unlink(missing_ok=True)
        try:
            yield
        finally:
            LOCAL_FILE.unlink(missing_ok=True)


def run(console: Console) -> None:
    """Brings the network up, tells how to use it, and keeps it until a stop signal."""
    port = port_from(os.environ)
    with shown(console) as progress, local_network(HOUSE, port, progress=progress) as network:
        progress.begin("Seeding the demo network")
        local = describe(network, seed.seed(network.outputs))
        progress.end()
        write_atomically(LOCAL_FILE, json.dumps(local, indent=2) + "\n")
        print(seed.tutorial(local), flush=True)
        with suppress(StopRequestedError):
            stay_while_up(network)


def describe(network: LocalNetwork, seeded: Mapping[str, Any]) -> dict[str, Any]:
    """What `.linkage/local.json` tells other programs about the running network."""
    return {
        "api_url": network.api_url,
        "links_url": network.links_url,
        "keys": seeded["keys"],
        "demo": seeded["demo"],
    }


def write_atomically(path: Path, text: str) -> None:
    """Writes a whole file, or leaves none; only its owner can read it."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def stay_while_up(network: LocalNetwork) -> None:
    """Never returns; raises `EmulatorError` when the emulator ends by itself."""
    while not network.has_ended():
        time.sleep(0.5)
    raise EmulatorError(f"The emulator ended by itself. Its log is {HOUSE / 'emulator.log'}.")


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """While it lasts, the first stop signal raises `StopRequestedError` and later ones are ignored.

    So a second Ctrl-C cannot interrupt the cleaning up that the first began. The first says at
    once that it was heard: ending the emulator and removing its files takes seconds.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        # Not `print`, which may be what was interrupted; nor an error when the terminal is gone.
        with suppress(OSError):
            os.write(STDOUT, "\nStopping …\n".encode())
        raise StopRequestedError

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
