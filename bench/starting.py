"""Processor time of a cold start: importing the built redirect, beside making an SDK's client.

Each start is a fresh process of an interpreter that has imported what every Python function on
Lambda has imported already, the runtime's own client; only what comes on top is counted. All
modules are there compiled, as in the built assets and in the runtime.
"""

import json
import subprocess
import sys
from functools import partial
from typing import Any

from bench.rounds import Rounds, alternating, ratios, summary
from bench.worker import BUILD, LINKAGE, ROOT, environment

ROUNDS = 15
LIMIT, LIMIT_WITH_LOGGER = 0.18, 0.30
BASE = "boto3_client"
STARTS = {
    "nothing": "",
    "linkage": "import handler",
    "linkage_and_logger": (
        "import handler\nfrom aws_lambda_powertools import Logger\nLogger(service='bench')"
    ),
    BASE: "import boto3\nboto3.client('dynamodb')",
    "boto3_resource": "import boto3\nboto3.resource('dynamodb')",
}
PROGRAM = """
import json, os, sys, time
import awslambdaric.bootstrap
modules, start = len(sys.modules), time.process_time()
{body}
spent = time.process_time() - start
loaded = [each for each in sys.modules.values() if getattr(each, "__cached__", None)]
print(json.dumps({{
    "milliseconds": spent * 1000,
    "modules": len(sys.modules) - modules,
    "linkage": getattr(sys.modules.get("linkage"), "__file__", None),
    "not_compiled": [each.__name__ for each in loaded if not os.path.exists(each.__cached__)],
}}))
"""


def started(name: str, *, compiles: bool = False) -> dict[str, Any]:
    """Processor milliseconds and modules one start took, above the bare runtime."""
    # Nobody listens at port 9: a start must call nobody.
    env = environment(9) | {"PYTHONPATH": ":".join(map(str, LINKAGE))}
    if compiles:
        del env["PYTHONDONTWRITEBYTECODE"]
    command = [sys.executable, "-c", PROGRAM.format(body=STARTS[name])]
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    start: dict[str, Any] = json.loads(done.stdout)
    path = start["linkage"]
    assert path is None or path.startswith(str(BUILD)), "the built code is measured"
    assert not start["not_compiled"], start["not_compiled"]
    return start


def measured(names: tuple[str, ...] = tuple(STARTS), rounds: int = ROUNDS) -> Rounds:
    """Processor milliseconds of each start, for each round."""
    for name in names:
        started(name, compiles=True)  # and the system has the files in its cache from here on
    return alternating({name: partial(_milliseconds, name) for name in names}, rounds)


def _milliseconds(name: str) -> float:
    milliseconds: float = started(name)["milliseconds"]
    return milliseconds


def result() -> dict[str, Any]:
    """The figures as they are kept."""
    rounds = measured()
    return {
        "rounds": ROUNDS,
        "limit": LIMIT,
        "limit_with_logger": LIMIT_WITH_LOGGER,
        "starts": {
            name: {
                "cpu_ms": summary([each[name] for each in rounds], 1),
                "of_boto3_client": summary(ratios(rounds, name, BASE)),
                "modules": started(name)["modules"],
            }
            for name in STARTS
            if name != "nothing"
        },
    }
