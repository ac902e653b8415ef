"""What the rows of an export say: sales, refunds, and what is neither, each with its row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from linkage_cli.errors import CommandError
from linkage_cli.orders.cells import (
    Amounts,
    Dates,
    Marks,
    currency_in,
    moment,
    signed_minor_units,
)
from linkage_cli.orders.csv_file import Header, OrderFileError, Row

LISTED_MAX = 2_000
"""So many characters of a file's columns are listed."""


@dataclass(frozen=True)
class Sale:
    """An order as it will be reported; `status` is what the export calls its state.

    With `adds` the amount is of one line of it, and all lines with its id are added up.
    """

    row: int
    order_id: str
    amount_minor: int
    currency: str
    customer: Mapping[str, str] = field(default_factory=dict)
    click_id: str | None = None
    occurred_at: str | None = None
    coupon: str | None = None
    status: str = ""
    adds: bool = False


@dataclass(frozen=True)
class Refund:
    """What was given back of an order: by this row, or with `in_all` by all rows until now.

    Without an `order_id` it is of the customer's latest sale that has so much left.
    """

    row: int
    order_id: str | None
    name: str
    amount_minor: int
    currency: str
    occurred_at: str | None = None
    customer: Mapping[str, str] = field(default_factory=dict)
    in_all: bool = False
    status: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A row that is no sale, and why; its amount where it can be read, in minor units."""

    row: int
    order_id: str
    why: str
    status: str = ""
    currency: str = ""
    amount_minor: int = 0


@dataclass(frozen=True)
class Further:
    """A further row of an order that was read already, or one between orders: no order is in it."""

    row: int


@dataclass(frozen=True)
class Note:
    """Something of an order that is left out, while the order itself is reported."""

    row: int
    what: str


type Said = Sale | Refund | LeftOut | Further | Note


class CellError(ValueError):
    """A cell that cannot be read: its column, and a sentence."""

    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column


@dataclass(frozen=True)
class Reading:
    """How the cells of one import are read; `currency` is of orders that name none."""

    currency: str | None = None
    amounts: Amounts = Amounts.decimal
    marks: Marks = field(default_factory=Marks)
    dates: Dates = field(default_factory=Dates)


class Line:
    """One row by the names of its columns; a column that the file does not have is empty."""

    def __init__(self, row: Row, places: Mapping[str, int], reading: Reading) -> None:
        self.row, self._cells, self._places = row.line, row.cells, places
        self.reading = reading

    def __getitem__(self, column: str) -> str:
        place = self._places.get(column)
        return "" if place is None else self._cells[place]

    @property
    def first(self) -> str:
        """Its first cell, whatever its column is called."""
        return self._cells[0]

    def amount(self, column: str, currency: str) -> int:
        """An amount of at least 0, minor units; raises CellError."""
        if not self[column]:
            raise CellError(column, "The order has no amount.")
        amount_minor = self.signed(column, currency)
        if amount_minor < 0:
            raise CellError(
                column,
                f"{self[column]} is negative. Report money given back as a refund instead.",
            )
        return amount_minor

    def signed(self, column: str, currency: str) -> int:
        """An amount that may be below 0, and 0 for an empty cell, minor units; raises CellError."""
        if not self[column]:
            return 0
        reading = self.reading
        try:
            return signed_minor_units(self[column], reading.amounts, currency, reading.marks)
        except ValueError as error:
            raise CellError(column, str(error)) from error

    def moment(self, column: str, dates: Dates | None = None, clock: str | None = None) -> str:
        """When it happened, as the API takes it; `clock` is the column of the time beside a date.

        Raises CellError.
        """
        text = f"{self[column]} {self[clock]}" if clock else self[column]
        try:
            return moment(text.strip(), dates or self.reading.dates)
        except ValueError as error:
            raise CellError(column, str(error)) from error

    def currency(self, column: str | None) -> str:
        """The currency in a column, else the import's own; raises CellError."""
        if column and self[column]:
            try:
                return currency_in(self[column])
            except ValueError as error:
                raise CellError(column, str(error)) from error
        if self.reading.currency is None:
            raise CellError(column or "", "The order has no currency.")
        return self.reading.currency


