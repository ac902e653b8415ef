"""`make bench`: measures and counts everything, prints it, and fails when a bound is missed.

    python -m bench.run            all parts, about three minutes
    python -m bench.run redirect   one part, or several

The results are kept in `build/bench.json`; `make figures` writes them into docs/performance.md.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import assets, costs, redirect, runtime_loop, starting
from bench.gates import gates
from bench.page import tables
from bench.rounds import machine
from linkage_cli.cost.model import TIERS_MAX

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "bench.json"
PACKAGES = ("boto3", "botocore", "aws-lambda-powertools", "awslambdaric", "pynamodb")


def told_by(*arguments: str) -> Any:
    """The JSON in the last line of what a Python process of this clone prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def by_tiers() -> list[Any]:
    """The figures of a conversion of 1 to 6 tiers."""
    return [told_by("-m", "bench.conversions", str(tiers)) for tiers in range(1, TIERS_MAX + 1)]


PARTS: dict[str, Callable[[], Any]] = {
    "redirect": redirect.result,
    "starting": starting.result,
    "runtime_loop": runtime_loop.result,
    "clicks": partial(told_by, "-m", "bench.clicks"),
    "conversions": by_tiers,
    "stream_batch": partial(told_by, "bench/stream_batch.py"),
    "payouts": partial(told_by, "-m", "bench.payouts"),
    "commission": partial(told_by, "bench/commission.py"),
    "assets": assets.result,
    "costs": costs.result,
}


def main(names: list[str]) -> None:
    """Runs the parts named, or all; exits 1 when a bound is missed."""
    strange = [name for name in names if name not in PARTS]
    if strange:
        sys.exit(f"There is no bench {strange[0]!r}; there are {', '.join(PARTS)}.")
    results = json.loads(KEPT.read_text()) if names and KEPT.exists() else {}
    results |= {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": machine(*PACKAGES),
    }
    for name in names or PARTS:
        start = time.monotonic()
        results[name] = PARTS[name]()
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(results, indent=1) + "\n")
    if not PARTS.keys() <= results.keys():
        print(json.dumps({name: results[name] for name in names}, indent=1))
        return
    for title, table in tables(results).items():
        print(f"\n{title}\n\n{table}")
    missed = [gate for gate in gates(results) if not gate.met]
    for gate in missed:
        print(f"\nMISSED: {gate.what} is {gate.figure}, not at most {gate.most} {gate.unit}")
    if missed:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
