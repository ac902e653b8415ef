"""Exports of shops as they come: what is a sale, what was given back, and what is left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pytest

from linkage_cli import api_client
from linkage_cli.errors import ExitCode
from linkage_cli.orders.square_zones import ZONES
from tests.cli.orders import shop_files as shop
from tests.cli.orders.importing import imported, shown, write
from tests.cli.standin_api import StandinApi, standin_api

FURTHER = {
    "Name": "#1",
    "Email": "farai@example.com",
    "Created at": "2026-11-02 09:13:55 +0200",
    "Lineitem name": "Nails",
}
GROUP = "Gumbo, Farai"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandinApi]:
    monkeypatch.setattr(api_client, "BACKOFF_MAX_S", 0.0)
    with standin_api() as state:
        yield state


@dataclass(frozen=True)
class Case:
    """Rows of an export and what is to become of them: minor units by order."""

    name: str
    rows: Sequence[dict[str, str]]
    sold: dict[str, int] = field(default_factory=dict)
    back: dict[str, list[int]] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    failed: Sequence[str] = ()


def part(number: int, back: str, state: str = "partially_refunded") -> dict[str, str]:
    return shop.shopify(
        f"#{number}", "100.00", Total="125.00", Refunded_Amount=back, Financial_Status=state
    )


SHOPIFY = [
    Case("paid", [shop.shopify("#1", "260.00")], {"#1": 26000}),
    Case(
        "further lines are of the order above",
        [shop.shopify("#1", "9.00"), FURTHER, FURTHER, shop.shopify("#2", "1.00")],
        {"#1": 900, "#2": 100},
    ),
    Case(
        "a further line without its order is told",
        [FURTHER, shop.shopify("#2", "1.00")],
        {"#2": 100},
        failed=["This is a further line of order #1, whose first line does not stand before it."],
    ),
    Case(
        "the same order twice is one",
        [shop.shopify("#1", "9.00"), FURTHER, shop.shopify("#1", "9.00"), FURTHER],
        {"#1": 900},
    ),
    Case(
        "one id with two contents is neither",
        [shop.shopify("#1", "9.00"), shop.shopify("#1", "8.00"), shop.shopify("#1", "9.00")],
        failed=[
            "The order stands in row 3 too, with other content. Take one of them out.",
            "The order stands in row 2 too, with other content. Take one of them out.",
            "The order stands in row 2 too, with other content. Take one of them out.",
        ],
    ),
    Case(
        "what is not paid is left out",
        [
            shop.shopify(f"#{at}", "9.00", Financial_Status=state)
            for at, state in enumerate(("pending", "authorized", "voided", "partially_paid", ""))
        ],
        left_out=[
            "it is pending",
            "it is authorized",
            "it is voided",
            "it is partially_paid",
            "it is not known to be paid",
        ],
    ),
    Case(
        "tests and what was cancelled are left out",
        [
            shop.shopify("#1", "9.00", Payment_Method="(for testing) Bogus Gateway"),
            shop.shopify("#2", "9.00", Cancelled_at="2026-11-03 09:00:00 +0200"),
        ],
        left_out=["it is a test", "it is cancelled"],
    ),
    Case(
        "of what went back, which is gross, the subtotal's share counts",
        [part(1, "25.00"), part(2, "0.01"), part(3, "0.00"), part(4, "124.99")],
        {f"#{at}": 10000 for at in (1, 2, 3, 4)},
        {"#1": [2000], "#2": [1], "#4": [9999]},
    ),
    Case(
        "all of it went back",
        [part(1, "125.00", "refunded"), part(2, "130.00"), part(3, "100.00", "refunded")],
        {f"#{at}": 10000 for at in (1, 2, 3)},
        {"#1": [10000], "#2": [10000], "#3": [10000]},
    ),
    Case(
        "an order that stands there again with more of it back",
        [part(1, "0.00", "paid"), part(1, "25.00"), part(1, "50.00"), part(1, "50.00")],
        {"#1": 10000},
        {"#1": [4000]},
    ),
    Case("a free order", [shop.shopify("#1", "0.00")], {"#1": 0}),
    Case(
        "other currencies have other decimals",
        [shop.shopify("#1", "1500", Currency="JPY"), shop.shopify("#2", "1.5", Currency="KWD")],
        {"#1": 1500, "#2": 1500},
    ),
    Case(
        "what is no amount or currency is told",
        [
            shop.shopify("#1", "nine"),
            shop.shopify("#2", "9.00", Currency="ZWL"),
            shop.shopify("#3", "1.005"),
            shop.shopify("#4", "9.00", Created_at="2026-11-02 09:13:55"),
            shop.shopify("", "9.00"),
        ],
        failed=[
            "'nine' is no amount. Write only digits and a decimal point, for example 12.50.",
            "'ZWL' is no currency. ZWL left ISO 4217 in September 2024. Use ZWG (Zimbabwe Gold) or "
            "USD.",
            "1.005 has 3 decimals; USD has 2.",
            "'2026-11-02 09:13:55' is a time without its zone. Say where it is meant, for example "
            "--date-zone Africa/Harare.",
            "The order has no id.",
        ],
    ),
]

WOOCOMMERCE = [
    Case(
        "orders by their net sales",
        [
            shop.woocommerce("898", "14.99", Status="processing"),
            shop.woocommerce("899", "1,198.5", Status="wc-completed"),
            shop.woocommerce("900", "0"),
        ],
        {"898": 1499, "899": 119850, "900": 0},
    ),
    Case(
        "a refund is a line below 0 with the order's number",
        [
            shop.woocommerce("1", "20.00", Status="refunded"),
            shop.woocommerce("1", "-20.00", Status="refunded", Items_sold="-1"),
            shop.woocommerce("2", "-5.00", Status="completed", Items_sold="-1"),
            shop.woocommerce("2", "-5.00", Status="completed", Items_sold="-1"),
            shop.woocommerce("2", "20.00"),
        ],
        {"1": 2000, "2": 2000},
        {"1": [2000], "2": [500, 500]},
    ),
    Case(
        "a refund of an order that is not here is counted",
        [shop.woocommerce("7", "-5.00", Status="refunded"), shop.woocommerce("8", "1.00")],
        {"8": 100},
        left_out=["it gives money back, and its sale is not among these"],
    ),
    Case(
        "more went back than was sold",
        [shop.woocommerce("1", "3.00"), shop.woocommerce("1", "-5.00", Status="refunded")],
        {"1": 300},
        failed=["With 5.00 USD more is given back than was sold. Mend the amounts."],
    ),
    Case(
        "what is not paid is left out",
        [
            shop.woocommerce(str(at), "9.00", Status=state)
            for at, state in enumerate(("on-hold", "pending", "failed", "cancelled"))
        ],
        left_out=["it is on-hold", "it is pending", "it is failed", "it is cancelled"],
    ),
    Case(
        "an order without an amount is told",
        [shop.woocommerce("1", "")],
        failed=["The order has no amount."],
    ),
]

STRIPE = [
    Case(
        "payments, each in its currency",
        [
            shop.stripe("ch_1", "250.30"),
            shop.stripe("ch_2", "1500", Currency="jpy"),
            shop.stripe("ch_3", "15.00", Amount_Refunded="5.00", Mode=""),
            shop.stripe("ch_4", "15.00", Amount_Refunded="15.00", Status="Refunded"),
        ],
        {"ch_1": 25030, "ch_2": 1500, "ch_3": 1500, "ch_4": 1500},
        {"ch_3": [500], "ch_4": [1500]},
    ),
    Case(
        "a dispute that was lost gives back what was disputed",
        [
            shop.stripe("ch_1", "15.00", Dispute_Status="Lost", Disputed_Amount="15.00"),
            shop.stripe("ch_2", "15.00", Dispute_Status="Won", Disputed_Amount="15.00"),
            shop.stripe(
                "ch_3", "15.00", Dispute_Status="lost", Disputed_Amount="15", Amount_Refunded="5"
            ),
        ],
        {"ch_1": 1500, "ch_2": 1500, "ch_3": 1500},
        {"ch_1": [1500], "ch_3": [1500]},
    ),
    Case(
        "what failed, was a test or is not captured is left out",
        [
            shop.stripe("ch_1", "99.00", Status="Failed"),
            shop.stripe("ch_2", "99.00", Mode="Test"),
            shop.stripe("ch_3", "99.00", Captured="false"),
            shop.stripe("ch_4", "99.00", Status="Requires capture"),
        ],
        left_out=[
            "it is failed",
            "it is a test",
            "it is not captured",
            "it is requires capture",
        ],
    ),
]

SQUARE = [
    Case(
        "payments by their net sales, and what went back",
        [
            shop.square("t1", "$22.50"),
            shop.square("t2", "$1,200.00", Discounts="-$40.00", Total_Collected="$1,383.50"),
            shop.square("t1", "-$22.50", Event_Type="Refund"),
            shop.square("t2", "$0.00", Event_Type="Refund", Partial_Refunds="-$5.00"),
            shop.square("t3", "$0.10", Time_Zone="Pacific Time (US & Canada)"),
        ],
        {"t1": 2250, "t2": 120000, "t3": 10},
        {"t1": [2250], "t2": [500]},
    ),
    Case(
        "what is not complete, or no payment, is left out",
        [
            shop.square("t1", "$1.00", Transaction_Status="Failed"),
            shop.square("t2", "$1.00", Event_Type="Gift Card"),
        ],
        left_out=["it is failed", "it is gift card"],
    ),
    Case(
        "signs that cannot be are told",
        [
            shop.square("t1", "-$1.00"),
            shop.square("t2", "£1.00"),
            shop.square("t3", "$1.00", Time_Zone="Middle Earth"),
            shop.square("t4", "$1.00", Event_Type="Refund"),
        ],
        failed=[
            "A payment's net sales cannot be below 0.",
            "'£1.00' is not in USD. Say the currency it is in.",
            "'Middle Earth' is not known. Say which it is by --date-zone.",
            "A refund's net sales cannot be above 0.",
        ],
    ),
]

QUICKBOOKS = [
    Case(
        "lines of a document are added up",
        [
            {"": GROUP},
            shop.quickbooks("Invoice", "1042", "1,250.00"),
            shop.quickbooks("Invoice", "1042", "-50.00"),
            shop.quickbooks("Sales Receipt", "1043", "0.50"),
            {"": f"Total for {GROUP}", "Amount": "$1,200.50"},
            {"": "TOTAL", "Amount": "$1,200.50"},
        ],
        {"1042": 120000, "1043": 50},
    ),
    Case(
        "a credit memo is of the customer's latest sale with so much left",
        [
            {"": GROUP},
            shop.quickbooks("Invoice", "1", "100.00"),
            shop.quickbooks("Invoice", "2", "30.00", Transaction_date="14/11/2026"),
            shop.quickbooks("Invoice", "3", "900.00", Transaction_date="29/11/2026"),
            shop.quickbooks("Credit Memo", "CM-1", "-20.00", Transaction_date="15/11/2026"),
            shop.quickbooks("Credit Memo", "CM-1", "-5.00", Transaction_date="15/11/2026"),
            shop.quickbooks("Credit Memo", "CM-2", "-20.00", Transaction_date="16/11/2026"),
            shop.quickbooks("Credit Memo", "CM-3", "-500.00", Transaction_date="17/11/2026"),
            {"": "Somebody else"},
            shop.quickbooks("Credit Memo", "CM-4", "-1.00", Transaction_date="30/11/2026"),
        ],
        {"1": 10000, "2": 3000, "3": 90000},
        {"1": [2000], "2": [2500]},
        left_out=["it gives money back, and its sale is not among these"],
    ),
    Case(
        "other documents are left out",
        [{"": GROUP}, shop.quickbooks("Estimate", "7", "1.00")],
        left_out=["it is estimate"],
    ),
    Case(
        "one number of two documents is neither, and below 0 no order is",
        [
            {"": GROUP},
            shop.quickbooks("Invoice", "1", "1.00"),
            shop.quickbooks("Invoice", "2", "-1.00"),
            {"": "Somebody else"},
            shop.quickbooks("Invoice", "1", "1.00"),
        ],
        failed=[
            "The order stands in row 10 too, with other content. Take one of them out.",
            "Its lines add up to -1.00 USD, which no order can come to.",
            "The order stands in row 7 too, with other content. Take one of them out.",
        ],
    ),
]

EXPORTS: list[tuple[str, list[str], str, list[str], list[Case]]] = [
    ("shopify", shop.SHOPIFY, "", [], SHOPIFY),
    (
        "woocommerce",
        shop.WOOCOMMERCE,
        "",
        ["--currency", "USD", "--date-zone", "Africa/Harare"],
        WOOCOMMERCE,
    ),
    ("stripe", shop.STRIPE, "", [], STRIPE),
    ("square", shop.SQUARE, "", ["--currency", "USD"], SQUARE),
    (
        "quickbooks",
        shop.QUICKBOOKS,
        shop.QUICKBOOKS_TITLES,
        ["--currency", "USD"],
        QUICKBOOKS,
    ),
]


def test_every_zone_of_square_is_one_that_there_is() -> None:
    assert set(ZONES.values()) <= available_timezones()


def given_back(api: StandinApi) -> dict[str, list[int]]:
    return {
        name: [each["amount_minor"] for each in refunds.values()]
        for name, refunds in sorted(api.refunds.items())
        if refunds
    }


@pytest.mark.parametrize(
    ("program", "columns", "titles", "options", "case"),
    [
        pytest.param(*export, case, id=f"{export[0]}: {case.name}")
        for *export, cases in EXPORTS
        for case in cases
    ],
)
def test_an_export_becomes(
    api: StandinApi,
    tmp_path: Path,
    program: str,
    columns: list[str],
    titles: str,
    options: list[str],
    case: Case,
) -> None:
    file = write(tmp_path / "export.csv", shop.written(columns, case.rows, titles))
    preview, result = shown(api, file, "--from", program, *options)
    assert result.exit_code == (ExitCode.findings if case.failed else 0), result.output
    assert {name: each["amount_minor"] for name, each in api.known.items()} == case.sold
    assert given_back(api) == case.back
    assert [each["why"] for each in preview["left_out"]] == list(case.left_out)
    assert [each["detail"] for each in preview["errors"]] == list(case.failed)
    again = shown(api, file, "--from", program, *options)[1]
    assert '"new": 0,' in again.stdout
    assert '"refunds_new": 0,' in again.stdout
    assert given_back(api) == case.back


def reported(api: StandinApi, tmp_path: Path, program: str, text: str, *options: str) -> Any:
    file = write(tmp_path / "export.csv", text)
    result = imported(api, file, "--yes", "--from", program, *options)
    assert result.exit_code == 0, result.output
    return result.output


def test_shopify_knows_customer_click_coupon_and_moment(api: StandinApi, tmp_path: Path) -> None:
    order = shop.shopify(
        "#1",
        "9.00",
        Email="Farai@example.com",
        Phone="'+263 77 304 7653",
        Discount_Code="FARAI-10",
        Note_Attributes="gift: yes\nlinkage_click_id: clk_01jd7x9q2mtn8k4v6w3y5z7abc\nnote: x",
    )
    reported(api, tmp_path, "shopify", shop.written(shop.SHOPIFY, [order]))
    assert api.known["#1"] == {
        "program_id": "prg_1",
        "event": "sale",
        "external_id": "#1",
        "amount_minor": 900,
        "currency": "USD",
        "customer": {"email": "farai@example.com", "phone": "+263773047653"},
        "click_id": "clk_01jd7x9q2mtn8k4v6w3y5z7abc",
        "occurred_at": "2026-11-02T07:13:55.000Z",
        "coupon": "FARAI-10",
    }


def test_what_the_api_would_not_take_of_an_order_is_left_out_and_said(
    api: StandinApi, tmp_path: Path
) -> None:
    order = shop.shopify("#1", "9.00", Email="none", Phone="0773 047 653", Discount_Code="10 % off")
    other = shop.shopify("#2", "9.00", Discount_Code="FARAI-10, SUMMER")
    text = shop.written(shop.SHOPIFY, [order, other])
    said = reported(api, tmp_path, "shopify", text)
    assert "customer" not in api.known["#1"]
    assert "coupon" not in api.known["#1"]
    assert api.known["#2"]["coupon"] == "FARAI-10"
    for what in ("a customer's email", "a customer's phone", "the name of a discount"):
        assert f"1 order with {what} that cannot be used" in said
    assert "1 order with more than one coupon, of which the first is reported" in said


def test_another_column_can_name_the_order_the_customer_the_click_and_the_coupon(
    api: StandinApi, tmp_path: Path
) -> None:
    order = shop.shopify("#1", "9.00", Id="77", Tags="SUMMER", Notes="clk_1", Billing_Company="Co")
    columns = ["--id-column", "Id", "--coupon-column", "Tags", "--click-column", "Notes"]
    text = shop.written(shop.SHOPIFY, [order])
    reported(api, tmp_path, "shopify", text, *columns, "--customer-column", "Billing Company")
    said = api.known["77"]
    assert (said["coupon"], said["click_id"], said["customer"]) == ("SUMMER", "clk_1", {"id": "Co"})


def test_an_export_of_next_month_gives_back_what_is_missing_of_a_refund(
    api: StandinApi, tmp_path: Path
) -> None:
    for back in ("5.00", "5.00", "15.00"):
        row = shop.stripe("ch_1", "20.00", Amount_Refunded=back)
        reported(api, tmp_path, "stripe", shop.written(shop.STRIPE, [row]))
    assert given_back(api) == {"ch_1": [500, 1000]}


@pytest.mark.parametrize(
    ("dates", "options", "moment"),
    [
        (["13/11/2026"], [], "2026-11-13T12:00:00.000Z"),
        (["11/13/2026"], [], "2026-11-13T12:00:00.000Z"),
        (["02/11/2026", "13/11/2026"], [], "2026-11-02T12:00:00.000Z"),
        (["02/11/2026"], ["--date-order", "day"], "2026-11-02T12:00:00.000Z"),
        (["02/11/2026"], ["--date-order", "month"], "2026-02-11T12:00:00.000Z"),
        (["2026-11-02"], ["--date-zone", "Africa/Harare"], "2026-11-02T10:00:00.000Z"),
        (["02/11/2026"], [], "say which, by --date-order day or --date-order month"),
        (["13/11/2026", "11/14/2026"], [], "some begin with the day and some with the month"),
    ],
)
def test_a_date_is_never_guessed(
    api: StandinApi, tmp_path: Path, dates: list[str], options: list[str], moment: str
) -> None:
    rows = [
        shop.quickbooks("Invoice", str(number), "1.00", Transaction_date=text)
        for number, text in enumerate(dates)
    ]
    text = shop.written(shop.QUICKBOOKS, rows, shop.QUICKBOOKS_TITLES)
    file = write(tmp_path / "report.csv", text)
    result = imported(api, file, "--yes", "--from", "quickbooks", "--currency", "USD", *options)
    if moment.endswith("Z"):
        assert api.known["0"]["occurred_at"] == moment
    else:
        assert (result.exit_code, api.known) == (ExitCode.refused, {})
        assert moment in result.output


@pytest.mark.parametrize("text", ["2026-11-02 09:14", "2026-11-02 9:14 AM", "02/11/2026 09:14"])
def test_a_time_without_a_zone_is_meant_where_the_user_says(
    api: StandinApi, tmp_path: Path, text: str
) -> None:
    file = write(tmp_path / "orders.csv", f"order_id,customer_id,amount_usd,at\n1,ann,1,{text}\n")
    options = ["--date-column", "at", "--date-order", "day", "--yes"]
    imported(api, file, *options)
    assert api.known == {}
    imported(api, file, *options, "--date-zone", "Africa/Harare")
    assert api.known["1"]["occurred_at"] == "2026-11-02T07:14:00.000Z"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "woocommerce"], "does not say its currency: add --currency"),
        (["--from", "square"], "does not say its currency: add --currency"),
        (["--from", "quickbooks"], "does not say its currency: add --currency"),
        (["--from", "shopify", "--currency", "USD"], "knows that itself: leave --currency out"),
        (["--from", "stripe", "--amount-column", "Tax"], "leave --amount-column out"),
        (["--from", "stripe", "--amounts", "minor"], "leave --amounts out"),
        (["--from", "shopify"], "has no line with the columns of that export"),
        (["--date-zone", "Mars/Olympus"], "is no time zone. Use an IANA name"),
        (["--date-zone", "localtime"], "is no time zone. Use an IANA name"),
        (["--date-zone", ""], "is no time zone. Use an IANA name"),
        (["--decimal-mark", ";"], "must be a point or a comma"),
        (["--decimal-mark", ",", "--thousands-mark", ","], "must differ"),
        (["--thousands-mark", "_"], "must be a comma, a point, an apostrophe or a space"),
        (["--only", "Paid"], "must be COLUMN=CELL"),
        (["--only", "State=Paid"], "has no column State"),
        (["--ignore-column", "State"], "has no column State"),
        (["--id-column", ""], "--id-column is empty"),
        (["--amount-column", " "], "--amount-column is empty"),
        (["--currency-column", ""], "--currency-column is empty"),
        (["--skip-rows", "9"], "the file is empty after its first 9 lines"),
        (["--currency", "usd"], "Use an ISO 4217 currency code in capitals"),
    ],
)
def test_an_option_that_cannot_be_followed_is_a_sentence(
    api: StandinApi, tmp_path: Path, options: list[str], said: str
) -> None:
    file = write(tmp_path / "orders.csv", "order_id,customer_id,amount_usd\n1,ann,5\n")
    result = imported(api, file, "--yes", *options)
    assert result.exit_code in {ExitCode.refused, ExitCode.file}
    assert said in result.output
    assert api.known == {}
