"""A batch is booked again from its file as it was, whatever the restored tables have of it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from linkage.domain.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.domain.ledger.ledger import Balance
from linkage.domain.payouts.payouts import Batch, payout_id
from linkage.domain.terms.network import PayoutSchedule
from linkage.flow.payouts import debiting, exporting, holding_payouts, planning
from linkage.flow.payouts.rebooking import rebook
from linkage.tables import members, payout_batches, payout_files, payouts, settings
from linkage.tables.audit import list_records
from tests.domain.examples import operator
from tests.faults.standin import Saved
from tests.flow_units.network import (
    EMP,
    SETTINGS,
    WRITES,
    CrashError,
    Network,
    Writes,
    put_members,
)
from tests.flow_units.restoring import (
    BY,
    book_again,
    exported,
    findings,
    key_of,
    missing,
    moments,
    refusal_of_a_plan,
    restore,
    take_file,
    write_file,
)

PAID = {"ann": 5_000, "spo": 500, "top": 250}


@pytest.fixture
def before(network: Network) -> Saved:
    """The tables before a batch that pays Ann 50.00, Spo 5.00 and Top 2.50, and was exported."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    saved = network.standin.saved()
    exported(network, "bat_1")
    return saved


def told(batch: Batch) -> Batch:
    """A batch without what says that it was booked again, and when S3 was given its file."""
    return replace(batch, rebooked_at=None, exported_at=None)


def due(network: Network, name: str) -> dict[str, int]:
    """What is due to a member, by date, less what comes to nothing."""
    balance = network.balance(name) or Balance.empty(f"mem_{name}", "USD")
    return {day: minor for day, minor in balance.dues.items() if minor}


# ---- before it is booked again


def test_nothing_is_planned_while_a_file_has_no_batch(network: Network, before: Saved) -> None:
    assert missing() == ()
    restore(network, before)
    assert missing() == ("bat_1",)
    refused = refusal_of_a_plan(network)
    assert refused
    assert refused.code == "payout_file_without_batch"
    assert refused.detail.startswith("bat_1: the payout file is in the bucket")
    assert refused.detail.endswith("linkage payouts rebook bat_1 --stage test")
    assert refusal_of_a_plan(network, "bat_1"), "nor the same batch anew"
    assert payout_batches.list_batches(10, None).data == []


def test_the_tick_plans_nothing_meanwhile(network: Network, before: Saved) -> None:
    schedule = PayoutSchedule((21,), 9, "Africa/Harare", ("USD",))
    restore(network, before)
    settings.publish_settings(replace(SETTINGS, version=2, payout_schedule=schedule))
    planning.tick()
    assert payout_batches.list_batches(10, None).data == []
    book_again("bat_1")
    planning.tick()
    assert len(payout_batches.list_batches(10, None).data) == 2


STATES = ("gone", "planning", "planned", "cancelled", "of other amounts")


def put_into(network: Network, before: Saved, state: str) -> None:
    """The tables as they were before the file, with the batch in a state; the file is there."""
    restore(network, before)
    if state == "gone":
        return
    put_back = take_file("bat_1")
    if state == "of other amounts":
        put_members(EMP)
        network.report("o-8", 20_000, affiliate_id=EMP.member_id)
        network.report("o-9", 20_000)
        network.deliver_facts()
        members.set_member("mem_spo", status="suspended")
    network.start_batch("bat_1")
    if state == "planning":
        with Writes((2, "after")).watched(), pytest.raises(CrashError):
            network.deliver_work()
    else:
        network.deliver_work()
    if state == "cancelled":
        planning.cancel("bat_1", operator("key_2"))
        network.deliver_work()
    put_back()


@pytest.mark.parametrize("state", STATES)
def test_a_file_is_without_its_batch_until_that_is_approved(
    network: Network, before: Saved, state: str
) -> None:
    put_into(network, before, state)
    assert missing() == ("bat_1",)
    assert refusal_of_a_plan(network)
    (found,) = (each for each in findings(network) if each.startswith("I28"))
    assert "linkage payouts rebook bat_1" in found


