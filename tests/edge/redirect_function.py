"""The redirect of the edge, run by Node."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "infra" / "edge" / "redirect.js"
NODE = shutil.which("node") or "node"


@dataclass(frozen=True)
class Visit:
    """A request as CloudFront hands it to the function, and the store it finds."""

    path: str
    store: dict[str, str]
    query: str | None = ""
    method: str = "GET"
    headers: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    now: str = "2026-11-22T05:30:00.000Z"
    request_id: str = "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE=="


@dataclass(frozen=True)
class Answer:
    """What the function gave: `passed` is the request itself, unchanged."""

    passed: bool
    reads: int
    status: int | None
    headers: dict[str, str]

    @property
    def location(self) -> str | None:
        return self.headers.get("location")


def run(visits: Sequence[Visit], source: Path = SOURCE) -> list[Answer]:
    """The function's answers to the visits, each in the order given."""
    sent = [vars(visit) for visit in visits]
    finished = subprocess.run(
        [NODE, "--experimental-vm-modules", "--no-warnings", _RUNNER, source],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return [_answer(each) for each in json.loads(finished.stdout)]


_RUNNER = Path(__file__).with_name("run_redirect.mjs")


def _answer(raw: dict[str, Any]) -> Answer:
    headers = {name: each["value"] for name, each in raw.get("headers", {}).items()}
    return Answer(raw["passed"], raw["reads"], raw.get("statusCode"), headers)
