"""A process that answers visits with one variant of the redirect, and tells the processor time.

`python -m bench.worker VARIANT`: each line of its input is a JSON object with `seed` and `count`;
for each it prints the processor seconds (of user and system, of this process alone) they took.
Before the clock starts the visits are made and each link is visited once, so that a variant that
remembers links does. What a handler prints itself goes nowhere.
"""

import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.visits import CODES, event, events

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
LINKAGE = (BUILD / "functions/record_click", BUILD / "layers/host/core/python")
VARIANTS = ("linkage", "sdk", "sdk_cached", "naive", "static")


class Context:
    """What Lambda tells a function of its invocation."""

    function_name = "record_click"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    aws_request_id = "00000000-0000-4000-8000-000000000000"


def environment(dynamodb_port: int) -> dict[str, str]:
    """A function's environment, with a session token as long as Lambda's and no way out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "example/example/example/example/example+",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" + "Example0" * 85,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{dynamodb_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "record_click",
        "PYTHONDONTWRITEBYTECODE": "1",
        "STAGE": "local",
        "POWERTOOLS_SERVICE_NAME": "record_click",
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
        "LINKS_TABLE": "links",
        "MEMBERS_TABLE": "members",
        "CLICKS_TABLE": "clicks",
        "HASH_SECRET": "a secret for the bench",
    }


@contextmanager
def standin_port() -> Iterator[int]:
    """The port of a stand-in for DynamoDB in a process of its own."""
    with _process("bench.standin") as standin:
        assert standin.stdout
        yield int(standin.stdout.readline())


@contextmanager
def worker(variant: str, dynamodb_port: int) -> Iterator[Callable[[int, int], float]]:
    """A call that answers `count` visits of a `seed`: processor microseconds of one visit."""
    with _process("bench.worker", variant, env=environment(dynamodb_port)) as process:

        def microseconds(seed: int, count: int) -> float:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps({"seed": seed, "count": count}) + "\n")
            process.stdin.flush()
            return float(process.stdout.readline()) / count * 1e6

        yield microseconds


@contextmanager
def _process(
    module: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A Python process that ends when its input does."""
    command = [sys.executable, "-m", module, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=env) as child:
        try:
            yield child
        finally:
            child.communicate()


def loaded(variant: str) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of a variant; Linkage's is the built one."""
    if variant != "linkage":
        return importlib.import_module(f"bench.handlers.{variant}").handler
    sys.path[:0] = map(str, LINKAGE)
    module = importlib.import_module("handler")
    path = str(sys.modules["linkage"].__file__)
    assert path.startswith(str(BUILD)), "the built code is measured, not the clone's"
    return module.handler


def _main() -> None:
    out, context = sys.stdout, Context()
    # The runtime's own standard output costs a write too, so a handler's lines are really written.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        handler = loaded(sys.argv[1])
        for line in sys.stdin:
            visits = list(events(**json.loads(line)))
            for code in CODES:
                handler(event(code, "Mozilla/5.0", "196.4.1.2", ""), context)
            gc.collect()
            start = time.process_time()
            for visit in visits:
                answer = handler(visit, context)
                assert answer["statusCode"] == 302
            out.write(f"{time.process_time() - start}\n")
            out.flush()


if __name__ == "__main__":
    _main()
