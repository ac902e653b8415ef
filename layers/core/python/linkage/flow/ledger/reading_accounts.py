"""Reading an affiliate's account: its balances, and its lines with the payouts that took them."""

from collections.abc import Mapping
from typing import Any

from linkage.domain.errors import NotFoundError
from linkage.domain.ledger.adjustments import Adjustment
from linkage.domain.ledger.ledger import Balance
from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key
from linkage.flow.payouts.covering import debits_of
from linkage.flow.people.acting import acting_member
from linkage.tables.ledger import find_adjustment, list_balances, list_lines

type Taken = tuple[str, int | None, str]
"""A currency, how many payouts had been taken when a line was posted, and its due date."""


def balances(by: Key, affiliate_id: str | None) -> list[Balance]:
    """One balance for each currency that ever moved; `affiliate_id` is for operators."""
    affiliate = acting_member(by, "affiliate", affiliate_id)
    return list_balances(affiliate.member_id)


def lines(
    by: Key, affiliate_id: str | None, currency: str | None, limit: int, after: str | None
) -> tuple[Listed[dict[str, Any]], Mapping[Taken, str]]:
    """A page of an affiliate's account, newest first, and the payouts that took what of it.

    `affiliate_id` is for operators, `after` the line that the page before ended with.
    """
    affiliate = acting_member(by, "affiliate", affiliate_id)
    page = list_lines(affiliate.member_id, currency, limit, after)
    return page, _taken_by(affiliate.member_id, page.data)


def adjustment(by: Key, adjustment_id: str) -> Adjustment:
    """One adjustment; for operators. Raises NotFoundError."""
    by.require("operator")
    found = find_adjustment(adjustment_id)
    if found is None:
        raise NotFoundError("adjustment")
    return found


def _taken_by(affiliate_id: str, lines: list[dict[str, Any]]) -> dict[Taken, str]:
    """The payout that took each due date of these lines, as far as one did and was written down."""
    wanted: dict[str, set[tuple[int, str]]] = {}
    for line in lines:
        if line["kind"] != "payout" and "debits" in line:
            wanted.setdefault(line["currency"], set()).update(
                (line["debits"], due) for due in line["dues"]
            )
    return {
        (currency, *which): debit.payout_id
        for currency, each in wanted.items()
        for which, debit in debits_of(affiliate_id, currency, each).items()
    }
