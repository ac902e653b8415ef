"""What members see of the clicks and impressions that the network counted and billed."""

from datetime import timedelta

import pytest

from linkage.domain import clock
from linkage.domain.clicks.statistics import LinkDay
from linkage.domain.conversions.requests import report_in
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.api_keys import Key
from linkage.flow.clicks.billing import bill_day
from linkage.flow.commissions import posting
from linkage.flow.conversions import vendor_decisions
from tests.api.conftest import PROGRAM, Network
from tests.api.conversions.test_explanations import told
from tests.conversion_ids import plain_id

CLICKS = {"event": "click", "amount_minor": 5, "currency": "USD"}
THOUSANDS = {"event": "impression", "amount_minor": 250, "currency": "USD"}
REWARDS = [*PROGRAM["rewards"], CLICKS, THOUSANDS]
DAY = clock.day(clock.now()) - timedelta(days=2)
CODE = "abcdefgh"


def billed(network: Network, event: str, quantity: int, **terms: object) -> str:
    """The id of a day of the affiliate's link, billed and, if it is confirmed, posted."""
    program_id = network.program(rewards=REWARDS, **terms)
    vendor_id = network.vendor.member_id or ""
    counts = (quantity, 0) if event == "click" else (0, quantity)
    link = LinkDay(CODE, program_id, vendor_id, network.affiliate.member_id or "", *counts)
    assert bill_day(DAY, [link]).accepted == 1
    billed_id = plain_id(vendor_id, event, f"{event}/{CODE}/{DAY}")
    if terms.get("confirmation") == "on_report":
        posting.post_fact(billed_id, "report")
    return billed_id


def test_a_day_says_how_many_on_which_link(network: Network) -> None:
    billed_id = billed(network, "click", 1_234)
    for reader in (network.vendor, network.operator, network.affiliate):
        shown = reader.get(f"/v1/conversions/{billed_id}").body
        assert (shown["event"], shown["quantity"], shown["code"]) == ("click", 1_234, CODE)
        assert (shown["amount_minor"], shown["currency"]) == (0, "USD")
        assert shown["occurred_at"] == f"{DAY}T23:59:59.999Z"
        assert shown["attribution"] == {
            "model": "link",
            "affiliate_id": network.affiliate.member_id,
            "click_id": None,
        }
    assert network.vendor.get(f"/v1/conversions/{billed_id}").body["external_id"] == (
        f"click/{CODE}/{DAY}"
    )
    (listed,) = network.affiliate.get("/v1/conversions").body["data"]
    assert (listed["id"], listed["quantity"]) == (billed_id, 1_234)


def test_the_story_says_how_many_which_day_and_at_what_price(network: Network) -> None:
    billed_id = billed(network, "impression", 12_346, confirmation="on_report")
    story = told(network.affiliate, billed_id)["story"]
    assert story[0] == (
        f"The network counted 12,346 impressions of link {CODE} on {DAY}. A visitor's several in "
        "one hour count once; bots do not count."
    )
    assert story[1].startswith("The whole day was billed at ")
    assert story[2] == (
        "It is attributed to you: the network counted this on the affiliate's own link."
    )
    assert (
        "The program's reward for an impression is 2.50 USD for each 1,000: 12,346 impressions "
        "make 30.87 USD, rounded half up."
    ) in story
    (gets, why) = told(network.affiliate, billed_id)["summary"]
    assert gets.startswith("You get 30.87 USD: commission 30.87.")
    assert "the network counted this on the affiliate's own link" in why


def test_a_sponsor_sees_its_override_but_not_whose_link_it_was(network: Network) -> None:
    billed_id = billed(network, "click", 1_000, confirmation="on_report")
    shown = network.sponsor.get(f"/v1/conversions/{billed_id}").body
    assert shown["quantity"] == 1_000
    assert "code" not in shown
    explained = told(network.sponsor, billed_id)
    assert CODE not in str(explained)
    assert explained["story"][0].startswith("The network counted 1,000 clicks of an affiliate's")
    assert explained["summary"][0].startswith("You get 5.00 USD: level 1 override 5.00.")
    assert network.other_affiliate.get(f"/v1/conversions/{billed_id}").status == 404


def test_a_vendor_sees_what_it_costs_and_may_reject_it_while_it_is_pending(
    network: Network,
) -> None:
    billed_id = billed(network, "click", 100)
    assert told(network.vendor, billed_id)["summary"] == [
        "This costs you nothing yet: the vendor has neither confirmed nor rejected it."
    ]
    vendor_decisions.reject(billed_id, network.vendor.member_id, "fraud", "one machine")
    (nothing,) = told(network.affiliate, billed_id)["summary"]
    assert nothing == "You get nothing: the vendor rejected it, as fraud: one machine."
    rejected = network.vendor.get("/v1/conversions?status=rejected").body["data"]
    assert [each["id"] for each in rejected] == [billed_id]


@pytest.mark.parametrize("event", ["click", "impression"])
@pytest.mark.parametrize("role", ["vendor", "operator"])
def test_nobody_reports_what_the_network_counts(network: Network, event: str, role: str) -> None:
    body = {
        "program_id": "prg_1",
        "event": event,
        "external_id": f"{event}/{CODE}/{DAY}",
        "amount_minor": 0,
        "currency": "USD",
        **({"vendor_id": network.vendor.member_id} if role == "operator" else {}),
    }
    member_id = network.vendor.member_id if role == "vendor" else None
    with pytest.raises(InvalidFieldError) as refused:
        report_in(body, Key("key_1", role, member_id, "", ""))
    assert (refused.value.code, refused.value.pointer) == ("event_counted", "/event")
    assert refused.value.detail == (
        f"The network counts every {event} itself and reports it once a day. Report one of: sale, "
        "lead, signup, install."
    )
