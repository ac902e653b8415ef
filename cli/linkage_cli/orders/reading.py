"""Reads an export whole into the staging: first what it is, then what each row says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from linkage_cli.errors import CommandError
from linkage_cli.orders.cells import DateOrder, possible_orders
from linkage_cli.orders.contradictions import Watch
from linkage_cli.orders.csv_file import Export, Header, Row, header_of, rows_of
from linkage_cli.orders.layouts import (
    CellError,
    Columns,
    LeftOut,
    Line,
    Only,
    Reading,
    Table,
    places_of,
)
from linkage_cli.orders.progress import Advance
from linkage_cli.orders.shop_export_base import Program, ShopExport
from linkage_cli.orders.shop_exports import export_of
from linkage_cli.orders.staging import Staging

CUT_OFF = (
    "The last line has no line break. If the file was cut off there, its last order is not what it "
    "was: look at row {row}."
)


@dataclass(frozen=True)
class Options:
    """How the user says that a file is to be read."""

    columns: Columns
    reading: Reading
    program: Program | None = None
    only: Sequence[Only] = ()
    ignored: frozenset[str] = frozenset()
    skip_rows: int = 0
    limit: int | None = None
    line_breaks: bool = False

    def layout(self) -> Table | ShopExport:
        """What rows mean, anew; raises CommandError."""
        if self.program is None:
            return Table(self.columns)
        return export_of(self.program, self.columns, self.reading)


@dataclass
class Survey:
    """What a first reading found: the columns, and how the file's dates can be read."""

    header: Header
    places: Mapping[str, int]
    rows: int = 0
    last_row: int = 0
    slashed: bool = False
    orders: set[DateOrder] = field(default_factory=lambda: set(DateOrder))

    def see_date(self, cell: str) -> None:
        """Takes a date that needs its order of day and month into account."""
        if fits := possible_orders(cell):
            self.slashed = True
            self.orders &= fits


def read(export: Export, options: Options, staging: Staging, advance: Advance) -> list[str]:
    """Stages everything that an export says, and gives what to be careful about.

    `advance` hears how many rows were read. Raises CommandError, before anything was reported, for
    a file that cannot be read as it is.
    """
    survey = _surveyed(export, options, advance)
    options = replace(options, reading=_with_order_of_dates(export.name, options, survey))
    layout = options.layout()
    staging.begin()
    for row in _rows(export, survey.header, options):
        staging.rows += 1
        advance(staging.rows, 0)
        _stage(row, Line(row, survey.places, options.reading), layout, options, staging)
    cut_off = survey.rows and export.ends_in_mid_line()
    return [CUT_OFF.format(row=survey.last_row)] if cut_off else []


def _rows(export: Export, header: Header, options: Options) -> Iterator[Row]:
    for number, row in enumerate(rows_of(export, header, line_breaks=options.line_breaks), 1):
        if options.limit is not None and number > options.limit:
            return
        yield row


def _stage(
    row: Row, line: Line, layout: Table | ShopExport, options: Options, staging: Staging
) -> None:
    """Keeps what one row says, or why it says nothing that can be reported."""
    if row.fault:
        staging.fail(row.line, "", "", row.fault)
        return
    why = next((why for only in options.only if (why := only.why_not(line))), None)
    if why:
        staging.leave_out(LeftOut(row.line, layout.order_id(line), why))
        return
    try:
        said = list(layout.said(line))
    except CellError as error:
        staging.fail(row.line, layout.order_id(line), error.column, str(error))
        return
    for each in said:
        staging.add(each)


def _surveyed(export: Export, options: Options, advance: Advance) -> Survey:
    """Reads a file once for its form; raises CommandError for what speaks against importing it."""
    layout = options.layout()
    header = header_of(
        export,
        skip=options.skip_rows,
        is_header=layout.is_header if isinstance(layout, ShopExport) else None,
    )
    if isinstance(layout, ShopExport):
        header = replace(header, names=layout.renamed(header.names))
    wanted = [*layout.needed, *(only.column for only in options.only), *options.ignored]
    survey = Survey(header, places_of(export.name, header, wanted))
    watch = _watch(options, header, wanted)
    for row in rows_of(export, header, line_breaks=options.line_breaks):
        survey.rows, survey.last_row = survey.rows + 1, row.line
        advance(survey.rows, 0)
        if row.fault:
            continue
        line = Line(row, survey.places, options.reading)
        if any(only.why_not(line) for only in options.only):
            continue
        if watch:
            watch.see(line)
        if layout.date:
            survey.see_date(line[layout.date])
    if watch:
        watch.refuse()
    return survey


def _watch(options: Options, header: Header, wanted: Sequence[str]) -> Watch | None:
    """What looks for columns that speak against a table; the known programs' rules know theirs."""
    if options.program is not None:
        return None
    currency = None if options.columns.currency else options.reading.currency
    return Watch(header.names, wanted, currency)


def _with_order_of_dates(name: str, options: Options, survey: Survey) -> Reading:
    """How dates such as 02/11/2026 are read: as the user says, or as every one of them allows.

    Raises CommandError if that is both or neither.
    """
    reading, orders = options.reading, survey.orders
    if reading.dates.order is not None or not survey.slashed:
        return reading
    if len(orders) != 1:
        raise CommandError(
            f"{name} has dates such as 02/11/2026, of which every one could begin with the day or "
            "with the month: say which, by --date-order day or --date-order month."
            if orders
            else f"{name} has dates of which some begin with the day and some with the month. "
            "Export it again with one form of date."
        )
    return replace(reading, dates=replace(reading.dates, order=next(iter(orders))))
