"""The exports of known programs, by the columns they have and the rules those follow."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from linkage.domain.money import half_up
from linkage_cli.errors import CommandError
from linkage_cli.orders.cells import Dates, Marks
from linkage_cli.orders.layouts import (
    CellError,
    Columns,
    Further,
    Line,
    Reading,
    Refund,
    Said,
    Sale,
    checked_id,
)
from linkage_cli.orders.shop_export_base import CLICK_NOTE, COUPON_CODE, Program, ShopExport
from linkage_cli.orders.square_zones import zone_of


class Shopify(ShopExport):
    """Admin's "Export orders": an order's own cells are on its first line only.

    Its base is the subtotal, after discounts. `Refunded Amount` is gross, so of a partial refund
    the subtotal's share of the total counts.
    """

    needed = ("Name", "Email", "Financial Status", "Currency", "Subtotal", "Total", "Created at")
    status = "Financial Status"
    id_column = "Name"
    has_currency = True
    date = "Created at"
    _sold_by = frozenset({"paid", "partially_refunded", "refunded"})

    def __init__(self, columns: Columns | None = None) -> None:
        super().__init__(columns)
        self._name = ""

    def said(self, line: Line) -> Iterator[Said]:
        """An order by its first line; its further lines are products of it."""
        if not line["Financial Status"] and not line["Currency"] and not line["Subtotal"]:
            if line["Name"] != self._name or not self._name:
                raise CellError(
                    "Name",
                    f"This is a further line of order {line['Name']}, whose first line does not "
                    "stand before it.",
                )
            yield Further(line.row)
            return
        self._name = line["Name"]
        why = self._why_not(line)
        if why:
            yield self._left_out(line, why, "Subtotal", "Currency")
            return
        currency = line.currency("Currency")
        amount_minor = line.amount("Subtotal", currency)
        click = CLICK_NOTE.search(line["Note Attributes"])
        given_back = self._given_back(line, amount_minor, currency)
        yield from self._sold(
            line,
            amount_minor,
            currency,
            line.moment("Created at"),
            email=line["Email"],
            phone=line["Phone"],
            coupons=line["Discount Code"],
            click=click[1] if click else "",
        )
        if given_back:
            order_id = line[self.id_column]
            yield Refund(line.row, order_id, order_id, given_back, currency, in_all=True)

    def _why_not(self, line: Line) -> str | None:
        state = line["Financial Status"].casefold()
        if "bogus" in line["Payment Method"].casefold():
            return "it is a test"
        if state not in self._sold_by:
            return f"it is {state or 'not known to be paid'}"
        if line["Cancelled at"] and state == "paid":
            return "it is cancelled"
        return None

    @staticmethod
    def _given_back(line: Line, amount_minor: int, currency: str) -> int:
        """What of the subtotal went back, minor units: its share of what did of the total."""
        gross = line.signed("Refunded Amount", currency)
        total = line.amount("Total", currency)
        if gross < 0:
            raise CellError("Refunded Amount", "What was given back cannot be below 0.")
        if line["Financial Status"].casefold() == "refunded" or (gross and gross >= total):
            return amount_minor
        return half_up(gross, amount_minor, total) if total else 0


class WooCommerce(ShopExport):
    """Analytics > Orders: net sales without a currency; a refund is a line of its own, below 0."""

    needed = ("Date", "Order #", "Status", "Net Sales")
    status = "Status"
    id_column = "Order #"
    date = "Date"
    marks = Marks(thousands=",")
    _sold_by = frozenset({"processing", "completed", "refunded"})

    def said(self, line: Line) -> Iterator[Said]:
        """An order, or what was given back of one."""
        state = line["Status"].casefold().removeprefix("wc-")
        if state not in self._sold_by:
            yield self._left_out(line, f"it is {state or 'not known to be paid'}", "Net Sales")
            return
        currency = line.currency(None)
        if not line["Net Sales"]:
            raise CellError("Net Sales", "The order has no amount.")
        amount_minor = line.signed("Net Sales", currency)
        at = line.moment("Date")
        if amount_minor < 0 or line["Items sold"].startswith("-"):
            order_id = checked_id(line, self.id_column)
            yield Refund(
                line.row, order_id, order_id, -amount_minor, currency, at, status=line["Status"]
            )
            return
        yield from self._sold(line, amount_minor, currency, at, coupons=line["Coupon(s)"])


class Stripe(ShopExport):
    """Payments > Export: each payment in the currency it was made in; times are UTC."""

    needed = ("id", "Created (UTC)", "Amount", "Amount Refunded", "Currency", "Status")
    status = "Status"
    id_column = "id"
    has_currency = True
    marks = Marks(thousands=",")
    _sold_by = frozenset({"paid", "refunded", "partially refunded", "partial refund", "succeeded"})

    def said(self, line: Line) -> Iterator[Said]:
        """A payment, and what was given back of it, by the shop or by a lost dispute."""
        why = self._why_not(line)
        if why:
            yield self._left_out(line, why, "Amount", "Currency")
            return
        currency = line.currency("Currency")
        amount_minor = line.amount("Amount", currency)
        given_back = line.signed("Amount Refunded", currency)
        if line["Dispute Status"].casefold() == "lost":
            given_back += line.signed("Disputed Amount", currency)
        if given_back < 0:
            raise CellError("Amount Refunded", "What was given back cannot be below 0.")
        yield from self._sold(
            line,
            amount_minor,
            currency,
            line.moment("Created (UTC)", Dates(UTC)),
            email=line["Customer Email"],
            own_id=line["Customer ID"],
        )
        if given_back:
            order_id = line[self.id_column]
            yield Refund(line.row, order_id, order_id, given_back, currency, in_all=True)

    def _why_not(self, line: Line) -> str | None:
        state = line["Status"].casefold()
        if line["Mode"].casefold() == "test":
            return "it is a test"
        if state not in self._sold_by:
            return f"it is {state or 'not known to be paid'}"
        if line["Captured"].casefold() == "false":
            return "it is not captured"
        return None


class Square(ShopExport):
    """Transactions: net sales after discounts, before tax and tip; refunds are rows of their own.

    It has no currency, and its time zones are named as Ruby on Rails names them.
    """

    needed = ("Date", "Time", "Time Zone", "Net Sales", "Transaction ID", "Event Type")
    status = "Event Type"
    id_column = "Transaction ID"
    date = "Date"
    marks = Marks(thousands=",")

    def said(self, line: Line) -> Iterator[Said]:
        """A payment, or what was given back of one."""
        kind, state = line["Event Type"].casefold(), line["Transaction Status"].casefold()
        if state not in {"", "complete", "completed"} or kind not in {"payment", "refund"}:
            why = f"it is {kind or 'no payment'}"
            why = why if kind not in {"payment", "refund"} else f"it is {state}"
            yield self._left_out(line, why, "Net Sales")
            return
        currency = line.currency(None)
        if not line["Net Sales"]:
            raise CellError("Net Sales", "The order has no amount.")
        amount_minor = line.signed("Net Sales", currency)
        at = self._at(line)
        if kind == "refund":
            given_back = amount_minor + line.signed("Partial Refunds", currency)
            if given_back > 0:
                raise CellError("Net Sales", "A refund's net sales cannot be above 0.")
            order_id = checked_id(line, self.id_column)
            yield Refund(
                line.row, order_id, order_id, -given_back, currency, at, status=line["Event Type"]
            )
            return
        if amount_minor < 0:
            raise CellError("Net Sales", "A payment's net sales cannot be below 0.")
        yield from self._sold(
            line,
            amount_minor,
            currency,
            at,
            own_id=line["Customer ID"],
            coupons=line["Discount Name"],
        )

    @staticmethod
    def _at(line: Line) -> str:
        """When it happened, in the row's own zone; raises CellError."""
        name, dates = line["Time Zone"], line.reading.dates
        zone = zone_of(name)
        if zone:
            dates = replace(dates, zone=ZoneInfo(zone))
        elif dates.zone is None:
            raise CellError("Time Zone", f"{name!r} is not known. Say which it is by --date-zone.")
        return line.moment("Date", dates, "Time")