@pytest.mark.parametrize("state", ["planning", "planned"])
def test_such_a_batch_is_not_moved_on_by_anybody(
    network: Network, before: Saved, state: str
) -> None:
    put_into(network, before, state)
    was = network.everything()
    planning.tick()
    for act in (planning.cancel, planning.approve):
        with pytest.raises(ConflictError):
            act("bat_1", operator("key_2"))
    assert network.everything() == was


def test_another_batch_may_be_cancelled_meanwhile_and_not_approved(
    network: Network, before: Saved
) -> None:
    network.report("o-2", 10_000)
    network.deliver_facts()
    network.start_batch("bat_open")
    network.deliver_work()
    write_file("bat_lost", b"")
    with pytest.raises(ConflictError, match="bat_lost: the payout file is in the bucket"):
        planning.approve("bat_open", operator("key_2"))
    assert planning.cancel("bat_open", operator("key_2")).status == "cancelled"


def test_a_batch_on_its_way_to_exported_is_no_fault(network: Network, before: Saved) -> None:
    """The file is written first; whoever plans in between is not refused."""
    network.report("o-2", 10_000)
    network.deliver_facts()
    network.start_batch("bat_2")
    network.deliver_work()
    planning.approve("bat_2", operator("key_2"))
    approved = network.standin.saved()
    written = []
    for number in range(1, 10):
        if "payouts/bat_2.csv" in network.files():
            break
        restore(network, approved)
        with Writes((number, "after")).watched(), pytest.raises(CrashError):
            network.deliver_approvals()
        assert payout_batches.get_batch("bat_2").status == "approved"
        written.append("payouts/bat_2.csv" in network.files())
        assert missing() == ()
        assert findings(network) == []
    assert written[0] is False
    assert written[-1] is True
    with pytest.raises(ConflictError, match="Wait until it is exported"):
        book_again("bat_2")
    network.deliver_approvals()
    assert refusal_of_a_plan(network) is None


# ---- what it comes to


def test_it_is_the_batch_that_was_lost_again(network: Network, before: Saved) -> None:
    was, paid = payout_batches.get_batch("bat_1"), list(payouts.batch_payouts("bat_1"))
    restore(network, before)
    network.pass_time(days=3)
    assert book_again("bat_1").debited == 3
    now = payout_batches.get_batch("bat_1")
    assert now.rebooked_at == "2026-11-24T09:00:00.000Z"
    assert told(now) == told(was)
    assert list(payouts.batch_payouts("bat_1")) == paid
    assert network.balances() == {}
    assert findings(network) == []
    assert missing() == ()


def test_results_are_then_entered_again_and_planning_is_open(
    network: Network, before: Saved
) -> None:
    restore(network, before)
    book_again("bat_1")
    network.settle("bat_1", ann="paid", spo="failed", top="paid")
    assert payout_batches.get_batch("bat_1").status == "settled"
    assert network.balances() == {"spo": 500}
    assert refusal_of_a_plan(network) is None
    network.deliver_work()
    assert network.payout_statuses("bat_next") == {"spo": "debited"}
    assert findings(network) == []


@pytest.mark.parametrize("results", [{}, {"ann": "paid"}, dict.fromkeys(PAID, "failed")])
def test_a_batch_that_is_exported_stays_as_it_is(
    network: Network, before: Saved, results: dict[str, str]
) -> None:
    network.settle("bat_1", **results)
    everything = network.everything()
    assert book_again("bat_1").debited == 0
    assert network.everything() == everything


def test_who_booked_it_again_is_kept_once(network: Network, before: Saved) -> None:
    restore(network, before)
    book_again("bat_1")
    book_again("bat_1")
    (record,) = list_records(10, None, subject="batch#bat_1").data
    assert (record.action, record.by_key, record.before) == ("batch.rebooked", BY[0], None)


def test_earnings_that_are_lost_leave_a_balance_below_0_until_they_come_again(
    network: Network, before: Saved
) -> None:
    restore(network, network.saved)  # to before the sale, too
    book_again("bat_1")
    assert network.balances() == {name: -minor for name, minor in PAID.items()}
    assert due(network, "ann") == {"2026-11-21": -5_000}
    assert findings(network) == []
    network.settle("bat_1", ann="paid", spo="paid", top="paid")
    network.pass_time(days=30)
    network.report("o-1", 100_000)
    network.deliver_facts()
    assert network.balances() == {}
    network.start_batch("bat_next")
    network.deliver_work()
    assert network.payout_statuses("bat_next") == {}
    assert findings(network) == []


