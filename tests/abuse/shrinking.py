"""Making a sequence of actions that goes wrong as short as it gets in some time."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from tests.abuse.run import Outcome, Run
from tests.abuse.world import Action

EVERYBODY = ("honest", "mischief", "operators", "ivo")

type Shows = Callable[[Sequence[Action]], bool]


def shows(seed: int, kind: str) -> Shows:
    """Whether these actions, on the network of a seed, end with a fault of a kind."""
    return lambda actions: kind in Run(seed).repeated(actions).kinds


def first_step(outcome: Outcome, kind: str) -> int:
    """After how many of its actions a run has a fault of this kind for sure, if it ends there."""
    steps = sorted(
        step
        for failed in outcome.failed
        if failed.kind == kind
        for found in failed.about
        for step in outcome.touched[found]
    )
    shown = shows(outcome.seed, kind)
    if not steps or not shown(outcome.actions[: steps[-1]]):
        steps = list(range(1, len(outcome.actions) + 1))
    at = bisect_left(steps[:-1], True, key=lambda step: shown(outcome.actions[:step]))
    return steps[at]


def who_matters(outcome: Outcome, kind: str) -> set[str]:
    """By whom, or as part of what, the conversions of a kind of fault were made what they are."""
    return {
        outcome.actions[step - 1].by
        for failed in outcome.failed
        if failed.kind == kind
        for found in failed.about
        for step in outcome.touched[found]
    }


def shortest(
    actions: Sequence[Action],
    shown: Shows,
    matter: Iterable[str] = (),
    seconds: float = 90,
) -> list[Action]:
    """Fewer of these actions that still show it.

    First only those of who matters, then without whole recipes, then by halves.
    """
    until, left = time.monotonic() + seconds, list(actions)

    def keep(fewer: list[Action]) -> bool:
        nonlocal left
        if len(fewer) == len(left) or time.monotonic() > until or not shown(fewer):
            return False
        left = fewer
        return True

    keep([each for each in left if each.by in {*matter} or each.what == "join"])
    for by in sorted({each.by for each in left}, key=lambda name: (name not in EVERYBODY, name)):
        keep([each for each in left if each.by != by])
    size = len(left) // 2
    while size and time.monotonic() < until:
        at = 0
        while at < len(left):
            at += 0 if keep(left[:at] + left[at + size :]) else size
        size //= 2
    return left
