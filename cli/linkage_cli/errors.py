"""What the command line refuses to do, each with a sentence that says what to change."""


class CommandError(Exception):
    """The command cannot go on; its text is shown to the user as it is."""


class PortTakenError(CommandError):
    """Another program listens where the emulator should."""


class NotLocalError(CommandError):
    """The environment points at something that is not this machine."""


class EmulatorError(CommandError):
    """The emulator did not start or ended by itself."""


class DeployError(CommandError):
    """CDK could not deploy the app."""
