import csv
import io
from dataclasses import replace
from itertools import permutations

import pytest

from linkage.payout_file import COLUMNS, read, render
from linkage.payouts import Payout, payout_id

PAYOUT = Payout(
    payout_id="pay_2",
    batch_id="bat_1",
    affiliate_id="mem_1",
    amount_minor=123_405,
    currency="USD",
    status="debited",
    created_at="2026-11-21T09:00:00.000Z",
    name="Tendai Moyo",
    method={"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"},
)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_payout_is_one_row_a_bank_can_read() -> None:
    assert render([PAYOUT]) == (
        b"payout_id,affiliate_id,name,method,provider,account,amount,currency,batch_id\r\n"
        b"pay_2,mem_1,Tendai Moyo,mobile_money,EcoCash,+263773047653,1234.05,USD,bat_1\r\n"
    )


def test_an_empty_batch_is_a_file_of_column_names() -> None:
    assert render([]) == ",".join(COLUMNS).encode() + b"\r\n"


def test_the_same_payouts_in_any_order_are_the_same_bytes() -> None:
    payouts = [replace(PAYOUT, payout_id=f"pay_{each}") for each in "132"]
    assert len({render(order) for order in permutations(payouts)}) == 1


def test_a_payout_that_was_sent_meanwhile_is_written_the_same() -> None:
    sent = replace(PAYOUT, status="sent", reference="EC-1", reason="said the bank")
    assert render([PAYOUT]) == render([sent])


@pytest.mark.parametrize("name", ["Chipo Ncube", "Żółć 店", 'Moyo, "Sons"', "two\nlines", "ᚠᚢ😀"])
def test_a_name_of_any_script_comes_back_as_it_was(name: str) -> None:
    assert rows(render([replace(PAYOUT, name=name)]))[0]["name"] == name


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("column", ["name", "provider", "account"])
def test_no_cell_of_a_members_is_a_formula(start: str, column: str) -> None:
    cell = f'{start}HYPERLINK("https://evil.example")'
    method = {"type": "bank", "provider": "CBZ", "account": "1"} | {column: cell}
    payout = replace(PAYOUT, name=cell if column == "name" else "x", method=method)
    assert rows(render([payout]))[0][column] == f"'{cell}"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "amount"),
    [
        (137, "JPY", "137"),
        (137, "BHD", "0.137"),
        (5, "ZWG", "0.05"),
        (10**12, "USD", "10000000000.00"),
    ],
)
def test_an_amount_is_written_in_its_currencys_units(
    amount_minor: int, currency: str, amount: str
) -> None:
    row = rows(render([replace(PAYOUT, amount_minor=amount_minor, currency=currency)]))[0]
    assert (row["amount"], row["currency"]) == (amount, currency)


def test_a_bank_payout_goes_to_the_account_also_where_a_phone_is_known() -> None:
    method = {"type": "bank", "account": "0012345", "phone": "+263773047653"}
    assert rows(render([replace(PAYOUT, method=method)]))[0]["account"] == "0012345"


def test_a_mobile_money_payout_goes_to_the_phone_also_where_an_account_is_known() -> None:
    method = {"type": "mobile_money", "account": "0012345", "phone": "+263773047653"}
    assert rows(render([replace(PAYOUT, method=method)]))[0]["account"] == "+263773047653"


def test_a_manual_payout_has_no_account() -> None:
    row = rows(render([replace(PAYOUT, method={"type": "manual"})]))[0]
    assert (row["method"], row["provider"], row["account"]) == ("manual", "", "")


def test_an_account_held_in_another_name_is_paid_to_that_name() -> None:
    method = {"type": "bank", "account": "4071", "name": "Moyo Trading"}
    (row,) = rows(render([replace(PAYOUT, method=method)]))
    assert row["name"] == "Moyo Trading"


@pytest.mark.parametrize(
    "method",
    [
        {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"},
        {"type": "bank", "provider": "CBZ", "account": "0012 3456"},
        {"type": "manual"},
        {"type": "manual", "phone": "+263773047653"},
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(("currency", "amount_minor"), [("USD", 5), ("JPY", 137), ("KWD", 1_005)])
def test_a_file_is_read_back_as_what_it_was_written_of(
    method: dict[str, str], currency: str, amount_minor: int
) -> None:
    sent = [
        replace(
            PAYOUT,
            payout_id=payout_id("bat_1", affiliate_id),
            affiliate_id=affiliate_id,
            name=f'Moyo, "Sons"\nof {affiliate_id}',
            method=method,
            currency=currency,
            amount_minor=amount_minor,
            status="sent",
        )
        for affiliate_id in ("mem_1", "mem_2")
    ]
    found = read(render(sent), "bat_1", PAYOUT.created_at)
    assert sorted(found, key=lambda each: each.affiliate_id) == sent


def test_a_column_that_a_later_release_adds_is_let_pass() -> None:
    payout = replace(PAYOUT, payout_id=payout_id("bat_1", "mem_1"), status="sent")
    head, row, _ = render([payout]).decode().split("\r\n")
    assert read(f"more,{head}\r\nx,{row}\r\n".encode(), "bat_1", PAYOUT.created_at) == [payout]
