"""Coupons: made once, listed for whom they are, paused and moved."""

from typing import Any

import pytest

from tests.api.conftest import PROGRAM, Network


@pytest.fixture
def sent(network: Network) -> dict[str, Any]:
    """A coupon of the vendor for the affiliate."""
    return {
        "code": " summer-26 ",
        "affiliate_id": network.affiliate.member_id,
        "program_id": network.program(),
    }


def test_a_coupon_is_kept_in_capitals_and_shown_whole(
    network: Network, sent: dict[str, Any]
) -> None:
    made = network.vendor.post("/v1/coupons", sent | {"ends_on": "2026-12-31"})
    assert made.status == 201
    assert made.body | {"created_at": ""} == {
        "vendor_id": network.vendor.member_id,
        "code": "SUMMER-26",
        "program_id": sent["program_id"],
        "affiliate_id": network.affiliate.member_id,
        "exclusive": False,
        "starts_on": None,
        "ends_on": "2026-12-31",
        "paused": False,
        "created_at": "",
    }


def test_the_same_coupon_again_is_the_same_and_another_under_its_code_a_conflict(
    network: Network, sent: dict[str, Any]
) -> None:
    made = network.vendor.post("/v1/coupons", sent)
    again = network.vendor.post("/v1/coupons", sent | {"code": "Summer-26", "exclusive": False})
    assert (again.status, again.body) == (200, made.body)
    assert again.headers["idempotent-replayed"] == "true"
    by_operator = network.operator.post(
        "/v1/coupons", sent | {"vendor_id": network.vendor.member_id}
    )
    assert by_operator.status == 200
    other = network.vendor.post("/v1/coupons", sent | {"exclusive": True})
    assert (other.status, other.code) == (409, "coupon_exists")
    assert "SUMMER-26" in other.body["detail"]


def test_a_code_is_the_vendors_own(network: Network, sent: dict[str, Any]) -> None:
    network.vendor.post("/v1/coupons", sent)
    body = {"destination_url": "https://paint.example/"}
    other = network.other_vendor.post("/v1/programs", PROGRAM | body).body["id"]
    made = network.other_vendor.post("/v1/coupons", sent | {"program_id": other})
    assert made.status == 201
    path = "/v1/coupons/SUMMER-26"
    assert network.other_vendor.call("PATCH", path, {"paused": True}).body["paused"] is True
    assert network.vendor.call("PATCH", path, {}).body["paused"] is False


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"code": "ab"}, "invalid_field", "/code"),
        ({"code": "A" * 33}, "invalid_field", "/code"),
        ({"code": "a b c"}, "invalid_field", "/code"),
        ({"code": "\u00c4\u00d6\u00dc"}, "invalid_field", "/code"),
        ({"code": 12345}, "invalid_field", "/code"),
        ({"program_id": "prg_0"}, "invalid_field", "/program_id"),
        ({"program_id": "nothing"}, "invalid_field", "/program_id"),
        ({"affiliate_id": "mem_0"}, "invalid_field", "/affiliate_id"),
        ({"exclusive": 1}, "invalid_field", "/exclusive"),
        ({"starts_on": "soon"}, "invalid_field", "/starts_on"),
        (
            {"starts_on": "2026-12-31", "ends_on": "2026-01-01"},
            "dates_reversed",
            "/ends_on",
        ),
        ({"paused": True}, "unknown_field", "/paused"),
    ],
)
def test_a_coupon_that_cannot_be_is_refused_at_its_field(
    network: Network, sent: dict[str, Any], changes: dict[str, Any], code: str, pointer: str
) -> None:
    answer = network.vendor.post("/v1/coupons", sent | changes)
    assert (answer.status, answer.code, answer.pointer) == (422, code, pointer)


def test_the_program_is_the_vendors_and_both_members_are_approved(
    network: Network, sent: dict[str, Any]
) -> None:
    assert network.other_vendor.post("/v1/coupons", sent).pointer == "/program_id"
    assert network.operator.post("/v1/coupons", sent).pointer == "/vendor_id"
    vendor = sent | {"affiliate_id": network.vendor.member_id}
    assert network.vendor.post("/v1/coupons", vendor).pointer == "/affiliate_id"
    for client in (network.affiliate, network.vendor):
        network.operator.post(f"/v1/members/{client.member_id}/suspension")
        answer = network.vendor.post("/v1/coupons", sent)
        assert (answer.status, answer.code) == (409, "member_not_approved")


def test_each_lists_the_coupons_that_are_theirs(network: Network, sent: dict[str, Any]) -> None:
    def codes(client: str, query: str = "") -> list[str]:
        answer = network.client(client).get(f"/v1/coupons{query}")
        return sorted(each["code"] for each in answer.body["data"])

    network.vendor.post("/v1/coupons", sent)
    other = {"code": "WINTER", "affiliate_id": network.other_affiliate.member_id}
    network.vendor.post("/v1/coupons", sent | other)
    assert codes("vendor") == ["SUMMER-26", "WINTER"]
    assert codes("affiliate") == ["SUMMER-26"]
    assert codes("other_affiliate") == ["WINTER"]
    assert codes("other_vendor") == codes("sponsor") == []
    assert codes("operator") == ["SUMMER-26", "WINTER"]
    assert codes("operator", f"?vendor_id={network.other_vendor.member_id}") == []
    assert codes("operator", f"?affiliate_id={network.affiliate.member_id}") == ["SUMMER-26"]
    assert network.operator.get("/v1/coupons?vendor_id=nothing").pointer == "/vendor_id"
    assert network.vendor.get("/v1/coupons?vendor_id=mem_1").code == "unknown_field"
    first = network.vendor.get("/v1/coupons?limit=1").body
    rest = network.vendor.get(f"/v1/coupons?cursor={first['next_cursor']}").body
    assert [each["code"] for each in first["data"] + rest["data"]] == ["SUMMER-26", "WINTER"]


def test_a_coupon_is_paused_goes_on_and_its_dates_move(
    network: Network, sent: dict[str, Any]
) -> None:
    network.vendor.post("/v1/coupons", sent)
    path = "/v1/coupons/summer-26"
    changes: list[dict[str, Any]] = [
        {"paused": True},
        {"paused": False, "ends_on": "2026-12-31"},
        {"starts_on": "2026-12-01"},
        {"ends_on": None},
        {},
    ]
    shown = [network.vendor.call("PATCH", path, each).body for each in changes]
    assert [(each["paused"], each["starts_on"], each["ends_on"]) for each in shown] == [
        (True, None, None),
        (False, None, "2026-12-31"),
        (False, "2026-12-01", "2026-12-31"),
        (False, "2026-12-01", None),
        (False, "2026-12-01", None),
    ]
    reversed_dates = network.vendor.call("PATCH", path, {"ends_on": "2026-11-30"})
    assert (reversed_dates.code, reversed_dates.pointer) == ("dates_reversed", "/ends_on")
    by_operator = f"{path}?vendor_id={network.vendor.member_id}"
    assert network.operator.call("PATCH", by_operator, {"paused": True}).body["paused"] is True
    assert network.operator.call("PATCH", path, {"paused": True}).pointer == "/vendor_id"
    # What it was made as is told from what became of it: the first request again is a replay.
    assert network.vendor.post("/v1/coupons", sent).body["paused"] is True


@pytest.mark.parametrize("code", ["WINTER", "x", "%00", "..", "A" * 5000, "%E2%98%83"])
def test_a_coupon_that_is_not_there_is_404(network: Network, code: str) -> None:
    answer = network.vendor.call("PATCH", f"/v1/coupons/{code}", {"paused": True})
    assert answer.status == 404
