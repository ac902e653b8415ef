"""Consent: who marked a customer as opted out, where each mark holds, and who may lift it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from linkage.domain import clock

NETWORK = "network"
"""Both the marker that is no vendor but the network itself, and the scope that is everywhere."""
AT_THE_VENDOR = "vendor"
"""The scope of a mark that holds for its own vendor's sales alone."""

MARKS_PER_DAY_MAX, LIFTS_PER_DAY_MAX = 20, 20
"""So many marks of an approved vendor's UTC day hold everywhere; so many a vendor may lift."""
LIFT_AFTER_DAYS = 30
VENDORS_KEPT_MAX = 50


@dataclass(frozen=True)
class Mark:
    """A marker's last word on a customer: when, by which key, where it holds, and if it was lifted.

    `by` is empty for what was marked before that was kept; `unapproved` is whether its vendor was
    not approved then.
    """

    at: str
    by: str = ""
    scope: str = NETWORK
    lifted_at: str | None = None
    lifted_by: str | None = None
    unapproved: bool = False

    @property
    def stands(self) -> bool:
        """Whether it was not lifted since."""
        return self.lifted_at is None

    @property
    def liftable_from(self) -> datetime:
        """From when on its vendor may lift it."""
        return clock.days_later(clock.instant(self.at), LIFT_AFTER_DAYS)


@dataclass(frozen=True)
class Consent:
    """What is so after an opt-out or an opt-in, as far as its caller may know it.

    `opted_out` is of the vendor's sales, for operators of anybody's; `scope` is how far the mark of
    the caller holds, None after an opt-in; `detail` says what else to do. `marked_by` are all whose
    marks stand, for operators. `beyond_bound` is whether this mark came beyond the vendor's bound,
    which is none at all for one that is not approved.
    """

    opted_out: bool
    scope: str | None = None
    detail: str | None = None
    marked_by: tuple[str, ...] | None = None
    beyond_bound: bool = False


type Marks = Mapping[str, Mark]
"""The marks under one key of a customer, by their markers: vendors' ids, and NETWORK."""


def marked(marks: Marks, marker: str, mark: Mark) -> Marks:
    """The marks with this one, unless the marker's own stands already.

    Of more vendors than are kept the mark that was lifted longest ago makes room; if all stand, a
    further one is the network's.
    """
    if marker in marks and marks[marker].stands:
        return marks
    vendors = marks.keys() - {NETWORK}
    if marker in {NETWORK, *vendors} or len(vendors) < VENDORS_KEPT_MAX:
        return {**marks, marker: mark}
    history = [(marks[each].lifted_at or "", each) for each in vendors if not marks[each].stands]
    if history:
        _, oldest = min(history)
        return {each: own for each, own in marks.items() if each != oldest} | {marker: mark}
    # Also one that would hold at its vendor alone: a no is never lost, and it is the word of many.
    return marked(marks, NETWORK, replace(mark, scope=NETWORK))


def lifted(marks: Marks, markers: set[str], at: str, by: str) -> Marks:
    """The marks with those of these markers lifted that stand."""
    return {
        marker: replace(mark, lifted_at=at, lifted_by=by)
        if marker in markers and mark.stands
        else mark
        for marker, mark in marks.items()
    }


def standing(marks: Marks) -> frozenset[str]:
    """Whose marks stand."""
    return frozenset(marker for marker, mark in marks.items() if mark.stands)


def holds_at(marks: Marks, vendor_id: str) -> bool:
    """Whether the customer is opted out of this vendor's sales."""
    return any(mark.scope == NETWORK or marker == vendor_id for marker, mark in _stand(marks))


def holds_everywhere_since(marks: Marks) -> str | None:
    """Since when the customer is opted out of the whole network; None if it is not."""
    return min((mark.at for _, mark in _stand(marks) if mark.scope == NETWORK), default=None)


def _stand(marks: Marks) -> list[tuple[str, Mark]]:
    return [(marker, mark) for marker, mark in marks.items() if mark.stands]
