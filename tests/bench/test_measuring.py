"""The benches measure what they say; the bounds themselves are `make bench`'s."""

import statistics

import pytest

from bench import redirect, rounds, runtime_loop
from bench.gates import Gate

GENEROUS = 0.2
"""The bound of `make bench` is 0.12; this one holds on a machine that does much else."""


def test_a_redirect_takes_a_fraction_of_the_processor_time_of_an_sdks() -> None:
    for _ in range(3):
        results = redirect.measured(("linkage", "sdk"), rounds=5, visits=40)
        ratio = statistics.median(rounds.ratios(results, "linkage", "sdk"))
        if ratio <= GENEROUS:
            return
    pytest.fail(f"it takes {ratio} of it")


def test_the_lambda_runtime_answers_through_the_built_function() -> None:
    pytest.importorskip("awslambdaric", reason="the runtime's client is for Linux")
    (result,) = runtime_loop.measured(("linkage",), rounds=1, turn_s=0.1)
    assert result["linkage"] > 0
    assert result[runtime_loop.CEILING] > 0


def test_each_round_takes_every_variant_once_and_orders_differ() -> None:
    taken: list[str] = []

    def measure(name: str) -> float:
        taken.append(name)
        return 1.0

    names = ("a", "b", "c")
    results = rounds.alternating({name: lambda name=name: measure(name) for name in names}, 20)
    orders = [tuple(taken[at : at + 3]) for at in range(0, 60, 3)]
    assert {frozenset(order) for order in orders} == {frozenset(names)}
    assert len(set(orders)) > 3
    assert [list(each) for each in results] == [list(names)] * 20


def test_a_summary_says_the_median_and_the_spread() -> None:
    assert rounds.summary([4.0, 1.0, 2.0, 3.0, 5.0]) == {
        "median": 3.0,
        "quarter": 2.0,
        "three_quarters": 4.0,
        "lowest": 1.0,
        "highest": 5.0,
    }


def test_a_bound_is_met_at_the_bound_and_missed_above() -> None:
    assert Gate("x", 0.12, 0.12).met
    assert not Gate("x", 0.121, 0.12).met
