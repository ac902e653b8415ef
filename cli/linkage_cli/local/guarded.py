"""Runs a command, and ends all it started when whoever started this is gone, even by SIGKILL.

A script. Its standard input is a pipe that nobody writes to: it closes with its starter.
"""

import os
import signal
import subprocess
import sys
import threading


def end_with_the_starter() -> None:
    """Waits for the pipe to close, then ends this process group."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Runs the command of the arguments in this process group, and ends with its status."""
    if os.getpgid(0) != os.getpid():
        sys.exit("A guarded command has to lead its own process group.")
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, check=False).returncode)


if __name__ == "__main__":
    main()
