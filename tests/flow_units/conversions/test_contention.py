"""Everybody at once, on threads: each fact is accepted, and no tally loses a move.

The tables are the stand-in's, one call at a time, each after the time a call takes on a bad day.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from linkage.domain.conversions.tallies import Tally
from linkage.domain.people.customers import Customer
from linkage.tables.conversions import get_history
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.tallies import reading_tallies
from tests.aws_tables import forget_versions
from tests.faults.standin import Standin
from tests.flow_units import network as small
from tests.flow_units.network import ANN, SHOP, SPO, TOP, make_rich, reported

AT_ONCE = 50
READ_S, WRITE_S = 0.005, 0.015

BUYER = Customer(phone="+263773000001")
SALES = "sales#prg_rich#mem_ann#2026-11#USD"


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    """The rich network on the stand-in, and how often each operation is called."""
    lock, made = threading.Lock(), Counter[str]()

    def around(operation: str, _arguments: object, go: Callable[[], Any]) -> Any:
        time.sleep(READ_S if "Get" in operation or operation == "Query" else WRITE_S)
        with lock:
            made[operation] += 1
            return go()

    with Standin().serving(around):
        small.settings.publish_settings(small.SETTINGS)
        small.put_members(SHOP, ANN, SPO, TOP)
        make_rich()
        made.clear()
        yield made
    forget_versions()


def at_once[Made](work: Callable[[int], Made]) -> list[Made]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, range(AT_ONCE)))


def sell(number: int) -> str:
    # The last of them are reported twice, by a client that lost patience.
    external_id = f"o-{min(number, AT_ONCE - 3)}"
    sent = reported(
        external_id,
        3_000,
        program_id="prg_rich",
        customer=BUYER,
        occurred_at="2026-11-21T09:00:00.000Z",
        may_backdate=True,
    )
    return small.recording.report(sent)[0].conversion_id


def refund(conversion_id: str) -> None:
    body = small.SentRefund("r-1", 3_000, "returned", "f")
    small.vendor_decisions.refund(conversion_id, None, body)


def versions_seen(name: str, facts: list[tuple[Tally, ...]]) -> list[int]:
    return sorted(tally.version for seen in facts for tally in seen if tally.name == name)


def test_fifty_sales_of_one_affiliate_at_once_are_counted_one_after_another(
    calls: Counter[str],
) -> None:
    sold = sorted(set(at_once(sell)))
    count = len(sold)
    assert count == AT_ONCE - 2
    tally = read(reading_tallies([SALES]))[SALES]
    assert (tally.version, tally.count, tally.amount_minor) == (count, count, 3_000 * count)
    assert len(tally.held) == 1
    seen = [get_history(each).confirmation for each in sold]
    facts = [each.seen.tallies for each in seen if each]
    assert versions_seen(SALES, facts) == list(range(count))
    assert calls["TransactWriteItems"] < 12 * count

    some = sold[:20]
    with ThreadPoolExecutor(len(some)) as pool:
        list(pool.map(refund, some))
    left, tally = count - len(some), read(reading_tallies([SALES]))[SALES]
    assert (tally.version, tally.count) == (count + len(some), left)
    assert tally.held == ()
    refunds = [get_history(each).refunds[0].tallies for each in some]
    assert versions_seen(SALES, refunds) == list(range(count, count + len(some)))
