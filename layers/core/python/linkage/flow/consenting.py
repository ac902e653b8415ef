"""A customer's consent: who opts out is bound to nobody and remembered by no click."""

import os
from typing import Any

from linkage import clock
from linkage.customers import Customer, customer_keys
from linkage.flow.accepting import busy
from linkage.tables import customers, transactions
from linkage.tables.gathering import read
from linkage.tables.transactions import ConditionFailedError, attempts

_SECRET = os.environ["HASH_SECRET"]


def opt(customer: Customer, vendor_id: str | None, out: bool) -> None:
    """Opts a customer out, or in again, by each key named; again changes nothing.

    By phone and e-mail address it holds in the whole network, by the vendor's own id at the vendor.
    Who opts out through a vendor is forgotten by the clicks presented there.
    """
    keys = customer_keys(_SECRET, vendor_id or "", customer)
    opted_out_at = clock.text(clock.now()) if out else None
    marks = [customers.put_consent(key, opted_out_at) for key in keys]
    for _ in attempts():
        try:
            transactions.write([*marks, *(_forgetting(keys, vendor_id) if out else ())])
        except ConditionFailedError:
            continue
        return
    raise busy()


def _forgetting(keys: tuple[str, ...], vendor_id: str | None) -> list[dict[str, Any]]:
    if vendor_id is None:
        return []
    presented = read(customers.reading_remembered(keys, clicks_at=vendor_id)).presented
    return [
        customers.put_presented(key, vendor_id, (), was)
        for key, was in presented.items()
        if was.clicks
    ]
