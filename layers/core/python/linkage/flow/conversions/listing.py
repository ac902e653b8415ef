"""Listing conversions, as far as they are the caller's."""

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.lists import Listed
from linkage.domain.people.api_keys import Key
from linkage.flow.people.acting import Owners, owners_for
from linkage.tables.conversions import list_conversions


def conversions(
    by: Key, owners: Owners, limit: int, cursor: str | None, *, status: str | None, held: bool
) -> Listed[Conversion]:
    """A vendor's own, an affiliate's attributed ones, newest first; everybody's in no order.

    `owners` are for operators. Raises InvalidFieldError for owners that cannot be.
    """
    vendor_id, affiliate_id = owners_for(by, owners)
    return list_conversions(
        vendor_id=vendor_id,
        affiliate_id=affiliate_id,
        status=status,
        held=held,
        limit=limit,
        cursor=cursor,
    )
