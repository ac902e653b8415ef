"""Importing orders: every row once, in its customer's order, and an error for what is no order."""

import csv
import json
import shutil
import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from linkage_cli import api_client, networks
from linkage_cli.errors import ExitCode
from linkage_cli.local.emulator import free_port
from linkage_cli.orders.cells import Amounts, signed_minor_units
from linkage_cli.orders.command import app
from tests.cli.standin_api import KEY, StandinApi, standin_api

REAL_ORDERS = Path(__file__).parents[2] / "data" / "orders.csv"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandinApi]:
    monkeypatch.setattr(api_client, "BACKOFF_MAX_S", 0.0)
    monkeypatch.delenv("LINKAGE_API_URL", raising=False)
    monkeypatch.delenv("LINKAGE_KEY", raising=False)
    with standin_api() as state:
        yield state


def run(api: StandinApi, file: Path, *options: str) -> Result:
    access = ["--api-url", api.url, "--key", KEY, "--program", "prg_1", "--yes"]
    return CliRunner().invoke(app, ["import", str(file), *access, *options])


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(
        tmp_path / "orders.csv",
        "order_id,customer_id,amount_usd\n1,ann,29.33\n2,bob,0.00\n3,ann,14.9\n",
    )


def test_each_row_becomes_a_conversion_in_minor_units(api: StandinApi, file: Path) -> None:
    result = run(api, file)
    assert result.exit_code == 0, result.output
    assert "3 new, 0 already there, 0 failed" in result.output
    assert api.known["1"] == {
        "program_id": "prg_1",
        "event": "sale",
        "external_id": "1",
        "amount_minor": 2933,
        "currency": "USD",
        "customer": {"id": "ann"},
    }
    assert [api.known[name]["amount_minor"] for name in ("2", "3")] == [0, 1490]


def test_running_it_again_changes_nothing(api: StandinApi, file: Path) -> None:
    run(api, file)
    before = dict(api.known)
    result = run(api, file)
    assert "0 new, 3 already there, 0 failed" in result.output
    assert (result.exit_code, api.known) == (0, before)


def test_all_real_orders_arrive_once_each_customers_in_file_order(
    api: StandinApi, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    shutil.copy(REAL_ORDERS, file)
    result = run(api, file)
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    assert f"{len(rows):,} new, 0 already there, 0 failed" in result.output
    wanted, came = defaultdict(list), defaultdict(list)
    for row in rows:
        wanted[row["customer_id"]].append((row["order_id"], int(Decimal(row["amount_usd"]) * 100)))
    for report in api.reports:
        came[report["customer"]["id"]].append((report["external_id"], report["amount_minor"]))
    assert (len(rows), len(wanted)) == (6919, 2357)
    assert came == wanted
    assert api.overlaps == 0


def test_several_customers_are_reported_at_once(api: StandinApi, tmp_path: Path) -> None:
    rows = "".join(f"{n},c{n},1\n" for n in range(8))
    file = write(tmp_path / "orders.csv", f"order_id,customer_id,amount_usd\n{rows}")
    api.meeting = threading.Barrier(4, timeout=20)
    assert "8 new" in run(api, file, "--jobs", "4").output


def test_a_failing_api_is_asked_again_and_gets_each_order_once(api: StandinApi, file: Path) -> None:
    api.failures["1"] = [429, 500, 503]
    result = run(api, file)
    assert "3 new" in result.output
    assert [report["external_id"] for report in api.reports if report["customer"]["id"] == "ann"]


def test_what_never_arrives_holds_back_only_the_same_customers_later_orders(
    api: StandinApi, file: Path
) -> None:
    api.failures["1"] = [500] * api_client.ATTEMPTS_MAX
    result = run(api, file)
    assert result.exit_code == 1
    assert list(api.known) == ["2"]
    assert "answers 500 again and again" in result.output
    assert "row 4: Not sent, because row 2 of this customer comes first." in result.output
    assert "2 new, 1 already there, 0 failed" in run(api, file).output


def test_each_refused_row_is_listed_with_the_field_and_the_apis_own_words(
    api: StandinApi, file: Path
) -> None:
    api.refused["1"] = {
        "detail": "The amount is too large.",
        "errors": [{"pointer": "/amount_minor", "detail": "The amount is too large."}],
    }
    result = run(api, file)
    assert result.exit_code == 1
    assert "2 new, 0 already there, 1 failed" in result.output
    errors = file.with_name("orders.csv.errors.csv")
    assert errors.read_text().splitlines() == [
        "row,order_id,field,detail",
        "2,1,amount_minor,The amount is too large.",
    ]
    assert f"{errors} lists the rows that failed. Mend them in {file} and run" in result.output
    api.refused.clear()
    run(api, file)
    assert not errors.exists()


def test_a_wrong_key_stops_the_import_at_once(api: StandinApi, tmp_path: Path) -> None:
    rows = "".join(f"{n},c{n},1\n" for n in range(500))
    file = write(tmp_path / "orders.csv", f"order_id,customer_id,amount_usd\n{rows}")
    result = run(api, file, "--key", "lk_test_wrong", "--jobs", "2")
    assert result.exit_code == ExitCode.unreachable
    assert "would fail too: Send a valid API key." in result.output
    errors = file.with_name("orders.csv.errors.csv").read_text()
    assert errors.count("Not sent, because the import was stopped.") >= 490
    assert api.known == {}


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:4566", "example", "", "ftp://a.example", "http://", "http://[x", "http://a:x"],
)
def test_an_api_that_is_not_there_is_one_sentence_and_no_rows(file: Path, url: str) -> None:
    nowhere = StandinApi()
    nowhere.url = url or f"http://127.0.0.1:{free_port()}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(nowhere, file)
    assert result.exit_code == ExitCode.unreachable
    assert result.output.endswith("Set the API's address with --api-url or LINKAGE_API_URL.\n")
    assert result.output.count("\n") == 1
    assert list(file.parent.iterdir()) == [file]


