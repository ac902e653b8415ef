"""What would stop `make dev`, told before `make` installs anything for minutes.

Runs on the Python that is there, so it and what it imports use only the standard library of 3.11.
"""

import os
import sys

from linkage_cli.errors import CommandError
from linkage_cli.local.emulator import port_from, refuse_taken_port
from linkage_cli.local.local_aws import refuse_other_networks


def main() -> None:
    """Ends with a sentence when the environment does not allow a network here."""
    try:
        refuse_other_networks(os.environ)
        refuse_taken_port(port_from(os.environ))
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
