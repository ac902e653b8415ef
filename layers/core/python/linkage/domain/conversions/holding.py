"""Holding: when a confirmation is kept as received and moves nothing until an operator says so."""

from collections.abc import Iterable

from linkage.domain.conversions.standing import Seen
from linkage.domain.conversions.tallies import Tally, currency_in, kind_of

VENDOR_SUSPENDED, OVER_THE_LIMIT = "vendor_suspended", "over_the_vendors_limit"


def is_over_the_limit(seen: Seen, become: Iterable[Tally]) -> bool:
    """Whether a confirmation would take what its vendor's month costs beyond a limit it saw.

    `become` are the tallies it would change; one that costs nothing changes none of them.
    """
    return any(
        tally.amount_minor > seen.limits[currency_in(tally.name)]
        for tally in become
        if kind_of(tally.name) == "cost"
    )
