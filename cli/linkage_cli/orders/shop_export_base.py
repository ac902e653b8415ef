"""What each shop's export has in common: its columns, its money, and what is left out of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.members import normalised_email, normalised_phone
from linkage_cli.orders.cells import Marks
from linkage_cli.orders.layouts import (
    CellError,
    Columns,
    LeftOut,
    Line,
    Note,
    Said,
    Sale,
    checked_id,
)

COUPON_CODE = re.compile(r"[A-Za-z0-9_-]{3,32}")
CLICK_NOTE = re.compile(r"^\s*(?:linkage_)?click_id\s*[:=]\s*(cl[kt]_\S+)\s*$", re.MULTILINE)
UNUSABLE = "{what} that cannot be used, left out of what is reported"
TWO_COUPONS = "more than one coupon, of which the first is reported"


class Program(StrEnum):
    """The programs whose exports are known."""

    shopify = "shopify"
    woocommerce = "woocommerce"
    stripe = "stripe"
    square = "square"
    quickbooks = "quickbooks"


class ShopExport:
    """What the exports have in common; `columns` are those the user names instead of its own."""

    needed: Sequence[str] = ()
    aliases: Mapping[str, str] = {}
    status: str | None = None
    date: str | None = None
    id_column: str = ""
    marks = Marks()
    has_currency = False

    def __init__(self, columns: Columns | None = None) -> None:
        named = columns or Columns("", "", None)
        self.id_column = named.order_id or self.id_column
        self._customer, self._click, self._coupon = (
            named.customer_id,
            named.click_id,
            named.coupon,
        )
        also = (named.order_id, named.customer_id, named.click_id, named.coupon)
        self.needed = [*dict.fromkeys([*self.needed, *(name for name in also if name)])]

    def is_header(self, names: Sequence[str]) -> bool:
        """Whether a line names the columns of this export."""
        return set(type(self).needed) <= set(self.renamed(names))

    def renamed(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns by the names of today, where an older export called them otherwise."""
        return tuple(self.aliases.get(name, name) for name in names)

    def said(self, line: Line) -> Iterator[Said]:
        """What one row says; raises CellError for a cell that cannot be read."""
        raise NotImplementedError

    def order_id(self, line: Line) -> str:
        """How the row names its order."""
        return line[self.id_column]

    def _state(self, line: Line) -> str:
        return line[self.status] if self.status else ""

    def _left_out(self, line: Line, why: str, amount: str, currency: str | None = None) -> LeftOut:
        """A row that is no sale, with its amount if that can be read."""
        try:
            code = line.currency(currency)
            amount_minor = line.signed(amount, code)
        except CellError:
            code, amount_minor = "", 0
        return LeftOut(line.row, line[self.id_column], why, self._state(line), code, amount_minor)

    def _sold(  # noqa: PLR0913 (what an order is made of)
        self,
        line: Line,
        amount_minor: int,
        currency: str,
        occurred_at: str,
        *,
        email: str = "",
        phone: str = "",
        own_id: str = "",
        coupons: str = "",
        click: str = "",
    ) -> Iterator[Said]:
        """The sale, and a note for each thing of it that the API would not take."""
        if self._customer:
            own_id = line[self._customer]
        customer = {"id": own_id} if own_id else {}
        for name, text, read in (
            ("email", email, normalised_email),
            ("phone", phone.lstrip("'"), normalised_phone),
        ):
            if text:
                usable = _usable(read, text)
                if usable:
                    customer[name] = usable
                else:
                    yield Note(line.row, UNUSABLE.format(what=f"a customer's {name}"))
        given = line[self._coupon] if self._coupon else coupons
        names = (name.strip() for name in re.split("[,;]", given))
        codes = [name for name in names if COUPON_CODE.fullmatch(name)]
        if len(codes) > 1:
            yield Note(line.row, TWO_COUPONS)
        if given and not codes:
            yield Note(line.row, UNUSABLE.format(what="the name of a discount"))
        yield Sale(
            line.row,
            checked_id(line, self.id_column),
            amount_minor,
            currency,
            customer,
            (line[self._click] if self._click else click) or None,
            occurred_at,
            codes[0] if codes else None,
            self._state(line),
        )


def _usable(read: Callable[[str, str], str], text: str) -> str | None:
    try:
        return read(text, "")
    except InvalidFieldError:
        return None
