"""Runs `linkage orders import` against the stand-in API, and reads what it showed."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from linkage_cli.orders.command import app
from tests.cli.standin_api import KEY, StandinApi


def imported(api: StandinApi, file: Path | str, *options: str, input: str | None = None) -> Result:
    """The import of a file, by a vendor's key."""
    access = ["--api-url", api.url, "--key", KEY, "--program", "prg_1"]
    return CliRunner().invoke(app, ["import", str(file), *access, *options], input=input)


def shown(api: StandinApi, file: Path | str, *options: str) -> tuple[dict[str, Any], Result]:
    """The preview of an import that reports, and what came of it."""
    result = imported(api, file, "--yes", "--json", *options)
    if not result.stdout.startswith("{"):
        return {}, result
    preview: dict[str, Any] = json.loads(result.stdout.splitlines()[0])["preview"]
    return preview, result


def write(path: Path, text: str) -> Path:
    """The file with that text."""
    path.write_text(text, encoding="utf-8", newline="")
    return path
