"""Files as they come: no order is lost without a word, and none is reported that was not shown."""

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linkage_cli import api_client
from linkage_cli.errors import ExitCode
from tests.cli.orders import shop_files as shop
from tests.cli.orders.importing import imported, shown, write
from tests.cli.standin_api import StandinApi, standin_api

HEADER = "order_id,customer_id,amount_usd,note\n"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandinApi]:
    monkeypatch.setattr(api_client, "BACKOFF_MAX_S", 0.0)
    with standin_api() as state:
        yield state


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('1,a,1.00,x\nuq1,b,1.00,"12in pipe\n3,c,1.00,y\n', 3),
        ('1,a,1.00,"12in pipe\n2,b,1.00,14in pipe"\n3,c,1.00,y\n', 2),
        ('1,a,1.00,"12in pipe\n2,b,1.00,x\n3,c,1.00,y\n4,d,1.00,z"\n', 2),
        ('1,a,1.00,"12in" pipe\n', 2),
        ('1,a,"1.00,x\n2,b",1.00,y\n', 2),
        ('"1,a,1.00,x\n2",b,1.00,y\n', 2),
        ('1,a,1.00,x\n2,"b\n3,c,1.00,"y"\n', 3),
    ],
)
def test_a_quote_that_swallows_rows_is_named_and_nothing_is_reported(
    api: StandinApi, tmp_path: Path, text: str, row: int
) -> None:
    result = imported(api, write(tmp_path / "o.csv", HEADER + text), "--yes")
    assert result.exit_code == ExitCode.file
    assert f"row {row} " in result.output or f"row {row}," in result.output
    assert api.known == {}


def test_a_cell_may_hold_line_breaks_and_quotes(api: StandinApi, tmp_path: Path) -> None:
    text = '1,a,1.00,"Flat 3,\nSamora Ave"\n2,b,1.00,"a 12"" pipe"\n3,c,1.00,a 12" pipe\n'
    result = imported(api, write(tmp_path / "o.csv", HEADER + text), "--yes")
    assert (result.exit_code, sorted(api.known)) == (0, ["1", "2", "3"])


def test_a_cell_with_whole_lines_in_it_is_believed_if_the_user_says_so(
    api: StandinApi, tmp_path: Path
) -> None:
    file = write(tmp_path / "o.csv", HEADER + '1,a,1.00,"one,\ntwo, three, four, five"\n')
    assert "add --line-breaks" in imported(api, file, "--yes").output
    assert imported(api, file, "--yes", "--line-breaks").exit_code == 0
    assert list(api.known) == ["1"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("order_id,customer_id,amount_usd,amount_usd", "columns twice: amount_usd"),
        ("order_id,order_id,customer_id,amount_usd", "columns twice: order_id"),
        ("order_id,customer_id,amount_usd,note,note", ""),
    ],
)
def test_a_column_that_is_read_stands_there_once(
    api: StandinApi, tmp_path: Path, header: str, said: str
) -> None:
    row = ",".join(["1", "2", "3", "4", "5"][: header.count(",") + 1])
    result = imported(api, write(tmp_path / "o.csv", f"{header}\n{row}\n"), "--yes")
    assert result.exit_code == (ExitCode.file if said else 0)
    assert said in result.output


@pytest.mark.parametrize(
    ("column", "cells", "said", "mended"),
    [
        ("currency", ["USD", "ZAR", "EUR"], "add --currency-column currency", []),
        ("Currency Code", ["ZWG"] * 3, '--currency-column "Currency Code"', []),
        ("Status", ["Paid", "Failed", "Pending"], '--only "Status=Paid"', ["Status=Paid"]),
        ("payment_status", ["paid", "unpaid", "paid"], "--only", ["payment_status=PAID"]),
        ("Type", ["Charge", "Refund", "Charge"], '--only "Type=Payment"', ["Type=Charge"]),
        ("test", ["false", "true", "false"], '--only "test=Live"', ["test=false"]),
        ("Mode", ["live", "Test", "live"], '--only "Mode=Live"', ["Mode=Live"]),
        ("livemode", ["true", "false", "true"], '--only "livemode=Live"', ["livemode=true"]),
        ("Refunded Amount", ["0.00", "1.00", ""], '--refunded-column "Refunded Amount"', []),
    ],
)
def test_a_column_that_speaks_against_a_row_is_not_passed_over(
    api: StandinApi, tmp_path: Path, column: str, cells: list[str], said: str, mended: list[str]
) -> None:
    rows = "".join(f"{at},c{at},5.00,{cell}\n" for at, cell in enumerate(cells))
    file = write(tmp_path / "o.csv", f"order_id,customer_id,amount_usd,{column}\n{rows}")
    result = imported(api, file, "--yes")
    assert result.exit_code == ExitCode.refused
    assert said in result.output
    assert f"--ignore-column {column}" in result.output.replace('"', "")
    assert api.known == {}
    if mended:
        options = [word for each in mended for word in ("--only", each)]
        result = imported(api, file, "--yes", *options)
        assert result.exit_code == 0
        assert 0 < len(api.known) < 3
        assert f"left out: {column} is " in result.output
    imported(api, file, "--yes", "--ignore-column", column)
    assert len(api.known) == 3


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("Status", ["Paid", "completed", "", "SUCCEEDED"]),
        ("currency", ["usd", "USD", "", "USD"]),
        ("Refund", ["0.00", "", "no", "-"]),
        ("Type", ["Charge", "Payment", "Sale", ""]),
        ("status note", ["Failed", "x", "y", "z"]),
    ],
)
def test_a_column_that_says_nothing_against_a_row_is_let_be(
    api: StandinApi, tmp_path: Path, column: str, cells: list[str]
) -> None:
    rows = "".join(f"{at},c{at},5.00,{cell}\n" for at, cell in enumerate(cells))
    file = write(tmp_path / "o.csv", f"order_id,customer_id,amount_usd,{column}\n{rows}")
    assert imported(api, file, "--yes").exit_code == 0
    assert len(api.known) == 4


