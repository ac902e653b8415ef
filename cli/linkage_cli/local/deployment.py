"""Deploys the real CDK app to the emulator."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from linkage_cli.errors import DeployError
from linkage_cli.local.local_aws import ACCOUNT, REGION, environment_for
from linkage_cli.local.logs import tail
from linkage_cli.local.places import CDK, ROOT
from linkage_cli.local.processes import stop_group
from linkage_cli.local.progress import Progress

STACK = "Linkage-local"
GUARDED = Path(__file__).with_name("guarded.py")
DONE_OF_ALL = re.compile(r"\|\s*(\d+)/(\d+)\s*\|")
QUIET_TOOLS = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "20,22",
    "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
    "NO_COLOR": "1",
}


def deploy(port: int, folder: Path, progress: Progress) -> dict[str, str]:
    """Bootstraps the emulator on `port`, deploys stage local to it and gives the stack's outputs.

    CDK's files and `deploy.log` go to `folder`. Raises `DeployError`.
    """
    log = folder / "deploy.log"
    log.unlink(missing_ok=True)
    outputs = folder / "outputs.json"
    outputs.unlink(missing_ok=True)

    progress.begin("Preparing the emulated account (cdk bootstrap)")
    # Away from `cdk.json`, because CDK would first synthesise the app, only to see where it goes.
    bootstrap = ["bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    run_cdk(bootstrap, port, log, lambda _: None, folder=folder)

    progress.begin("Deploying the app (cdk deploy)")
    context = ["-c", "stage=local", "-c", f"gateway_port={port}"]
    manner = ["--require-approval", "never", "--progress", "events"]
    files = ["--output", str(folder / "cdk.out"), "--outputs-file", str(outputs)]

    def show_how_far(line: str) -> None:
        if found := DONE_OF_ALL.search(line):
            progress.detail(f"{found[1]} of {found[2]} resources")

    run_cdk(["deploy", STACK, *context, *manner, *files], port, log, show_how_far)
    found: dict[str, str] = json.loads(outputs.read_text())[STACK]
    return found


def run_cdk(
    arguments: list[str],
    port: int,
    log: Path,
    watch: Callable[[str], None],
    folder: Path = ROOT,
) -> None:
    """Runs one CDK command in `folder` against the emulator, its lines going to `log` and `watch`.

    Raises `DeployError` with the end of what CDK said.
    """
    process = subprocess.Popen(
        [sys.executable, GUARDED, CDK, *arguments, "--no-notices", "--ci"],
        cwd=folder,
        env=environment_for(port, os.environ) | QUIET_TOOLS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with log.open("a") as record:
            for raw in process.stdout or ():
                line = raw.decode(errors="replace")
                record.write(line)
                record.flush()
                watch(line)
        status = process.wait()
    finally:
        stop_group(process)
    if status != 0:
        raise DeployError(
            f"cdk {arguments[0]} failed. The end of what it said (all of it is in {log}):\n"
            f"{tail(log)}"
        )