@dataclass(frozen=True)
class Only:
    """The rows to import: a column, and the cells it may have, in any letters."""

    column: str
    cells: frozenset[str]

    def why_not(self, line: Line) -> str | None:
        """Why a row is left out; None if it is not."""
        cell = line[self.column]
        if cell.casefold() in self.cells:
            return None
        return f"{self.column} is {cell or 'empty'}"


def only_of(options: Sequence[str]) -> list[Only]:
    """The filters of `--only COLUMN=CELL`, several cells of one column by repeating it.

    Raises CommandError.
    """
    cells: dict[str, set[str]] = {}
    for option in options:
        column, equals, cell = option.partition("=")
        if not equals or not column.strip():
            raise CommandError(f'--only {option!r} must be COLUMN=CELL, for example "Status=Paid".')
        cells.setdefault(column.strip(), set()).add(cell.strip().casefold())
    return [Only(column, frozenset(those)) for column, those in cells.items()]


@dataclass(frozen=True)
class Columns:
    """What a file calls each thing; None for what it does not have."""

    order_id: str
    amount: str
    customer_id: str | None
    click_id: str | None = None
    occurred_at: str | None = None
    coupon: str | None = None
    currency: str | None = None
    refunded: str | None = None

    @property
    def needed(self) -> list[str]:
        """Every column the file must have."""
        every = (self.order_id, self.customer_id, self.amount, self.click_id, self.occurred_at)
        return [name for name in (*every, self.coupon, self.currency, self.refunded) if name]


class Table:
    """A table with one order a row, whose columns the user names."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.needed = columns.needed
        self.date = columns.occurred_at

    def order_id(self, line: Line) -> str:
        """The cell of the column of ids."""
        return line[self._columns.order_id]

    def said(self, line: Line) -> Iterator[Said]:
        """One sale, and what was given back of it."""
        columns = self._columns
        order_id = checked_id(line, columns.order_id)
        currency = line.currency(columns.currency)
        amount_minor = line.amount(columns.amount, currency)
        given_back = line.amount(columns.refunded, currency) if columns.refunded else 0
        customer_id = line[columns.customer_id] if columns.customer_id else ""
        yield Sale(
            line.row,
            order_id,
            amount_minor,
            currency,
            {"id": customer_id} if customer_id else {},
            (columns.click_id and line[columns.click_id]) or None,
            line.moment(columns.occurred_at) if columns.occurred_at else None,
            (columns.coupon and line[columns.coupon]) or None,
        )
        if given_back:
            yield Refund(line.row, order_id, order_id, given_back, currency, in_all=True)


def checked_id(line: Line, column: str) -> str:
    """The order's id; raises CellError for none, or one that a spreadsheet has shortened."""
    text = line[column]
    if not text:
        raise CellError(column, "The order has no id.")
    mantissa, exponent, power = text.upper().partition("E+")
    if exponent and power.isdigit() and mantissa.replace(".", "", 1).isdigit():
        raise CellError(
            column,
            f"{text} is what a spreadsheet makes of a long number: other orders look the same. "
            "Export the file again and do not open it in a spreadsheet before.",
        )
    return text


def _shortened(text: str) -> str:
    """As much of it as a person reads: what is no table may be one line of a megabyte."""
    return text if len(text) <= LISTED_MAX else f"{text[:LISTED_MAX]}…"


def places_of(name: str, header: Header, wanted: Sequence[str]) -> dict[str, int]:
    """Where each column is; raises OrderFileError if one that is wanted is missing or twice."""
    missing = [each for each in wanted if each not in header.names]
    if missing:
        raise OrderFileError(
            f"{name} has no column {' and no column '.join(missing)}. Its columns are: "
            f"{_shortened(', '.join(each for each in header.names if each)) or 'none'}. Name the "
            'right ones with --id-column, --customer-column ("" if it has none), '
            "--amount-column, --click-column, --date-column, "
            "--coupon-column or --currency-column; if titles stand before the line that names the "
            "columns, add --skip-rows."
        )
    twice = [each for each, count in Counter(header.names).items() if count > 1 and each in wanted]
    if twice:
        raise OrderFileError(
            f"{name} has {len(twice)} columns twice: {', '.join(twice)}. Give each a name of its "
            "own, or take one of them out."
        )
    return {each: header.names.index(each) for each in reversed(header.names) if each}
