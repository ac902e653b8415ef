"""Imports go down, floor by floor and room by room, as the tables of docs/architecture.md say."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

ROOTS = {
    "linkage": ROOT / "layers/core/python",
    "linkage_api": ROOT / "layers/api/python",
    "linkage_cli": ROOT / "cli",
    "functions": ROOT,
}
LINES_MAX = 400
AWS = {"boto3", "botocore", "pynamodb"}
PURE_LIBRARIES: set[str] = set()
"""What the domain may import beside the standard library: no network, no files, no clock."""


def _tables_of(document: str) -> dict[str, list[list[str]]]:
    """The rows of each table of a Markdown text, by the table's first heading."""
    tables: dict[str, list[list[str]]] = {}
    rows: list[list[str]] | None = None
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            rows = None
        elif rows is None:
            rows = tables.setdefault(cells[0], [])
        elif not set(line) <= set("|-"):
            rows.append(cells)
    return tables


def _named(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


HOUSE = _tables_of((ROOT / "docs/architecture.md").read_text())
FLOORS = {floor.strip("`"): _named(below) for floor, below in HOUSE["floor"]}
ROOMS = {room.strip("`"): tuple(map(_named, cells)) for room, *cells in HOUSE["room"]}
DOMAIN, FLOW, FLOW_BELOW, API = (
    {room: cells[column] for room, cells in ROOMS.items()} for column in range(4)
)
TABLES = {
    module: room.strip("`")
    for room, modules in HOUSE["room of a table"]
    for module in _named(modules)
}
EXCEPTIONS = {
    (who, what) for whos, whats, _ in HOUSE["who"] for who in _named(whos) for what in _named(whats)
}


@cache
def _sources() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    found = {}
    for top, root in ROOTS.items():
        for path in sorted((root / top).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def _imported(module: str) -> frozenset[str]:
    """What a module imports, at its top or later: our own modules, others by their first name."""
    found = set()
    for node in ast.walk(ast.parse(_sources()[module].read_text())):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute, so that they can be found"
            names = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        for name in names:
            own = name if name in _sources() else name.rpartition(".")[0]
            found.add(own if own in _sources() else name.partition(".")[0])
    return frozenset(found)


def _place(module: str) -> tuple[str, str]:
    """The floor and the room of a module of ours; no room where it is of all rooms."""
    top, *rest = module.split(".")
    if top == "functions":
        return "functions", rest[0] if rest else ""
    if top in {"linkage_api", "linkage_cli"}:
        in_a_room = len(rest) > 1 or _sources()[module].name == "__init__.py"
        return top, rest[0] if rest and in_a_room else ""
    floor, *inner = rest or [""]
    if floor == "tables":
        return floor, TABLES.get(inner[0], "") if inner else ""
    return floor, inner[0] if len(inner) > 1 or (inner and inner[0] in ROOMS) else ""


def _below(room: str) -> set[str]:
    """The rooms whose lower floors a room of flow may use: all that its own arrows lead to."""
    rooms, new = set[str](), {room, *FLOW_BELOW.get(room, ())}
    while new:
        rooms |= new
        new = {far for near in new for far in DOMAIN.get(near, set()) | FLOW.get(near, set())}
        new -= rooms
    return rooms


def _may_import(module: str, other: str) -> bool:
    (floor, room), (its_floor, its_room) = _place(module), _place(other)
    if floor != its_floor:
        its_name = f"{its_floor}/{other.rpartition('.')[2]}"
        if not {its_floor, its_name} & FLOORS[floor]:
            return False
        if floor == "flow":
            return its_room in {"", *_below(room)}
        return floor != "tables" or its_room in {"", room, *DOMAIN.get(room, ())}
    if room == its_room or not its_room:
        return True
    return its_room in {"domain": DOMAIN, "flow": FLOW, "linkage_api": API}.get(floor, {}).get(
        room, set()
    )


def _names_of(module: str) -> set[str]:
    """A module as an exception may name it: `tables/ledger`, or its floor with all above it."""
    path = module.removeprefix("linkage.").replace(".", "/").removesuffix("/handler")
    parts = path.split("/")
    return {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}


def _wrong() -> Iterator[tuple[str, str]]:
    for module in _sources():
        for other in sorted(_imported(module) & _sources().keys()):
            if not _may_import(module, other):
                yield module, other


WRONG = list(_wrong())


def test_the_tables_name_every_room_and_every_table() -> None:
    rooms = {_place(module) for module in _sources()}
    assert {room for floor, room in rooms if floor in {"domain", "flow", "linkage_api"}} - {
        ""
    } == set(ROOMS)
    tables = {path.stem for path in (ROOTS["linkage"] / "linkage/tables").glob("*.py")} - {
        "__init__"
    }
    assert tables == set(TABLES)


def test_imports_go_down_by_floor_and_by_room() -> None:
    excepted = [
        (module, other)
        for module, other in WRONG
        if not {(who, what) for who in _names_of(module) for what in _names_of(other)} & EXCEPTIONS
    ]
    assert excepted == [], "docs/architecture.md has the tables, and what to do"


def test_every_exception_is_still_one() -> None:
    used = {
        (who, what)
        for module, other in WRONG
        for who in _names_of(module)
        for what in _names_of(other)
    }
    assert EXCEPTIONS - used == set()


def test_what_a_module_keeps_to_itself_no_other_imports() -> None:
    private = [
        (module, name.name)
        for module, path in _sources().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name.startswith("_")
    ]
    assert private == []


def test_there_is_no_circle() -> None:
    open_, done = list[str](), set[str]()

    def visit(module: str) -> None:
        assert module not in open_, [*open_[open_.index(module) :], module]
        if module not in done:
            open_.append(module)
            for other in sorted(_imported(module) & _sources().keys()):
                visit(other)
            done.add(open_.pop())

    for module in _sources():
        visit(module)


@pytest.mark.parametrize("module", [each for each in _sources() if _place(each)[0] == "domain"])
def test_the_domain_imports_the_standard_library_only(module: str) -> None:
    others = _imported(module) - _sources().keys()
    assert others - sys.stdlib_module_names - PURE_LIBRARIES == set()


def test_doors_have_no_client_of_aws() -> None:
    doors = [each for each in _sources() if _place(each)[0] in {"functions", "linkage_api"}]
    assert [door for door in doors if _imported(door) & AWS] == []


def test_no_module_is_longer_than_a_reader_reads_at_once() -> None:
    folders = ("functions", "layers", "infra", "cli", "bench")
    files = [
        path
        for folder in folders
        for kind in ("py", "js")
        for path in (ROOT / folder).rglob(f"*.{kind}")
    ]
    long = [
        str(path.relative_to(ROOT))
        for path in files
        if len(path.read_text().splitlines()) > LINES_MAX
    ]
    assert long == []


@pytest.mark.parametrize("top", ["linkage", "linkage_api"])
def test_packages_are_empty(top: str) -> None:
    packages = (ROOTS[top] / top).rglob("__init__.py")
    assert [str(path) for path in packages if path.read_text()] == []
