"""Each handler starts with what its Lambda gives it, and loads no more than its budget."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesis import EDGE_FUNCTIONS, FUNCTIONS, ROOT, Synthesised

FOLDERS = sorted(path.parent for path in (ROOT / "functions").glob("*/handler.py"))
NAMES = [folder.name for folder in FOLDERS]

LAYER_SOURCES = {
    "vendor": [],
    "core": [ROOT / "layers/core/python"],
    "api": [ROOT / "layers/api/python"],
    # Asked for at the first call to the edge's store, and built for AWS alone.
    "edge": [],
}

# Set by Lambda itself, whatever the template says.
LAMBDA_ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_SESSION_TOKEN": "example",
    "AWS_LAMBDA_FUNCTION_NAME": "example",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "LAMBDA_TASK_ROOT": "/var/task",
    "PATH": os.defpath,
}

HEAVY = {"pydantic", "aws_xray_sdk", "moto", "hypothesis"}
FORBIDDEN = {
    "record_click": HEAVY
    | {"boto3", "botocore", "pynamodb", "asyncio", "aws_lambda_powertools", "urllib3", "uuid"},
    # Only its requests are many enough in shape to be worth pydantic.
    "manage_network": HEAVY - {"pydantic"},
}

MODULES_MAX = {
    "batch_payouts": (493, 79),
    "check_links": (200, 8),
    "compute_commissions": (551, 69),
    "confirm_conversions": (491, 83),
    "count_clicks": (460, 21),
    "count_edge_clicks": (436, 30),
    "debit_payouts": (545, 64),
    "decide_proposals": (517, 109),
    "export_payouts": (558, 70),
    "fold_clicks": (501, 93),
    "hold_payouts": (488, 74),
    "manage_network": (720, 155),
    "publish_links": (452, 51),
    "record_click": (76, 18),
    "record_conversion": (510, 102),
    "record_customer": (461, 60),
    "settle_payouts": (490, 81),
    "sweep_conversions": (477, 69),
}
"""The modules a function loads in all, and those of Linkage itself: each costs a cold start.

Raise one knowingly.
"""
BUILT_OTHERWISE = 10
"""So many more of Python's own may be loaded, since Pythons differ in what is built in."""

MAX_HANDLER_LINES = 60


def _environment(synthesised: Synthesised, name: str) -> dict[str, str]:
    variables = synthesised.function(name)["Environment"]["Variables"]
    return {key: _filled_in(value, key) for key, value in variables.items()}


def _filled_in(value: str | dict[str, Any], key: str) -> str:
    """What CloudFormation fills in is not known here; that it is text is enough to start."""
    if isinstance(value, str):
        return value
    _, parts = value.get("Fn::Join", ("", [key]))
    return "".join(part if isinstance(part, str) else key for part in parts)


def _run_in_fresh_interpreter(synthesised: Synthesised, name: str) -> set[str]:
    layers = synthesised.layers_of(name)
    path = [ROOT / "functions" / name, *(s for layer in layers for s in LAYER_SOURCES[layer])]
    # Without the vendor layer there is no third-party code at all.
    isolation = [] if "vendor" in layers else ["-S"]
    program = (
        "import sys, json; before = set(sys.modules); import handler;"
        "assert callable(handler.handler);"
        "json.dump(sorted(set(sys.modules) - before), sys.stdout)"
    )
    finished = subprocess.run(
        [sys.executable, *isolation, "-B", "-c", program],
        env={
            **LAMBDA_ENVIRONMENT,
            **_environment(synthesised, name),
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return set(json.loads(finished.stdout))


@pytest.fixture(scope="session")
def loaded_modules(prod: Synthesised, edge: Synthesised):
    return cache(
        lambda name: _run_in_fresh_interpreter(edge if name in EDGE_FUNCTIONS else prod, name)
    )


def test_each_folder_is_a_function_and_each_function_has_its_folder() -> None:
    assert set(NAMES) == {*FUNCTIONS, *EDGE_FUNCTIONS}


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_starts_with_exactly_the_environment_its_lambda_gets(
    loaded_modules, name: str
) -> None:
    assert "handler" in loaded_modules(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_loads_nothing_its_budget_forbids(loaded_modules, name: str) -> None:
    forbidden = FORBIDDEN.get(name, HEAVY)
    tops = {module.partition(".")[0] for module in loaded_modules(name)}
    assert tops & forbidden == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_loads_no_more_modules_than_it_is_known_to(loaded_modules, name: str) -> None:
    loaded = loaded_modules(name)
    own = [each for each in loaded if each.partition(".")[0] in {"linkage", "linkage_api"}]
    most, most_own = MODULES_MAX[name]
    assert len(loaded) <= most + BUILT_OTHERWISE, (
        "take an import out, or raise its line in MODULES_MAX"
    )
    assert len(own) <= most_own, "take an import out, or raise its line in MODULES_MAX"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_function_is_one_short_file(folder: Path) -> None:
    files = [path.name for path in folder.iterdir() if path.name != "__pycache__"]
    assert files == ["handler.py"]
    assert len((folder / "handler.py").read_text().splitlines()) <= MAX_HANDLER_LINES
