"""Which payout holds an affiliate's money is what its debit took, whatever came in between."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.ledger.ledger import Posting, Transaction, lines_due_on
from linkage.domain.payouts.payouts import (
    Batch,
    Payout,
    debit_of,
    debit_transaction,
    decide,
    payout_id,
)
from linkage.domain.payouts.requests import Result
from linkage.domain.terms.network import PayoutSchedule
from linkage.flow.commissions import posting
from linkage.flow.explanations.explanations import explanation
from linkage.flow.explanations.viewers import Viewer
from linkage.flow.payouts import planning, settling
from linkage.flow.payouts.covering import debits_of
from linkage.tables import ledger, settings
from linkage.tables.conversions import get_conversion
from linkage.tables.members import get_member
from tests.aws_tables import forget_versions
from tests.domain.examples import operator
from tests.flow_units.calls import calls
from tests.flow_units.network import SETTINGS, Network, small_network, table

OPERATOR = Viewer("operator", None)


@pytest.fixture
def network() -> Iterator[Network]:
    with small_network() as made:
        yield made


def payout_of(conversion: Conversion, name: str = "ann") -> str | None:
    """The batch of the payout that the explanation says an affiliate's line is in."""
    told = explanation(get_conversion(conversion.conversion_id), OPERATOR)
    (line,) = [each for each in told["lines"] if each["affiliate_id"] == f"mem_{name}"]
    return line["payout"] and line["payout"]["batch_id"]


def sentence_of(conversion: Conversion, name: str = "ann") -> str:
    told = explanation(get_conversion(conversion.conversion_id), OPERATOR)
    (said,) = [each for each in told["story"] if f"for affiliate mem_{name} is due" in each]
    return said


def sell(network: Network, external_id: str, amount_minor: int = 100_000) -> Conversion:
    sold = network.report(external_id, amount_minor)
    network.deliver_facts()
    return sold


def plan(network: Network, batch_id: str, cutoff: str | None = None) -> None:
    network.start_batch(batch_id, cutoff=cutoff)
    network.deliver_work()


def export(network: Network, batch_id: str) -> None:
    planning.approve(batch_id, operator("key_2"))
    network.deliver_approvals()


def say(batch_id: str, status: str, name: str = "ann") -> None:
    result = Result("", payout_id(batch_id, f"mem_{name}"), status, None, None)
    settling.settle(batch_id, [result], operator("key_1"))


def test_a_sale_posted_after_a_debit_is_in_the_next_payout_however_old_it_is(
    network: Network,
) -> None:
    first = sell(network, "o-1")
    late = network.report("o-2", 100_000)
    network.start_batch("bat_1")
    network.deliver_work()
    network.deliver_facts()
    assert (payout_of(first), payout_of(late)) == ("bat_1", None)
    assert "the first payout batch that reaches that day pays it" in sentence_of(late)
    plan(network, "bat_2")
    assert (payout_of(first), payout_of(late)) == ("bat_1", "bat_2")


def test_a_sale_posted_while_a_batch_is_planned_is_in_it_exactly_if_it_was_paid(
    network: Network,
) -> None:
    network.report("o-1", 100_000)
    network.deliver_facts()
    network.start_batch("bat_1")
    meanwhile = sell(network, "o-2")
    network.deliver_work()
    assert payout_of(meanwhile) == "bat_1"


def test_money_that_came_back_is_followed_to_where_it_is_now(network: Network) -> None:
    sold = sell(network, "o-1")
    plan(network, "bat_1")
    export(network, "bat_1")
    network.pass_time(days=2)
    say("bat_1", "failed")
    assert payout_of(sold) is None
    came_back = payout_id("bat_1", "mem_ann")
    assert (
        f"it came back from payout {came_back}, which is failed; it is due again on 2026-11-23, "
        "and the first payout batch that reaches that day pays it." in sentence_of(sold)
    )
    plan(network, "bat_early", cutoff="2026-11-22")
    assert payout_of(sold) is None, "a batch of an earlier cutoff does not reach what came back"
    plan(network, "bat_2")
    assert payout_of(sold) == "bat_2"
    assert sentence_of(sold).endswith(
        f"it came back from payout {came_back}, which is failed; it is in payout "
        f"{payout_id('bat_2', 'mem_ann')}, which is debited."
    )
    export(network, "bat_2")
    say("bat_2", "paid")
    say("bat_2", "returned")
    assert payout_of(sold) is None
    say("bat_2", "arrived")
    assert payout_of(sold) == "bat_2"
    say("bat_1", "arrived")
    assert payout_of(sold) == "bat_1"


