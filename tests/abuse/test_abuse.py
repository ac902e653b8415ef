"""Random attackers against the product's own handlers: in the end they have gained nothing.

`ABUSE_SEED` starts other networks, `ABUSE_ACTIONS` sets how many actions `make faults` plays. What
fails says its seed, after how many actions, and the fewest actions that still fail.
"""

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.abuse.gain import Judge
from tests.abuse.run import Outcome, Run
from tests.abuse.shrinking import first_step, shortest, shows, who_matters

SEED = int(os.environ.get("ABUSE_SEED", "1"))
ACTIONS = int(os.environ.get("ABUSE_ACTIONS", "200000"))
FEW_ACTIONS = 350
ACTIONS_IN_A_NETWORK = 6_250
HONEST_NETWORKS, HONEST_ACTIONS = 6, 2_000
TOLD = 40


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_a_few_hundred_actions_gain_nothing(seed: int) -> None:
    assert_right(Run(seed).chosen(FEW_ACTIONS), shrinking_s=5)


@pytest.mark.faults
def test_two_hundred_thousand_actions_gain_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    networks = max(1, ACTIONS // ACTIONS_IN_A_NETWORK)
    sizes = [ACTIONS // networks + (number < ACTIONS % networks) for number in range(networks)]
    workers = min(networks, os.cpu_count() or 1)
    wrong, done, apart = [], 0, Counter[str]()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for outcome in pool.map(played, range(SEED, SEED + networks), sizes):
            done += len(outcome.actions)
            apart.update(outcome.gain.apart)
            if outcome.failed:
                wrong.append(outcome)
            with capsys.disabled():
                print("", *outcome.lines(), sep="\n", flush=True)  # noqa: T201, the report asked for
    with capsys.disabled():
        print(f"\n{done:,} actions in {networks} networks; apart: {dict(apart)}")  # noqa: T201
    for outcome in wrong[:1]:
        assert_right(outcome)
    assert done >= ACTIONS


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(SEED, SEED + HONEST_NETWORKS))
def test_thousands_of_honest_actions_earn_what_the_truth_says(seed: int) -> None:
    run = Run(seed, honest=True)
    assert_right(run.chosen(HONEST_ACTIONS))
    assert not Judge(run.play).differences()


def played(seed: int, actions: int) -> Outcome:
    """One network's outcome, in a process of its own."""
    return Run(seed).chosen(actions)


def assert_right(outcome: Outcome, shrinking_s: float = 90) -> None:
    """Fails with the seed, each kind of fault, and the fewest actions found to show it."""
    if not outcome.failed:
        return
    told = [*outcome.lines()]
    for kind in sorted(outcome.kinds):
        step = first_step(outcome, kind)
        shown, matter = shows(outcome.seed, kind), who_matters(outcome, kind)
        actions = shortest(outcome.actions[:step], shown, matter, shrinking_s)
        told += [f"{kind} after {step} actions; these {len(actions)} show it:"]
        told += [f"  {action}" for action in actions[:TOLD]]
    pytest.fail("\n".join(told))
