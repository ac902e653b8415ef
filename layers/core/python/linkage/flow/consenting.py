"""A customer's consent: who opts out is bound to nobody and remembered by no click."""

import os

from linkage import clock
from linkage.customers import Customer, customer_keys
from linkage.tables import customers

_SECRET = os.environ["HASH_SECRET"]


def opt(customer: Customer, vendor_id: str | None, out: bool) -> None:
    """Opts a customer out, or in again, by each key named; again changes nothing.

    By phone and e-mail address it holds in the whole network, by the vendor's own id at the vendor.
    """
    keys = customer_keys(_SECRET, vendor_id or "", customer)
    if out:
        customers.opt_out(keys, vendor_id, clock.text(clock.now()))
    else:
        customers.opt_in(keys)
