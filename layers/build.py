"""Builds what is deployed, without Docker: each function, and the layers for here and for AWS.

    build/layers/<host|aws>/<vendor|core|api>/python/…
    build/layers/aws/edge/python/…              with --edge, and again once it is there
    build/functions/<name>/handler.py

Whatever is already up to date is left alone. Every module ships with a `.pyc` that Python loads
without looking at the source's time, because a zip on Lambda has lost it.
"""

import fcntl
import hashlib
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
UV = ROOT / ".linkage" / "tools" / "bin" / "uv"
TARGETS: dict[str, list[str]] = {
    "host": [],
    "aws": ["--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13"],
}
# Tools leave caches in hidden folders, megabytes of them.
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "requirements.*", ".*")
FOLDER_MODE, FILE_MODE = 0o755, 0o644
INSTALLER_NOTES = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")


def main() -> None:
    """Builds all that is out of date; says so and exits when this is not the functions' Python."""
    wanted = (ROOT / ".python-version").read_text().strip()
    if f"{sys.version_info.major}.{sys.version_info.minor}" != wanted:
        sys.exit(f"The layers are compiled by Python {wanted}; run `make layers`.")
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build(edge="--edge" in sys.argv[1:])


def build(*, edge: bool) -> None:
    """Builds what is out of date and removes what has no source any more.

    The layer of the optional edge is only built when it is asked for, or was before.
    """
    for unfinished in BUILD.glob("unfinished-*"):
        shutil.rmtree(unfinished)
    for target in TARGETS:
        for layer in ("vendor", "core", "api"):
            build_layer(target, layer)
    if edge or (BUILD / "layers" / "aws" / "edge").exists():
        build_layer("aws", "edge")
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))
    for name in names:
        build_function(name)
    drop_all_but(names)


def build_layer(target: str, layer: str) -> None:
    """Builds one layer: its locked packages, then our own code."""
    folder = ROOT / "layers" / layer

    def fill(output: Path) -> None:
        python = output / "python"
        python.mkdir()
        lock = folder / "requirements.txt"
        if lock.exists():
            install(lock, python, TARGETS[target])
        if (folder / "python").exists():
            shutil.copytree(folder / "python", python, ignore=LEFT_OUT, dirs_exist_ok=True)
        compile_all(python, "/opt/python")

    refresh(BUILD / "layers" / target / layer, sources_of(folder), fill)


def build_function(name: str) -> None:
    """Builds one function's folder."""
    folder = ROOT / "functions" / name

    def fill(output: Path) -> None:
        shutil.copytree(folder, output, ignore=LEFT_OUT, dirs_exist_ok=True)
        compile_all(output, "/var/task")

    refresh(BUILD / "functions" / name, sources_of(folder), fill)


def install(lock: Path, into: Path, platform: list[str]) -> None:
    """Installs exactly what the lock names, from wheels, and removes the installer's own notes."""
    command = [str(UV), "pip", "install", "--quiet", "--python", sys.executable, "--target", into]
    rules = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
    subprocess.run([*command, *rules, *platform, "-r", lock], check=True)
    shutil.rmtree(into / "bin", ignore_errors=True)
    (into / ".lock").unlink(missing_ok=True)
    for note in INSTALLER_NOTES:
        for path in into.glob(f"*.dist-info/{note}"):
            path.unlink()


def compile_all(folder: Path, runs_at: str) -> None:
    """Compiles every module, with the path it has on Lambda in its tracebacks."""
    arguments = ["--invalidation-mode", "unchecked-hash", "-q", "-s", str(folder), "-p", runs_at]
    subprocess.run(
        [sys.executable, "-m", "compileall", *arguments, str(folder)],
        check=True,
        env={"PYTHONHASHSEED": "0"},
    )


def refresh(output: Path, sources: Iterable[Path], fill: Callable[[Path], None]) -> None:
    """Rebuilds `output` unless it was made from the same sources; a stopped one changes nothing."""
    stamp = BUILD / "stamps" / output.relative_to(BUILD)
    digest = digest_of(sources)
    if output.exists() and stamp.exists() and stamp.read_text() == digest:
        open_to_all(output)
        return
    print(f"Building build/{output.relative_to(BUILD)}", flush=True)
    stamp.unlink(missing_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="unfinished-") as scratch:
        fresh = Path(scratch) / output.name
        fresh.mkdir()
        fill(fresh)
        open_to_all(fresh)
        shutil.rmtree(output, ignore_errors=True)
        fresh.rename(output)
    stamp.write_text(digest)


def open_to_all(folder: Path) -> None:
    """Makes everything readable by whoever runs it on Lambda, whatever this machine's umask is.

    CDK zips the modes and does not hash them, so a good build would not replace a bad one.
    """
    for path in (folder, *folder.rglob("*")):
        mode = FOLDER_MODE if path.is_dir() else FILE_MODE
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)


def sources_of(folder: Path) -> Iterator[Path]:
    """What decides an output: its folder's files and this script."""
    yield Path(__file__)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "requirements.in" and not _is_cache(folder, path):
            yield path


def _is_cache(folder: Path, path: Path) -> bool:
    parts = path.relative_to(folder).parts
    return "__pycache__" in parts or any(part.startswith(".") for part in parts)


def digest_of(paths: Iterable[Path]) -> str:
    """SHA-256 over the interpreter's version and each file's path and content."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(ROOT)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def drop_all_but(names: list[str]) -> None:
    """Removes the output of functions that are no more."""
    for path in (BUILD / "functions").glob("*"):
        if path.name not in names:
            shutil.rmtree(path)


if __name__ == "__main__":
    main()