def test_an_api_that_goes_away_stops_the_import_at_once(
    api: StandinApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{n},c{n},1\n" for n in range(500))
    file = write(tmp_path / "orders.csv", f"order_id,customer_id,amount_usd\n{rows}")
    monkeypatch.setattr(api_client.Api, "require_answer", lambda _: None)
    api.url = f"http://127.0.0.1:{free_port()}"
    result = run(api, file, "--jobs", "2")
    assert result.exit_code == ExitCode.unreachable
    assert "would fail too: " in result.output
    assert "When that is mended, run the same command again." in result.output
    errors = file.with_name("orders.csv.errors.csv").read_text()
    assert errors.count("Not sent, because the import was stopped.") >= 490


def test_a_row_that_is_no_order_fails_alone_and_is_never_rounded(
    api: StandinApi, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "orders.csv",
        "order_id,customer_id,amount_usd\n"
        '1,ann,1.005\n\n,ann,1\n2,ann,"1,50"\n3,ann,-2\n4,ann,\n ,, \n5,ann,2.500\n6,ann\n',
    )
    result = run(api, file)
    assert "1 new, 0 already there, 6 failed" in result.output
    assert api.known["5"]["amount_minor"] == 250
    for said in (
        "row 2, amount_usd: 1.005 has 3 decimals; USD has 2.",
        "row 4, order_id: The order has no id.",
        "row 5, amount_usd: '1,50' is no amount. Write only digits and a decimal point",
        "row 6, amount_usd: -2 is negative. Report money given back as a refund instead.",
        "row 7, amount_usd: The order has no amount.",
        "row 10: It has 2 cells, and the line that names the columns 3.",
    ):
        assert said in result.output


@pytest.mark.parametrize(
    ("text", "amounts", "currency", "minor"),
    [
        ("12.50", Amounts.decimal, "USD", 1250),
        ("12", Amounts.decimal, "JPY", 12),
        ("1.234", Amounts.decimal, "BHD", 1234),
        (".5", Amounts.decimal, "USD", 50),
        ("12.", Amounts.decimal, "USD", 1200),
        ("1250", Amounts.minor, "USD", 1250),
        ("9999999999.99", Amounts.decimal, "USD", 999_999_999_999),
    ],
)
def test_amounts_are_exact(text: str, amounts: Amounts, currency: str, minor: int) -> None:
    assert signed_minor_units(text, amounts, currency) == minor


@pytest.mark.parametrize(
    "text", ["x", "1e3", "1.2.3", "--1", ".", "€5", "٣", "1 000", "nan", "1" * 20]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|not in USD|more than an order"):
        signed_minor_units(text, Amounts.decimal, "USD")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Nr;Kunde;Summe\n7;ann;3.50\n", "utf-8-sig"),
        ("Nr\tKunde\tSumme\r\n7\tann\t3.50\r\n", "utf-8"),
        ('"Nr", "Kunde",Summe,More\n 7 ,ann,3.50,\n', "utf-8"),
        ("sep=;\nNr;Kunde;Summe\n7;ann;3.50\n", "utf-8"),
    ],
)
def test_columns_separators_and_marks_of_spreadsheets_are_understood(
    api: StandinApi, tmp_path: Path, text: str, encoding: str
) -> None:
    file = write(tmp_path / "export.csv", text, encoding)
    names = ["--id-column", "Nr", "--customer-column", "Kunde", "--amount-column", "Summe"]
    result = run(api, file, *names)
    assert result.exit_code == 0, result.output
    assert api.known["7"]["amount_minor"] == 350
    assert api.known["7"]["customer"] == {"id": "ann"}


