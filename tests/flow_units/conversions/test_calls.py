"""How many calls to DynamoDB each step of a conversion makes, and of what."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.requests import SentRefund
from linkage.domain.errors import LedgerError, NotFoundError
from linkage.domain.people.client_codes import Client
from linkage.domain.people.members import Split
from linkage.domain.people.requests import SentClientCode
from linkage.domain.terms.coupons import Coupon
from linkage.flow.commissions.posting import Fact, Posting
from linkage.flow.commissions.sweeping import sweep
from linkage.flow.conversions import recording, vendor_decisions
from linkage.flow.people import client_codes
from linkage.tables import coupons, members, settings
from linkage.tables.conversions import UNPOSTED_SHARDS, get_conversion
from tests.aws_tables import forget_versions
from tests.faults.standin import Standin
from tests.flow_units.attributions import BOB, BUYER, CLIENT, put_click
from tests.flow_units.calls import calls, reads
from tests.flow_units.network import (
    ANN,
    LEADS,
    MANUAL,
    ON_REPORT,
    SETTINGS,
    SHOP,
    SHOP_KEY,
    SPO,
    TOP,
    VENDOR,
    Network,
    make_rich,
    put_members,
    put_programs,
    reported,
)

UPLINE_AND_TALLIES = "BatchGetItem tallies+members"


@pytest.fixture
def network(network: Network) -> Iterator[Network]:
    """The small network on the stand-in, where a hundred sales take no time; a cold function."""
    forget_versions()
    with Standin().serving():
        settings.publish_settings(SETTINGS)
        put_members(SHOP, ANN, SPO, TOP)
        put_programs(ON_REPORT, MANUAL, LEADS)
        yield network
    forget_versions()


@pytest.fixture
def rich(network: Network) -> Network:
    """The same with terms that look at more than the sale itself."""
    make_rich()
    return network


# ---- a report


def test_a_report_that_names_its_affiliate_reads_twice_and_writes_once(network: Network) -> None:
    network.report("o-0", 500)
    with calls() as made:
        network.report("o-1", 10_000)
    assert made == [
        "BatchGetItem conversions+programs+settings+members",
        UPLINE_AND_TALLIES,
        "PutItem conversions",
    ]


def test_a_report_with_a_click_reads_whose_it_is_as_well(network: Network) -> None:
    put_click(network, "1", "mem_ann")
    with calls() as made:
        network.report("o-1", 10_000, click_id="clk_1", affiliate_id=None)
    assert made == [
        "BatchGetItem conversions+programs+settings+clicks+members",
        "BatchGetItem members",
        UPLINE_AND_TALLIES,
        "TransactWriteItems conversions+tallies",
    ]


def test_a_customer_costs_a_report_no_call_more(network: Network) -> None:
    put_click(network, "1", "mem_ann")
    for number in (1, 2):  # nobody's, and then the one Ann introduced
        with calls() as made:
            network.report(f"o-{number}", 100, click_id="clk_1", affiliate_id=None, customer=BUYER)
        assert len(made) == 4
        assert made[0] == "BatchGetItem conversions+programs+settings+clicks+members+customers"


def test_a_report_that_names_everything_makes_four_calls_too(network: Network) -> None:
    put_members(BOB)
    put_click(network, "1", "mem_ann")
    put_click(network, "2", "mem_spo", days=2)
    coupons.put_coupon(Coupon(VENDOR, "ROOF", "prg_now", "mem_spo", False, None, None, False, "2"))
    lead = network.report("l-1", 0, event="lead", program_id=LEADS.program_id)
    network.report("o-1", 100, click_id="clk_2", affiliate_id=None, customer=CLIENT)
    code, _ = client_codes.make(SentClientCode(VENDOR, "mem_bob", CLIENT), SHOP_KEY)
    sent = reported(
        "o-2",
        100,
        affiliate_id="mem_bob",
        click_id="clk_1",
        coupon="ROOF",
        lead_id=lead.conversion_id,
        joint_with=lead.conversion_id,
        customer=BUYER,
    )
    with calls() as made:
        recording.report(replace(sent, client=Client(CLIENT, code)))
    assert made == [
        "BatchGetItem conversions+programs+settings+coupons+clicks+members+customers",
        "BatchGetItem members+customers+conversions",
        UPLINE_AND_TALLIES,
        "TransactWriteItems conversions+customers+tallies",
    ]


def test_only_splits_of_the_upline_cost_a_report_another_read(rich: Network) -> None:
    put_click(rich, "1", "mem_ann")
    sent: dict[str, Any] = {"program_id": "prg_rich", "click_id": "clk_1", "affiliate_id": None}
    with calls() as of_the_affiliate:
        rich.report("o-1", 100, **sent)
    members.set_member("mem_spo", splits=[asdict(Split("mem_bob", 100))])
    with calls() as of_the_upline:
        rich.report("o-2", 100, **sent)
    assert (len(of_the_affiliate), len(of_the_upline)) == (4, 5)


def test_a_report_sent_again_reads_once_and_writes_nothing(network: Network) -> None:
    put_click(network, "1", "mem_ann")
    sent = reported("o-1", 100, click_id="clk_1", customer=BUYER)
    recording.report(sent)
    with calls() as made:
        assert recording.report(sent)[1]
    assert made == ["BatchGetItem conversions+programs+settings+clicks+members+customers"]


def test_a_report_that_waits_for_a_word_reads_no_tallies(network: Network) -> None:
    with calls() as made:
        network.report("o-1", 100, program_id="prg_man")
    assert made == ["BatchGetItem conversions+programs+settings+members", "PutItem conversions"]


# ---- the word on it


def pending(network: Network, external_id: str, **changes: Any) -> Conversion:
    forget_versions()
    return network.report(external_id, 100, program_id="prg_man", **changes)


def test_a_confirmation_makes_four_calls_and_reads_the_terms_once(network: Network) -> None:
    sold = pending(network, "o-1")
    with calls() as cold:
        network.confirm(sold)
    assert cold == [
        "Query conversions",
        "BatchGetItem programs+settings+members",
        UPLINE_AND_TALLIES,
        "TransactWriteItems conversions+tallies",
    ]
    other = network.report("o-2", 100, program_id="prg_man", customer=BUYER)
    with calls() as warm:
        network.confirm(other)
    assert reads(warm) == [
        "Query conversions",
        "BatchGetItem customers+members",
        UPLINE_AND_TALLIES,
    ]
    with calls() as again:
        network.confirm(other)
    assert again == ["Query conversions"]


def test_a_customer_who_was_introduced_costs_a_confirmation_one_read(network: Network) -> None:
    network.report("o-0", 100, customer=BUYER)
    sold = network.report("o-1", 100, program_id="prg_man", customer=BUYER)
    with calls() as made:
        network.confirm(sold)
    assert len(made) == 5
    assert made[2] == "BatchGetItem conversions"


def test_a_rejection_makes_two_calls(network: Network) -> None:
    sold = pending(network, "o-1")
    with calls() as made:
        network.reject(sold)
    assert made == ["Query conversions", "TransactWriteItems conversions"]


def test_a_refund_makes_three_calls_and_two_where_nothing_was_counted(network: Network) -> None:
    sold = network.report("o-1", 100)
    waiting = pending(network, "o-2")
    for refunded, read in ((sold, ["BatchGetItem tallies+programs+settings"]), (waiting, [])):
        forget_versions()
        with calls() as made:
            network.refund(refunded, "r-1", 10)
        assert reads(made) == ["Query conversions", *read]
        assert len(made) == len(read) + 2


def test_silence_makes_as_many_calls_as_a_vendors_word(rich: Network) -> None:
    sold = rich.report("o-1", 100, program_id="prg_silent")
    rich.pass_time(days=14)
    with calls() as made:
        assert vendor_decisions.confirm_silently(sold.conversion_id)
    assert len(made) == 4


def test_what_a_word_is_answered_with_is_what_is_stored(network: Network) -> None:
    sent = SentRefund("r-1", 7, "returned", "f")
    for number, word in enumerate(
        (
            lambda sold: vendor_decisions.confirm(sold, VENDOR),
            lambda sold: vendor_decisions.reject(sold, VENDOR, "fraud", "stolen card"),
            lambda sold: vendor_decisions.refund(sold, VENDOR, sent),
        )
    ):
        sold = network.report(f"o-{number}", 100, program_id="prg_man", customer=BUYER)
        answered = word(sold.conversion_id)[0]
        assert answered == get_conversion(sold.conversion_id) != sold


# ---- posting


def facts_of(network: Network, count: int, **changes: Any) -> list[Fact]:
    """The facts of so many sales, in the order the stream brings them, to a cold function."""
    for number in range(count):
        network.report(f"o-{number}", 10_000, **changes)
    forget_versions()
    return network.unposted()


@pytest.mark.parametrize("count", [1, 25, 100])
def test_a_batch_of_the_stream_reads_its_facts_their_terms_and_their_balances_once(
    network: Network, count: int
) -> None:
    facts = facts_of(network, count)
    for terms_read in (1, 0):
        with calls() as made:
            batch = Posting(facts)
            posted = [batch.post(*fact) for fact in facts]
        assert posted == [bool(terms_read)] * count
        cold = ["BatchGetItem programs+settings", "BatchGetItem ledger"]
        reads_made = ["BatchGetItem conversions", *cold * terms_read]
        assert reads(made) == reads_made
        assert len(made) == len(reads_made) + count


def test_a_batch_of_confirmations_reads_two_items_of_each(network: Network) -> None:
    for number in range(100):
        network.confirm(network.report(f"o-{number}", 100, program_id="prg_man"))
    facts = network.unposted()
    with calls() as made:
        batch = Posting(facts)
        assert all(batch.post(*fact) for fact in facts)
    assert reads(made) == [*["BatchGetItem conversions"] * 2, "BatchGetItem ledger"]
    assert len(made) == 103


def test_a_refund_is_posted_by_the_head_that_was_read_with_it(network: Network) -> None:
    sold = network.report("o-1", 10_000)
    network.deliver_facts()
    network.refund(sold, "r-1", 500)
    network.refund(sold, "r-2", 600)
    facts = network.unposted()
    with calls() as made:
        batch = Posting(facts)
        assert all(batch.post(*fact) for fact in facts)
    assert reads(made) == ["BatchGetItem conversions+ledger"]
    assert len(made) == 3


@pytest.mark.parametrize(("first", "looks"), [("report", 2), ("refund", 3)])
def test_a_refund_that_comes_with_its_confirmation_looks_for_the_head_again(
    network: Network, first: str, looks: int
) -> None:
    network.refund(network.report("o-1", 10_000), "r-1", 500)
    facts = sorted(network.unposted(), key=lambda fact: not fact[1].startswith(first))
    with calls() as made:
        batch = Posting(facts)
        posted = [batch.post(*fact) for fact in facts]
    # A refund that comes first has its confirmation posted before it.
    assert posted == [True, first == "report"]
    # One of them is for the balances, which no payout has been taken out of.
    assert made.count("BatchGetItem ledger") == looks
    assert network.unposted() == []


def test_one_fact_that_cannot_be_posted_leaves_the_others_of_its_batch(network: Network) -> None:
    waiting = network.report("o-x", 100, program_id="prg_man")
    good = facts_of(network, 2)
    batch = Posting([(waiting.conversion_id, "report"), ("cnv_none", "report"), *good])
    with pytest.raises(LedgerError, match="not confirmed"):
        batch.post(waiting.conversion_id, "report")
    with pytest.raises(NotFoundError):
        batch.post("cnv_none", "report")
    assert [batch.post(*fact) for fact in good] == [True, True]


def test_a_fact_delivered_twice_in_one_batch_is_read_and_posted_once(network: Network) -> None:
    (fact,) = facts_of(network, 1)
    with calls() as made:
        batch = Posting([fact, fact])
        assert [batch.post(*fact), batch.post(*fact)] == [True, False]
    assert len(made) == 5


def test_what_is_swept_costs_two_calls_a_fact_and_one_a_shard(network: Network) -> None:
    facts_of(network, 5)
    network.pass_time(minutes=1)
    with calls() as made:
        assert len(list(sweep(network.moment))) == 5
    assert len(made) == UNPOSTED_SHARDS + 2 + 2 * 5