def test_a_cancelled_batch_gives_its_lines_to_the_next(network: Network) -> None:
    sold = sell(network, "o-1")
    plan(network, "bat_1")
    planning.cancel("bat_1", operator("key_1"))
    network.deliver_work()
    assert payout_of(sold) is None
    plan(network, "bat_2")
    assert payout_of(sold) == "bat_2"


def test_a_line_due_after_a_cutoff_waits_for_a_batch_that_reaches_it(network: Network) -> None:
    first = sell(network, "o-1")
    network.pass_time(days=1)
    second = sell(network, "o-2")
    plan(network, "bat_1", cutoff="2026-11-21")
    assert (payout_of(first), payout_of(second)) == ("bat_1", None)
    plan(network, "bat_2")
    assert (payout_of(first), payout_of(second)) == ("bat_1", "bat_2")


def earn(number: int, due_on: str, amount_minor: int = 100) -> Transaction:
    posting = Posting("vendor:mem_shop", "affiliate:mem_ann", amount_minor, "USD", "commission")
    accepted_at = f"2026-11-21T09:00:00.{number % 1000:03d}Z"
    due = lines_due_on((posting,), due_on)
    return Transaction(f"cnv_{number:05d}/confirmation", "commission", accepted_at, (posting,), due)


def take_out(batch_id: str) -> None:
    """A payout of all that is due, without the batch around it."""
    balance = ledger.find_balance("mem_ann", "USD")
    batch = Batch(batch_id, "USD", "2026-11-21", "planning", clock.text(clock.now()), "key_1")
    payout = decide(batch, get_member("mem_ann"), balance, 1)
    assert isinstance(payout, Payout)
    assert balance
    debit = ledger.put_debit(debit_of(payout, batch, balance))
    ledger.post(debit_transaction(payout, batch, balance), closing=balance, also=[debit])


def test_the_payout_of_an_old_sale_is_found_after_a_thousand_more(network: Network) -> None:
    """In calls that do not grow with them."""
    sold = sell(network, "o-1")
    plan(network, "bat_0")
    for number in range(1, 1_001):
        ledger.post(earn(number, "2026-11-21"))
        take_out(f"bat_{number}")
    assert sum(item["line"].startswith("debit#") for item in table("ledger")) == 1_001 + 2
    with calls() as made:
        assert payout_of(sold) == "bat_0"
    assert len(made) <= 12
    for number in (1, 500, 1_000):
        with calls() as made:
            found = debits_of("mem_ann", "USD", [(number, "2026-11-21")])
        assert found[number, "2026-11-21"].batch_id == f"bat_{number}"
        assert len(made) == 1


def forget_debits(network: Network) -> None:
    """Takes out of the ledger what the release before did not write."""
    kept = network.standin.saved()
    ledger_items = kept["ledger"]
    for key, item in list(ledger_items.items()):
        if item["line"]["S"].startswith("debit#"):
            del ledger_items[key]
        else:
            ledger_items[key] = {name: value for name, value in item.items() if name != "debits"}
    network.standin.go_back(kept)
    forget_versions()


def test_what_an_earlier_release_posted_is_told_as_it_was(network: Network) -> None:
    sold = sell(network, "o-1")
    plan(network, "bat_1")
    forget_debits(network)
    assert payout_of(sold) == "bat_1"
    late = sell(network, "o-2")
    assert payout_of(late) is None
    plan(network, "bat_2")
    assert payout_of(late) == "bat_2"


