"""Reads a vendor's CSV export: which column is what, and each row as the API takes it."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from linkage import clock
from linkage.errors import InvalidFieldError
from linkage.money import EXPONENTS, checked_currency
from linkage_cli.errors import CommandError

SEPARATORS = (",", ";", "\t", "|")
NOON = time(12, tzinfo=UTC)
"""When an order of a date alone happened: on that date in nearly every time zone."""


class OrderFileError(CommandError):
    """The file is not a table of orders."""


class Amounts(StrEnum):
    """How a file writes money: 12.50, or 1250."""

    decimal = "decimal"
    minor = "minor"


@dataclass(frozen=True)
class Columns:
    """What the file calls each thing; None for what it does not have."""

    order_id: str
    amount: str
    customer_id: str | None
    click_id: str | None = None
    occurred_at: str | None = None
    coupon: str | None = None

    @property
    def needed(self) -> list[str]:
        """Every column the file must have."""
        every = (self.order_id, self.customer_id, self.amount, self.click_id)
        return [name for name in (*every, self.occurred_at, self.coupon) if name]


@dataclass(frozen=True)
class Order:
    """One row; `row` is its line in the file, as an editor or a spreadsheet counts."""

    row: int
    order_id: str
    amount_minor: int
    customer_id: str | None
    click_id: str | None
    occurred_at: str | None = None
    coupon: str | None = None


@dataclass(frozen=True)
class RowError:
    """A row that was not reported, and why."""

    row: int
    order_id: str
    field: str
    detail: str


def read_orders(
    path: Path, columns: Columns, amounts: Amounts, currency: str, limit: int | None
) -> tuple[list[Order], list[RowError]]:
    """The orders in file order and the rows that are none; raises OrderFileError."""
    try:
        checked_currency(currency, "--currency")
    except InvalidFieldError as error:
        raise OrderFileError(f"--currency {currency}: {error.detail}") from error
    orders: list[Order] = []
    errors: list[RowError] = []
    for row, cells in rows_of(path, columns.needed):
        if limit is not None and len(orders) + len(errors) >= limit:
            break
        found = _order(row, cells, columns, amounts, currency)
        if isinstance(found, Order):
            orders.append(found)
        else:
            errors.append(found)
    return orders, errors


def _order(
    row: int, cells: Mapping[str, str], columns: Columns, amounts: Amounts, currency: str
) -> Order | RowError:
    order_id = cells[columns.order_id]
    if not order_id:
        return RowError(row, "", columns.order_id, "The order has no id.")
    try:
        amount_minor = minor_units(cells[columns.amount], amounts, currency)
    except ValueError as error:
        return RowError(row, order_id, columns.amount, str(error))
    occurred_at = None
    if columns.occurred_at:
        try:
            occurred_at = moment(cells[columns.occurred_at])
        except ValueError as error:
            return RowError(row, order_id, columns.occurred_at, str(error))
    return Order(
        row,
        order_id,
        amount_minor,
        (columns.customer_id and cells[columns.customer_id]) or None,
        (columns.click_id and cells[columns.click_id]) or None,
        occurred_at,
        (columns.coupon and cells[columns.coupon]) or None,
    )


def rows_of(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not empty, with its line; missing cells are empty. Raises OrderFileError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, file, needed)
    except OSError as error:
        raise OrderFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise OrderFileError(
            f"{path} is not UTF-8 text. Export it again as CSV with the encoding UTF-8."
        ) from error
    except csv.Error as error:
        raise OrderFileError(f"{path} is not CSV: {error}.") from error


def _rows(path: Path, file: TextIO, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    header = file.readline()
    if not header.strip() and not file.read().strip():
        raise OrderFileError(f"{path}: the file is empty.")
    separator = max(SEPARATORS, key=header.count)
    names = [
        name.strip()
        for name in next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
    ]
    missing = [name for name in needed if name not in names]
    if missing:
        raise OrderFileError(
            f"{path} has no column {' and no column '.join(missing)}. Its columns are: "
            f"{', '.join(names) or 'none'}. Name the right ones with --id-column, "
            f"--customer-column, --amount-column, --click-column, --date-column or --coupon-column."
        )
    reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
    row = 2
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [*(cell.strip() for cell in cells), *[""] * len(names)]
            yield row, dict(zip(names, padded, strict=False))
        row = reader.line_num + 2


def moment(text: str) -> str:
    """A date, meaning its noon UTC, or an RFC 3339 time; raises ValueError with a sentence."""
    if not text:
        raise ValueError("The order has no date.")
    try:
        return clock.text(datetime.combine(date.fromisoformat(text), NOON))
    except ValueError:
        pass
    try:
        return clock.text(clock.instant(text))
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a date such as 2026-11-21 nor a time with its zone such as "
            f"2026-11-21T09:12:00+02:00."
        ) from None


def minor_units(text: str, amounts: Amounts, currency: str) -> int:
    """An amount in minor units, never rounded; raises ValueError with a sentence for the user."""
    if not text:
        raise ValueError("The order has no amount.")
    if text.startswith("-"):
        raise ValueError(f"{text} is negative. Report money given back as a refund instead.")
    whole, _, decimals = text.partition(".")
    if not f"{whole}{decimals}".isascii() or not f"{whole}{decimals}".isdigit():
        raise ValueError(
            f"{text!r} is no amount. Write only digits and a decimal point, for example 12.50."
        )
    exponent = EXPONENTS[currency] if amounts is Amounts.decimal else 0
    decimals = decimals.rstrip("0")
    if len(decimals) > exponent:
        unit = currency if amounts is Amounts.decimal else "an amount in minor units"
        raise ValueError(f"{text} has {len(decimals)} decimals; {unit} has {exponent or 'none'}.")
    return int(whole + decimals.ljust(exponent, "0"))
