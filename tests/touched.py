"""The tests of the rooms that a change touches, for `make quick`: prints what pytest is to run.

A change is what differs from `main`, committed or not. The domain's tests and those of the house
itself always run.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.infra.test_rooms import TABLES

ROOT = Path(__file__).resolve().parents[1]
ALWAYS = ("tests/domain", "tests/infra/test_rooms.py")
ROOMED = ("flow_units", "api")
BESIDE = {"explanations": "conversions"}
"""Rooms without tests of their own, by that where they are tested."""
OTHERS = {
    r"infra/": ("tests/infra",),
    r"functions/([a-z_]+)/": ("tests/infra/test_handlers.py", "tests/functions/test_{}.py"),
    r"layers/core/python/linkage/edge/": ("tests/edge",),
    r"layers/core/python/linkage/tables/dynamodb/": ("tests/tables/dynamodb",),
    r"layers/core/python/linkage/tables/": ("tests/tables",),
    r"layers/api/": ("tests/api/test_every_route.py", "tests/docs/test_api_document.py"),
    r"layers/[a-z_]+\.py": ("tests/infra/test_layers.py",),
    r"cli/linkage_cli/(local|orders|clicks|ledger)/": ("tests/cli/{}",),
    r"cli/linkage_cli/[a-z_]+\.py": (
        "tests/cli/test_command_line.py",
        "tests/cli/test_networks.py",
    ),
    r"cli/linkage_cli/cost/": ("tests/cli/test_cost.py",),
    r"bench/": ("tests/bench",),
    r"(?:docs/|[A-Z]+\.md)": ("tests/docs",),
}
ROOM = re.compile(
    r"layers/(?:core/python/linkage/(?:domain|flow)|api/python/linkage_api)/([a-z]+)/"
)
TABLE = re.compile(r"layers/core/python/linkage/tables/([a-z_]+)\.py")


def changed(*bases: str) -> list[str]:
    """The paths that differ from the first of these branches there is, else from the last commit.

    With those that git does not know yet.
    """
    found = (_git("merge-base", base, "HEAD") for base in bases)
    since = next(filter(None, found), ["HEAD"])
    return _git("diff", "--name-only", since[0]) + _git("ls-files", "-o", "--exclude-standard")


def _git(*words: str) -> list[str]:
    run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.stdout.splitlines()


def selected(paths: Iterable[str]) -> list[str]:
    """The folders and files of tests to run for changes of these paths; only those there are."""
    wanted = set(ALWAYS)
    for path in paths:
        wanted.update(_of(path))
    there = {each for each in wanted if (ROOT / each).exists()}
    return sorted(each for each in there if not {str(up) for up in Path(each).parents} & there)


def _of(path: str) -> Iterator[str]:
    if re.match(r"tests/(?!flow/)(?:\w+/)*test_\w+\.py", path):
        yield path
    for pattern, tests in OTHERS.items():
        if found := re.match(pattern, path):
            yield from (each.format(*found.groups()) for each in tests)
    room = ROOM.match(path)
    table = TABLE.match(path)
    if room or table:
        name = room[1] if room else TABLES[table[1]]  # type: ignore[index]
        yield from (f"tests/{folder}/{BESIDE.get(name, name)}" for folder in ROOMED)


if __name__ == "__main__":
    sys.stdout.write(" ".join(selected(changed("origin/main", "main"))))