def test_entries_say_which_payout_took_them(network: Network) -> None:
    from linkage.flow.ledger.reading_accounts import _taken_by
    from linkage_api.ledger.balances import _entry

    def entries() -> dict[str, dict[str, Any]]:
        lines = ledger.list_lines("mem_ann", None, 100, None).data
        taken = _taken_by("mem_ann", lines)
        return {line["transaction_id"]: _entry(line, taken) for line in lines}

    first = sell(network, "o-1")
    plan(network, "bat_1")
    second = sell(network, "o-2")
    name = f"{first.conversion_id}/confirmation"
    assert entries()[name]["taken_by"] == {"2026-11-21": payout_id("bat_1", "mem_ann")}
    assert entries()[f"{second.conversion_id}/confirmation"]["taken_by"] == {}
    assert entries()[payout_id("bat_1", "mem_ann")]["taken_by"] == {}
    with calls() as made:
        entries()
    assert len(made) == 2


def test_a_page_of_entries_reads_each_debit_once(network: Network) -> None:
    from linkage.flow.ledger.reading_accounts import _taken_by

    for number in range(1, 40):
        ledger.post(earn(number, "2026-11-21"))
        if number % 10 == 0:
            plan(network, f"bat_{number}")
    lines = ledger.list_lines("mem_ann", None, 100, None).data
    with calls() as made:
        taken = _taken_by("mem_ann", lines)
    assert len(made) == 1
    assert sorted(number for _, number, _ in taken) == [0, 1, 2]


def test_a_fact_that_posts_late_keeps_the_payout_count_it_met(network: Network) -> None:
    late = network.report("o-1", 100_000)
    sell_other = network.report("o-2", 100_000)
    posting.post_fact(sell_other.conversion_id, "report")
    plan(network, "bat_1")
    posting.post_fact(late.conversion_id, "report")
    posting.post_fact(late.conversion_id, "report")
    counts = {
        item["transaction_id"]: item["debits"]
        for item in table("ledger")
        if item["line"].startswith("line#") and item["account"] == "affiliate:mem_ann"
    }
    assert counts == {
        f"{sell_other.conversion_id}/confirmation": 0,
        payout_id("bat_1", "mem_ann"): 1,
        f"{late.conversion_id}/confirmation": 1,
    }


# ---- the next batch that reaches it


def next_batch_of(sold: Conversion) -> str:
    summary = " ".join(explanation(get_conversion(sold.conversion_id), OPERATOR)["summary"])
    return summary.partition("The next that reaches it is on ")[2][:10]


def publish(zone: str, hour: int, *days: int) -> None:
    schedule = PayoutSchedule(days, hour, zone, ("USD",), "2026-11-01T00:00:00.000Z")
    number = settings.current_settings().version + 1
    settings.publish_settings(replace(SETTINGS, version=number, payout_schedule=schedule))


def test_the_next_batch_is_the_one_that_is_not_made_yet(network: Network) -> None:
    publish("UTC", 8, 21, 25)
    sold = sell(network, "o-1")
    assert next_batch_of(sold) == "2026-11-21", "its hour is over, and the tick has not come"
    planning.tick()
    network.deliver_work()
    assert next_batch_of(sold) == "", "it is in it"
    late = sell(network, "o-2")
    assert next_batch_of(late) == "2026-11-25"


def test_a_batch_that_is_missed_is_not_the_next(network: Network) -> None:
    publish("UTC", 8, 21, 25)
    sold = sell(network, "o-1")
    network.pass_time(days=2, hours=22, minutes=59)
    assert next_batch_of(sold) == "2026-11-21"
    network.pass_time(minutes=1)
    assert next_batch_of(sold) == "2026-11-25"


@pytest.mark.parametrize(
    ("zone", "hour", "expected"),
    [
        ("UTC", 10, "2026-11-21"),
        ("Africa/Harare", 12, "2026-11-21"),
        ("Africa/Harare", 0, "2026-11-22"),
        ("Pacific/Kiritimati", 0, "2026-11-22"),
        ("Pacific/Honolulu", 0, "2026-11-21"),
    ],
)
def test_the_next_batch_knows_hour_zone_and_cutoff(
    network: Network, zone: str, hour: int, expected: str
) -> None:
    """At nine in the morning, UTC, of a sale that is due that day."""
    publish(zone, hour, 21, 22, 23)
    assert next_batch_of(sell(network, "o-1")) == expected
