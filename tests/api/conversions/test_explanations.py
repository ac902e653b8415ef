"""What an explanation answers by itself: why did I get 1.37, and when do I get it?"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Item
from linkage.flow.conversions import vendor_decisions
from linkage.tables import conversions
from tests.api.client import Client
from tests.api.conftest import NETWORK, PROGRAM, Network
from tests.api.sales import FAR, batch, click, paid_out, refund, sale

TODAY = clock.day(clock.now())
DUE = (TODAY + timedelta(days=14)).isoformat()
LATER = f"It is due on {DUE}, 14 days after the confirmation; the first payout batch that reaches"


def told(reader: Client, conversion_id: str) -> dict[str, Any]:
    """The explanation as a member reads it."""
    return reader.get(f"/v1/conversions/{conversion_id}/explanation").body


def story(reader: Client, conversion_id: str) -> str:
    return "\n".join(told(reader, conversion_id)["story"])


def publish(network: Network, **changes: object) -> None:
    """Publishes settings of the network."""
    answer = network.operator.put("/v1/network", NETWORK | changes)
    assert answer.status == 200, answer.body


def split(network: Network, giver: Client, receiver: Client, share_bps: int) -> None:
    """Lets a member's earnings be shared."""
    splits = [{"member_id": receiver.member_id, "share_bps": share_bps}]
    path = f"/v1/members/{giver.member_id}"
    assert network.operator.call("PATCH", path, {"splits": splits}).status == 200


@dataclass(frozen=True)
class Rich:
    """A sale that posts something of every kind, and the network it was made in."""

    network: Network
    sold: str
    program_id: str


@pytest.fixture
def rich(network: Network) -> Rich:
    publish(
        network,
        affiliate_fee_bps=300,
        recruitment_bonus={"amount_minor": 500, "currency": "USD"},
    )
    split(network, network.affiliate, network.other_affiliate, 2000)
    split(network, network.sponsor, network.other_affiliate, 5000)
    bonus = {"by": "count", "period": "year", "target": 1, "amount_minor": 7, "currency": "ZWG"}
    program_id = network.program(bonuses=[bonus])
    click_id = click(network, program_id, network.affiliate.member_id or "")
    return Rich(network, sale(network, program_id, click_id=click_id), program_id)


def test_the_summary_says_what_an_affiliate_gets_of_what_and_when(rich: Rich) -> None:
    usd, zwg, why = told(rich.network.affiliate, rich.sold)["summary"]
    assert usd.startswith(
        "You get 9.71 USD: commission 12.50, fee to the network -0.37, "
        f"split to another member -2.42. {LATER}"
    )
    assert zwg.startswith(f"You get 0.07 ZWG: bonus for the period's sales 0.07. {LATER}")
    assert why.startswith("Why: it is attributed to you, because the click was sent")
    assert "10 % of 125.00 USD is 12.50 USD, rounded half up" in why


def test_the_summary_says_when_batches_come_and_what_they_leave(rich: Rich) -> None:
    schedule = {"days_of_month": [15, 1], "hour": 8, "time_zone": "UTC", "currencies": ["USD"]}
    publish(rich.network, payout_schedule=schedule)
    due = date.fromisoformat(DUE)
    after = [due + timedelta(days=ahead) for ahead in range(31)]
    batch_on = next(day for day in after if day.day in {1, 15})
    usd, zwg, _ = told(rich.network.affiliate, rich.sold)["summary"]
    assert usd.endswith(
        "pays it. Batches in USD are planned on these days of each month: 1, 15. The next that "
        f"reaches it is on {batch_on}. A balance below 10.00 USD waits for a later one."
    )
    assert zwg.endswith("that day pays it.")


def test_the_summary_is_the_readers_own(rich: Rich) -> None:
    (sponsor, why) = told(rich.network.sponsor, rich.sold)["summary"]
    assert sponsor.startswith(
        "You get 5.63 USD: level 1 override 1.25, split to another member -0.62, "
        f"recruitment bonus 5.00. {LATER}"
    )
    assert "attributed to another affiliate" in why
    (receiver, _) = told(rich.network.other_affiliate, rich.sold)["summary"]
    assert receiver.startswith(f"You get 3.04 USD: split from another member 3.04. {LATER}")


def test_a_vendor_reads_what_a_sale_costs_and_nothing_of_payouts(rich: Rich) -> None:
    paid_out(batch(FAR), rich.network.affiliate.member_id or "")
    read = told(rich.network.vendor, rich.sold)
    assert read["summary"] == [
        "This costs you 15.00 USD: commission 12.50, network fee 2.50.",
        "This costs you 0.07 ZWG: bonus 0.07.",
    ]
    text = json.dumps(read)
    assert "payout" not in text.replace("the first payout batch", "")
    assert all("payout" not in line for line in read["lines"])


