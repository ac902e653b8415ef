"""Who had introduced each honest customer by the rules, every vendor's word taken for true.

The truth knows what honest people did. This also knows what those who cheat have claimed, so it
tells an introduction they were free to make from one that took somebody else's.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from linkage.domain.people.customers import Customer, customer_keys
from tests.abuse.contacts import Introduction, Introductions
from tests.abuse.play import Play
from tests.abuse.stored import Stored
from tests.abuse.truth import Sale
from tests.abuse.world import Fake, Mark, Unbinding

CONFIRMING = {"report", "confirmation"}
"""The facts that confirm, of those that are posted."""


@dataclass(frozen=True)
class Claimed:
    """A sale as its vendor reported it, by the customer's keys as they are stored."""

    sold: Sale | Fake
    vendor: str
    contacts: tuple[str, ...]
    reported_at: datetime


class Ruling:
    """Everything that was accepted once more, in its order.

    `of` each honest sale it is who had introduced its customer; `new` are the sales that bound a
    contact nobody had.
    """

    def __init__(self, play: Play, stored: Stored) -> None:
        self.of: dict[str, Introduction[Claimed] | None] = {}
        self.new: set[str] = set()
        self._play, self._stored, self._rules = play, stored, play.truth.rules
        self._book = Introductions[Claimed](
            self._stands, self._rules.introducer_days, self._rules.bindings_per_day_max
        )
        self._marks: dict[str, dict[str, str]] = defaultdict(dict)
        for _, happens in sorted(self._happened(), key=lambda each: each[0]):
            happens()

    def _happened(self) -> list[tuple[tuple[datetime, int], Callable[[], None]]]:
        """What happened, by moment; only confirmations come several at once, in their order."""
        play = self._play
        asked = [each for each in play.truth.sales.values() if not each.lead]
        confirmed = [each for each in play.network.accepted if each[2] in CONFIRMING]
        return [
            *(((each.reported_at, 0), partial(self._ask, each)) for each in asked),
            *(
                ((at, number), partial(self._confirm, found, at))
                for number, (at, found, _) in enumerate(confirmed, start=1)
            ),
            *(((each.at, 0), partial(self._mark, each)) for each in play.marks),
            *(((each.at, 0), partial(self._unbind, each)) for each in play.unbindings),
        ]

    def _ask(self, sale: Sale) -> None:
        claimed = self._claimed(sale.conversion_id)
        opted_out = self._opted_out(claimed)
        asked = (claimed.contacts, sale.reported_at, sale.customer)
        self.of[sale.conversion_id] = None if opted_out else self._book.of(*asked)

    def _confirm(self, found: str, at: datetime) -> None:
        claimed, affiliate = self._claimed(found), self._stored.attributed(found)
        if claimed.sold.event != "sale" or affiliate is None or self._stored.introducing(found):
            return
        if not self._stands(claimed, at) or self._opted_out(claimed):
            return
        if found not in self._play.forged and self._book.confirmed(claimed, affiliate, at):
            self.new.add(found)

    def _mark(self, mark: Mark) -> None:
        """A suspended vendor's holds at that vendor alone, whatever it was told."""
        suspended_at = self._play.truth.suspended.get(mark.vendor)
        scope = "vendor" if suspended_at and suspended_at <= mark.at else mark.scope
        for key in _keys(mark.contact):
            if mark.scope is None:
                self._marks[key].pop(mark.vendor, None)
            else:
                self._marks[key].setdefault(mark.vendor, str(scope))

    def _unbind(self, unbinding: Unbinding) -> None:
        self._book.unbind(_keys(unbinding.contact))

    def _claimed(self, found: str) -> Claimed:
        sold = self._play.truth.sales.get(found) or self._play.reported_by_cheats(found)
        report = self._stored.reports[found]
        at = datetime.fromisoformat(report["reported_at"])
        return Claimed(sold, sold.vendor, tuple(report.get("customer_keys", ())), at)

    def _stands(self, claimed: Claimed, at: datetime) -> bool:
        sold = claimed.sold
        floor_minor = self._rules.introduction_floor(sold.currency)
        earned_minor = self._stored.earned_minor(sold.conversion_id, at)
        return earned_minor > 0 and sold.left_after(at) >= floor_minor

    def _opted_out(self, claimed: Claimed) -> bool:
        return any(
            scope == "network" or marker == claimed.vendor
            for contact in claimed.contacts
            for marker, scope in self._marks[contact].items()
        )


def _keys(contact: Mapping[str, str]) -> tuple[str, ...]:
    return customer_keys(os.environ["HASH_SECRET"], "", Customer(**contact))
