"""What the person who approves a batch sees of it, and what everybody else does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.payouts.payouts import Payout
from linkage.domain.people.audit import masked
from linkage.tables import audit, members, payout_batches, payout_items
from tests.api.client import Client
from tests.api.conftest import METHOD, Network, make_member
from tests.api.recording import record
from tests.api.sales import FAR, batch, paid_out, sale

DECISION = "/v1/payout-batches/{batch_id}/payouts/{payout_id}/"
BANK = {"type": "bank", "provider": "CBZ", "account": "0012 3456-78", "name": "Moyo;=1+1"}


def planned(network: Network, *others: str) -> Payout:
    """The affiliate's payout in a planned batch, with those of others beside it."""
    made = batch(FAR)
    found = paid_out(made, network.affiliate.member_id or "", *others)
    payout_batches.finish_planning(made.batch_id)
    assert payout_batches.become_planned(made.batch_id)
    return found[0]


def change(network: Network, method: object) -> Any:
    path = f"/v1/members/{network.affiliate.member_id}"
    answer = network.operator.call("PATCH", path, {"payout_method": method})
    assert answer.status == 200, answer.body
    return answer.body


def earn(network: Network, number: int = 1, **changes: Any) -> None:
    named = network.affiliate.member_id
    sale(network, network.program(), external_id=f"order {number}", named=named, **changes)


def shown(network: Network, payout: Payout) -> dict[str, Any]:
    path = f"/v1/payout-batches/{payout.batch_id}"
    body = network.operator.get(path).body
    return next(each for each in body["payouts"] if each["id"] == payout.payout_id)


def codes(network: Network, payout: Payout) -> list[str]:
    return [each["code"] for each in shown(network, payout)["warnings"]]


def test_the_approver_sees_each_payout_to_the_letter_as_the_file_will_have_it(
    network: Network,
) -> None:
    change(network, BANK)
    with patch.object(clock, "now", later(days=4)):
        earn(network)
        payout = shown(network, planned(network))
    assert {name: payout[name] for name in ("name", "method", "provider", "account")} == {
        "name": "Moyo;'=1+1",
        "method": "bank",
        "provider": "CBZ",
        "account": "0012 3456-78",
    }


def later(**of: float) -> Callable[[], Any]:
    moment = clock.now() + timedelta(**of)
    return lambda: moment


def test_everybody_else_sees_where_it_goes_masked(network: Network) -> None:
    earn(network)
    planned(network)
    (own,) = network.affiliate.get("/v1/payouts").body["data"]
    assert (own["account"], own["method"]) == ("…7653", "mobile_money")
    operators = f"/v1/payouts?affiliate_id={network.affiliate.member_id}"
    assert network.operator.get(operators).body["data"][0]["account"] == METHOD["phone"]
    itself = network.affiliate.get(f"/v1/members/{network.affiliate.member_id}").body
    assert itself["payout_method"] == METHOD | {"phone": masked(METHOD["phone"])}
    assert not {"payout_method_changed_by", "payout_method_before"} & itself.keys()
    whole = network.operator.get(f"/v1/members/{network.affiliate.member_id}").body
    assert whole["payout_method"] == METHOD


def test_no_answer_to_an_affiliate_has_its_number_or_account(network: Network) -> None:
    earn(network)
    payout = planned(network)
    record(network.operator, DECISION + "hold", {"reason": "odd"}, **ids(payout))
    conversion = network.affiliate.get("/v1/conversions").body["data"][0]["id"]
    for path in (
        *("/v1/payouts", "/v1/balances", "/v1/entries", "/v1/conversions"),
        f"/v1/conversions/{conversion}/explanation",
        f"/v1/members/{network.affiliate.member_id}",
    ):
        text = str(network.affiliate.get(path).body)
        assert METHOD["phone"][1:] not in text
        assert "odd" not in text, "why it is held is not for its payee"


def ids(payout: Payout) -> dict[str, str]:
    return {"batch_id": payout.batch_id, "payout_id": payout.payout_id}


# ---- what is odd


def test_a_first_payout_by_a_method_that_never_changed_is_only_the_first(network: Network) -> None:
    earn(network)
    assert codes(network, planned(network)) == ["first_payout"]


def test_a_changed_method_says_when_by_whom_and_what_was_before(network: Network) -> None:
    earn(network)
    payout = planned(network)
    changed = change(network, BANK)
    warnings = {each["code"]: each["detail"] for each in shown(network, payout)["warnings"]}
    by = changed["payout_method_changed_by"]
    assert by.startswith("key_")
    assert warnings["method_changed"] == (
        f"{by} changed the payout method on {changed['payout_method_changed_at']}; "
        "before: mobile_money EcoCash …7653."
    )
    assert "rests until" in warnings["left_out"]


def test_a_change_is_no_news_after_thirty_days(network: Network) -> None:
    change(network, BANK)
    for days, told in ((29, True), (31, False)):
        with patch.object(clock, "now", later(days=days)):
            earn(network, days)
            assert ("method_changed" in codes(network, planned(network))) == told


