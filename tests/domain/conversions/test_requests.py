from typing import Any

import pytest

from linkage.domain.conversions.conversions import Item
from linkage.domain.conversions.requests import Client, refund_in, rejection_in, report_in
from linkage.domain.errors import ForbiddenError, InvalidFieldError
from linkage.domain.ledger.requests import adjustment_in
from linkage.domain.payouts.requests import batch_in, results_in
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.requests import client_code_in, customer_in

VENDOR = Key("key_1", "vendor", "mem_shop", "h", "2026-11-21T09:00:00.000Z")
OPERATOR = Key("key_2", "operator", None, "h", "2026-11-21T09:00:00.000Z")
SENT: dict[str, Any] = {
    "program_id": "prg_1",
    "event": "sale",
    "external_id": "order-1",
    "amount_minor": 10_000,
    "currency": "USD",
}


def test_a_vendor_reports_for_itself() -> None:
    report = report_in(SENT, VENDOR)
    assert (report.vendor_id, report.amount_minor, report.customer) == (
        "mem_shop",
        10_000,
        Customer(),
    )


def test_an_operator_names_the_vendor_and_a_vendor_may_not() -> None:
    assert report_in({**SENT, "vendor_id": "mem_other"}, OPERATOR).vendor_id == "mem_other"
    with pytest.raises(InvalidFieldError) as refused:
        report_in(SENT, OPERATOR)
    assert refused.value.pointer == "/vendor_id"
    with pytest.raises(InvalidFieldError) as unknown:
        report_in({**SENT, "vendor_id": "mem_shop"}, VENDOR)
    assert unknown.value.code == "unknown_field"


def test_a_key_of_nobody_reports_for_nobody() -> None:
    with pytest.raises(ForbiddenError):
        report_in(SENT, Key("key_3", "vendor", None, "h", "2026-11-21T09:00:00.000Z"))


REFUSED = [
    *((name, None, "invalid_field") for name in ("program_id", "event", "external_id")),
    ("amount_minor", None, "invalid_field"),
    ("currency", None, "unknown_currency"),
    ("amount_minor", -1, "invalid_field"),
    ("amount_minor", 10**12 + 1, "invalid_field"),
    ("amount_minor", 10**400, "invalid_field"),
    ("amount_minor", 100.0, "invalid_field"),
    ("amount_minor", True, "invalid_field"),
    ("amount_minor", "100", "invalid_field"),
    ("currency", "ZWL", "unknown_currency"),
    ("currency", "usd", "unknown_currency"),
    ("event", "refund", "invalid_field"),
    *((("event", each, "event_counted")) for each in ("click", "impression")),
    ("coupon", 7, "invalid_field"),
    ("coupon", "", "invalid_field"),
    ("lead_id", "x" * 65, "invalid_field"),
    ("joint_with", ["cnv_1"], "invalid_field"),
    ("occurred_at", "yesterday", "invalid_field"),
    ("occurred_at", "2026-11-21T09:12:00", "invalid_field"),
    ("client", "+263773047653", "invalid_body"),
    ("client", {}, "invalid_field"),
    ("client", {"code": "7K0M1XQ2"}, "invalid_field"),
    ("client", {"phone": "+263773047653", "email": "a@b.example", "code": "x"}, "invalid_field"),
    ("items", {}, "invalid_field"),
    ("items", [{"amount_minor": 1}] * 51, "invalid_field"),
    ("items", [{"amount_minor": 6_000}, {"amount_minor": 4_001}], "invalid_field"),
    ("external_id", "x" * 256, "invalid_field"),
    ("external_id", "a\ud800", "invalid_field"),
    ("click_id", 7, "invalid_field"),
    ("affiliate_id", "", "invalid_field"),
    ("customer", "c-1", "invalid_body"),
    ("customer/email", "nobody", "invalid_field"),
    ("customer/phone", "0773047653", "invalid_field"),
    ("customer/name", "Tendai", "unknown_field"),
    ("metadata", [], "invalid_field"),
    ("amount", 100, "unknown_field"),
]


