"""How a ratio is measured here: in rounds, each taking every variant once, in random order.

What the machine does meanwhile falls on all variants of a round alike, so a ratio is taken within
each round; the median of the rounds is the figure, and their middle half and their ends the spread.
"""

import importlib.metadata
import os
import platform
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

type Measure = Callable[[], float]
type Rounds = list[dict[str, float]]


def alternating(measures: Mapping[str, Measure], rounds: int, seed: int = 4) -> Rounds:
    """What each measure gave in each round."""
    results = []
    for order in orders(list(measures), rounds, seed):
        given = {name: measures[name]() for name in order}
        results.append({name: given[name] for name in measures})
    return results


def orders(names: list[str], rounds: int, seed: int = 4) -> Iterator[list[str]]:
    """For each round the names in an order of its own, the same in every run."""
    chosen = random.Random(seed)
    for _ in range(rounds):
        yield chosen.sample(names, len(names))


def summary(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median, quartiles and ends."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    figures = {
        "median": statistics.median(values),
        "quarter": low,
        "three_quarters": high,
        "lowest": min(values),
        "highest": max(values),
    }
    return {name: round(value, digits) for name, value in figures.items()}


def ratios(rounds: Rounds, name: str, of: str) -> list[float]:
    """One variant divided by another, round by round."""
    return [each[name] / each[of] for each in rounds]


def machine(*packages: str) -> dict[str, Any]:
    """What a result must name: the processor, how busy it is, the system, and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")