class QuickBooks(ShopExport):
    """Sales by Customer Detail: titles, a line a customer, lines of documents, and totals.

    A credit memo names no sale: it is of the customer's latest one that has so much left.
    """

    needed = ("Transaction date", "Transaction type", "Num", "Amount")
    aliases: Mapping[str, str] = {
        "Date": "Transaction date",
        "Transaction Type": "Transaction type",
    }
    status = "Transaction type"
    id_column = "Num"
    date = "Transaction date"
    marks = Marks(thousands=",")
    _sales = frozenset({"invoice", "sales receipt"})
    _refunds = frozenset({"credit memo", "refund", "refund receipt"})

    def __init__(self, columns: Columns | None = None) -> None:
        super().__init__(columns)
        self._group = ""

    def said(self, line: Line) -> Iterator[Said]:
        """A line of an invoice or a credit memo; a customer's name and totals say nothing."""
        if not line["Transaction date"] and not line["Transaction type"]:
            name = line.first
            if name and not name.casefold().startswith("total"):
                self._group = name
            yield Further(line.row)
            return
        kind = line["Transaction type"].casefold()
        if kind not in self._sales | self._refunds:
            yield self._left_out(line, f"it is {kind or 'of no type'}", "Amount")
            return
        currency = line.currency(None)
        number = checked_id(line, self.id_column)
        amount_minor = line.signed("Amount", currency)
        at = line.moment("Transaction date")
        own_id = line[self._customer] if self._customer else self._group
        customer = {"id": own_id} if own_id else {}
        if kind in self._refunds:
            status = line["Transaction type"]
            yield Refund(
                line.row, None, number, -amount_minor, currency, at, customer, status=status
            )
            return
        coupon = line[self._coupon] if self._coupon else ""
        yield Sale(
            line.row,
            number,
            amount_minor,
            currency,
            customer,
            (self._click and line[self._click]) or None,
            at,
            coupon if COUPON_CODE.fullmatch(coupon) else None,
            line["Transaction type"],
            adds=True,
        )


EXPORTS: dict[Program, type[ShopExport]] = {
    Program.shopify: Shopify,
    Program.woocommerce: WooCommerce,
    Program.stripe: Stripe,
    Program.square: Square,
    Program.quickbooks: QuickBooks,
}


def export_of(program: Program, columns: Columns | None, reading: Reading) -> ShopExport:
    """The layout of a program's export; raises CommandError where it needs the currency said."""
    layout = EXPORTS[program](columns)
    if not layout.has_currency and reading.currency is None:
        raise CommandError(
            f"An export of {program} does not say its currency: add --currency, for example "
            "--currency USD."
        )
    return layout
