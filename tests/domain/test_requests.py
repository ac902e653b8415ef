from typing import Any

import pytest

from linkage.customers import Customer
from linkage.errors import ForbiddenError, InvalidFieldError
from linkage.keys import Key
from linkage.requests import batch_in, no_fields_in, reason_in, refund_in, report_in, results_in

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
    *((("event", each, "not_supported")) for each in ("signup", "install", "click", "impression")),
    *(((each, None, "not_supported")) for each in ("coupon", "items", "occurred_at")),
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


def test_a_rejection_has_its_reason_and_nothing_more() -> None:
    assert reason_in({"reason": " fraud "}) == "fraud"
    for body in ({}, {"reason": 7}, {"reason": "x" * 501}, {"reason": "x", "note": "y"}, None):
        with pytest.raises(InvalidFieldError):
            reason_in(body)


def test_a_confirmation_carries_nothing() -> None:
    no_fields_in(None)
    no_fields_in({})
    for body in ({"amount_minor": 5}, [], ""):
        with pytest.raises(InvalidFieldError):
            no_fields_in(body)


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
        ([RESULT, {**RESULT, "status": "failed"}], "/results/1/payout_id"),
    ],
)
def test_results_name_each_payout_once(results: Any, pointer: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        results_in({"results": results})
    assert refused.value.pointer == pointer


def test_a_result_keeps_its_reference_and_reason() -> None:
    (result,) = results_in({"results": [{**RESULT, "reference": "EC-1", "reason": "ok"}]})
    assert (result.status, result.reference, result.reason) == ("paid", "EC-1", "ok")
