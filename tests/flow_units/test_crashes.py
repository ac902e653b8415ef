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

from linkage.domain.conversions.conversions import Conversion, Item
from linkage.domain.conversions.requests import SentRefund
from linkage.domain.ledger.requests import SentAdjustment
from linkage.domain.payouts.payouts import payout_id
from linkage.domain.payouts.requests import Result
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import SentCustomer, SentUnbinding
from linkage.flow.conversions import releasing, vendor_decisions
from linkage.flow.conversions.confirming_by_silence import confirm_due
from linkage.flow.conversions.unbinding import unbind
from linkage.flow.ledger.adjusting import adjust
from linkage.flow.payouts import holding_payouts, planning, settling
from linkage.flow.people import consenting
from linkage.tables import ledger_entries, members
from tests.domain.examples import operator
from tests.flow_units.audited import audited
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


def later_story(network: Network) -> Iterator[Step]:
    """What the bank says later, what nobody hears of again, and what operators do about it."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    network.deliver_work()
    planning.approve("bat_1", operator("key_2"))
    network.deliver_approvals()
    network.settle("bat_1", ann="paid")
    yield Step("money sent back", (partial(network.settle, "bat_1", ann="returned"),))
    network.pass_time(days=20)
    yield Step("what nobody hears of", (planning.tick,))
    yield Step(
        "what a person decides", (partial(network.settle, "bat_1", spo="failed", top="paid"),)
    )
    yield Step(
        "what had arrived", (partial(network.settle, "bat_1", ann="arrived", spo="arrived"),)
    )
    reference = [Result("", payout_id("bat_1", "mem_top"), "paid", "EC-1", None)]
    yield Step("a reference", (partial(settling.settle, "bat_1", reference, operator("key_1")),))
    for kind, amount_minor in (("adjustment", -700), ("write_off", 700)):
        sent = SentAdjustment("mem_ann", "USD", amount_minor, kind, "as agreed")
        yield Step(kind, (partial(adjust, sent, f"adj_{kind}", operator("key_1")),))
    assert audited(network).findings == ()


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
    took = vendor_decisions.refund(sale().conversion_id, None, returned("r-1", 20_000))
    assert took[1].posts
    yield Step("a part of that refunded", (network.deliver_facts,))
    yield Step(
        "the sale that introduced refunded",
        (partial(network.refund, first, "r-1", 100_000), *[network.deliver_facts] * 2),
    )
    yield Step(
        "the rest refunded when it was taken back",
        (
            partial(vendor_decisions.refund, sale().conversion_id, None, returned("r-2", 40_000)),
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


def taken_out_story(network: Network) -> Iterator[Step]:
    """Payouts held, released, taken out, and left out at the approval; then all is paid."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    network.deliver_work()
    ann, spo, top = (payout_id("bat_1", f"mem_{name}") for name in ("ann", "spo", "top"))
    by = operator("key_3")
    yield Step("a hold", (partial(holding_payouts.hold, "bat_1", ann, "odd", by),))
    yield Step("its release", (partial(holding_payouts.release, "bat_1", ann, by),))
    yield Step("a removal", (partial(holding_payouts.remove, "bat_1", spo, "asked to wait", by),))
    yield Step("another hold", (partial(holding_payouts.hold, "bat_1", top, "odd", by),))
    yield Step(
        "an approval and export that leave it out",
        (partial(planning.approve, "bat_1", operator("key_2")), network.deliver_approvals),
    )
    yield Step("the results", (partial(network.settle, "bat_1", ann="paid"),))
    network.pay_all("bat_2", spo="paid", top="paid")


def silence(network: Network) -> None:
    for due in confirm_due(network.moment):
        assert due.error is None


@pytest.mark.parametrize(
    ("tells", "least"),
    [
        pytest.param(story, 60, id="plain terms"),
        pytest.param(rich_story, 30, id="terms that count"),
        pytest.param(introduced_story, 30, id="introductions"),
        pytest.param(held_story, 30, id="limits and holds"),
        pytest.param(taken_out_story, 14, id="taken out"),
        pytest.param(later_story, 20, id="the bank's later words"),
    ],
)
def test_dying_at_any_write_changes_nothing_in_the_end(
    network: Network, tells: Callable[[Network], Iterator[Step]], least: int
) -> None:
    assert died_at_every_write(network, tells(network)) >= least


def test_nor_where_every_balance_is_put_whole(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_entries, "is_put_whole", lambda _: True)
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
