"""Every write of the way of a click is a place to die; what comes after must end the same.

Each step of a story is run once without a fault. Then, for every write call it made, it is run
again from the same start, dies just before or just after that call, and is delivered again as its
source delivers it: a client repeats its request, the stream and the queue repeat their records.
Since the tables end up byte-equal after every step, the story as a whole ends the same too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from linkage.conversions import Conversion, Item
from linkage.customers import Customer
from linkage.flow import consenting, deciding, planning, releasing
from linkage.flow.awaiting import confirm_due
from linkage.flow.unbinding import unbind
from linkage.keys import Key
from linkage.requests import SentCustomer, SentRefund, SentUnbinding
from linkage.tables import entries, members
from tests.domain.examples import operator
from tests.flow_units.network import VENDOR, CrashError, Network, Writes, make_rich
from tests.flow_units.two_shops import BUILDING, CLIENT, SUPPLIER, open_shops, supplied

type Action = Callable[[], Any]


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
        "a second batch cancelled",
        (partial(planning.cancel, "bat_2", operator("key_2")), network.deliver_work),
    )
    network.pay_all("bat_3", ann="paid", spo="paid", top="paid")


def rich_story(network: Network) -> Iterator[Step]:
    """Sales, refunds and silence under terms that count: every fact moves what others see."""
    make_rich()
    buyer = Customer(phone="+263773000001")
    tiles = (Item(50_000, "tiles"),)

    def sale(external_id: str, program_id: str) -> Action:
        of = {"program_id": program_id, "customer": buyer, "items": tiles}
        return partial(network.report, external_id, 60_000, **of)

    yield Step("the first sale", (sale("o-1", "prg_rich"), network.deliver_facts))
    first = sale("o-1", "prg_rich")()
    yield Step("a sale that earns a bonus", (sale("o-2", "prg_rich"), network.deliver_facts))
    yield Step(
        "a refund that loses it",
        (partial(network.refund, first, "r-1", 30_000), network.deliver_facts),
    )
    yield Step("a report that waits", (sale("o-3", "prg_silent"),))
    network.pass_time(days=15)
    yield Step("its confirmation by silence", (partial(silence, network), network.deliver_facts))
    yield Step("a report that waits in vain", (sale("o-4", "prg_silent"),))
    rejected = sale("o-4", "prg_silent")()
    yield Step("its rejection", (partial(network.reject, rejected),))
    yield Step(
        "the rest refunded",
        (
            partial(network.refund, first, "r-2", 30_000),
            *(
                partial(network.refund, sale(external_id, program_id)(), "r-1", 60_000)
                for external_id, program_id in (("o-2", "prg_rich"), ("o-3", "prg_silent"))
            ),
            network.deliver_facts,
        ),
    )


def introduced_story(network: Network) -> Iterator[Step]:
    """A customer is introduced, bought elsewhere, is unbound, opts out, and gives all back."""
    open_shops()
    building = {"program_id": BUILDING.program_id, "customer": CLIENT}
    first = network.report("b-1", 100_000, **building)
    yield Step("an introduction", (partial(network.confirm, first), network.deliver_facts))
    sale = partial(supplied, network)
    yield Step("a sale that lives by it", (sale, network.deliver_facts))
    took = deciding.refund(sale().conversion_id, None, returned("r-1", 20_000))
    assert took[1].posts
    yield Step("a part of that refunded", (network.deliver_facts,))
    yield Step(
        "the sale that introduced refunded",
        (partial(network.refund, first, "r-1", 100_000), *[network.deliver_facts] * 2),
    )
    yield Step(
        "the rest refunded when it was taken back",
        (
            partial(deciding.refund, sale().conversion_id, None, returned("r-2", 40_000)),
            network.deliver_facts,
        ),
    )
    second = network.report("b-2", 100_000, **building)
    yield Step("another introduction", (partial(network.confirm, second), network.deliver_facts))
    unbinding = SentUnbinding(None, CLIENT, "no customer of theirs")
    yield Step("its end", (partial(unbind, unbinding, operator("key_1")),))
    out = SentCustomer(SUPPLIER.member_id, CLIENT)
    key = Key("key_2", "vendor", SUPPLIER.member_id, "", "")
    yield Step("an opt-out", (partial(consenting.opt_out, out, key),))
    network.pass_time(days=31)
    yield Step("an opt-in", (partial(consenting.opt_in, out, key),))
    yield Step("all given back", (partial(network.refund, second, "r-1", 100_000),))
    network.deliver_facts()


def returned(external_id: str, amount_minor: int) -> SentRefund:
    return SentRefund(external_id, amount_minor, "returned", external_id)


def held_story(network: Network) -> Iterator[Step]:
    """Confirmations that are held, by report, word and silence, and what becomes of them."""
    make_rich()
    members.set_member(VENDOR, confirmed_max_minor={"USD": 5_000})
    buyer = Customer(phone="+263773000001")

    def sale(external_id: str, program_id: str) -> Action:
        return partial(network.report, external_id, 60_000, program_id=program_id, customer=buyer)

    def released(sold: Conversion) -> Action:
        return partial(releasing.release, sold.conversion_id, operator("key_operator"))

    yield Step("a sale within the limit", (sale("o-1", "prg_rich"), network.deliver_facts))
    first = sale("o-1", "prg_rich")()
    yield Step("one beyond it", (sale("o-2", "prg_rich"), network.deliver_facts))
    beyond = sale("o-2", "prg_rich")()
    yield Step("its release", (released(beyond), network.deliver_facts))
    word, silent = sale("o-3", "prg_man")(), sale("o-4", "prg_silent")()
    members.set_member(VENDOR, status="suspended")
    yield Step("a suspended vendor's word", (partial(network.confirm, word),))
    network.pass_time(days=15)
    yield Step("its silence", (partial(silence, network),))
    yield Step("a refund of what is held", (partial(network.refund, word, "r-1", 20_000),))
    yield Step("its rejection", (partial(network.reject, silent),))
    yield Step("its release in the next month", (released(word), network.deliver_facts))
    rests = ((first, 60_000), (beyond, 60_000), (word, 40_000))
    refunds = (partial(network.refund, sold, "r-2", rest_minor) for sold, rest_minor in rests)
    yield Step("all refunded", (*refunds, network.deliver_facts))


def silence(network: Network) -> None:
    for due in confirm_due(network.moment):
        assert due.error is None


@pytest.mark.parametrize(
    ("tells", "least"),
    [(story, 60), (rich_story, 30), (introduced_story, 30), (held_story, 30)],
    ids=["plain terms", "terms that count", "introductions", "limits and holds"],
)
def test_dying_at_any_write_changes_nothing_in_the_end(
    network: Network, tells: Callable[[Network], Iterator[Step]], least: int
) -> None:
    assert died_at_every_write(network, tells(network)) >= least


def test_nor_where_every_balance_is_put_whole(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "is_put_whole", lambda _: True)
    assert died_at_every_write(network, story(network)) >= 60


def died_at_every_write(network: Network, steps: Iterator[Step]) -> int:
    """In how many runs a step died and still ended as it does without."""
    runs = 0
    for step in steps:
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
    return runs
