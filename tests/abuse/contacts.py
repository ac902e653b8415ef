"""Who has introduced the person behind a phone number or an e-mail address, and by what.

The rules of docs/money.md once more, apart from the product: told sale by sale what was confirmed,
asked whose somebody is. What a sale is worth is the caller's to say.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

VENDORS_RENEWALS_MAX = 3
"""So many renewals by sales of one vendor count, the newest."""


class Sold(Protocol):
    """A sale as far as it may introduce: where, when, and who was named as the customer."""

    @property
    def vendor(self) -> str: ...
    @property
    def contacts(self) -> tuple[str, ...]: ...
    @property
    def reported_at(self) -> datetime: ...


@dataclass(frozen=True)
class Introduction[S: Sold]:
    """Who has introduced a customer to the network, and by which sale."""

    affiliate: str
    sale: S


@dataclass
class Kept[S: Sold]:
    """Whose a contact is: by the sale that bound it, and by further ones, in their order."""

    affiliate: str
    first: S
    since: datetime
    renewals: list[S] = field(default_factory=list)
    beside: set[str] = field(default_factory=set)
    unbound: bool = False


class Introductions[S: Sold]:
    """Every contact of everybody; `stands` is whether enough of a sale is left at a moment."""

    def __init__(self, stands: Callable[[S, datetime], bool], days: int, per_day_max: int) -> None:
        self._stands, self._days, self._per_day_max = stands, timedelta(days=days), per_day_max
        self._kept: dict[str, Kept[S]] = {}
        self._bound_on: Counter[tuple[str, str, date]] = Counter()

    def of(self, contacts: Iterable[str], at: datetime, buyer: str = "") -> Introduction[S] | None:
        """Who had introduced a customer who now buys: by the contact that was known first.

        Who buys itself leaves it to the next.
        """
        begun = [
            each
            for each in contacts
            if self._begun(each, at) and self._kept[each].affiliate != buyer
        ]
        return self._first_known(begun, at, at)

    def was_anew(self, contacts: Iterable[str], by: Introduction[S], at: datetime) -> bool:
        """Whether none of these contacts is still as that sale had bound or renewed it by then."""
        kept = (self._kept.get(each) for each in contacts)
        return not any(
            each
            and each.affiliate == by.affiliate
            and each.first.reported_at <= at
            and by.sale in (each.first, *each.renewals)
            for each in kept
        )

    def confirmed(self, sale: S, affiliate: str, at: datetime) -> list[str]:
        """A sale that introduces was confirmed: it renews what is his, and binds what is free.

        Returns the contacts it has bound.
        """
        when, was = sale.reported_at, {}
        for contact in sale.contacts:
            found = self._held(contact, when, at)
            was[contact] = found.affiliate if found else None
        first = self._first_known(sale.contacts, when, at)
        for contact in (each for each, whose in was.items() if whose == affiliate):
            self._renew(self._kept[contact], sale, at)
        if first and first.affiliate != affiliate:
            return []
        place = sale.vendor, affiliate, at.date()
        free = [each for each, whose in was.items() if whose is None]
        bound = free[: max(0, self._per_day_max - self._bound_on[place])]
        self._bound_on[place] += len(bound)
        for contact in bound:
            beside = self._kept[contact].beside if self._was(contact, affiliate) else set()
            self._kept[contact] = Kept(affiliate, sale, at, beside=beside)
        if bound:
            for contact in (each for each in sale.contacts if self._was(each, affiliate)):
                self._kept[contact].beside |= {*sale.contacts} - {contact}
        return bound

    def unbind(self, contacts: Iterable[str]) -> None:
        """Operators end what these contacts are bound by, and what came with them in a sale."""
        asked = [each for each in contacts if each in self._kept]
        for affiliate in {self._kept[each].affiliate for each in asked}:
            waiting, seen = [*asked], set[str]()
            while waiting:
                contact = waiting.pop()
                if contact in seen or not self._was(contact, affiliate):
                    continue
                seen.add(contact)
                self._kept[contact].unbound = True
                waiting += self._kept[contact].beside

    # ---- one contact

    def _was(self, contact: str, affiliate: str) -> bool:
        kept = self._kept.get(contact)
        return kept is not None and kept.affiliate == affiliate

    def _begun(self, contact: str, at: datetime) -> bool:
        return contact in self._kept and self._kept[contact].first.reported_at <= at

    def _held(self, contact: str, when: datetime, at: datetime) -> Introduction[S] | None:
        """By which sale it is held for what happened then, by what is known at a moment."""
        kept = self._kept.get(contact)
        if kept is None or kept.unbound:
            return None
        for sale in (kept.first, *kept.renewals):
            if self._counts(sale, when, at):
                return Introduction(kept.affiliate, sale)
        return None

    def _counts(self, sale: S, when: datetime, at: datetime) -> bool:
        return sale.reported_at + self._days > when and self._stands(sale, at)

    def _first_known(
        self, contacts: Iterable[str], when: datetime, at: datetime
    ) -> Introduction[S] | None:
        held = [(self._kept[each].since, self._held(each, when, at)) for each in self._in(contacts)]
        live = [each for each in held if each[1] is not None]
        return min(live, key=lambda each: each[0])[1] if live else None

    def _in(self, contacts: Iterable[str]) -> list[str]:
        return [each for each in contacts if each in self._kept]

    def _renew(self, kept: Kept[S], sale: S, at: datetime) -> None:
        """It counts as long as it stands itself; one that ends no later than the first is none."""
        if self._stands(kept.first, at) and sale.reported_at <= kept.first.reported_at:
            return
        count = [each for each in kept.renewals if self._counts(each, sale.reported_at, at)]
        same = [each for each in count if each.vendor == sale.vendor]
        too_old = same[: 1 - VENDORS_RENEWALS_MAX]
        kept.renewals = [*(each for each in count if each not in too_old), sale]