@pytest.mark.parametrize(
    ("name", "value", "code"), REFUSED, ids=[f"{n}={str(v)[:12]!r}" for n, v, _ in REFUSED]
)
def test_a_report_with_one_wrong_field_is_refused_by_its_name(
    name: str, value: object, code: str
) -> None:
    outer, _, inner = name.partition("/")
    with pytest.raises(InvalidFieldError) as refused:
        report_in({**SENT, outer: {inner: value} if inner else value}, VENDOR)
    assert (refused.value.code, refused.value.pointer) == (code, f"/{name}")


def test_the_old_zimbabwe_dollar_has_its_own_sentence() -> None:
    with pytest.raises(InvalidFieldError, match=r"ZWL left ISO 4217.*ZWG"):
        report_in({**SENT, "currency": "ZWL"}, VENDOR)


def test_a_customer_is_normalised_and_the_fingerprint_is_of_what_was_sent() -> None:
    customer = {"id": " c-1 ", "email": "Tendai@Example.com", "phone": "+263 77 304 7653"}
    report = report_in({**SENT, "customer": customer}, VENDOR)
    assert report.customer == Customer("+263773047653", "tendai@example.com", "c-1")
    respelled = {**SENT, "customer": {**customer, "email": "tendai@example.com"}}
    assert report.fingerprint != report_in(respelled, VENDOR).fingerprint
    assert report.fingerprint == report_in({"customer": customer, **SENT}, VENDOR).fingerprint


FULL: dict[str, Any] = {
    **SENT,
    "click_id": "c1.x",
    "affiliate_id": "mem_ann",
    "coupon": "ROOF-10",
    "customer": {"id": "José 1", "email": "tendai@example.com", "phone": "+263773047653"},
    "items": [{"amount_minor": 6_000, "sku": "a"}, {"amount_minor": 4_000, "category": "tiles"}],
    "occurred_at": "2026-11-21T09:12:00.000Z",
    "lead_id": "cnv_lead",
    "joint_with": "cnv_joint",
    "client": {"phone": "+263773047654", "code": "cc-1"},
    "metadata": {"till": "7"},
}
"""Every field of a report, in its plainest spelling."""


@pytest.mark.parametrize(
    "respelled",
    [
        pytest.param({"coupon": " roof-10"}, id="case and space of a coupon"),
        pytest.param({"external_id": f" {SENT['external_id']} "}, id="space"),
        pytest.param({"occurred_at": "2026-11-21T11:12:00+02:00"}, id="the same instant"),
        pytest.param({"occurred_at": "2026-11-21t09:12:00.000000z"}, id="digits of a second"),
        pytest.param(
            {"client": {"phone": "+263 77 304-7654", "email": None, "code": "cc-1"}},
            id="a phone, and null",
        ),
        pytest.param(
            {
                "customer": {
                    "id": " José 1",
                    "email": "Tendai@Example.COM",
                    "phone": "+263(77)3047653",
                }
            },
            id="a customer",
        ),
        pytest.param(
            {
                "items": [
                    {"amount_minor": 6_000, "sku": "a", "quantity": 1, "category": None},
                    {"amount_minor": 4_000, "category": " tiles "},
                ]
            },
            id="what lines have by default",
        ),
    ],
)
def test_a_report_means_the_same_however_it_is_written(respelled: dict[str, object]) -> None:
    plain, other = report_in(FULL, VENDOR), report_in({**FULL, **respelled}, VENDOR)
    assert plain.fingerprint != other.fingerprint
    assert plain.meaning == other.meaning


def test_null_means_what_leaving_out_means_and_an_operator_means_what_a_vendor_does() -> None:
    absent = dict.fromkeys(("coupon", "items", "occurred_at", "metadata", "client", "customer"))
    plain = report_in(SENT, VENDOR)
    by_operator = report_in({**SENT, **absent, "vendor_id": plain.vendor_id}, OPERATOR)
    assert plain.meaning == by_operator.meaning
    assert plain.may_backdate is not by_operator.may_backdate


