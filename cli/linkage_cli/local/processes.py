"""Child processes that lead their own group: ending one ends all it started and nothing else."""

import os
import signal
import subprocess
import time
from contextlib import suppress

SECONDS_TO_STOP = 5
POLL_SECONDS = 0.05


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process started with `start_new_session` and everything it started, waiting for it.

    The leader is left unreaped until the group is killed, so its id cannot pass to anyone else.
    """
    if process.returncode is not None:
        return
    signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS_TO_STOP
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    signal_group(process, signal.SIGKILL)
    process.wait()


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signals a group; one that has only its ended leader left is no error."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended, without reaping it."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
