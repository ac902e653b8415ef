"""What is deployed: how large each asset is, and whether Python loads its byte code as it is.

A zip on Lambda has lost the times of its files, so a `.pyc` that is checked against its source's
time is compiled anew at each start. One whose header says "by hash, and do not check" is not.
"""

import importlib.util
import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.worker import BUILD

FLAGS = {0b00: "checked by time", 0b01: "unchecked hash", 0b11: "checked hash"}
WANTED = "unchecked hash"


def result() -> dict[str, Any]:
    """Each layer for AWS and each function: modules by the state of their byte code, and sizes."""
    folders = [*sorted(BUILD.glob("layers/aws/*")), *sorted(BUILD.glob("functions/*"))]
    assets = {str(each.relative_to(BUILD)): asset(each) for each in folders}
    states: Counter[str] = Counter()
    for each in assets.values():
        states.update(each["modules"])
    return {"assets": assets, "modules": dict(states)}


def asset(folder: Path) -> dict[str, Any]:
    """The modules of one folder by the state of their byte code, and its bytes as files and zip."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(str(path.relative_to(folder)), path.read_bytes())
    return {
        "modules": dict(Counter(state(path) for path in files if path.suffix == ".py")),
        "bytes": sum(path.stat().st_size for path in files),
        "zip_bytes": len(zipped.getvalue()),
    }


def state(module: Path) -> str:
    """How Python would treat the byte code beside a module."""
    compiled = Path(importlib.util.cache_from_source(str(module)))
    if not compiled.exists():
        return "not compiled"
    header = compiled.read_bytes()[:8]
    if header[:4] != importlib.util.MAGIC_NUMBER:
        return "of another Python"
    return FLAGS.get(int.from_bytes(header[4:], "little"), "of a strange kind")