def test_an_operator_reads_what_everybody_gets_and_what_the_network_keeps(rich: Rich) -> None:
    summary = told(rich.network.operator, rich.sold)["summary"]
    affiliate = rich.network.affiliate.member_id
    assert any(each.startswith(f"Affiliate {affiliate} gets 9.71 USD:") for each in summary)
    # 2.50 of fees from the vendor and 0.37 from the affiliate, less 1.25 and the bonus of 5.00.
    assert summary[-2:] == [
        "The vendor pays 15.00 USD; the network keeps -3.38 USD.",
        "The vendor pays 0.07 ZWG; the network keeps 0.00 ZWG.",
    ]


def test_every_kind_of_posting_is_told_in_words(rich: Rich) -> None:
    network = rich.network
    refund(rich.sold, 12_500)
    read = told(network.operator, rich.sold)
    kinds = {posting["kind"] for head in read["postings"] for posting in head["postings"]}
    assert kinds == {
        "commission",
        "fee",
        "affiliate_fee",
        "override",
        "split",
        "recruitment",
        "bonus",
        "clawback",
        "fee_return",
        "affiliate_fee_return",
        "split_return",
        "bonus_return",
    }
    affiliate, sponsor, receiver = (
        f"affiliate {each.member_id}"
        for each in (network.affiliate, network.sponsor, network.other_affiliate)
    )
    fees, bonuses = "the network's fees", "the network's bonuses"
    period = "bonus for the period's sales"
    for said in (
        f"12.50 USD commission moved from the vendor to {affiliate}.",
        f"2.50 USD network fee moved from the vendor to {fees}.",
        f"0.37 USD affiliate's fee moved from {affiliate} to {fees}.",
        f"1.25 USD level 1 override moved from {fees} to {sponsor}.",
        f"2.42 USD split moved from {affiliate} to {receiver}.",
        f"0.62 USD split moved from {sponsor} to {receiver}.",
        f"5.00 USD recruitment bonus moved from {bonuses} to {sponsor}.",
        f"0.07 ZWG {period} moved from the vendor to {affiliate}.",
        f"12.50 USD taken back commission moved from {affiliate} to the vendor.",
        f"2.50 USD returned network fee moved from {fees} to the vendor.",
        f"0.37 USD returned affiliate's fee moved from {fees} to {affiliate}.",
        f"1.25 USD taken back level 1 override moved from {sponsor} to {fees}.",
        f"2.42 USD returned split moved from {receiver} to {affiliate}.",
        f"5.00 USD taken back recruitment bonus moved from {sponsor} to {bonuses}.",
        f"0.07 ZWG taken back {period} moved from {affiliate} to the vendor.",
    ):
        assert said in read["story"]


def test_after_a_full_refund_everybody_reads_that_nothing_is_left(rich: Rich) -> None:
    refund(rich.sold, 12_500)
    usd, zwg, _ = told(rich.network.affiliate, rich.sold)["summary"]
    assert usd == (
        "You get nothing in USD in the end: commission 12.50, fee to the network -0.37, "
        "split to another member -2.42, commission taken back -12.50, fee given back 0.37, "
        "split that comes back 2.42."
    )
    assert zwg.endswith("bonus for the period's sales 0.07, bonus taken back -0.07.")
    (sponsor, _) = told(rich.network.sponsor, rich.sold)["summary"]
    assert "recruitment bonus taken back -5.00" in sponsor
    assert told(rich.network.vendor, rich.sold)["summary"] == [
        "This costs you nothing in USD in the end: all of it was taken back.",
        "This costs you nothing in ZWG in the end: all of it was taken back.",
    ]


def test_each_line_says_its_parts_and_they_add_up(rich: Rich) -> None:
    refund(rich.sold, 6_000)
    for reader in (rich.network.affiliate, rich.network.operator, rich.network.vendor):
        for line in told(reader, rich.sold)["lines"]:
            assert sum(part["amount_minor"] for part in line["parts"]) == line["amount_minor"]
    own = [x for x in told(rich.network.affiliate, rich.sold)["lines"] if "payout" in x]
    assert [(part["kind"], part["amount_minor"]) for part in own[0]["parts"]] == [
        ("commission", 1250),
        ("affiliate_fee", -37),
        ("split", -242),
    ]
    assert (
        f"9.71 USD (commission 12.50, fee to the network -0.37, split to another member -2.42) "
        f"for you is due on {DUE}, 14 days after the confirmation"
    ) in story(rich.network.affiliate, rich.sold)