def test_currency_and_what_went_back_come_from_their_columns(
    api: StandinApi, tmp_path: Path
) -> None:
    text = "order_id,customer_id,amount_usd,currency,back\n"
    text += "1,a,5.00,zar,0\n2,b,500,JPY,200\n3,c,5.00,,6.00\n"
    options = ["--currency-column", "currency", "--refunded-column", "back"]
    file = write(tmp_path / "o.csv", text)
    result = imported(api, file, "--yes", *options)
    assert "row 4, currency: The order has no currency." in result.output
    imported(api, file, "--yes", *options, "--currency", "USD")
    came = {name: (each["currency"], each["amount_minor"]) for name, each in api.known.items()}
    assert came == {"1": ("ZAR", 500), "2": ("JPY", 500), "3": ("USD", 500)}
    back = {name: [b["amount_minor"] for b in each.values()] for name, each in api.refunds.items()}
    assert {name: each for name, each in back.items() if each} == {"2": [200], "3": [500]}


@pytest.mark.parametrize(
    ("cell", "options", "minor"),
    [
        ("$1,383.50", ["--thousands-mark", ","], 138350),
        ("1.383,50", ["--decimal-mark", ",", "--thousands-mark", "."], 138350),
        ("1383,5", ["--decimal-mark", ","], 138350),
        ("1 383,50", ["--decimal-mark", ",", "--thousands-mark", " "], 138350),
        ("1\u202f383.50", ["--thousands-mark", " "], 138350),
        ("1'383.50", ["--thousands-mark", "'"], 138350),
        ("12,34,567.00", ["--thousands-mark", ","], 123456700),
        ("USD 5", [], 500),
        ("5.00 usd", [], 500),
        ("US$5", [], 500),
        ("(5.00)", [], None),
        ("-$5.00", [], None),
        ("\u22125.00", [], None),
        ("1,38.50", ["--thousands-mark", ","], None),
        ("1,383.50", [], None),
        ("€5.00", [], None),
        ("5.00 EUR", [], None),
        ("=1+4", [], None),
        ("1.383.50", [], None),
    ],
)
def test_amounts_are_read_as_their_marks_say_or_not_at_all(
    api: StandinApi, tmp_path: Path, cell: str, options: list[str], minor: int | None
) -> None:
    file = write(tmp_path / "o.csv", f'order_id,customer_id,amount_usd\n1,ann,"{cell}"\n')
    imported(api, file, "--yes", *options)
    assert [each["amount_minor"] for each in api.known.values()] == ([minor] if minor else [])


