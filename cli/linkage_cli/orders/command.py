"""`linkage orders import`: reports a vendor's CSV export through the public API."""

import csv
import json
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from linkage_cli.api_client import Api, ApiError
from linkage_cli.command_line import commands
from linkage_cli.errors import CommandError, ExitCode
from linkage_cli.networks import read_local
from linkage_cli.orders import first_clicks
from linkage_cli.orders.cells import Amounts, DateOrder, Dates, zone_named
from linkage_cli.orders.csv_file import OrderFileError, is_stream, opened
from linkage_cli.orders.layouts import Reading, only_of
from linkage_cli.orders.options import (
    AMOUNT,
    CURRENCY,
    CUSTOMER,
    ID,
    checked_marks,
    columns_of,
    currency_of,
    refuse_empty,
    refuse_foreign,
)
from linkage_cli.orders.preview import error_lines, errors_of, lines_of, preview_of
from linkage_cli.orders.progress import progress
from linkage_cli.orders.reading import Options, read
from linkage_cli.orders.reporting import Outcome, Reporting
from linkage_cli.orders.shop_export_base import Program
from linkage_cli.orders.staging import Staging, Terms

app = commands("A vendor's orders.")

STREAM_ERRORS = Path("orders.errors.csv")
"""Where the rows that failed are listed if the orders came by a pipe."""


@app.callback()
def group() -> None:
    """A vendor's orders."""


@dataclass(frozen=True)
class Job:
    """One import as it was asked for."""

    file: Path
    terms: Terms
    options: Options
    clicks: Path | None
    links: tuple[str, ...]
    jobs: int
    yes: bool
    as_json: bool

    @property
    def errors_file(self) -> Path:
        """Where the rows that failed are listed."""
        if is_stream(self.file):
            return STREAM_ERRORS
        return self.file.with_name(f"{self.file.name}.errors.csv")


