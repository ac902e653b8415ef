import csv
import io
import re
import unicodedata
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.payouts.payout_file import COLUMNS, read, render
from linkage.domain.payouts.payouts import Payout, payout_id

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


@pytest.mark.parametrize(
    "name", ["Chipo Ncube", "Żółć 店", 'Moyo, "Sons"', "O'Brien-Smith", "A = B", "ᚠᚢ😀"]
)
def test_a_name_of_any_script_comes_back_as_it_was(name: str) -> None:
    assert rows(render([replace(PAYOUT, name=name)]))[0]["name"] == name


def written(cell: str, column: str = "name") -> str:
    """A cell of a member's as the file has it."""
    method = {"type": "bank", "provider": "CBZ", "account": "1"} | {column: cell}
    payout = replace(PAYOUT, name=cell if column == "name" else "x", method=method)
    return rows(render([payout]))[0][column]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "⁼", "−"])
@pytest.mark.parametrize("column", ["name", "provider", "account"])
def test_no_cell_of_a_members_is_a_formula(start: str, column: str) -> None:
    assert written(f'{start}HYPERLINK("https://evil.example")', column) == (
        f'\'{start}HYPERLINK("https://evil.example")'
    )


@pytest.mark.parametrize(
    ("cell", "inert"),
    [
        pytest.param("x;=1+1", "x;'=1+1", id="after a semicolon"),
        pytest.param("x,@SUM(A1)", "x,'@SUM(A1)", id="after a comma"),
        pytest.param("x|-2", "x|'-2", id="after a bar"),
        pytest.param("x；＝1", "x；'＝1", id="both in full width"),
        pytest.param('x";"=1+1', 'x";"\'=1+1', id="after quotes that close a cell"),
        pytest.param("x; \u00a0\u200b=1", "x; \u00a0\u200b'=1", id="after what is not seen"),
        pytest.param("\ufeff=1", "\ufeff'=1", id="after a mark of byte order"),
        pytest.param("\t=1", " '=1", id="after a tab"),
        pytest.param("x\r\n+1", "x  '+1", id="after the end of a line"),
        pytest.param("x\u2028=1\u2029-1", "x '=1 '-1", id="after separators of lines"),
        pytest.param("x\x85@y\x00", "x '@y ", id="after a control character"),
        pytest.param("two\nlines", "two lines", id="a name of two lines is one"),
        pytest.param(";;;==", ";;;'==", id="only the first of two signs begins it"),
    ],
)
def test_a_cell_is_no_formula_at_whatever_separator_a_spreadsheet_splits(
    cell: str, inert: str
) -> None:
    assert written(cell) == inert


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text("=+-@＝−,;|；\"' \t\r\n\x00\u2028\u200b\ufeffa0", max_size=12))
def test_whatever_it_is_split_at_no_piece_begins_a_formula(cell: str) -> None:
    line = render([replace(PAYOUT, name=cell)]).decode().split("\r\n")[1]
    assert len(line.splitlines()) == 1
    for piece in re.split(r"[,;|；\t]", line.replace(PAYOUT.method["phone"], "")):
        begins = piece.lstrip('" \u200b\ufeff')[:1]
        assert unicodedata.normalize("NFKC", begins) not in {"=", "+", "-", "@", "−"}


@pytest.mark.parametrize(
    "account", ["0012345678", "GB29 NWBK 6016 1331 9268 19", "12-34-56 0001", "4071/00"]
)
def test_a_bank_account_stays_what_it_is(account: str) -> None:
    assert written(account, "account") == account


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
            name=f'Moyo, "Sons" of {affiliate_id}',
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
