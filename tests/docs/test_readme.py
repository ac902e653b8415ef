"""Every command of the README is proven: run by a test, or named here with what proves it."""

import re

import pytest

from tests.docs.markdown import ROOT, blocks, commands, section
from tests.docs.placeholders import readme_steps, readme_tutorial

README = (ROOT / "README.md").read_text()

PROVEN_BY = {
    # Starts the emulator, deploys, seeds, and ends at a signal.
    "make dev": "tests/flow/test_local_run.py",
    # Cannot run inside itself; CI runs it.
    "make test": ".ci/run",
    # The template of stage prod, without an account.
    "make synth": "tests/infra/test_flow.py",
    # There is no AWS account here: the same two commands of the same CDK deploy the same app to
    # the emulator before every flow test, and stage prod is synthesised.
    "npx cdk bootstrap": "cli/linkage_cli/local/deployment.py",
    "npx cdk deploy -c stage=prod -c alarm_email=operator@example.com": (
        "cli/linkage_cli/local/deployment.py"
    ),
    # Run against the deployed app as stage local.
    ".venv/bin/linkage keys create operator --stage prod --person Rudo": (
        "tests/flow/test_tutorial.py"
    ),
}
"""Commands outside the tutorial and the doors, with the file that proves each."""

RUN_IN_FLOW = ("## Tutorial", "## Three doors")
"""Sections whose every command tests/flow/test_tutorial.py runs, in their order."""


def test_every_command_is_proven_somewhere() -> None:
    run = {
        command
        for heading in RUN_IN_FLOW
        for block in blocks(section(README, heading), "bash")
        for command in commands(block)
    }
    every = {command for block in blocks(README, "bash") for command in commands(block)}
    assert every - run == set(PROVEN_BY)


def test_shell_commands_are_only_in_blocks_that_the_tests_read() -> None:
    assert set(re.findall(r"^ *```(\w*)$", README, re.MULTILINE)) == {"bash", ""}
    assert README.count("```") == 2 * len(blocks(README, "bash"))


@pytest.mark.parametrize("proof", sorted(set(PROVEN_BY.values())))
def test_what_proves_a_command_exists(proof: str) -> None:
    assert (ROOT / proof).is_file()


def test_ci_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_the_emulator_is_deployed_to_by_the_commands_for_aws() -> None:
    deployment = (ROOT / "cli" / "linkage_cli" / "local" / "deployment.py").read_text()
    assert '["bootstrap", ' in deployment
    assert '["deploy", ' in deployment


def test_the_tutorial_is_the_one_make_dev_prints() -> None:
    tutorial = section(README, "## Tutorial")
    assert blocks(tutorial, "bash") == [step.command for step in readme_steps()]
    assert readme_tutorial() in tutorial