@pytest.mark.parametrize("name", sorted(FULL.keys() - {"event", "currency", "amount_minor"}))
def test_a_report_without_one_of_its_fields_means_something_else(name: str) -> None:
    left = {key: value for key, value in FULL.items() if key != name}
    if name in SENT:
        left[name] = "another"
    assert report_in(left, VENDOR).meaning != report_in(FULL, VENDOR).meaning


@pytest.mark.parametrize(
    "change", [{"event": "lead"}, {"currency": "ZWG"}, {"amount_minor": 10_001}]
)
def test_a_report_of_another_event_currency_or_amount_means_something_else(
    change: dict[str, object],
) -> None:
    assert report_in({**FULL, **change}, VENDOR).meaning != report_in(FULL, VENDOR).meaning


def test_what_a_report_and_a_refund_mean_never_changes() -> None:
    """It is stored with the facts, and a later release compares with what this one wrote."""
    assert report_in(FULL, VENDOR).meaning == "mqd3ujiwnjiwxw6yegcsyrq4qj"
    refund = refund_in({"external_id": "r-1", "amount_minor": 5, "reason": "returned"})
    assert refund.meaning == "zgo5m75f6sqwa37ptgln4zeh2h"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"reason": " returné "}, True),
        ({"external_id": " r-1"}, True),
        ({"reason": "Returné"}, False),
        ({"amount_minor": 6}, False),
        ({"external_id": "r-2"}, False),
    ],
)
def test_a_refund_means_the_same_however_it_is_written(
    change: dict[str, object], same: bool
) -> None:
    plain = {"external_id": "r-1", "amount_minor": 5, "reason": "returné"}
    assert (refund_in({**plain, **change}).meaning == refund_in(plain).meaning) is same


def test_a_report_without_the_later_fields_has_none_of_them() -> None:
    report = report_in(SENT, VENDOR)
    assert (report.coupon, report.items, report.occurred_at) == (None, (), None)
    assert (report.lead_id, report.joint_with, report.client) == (None, None, None)


@pytest.mark.parametrize("event", ["sale", "lead", "signup", "install"])
def test_every_event_that_is_paid_is_reported(event: str) -> None:
    assert report_in({**SENT, "event": event}, VENDOR).event == event


def test_a_coupon_is_sent_in_any_case_and_a_time_in_any_zone() -> None:
    sent = {**SENT, "coupon": " roof-10 ", "occurred_at": "2026-11-21T11:12:00+02:00"}
    report = report_in(sent, VENDOR)
    assert (report.coupon, report.occurred_at) == ("ROOF-10", "2026-11-21T09:12:00.000Z")


