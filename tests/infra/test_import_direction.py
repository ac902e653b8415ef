"""Imports point one way, so that money's rules stay free of AWS and can be read alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.synthesis import ROOT

CORE = ROOT / "layers/core/python/linkage"

FOLDERS = {
    "functions": ROOT / "functions",
    "api": ROOT / "layers/api/python/linkage_api",
    "flow": CORE / "flow",
    "tables": CORE / "tables",
    "edge": CORE / "edge",
}

# area: what it may import beside itself and the standard library; None is third-party code
ALLOWED: dict[str, set[str | None]] = {
    "functions": {"api", "flow", "edge", "tables", "domain", None},
    "api": {"flow", "edge", "tables", "domain", None},
    "flow": {"tables", "domain", None},
    "tables": {"domain", None},
    "edge": {"errors", None},
    "domain": set(),
}


def _sources() -> Iterator[tuple[str, Path]]:
    for area, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            yield area, path
    for path in sorted(CORE.glob("*.py")):
        yield "domain", path


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute, so that they can be found"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _area(module: str, importer: str) -> str | None:
    top, _, rest = module.partition(".")
    below = rest.partition(".")[0]
    if top == "linkage_api":
        return "api"
    if top != "linkage":
        return None
    if below in {"flow", "tables", "edge"}:
        return below
    # The edge knows of the domain only how it says no.
    return "errors" if importer == "edge" and below == "errors" else "domain"


@pytest.mark.parametrize(
    ("area", "path"), [pytest.param(a, p, id=str(p.relative_to(ROOT))) for a, p in _sources()]
)
def test_imports_point_one_way(area: str, path: Path) -> None:
    wrong = [
        module
        for module in _imported(path)
        if module.partition(".")[0] not in sys.stdlib_module_names
        and _area(module, area) not in ALLOWED[area] | {area}
    ]
    assert wrong == [], f"{area} may import {sorted(map(str, ALLOWED[area])) or 'nothing'}"
