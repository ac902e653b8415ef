"""The `linkage` program: sees to it that it runs with its own libraries, then runs the command."""

import os
import sys


def main() -> None:
    """Runs the command line; what PYTHONPATH names is looked into last, for it and its children."""
    foreign = os.environ.pop("PYTHONPATH", "")
    if foreign:
        paths = {os.path.abspath(path) for path in foreign.split(os.pathsep)}
        sys.path.sort(key=lambda path: os.path.abspath(path) in paths)
    from linkage_cli.main import app

    app()


if __name__ == "__main__":
    main()