def test_the_items_of_an_order_may_cost_all_of_it_and_no_more() -> None:
    items = [
        {"amount_minor": 6_000, "category": "roofing", "sku": "r-1", "quantity": 3},
        {"amount_minor": 4_000},
        {"amount_minor": 0, "category": None},
    ]
    assert report_in({**SENT, "items": items}, VENDOR).items == (
        Item(6_000, "roofing", "r-1", 3),
        Item(4_000),
        Item(0),
    )
    assert report_in({**SENT, "items": []}, VENDOR).items == ()


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ("r-1", "/items/0"),
        ({}, "/items/0/amount_minor"),
        ({"amount_minor": -1}, "/items/0/amount_minor"),
        ({"amount_minor": 1, "quantity": 0}, "/items/0/quantity"),
        ({"amount_minor": 1, "category": "x" * 65}, "/items/0/category"),
        ({"amount_minor": 1, "price": 1}, "/items/0/price"),
    ],
)
def test_a_wrong_item_is_named_by_its_place(item: object, pointer: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        report_in({**SENT, "items": [item]}, VENDOR)
    assert refused.value.pointer == pointer


def test_only_an_operator_may_date_a_report_back() -> None:
    assert not report_in(SENT, VENDOR).may_backdate
    assert report_in({**SENT, "vendor_id": "mem_shop"}, OPERATOR).may_backdate


def test_a_client_is_named_by_a_phone_or_an_address_with_the_code() -> None:
    by_phone = {"phone": "+263 77 304 7653", "code": "7k0m-1xq2"}
    assert report_in({**SENT, "client": by_phone}, VENDOR).client == Client(
        Customer(phone="+263773047653"), "7k0m-1xq2"
    )
    asked = {"affiliate_id": "mem_ann", "client": {"email": "Tendai@example.com"}}
    sent = client_code_in(asked, VENDOR)
    assert (sent.vendor_id, sent.affiliate_id) == ("mem_shop", "mem_ann")
    assert sent.client == Customer(email="tendai@example.com")
    assert client_code_in({**asked, "vendor_id": "mem_b"}, OPERATOR).vendor_id == "mem_b"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"client": None}, "/client"),
        ({"client": {}}, "/client"),
        ({"client": {"phone": "+263773047653", "email": "a@b.example"}}, "/client"),
        ({"client": {"phone": "+263773047653", "code": "x"}}, "/client/code"),
        ({"affiliate_id": None}, "/affiliate_id"),
        ({"vendor_id": "mem_other"}, "/vendor_id"),
    ],
)
def test_a_clients_code_is_asked_for_with_nothing_missing(
    change: dict[str, Any], pointer: str
) -> None:
    asked = {"affiliate_id": "mem_ann", "client": {"phone": "+263773047653"}}
    with pytest.raises(InvalidFieldError) as refused:
        client_code_in({**asked, **change}, VENDOR)
    assert refused.value.pointer == pointer


def test_a_customer_opts_out_by_any_key_of_theirs() -> None:
    sent = customer_in({"customer": {"id": "c-1", "email": "Tendai@example.com"}}, VENDOR)
    assert (sent.vendor_id, sent.customer) == (
        "mem_shop",
        Customer(email="tendai@example.com", vendor_customer_id="c-1"),
    )
    for body in ({}, {"customer": {}}, {"customer": {"id": None}}, {"customer": {"name": "x"}}):
        with pytest.raises(InvalidFieldError):
            customer_in(body, VENDOR)


def test_an_operator_names_the_vendor_of_a_customer_of_its_own_id() -> None:
    by_phone = {"customer": {"phone": "+263773047653"}}
    assert customer_in(by_phone, OPERATOR).vendor_id is None
    assert customer_in({**by_phone, "vendor_id": "mem_b"}, OPERATOR).vendor_id == "mem_b"
    with pytest.raises(InvalidFieldError) as refused:
        customer_in({"customer": {"id": "c-1"}}, OPERATOR)
    assert refused.value.pointer == "/vendor_id"


def test_a_free_order_is_reported() -> None:
    assert report_in({**SENT, "amount_minor": 0}, VENDOR).amount_minor == 0
    assert report_in({**SENT, "amount_minor": 10**12}, VENDOR).amount_minor == 10**12


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount_minor": 0}, "/amount_minor"),
        ({"amount_minor": -5}, "/amount_minor"),
        ({"reason": ""}, "/reason"),
        ({"external_id": None}, "/external_id"),
        ({"currency": "USD"}, "/currency"),
    ],
)
def test_a_refund_is_of_something_for_a_reason(change: dict[str, Any], pointer: str) -> None:
    sent = {"external_id": "r-1", "amount_minor": 5, "reason": "returned"}
    assert refund_in(sent).amount_minor == 5
    with pytest.raises(InvalidFieldError) as refused:
        refund_in({**sent, **change})
    assert refused.value.pointer == pointer


