from dataclasses import replace

import pytest

from linkage.domain.errors import ConditionFailedError, NotFoundError
from linkage.domain.payouts.payouts import Batch, Page, Payout
from linkage.tables import payout_batches, payouts
from linkage.tables.dynamodb import transactions

pytestmark = pytest.mark.usefixtures("network")

BATCH = Batch("bat_1", "USD", "2026-11-21", "planning", "2026-11-21T09:00:00.000Z", "key_1")
PAGE = Page("bat_1", 1, ("mem_1", "mem_2"))
PAYOUT = Payout(
    "pay_1", "bat_1", "mem_1", 500, "USD", "debited", BATCH.created_at, "Ann", {"type": "manual"}
)


@pytest.fixture(autouse=True)
def _batch(network: None) -> None:
    payout_batches.put_batch(BATCH)


def pay(payout: Payout, page: Page = PAGE) -> None:
    transactions.write(payouts.put_payout(payout, page))


def test_a_batch_comes_back_as_it_was_put() -> None:
    assert payout_batches.get_batch("bat_1") == BATCH
    assert payout_batches.find_batch("bat_2") is None
    with pytest.raises(NotFoundError):
        payout_batches.get_batch("bat_2")


def test_one_id_is_put_once() -> None:
    with pytest.raises(ConditionFailedError):
        payout_batches.put_batch(replace(BATCH, currency="ZWG"))
    assert payout_batches.get_batch("bat_1").currency == "USD"


def test_a_page_is_added_once_and_counted_once() -> None:
    assert payout_batches.put_page(PAGE) is True
    assert payout_batches.put_page(replace(PAGE, affiliate_ids=("mem_3",))) is False
    assert payout_batches.find_page("bat_1", 1) == PAGE
    batch = payout_batches.get_batch("bat_1")
    assert (batch.open_pages, batch.pages) == (1, 1)


def test_no_page_is_added_once_the_planning_has_ended() -> None:
    payout_batches.finish_planning("bat_1")
    assert payout_batches.put_page(PAGE) is False
    assert payout_batches.get_batch("bat_1").open_pages == 0


def test_a_batch_is_planned_once_whole_and_without_open_pages() -> None:
    payout_batches.put_page(PAGE)
    assert payout_batches.become_planned("bat_1") is False
    payout_batches.finish_planning("bat_1")
    assert payout_batches.become_planned("bat_1") is False
    assert payout_batches.close_page(PAGE, [], {"mem_1": "why"}) is True
    assert payout_batches.become_planned("bat_1") is True
    assert payout_batches.become_planned("bat_1") is False
    assert payout_batches.get_batch("bat_1").status == "planned"


def test_a_page_closes_once_with_exactly_its_payouts() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    assert payout_batches.close_page(PAGE, [], {}) is False
    assert payout_batches.close_page(PAGE, [PAYOUT], {"mem_2": "nothing to pay"}) is True
    assert payout_batches.close_page(PAGE, [PAYOUT], {}) is False
    batch, page = payout_batches.get_batch("bat_1"), payout_batches.find_page("bat_1", 1)
    assert (batch.count, batch.total_minor, batch.unsettled, batch.open_pages) == (1, 500, 1, 0)
    assert page is not None
    assert (page.status, page.skipped) == ("closed", {"mem_2": "nothing to pay"})


def test_a_payout_is_put_once_and_only_in_an_open_page() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    with pytest.raises(ConditionFailedError):
        pay(replace(PAYOUT, amount_minor=1))
    payout_batches.close_page(PAGE, [PAYOUT], {})
    with pytest.raises(ConditionFailedError):
        pay(replace(PAYOUT, payout_id="pay_2"))
    assert list(payouts.batch_payouts("bat_1")) == [PAYOUT]


def test_a_payout_moves_only_from_the_status_it_was_read_with() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    transactions.write([payouts.move_payout(PAYOUT, "sent")])
    with pytest.raises(ConditionFailedError):
        transactions.write([payouts.move_payout(PAYOUT, "cancelled")])
    sent = payouts.find_payout("bat_1", "pay_1")
    assert sent == replace(PAYOUT, status="sent")
    transactions.write(
        [payouts.move_payout(replace(PAYOUT, status="sent"), "paid", reference="E-1")]
    )
    assert payouts.find_payout("bat_1", "pay_1") == replace(PAYOUT, status="paid", reference="E-1")


def test_a_batch_settles_when_it_is_exported_and_every_payout_counted() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    payout_batches.close_page(PAGE, [PAYOUT], {})
    payout_batches.move_batch("bat_1", "planning", "exported", sha256="x")
    assert payout_batches.become_settled("bat_1") is False
    transactions.write([payouts.count_settled("bat_1")])
    assert payout_batches.become_settled("bat_1") is True
    assert (payout_batches.get_batch("bat_1").status, payout_batches.get_batch("bat_1").sha256) == (
        "settled",
        "x",
    )


def test_a_batch_that_has_moved_is_not_moved_again() -> None:
    payout_batches.move_batch("bat_1", "planning", "planned")
    with pytest.raises(ConditionFailedError):
        payout_batches.move_batch("bat_1", "planning", "planned")


def test_payouts_are_listed_by_batch_and_by_affiliate() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    pay(replace(PAYOUT, payout_id="pay_2", affiliate_id="mem_2"))
    assert [each.payout_id for each in payouts.list_batch_payouts("bat_1", 1, None).data] == [
        "pay_1"
    ]
    assert [each.payout_id for each in payouts.list_payouts("mem_2", 10, None).data] == ["pay_2"]
    assert payouts.find_payouts("bat_1", ["pay_2", "pay_9"])[0].affiliate_id == "mem_2"
    assert payouts.find_payouts("bat_1", []) == []


def test_batches_are_listed_newest_first_without_pages_or_payouts() -> None:
    payout_batches.put_page(PAGE)
    pay(PAYOUT)
    payout_batches.put_batch(
        replace(BATCH, batch_id="bat_2", created_at="2026-11-22T09:00:00.000Z", status="approved")
    )
    payout_batches.put_batch(replace(BATCH, batch_id="bat_3", status="settled"))
    assert payout_batches.list_batches(1, None).data[0].batch_id == "bat_2"
    assert {each.batch_id for each in payout_batches.unfinished_batches()} == {"bat_1", "bat_2"}
