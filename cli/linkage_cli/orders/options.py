"""The options of an import held against each other: what is empty, missing, or not for a preset."""

from collections.abc import Mapping

from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import checked_currency
from linkage_cli.errors import CommandError
from linkage_cli.orders.cells import Amounts, Marks, marks_of
from linkage_cli.orders.layouts import Columns
from linkage_cli.orders.shop_export_base import Program
from linkage_cli.orders.shop_exports import EXPORTS

ID, CUSTOMER, AMOUNT, CURRENCY = "order_id", "customer_id", "amount_usd", "USD"


def columns_of(
    export: Program | None, named: Mapping[str, str | None], customer: str | None
) -> Columns:
    """The columns the user names; of a known export those that replace its own, else none."""
    return Columns(
        order_id=named["--id-column"] or ("" if export else ID),
        amount=named["--amount-column"] or AMOUNT,
        customer_id=(CUSTOMER if customer is None and not export else customer) or None,
        click_id=named["--click-column"],
        occurred_at=named["--date-column"],
        coupon=named["--coupon-column"],
        currency=named["--currency-column"],
        refunded=named["--refunded-column"],
    )


def checked_marks(export: Program | None, decimal: str | None, thousands: str | None) -> Marks:
    """The marks the user names, else those of the export; raises CommandError."""
    own = EXPORTS[export].marks if export else Marks()
    if decimal is None and thousands is None:
        return own
    return marks_of(decimal if decimal is not None else own.decimal, thousands)


def refuse_empty(named: Mapping[str, str | None]) -> None:
    """Raises CommandError for a column whose name is empty: it would silently be left out."""
    for option, name in named.items():
        if name is not None and not name.strip():
            raise CommandError(f"{option} is empty. Name the column, or leave the option out.")


def refuse_foreign(
    export: Program,
    named: Mapping[str, str | None],
    amounts: Amounts,
    currency: str | None,
    ignored: list[str] | None,
) -> None:
    """Raises CommandError for an option that a known export answers itself."""
    own = ("--amount-column", "--date-column", "--currency-column", "--refunded-column")
    said = [option for option in own if named[option] is not None]
    if amounts is not Amounts.decimal:
        said.append("--amounts")
    if ignored:
        said.append("--ignore-column")
    if currency is not None and EXPORTS[export].has_currency:
        said.append("--currency")
    if said:
        raise CommandError(f"--from {export} knows that itself: leave {' and '.join(said)} out.")


def currency_of(text: str | None, export: Program | None, column: str | None) -> str | None:
    """The currency of orders that name none; None if each has to. Raises CommandError."""
    if text is None:
        return None if export or column else CURRENCY
    try:
        return checked_currency(text, "--currency")
    except InvalidFieldError as error:
        raise CommandError(f"--currency {text}: {error.detail}") from error