def test_a_rejection_has_its_reason_and_perhaps_a_code() -> None:
    assert rejection_in({"reason": " stolen card "}) == ("other", "stolen card")
    assert rejection_in({"reason": "x", "code": None}) == ("other", "x")
    assert rejection_in({"reason": "x", "code": "fraud"}) == ("fraud", "x")
    for body in (
        {},
        {"code": "fraud"},
        {"reason": 7},
        {"reason": "x" * 501},
        {"reason": "x", "note": "y"},
        {"reason": "x", "code": "theft"},
        {"reason": "x", "code": ""},
        None,
    ):
        with pytest.raises(InvalidFieldError):
            rejection_in(body)


def test_a_batch_is_of_one_currency_up_to_a_date() -> None:
    assert (batch_in({"currency": "USD"}).cutoff, batch_in({"currency": "ZWG"}).currency) == (
        None,
        "ZWG",
    )
    for body in ({}, {"currency": "ZWL"}, {"currency": "USD", "cutoff": 20261121}, {"cutoff": "x"}):
        with pytest.raises(InvalidFieldError):
            batch_in(body)


RESULT = {"payout_id": "pay_1", "status": "paid"}


@pytest.mark.parametrize(
    ("results", "pointer"),
    [
        ([], "/results"),
        (None, "/results"),
        ([RESULT] * 101, "/results"),
        (["pay_1"], "/results/0"),
        ([RESULT, {**RESULT, "payout_id": None}], "/results/1/payout_id"),
        ([{**RESULT, "status": "unknown"}], "/results/0/status"),
        ([{**RESULT, "amount_minor": 5}], "/results/0/amount_minor"),
        ([{**RESULT, "status": "returned", "step": 0}], "/results/0/step"),
        ([{**RESULT, "status": "returned", "step": 10}], "/results/0/step"),
        ([{**RESULT, "status": "returned", "step": "2"}], "/results/0/step"),
        ([RESULT, {**RESULT, "status": "failed"}], "/results/1/payout_id"),
    ],
)
def test_results_name_each_payout_once(results: Any, pointer: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        results_in({"results": results})
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("status", ["paid", "failed", "returned", "arrived"])
def test_a_result_is_one_of_four_words_and_may_say_its_step(status: str) -> None:
    (result,) = results_in({"results": [{**RESULT, "status": status, "step": 2}]})
    assert (result.status, result.step) == (status, 2)


ADJUSTMENT = {
    "affiliate_id": "mem_1",
    "currency": "USD",
    "amount_minor": -5,
    "reason": "paid by mistake",
}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"affiliate_id": None}, "/affiliate_id"),
        ({"affiliate_id": 5}, "/affiliate_id"),
        ({"currency": "ZWL"}, "/currency"),
        ({"amount_minor": None}, "/amount_minor"),
        ({"amount_minor": 0}, "/amount_minor"),
        ({"amount_minor": 1.5}, "/amount_minor"),
        ({"amount_minor": "5"}, "/amount_minor"),
        ({"amount_minor": True}, "/amount_minor"),
        ({"amount_minor": 10**12 + 1}, "/amount_minor"),
        ({"amount_minor": -(10**12) - 1}, "/amount_minor"),
        ({"reason": None}, "/reason"),
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
        ({"kind": "gift"}, "/kind"),
        ({"kind": "write_off"}, "/amount_minor"),
        ({"due_on": "2026-12-01"}, "/due_on"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_at_its_field(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        adjustment_in(ADJUSTMENT | changes)
    assert refused.value.pointer == pointer


def test_an_adjustment_is_one_unless_it_says_that_it_writes_off() -> None:
    assert adjustment_in(ADJUSTMENT).kind == "adjustment"
    written_off = adjustment_in(ADJUSTMENT | {"kind": "write_off", "amount_minor": 5})
    assert (written_off.kind, written_off.amount_minor) == ("write_off", 5)


def test_a_result_keeps_its_reference_and_reason() -> None:
    (result,) = results_in({"results": [{**RESULT, "reference": "EC-1", "reason": "ok"}]})
    assert (result.status, result.reference, result.reason) == ("paid", "EC-1", "ok")
