"""What `make` says on a machine that lacks something, before it does anything else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FIND_PYTHON = ROOT / "requirements" / "find-python"
CHECK_NODE = ROOT / "requirements" / "check-node"
INSTALL_NODE_MODULES = ROOT / "requirements" / "install-node-modules"
MAKE_ENVIRONMENT = ROOT / "requirements" / "make-environment"
SCRIPTS = sorted((ROOT / "requirements").iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The only folder on the PATH of a machine that has nothing but a shell's own tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sed", "cat", "mkdir", "grep", "tail", "basename"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    return folder


def add(machine: Path, name: str, says: str, status: int = 0) -> None:
    """Puts a program on the machine that says something and ends with a status."""
    program = machine / name
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    program.chmod(0o755)


def run(script: Path, machine: Path, *arguments: str, cwd: Path) -> tuple[int, str]:
    """A script's exit status and all it says, on the machine."""
    result = subprocess.run(
        ["/bin/sh", script, *arguments],
        env={"PATH": str(machine)},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout


def test_without_node_it_says_what_to_install(machine: Path, tmp_path: Path) -> None:
    status, said = run(CHECK_NODE, machine, cwd=tmp_path)
    assert status == 1
    assert "needs Node 22 or newer with npm on the PATH, and found no node." in said
    assert "package manager" in said


def test_an_old_node_is_named_with_its_version(machine: Path, tmp_path: Path) -> None:
    add(machine, "node", "v18.19.1")
    add(machine, "npm", "9.2.0")
    status, said = run(CHECK_NODE, machine, cwd=tmp_path)
    assert status == 1
    assert "needs Node 22 or newer, and found v18.19.1." in said


def test_node_without_npm_is_not_enough(machine: Path, tmp_path: Path) -> None:
    add(machine, "node", "v22.1.0")
    status, said = run(CHECK_NODE, machine, cwd=tmp_path)
    assert status == 1
    assert "needs npm on the PATH" in said


@pytest.mark.parametrize("version", ["v20.0.0", "v22.11.0", "v24.0.0", "v104.0.0"])
def test_a_node_that_works_is_taken(machine: Path, tmp_path: Path, version: str) -> None:
    add(machine, "node", version)
    add(machine, "npm", "10.0.0")
    assert run(CHECK_NODE, machine, cwd=tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("version", "warned"),
    [("v20.20.2", True), ("v21.0.0", True), ("v22.0.0", False), ("v24.9.0", False)],
)
def test_a_node_without_support_is_warned_of_once_when_it_is_installed_for(
    machine: Path, tmp_path: Path, version: str, warned: bool
) -> None:
    """Not when it is looked for, which `make dev` does twice."""
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    add(machine, "node", version)
    add(machine, "npm", "10.0.0")
    status, said = run(INSTALL_NODE_MODULES, machine, cwd=tmp_path)
    assert status == 0
    warning = f"Node {version} gets no security fixes any more"
    assert said.count(warning) == warned
    assert said.count("\n") == 1 + warned


def test_without_python_it_says_what_to_install(machine: Path, tmp_path: Path) -> None:
    add(machine, "python3", "")  # an older one prints nothing
    status, said = run(FIND_PYTHON, machine, cwd=tmp_path)
    assert status == 1
    assert "needs Python 3.11 or newer" in said
    assert "apt install python3" in said


def test_a_python_that_cannot_start_is_passed_over(machine: Path, tmp_path: Path) -> None:
    add(machine, "python3.13", "not installed", status=127)
    add(machine, "python3.12", "/opt/python3.12")
    assert run(FIND_PYTHON, machine, cwd=tmp_path)[1].splitlines()[-1] == "/opt/python3.12"


def test_without_the_functions_python_it_says_what_to_install(
    machine: Path, tmp_path: Path
) -> None:
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    (tmp_path / ".python-version").write_text("3.13\n")
    tools = tmp_path / ".linkage" / "tools" / "bin"
    tools.mkdir(parents=True)
    add(tools, "uv", "no network", status=2)
    status, said = run(MAKE_ENVIRONMENT, machine, ".venv", "requirements/dev.txt", cwd=tmp_path)
    assert status == 1
    assert "run on Python 3.13. This machine has none, and none could be downloaded." in said
    assert "pyenv install 3.13" in said


def test_a_python_chosen_with_pyenv_is_not_forced_on_make(tmp_path: Path) -> None:
    """`PYENV_VERSION=3.12 make dev` would find no 3.13, though pyenv has it."""
    show = tmp_path / "show.mk"
    show.write_text('show:\n\t@echo "[$$PYENV_VERSION]"\n')
    said = subprocess.run(
        ["make", "-f", "Makefile", "-f", show, "show"],
        cwd=ROOT,
        env=os.environ | {"PYENV_VERSION": "3.12"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_ENDPOINT_URL", "https://sts.example.com", "unset AWS_ENDPOINT_URL"),
        ("GATEWAY_PORT", "abc", "GATEWAY_PORT is 'abc', which is no port."),
    ],
)
def test_what_would_stop_the_network_is_told_before_anything_is_installed(
    name: str, value: str, said: str
) -> None:
    """With no package but the standard library, as before the first installation."""
    result = subprocess.run(
        [sys.executable, "-S", "-E", "-B", "-m", "linkage_cli.local.preflight"],
        cwd=ROOT / "cli",
        env={name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("script", [each for each in SCRIPTS if not each.suffix])
def test_the_scripts_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)


def test_lock_files_have_hashes_and_name_no_registry() -> None:
    locks = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("layers/*/requirements.txt")]
    assert len(locks) == 6
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index" not in text
    node_lock = (ROOT / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in node_lock
    assert '"resolved"' not in node_lock
