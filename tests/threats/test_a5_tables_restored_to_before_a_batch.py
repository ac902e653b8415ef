"""A5: ledger and payouts restored to the second before a batch that was paid."""

import pytest

from linkage.domain.errors import ConflictError
from linkage.flow.payouts import planning
from linkage.tables import payout_batches
from tests.faults.standin import Saved
from tests.flow_units.conftest import built, network
from tests.flow_units.network import Network
from tests.flow_units.restoring import book_again, exported, findings, restore

__all__ = ["built", "network"]

TOGETHER = ("conversions", "customers", "tallies", "ledger", "payouts")


@pytest.fixture(params=[TOGETHER, ("ledger", "payouts")], ids=["all five", "the two of money"])
def paid(network: Network, request: pytest.FixtureRequest) -> Saved:
    """57.50 are paid; the tables are as they were a second before the batch."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    before = network.standin.saved()
    network.pass_time(seconds=1)
    exported(network, "bat_1")
    network.settle("bat_1", ann="paid", spo="paid", top="paid")
    restored = {noun: before[noun] for noun in request.param}
    restore(network, network.standin.saved() | restored)
    network.pass_time(days=1)
    return before


@pytest.mark.usefixtures("paid")
def test_the_next_batch_pays_nobody_again(network: Network) -> None:
    assert network.balances() == {"ann": 5_000, "spo": 500, "top": 250}, "as if never paid"
    with pytest.raises(ConflictError) as refused:
        network.start_batch("bat_again")
    assert refused.value.code == "payout_file_without_batch"
    planning.tick()
    network.deliver_work()
    assert payout_batches.list_batches(10, None).data == []


@pytest.mark.usefixtures("paid")
def test_the_check_says_so(network: Network) -> None:
    (finding,) = findings(network)
    assert finding.startswith("I28 bat_1: its payout file is in the bucket")


@pytest.mark.usefixtures("paid")
def test_booked_again_the_batch_is_paid_once_and_the_next_has_only_what_is_new(
    network: Network,
) -> None:
    book_again("bat_1")
    network.settle("bat_1", ann="paid", spo="paid", top="paid")
    network.report("o-2", 10_000)
    network.deliver_facts()
    network.start_batch("bat_2")
    network.deliver_work()
    assert payout_batches.get_batch("bat_2").total_minor == 575
    assert findings(network) == []