def test_titles_before_the_columns_are_skipped(api: StandinApi, tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", "My shop\nNovember\norder_id,customer_id,amount_usd\n1,a,5\n")
    assert "add --skip-rows" in imported(api, file, "--yes").output
    assert imported(api, file, "--yes", "--skip-rows", "2").exit_code == 0
    assert list(api.known) == ["1"]


@pytest.mark.parametrize("name", ["1.2E+15", "9E+11"])
def test_an_id_that_a_spreadsheet_shortened_is_no_id(
    api: StandinApi, tmp_path: Path, name: str
) -> None:
    file = write(tmp_path / "o.csv", f"order_id,customer_id,amount_usd\n{name},a,5\n1E,b,5\n")
    result = imported(api, file, "--yes")
    assert "is what a spreadsheet makes of a long number" in result.output
    assert list(api.known) == ["1E"]


def test_a_file_without_a_last_line_break_may_be_cut_off(api: StandinApi, tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", "order_id,customer_id,amount_usd\n1,a,5\n2,b,29.3")
    assert "was cut off there" in imported(api, file, "--yes").output
    assert "look at row 3" in imported(api, file, "--yes").output


def test_what_the_api_would_refuse_is_known_before_anything_is_sent(
    api: StandinApi, tmp_path: Path
) -> None:
    long = "x" * 256
    file = write(tmp_path / "o.csv", f"order_id,customer_id,amount_usd\n{long},a,5\n2,{long},5\n")
    preview, _ = shown(api, file)
    assert [each["field"] for each in preview["errors"]] == ["external_id", "customer.id"]
    assert api.known == {}


def test_the_preview_alone_reports_nothing(api: StandinApi, tmp_path: Path) -> None:
    file = write(tmp_path / "o.csv", "order_id,customer_id,amount_usd\n1,a,5.00\n2,,7.25\n")
    result = imported(api, file, "--json")
    preview = json.loads(result.stdout)["preview"]
    assert (result.exit_code, api.known) == (0, {})
    assert preview["sums"] == [
        {"status": "", "currency": "USD", "orders": 2, "amount_minor": 1225, "refunded_minor": 0}
    ]
    assert (preview["rows"], preview["customers"]) == (2, 1)
    assert preview["first"][0] == {
        "row": 2,
        "program_id": "prg_1",
        "event": "sale",
        "external_id": "1",
        "amount_minor": 500,
        "currency": "USD",
        "customer": {"id": "a"},
    }


def test_a_customers_orders_go_by_date_and_with_one_job_all_do(
    api: StandinApi, tmp_path: Path
) -> None:
    text = "order_id,customer_id,amount_usd,at\n"
    text += "4,a,1,2026-11-04\n3,b,1,2026-11-03\n2,a,1,2026-11-02\n1,b,1,2026-11-01\n"
    file = write(tmp_path / "o.csv", text)
    imported(api, file, "--yes", "--date-column", "at", "--first-click", f"{api.url}/x")
    came = [each["external_id"] for each in api.reports]
    assert came.index("2") < came.index("4")
    assert came.index("1") < came.index("3")
    assert {name for name, each in api.known.items() if "click_id" in each} == {"1", "2"}
    api.known.clear()
    api.reports.clear()
    imported(api, file, "--yes", "--date-column", "at", "--jobs", "1")
    assert [each["external_id"] for each in api.reports] == ["1", "2", "3", "4"]


# Files damaged at random


def table_file(chance: random.Random) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["order_id", "customer_id", "amount_usd", "note"])
    for number in range(12):
        note = chance.choice(["", "pipe, 12 in", 'a 12" pipe', "é"])
        amount = f"{chance.randrange(1, 999)}.{chance.randrange(100):02}"
        writer.writerow([f"o{number}", f"c{number % 5}", amount, note])
    return text.getvalue()


def stripe_file(chance: random.Random) -> str:
    rows = [
        shop.stripe(f"ch_{number}", f"{chance.randrange(1, 999)}.00", Description="Tiles, boxes")
        for number in range(12)
    ]
    return shop.written(shop.STRIPE, rows)


def square_file(chance: random.Random) -> str:
    rows = [shop.square(f"t{number}", f"${chance.randrange(1, 9)},000.00") for number in range(12)]
    return shop.written(shop.SQUARE, rows)


def shopify_file(chance: random.Random) -> str:
    rows = []
    for number in range(6):
        rows.append(shop.shopify(f"#{number}", f"{chance.randrange(1, 999)}.00"))
        rows.append({"Name": f"#{number}", "Lineitem name": "Nails, 5 in"})
    return shop.written(shop.SHOPIFY, rows)


FILES: list[tuple[Callable[[random.Random], str], list[str]]] = [
    (table_file, []),
    (stripe_file, ["--from", "stripe"]),
    (square_file, ["--from", "square", "--currency", "USD"]),
    (shopify_file, ["--from", "shopify"]),
]


DAMAGES = ("cut", "quote", "pair", "pair", "unquote", "separator", "joined", "line", "byte")
DAMAGES += ("latin", "columns")


def damaged(text: str, chance: random.Random) -> tuple[bytes, int]:
    """The file with one thing or two wrong with it, and how many line breaks it got."""
    raw, breaks = bytearray(text.encode()), 0
    for _ in range(chance.choice([1, 1, 2])):
        at = chance.randrange(len(raw))
        kind = chance.choice(DAMAGES)
        if kind == "pair":
            raw = bytearray(_quoted_over_lines(bytes(raw), chance))
        elif kind == "cut":
            del raw[at:]
            raw = raw or bytearray(b"x")
        elif kind in {"quote", "separator", "line", "byte", "latin"}:
            piece = {"quote": b'"', "separator": b",", "line": b"\n", "latin": b"\xe9"}
            new = piece.get(kind, bytes([chance.randrange(256)]))
            breaks += new in {b"\n", b"\r"}
            raw[at:at] = new
        elif kind == "columns":
            raw = bytearray(_columns_moved(raw.decode(errors="surrogateescape"), chance))
        else:
            gone = raw.find(b'"' if kind == "unquote" else b"\n", at)
            if gone >= 0:
                del raw[gone]
    return bytes(raw), breaks


def _quoted_over_lines(raw: bytes, chance: random.Random) -> bytes:
    """A quote before one cell, and one behind a cell of the next lines."""
    starts = [at + 1 for at, byte in enumerate(raw[:-1]) if byte in b",\n"]
    first = chance.choice(starts)
    ends = [at for at, byte in enumerate(raw) if byte in b",\n" and at > first]
    last = chance.choice(ends[:120] or [len(raw)])
    return raw[:first] + b'"' + raw[first:last] + b'"' + raw[last:]


def _columns_moved(text: str, chance: random.Random) -> bytes:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    cells = lines[at].split(",")
    chance.shuffle(cells)
    lines[at] = ",".join(cells)
    return "\n".join(lines).encode(errors="surrogateescape")


@pytest.mark.parametrize(("make", "options"), FILES, ids=lambda each: getattr(each, "__name__", ""))
def test_of_a_damaged_file_no_order_is_lost_or_reported_without_a_word(
    api: StandinApi,
    tmp_path: Path,
    make: Callable[[random.Random], str],
    options: list[str],
) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(75):
        chance = random.Random(f"{make.__name__}{seed}")
        whole = make(chance)
        raw, breaks = damaged(whole, chance)
        file = tmp_path / f"{seed}.csv"
        file.write_bytes(raw)
        api.known.clear()
        api.reports.clear()
        api.refunds.clear()
        preview, result = shown(api, file, *options)
        assert result.exit_code in {0, ExitCode.findings, ExitCode.file, ExitCode.refused}, seed
        if not preview:
            outcomes["refused"] += 1
            assert api.known == {}, seed
            assert result.output.strip(), seed
            continue
        outcomes["read"] += 1
        _require_all_told(raw, breaks, preview, file, seed)
        _require_only_shown(api, preview, seed)
        if raw.splitlines()[:1] == whole.encode().splitlines()[:1]:
            _require_whole_rows_reported(api, whole, raw, file, make, seed)
    assert outcomes["refused"] > 10
    assert outcomes["read"] > 10


def _require_all_told(
    raw: bytes, breaks: int, preview: dict[str, Any], file: Path, seed: int
) -> None:
    """Every line is a row, but for a break within quotes; every row became something."""
    lines = [line for line in raw.decode().split("\n")[1:] if line.strip(" ,\r\t\"'|;")]
    assert preview["rows"] >= len(lines) - breaks, seed
    errors = file.with_name(f"{file.name}.errors.csv")
    failed = {row["row"] for row in csv.DictReader(errors.open())} if errors.exists() else set()
    told = (
        preview["orders"]
        + preview["further_rows"]
        + preview["repeated_rows"]
        + sum(each["rows"] for each in preview["left_out"])
        + len(failed)
        + preview["refunds"]
    )
    assert told >= preview["rows"], seed


def _require_only_shown(api: StandinApi, preview: dict[str, Any], seed: int) -> None:
    """What was reported is what the preview counted, to the cent and the currency."""
    came: Counter[str] = Counter()
    for each in api.known.values():
        came[each["currency"]] += each["amount_minor"]
    shown_sums: Counter[str] = Counter()
    for each in preview["sums"]:
        shown_sums[each["currency"]] += each["amount_minor"]
    assert (len(api.known), came) == (preview["orders"], shown_sums), seed


def _require_whole_rows_reported(
    api: StandinApi,
    whole: str,
    raw: bytes,
    file: Path,
    make: Callable[[random.Random], str],
    seed: int,
) -> None:
    """An order whose line was not touched is reported, or named among those that failed."""
    if make is shopify_file:
        return  # an order's lines depend on each other
    errors = file.with_name(f"{file.name}.errors.csv")
    named = errors.read_text() if errors.exists() else ""
    untouched = Counter(whole.split("\n")[1:]) & Counter(raw.decode().split("\n")[1:])
    for line in untouched:
        if not line:
            continue
        cells = next(csv.reader([line]))
        column = {table_file: 0, stripe_file: 0, square_file: shop.SQUARE.index("Transaction ID")}
        order_id = cells[column[make]]
        assert order_id in api.known or order_id in named, (seed, order_id)
