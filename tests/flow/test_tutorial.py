"""The walk `make dev` prints and the README shows, pasted into bash, gives what it promises."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from linkage_cli.local import seed
from linkage_cli.local.dev import describe
from linkage_cli.local.local_network import LocalNetwork
from linkage_cli.local.places import ROOT
from linkage_cli.local.tutorial import tutorial_steps
from tests.docs.markdown import blocks, commands, section

NEXT_STEP = "\x1e"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the clone the tutorial is pasted in, with the clone's own commands."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".linkage").mkdir()
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture(scope="module")
def local(network: LocalNetwork) -> dict[str, Any]:
    """What `.linkage/local.json` would have, once the demo network is seeded."""
    return describe(network, seed.seed(network.outputs))


@pytest.fixture(scope="module")
def walk(local: dict[str, Any]) -> list[str]:
    """The commands in their order: the tutorial, the README's doors, the first key."""
    doors = section((ROOT / "README.md").read_text(), "## Three doors")
    return [
        *(step.command for step in tutorial_steps(local)),
        *(command for block in blocks(doors, "bash") for command in commands(block)),
        ".venv/bin/linkage keys create operator --stage prod --person Rudo",
    ]


@pytest.fixture(scope="module")
def said(walk: list[str], clone: Path) -> list[tuple[int, str]]:
    """The exit status and the output of each command, all run in one bash."""
    script = clone / "walk.sh"
    script.write_text(
        "".join(f"{here(step, clone)}\nprintf '\\n%s{NEXT_STEP}' $?\n" for step in walk)
    )
    run = subprocess.run(
        ["bash", script], cwd=clone, capture_output=True, text=True, check=False, timeout=300
    )
    parts = [part.rpartition("\n") for part in run.stdout.split(NEXT_STEP)[:-1]]
    assert len(parts) == len(walk), run.stderr
    return [(int(status), output) for output, _, status in parts]


def here(command: str, clone: Path) -> str:
    """The command for this network, which is no `make dev` of the clone and no stage on AWS."""
    moved = command.replace(f"cd {ROOT}", f"cd {clone}")
    return moved.replace("--local", "--stage local").replace("--stage prod", "--stage local")


def test_each_step_of_the_tutorial_gives_what_it_promises(
    local: dict[str, Any], said: list[tuple[int, str]]
) -> None:
    for step, (_, output) in zip(tutorial_steps(local), said, strict=False):
        assert step.missing_in(output) == [], (step.title, output)


def test_every_command_of_the_tutorial_and_of_the_doors_succeeds(
    walk: list[str], said: list[tuple[int, str]]
) -> None:
    assert [(command, *told) for command, told in zip(walk, said, strict=True) if told[0]] == []


def test_the_first_key_is_shown(said: list[tuple[int, str]]) -> None:
    assert "lk_test_" in said[-1][1]