def test_lines_of_several_due_dates_are_told_one_by_one(network: Network) -> None:
    bonus = {"by": "count", "period": "year", "target": 2, "amount_minor": 300, "currency": "USD"}
    program_id = network.program(bonuses=[bonus])
    named = network.affiliate.member_id
    first = sale(network, program_id, named=named)
    path = f"/v1/programs/{program_id}"
    network.vendor.put(path, PROGRAM | {"bonuses": [bonus], "hold_days": 1})
    second = sale(network, program_id, named=named, external_id="order 2")
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    assert (
        "is due on " + tomorrow + ", 1 day after the confirmation"
        in (told(network.affiliate, second)["summary"][0])
    )
    refund(first, 12_500)
    own = [x for x in told(network.affiliate, first)["lines"] if "payout" in x]
    assert [(x["amount_minor"], x["due_on"]) for x in own] == [
        (1250, DUE),
        (-1250, DUE),
        (-300, tomorrow),
    ]
    (lost, _) = told(network.affiliate, first)["summary"]
    assert lost == (
        "You lose 3.00 USD: commission 12.50, commission taken back -12.50, bonus taken back "
        f"-3.00. 3.00 USD makes what is due on {tomorrow} smaller."
    )
    entries = network.affiliate.get("/v1/entries").body["data"]
    assert entries[0]["dues"] == {DUE: -1250, tomorrow: -300}


def test_entries_say_what_every_kind_is(rich: Rich) -> None:
    refund(rich.sold, 12_500)
    network = rich.network
    said = "\n".join(
        why
        for reader in (network.affiliate, network.sponsor, network.other_affiliate)
        for entry in reader.get("/v1/entries").body["data"]
        for why in entry["why"]
    )
    for each in (
        "12.50 USD commission for",
        "0.37 USD fee to the network for",
        "2.42 USD split to another member for",
        "2.42 USD split from another member for",
        "5.00 USD recruitment bonus for",
        "1.25 USD override of level 1 for",
        "0.07 ZWG bonus for the period's sales for",
        "5.00 USD taken back: conversion",
        "1.25 USD override of level 1 taken back: conversion",
        "0.37 USD fee given back after a refund for",
        "2.42 USD split that came back after a refund for",
        "2.42 USD split taken back after a refund for",
        "0.07 ZWG bonus taken back after a refund for",
    ):
        assert each in said


def test_nobody_learns_of_others_than_themselves(rich: Rich) -> None:
    refund(rich.sold, 6_000)
    network = rich.network
    members = [network.affiliate, network.sponsor, network.other_affiliate]
    secrets = ["order 1", "harare 7", "+263712000111", "phone_", "till", "refund 6000"]
    for reader in members:
        others = [each.member_id for each in members if each is not reader]
        text = json.dumps(told(reader, rich.sold))
        assert [each for each in [*secrets, *others] if each in text] == []


def test_a_paid_part_names_its_payout_and_the_rest_when_it_is_due(network: Network) -> None:
    program_id = network.program(hold_days=0)
    sold = sale(network, program_id, named=network.affiliate.member_id)
    assert (
        "is due on " + TODAY.isoformat() + ", the day of the confirmation"
        in (told(network.affiliate, sold)["summary"][0])
    )
    (payout,) = paid_out(batch(TODAY.isoformat()), network.affiliate.member_id or "")
    refund(sold, 2500)
    (summary, _) = told(network.affiliate, sold)["summary"]
    assert summary == (
        "You get 10.00 USD: commission 12.50, commission taken back -2.50. 12.50 USD of it is in "
        f"payout {payout.payout_id}, which is debited. 2.50 USD makes the next payout smaller."
    )


def test_who_gets_nothing_reads_why(network: Network) -> None:
    program_id = network.program()
    own, other = network.affiliate, network.other_affiliate
    click_id = click(network, program_id, own.member_id or "")
    sold = sale(network, program_id, click_id=click_id, named=other.member_id, confirmed=False)
    assert told(own, sold)["summary"] == [
        "You get nothing yet: the vendor has neither confirmed nor rejected it."
    ]
    lost = "attributed to another affiliate: the click comes first."
    assert told(other, sold)["summary"][0].endswith(lost)
    assert told(network.vendor, sold)["summary"] == [
        "This costs you nothing yet: the vendor has neither confirmed nor rejected it."
    ]
    vendor_decisions.confirm(sold, None)
    (waiting,) = told(own, sold)["summary"]
    assert waiting.startswith("You get nothing yet: it is confirmed, and not posted")
    assert told(other, sold)["summary"] == [f"You get nothing: it is {lost}"]

    nobody = sale(network, program_id, external_id="order 2", phone="+263712000222")
    (summary,) = told(network.vendor, nobody)["summary"]
    assert summary.startswith("This costs you nothing: it is attributed to nobody: no click")
    (summary,) = told(network.operator, nobody)["summary"]
    assert summary.startswith("Everybody gets nothing: it is attributed to nobody")


