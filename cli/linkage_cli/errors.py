"""What the command line refuses to do, each with a sentence that says what to change.

Read by `preflight`, so only the standard library is used here.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code tells a program; docs/operating.md lists them."""

    done = 0
    findings = 1
    usage = 2
    refused = 3
    unreachable = 4
    file = 5
    bug = 70
    interrupted = 130
    pipe_closed = 141


class CommandError(Exception):
    """The command cannot go on; its text is shown to the user as it is."""

    exit_code = ExitCode.refused


class PortTakenError(CommandError):
    """Another program listens where the emulator should."""


class NotLocalError(CommandError):
    """The environment points at something that is not this machine."""


class EmulatorError(CommandError):
    """The emulator did not start or ended by itself."""


class DeployError(CommandError):
    """CDK could not deploy the app."""
