"""The audit of a small network: the auditor that shares no code with what it judges."""

from collections.abc import Iterator
from typing import Any

from linkage_cli.ledger.audit import Report, Stored, audit, places_of
from tests.flow_units.network import Network, table

_NOUNS = ("conversions", "ledger", "payouts", "programs", "settings", "tallies")


def audited(network: Network) -> Report:
    """What an audit finds in the tables as they are."""
    items: dict[str, list[dict[str, Any]]] = {noun: list(_plain(noun)) for noun in _NOUNS}
    wanted = set(places_of(items["conversions"]))
    statistics = [each for each in table("statistics") if (each["of"], each["at"]) in wanted]
    return audit(Stored(**items, statistics=statistics), network.moment)


def _plain(noun: str) -> Iterator[dict[str, Any]]:
    return iter(table(noun))
