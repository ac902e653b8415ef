"""The payout file: one CSV a bank or a mobile-money operator can be given."""

import csv
import io
import unicodedata
from collections.abc import Iterable

from linkage.domain.errors import ConflictError
from linkage.domain.money import decimal_text, minor_in
from linkage.domain.payouts.payouts import Payout, payout_id
from linkage.domain.people.members import PHONE
from linkage.domain.people.payout_methods import account_of

COLUMNS = (
    "payout_id",
    "affiliate_id",
    "name",
    "method",
    "provider",
    "account",
    "amount",
    "currency",
    "batch_id",
)
_SEPARATORS = frozenset(",;|")
_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
_PASSED_OVER = frozenset(('"', "Cf", "Zs"))
"""What a spreadsheet takes away before it looks how a cell begins: quotes, and by their Unicode
category invisible characters and spaces."""
_BREAKS = frozenset(("Cc", "Zl", "Zp"))
"""Categories of tabs and of all that a reader may take for the end of a line."""


def render(payouts: Iterable[Payout]) -> bytes:
    """The file's bytes, UTF-8 with CRLF lines: the same payouts always give the same bytes."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(cells(each) for each in sorted(payouts, key=lambda each: each.payout_id))
    return out.getvalue().encode()


def cells(payout: Payout) -> dict[str, str]:
    """A payout's row, by column, to the letter as the file has it."""
    method = payout.method
    return {
        "payout_id": payout.payout_id,
        "affiliate_id": payout.affiliate_id,
        "name": _inert(method.get("name", payout.name)),
        "method": method["type"],
        "provider": _inert(method.get("provider", "")),
        "account": _account(method),
        "amount": decimal_text(payout.amount_minor, payout.currency),
        "currency": payout.currency,
        "batch_id": payout.batch_id,
    }


def read(content: bytes, batch_id: str, created_at: str) -> list[Payout]:
    """The payouts of a batch as its file has them, each `sent`.

    What a member wrote is as the file has it, and of a payout method no more than the file says.
    Raises ConflictError for a file that is not this batch's, or that `render` cannot have written.
    """
    try:
        found = [_payout(row, batch_id, created_at) for row in _rows(content)]
        if len({each.payout_id for each in found}) < len(found):
            raise ValueError("a payout stands in it twice")
        if len({each.currency for each in found}) > 1:
            raise ValueError("it has several currencies")
    except (ValueError, csv.Error) as error:
        raise ConflictError(
            "payout_file_unreadable",
            f"The payout file of {batch_id} is none that Linkage has written: {error}. The bucket "
            "keeps its earlier versions: put the right one back.",
        ) from error
    return found


def _rows(content: bytes) -> list[dict[str, str]]:
    names, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    if lacking := {*COLUMNS} - {*names}:
        raise ValueError(f"it has no column {', '.join(sorted(lacking))}")
    return [dict(zip(names, cells, strict=True)) for cells in rows]


def _payout(row: dict[str, str], batch_id: str, created_at: str) -> Payout:
    """A row as a payout; raises ValueError for what is none of this batch's."""
    affiliate_id, currency = row["affiliate_id"], row["currency"]
    if row["batch_id"] != batch_id or row["payout_id"] != payout_id(batch_id, affiliate_id):
        raise ValueError(f"{row['payout_id']!r} of {affiliate_id!r} is no payout of this batch")
    amount_minor = minor_in(row["amount"], currency)
    if amount_minor <= 0:
        raise ValueError(f"{row['payout_id']} pays {row['amount']}")
    said = {"provider": row["provider"], _account_name(row): row["account"]}
    return Payout(
        payout_id=row["payout_id"],
        batch_id=batch_id,
        affiliate_id=affiliate_id,
        amount_minor=amount_minor,
        currency=currency,
        status="sent",
        created_at=created_at,
        name=row["name"],
        method={"type": row["method"]} | {name: value for name, value in said.items() if value},
    )


def _account_name(row: dict[str, str]) -> str:
    return "phone" if row["method"] != "bank" and row["account"].startswith("+") else "account"


def _account(method: dict[str, str]) -> str:
    """Where the money goes; a phone number as it is, since banks' readers need its +."""
    account = account_of(method)
    is_phone = method["type"] != "bank" and PHONE.fullmatch(account)
    return account if is_phone else _inert(account)


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, at whatever separator it splits the line.

    An apostrophe comes before each =, +, - and @ that begins the cell or follows a separator, also
    before those that Unicode has in other widths; tabs and ends of lines become spaces.
    """
    written: list[str] = []
    begins = True
    for character in cell:
        plain = unicodedata.normalize("NFKC", character)
        category = unicodedata.category(character)
        if category in _BREAKS:
            character, begins = " ", True  # noqa: PLW2901
        elif plain in _SEPARATORS:
            begins = True
        elif begins and plain in _FORMULA_STARTS:
            written.append("'")
            begins = False
        elif character not in _PASSED_OVER and category not in _PASSED_OVER:
            begins = False
        written.append(character)
    return "".join(written)
