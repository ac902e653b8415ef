"""Every write of the way of a click is a place to die; what comes after must end the same.

Each step of a story is run once without a fault. Then, for every write call it made, it is run
again from the same start, dies just before or just after that call, and is delivered again as its
source delivers it: a client repeats its request, the stream and the queue repeat their records.
Since the tables end up byte-equal after every step, the story as a whole ends the same too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from linkage.flow import planning
from tests.domain.examples import operator
from tests.flow_units.network import CrashError, Network, Writes

type Action = Callable[[], object]


@dataclass
class Step:
    """What is delivered in order, each part until it succeeds."""

    name: str
    parts: tuple[Action, ...]


def done(parts: tuple[Action, ...]) -> None:
    """Delivers each part until it no longer dies."""
    for part in parts:
        while True:
            try:
                part()
            except CrashError:
                continue
            break


def story(network: Network) -> Iterator[Step]:
    """Sales and refunds, and three batches: one paid and failed, one cancelled, one netted."""
    yield Step(
        "a report that confirms itself",
        (partial(network.report, "o-1", 100_000), network.deliver_facts),
    )
    manual = network.report("o-2", 10_000, program_id="prg_man")
    yield Step("a refund before the confirmation", (partial(network.refund, manual, "r-1", 1_000),))
    yield Step("a confirmation", (partial(network.confirm, manual), network.deliver_facts))
    yield Step(
        "a refund after it", (partial(network.refund, manual, "r-2", 3_000), network.deliver_facts)
    )
    yield Step("a batch", (partial(network.start_batch, "bat_1"), network.deliver_work))
    yield Step(
        "its approval and export",
        (partial(planning.approve, "bat_1", operator("key_2")), network.deliver_approvals),
    )
    yield Step(
        "its results",
        (partial(network.settle, "bat_1", ann="paid", spo="failed", top="paid"),),
    )
    yield Step(
        "a refund after the payout",
        (partial(network.refund, manual, "r-3", 6_000), network.deliver_facts),
    )
    network.report("o-3", 100_000)
    network.deliver_facts()
    network.start_batch("bat_2")
    network.deliver_work()
    yield Step(
        "a second batch cancelled", (partial(planning.cancel, "bat_2"), network.deliver_work)
    )
    network.pay_all("bat_3", ann="paid", spo="paid", top="paid")


def test_dying_at_any_write_changes_nothing_in_the_end(network: Network) -> None:
    runs = 0
    for step in story(network):
        network.save()
        writes = Writes()
        with writes.watched():
            done(step.parts)
        expected = network.everything()
        for number in range(1, writes.count + 1):
            for when in ("before", "after"):
                network.restore()
                with Writes((number, when)).watched():
                    done(step.parts)
                assert network.everything() == expected, f"{step.name}: died {when} write {number}"
                runs += 1
    assert network.balances() == {}
    assert runs >= 60
