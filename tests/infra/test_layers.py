"""What `make layers` left under build/ is what Lambda needs, whatever machine built it."""

import ast
import importlib.util
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LAYERS = [
    f"layers/{target}/{layer}" for target in ("host", "aws") for layer in ("vendor", "core", "api")
]
FUNCTIONS = [f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/handler.py")]
CHECKED_BY_NOBODY = 0b01  # PEP 552: validated by hash, and the hash not looked at
ELF_AARCH64 = 183


@pytest.mark.parametrize("asset", LAYERS + FUNCTIONS)
def test_every_module_comes_compiled_for_a_zip(asset: str) -> None:
    modules = sorted((BUILD / asset).rglob("*.py"))
    assert modules
    for module in modules:
        compiled = Path(importlib.util.cache_from_source(str(module)))
        header = compiled.read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER, compiled
        assert struct.unpack("<I", header[4:]) == (CHECKED_BY_NOBODY,), compiled


@pytest.mark.parametrize("asset", LAYERS + FUNCTIONS)
def test_no_path_of_this_machine_is_compiled_in(asset: str) -> None:
    machine = str(ROOT).encode()
    compiled = list((BUILD / asset).rglob("*.pyc"))
    assert compiled
    assert not [path for path in compiled if machine in path.read_bytes()]


@pytest.mark.parametrize("layer", ["vendor", "core", "api"])
def test_layers_for_aws_hold_machine_code_for_arm64_only(layer: str) -> None:
    for library in (BUILD / "layers" / "aws" / layer).rglob("*.so*"):
        header = library.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", library
        assert struct.unpack_from("<H", header, 18) == (ELF_AARCH64,), library
        assert "aarch64" in library.name, library


def test_pydantic_brings_its_machine_code_to_aws() -> None:
    assert list((BUILD / "layers/aws/api").rglob("_pydantic_core*.so"))


@pytest.mark.parametrize("target", ["host", "aws"])
def test_what_the_runtime_has_is_not_shipped_again(target: str) -> None:
    shipped = {path.name for path in BUILD.glob(f"layers/{target}/*/python/*")}
    assert not shipped & {"boto3", "botocore", "s3transfer", "urllib3", "dateutil", "bin"}


@pytest.mark.parametrize("target", ["host", "aws"])
def test_no_two_layers_bring_the_same_package(target: str) -> None:
    names = [
        path.name
        for path in BUILD.glob(f"layers/{target}/*/python/*")
        if path.name not in {"__pycache__"}
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("target", ["host", "aws"])
def test_our_own_code_is_the_code_of_the_clone(target: str) -> None:
    source = ROOT / "layers/core/python"
    built = BUILD / "layers" / target / "core/python"
    assert contents(source) == contents(built)


def test_the_vendor_and_api_layers_load_together_without_a_site() -> None:
    """In the order Lambda has them, with boto3 (the runtime's) standing beside."""
    paths = [str(BUILD / "layers/host" / layer / "python") for layer in ("vendor", "core", "api")]
    program = (
        f"import sys; sys.path[:0] = {paths!r}\n"
        "import aws_lambda_powertools, pynamodb.models, pydantic, tzdata\n"
        "print([m.__file__ for m in (aws_lambda_powertools, pynamodb.models, pydantic, tzdata)])"
    )
    output = subprocess.run(
        [sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert all(path.startswith(str(BUILD)) for path in ast.literal_eval(output))


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder that are neither compiled ones nor hidden."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not is_hidden(path.relative_to(folder))
    }


def is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@pytest.mark.parametrize("asset", LAYERS + FUNCTIONS)
def test_nothing_hidden_is_shipped(asset: str) -> None:
    """A tool's cache in the clone would be megabytes, and tell of the machine."""
    assert not [path for path in (BUILD / asset).rglob("*") if is_hidden(path.relative_to(BUILD))]


@pytest.mark.parametrize("asset", LAYERS + FUNCTIONS)
def test_everything_can_be_read_on_lambda(asset: str) -> None:
    wrong = {
        str(path): oct(path.stat().st_mode)
        for path in (BUILD / asset, *(BUILD / asset).rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) != (0o755 if path.is_dir() else 0o644)
    }
    assert wrong == {}


def builder(build_dir: Path) -> ModuleType:
    """layers/build.py, which builds into another folder."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "layers" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.BUILD = build_dir
    return module


def entries(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What a zip of a folder has of each file: its mode and its bytes."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.stat().st_mode),
            b"" if path.is_dir() else path.read_bytes(),
        )
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002, 0])
def test_a_build_is_the_same_under_any_umask(tmp_path: Path, umask: int) -> None:
    module = builder(tmp_path)
    before = os.umask(umask)
    try:
        module.build_layer("host", "core")
        module.build_function("record_click")
    finally:
        os.umask(before)
    for asset in ("layers/host/core", "functions/record_click"):
        assert entries(tmp_path / asset) == entries(BUILD / asset)


def test_modes_that_were_changed_later_are_mended(tmp_path: Path) -> None:
    module = builder(tmp_path)
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "a" / "b.py").touch(mode=0o600)
    module.open_to_all(tmp_path)
    assert {mode for mode, _ in entries(tmp_path).values()} == {0o755, 0o644}