def test_a_sale_that_earns_nothing_says_by_which_terms(network: Network) -> None:
    lead = {"event": "lead", "amount_minor": 200, "currency": "USD"}
    program_id = network.program(rewards=[lead])
    sold = sale(network, program_id, named=network.affiliate.member_id)
    (summary,) = told(network.affiliate, sold)["summary"]
    assert summary.startswith("You get nothing: The program has no reward for a sale in USD.")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("duplicate", "as reported twice"),
        ("cancelled", "as cancelled"),
        ("fraud", "as fraud"),
        ("test", "as a test"),
        ("not_qualified", "as not qualified"),
        ("other", "for another reason"),
    ],
)
def test_a_rejection_says_its_code_in_words(network: Network, code: str, said: str) -> None:
    sold = sale(network, network.program(), named=network.affiliate.member_id, confirmed=False)
    vendor_decisions.reject(sold, None, code, "never paid")
    read = told(network.affiliate, sold)
    assert read["summary"] == [f"You get nothing: the vendor rejected it, {said}: never paid."]
    (fact,) = read["facts"]
    assert (fact["fact"], fact["code"], fact["reason"]) == ("rejection", code, "never paid")
    assert f", {said}: never paid. It earns nothing." in "\n".join(read["story"])


def test_silence_confirms_and_is_said_before_and_after(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_id = network.program(confirmation="automatic", confirm_after_days=5)
    sold = sale(network, program_id, named=network.affiliate.member_id, confirmed=False)
    confirm_at = conversions.get_conversion(sold).confirm_at
    assert f"confirmed by itself at {confirm_at}" in story(network.affiliate, sold)
    (waiting,) = told(network.affiliate, sold)["summary"]
    assert f"It is confirmed by itself at {confirm_at} unless it is rejected." in waiting
    later = clock.now() + timedelta(days=6)
    with monkeypatch.context() as six_days_on:
        six_days_on.setattr("linkage.domain.clock.now", lambda: later)
        assert vendor_decisions.confirm_silently(sold)
    read = told(network.affiliate, sold)
    assert [(fact["fact"], fact["silent"]) for fact in read["facts"]] == [("confirmation", True)]
    assert "It was confirmed by itself at" in "\n".join(read["story"])


def test_what_happened_earlier_than_it_was_reported_is_said(network: Network) -> None:
    before = clock.text(clock.now() - timedelta(days=3))
    named = network.affiliate.member_id
    sold = sale(network, network.program(), named=named, occurred_at=before)
    assert told(network.affiliate, sold)["conversion"]["occurred_at"] == before
    assert f"It happened at {before}: that decides windows" in story(network.affiliate, sold)


def test_items_and_anothers_coupon_are_kept_from_affiliates(network: Network) -> None:
    program_id = network.program()
    network.vendor.post(
        "/v1/coupons",
        {
            "code": "SUMMER",
            "affiliate_id": network.affiliate.member_id,
            "program_id": program_id,
            "exclusive": True,
        },
    )
    items = (Item(5000, "tools", "sku-77"),)
    named = network.other_affiliate.member_id
    sold = sale(network, program_id, coupon="SUMMER", named=named, items=items)
    for reader in (network.affiliate, network.other_affiliate, network.sponsor):
        assert "sku-77" not in json.dumps(told(reader, sold))
    assert "sku-77" in json.dumps(told(network.vendor, sold))
    assert told(network.affiliate, sold)["conversion"]["coupon"] == "SUMMER"
    for reader in (network.other_affiliate, network.sponsor):
        assert "SUMMER" not in json.dumps(told(reader, sold))


def test_every_candidate_has_a_plain_name(network: Network) -> None:
    program_id = network.program()
    for code, affiliate in (("SUMMER", network.affiliate), ("WINTER", network.other_affiliate)):
        body = {"code": code, "affiliate_id": affiliate.member_id, "program_id": program_id}
        network.vendor.post("/v1/coupons", body | {"exclusive": code == "SUMMER"})
    click_id = click(network, program_id, network.other_affiliate.member_id or "")
    other = network.other_affiliate.member_id
    sold = sale(
        network,
        program_id,
        coupon="SUMMER",
        click_id=click_id,
        lead_id="cnv_0",
        joint_with="cnv_0",
        named=other,
    )
    told_story = story(network.vendor, sold)
    for said in (
        f"attributed to affiliate {network.affiliate.member_id}: this affiliate's exclusive coupon",
        f"The click, affiliate {other}, was passed over: the exclusive coupon comes first",
        "The lead it is said to come from was passed over: there is no such lead",
        "The other half of the joint promotion was passed over: the exclusive coupon comes",
        f"The affiliate the vendor named, affiliate {other}, was passed over: the exclusive",
    ):
        assert said in told_story
    unknown = sale(network, program_id, coupon="NOTHING", named=other, external_id="order 2")
    assert "The coupon that was sent was passed over: there is no such coupon" in (
        story(network.vendor, unknown)
    )
