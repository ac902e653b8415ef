"""Unbinding: an operator ends an introduction, with a reason."""

import os
from dataclasses import replace

from linkage import clock
from linkage.audit import Record, recorded
from linkage.customers import Binding, customer_keys
from linkage.errors import BusyError
from linkage.keys import Key
from linkage.requests import SentUnbinding
from linkage.tables import customers, transactions
from linkage.tables.audit import put_record
from linkage.tables.conversions import reading_conversion
from linkage.tables.gathering import read, reading_each
from linkage.tables.transactions import ConditionFailedError, attempts

_SECRET = os.environ["HASH_SECRET"]
_ROUNDS_MAX = 10
"""How far keys are followed from sale to sale; each sale has three at most."""


def unbind(sent: SentUnbinding, by: Key) -> tuple[str, ...]:
    """Ends every introduction of a customer; returns the sales that had introduced them.

    It ends under each key the customer had with those sales too. What was earned by it stays; the
    customer's next sale may introduce them anew. Again changes nothing.
    """
    keys = customer_keys(_SECRET, sent.vendor_id or "", sent.customer)
    now = clock.text(clock.now())
    for _ in attempts():
        bindings = _bindings(keys, sent.vendor_id or "")
        ended = [
            replace(each, unbound_at=now, unbound_by=by.key_id, unbound_why=sent.reason)
            for each in bindings
        ]
        try:
            if ended:
                pairs = zip(ended, bindings, strict=True)
                puts = [customers.put_binding(each, was) for each, was in pairs]
                transactions.write([*puts, put_record(_record(ended, sent.reason, by))])
        except ConditionFailedError:
            continue
        return tuple(sorted({each.conversion_id for each in ended}))
    raise BusyError


def _record(ended: list[Binding], why: str, by: Key) -> Record:
    said = {
        "customer_keys": sorted(each.customer_key for each in ended),
        "conversion_ids": sorted({each.conversion_id for each in ended}),
        "affiliate_ids": sorted({each.affiliate_id for each in ended}),
    }
    subject = f"customer#{ended[0].customer_key}"
    return recorded(by, subject, "customer.unbound", said, None, why=why)


def _bindings(keys: tuple[str, ...], vendor_id: str) -> list[Binding]:
    """The bindings under these keys, and under all others their sales were of the same affiliate.

    Expired ones too: a sale may be reported late.
    """
    found: dict[str, Binding] = {}
    wanted, sales = set(keys), set[str]()
    for _ in range(_ROUNDS_MAX):
        new = _bound(tuple(sorted(wanted - found.keys())), vendor_id)
        theirs = {each.affiliate_id for each in found.values()} or {e.affiliate_id for e in new}
        new = [each for each in new if each.affiliate_id in theirs]
        found |= {each.customer_key: each for each in new}
        wanted |= {key for each in new for key in each.others}
        later = {name for e in new for name in (e.conversion_id, e.renewed_by) if name} - sales
        if not later and wanted <= found.keys():
            break
        sales |= later
        read_sales = read(reading_each({each: reading_conversion(each) for each in later}))
        wanted |= {key for sale in read_sales.values() if sale for key in sale.customer_keys}
    return list(found.values())


def _bound(keys: tuple[str, ...], vendor_id: str) -> list[Binding]:
    if not keys:
        return []
    bindings = read(customers.reading_remembered(keys, vendor_id, with_clicks=False)).bindings
    return [each for each in bindings.values() if each.unbound_at is None]