@app.command("import")
def import_command(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    file: Annotated[Path, typer.Argument(help="The CSV file, or - for standard input.")],
    program: Annotated[str, typer.Option(help="The program (prg_…) the orders belong to.")],
    api_url: Annotated[
        str | None, typer.Option(envvar="LINKAGE_API_URL", help="Else that of make dev.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="LINKAGE_KEY",
            help="A vendor's key, or an operator's with --vendor; else make dev's.",
        ),
    ] = None,
    vendor: Annotated[
        str | None, typer.Option(help="The vendor (mem_…) an operator's key reports for.")
    ] = None,
    export: Annotated[
        Program | None,
        typer.Option("--from", help="The program whose export it is: its columns and rules."),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(help=f"The order's id; else {ID}, or the export's own.")
    ] = None,
    customer_column: Annotated[
        str | None, typer.Option(help=f'The customer\'s id; else {CUSTOMER}. "" for none.')
    ] = None,
    amount_column: Annotated[
        str | None, typer.Option(help=f"The order's amount; else {AMOUNT}.")
    ] = None,
    amounts: Annotated[
        Amounts, typer.Option(help="decimal is 12.50, minor is 1250.")
    ] = Amounts.decimal,
    currency: Annotated[
        str | None,
        typer.Option(help=f"An ISO 4217 code, of orders that name none; else {CURRENCY}."),
    ] = None,
    currency_column: Annotated[
        str | None, typer.Option(help="The order's currency, if the file has it.")
    ] = None,
    refunded_column: Annotated[
        str | None, typer.Option(help="What was given back of an order in all, if the file has it.")
    ] = None,
    event: Annotated[str, typer.Option(help="sale or lead.")] = "sale",
    click_column: Annotated[
        str | None, typer.Option(help="The click id an order came by, if the file has it.")
    ] = None,
    date_column: Annotated[
        str | None, typer.Option(help="When it happened: a date (its noon), or a time.")
    ] = None,
    date_zone: Annotated[
        str | None, typer.Option(help="Where times without a zone are meant: Africa/Harare.")
    ] = None,
    date_order: Annotated[
        DateOrder | None, typer.Option(help="What 02/11/2026 begins with, if that is not clear.")
    ] = None,
    coupon_column: Annotated[
        str | None, typer.Option(help="The coupon an order was made with, if the file has it.")
    ] = None,
    decimal_mark: Annotated[
        str | None, typer.Option(help="What comes before cents: a point, or a comma.")
    ] = None,
    thousands_mark: Annotated[
        str | None, typer.Option(help="What parts thousands: a comma, point, apostrophe or space.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help='Only rows with that cell: "Status=Paid". Several of a column add up.'),
    ] = None,
    ignore_column: Annotated[
        list[str] | None,
        typer.Option(help="A column that seems to speak against a row, and does not."),
    ] = None,
    skip_rows: Annotated[
        int, typer.Option(min=0, help="Lines of titles before the one that names the columns.")
    ] = 0,
    line_breaks: Annotated[
        bool, typer.Option("--line-breaks", help="Cells hold whole lines, as a note may.")
    ] = False,
    clicks: Annotated[
        Path | None,
        typer.Option(help="A CSV of customer_id and click_id, for each customer's first order."),
    ] = None,
    first_click: Annotated[
        list[str] | None,
        typer.Option(help="A link's URL, clicked for the first orders; several take turns."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Customers reported at once.")] = 8,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the preview, and with --yes the outcome, as JSON.")
    ] = False,
) -> None:
    """Show a vendor's orders, ask, and report them. Running it again changes nothing."""
    named = {
        "--id-column": id_column,
        "--amount-column": amount_column,
        "--click-column": click_column,
        "--date-column": date_column,
        "--coupon-column": coupon_column,
        "--currency-column": currency_column,
        "--refunded-column": refunded_column,
    }
    refuse_empty(named)
    if export is not None:
        refuse_foreign(export, named, amounts, currency, ignore_column)
    options = Options(
        columns=columns_of(export, named, customer_column),
        reading=Reading(
            currency=currency_of(currency, export, currency_column),
            amounts=amounts,
            marks=checked_marks(export, decimal_mark, thousands_mark),
            dates=Dates(None if date_zone is None else zone_named(date_zone), date_order),
        ),
        program=export,
        only=only_of(only or ()),
        ignored=frozenset(ignore_column or ()),
        skip_rows=skip_rows,
        limit=limit,
        line_breaks=line_breaks,
    )
    terms = Terms(program, event, vendor)
    job = Job(file, terms, options, clicks, tuple(first_click or ()), jobs, yes, as_json)
    with _temporary_disk(), _staging(terms) as staging:
        _run(job, staging, _access(api_url, key, "operator" if vendor else "vendor"))


@contextmanager
def _staging(terms: Terms) -> Iterator[Staging]:
    staging = Staging(terms)
    try:
        yield staging
    finally:
        staging.close()


@contextmanager
def _temporary_disk() -> Iterator[None]:
    """Raises OrderFileError where what was read cannot be kept for the while."""
    try:
        yield
    except sqlite3.Error as error:
        raise OrderFileError(
            f"What the file says cannot be kept while it is read ({error}). Make room in "
            f"{tempfile.gettempdir()}, or name another folder in SQLITE_TMPDIR."
        ) from error


def _run(job: Job, staging: Staging, access: tuple[str, str]) -> None:
    """Reads, shows, asks and reports."""
    api_url, key = access
    stopped = threading.Event()
    api = _reachable(Api(api_url, key, job.jobs, stopped.wait))
    with opened(job.file) as export:
        if job.links and is_stream(job.file):
            raise CommandError(
                "--first-click keeps the clicks beside the file, and the orders come by a pipe. "
                "Write them to a file first."
            )
        with progress(f"Reading {export.name}", None) as advance:
            warnings = read(export, job.options, staging, advance)
    by_date = job.jobs == 1
    staging.settle(by_date=by_date)
    if job.clicks:
        first_clicks.keep_given(job.clicks, staging)
    preview = preview_of(staging, warnings)
    if job.as_json:
        print(json.dumps({"preview": preview}), flush=True)
    else:
        print("\n".join(lines_of(export.name, preview)), flush=True)
    if not preview["orders"]:
        _conclude(job, staging, Outcome(failed=preview["failed"]))
        return
    if not job.yes:
        if job.as_json:
            return
        _confirm(preview, job.terms.program_id, api_url)
    if job.links:
        _make_clicks(job, staging)
    with progress("Reporting orders", preview["orders"]) as advance:
        outcome = Reporting(staging, api, stopped, by_date=by_date).run(job.jobs, advance)
    _conclude(job, staging, outcome)


def _access(api_url: str | None, key: str | None, role: str) -> tuple[str, str]:
    if api_url and key:
        return api_url, key
    if api_url:
        raise CommandError(f"Give the {role}'s key too: --key, or LINKAGE_KEY in the environment.")
    local = read_local()
    return local["api_url"], key or local["keys"][role]


def _reachable(api: Api) -> Api:
    try:
        api.require_answer()
    except ApiError as error:
        raise ApiError(
            error.status, f"{error} Set the API's address with --api-url or LINKAGE_API_URL."
        ) from error
    return api


def _confirm(preview: Mapping[str, Any], program: str, api_url: str) -> None:
    """Asks; raises typer.Abort at a no, and CommandError when nobody is there to answer."""
    question = (
        f"Report {preview['orders']:,} orders of {preview['customers']:,} customers to {program} "
        f"at {api_url}?"
    )
    try:
        yes = typer.confirm(question)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise CommandError("\nThere is no terminal to ask at: add --yes.") from None
    if not yes:
        raise typer.Abort


def _make_clicks(job: Job, staging: Staging) -> None:
    kept = first_clicks.make(staging, job.file, job.links)
    if kept and not job.as_json:
        print(
            f"The clicks are kept in {kept}: with other clicks the same orders would be refused "
            f"when {job.file.name} is imported again."
        )


def _conclude(job: Job, staging: Staging, outcome: Outcome) -> None:
    """Says what became of the rows; exits with a code if not all of them are there."""
    if job.as_json:
        print(json.dumps({"outcome": vars(outcome)}))
    else:
        print("\n".join(_said(job, staging, outcome)), flush=True)
    if outcome.failed:
        write_errors(job.errors_file, staging)
    else:
        job.errors_file.unlink(missing_ok=True)
    if outcome.interrupted:
        raise typer.Exit(ExitCode.interrupted)
    if outcome.hopeless:
        raise typer.Exit(ExitCode.unreachable)
    if outcome.failed:
        raise typer.Exit(ExitCode.findings)


def _said(job: Job, staging: Staging, outcome: Outcome) -> Iterator[str]:
    yield (
        f"{outcome.new:,} new, {outcome.already_there:,} already there, {outcome.failed:,} failed"
    )
    if outcome.refunds_new or outcome.refunds_already_there:
        yield (
            f"Refunds: {outcome.refunds_new:,} new, {outcome.refunds_already_there:,} already there"
        )
    if outcome.interrupted:
        yield (
            f"Interrupted: {outcome.not_sent:,} orders were not sent. Run the same command again: "
            "it goes on from there."
        )
    if not outcome.failed:
        return
    if outcome.hopeless:
        yield f"The import was stopped, since every other row would fail too: {outcome.hopeless}"
        then = "When that is mended,"
    else:
        yield from error_lines(errors_of(staging), outcome.failed)
        then = f"Mend them in {job.file} and"
    yield f"{job.errors_file} lists the rows that failed. {then} run the same command again."


def write_errors(path: Path, staging: Staging) -> None:
    """Writes the rows that failed, as CSV; raises OrderFileError where there is no room."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "order_id", "field", "detail"))
            writer.writerows(
                staging.each("SELECT row, order_id, field, detail FROM error ORDER BY row, rowid")
            )
    except OSError as error:
        raise OrderFileError(
            f"The list of rows that failed cannot be written to {path}: {error.strerror}. Nothing "
            "else is lost: run the same command again when there is room."
        ) from error
