"""What is known of a customer: by its first sale, or at a later word on it."""

from collections.abc import Iterable
from datetime import datetime

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.introductions import has_ended
from linkage.domain.people.customers import KnownCustomer
from linkage.tables.conversions import reading_conversion
from linkage.tables.customers import Remembered
from linkage.tables.dynamodb.batch_reads import Reading, reading_each


def reading_ended(
    remembered: Iterable[Remembered], occurred_at: datetime
) -> Reading[frozenset[str]]:
    """The introductions of customers that had not expired then, but of which too little stands."""
    bindings = [binding for each in remembered for binding in each.bindings.values()]
    floors: dict[str, int | None] = {
        each.conversion_id: each.floor_minor
        for each in bindings
        if clock.instant(each.expires_at) > occurred_at
    }
    floors |= {
        each.conversion_id: each.floor_minor
        for binding in bindings
        for each in binding.renewals
        if clock.instant(each.until) > occurred_at
    }
    sales = reading_each({each: reading_conversion(each) for each in floors})
    return Reading(
        sales.places,
        lambda found: frozenset(
            each
            for each, sale in sales.of(found).items()
            if sale is not None and has_ended(floors[each], sale)
        ),
    )


def known(keys: tuple[str, ...], remembered: Remembered, ended: frozenset[str]) -> KnownCustomer:
    """The customer behind the keys; `ended` are introductions that introduce nobody any more."""
    return KnownCustomer(
        keys=keys,
        bindings=remembered.bindings,
        ended=ended,
        opted_out=remembered.opted_out,
    )


def fully_refunded(conversion: Conversion) -> bool:
    """Whether nothing of its amount is left; one of amount 0 never is."""
    return 0 < conversion.amount_minor == conversion.refunded_minor
