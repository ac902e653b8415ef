from dataclasses import replace

import pytest

from linkage.attribution import Click
from linkage.client_codes import ClientCode
from linkage.customers import Binding
from linkage.tables import customers, transactions
from linkage.tables.customers import Presented, Remembered
from linkage.tables.gathering import read
from linkage.tables.transactions import ConditionFailedError

pytestmark = pytest.mark.usefixtures("network")

PHONE, EMAIL = "phone_1", "email_1"
BINDING = Binding(PHONE, "mem_ann", "cnv_1", "2026-11-01T09:00:00.000Z", "2027-11-01T09:00:00.000Z")
CLICK = Click("clk_1", "abcdefgh", "prg_1", "mem_shop", "mem_ann", "2026-11-01", {"sub1": "x"})
CODE = ClientCode("code_1", "2026-11-01T09:00:00.000Z", "2026-11-04T09:00:00.000Z")


def find(keys: tuple[str, ...], clicks_at: str | None = None) -> Remembered:
    return read(customers.reading_remembered(keys, clicks_at))


def opt(opted_out_at: str | None, *keys: str) -> None:
    transactions.write([customers.put_consent(key, opted_out_at) for key in keys])


def test_of_a_customer_nobody_knows_nothing_is_found() -> None:
    assert find((PHONE, EMAIL), "mem_shop") == Remembered({}, False, {})
    assert find(()) == Remembered({}, False, {})
    assert read(customers.reading_codes([])) == {}


def test_everything_of_a_customer_is_found_under_its_key() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    transactions.write([customers.put_presented(EMAIL, "mem_shop", (CLICK,), Presented())])
    opt("2026-11-21T09:00:00.000Z", EMAIL)
    assert find((PHONE, EMAIL), "mem_shop") == Remembered(
        {PHONE: BINDING}, True, {EMAIL: Presented((CLICK,), 1)}
    )
    assert find((PHONE,)) == Remembered({PHONE: BINDING}, False, {})


def test_clicks_are_of_one_vendor() -> None:
    transactions.write([customers.put_presented(PHONE, "mem_shop", (CLICK,), Presented())])
    assert find((PHONE,), "mem_other").presented == {}
    assert find((PHONE,)).presented == {}


def test_clicks_are_kept_only_over_what_was_read() -> None:
    transactions.write([customers.put_presented(PHONE, "mem_shop", (), Presented())])
    stored = find((PHONE,), "mem_shop").presented[PHONE]
    transactions.write([customers.put_presented(PHONE, "mem_shop", (CLICK,), stored)])
    for stale in (Presented(), stored):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.put_presented(PHONE, "mem_shop", (), stale)])
    assert find((PHONE,), "mem_shop").presented == {PHONE: Presented((CLICK,), 2)}


def test_a_key_is_bound_only_over_what_was_read() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    renewed = replace(BINDING, expires_at="2028-01-01T00:00:00.000Z")
    transactions.write([customers.put_binding(renewed, BINDING)])
    for stale in (None, BINDING):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.put_binding(BINDING, stale)])
    assert find((PHONE,)).bindings == {PHONE: renewed}


def test_opting_out_and_in_may_be_repeated_and_leaves_the_binding() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    for _ in range(2):
        opt("2026-11-21T09:00:00.000Z", PHONE, EMAIL)
        assert find((EMAIL,)).opted_out
    for _ in range(2):
        opt(None, PHONE)
        assert find((PHONE,)) == Remembered({PHONE: BINDING}, False, {})
    assert find((PHONE, EMAIL)).opted_out


def test_a_code_written_again_after_a_lost_answer_is_the_same_code() -> None:
    customers.put_code(CODE)
    customers.put_code(CODE)
    with pytest.raises(ConditionFailedError):
        customers.put_code(replace(CODE, created_at="2026-11-02T09:00:00.000Z"))


def test_a_code_is_used_once() -> None:
    customers.put_code(CODE)
    transactions.write([customers.use_code("code_1", "cnv_1")])
    assert read(customers.reading_codes(["code_1", "code_2"])) == {
        "code_1": replace(CODE, used_by="cnv_1")
    }
    for key in ("code_1", "code_2"):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.use_code(key, "cnv_2")])
    with pytest.raises(ConditionFailedError):
        customers.put_code(CODE)
