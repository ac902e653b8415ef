"""Processor time of one warm redirect: Linkage's function beside the same made with an SDK.

Each variant is a process of its own, and the stand-in for DynamoDB another, whose time is not
counted. In each round every variant answers the same new visits, in random order of the variants.
"""

from contextlib import ExitStack
from functools import partial
from typing import Any

from bench.rounds import Rounds, alternating, ratios, summary
from bench.worker import standin_port, worker

ROUNDS, VISITS, WARM_UP = 15, 120, 60
VARIANTS = ("linkage", "sdk_cached", "sdk", "naive")
LIMIT = 0.12


def measured(
    variants: tuple[str, ...] = VARIANTS, rounds: int = ROUNDS, visits: int = VISITS
) -> Rounds:
    """Processor microseconds of one redirect, by variant, for each round."""
    with ExitStack() as stack:
        port = stack.enter_context(standin_port())
        workers = {name: stack.enter_context(worker(name, port)) for name in variants}
        for work in workers.values():
            work(0, WARM_UP)
        seeds = {name: iter(range(1, rounds + 1)) for name in variants}

        def once(name: str) -> float:
            return workers[name](next(seeds[name]), visits)

        return alternating({name: partial(once, name) for name in variants}, rounds)


def result() -> dict[str, Any]:
    """The figures as they are kept."""
    rounds = measured()
    return {
        "rounds": ROUNDS,
        "visits": VISITS,
        "limit": LIMIT,
        "variants": {
            name: {
                "cpu_us": summary([each[name] for each in rounds], 0),
                "of_sdk": summary(ratios(rounds, name, "sdk")),
            }
            for name in VARIANTS
        },
        "linkage_of": {
            name: summary(ratios(rounds, "linkage", name)) for name in VARIANTS if name != "linkage"
        },
    }


def _main() -> None:
    figures = result()["linkage_of"]["sdk"]
    print(f"Linkage's redirect takes {figures['median']} of the SDK's processor time: {figures}")


if __name__ == "__main__":
    _main()
