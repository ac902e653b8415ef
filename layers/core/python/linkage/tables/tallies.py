"""The tallies table: each count as it is now. The facts keep it as they saw it."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.domain.conversions.tallies import Tally
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta
from linkage.tables.dynamodb.batch_reads import Reading, place
from linkage.tables.facts import held_in


class TallyItem(Model):
    """A tally as stored."""

    class Meta(TableMeta):
        table_name = os.environ["TALLIES_TABLE"]

    tally = UnicodeAttribute(hash_key=True)
    version = NumberAttribute()
    number = NumberAttribute(attr_name="count")  # Model.count is pynamodb's own
    amount_minor = NumberAttribute()
    since = UnicodeAttribute(null=True)
    last_on = UnicodeAttribute(null=True)
    recruited_by = UnicodeAttribute(null=True)
    held = NestedAttribute()


def reading_tallies(names: Iterable[str]) -> Reading[dict[str, Tally]]:
    """All of these tallies by name; one that never moved is at version 0."""
    wanted = {each: place(TallyItem.Meta.table_name, tally=each) for each in sorted(set(names))}
    return Reading(
        tuple(wanted.values()),
        lambda found: {
            each: _tally(TallyItem.from_raw_data(found[at])) if at in found else Tally(each)
            for each, at in wanted.items()
        },
    )


def _tally(item: TallyItem) -> Tally:
    return Tally(
        name=item.tally,
        version=int(item.version),
        count=int(item.number),
        amount_minor=int(item.amount_minor),
        since=item.since,
        last_on=item.last_on,
        recruited_by=item.recruited_by,
        held=held_in(item.held),
    )


def move(tally: Tally) -> dict[str, Any]:
    """The operation that writes a tally one version on, if it still has the version before."""
    values = {name: value for name, value in asdict(tally).items() if name not in _OWN_FORM}
    wire = TallyItem(tally=tally.name, number=tally.count, **values).serialize()
    table = TallyItem.Meta.table_name
    if tally.version == 1:
        return transactions.put_wire(table, wire, "tally")
    return transactions.set_over(table, wire, ("tally",), {"version": tally.version - 1}, _OPTIONAL)


_OPTIONAL = ("since", "last_on", "recruited_by")
_OWN_FORM = {"name", "count"}