def test_a_refund_that_is_lost_leaves_what_it_took_until_it_comes_again(
    network: Network, before: Saved
) -> None:
    sale = network.report("o-2", 40_000)
    network.deliver_facts()
    unrefunded = network.standin.saved()
    network.refund(sale, "r-1", 20_000)
    network.deliver_facts()
    network.pass_time(days=1)
    exported(network, "bat_2")
    restore(network, unrefunded)
    book_again("bat_2")
    assert network.balances() == {"ann": 1_000, "spo": 100, "top": 50}
    assert due(network, "ann") == {"2026-11-22": 1_000}
    assert findings(network) == []
    network.refund(sale, "r-1", 20_000)
    network.deliver_facts()
    assert network.balances() == {}
    assert findings(network) == []


@pytest.mark.parametrize("cutoff", ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-26"])
def test_no_later_batch_finds_what_the_file_has_paid_whatever_its_cutoff(
    network: Network, before: Saved, cutoff: str
) -> None:
    """The file pays what fell due on several days; none of them is payable again."""
    network.pass_time(days=1)
    network.report("o-2", 30_000)
    network.deliver_facts()
    network.pass_time(days=4)
    two_days = network.standin.saved()
    exported(network, "bat_2")
    for saved in (before, two_days):
        restore(network, saved)
        for batch_id in missing():
            book_again(batch_id)
        network.start_batch("bat_again", cutoff=cutoff)
        network.deliver_work()
        assert network.payout_statuses("bat_again") == {}
        assert findings(network) == []


@pytest.mark.parametrize("order", [("bat_1", "bat_2"), ("bat_2", "bat_1")])
def test_several_batches_are_booked_again_in_any_order(
    network: Network, before: Saved, order: tuple[str, str]
) -> None:
    network.settle("bat_1", ann="paid", spo="failed", top="paid")
    network.pass_time(days=2)
    network.report("o-2", 10_000)
    network.deliver_facts()
    exported(network, "bat_2")
    restore(network, before)
    assert set(missing()) == {"bat_1", "bat_2"}
    for batch_id in order:
        book_again(batch_id)
    assert network.balances() == {"ann": -500, "spo": -550, "top": -25}
    network.settle("bat_1", ann="paid", spo="failed", top="paid")
    network.report("o-2", 10_000)
    network.deliver_facts()
    assert network.balances() == {}
    assert findings(network) == []


def test_a_batch_that_was_cancelled_since_is_not_paid_beside_the_one_that_got_its_money(
    network: Network,
) -> None:
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_first")
    network.deliver_work()
    planned = network.standin.saved()
    planning.cancel("bat_first", operator("key_2"))
    network.deliver_work()
    network.pass_time(hours=1)
    exported(network, "bat_1")
    restore(network, planned)
    book_again("bat_1")
    with pytest.raises(ConflictError, match="Cancel it, and plan another one") as refused:
        planning.approve("bat_first", operator("key_2"))
    assert refused.value.code == "planned_before_restore"
    planning.cancel("bat_first", operator("key_2"))
    network.deliver_work()
    assert network.balances() == {}
    assert findings(network) == []
    network.pass_time(hours=1)
    network.report("o-2", 10_000)
    network.deliver_facts()
    network.start_batch("bat_new")
    network.deliver_work()
    assert planning.approve("bat_new", operator("key_2")).status == "approved"


# ---- whatever the tables have of it


def test_from_any_moment_on_the_way_to_its_file_it_comes_to_the_same(
    network: Network, before: Saved
) -> None:
    final = payout_batches.get_batch("bat_1")
    restore(network, before)
    put_back = take_file("bat_1")
    seen = set()
    for moment in moments(network, lambda: exported(network, "bat_1")):
        restore(network, moment)
        put_back()
        was = payout_batches.find_batch("bat_1")
        seen.add(was.status if was else None)
        if was and was.status == "approved":
            goes_on_by_itself_or_is_refused("bat_1")
        if missing():
            book_again("bat_1")
        assert told(payout_batches.get_batch("bat_1")) == told(final)
        assert set(network.payout_statuses("bat_1").values()) == {"sent"}
        assert network.balances() == {}
        assert findings(network) == []
        assert missing() == ()
    assert seen == {None, "planning", "planned", "approved", "exported"}


def goes_on_by_itself_or_is_refused(batch_id: str) -> None:
    """What is sealed is exported to the same bytes; what is not must be booked again."""
    if missing():
        with pytest.raises(ConflictError, match="linkage payouts rebook"):
            exporting.export(batch_id)
    else:
        exporting.export(batch_id)


@pytest.mark.parametrize("state", STATES)
def test_whatever_state_it_is_in_it_becomes_what_its_file_says(
    network: Network, before: Saved, state: str
) -> None:
    was = payout_batches.get_batch("bat_1")
    put_into(network, before, state)
    done = book_again("bat_1")
    other = state == "of other amounts"
    removed = {"removed_count": 1, "removed_minor": 1_000} if other else {}
    assert replace(told(done.batch), pages=1) == replace(told(was), **removed)
    assert done.given_back == (1 if other else 0)
    sent = dict.fromkeys(PAID, "sent")
    assert network.payout_statuses("bat_1") == sent | ({"emp": "removed"} if other else {})
    # What two sales earned since, Emp's and Ann's; else nothing is left.
    left = {"ann": 1_000, "emp": 1_000, "spo": 100, "top": 50}
    assert network.balances() == (left if other else {})
    assert findings(network) == []
    network.settle("bat_1", ann="paid", spo="failed", top="paid")
    assert payout_batches.get_batch("bat_1").status == "settled"
    assert findings(network) == []


@pytest.mark.parametrize("state", STATES)
def test_it_may_die_at_any_write_and_is_run_again(
    network: Network, before: Saved, state: str
) -> None:
    put_into(network, before, state)
    start, counted = network.standin.saved(), Writes()
    with counted.watched():
        book_again("bat_1")
    expected = network.everything()
    for number in range(1, counted.count + 1):
        for when in ("before", "after"):
            restore(network, start)
            with Writes((number, when)).watched(), suppress(CrashError):
                book_again("bat_1")
            book_again("bat_1")
            assert network.everything() == expected, f"died {when} write {number}"


@pytest.mark.parametrize("state", STATES)
def test_two_at_once_come_to_the_same_as_one(network: Network, before: Saved, state: str) -> None:
    put_into(network, before, state)
    start, counted = network.standin.saved(), Writes()
    with counted.watched():
        book_again("bat_1")
    expected = network.everything()
    for number in range(1, counted.count + 1):
        restore(network, start)
        both_at_once(number)
        assert network.everything() == expected, f"the other came before write {number}"


def both_at_once(number: int) -> None:
    """One run does all its work just before a write of another, which then goes on."""
    real, count = BaseClient._make_api_call, 0

    def call(client: BaseClient, operation: str, arguments: Any) -> Any:
        nonlocal count
        count += operation in WRITES
        if operation in WRITES and count == number:
            with patch.object(BaseClient, "_make_api_call", real):
                book_again("bat_1")
        return real(client, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", call), suppress(ConflictError):
        book_again("bat_1")


def test_a_worker_that_still_has_its_page_debits_nobody_into_it(
    network: Network, before: Saved
) -> None:
    put_into(network, before, "planning")
    book_again("bat_1")
    was = network.everything()
    debiting.debit_page("bat_1", 1)
    assert network.everything() == was


def test_where_the_payouts_alone_were_restored_debits_and_results_stay_as_they_are(
    network: Network, before: Saved
) -> None:
    network.settle("bat_1", ann="paid", spo="failed")
    was = network.standin.saved()
    restore(network, {**was, "payouts": before["payouts"]})
    assert book_again("bat_1").debited == 0
    assert network.payout_statuses("bat_1") == {"ann": "paid", "spo": "failed", "top": "sent"}
    assert payout_batches.get_batch("bat_1").unsettled == 1
    assert network.balances() == {"spo": 500}
    assert findings(network) == []


@pytest.mark.parametrize(
    ("said", "status", "left"),
    [
        (("paid", "returned"), "returned", 5_000),
        (("paid", "returned", "arrived"), "arrived", 0),
        (("failed", "arrived"), "arrived", 0),
        (("failed", "arrived", "returned"), "returned", 5_000),
    ],
)
def test_so_do_the_later_words_of_the_bank(
    network: Network, before: Saved, said: tuple[str, ...], status: str, left: int
) -> None:
    for word in said:
        network.settle("bat_1", ann=word)
    was = network.standin.saved()
    restore(network, {**was, "payouts": before["payouts"]})
    book_again("bat_1")
    assert network.payout_statuses("bat_1") == {"ann": status, "spo": "sent", "top": "sent"}
    assert network.balances() == ({"ann": left} if left else {})
    assert findings(network) == []


def test_who_was_held_then_and_is_in_the_file_is_held_no_more(
    network: Network, before: Saved
) -> None:
    put_into(network, before, "planned")
    held = payout_id("bat_1", "mem_spo")
    holding_payouts.hold("bat_1", held, "whose number is it", operator("key_3"))
    book_again("bat_1")
    assert payout_batches.get_batch("bat_1").held_count == 0
    assert findings(network) == []


def test_who_was_taken_out_then_is_not_in_the_file_and_stays_out(
    network: Network, before: Saved
) -> None:
    restore(network, before)
    put_back = take_file("bat_1")
    put_members(EMP)
    network.report("o-8", 20_000, affiliate_id=EMP.member_id)
    network.deliver_facts()
    network.start_batch("bat_1")
    network.deliver_work()
    holding_payouts.remove("bat_1", payout_id("bat_1", "mem_emp"), "odd", operator("key_3"))
    put_back()
    batch = book_again("bat_1").batch
    assert (batch.count, batch.removed_count, batch.removed_minor) == (3, 1, 1_000)
    assert network.payout_statuses("bat_1")["emp"] == "removed"
    assert findings(network) == []


def test_nobody_is_taken_out_of_a_batch_whose_file_is_there(
    network: Network, before: Saved
) -> None:
    put_into(network, before, "planned")
    ann = payout_id("bat_1", "mem_ann")
    with pytest.raises(ConflictError, match="linkage payouts rebook bat_1"):
        holding_payouts.remove("bat_1", ann, "odd", operator("key_3"))


def test_an_approved_batch_that_was_restored_is_not_written_anew(
    network: Network, before: Saved
) -> None:
    """Ann was suspended since: her payout would be taken out, though the bank has its file."""
    restore(network, before)
    put_back = take_file("bat_1")
    network.start_batch("bat_1")
    network.deliver_work()
    planning.approve("bat_1", operator("key_2"))
    put_back()
    members.set_member("mem_ann", status="suspended")
    files = network.files()
    assert missing() == ("bat_1",)
    planning.tick()
    with pytest.raises(ConflictError, match="linkage payouts rebook bat_1"):
        exporting.export("bat_1")
    assert network.files() == files
    book_again("bat_1")
    assert set(network.payout_statuses("bat_1").values()) == {"sent"}
    assert network.files() == files
    assert findings(network) == []


# ---- files of an earlier release, and bad ones


def forget_what_is_beside(network: Network, batch_id: str = "bat_1") -> None:
    write_file(batch_id, network.files()[f"payouts/{batch_id}.csv"].encode())


def test_a_file_of_an_earlier_release_needs_the_cutoff(network: Network, before: Saved) -> None:
    forget_what_is_beside(network)
    restore(network, before)
    was = network.everything()
    with pytest.raises(InvalidFieldError, match="--cutoff"):
        book_again("bat_1")
    for cutoff in ("2126-11-22", "21.11.2026", "2026-02-30"):
        with pytest.raises(InvalidFieldError):
            rebook("bat_1", BY, cutoff=cutoff)
    assert network.everything() == was
    batch = rebook("bat_1", BY, cutoff="2026-11-21").batch
    assert (batch.cutoff, batch.currency, batch.count) == ("2026-11-21", "USD", 3)
    assert network.balances() == {}


def test_unless_the_table_still_has_its_batch(network: Network, before: Saved) -> None:
    forget_what_is_beside(network)
    put_into(network, before, "planned")
    forget_what_is_beside(network)
    assert book_again("bat_1").batch.cutoff == "2026-11-21"
    assert findings(network) == []


def test_a_file_of_nobody_settles_at_once_and_without_its_batch_needs_a_currency(
    network: Network,
) -> None:
    exported(network, "bat_1")
    restore(network, network.saved)
    assert book_again("bat_1").batch.status == "settled"
    restore(network, network.saved)
    forget_what_is_beside(network)
    with pytest.raises(InvalidFieldError, match="--currency"):
        rebook("bat_1", BY, cutoff="2026-11-21")
    assert rebook("bat_1", BY, cutoff="2026-11-21", currency="ZWG").batch.status == "settled"
    assert findings(network) == []


def test_another_cutoff_than_the_batchs_is_refused(network: Network, before: Saved) -> None:
    restore(network, before)
    with pytest.raises(InvalidFieldError, match="Leave --cutoff out"):
        rebook("bat_1", BY, cutoff="2026-11-20")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda _: "", "values to unpack", id="nothing at all"),
        pytest.param(lambda text: text.replace("amount", "sum"), "no column amount", id="a column"),
        pytest.param(lambda text: text.replace("50.00", "50"), "no amount", id="no decimals"),
        pytest.param(lambda text: text.replace("50.00", "-50.00"), "pays -50.00", id="negative"),
        pytest.param(lambda text: text.replace("50.00", "0.00"), "pays 0.00", id="zero"),
        pytest.param(lambda text: text.replace("50.00", "５0.00"), "no amount", id="digits"),
        pytest.param(lambda text: text.replace("USD", "usd"), "no amount", id="a currency"),
        pytest.param(lambda text: text + text.splitlines()[-1], "twice", id="a row twice"),
        pytest.param(lambda text: text.replace("mem_ann", "mem_x"), "no payout of", id="a thief"),
        pytest.param(lambda text: text.replace("bat_1", "bat_2"), "no payout of", id="a batch"),
        pytest.param(lambda text: text.replace(",USD,", ",", 1), "shorter", id="a cell left out"),
        pytest.param(lambda text: text + '"unclosed', "end of data", id="a quote that stays open"),
        pytest.param(
            lambda text: text.replace("50.00,USD", "50.00,ZWG"), "several", id="two currencies"
        ),
        pytest.param(lambda text: text.replace("USD", "ZWG"), "in USD", id="another currency"),
    ],
)
def test_a_file_that_is_none_books_nothing(
    network: Network, before: Saved, spoil: Callable[[str], str], said: str
) -> None:
    text = network.files()["payouts/bat_1.csv"]
    put_into(network, before, "planned")
    write_file("bat_1", spoil(text).encode())
    was = network.everything()
    with pytest.raises(ConflictError, match=said) as refused:
        book_again("bat_1")
    assert refused.value.code == "payout_file_unreadable"
    assert network.everything() == was


def test_without_a_file_there_is_nothing_to_book(network: Network) -> None:
    with pytest.raises(NotFoundError, match="There is no such payout file"):
        book_again("bat_1")


def test_what_is_kept_beside_a_file_is_no_text_of_a_person_and_has_room_in_s3(
    network: Network, before: Saved
) -> None:
    """S3 takes 2 KB, in ASCII; ids and hashes are as long as they get."""
    batch = replace(
        payout_batches.get_batch("bat_1"),
        created_by="key_" + "x" * 60,
        approved_by="key_" + "x" * 60,
        created_by_person="\ufdfa" * 60,
        fingerprint="f" * 64,
    )
    payout_files.put_file(batch, b"")
    beside = payout_files._files.head_object(**key_of("bat_1"))["Metadata"]
    assert sum(len(name) + len(value) for name, value in beside.items()) < 1_000
    kept = payout_files.get_file("bat_1").batch
    assert kept
    for name in ("currency", "cutoff", "created_at", "created_by", "approved_by", "fingerprint"):
        assert getattr(kept, name) == getattr(batch, name)
