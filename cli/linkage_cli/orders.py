"""`linkage orders import`: reports a vendor's CSV export through the public API."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from linkage_cli.api_client import Api, ApiError
from linkage_cli.errors import CommandError
from linkage_cli.first_clicks import given_clicks, kept_file, made_clicks
from linkage_cli.networks import read_local
from linkage_cli.order_file import Amounts, Columns, Order, RowError, read_orders
from linkage_cli.order_reports import Outcome, Terms, chains_of, report_orders

SHOWN_ERRORS_MAX = 10

app = typer.Typer(help="A vendor's orders.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """A vendor's orders."""


@app.command("import")
def import_command(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    file: Annotated[Path, typer.Argument(help="The CSV file; its first line names its columns.")],
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
        str | None,
        typer.Option(help="The vendor (mem_…) an operator's key reports for."),
    ] = None,
    id_column: Annotated[str, typer.Option(help="The order's id.")] = "order_id",
    customer_column: Annotated[
        str, typer.Option(help="The customer's id; empty if the file has none.")
    ] = "customer_id",
    amount_column: Annotated[str, typer.Option(help="The order's amount.")] = "amount_usd",
    amounts: Annotated[
        Amounts, typer.Option(help="decimal is 12.50, minor is 1250.")
    ] = Amounts.decimal,
    currency: Annotated[str, typer.Option(help="An ISO 4217 code.")] = "USD",
    event: Annotated[str, typer.Option(help="sale or lead.")] = "sale",
    click_column: Annotated[
        str | None, typer.Option(help="The click id an order came by, if the file has it.")
    ] = None,
    date_column: Annotated[
        str | None,
        typer.Option(help="When it happened: a date (its noon UTC), or an RFC 3339 time."),
    ] = None,
    coupon_column: Annotated[
        str | None, typer.Option(help="The coupon an order was made with, if the file has it.")
    ] = None,
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
) -> None:
    """Report a vendor's orders. Running it again changes nothing."""
    try:
        api_url, key = _access(api_url, key, "operator" if vendor else "vendor")
        columns = Columns(
            order_id=id_column,
            amount=amount_column,
            customer_id=customer_column or None,
            click_id=click_column,
            occurred_at=date_column,
            coupon=coupon_column,
        )
        orders, errors = read_orders(file, columns, amounts, currency, limit)
        first_clicks = given_clicks(clicks) if clicks else {}
        if not orders and not errors:
            print(f"{file} has no orders, only the line that names its columns.")
            return
        api = _reachable(Api(api_url, key, jobs))
        if not yes:
            _confirm(orders, program, api_url)
        if first_click:
            first_clicks = _made(orders, file, first_click) | first_clicks
        with _progress() as progress:
            task = progress.add_task("Reporting orders", total=len(orders))
            outcome = report_orders(
                chains_of(orders, first_clicks),
                Terms(program, event, currency, vendor),
                api,
                jobs,
                lambda: progress.advance(task),
            )
    except CommandError as error:
        sys.exit(str(error))
    outcome.errors = sorted([*errors, *outcome.errors], key=lambda error: error.row)
    _conclude(file, outcome)


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
        raise CommandError(
            f"{error} Set the API's address with --api-url or LINKAGE_API_URL."
        ) from error
    return api


def _confirm(orders: Sequence[Order], program: str, api_url: str) -> None:
    """Asks; raises typer.Abort at a no, and CommandError when nobody is there to answer."""
    customers = len({order.customer_id for order in orders if order.customer_id})
    question = (
        f"Report {len(orders):,} orders of {customers:,} customers to {program} at {api_url}?"
    )
    try:
        yes = typer.confirm(question)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise CommandError("\nThere is no terminal to ask at: add --yes.") from None
    if not yes:
        raise typer.Abort


def _made(orders: Sequence[Order], file: Path, urls: Sequence[str]) -> dict[str, str]:
    clicks = made_clicks(orders, file, urls)
    if clicks:
        print(
            f"The clicks are kept in {kept_file(file)}: with other clicks the same orders would be "
            f"refused when {file.name} is imported again."
        )
    return clicks


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _conclude(file: Path, outcome: Outcome) -> None:
    """Says what became of the rows; exits 1 if any of them failed."""
    errors_file = file.with_name(f"{file.name}.errors.csv")
    failed = len(outcome.errors)
    print(f"{outcome.new:,} new, {outcome.already_there:,} already there, {failed:,} failed")
    if not failed:
        errors_file.unlink(missing_ok=True)
        return
    if outcome.hopeless:
        print(f"The import was stopped, since every other row would fail too: {outcome.hopeless}")
        then = "When that is mended,"
    else:
        _show(outcome.errors)
        then = f"Mend them in {file} and"
    write_errors(errors_file, outcome.errors)
    print(f"{errors_file} lists the rows that failed. {then} run the same command again.")
    raise typer.Exit(1)


def _show(errors: Sequence[RowError]) -> None:
    for error in errors[:SHOWN_ERRORS_MAX]:
        at = f", {error.field}" if error.field else ""
        print(f"  row {error.row}{at}: {error.detail}")
    if len(errors) > SHOWN_ERRORS_MAX:
        print(f"  and {len(errors) - SHOWN_ERRORS_MAX:,} more")


def write_errors(path: Path, errors: Iterable[RowError]) -> None:
    """Writes the rows that failed, as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "order_id", "field", "detail"))
        writer.writerows((each.row, each.order_id, each.field, each.detail) for each in errors)
