"""Holding: when a confirmation is kept as received and moves nothing until an operator says so."""

from collections.abc import Iterable

from linkage.members import Member, Seen
from linkage.tallies import Tally, currency_in, kind_of

VENDOR_SUSPENDED, OVER_THE_LIMIT = "vendor_suspended", "over_the_vendors_limit"


def is_suspended(vendor: Member | None) -> bool:
    """Whether a vendor's word moves nothing by itself: it is not approved when it is received."""
    return vendor is None or vendor.status != "approved"


def is_over_the_limit(seen: Seen, become: Iterable[Tally]) -> bool:
    """Whether a confirmation would take what its vendor's month costs beyond a limit it saw.

    `become` are the tallies it would change; one that costs nothing changes none of them.
    """
    return any(
        tally.amount_minor > seen.limits[currency_in(tally.name)]
        for tally in become
        if kind_of(tally.name) == "cost"
    )
