"""Conversions as they are read, their explanation, balances, entries, payouts and batches."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from linkage.domain import clock
from tests.api.client import Client
from tests.api.conftest import Network
from tests.api.sales import FAR, batch, click, paid_out, refund, sale


@pytest.fixture
def sold(network: Network) -> str:
    """A confirmed and posted sale that a click of the affiliate brought."""
    program_id = network.program()
    click_id = click(network, program_id, network.affiliate.member_id)
    return sale(network, program_id, click_id=click_id, named=network.other_affiliate.member_id)


def test_each_sees_the_conversions_that_are_theirs(network: Network, sold: str) -> None:
    for reader in (network.vendor, network.affiliate, network.operator):
        assert [each["id"] for each in reader.get("/v1/conversions").body["data"]] == [sold]
    for reader in (network.other_vendor, network.sponsor, network.other_affiliate):
        assert reader.get("/v1/conversions").body["data"] == []
    confirmed = network.vendor.get("/v1/conversions?status=confirmed").body["data"]
    pending = network.vendor.get("/v1/conversions?status=pending").body["data"]
    assert (len(confirmed), len(pending)) == (1, 0)
    assert network.vendor.get("/v1/conversions?status=lost").pointer == "/status"


def test_operators_read_one_members_conversions_or_everybodys(network: Network, sold: str) -> None:
    def ids(query: str) -> list[str]:
        answer = network.operator.get(f"/v1/conversions?{query}")
        return [each["id"] for each in answer.body["data"]]

    assert ids(f"vendor_id={network.vendor.member_id}") == [sold]
    assert ids(f"affiliate_id={network.affiliate.member_id}") == [sold]
    assert ids(f"vendor_id={network.other_vendor.member_id}") == []
    both = f"vendor_id={network.vendor.member_id}&affiliate_id={network.affiliate.member_id}"
    assert network.operator.get(f"/v1/conversions?{both}").pointer == "/affiliate_id"
    assert network.vendor.get("/v1/conversions?vendor_id=mem_1").code == "unknown_field"


def test_another_vendors_conversion_is_not_found(network: Network, sold: str) -> None:
    for path in (f"/v1/conversions/{sold}", f"/v1/conversions/{sold}/explanation"):
        assert network.other_vendor.get(path).code == "conversion_not_found"
        assert network.vendor.get(path).status == 200


def test_only_affiliates_with_a_line_or_a_candidacy_see_a_conversion(
    network: Network, sold: str
) -> None:
    stranger = "+263712000222"
    lonely = sale(network, network.program(), external_id="order 2", phone=stranger)
    for reader in (network.affiliate, network.sponsor, network.other_affiliate):
        assert reader.get(f"/v1/conversions/{sold}/explanation").status == 200
        assert reader.get(f"/v1/conversions/{sold}").status == 200
        assert reader.get(f"/v1/conversions/{lonely}/explanation").code == "conversion_not_found"
        assert reader.get(f"/v1/conversions/{lonely}").code == "conversion_not_found"


def test_affiliates_learn_nothing_of_the_customer_the_vendors_data_or_one_another(
    network: Network, sold: str
) -> None:
    secrets = ["order 1", "harare 7", "+263712000111", "phone_", "till", "refund 2500"]
    refund(sold, 2500)
    members = [network.affiliate, network.sponsor, network.other_affiliate]
    for reader in members:
        others = [each.member_id for each in members if each is not reader]
        for path in (f"/v1/conversions/{sold}", f"/v1/conversions/{sold}/explanation"):
            text = json.dumps(reader.get(path).body)
            assert [each for each in [*secrets, *others] if each in text] == []


def test_the_explanation_tells_the_whole_story(network: Network, sold: str) -> None:
    told = network.operator.get(f"/v1/conversions/{sold}/explanation").body
    assert told["attribution"]["model"] == "click"
    assert [(each["model"], each["won"]) for each in told["attribution"]["candidates"]] == [
        ("click", True),
        ("named", False),
    ]
    posted = told["postings"][0]
    assert {(p["kind"], p["amount_minor"]) for p in posted["postings"]} == {
        ("commission", 1250),
        ("fee", 250),
        ("override", 125),
    }
    lines = {each["affiliate_id"]: each["amount_minor"] for each in told["lines"]}
    assert lines == {network.affiliate.member_id: 1250, network.sponsor.member_id: 125}
    story = "\n".join(told["story"])
    for said in (
        "clicked link abcdefgh",
        "reported a sale of 125.00 USD",
        f"attributed to affiliate {network.affiliate.member_id}: the click was sent",
        f"The affiliate the vendor named, affiliate {network.other_affiliate.member_id}, was "
        "passed over: the click comes first",
        "The vendor confirmed it",
        "10 % of 125.00 USD is 12.50 USD, rounded half up",
        "Level 1 of the upline earns 10 % of the commission, rounded down: 1.25 USD",
        "the first payout batch that reaches that day pays it",
    ):
        assert said in story


def test_an_affiliate_reads_its_own_part_and_others_as_another_affiliate(
    network: Network, sold: str
) -> None:
    told = network.sponsor.get(f"/v1/conversions/{sold}/explanation").body
    assert told["click"] is None
    assert told["attribution"]["affiliate_id"] == "another affiliate"
    story = "\n".join(told["story"])
    assert "attributed to another affiliate: the click was sent" in story
    assert "1.25 USD level 1 override moved from the network's fees to you" in story
    assert "1.25 USD for you is due on" in story
    lines = {each["affiliate_id"]: "payout" in each for each in told["lines"]}
    assert lines == {"another affiliate": False, network.sponsor.member_id: True}


def test_a_vendor_is_not_told_by_which_sale_elsewhere_its_customer_was_introduced(
    network: Network,
) -> None:
    first = sale(network, network.program(), named=network.affiliate.member_id)
    again = sale(network, network.program(), external_id="order 2")
    path = f"/v1/conversions/{again}/explanation"
    (for_vendor,) = network.vendor.get(path).body["attribution"]["candidates"]
    (for_operator,) = network.operator.get(path).body["attribution"]["candidates"]
    assert for_operator["reference"] == first
    assert for_vendor == for_operator | {"reference": None}
    assert for_vendor["affiliate_id"] == network.affiliate.member_id


def test_a_conversion_says_what_it_still_waits_for(network: Network) -> None:
    program_id = network.program()

    def story(conversion_id: str) -> str:
        told = network.vendor.get(f"/v1/conversions/{conversion_id}/explanation").body
        return "\n".join(told["story"])

    named = network.affiliate.member_id
    pending = sale(network, program_id, named=named, confirmed=False)
    assert "neither confirmed nor rejected" in story(pending)
    unposted = sale(network, program_id, named=named, external_id="order 2", posted=False)
    assert "not posted to the ledger yet" in story(unposted)
    from linkage.flow.conversions import vendor_decisions

    vendor_decisions.reject(pending, None, "not_qualified", "never paid")
    assert "rejected it" in story(pending)
    assert "never paid" in story(pending)


def test_a_conversion_of_nobody_says_why(network: Network) -> None:
    nobody = sale(network, network.program())
    told = network.vendor.get(f"/v1/conversions/{nobody}/explanation").body
    assert told["conversion"]["attributed"] is False
    assert "attributed to nobody: no click, no named affiliate" in "\n".join(told["story"])
    assert told["lines"] == []


def test_a_refund_is_part_of_the_story(network: Network, sold: str) -> None:
    refund(sold, 2500)
    told = network.affiliate.get(f"/v1/conversions/{sold}/explanation").body
    assert [each["fact"] for each in told["facts"]] == ["confirmation", "refund"]
    assert "2.50 USD of the commission is taken back." in told["story"]
    own = [x["amount_minor"] for x in told["lines"] if x["affiliate_id"] != "another affiliate"]
    assert own == [1250, -250]


def test_a_line_names_the_payout_that_covered_it(network: Network, sold: str) -> None:
    early = batch("2000-01-01")
    assert paid_out(early, network.affiliate.member_id) == []
    (payout,) = paid_out(batch(FAR), network.affiliate.member_id)
    told = network.affiliate.get(f"/v1/conversions/{sold}/explanation").body
    own = next(each for each in told["lines"] if "payout" in each)
    assert own["payout"]["id"] == payout.payout_id
    assert f"it is in payout {payout.payout_id}, which is debited." in told["story"][-1]


def test_a_balance_is_pending_until_it_is_due(network: Network, sold: str) -> None:
    due_later = {"currency": "USD", "balance_minor": 1250, "pending_minor": 1250}
    answer = network.affiliate.get("/v1/balances")
    assert answer.body["data"] == [due_later | {"payable_minor": 0}]
    at_once = network.program(hold_days=0)
    sale(network, at_once, external_id="order 2", named=network.affiliate.member_id)
    due_now = {"balance_minor": 2500, "pending_minor": 1250, "payable_minor": 1250}
    assert network.affiliate.get("/v1/balances").body["data"] == [due_later | due_now]
    by_operator = network.operator.get(f"/v1/balances?affiliate_id={network.affiliate.member_id}")
    assert by_operator.body["data"] == [due_later | due_now]


def test_entries_say_what_they_are_and_are_paged(network: Network, sold: str) -> None:
    refund(sold, 2500)
    refund(sold, 1000)
    everything = network.affiliate.get("/v1/entries").body["data"]
    assert [each["amount_minor"] for each in everything] == [-100, -250, 1250]
    assert {each["conversion_id"] for each in everything} == {sold}
    assert everything[-1]["why"] == [f"12.50 USD commission for conversion {sold}."]
    assert everything[-1]["due_on"] > clock.text(clock.now())[:10]
    seen, url = [], "/v1/entries?limit=1"
    while url:
        page = network.affiliate.get(url).body
        seen += page["data"]
        url = page["has_more"] and f"/v1/entries?limit=1&cursor={page['next_cursor']}"
    assert seen == everything
    assert network.affiliate.get("/v1/entries?currency=ZWG").body["data"] == []
    zwl = network.affiliate.get("/v1/entries?currency=ZWL")
    assert (zwl.code, zwl.pointer) == ("unknown_currency", "/currency")
    assert "ZWG (Zimbabwe Gold)" in zwl.body["detail"]


def test_payouts_are_seen_by_their_affiliate_and_in_their_batch(
    network: Network, sold: str
) -> None:
    made = batch(FAR)
    ids = (network.affiliate.member_id, network.sponsor.member_id)
    (payout,) = paid_out(made, *ids)
    assert [each["id"] for each in network.affiliate.get("/v1/payouts").body["data"]] == [
        payout.payout_id
    ]
    assert network.sponsor.get("/v1/payouts").body["data"] == []
    shown = network.operator.get(f"/v1/payout-batches/{made.batch_id}").body
    assert (shown["count"], shown["total_minor"]) == (1, 1250)
    assert [each["amount_minor"] for each in shown["payouts"]] == [1250]
    assert shown["skipped"] == [
        {"affiliate_id": ids[1], "reason": "the affiliate has no payout method"}
    ]
    kinds = [each["kind"] for each in network.affiliate.get("/v1/entries").body["data"]]
    assert sorted(kinds) == ["commission", "payout"]


def test_batches_are_listed_newest_first_and_their_payouts_paged(
    network: Network, sold: str
) -> None:
    older = batch("2026-01-01", created_at="2026-01-01T00:00:00.000Z")
    newer = batch(FAR)
    paid_out(newer, network.affiliate.member_id)
    listed = network.operator.get("/v1/payout-batches").body["data"]
    assert [each["id"] for each in listed] == [newer.batch_id, older.batch_id]
    url = f"/v1/payout-batches/{newer.batch_id}?limit=1"
    assert network.operator.get(url).body["next_cursor"] is None


def test_a_payout_file_is_reached_by_a_signed_address_once_it_is_written(
    network: Network,
) -> None:
    waiting, written = batch(FAR), batch(FAR, status="exported", sha256="ab" * 32)
    answer = network.operator.get(f"/v1/payout-batches/{waiting.batch_id}/file")
    assert (answer.status, answer.code) == (409, "not_exported")
    answer = network.operator.get(f"/v1/payout-batches/{written.batch_id}/file")
    assert answer.body["sha256"] == "ab" * 32
    address = urlsplit(answer.body["url"])
    assert address.path.endswith(f"payouts/{written.batch_id}.csv")
    assert parse_qs(address.query)["X-Amz-Expires"] == ["900"]
    assert answer.body["expires_at"] > clock.text(clock.now())


def test_a_batch_that_never_was_is_404(operator: Client) -> None:
    for path in ("/v1/payout-batches/bat_0", "/v1/payout-batches/bat_0/file"):
        assert operator.get(path).code == "payout_batch_not_found"
