"""Unbinding: an operator ends an introduction, with a reason."""

import os
from dataclasses import replace

from linkage import clock
from linkage.customers import Binding, customer_keys
from linkage.flow.accepting import busy
from linkage.requests import SentUnbinding
from linkage.tables import customers, transactions
from linkage.tables.conversions import reading_conversion
from linkage.tables.gathering import read, reading_each
from linkage.tables.transactions import ConditionFailedError, attempts

_SECRET = os.environ["HASH_SECRET"]


def unbind(sent: SentUnbinding, key_id: str) -> tuple[str, ...]:
    """Ends every live introduction of a customer; returns the sales that had introduced them.

    It ends under each key the customer had with that sale too. What was earned by it stays; the
    customer's next sale may introduce them anew. Again changes nothing.
    """
    keys = customer_keys(_SECRET, sent.vendor_id or "", sent.customer)
    now = clock.text(clock.now())
    for _ in attempts():
        bindings = _bindings(keys, sent.vendor_id or "")
        ended = [
            replace(each, unbound_at=now, unbound_by=key_id, unbound_why=sent.reason)
            for each in bindings
        ]
        try:
            if ended:
                pairs = zip(ended, bindings, strict=True)
                transactions.write([customers.put_binding(each, was) for each, was in pairs])
        except ConditionFailedError:
            continue
        return tuple(sorted({each.conversion_id for each in ended}))
    raise busy()


def _bindings(keys: tuple[str, ...], vendor_id: str) -> list[Binding]:
    """The live bindings under these keys and under all others of the same introductions."""
    named = _live(keys, vendor_id)
    sales = read(
        reading_each({each.conversion_id: reading_conversion(each.conversion_id) for each in named})
    )
    others = {key for sale in sales.values() if sale for key in sale.customer_keys} - {*keys}
    same = [each for each in _live(tuple(sorted(others)), vendor_id) if each.conversion_id in sales]
    return [*named, *same]


def _live(keys: tuple[str, ...], vendor_id: str) -> list[Binding]:
    now = clock.text(clock.now())
    bindings = read(customers.reading_remembered(keys, vendor_id)).bindings.values()
    return [each for each in bindings if each.unbound_at is None and each.expires_at > now]
