"""Whatever happens to a batch at once: who is paid should be, once, and nothing is lost.

`FAULTS_SEED` starts other networks, `FAULTS_BATCHES` sets how many batches `make faults` races.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.faults.approvals import Approvals

SEED = int(os.environ.get("FAULTS_SEED", "1"))
BATCHES = int(os.environ.get("FAULTS_BATCHES", "2000"))
FEW_BATCHES, BATCHES_IN_A_NETWORK = 60, 100


def played(seed: int, batches: int) -> dict[str, int]:
    """What was met, in a network of its own; fails if somebody was paid who should not be."""
    run = Approvals(seed)
    with run.open():
        run.play(batches)
        assert not run.wrong, f"seed {seed}: {run.wrong[:5]}"
        findings = run.audited().findings
        assert not findings, f"seed {seed}: {[str(each) for each in findings[:5]]}"
        assert run.paid_minor + run.owed_minor() == run.earned_minor, f"seed {seed}"
    return dict(run.met)


def test_dozens_of_batches_raced_pay_those_who_should_be_once() -> None:
    met = played(SEED, FEW_BATCHES)
    assert met["rows"] > FEW_BATCHES / 2
    assert {"hold", "release", "removal", "approval", "export", "standing", "method"} <= met.keys()


@pytest.mark.faults
def test_a_thousand_batches_raced_pay_those_who_should_be_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    networks = max(1, BATCHES // BATCHES_IN_A_NETWORK)
    seeds = range(SEED, SEED + networks)
    met: dict[str, int] = {}
    with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn")) as pool:
        for outcome in pool.map(played, seeds, [BATCHES_IN_A_NETWORK] * networks):
            for what, count in outcome.items():
                met[what] = met.get(what, 0) + count
    with capsys.disabled():
        print(f"\n{networks * BATCHES_IN_A_NETWORK} batches: {sorted(met.items())}")  # noqa: T201
    assert met["rows"] > BATCHES / 2
