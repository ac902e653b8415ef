"""A whole network on this machine while a block lasts, for `make dev` and the flow tests."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from linkage_cli.local.deployment import deploy
from linkage_cli.local.emulator import free_port, running_emulator
from linkage_cli.local.local_aws import local_aws
from linkage_cli.local.processes import has_ended
from linkage_cli.local.progress import Progress, Silent


@dataclass(frozen=True)
class LocalNetwork:
    """The app, deployed: its stack's outputs, and the emulator it lives in."""

    port: int
    outputs: dict[str, str]
    emulator: subprocess.Popen[bytes]

    @property
    def api_url(self) -> str:
        """Where the API is, without a slash at the end."""
        return self.outputs["ApiUrl"]

    @property
    def links_url(self) -> str:
        """Where the links are, without a slash at the end."""
        return self.outputs["LinksUrl"]

    def has_ended(self) -> bool:
        """Whether the emulator is gone, and the network with it."""
        return has_ended(self.emulator)


@contextmanager
def local_network(
    folder: Path,
    port: int | None = None,
    *,
    enforce_roles: bool = True,
    progress: Progress | None = None,
) -> Iterator[LocalNetwork]:
    """Starts the emulator on `port` (a free one when none is given) and deploys the app to it.

    Logs and CDK's files go to `folder`. While the block lasts, this process's AWS clients talk to
    the emulator. With `enforce_roles` a function can do only what its role in the template allows.
    Raises the errors of `linkage_cli.errors`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    progress = progress or Silent()
    log = folder / "emulator.log"
    with local_aws(port):
        progress.begin("Starting the emulator")
        with running_emulator(port, log, enforce_roles=enforce_roles) as emulator:
            yield LocalNetwork(port, deploy(port, folder, progress), emulator)