def test_a_file_without_customers_is_reported_row_by_row(api: StandinApi, tmp_path: Path) -> None:
    file = write(tmp_path / "orders.csv", "order_id,amount_usd\n1,5\n2,6\n")
    run(api, file, "--customer-column", "", "--event", "lead", "--currency", "ZWG", "--limit", "1")
    assert [(each["event"], each["currency"]) for each in api.reports] == [("lead", "ZWG")]
    assert "customer" not in api.reports[0]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"id,amount_usd\n", (), "has no column order_id and no column customer_id. Its columns"),
        (b"", (), "the file is empty."),
        (b"\xef\xbb\xbf\r\n \n", (), "the file is empty."),
        (b"\n1,ann,5\n", (), "Its columns are: 1, ann, 5"),
        ("order_id,customer_id,amount_usd\n1,ann,5\n".encode("utf-16"), (), "is not UTF-8 text"),
        (b"PK\x03\x04\x14\x00", (), "is a spreadsheet's own file. Save it as CSV"),
        (b"<html>" + b"x" * 9_999 + b"\n1\n", (), "x…. Name the right ones with"),
        (b"order_id,customer_id,amount_usd\n", ("--currency", "ZWL"), "Use ZWG"),
        (b"order_id,customer_id,amount_usd\n", ("--clicks", "none.csv"), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(
    api: StandinApi, tmp_path: Path, content: bytes, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(content)
    result = run(api, file, *options)
    assert result.exit_code in {ExitCode.file, ExitCode.refused}
    assert said in result.output


def test_a_file_of_nothing_but_its_columns_has_no_orders(api: StandinApi, tmp_path: Path) -> None:
    file = write(tmp_path / "orders.csv", "order_id,customer_id,amount_usd\n")
    result = run(api, file)
    assert (result.exit_code, api.reports) == (0, [])
    assert "0 orders to report" in result.output


def test_a_file_that_is_not_there_is_a_sentence(api: StandinApi, tmp_path: Path) -> None:
    assert "cannot be read" in run(api, tmp_path / "none.csv").output


def test_an_order_happened_at_its_time_or_at_noon_of_its_date(
    api: StandinApi, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "orders.csv",
        "order_id,customer_id,amount_usd,ordered_on\n"
        "1,ann,1,1997-01-18\n2,ann,1,2026-11-21T09:12:00+02:00\n",
    )
    assert run(api, file, "--date-column", "ordered_on").exit_code == 0
    assert [api.known[name]["occurred_at"] for name in ("1", "2")] == [
        "1997-01-18T12:00:00.000Z",
        "2026-11-21T07:12:00.000Z",
    ]


@pytest.mark.parametrize("text", ["31/31/2026", "21.11.26", "2026-11-31", "yesterday"])
def test_what_is_no_date_fails_alone_and_is_never_guessed(
    api: StandinApi, tmp_path: Path, text: str
) -> None:
    rows = f"order_id,customer_id,amount_usd,at\n1,ann,1,{text}\n2,bob,1,2026-11-21\n3,eve,1,\n"
    result = run(api, write(tmp_path / "orders.csv", rows), "--date-column", "at")
    assert list(api.known) == ["2"]
    assert f"row 2, at: '{text}' is neither a date such as 2026-11-21 nor a time" in result.output
    assert "row 4, at: The order has no date." in result.output


def test_an_operator_reports_for_a_vendor(api: StandinApi, file: Path) -> None:
    run(api, file, "--vendor", "mem_1")
    assert {report["vendor_id"] for report in api.reports} == {"mem_1"}


def test_an_operator_of_the_local_network_is_the_default_for_a_vendor(
    api: StandinApi, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"vendor": "lk_test_of_another", "operator": KEY}
    local = write(tmp_path / "local.json", json.dumps({"api_url": api.url, "keys": keys}))
    monkeypatch.setattr(networks.read_local, "__defaults__", (local,))
    arguments = ["import", str(file), "--program", "p", "--vendor", "mem_1", "--yes"]
    assert "3 new" in CliRunner().invoke(app, arguments).output


def test_an_order_carries_its_coupon(api: StandinApi, tmp_path: Path) -> None:
    file = write(
        tmp_path / "orders.csv",
        "order_id,customer_id,amount_usd,code\n1,ann,1,SPRING\n2,bob,1,\n",
    )
    run(api, file, "--coupon-column", "code")
    assert [api.known[name].get("coupon") for name in ("1", "2")] == ["SPRING", None]


def clicks_of(api: StandinApi) -> dict[str, Any]:
    return {name: report.get("click_id") for name, report in sorted(api.known.items())}


def test_only_a_customers_first_order_carries_the_click_on_a_link(
    api: StandinApi, file: Path
) -> None:
    run(api, file, "--first-click", f"{api.url}/one", "--first-click", f"{api.url}/two")
    assert clicks_of(api) == {"1": "clk_1", "2": "clk_2", "3": None}


def test_it_says_where_clicks_are_kept_and_why(api: StandinApi, file: Path) -> None:
    said = run(api, file, "--first-click", f"{api.url}/one").output
    kept = file.with_name("orders.csv.clicks.csv")
    assert kept.exists()
    assert f"The clicks are kept in {kept}: with other clicks the same orders would be" in said


@pytest.mark.parametrize("link", ["go.example/abc", "abc"])
def test_a_link_that_is_no_address_is_a_sentence(api: StandinApi, file: Path, link: str) -> None:
    result = run(api, file, "--first-click", link)
    assert (result.exit_code, api.reports) == (ExitCode.unreachable, [])
    assert f"'{link}' is no address." in result.output


def test_clicks_made_once_are_used_again_so_that_a_second_import_changes_nothing(
    api: StandinApi, file: Path
) -> None:
    run(api, file, "--first-click", f"{api.url}/one")
    result = run(api, file, "--first-click", f"{api.url}/one")
    assert "0 new, 3 already there, 0 failed" in result.output
    assert api.clicks == 1


def test_clicks_come_from_a_file_or_a_column(api: StandinApi, tmp_path: Path) -> None:
    clicks = write(tmp_path / "clicks.csv", "customer_id,click_id\nann,clk_a\n")
    file = write(
        tmp_path / "orders.csv",
        "order_id,customer_id,amount_usd,click\n1,ann,1,\n2,ann,1,clk_b\n3,bob,1,\n",
    )
    run(api, file, "--clicks", str(clicks), "--click-column", "click")
    assert clicks_of(api) == {"1": "clk_a", "2": "clk_b", "3": None}


def test_the_running_local_network_is_the_default(
    api: StandinApi, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = write(
        tmp_path / "local.json", json.dumps({"api_url": api.url, "keys": {"vendor": KEY}})
    )
    monkeypatch.setattr(networks.read_local, "__defaults__", (local,))
    result = CliRunner().invoke(app, ["import", str(file), "--program", "p"], input="y\n")
    assert f"Report 3 orders of 2 customers to p at {api.url}?" in result.output
    assert "3 new" in result.output


def test_without_a_network_it_says_how_to_start_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks.read_local, "__defaults__", (tmp_path / "local.json",))
    result = CliRunner().invoke(app, ["import", str(file), "--program", "p", "--yes"])
    assert "Start one in another terminal: make dev" in result.output


def test_saying_no_reports_nothing(api: StandinApi, file: Path) -> None:
    access = ["--api-url", api.url, "--key", KEY, "--program", "p"]
    result = CliRunner().invoke(app, ["import", str(file), *access], input="n\n")
    assert (result.exit_code, api.known) == (1, {})


def test_without_a_terminal_it_says_how_to_answer(api: StandinApi, file: Path) -> None:
    access = ["--api-url", api.url, "--key", KEY, "--program", "p"]
    result = CliRunner().invoke(app, ["import", str(file), *access], input="")
    assert (result.exit_code, api.known) == (ExitCode.refused, {})
    assert "There is no terminal to ask at: add --yes." in result.output
