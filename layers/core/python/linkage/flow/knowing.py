"""Knowing a customer: what is stored under its keys, by its first sale or at a later word on it."""

from datetime import datetime

from linkage import clock
from linkage.conversions import Conversion
from linkage.customers import KnownCustomer
from linkage.tables import conversions, customers


def known_customer(keys: tuple[str, ...], occurred_at: datetime) -> KnownCustomer:
    """What is stored about the customer of a conversion that occurred then, by one read and one
    more for each introduction of it that could be live."""
    return known(keys, customers.find(keys), occurred_at)


def known(
    keys: tuple[str, ...], remembered: customers.Remembered, occurred_at: datetime
) -> KnownCustomer:
    """The same of what was read already."""
    unexpired = {
        binding.conversion_id
        for binding in remembered.bindings.values()
        if clock.instant(binding.expires_at) > occurred_at
    }
    return KnownCustomer(
        keys=keys,
        bindings=remembered.bindings,
        ended=frozenset(each for each in sorted(unexpired) if _ended(each)),
        opted_out=remembered.opted_out,
    )


def _ended(introduction: str) -> bool:
    found = conversions.find_conversion(introduction)
    return found is not None and fully_refunded(found)


def fully_refunded(conversion: Conversion) -> bool:
    """Whether nothing of its amount is left; one of amount 0 never is."""
    return 0 < conversion.amount_minor == conversion.refunded_minor
