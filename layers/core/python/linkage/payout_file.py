"""The payout file: one CSV a bank or a mobile-money operator can be given."""

import csv
import io
from collections.abc import Iterable

from linkage.money import decimal_text
from linkage.payouts import Payout

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
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(payouts: Iterable[Payout]) -> bytes:
    """The file's bytes, UTF-8 with CRLF lines: the same payouts always give the same bytes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for payout in sorted(payouts, key=lambda each: each.payout_id):
        method = payout.method
        writer.writerow(
            [
                payout.payout_id,
                payout.affiliate_id,
                _inert(method.get("name", payout.name)),
                method["type"],
                _inert(method.get("provider", "")),
                _account(method),
                decimal_text(payout.amount_minor, payout.currency),
                payout.currency,
                payout.batch_id,
            ]
        )
    return out.getvalue().encode()


def _account(method: dict[str, str]) -> str:
    """Where the money goes; a phone number as it is, since banks' readers need its +."""
    if method["type"] != "bank" and "phone" in method:
        return method["phone"]
    return _inert(method.get("account", ""))


def _inert(cell: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