def test_a_first_method_is_told_with_whose_key_set_it(network: Network) -> None:
    network.operator.call("PATCH", f"/v1/members/{network.sponsor.member_id}", {"phone": None})
    assert members.get_member(network.sponsor.member_id or "").payout_method_changed_at is None
    earn(network)
    path = f"/v1/members/{network.sponsor.member_id}"
    network.operator.call("PATCH", path, {"payout_method": METHOD})
    payout = planned(network, network.sponsor.member_id or "")
    listed = network.operator.get(f"/v1/payout-batches/{payout.batch_id}").body["payouts"]
    sponsors = next(each for each in listed if each["id"] != payout.payout_id)
    assert [each["code"] for each in sponsors["warnings"]] == [
        "method_set",
        "shared_account",
        "first_payout",
    ]


SAME = [
    pytest.param({"type": "mobile_money", "phone": "+263 77 304-7653"}, id="another spelling"),
    pytest.param({"type": "bank", "account": "00263773047653"}, id="as a bank account"),
    pytest.param({"type": "bank", "account": "２６３７７３０４７６５３"}, id="in full width"),
    pytest.param({"type": "manual", "phone": "+263773047653", "provider": "x"}, id="by hand"),
]


@pytest.mark.parametrize("method", SAME)
def test_one_number_of_several_members_is_seen_however_it_is_spelt(
    network: Network, method: dict[str, str]
) -> None:
    other = make_member(network.operator, "Other", "affiliate", payout_method=method)
    earn(network)
    warning = next(
        each
        for each in shown(network, planned(network))["warnings"]
        if each["code"] == "shared_account"
    )
    assert (warning["affiliate_ids"], warning["payout_ids"]) == ([other], [])


def test_one_account_of_several_payouts_of_the_batch_is_named(network: Network) -> None:
    sponsor = network.sponsor.member_id or ""
    network.operator.call("PATCH", f"/v1/members/{sponsor}", {"payout_method": METHOD})
    earn(network)
    payout = planned(network, sponsor)
    (warning,) = (
        each for each in shown(network, payout)["warnings"] if each["code"] == "shared_account"
    )
    assert warning["affiliate_ids"] == [sponsor]
    assert len(warning["payout_ids"]) == 1
    assert warning["detail"].endswith("account, 1 of them in this batch.")


@pytest.mark.parametrize(("times", "told"), [(3, []), (4, ["unusual_amount"])])
def test_an_amount_far_above_the_largest_before_is_told(
    network: Network, times: int, told: list[str]
) -> None:
    earn(network)
    first = planned(network)
    payout_items.PayoutItem(first.batch_id, f"payout#{first.payout_id}").update(
        actions=[payout_items.PayoutItem.status.set("paid")]
    )
    earn(network, 2, amount_minor=12_500 * times)
    assert codes(network, planned(network)) == told


@pytest.mark.parametrize("status", ["failed", "cancelled", "removed", "sent"])
def test_what_never_arrived_makes_no_amount_usual(network: Network, status: str) -> None:
    earn(network)
    first = planned(network)
    payout_items.PayoutItem(first.batch_id, f"payout#{first.payout_id}").update(
        actions=[payout_items.PayoutItem.status.set(status)]
    )
    earn(network, 2)
    asks = ["paid_before"] if status == "failed" else []
    assert codes(network, planned(network)) == ["first_payout", *asks]


@pytest.mark.parametrize("status", ["failed", "returned"])
@pytest.mark.parametrize(
    ("at", "known"),
    [
        pytest.param("2099-01-01T08:00:00.000Z", True, id="after the last that was paid was made"),
        pytest.param("2026-11-30T08:00:00.000Z", False, id="before it: it was told of then"),
    ],
)
def test_what_came_back_by_somebodys_word_is_said_before_it_is_paid_again(
    network: Network, status: str, at: str, known: bool
) -> None:
    earn(network, 3)
    paid = planned(network)
    payout_items.PayoutItem(paid.batch_id, f"payout#{paid.payout_id}").update(
        actions=[payout_items.PayoutItem.status.set("paid")]
    )
    earn(network)
    first = planned(network)
    payout_items.PayoutItem(first.batch_id, f"payout#{first.payout_id}").update(
        actions=[
            payout_items.PayoutItem.status.set(status),
            payout_items.PayoutItem.result_by.set("key_mallory"),
            payout_items.PayoutItem.result_at.set(at),
        ]
    )
    earn(network, 2)
    again = planned(network)
    assert ("paid_before" in codes(network, again)) is known
    if not known:
        return
    (said,) = [each for each in shown(network, again)["warnings"] if each["code"] == "paid_before"]
    for word in (first.payout_id, status, "key_mallory", at):
        assert word in said["detail"]


def test_of_a_payout_that_is_decided_nothing_is_odd_any_more(network: Network) -> None:
    earn(network)
    payout = planned(network)
    record(network.operator, DECISION + "removal", {"reason": "no"}, **ids(payout))
    assert codes(network, payout) == []


# ---- held, released and taken out, by HTTP


