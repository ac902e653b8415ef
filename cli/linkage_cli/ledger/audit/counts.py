"""Tallies as the auditor reads them, and their names."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import Item, UnreadableError, nested, read_each, text, whole

ANY = "*"


class Held(NamedTuple):
    """A bonus an affiliate has; it is known by its target and its currency."""

    target: int
    currency: str
    amount_minor: int
    due_on: str


class Tally(NamedTuple):
    """One count (`number`) at one version; version 0 is before the first move."""

    name: str
    version: int = 0
    number: int = 0
    amount_minor: int = 0
    since: str | None = None
    last_on: str | None = None
    recruited_by: str | None = None
    held: tuple[Held, ...] = ()

    def says(self) -> str:
        """What it counts, for people."""
        values = self._asdict() | {"held": [each._asdict() for each in self.held]}
        shown = {name: value for name, value in values.items() if value and name != "name"}
        return ", ".join(f"{name} {value}" for name, value in shown.items()) or "nothing"


def tally_in(values: Mapping[str, Any]) -> Tally:
    """A tally as a fact keeps it or as its table does; raises UnreadableError.

    A fact does not keep a number that is 0.
    """
    held, is_stored = nested(values, "held") or (), "tally" in values

    def number(name: str) -> int:
        return whole(values, name) if is_stored or name in values else 0

    return Tally(
        name=text(values, "tally" if is_stored else "name"),
        version=number("version"),
        number=number("count"),
        amount_minor=number("amount_minor"),
        since=values.get("since"),
        last_on=values.get("last_on"),
        recruited_by=values.get("recruited_by"),
        held=tuple(sorted(_held(each) for each in held)),
    )


def _held(values: Mapping[str, Any]) -> Held:
    return Held(
        target=whole(values, "target"),
        currency=text(values, "currency"),
        amount_minor=whole(values, "amount_minor"),
        due_on=text(values, "due_on"),
    )


def tallies_in(values: Iterable[Mapping[str, Any]] | None) -> dict[str, Tally]:
    """The tallies a fact saw, by name, in its order; raises UnreadableError if one comes twice."""
    listed = [tally_in(each) for each in values or ()]
    tallies = {tally.name: tally for tally in listed}
    if len(tallies) != len(listed):
        raise UnreadableError("it saw a tally twice")
    return tallies


def read_tallies(items: Iterable[Item], findings: list[Finding]) -> dict[str, Tally]:
    """Each stored tally by name; those that cannot be read are findings instead."""
    read = read_each(items, ("tally", "version"), tally_in, findings)
    return {tally.name: tally for tally in read}


def period_of(moment: datetime, period: str) -> str:
    """The month, quarter or year a UTC moment lies in; raises UnreadableError for another."""
    if period == "month":
        return f"{moment.year:04}-{moment.month:02}"
    if period == "quarter":
        return f"{moment.year:04}-Q{-(-moment.month // 3)}"
    if period == "year":
        return f"{moment.year:04}"
    raise UnreadableError(f"{period!r} is no period")


def sales_name(program_id: str, affiliate_id: str, period: str, currency: str) -> str:
    """An affiliate's sales of a period in a currency, or counted in `ANY`."""
    return "#".join(("sales", program_id, affiliate_id, period, currency))


def reward_name(program_id: str, affiliate_id: str, period: str, currency: str, reward: str) -> str:
    """What a named reward earned an affiliate in a period, or `ANY` in `ANY`."""
    return "#".join(("reward", program_id, affiliate_id, period, currency, reward))


def customer_name(program_id: str, event: str, customer_key: str) -> str:
    """A customer's conversions of an event."""
    return "#".join(("customer", program_id, event, customer_key))


def bindings_name(vendor_id: str, affiliate_id: str, day: str) -> str:
    """Whom an affiliate introduced at a vendor on a UTC day."""
    return "#".join(("bindings", vendor_id, affiliate_id, day))


def recruits_name(sponsor_id: str, month: str) -> str:
    """The recruitment bonuses a sponsor had in a month."""
    return "#".join(("recruits", sponsor_id, month))


def cost_name(vendor_id: str, month: str, currency: str) -> str:
    """What a vendor's confirmations of a month cost it in a currency."""
    return "#".join(("cost", vendor_id, month, currency))


def member_name(member_id: str) -> str:
    """A member's own sales anywhere, and who recruited it."""
    return f"member#{member_id}"
