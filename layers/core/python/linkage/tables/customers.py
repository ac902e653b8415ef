"""The customers table: who introduced the customer behind each key."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from linkage.customers import Binding
from linkage.tables import transactions
from linkage.tables.base import TableMeta


class CustomerItem(Model):
    """One key's binding as stored."""

    class Meta(TableMeta):
        table_name = os.environ["CUSTOMERS_TABLE"]

    customer_key = UnicodeAttribute(hash_key=True)
    affiliate_id = UnicodeAttribute()
    conversion_id = UnicodeAttribute()
    bound_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()


def find_bindings(keys: Iterable[str]) -> dict[str, Binding]:
    """The bindings of those keys that have one, live or not, as last written."""
    wanted = list(keys)
    found = CustomerItem.batch_get(wanted, consistent_read=True) if wanted else ()
    names = Binding.__dataclass_fields__
    return {
        item.customer_key: Binding(**{name: getattr(item, name) for name in names})
        for item in found
    }


def put_binding(binding: Binding, was: Binding | None) -> dict[str, Any]:
    """The operation that binds a key, if nobody has bound it since it was read."""
    table, wire = CustomerItem.Meta.table_name, transactions.to_wire(asdict(binding))
    if was is None:
        return transactions.put_wire(table, wire, "customer_key")
    before: Mapping[str, Any] = {
        "conversion_id": was.conversion_id,
        "expires_at": was.expires_at,
    }
    return transactions.put_over(table, wire, before)