def test_a_payout_is_held_released_and_taken_out(network: Network) -> None:
    earn(network)
    payout = planned(network)
    path = f"/v1/payout-batches/{payout.batch_id}"

    def decide(what: str, body: object = None) -> Any:
        answer = record(network.operator, DECISION + what, body, **ids(payout))
        assert answer.status == 200, answer.body
        return answer.body

    held = decide("hold", {"reason": "odd"})
    assert (held["held"], held["held_reason"], held["status"]) == (True, "odd", "debited")
    assert network.operator.get(path).body["held_count"] == 1
    assert codes(network, payout)[0] == "held"
    assert decide("release")["held"] is False
    assert codes(network, payout)[0] == "was_held"
    assert decide("removal", {"reason": "asked to wait"})["status"] == "removed"
    seen = network.operator.get(path).body
    assert (seen["count"], seen["total_minor"], seen["removed_count"]) == (0, 0, 1)
    (named,) = seen["removed"]
    assert (named["payout_id"], named["reason"], named["amount_minor"]) == (
        payout.payout_id,
        "asked to wait",
        1_250,
    )
    (own,) = network.affiliate.get("/v1/payouts").body["data"]
    assert (own["status"], own["reason"]) == ("removed", "asked to wait")
    assert network.affiliate.get("/v1/entries").body["data"][0]["why"] == [
        f"12.50 USD came back from payout {payout.payout_id}."
    ]


BAD = [
    pytest.param(None, "invalid_body", id="no body"),
    pytest.param([], "invalid_body", id="no object"),
    pytest.param({}, "invalid_field", id="no reason"),
    pytest.param({"reason": " "}, "invalid_field", id="an empty reason"),
    pytest.param({"reason": 5}, "invalid_field", id="a number"),
    pytest.param({"reason": "x" * 501}, "invalid_field", id="a reason too long"),
    pytest.param({"reason": "x", "dry_run": True}, "unknown_field", id="a field too many"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
@pytest.mark.parametrize("what", ["hold", "removal"])
def test_a_decision_needs_a_reason_and_nothing_else(
    network: Network, what: str, body: object, code: str
) -> None:
    answer = record(network.operator, DECISION + what, body, batch_id="bat_0", payout_id="pay_0")
    assert (answer.status, answer.code) == (422, code)


def test_a_release_needs_nothing(network: Network) -> None:
    named = {"batch_id": "bat_0", "payout_id": "pay_0"}
    answer = record(network.operator, DECISION + "release", {"reason": "x"}, **named)
    assert answer.code == "unknown_field"


@pytest.mark.parametrize("what", ["hold", "release", "removal"])
def test_decisions_are_for_operators_on_payouts_that_exist(network: Network, what: str) -> None:
    body = None if what == "release" else {"reason": "x"}
    earn(network)
    payout = planned(network)
    for client, code in (
        (network.vendor, "wrong_role"),
        (network.affiliate, "wrong_role"),
        (Client(""), "invalid_key"),
    ):
        assert record(client, DECISION + what, body, **ids(payout)).code == code
    for wrong in ({"payout_id": "pay_0"}, {"payout_id": "pay 0"}, {"batch_id": "bat_0"}):
        answer = record(network.operator, DECISION + what, body, **ids(payout) | wrong)
        assert answer.status == 404


# ---- changes of a method


def test_a_change_keeps_who_when_and_what_was_there(network: Network) -> None:
    path = f"/v1/members/{network.affiliate.member_id}"
    first = change(network, BANK)
    assert first["payout_method_before"] == METHOD | {"phone": "…7653"}
    assert change(network, BANK) == first, "the same again is no change"
    gone = change(network, None)
    assert gone["payout_method_before"]["account"] == "…6-78"
    back = change(network, METHOD)
    assert back["payout_method_before"] == gone["payout_method_before"]
    assert network.operator.get(path).body["payout_method_rests_until"] > clock.text(clock.now())
    subject = f"member#{network.affiliate.member_id}"
    records = audit.list_records(10, None, subject=subject).data
    assert [each.action for each in records].count("member.changed") == 3
    kept = str([(each.before, each.after) for each in records])
    assert METHOD["phone"] not in kept
    assert BANK["account"] not in kept


def test_another_change_of_the_member_leaves_the_method_and_its_rest_as_they_are(
    network: Network,
) -> None:
    changed = change(network, BANK)
    path = f"/v1/members/{network.affiliate.member_id}"
    renamed = network.operator.call("PATCH", path, {"name": "Rudo", "phone": None}).body
    assert renamed == changed | {"name": "Rudo"}


@pytest.mark.parametrize("hours", [-1, 721, 1.5, "72", None, True])
def test_a_rest_that_cannot_be_is_refused(network: Network, hours: object) -> None:
    from tests.api.conftest import NETWORK

    answer = network.operator.put("/v1/network", NETWORK | {"method_rest_hours": hours})
    assert (answer.status, answer.pointer) == (422, "/method_rest_hours")


def test_a_rest_is_three_days_unless_the_network_says_otherwise(network: Network) -> None:
    from tests.api.conftest import NETWORK

    assert network.operator.get("/v1/network").body["method_rest_hours"] == 72
    put = network.operator.put("/v1/network", NETWORK | {"method_rest_hours": 0})
    assert put.body["method_rest_hours"] == 0
