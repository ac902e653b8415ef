"""A customer's consent: who opts out is bound to nobody and remembered by no click.

Each vendor has a mark of its own on a customer, and the network another, so nobody opts a customer
in again whom another has opted out. A vendor's marks and lifts of a day are bounded, and it must be
approved for a mark to hold elsewhere: that keeps introducers from what they would earn there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import (
    BusyError,
    ConditionFailedError,
    ConflictError,
    TooManyRequestsError,
)
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.people.consent import (
    AT_THE_VENDOR,
    LIFT_AFTER_DAYS,
    LIFTS_PER_DAY_MAX,
    MARKS_PER_DAY_MAX,
    NETWORK,
    Consent,
    Mark,
    Marks,
    holds_at,
    lifted,
    marked,
    standing,
)
from linkage.domain.people.customers import customer_keys
from linkage.domain.people.members import is_suspended
from linkage.domain.people.requests import SentCustomer
from linkage.domain.plain_values import without_defaults
from linkage.tables import customers
from linkage.tables.audit import put_record
from linkage.tables.customers import OptOut, Presented
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import NOTHING, gather
from linkage.tables.dynamodb.transactions import attempts
from linkage.tables.members import reading_members

type Opt = Callable[[SentCustomer, Key], Consent]
"""One of the two below."""

_SECRET = os.environ["HASH_SECRET"]
_MARKS, _LIFTS = "marks", "lifts"
"""What is counted of a vendor's UTC day."""
_HOLDS_HERE = (
    "so it holds for your own sales only. Ask an operator to opt the same customer out: then it "
    "holds in the whole network."
)
_BEYOND_BOUND = (
    f"It came after your first {MARKS_PER_DAY_MAX} opt-outs of its UTC day, {_HOLDS_HERE}"
)
_UNAPPROVED = f"You were not an approved vendor when you made it, {_HOLDS_HERE}"
_BY_OWN_ID = (
    "An id of your own holds for your own sales only. Name the customer's phone number or e-mail "
    "address to opt them out of the whole network."
)
_STILL_OUT = (
    "No mark of yours keeps the customer out any more, but others do. Only whoever made a mark can "
    "lift it, and operators."
)


def opt_out(sent: SentCustomer, key: Key) -> Consent:
    """Marks a customer by each key named and is never refused; again it changes nothing.

    An operator's mark is the network's own. By phone and e-mail address a mark holds in the whole
    network; a vendor's beyond its bound of a day, or while it is not approved, at that vendor
    alone. Who opts out through a vendor is forgotten by the clicks presented there.
    """
    for _ in attempts():
        known = _known(sent, key, _MARKS)
        scope = NETWORK if known.within_bound else AT_THE_VENDOR
        mark = Mark(clock.text(known.moment), key.key_id, scope, unapproved=known.unapproved)
        become = {
            each: marked(was.marks, known.marker, mark) for each, was in known.opt_outs.items()
        }
        changes = known.changes(become)
        # A mark by the vendor's own id alone holds nowhere else, so there is nothing to bound.
        counts = [known.count(_MARKS)] if changes and known.vendor_id and known.by_contact else []
        records = known.records("opted_out", become, key) if changes else []
        if _write([*changes, *counts, *known.forgetting(), *records]):
            return _opted_out(become, known, beyond_bound=bool(changes) and not known.within_bound)
    raise BusyError


def opt_in(sent: SentCustomer, key: Key) -> Consent:
    """Lifts the caller's own mark: a vendor's, or the network's and that of the vendor it names.

    Raises ConflictError for a vendor's mark that is too young, TooManyRequestsError beyond the
    vendor's bound of a day.
    """
    for _ in attempts():
        known = _known(sent, key, _LIFTS)
        if known.vendor_id:
            _require_liftable(known)
        at, markers = clock.text(known.moment), {known.marker, sent.vendor_id or NETWORK}
        become = {
            each: lifted(was.marks, markers, at, key.key_id) for each, was in known.opt_outs.items()
        }
        changes = known.changes(become)
        counts = [known.count(_LIFTS)] if changes and known.vendor_id else []
        records = known.records("opted_in", become, key) if changes else []
        if _write([*changes, *counts, *records]):
            return _opted_in(become, known)
    raise BusyError


@dataclass(frozen=True)
class _Known:
    """A customer as sent, with what is stored of it and counted of its vendor's day at a moment.

    `vendor_id` is the calling vendor, None for an operator; `unapproved` is whether it is not
    approved, for an opt-out.
    """

    sent: SentCustomer
    vendor_id: str | None
    moment: datetime
    opt_outs: Mapping[str, OptOut]
    presented: Mapping[str, Presented]
    counted: int
    unapproved: bool

    @property
    def marker(self) -> str:
        """Whose mark the caller's is."""
        return self.vendor_id or NETWORK

    @property
    def by_contact(self) -> bool:
        """Whether the customer is named by what others may know it by."""
        return bool(self.sent.customer.phone or self.sent.customer.email)

    @property
    def within_bound(self) -> bool:
        """Whether a mark may hold wherever the customer is known by what it is named by."""
        most = 0 if self.unapproved else MARKS_PER_DAY_MAX
        return not self.by_contact or self.counted < most

    def changes(self, become: Mapping[str, Marks]) -> list[dict[str, Any]]:
        """The operations that make the marks so; none if they are."""
        return [
            customers.put_marks(key, become[key], was)
            for key, was in self.opt_outs.items()
            if become[key] != was.marks
        ]

    def records(self, verb: str, become: Mapping[str, Marks], key: Key) -> list[dict[str, Any]]:
        """The operation that keeps who changed the marks, under the first key that has changed."""
        said = {each: was for each, was in self.opt_outs.items() if become[each] != was.marks}
        first, was = next(iter(said.items()))
        before = without_defaults(was.marks) | {"customer_keys": sorted(said)}
        after = without_defaults(become[first]) | {"customer_keys": sorted(said)}
        subject = f"customer#{first}"
        return [put_record(recorded(key, subject, f"customer.{verb}", before, after))]

    def count(self, what: str) -> dict[str, Any]:
        """The operation that counts one more for the vendor's UTC day."""
        return customers.count_one(what, self.marker, clock.day(self.moment), self.counted)

    def forgetting(self) -> list[dict[str, Any]]:
        """The operations that forget the clicks presented for the customer."""
        return [
            customers.put_presented(key, self.sent.vendor_id or "", (), was)
            for key, was in self.presented.items()
            if was.clicks
        ]


def _known(sent: SentCustomer, key: Key, what: str) -> _Known:
    """Reads all of it by one call, but neither clicks nor the vendor for an opt-in."""
    vendor_id = None if key.role == "operator" else sent.vendor_id
    moment, keys = clock.now(), customer_keys(_SECRET, sent.vendor_id or "", sent.customer)
    opt_outs = customers.reading_opt_outs(keys)
    opts_out = what == _MARKS
    forgets = opts_out and sent.vendor_id is not None
    presented = customers.reading_presented(keys if forgets else (), sent.vendor_id or "")
    day = clock.day(moment)
    counted = customers.reading_count(what, vendor_id, day) if vendor_id else NOTHING
    asked = [vendor_id] if vendor_id and opts_out else []
    vendors = reading_members(asked)
    found = gather(opt_outs, presented, counted, vendors)
    members = vendors.of(found)
    return _Known(
        sent=sent,
        vendor_id=vendor_id,
        moment=moment,
        opt_outs=opt_outs.of(found),
        presented=presented.of(found),
        counted=counted.of(found) or 0,
        unapproved=any(is_suspended(members.get(each)) for each in asked),
    )


def _write(operations: list[dict[str, Any]]) -> bool:
    """Whether it is done; False if something was changed since it was read."""
    try:
        if operations:
            transactions.write(operations, decided_on_reads=True)
    except ConditionFailedError:
        return False
    return True


def _require_liftable(known: _Known) -> None:
    own = [was.marks[known.marker] for was in known.opt_outs.values() if known.marker in was.marks]
    own = [mark for mark in own if mark.stands]
    liftable_from = max((mark.liftable_from for mark in own), default=known.moment)
    if known.moment < liftable_from:
        raise ConflictError(
            "opted_out_recently",
            f"You opted this customer out less than {LIFT_AFTER_DAYS} days ago. You can opt them "
            f"in again from {clock.text(liftable_from)} on; until then an operator can.",
        )
    if own and known.counted >= LIFTS_PER_DAY_MAX:
        raise TooManyRequestsError(
            "too_many_opt_ins",
            f"You have opted {LIFTS_PER_DAY_MAX} customers in again today (UTC). Go on tomorrow, "
            "or ask an operator.",
            clock.day_left_s(known.moment),
        )


def _opted_out(become: Mapping[str, Marks], known: _Known, *, beyond_bound: bool) -> Consent:
    # What is not kept as the vendor's own is kept as the network's.
    own = [marks[known.marker] for marks in become.values() if known.marker in marks]
    here = [mark for mark in own if mark.scope == AT_THE_VENDOR]
    everywhere = known.by_contact and not here
    return Consent(
        opted_out=True,
        scope=NETWORK if everywhere else AT_THE_VENDOR,
        detail=None if everywhere else _why_here(here),
        marked_by=_marked_by(become, known),
        beyond_bound=beyond_bound,
    )


def _why_here(marks: list[Mark]) -> str:
    if not marks:
        return _BY_OWN_ID
    return _UNAPPROVED if any(mark.unapproved for mark in marks) else _BEYOND_BOUND


def _opted_in(become: Mapping[str, Marks], known: _Known) -> Consent:
    marked_by = _marked_by(become, known)
    if marked_by is not None:
        return Consent(bool(marked_by), marked_by=marked_by)
    out = any(holds_at(marks, known.marker) for marks in become.values())
    return Consent(out, detail=_STILL_OUT if out else None)


def _marked_by(become: Mapping[str, Marks], known: _Known) -> tuple[str, ...] | None:
    """Whose marks stand, which is for operators only."""
    if known.vendor_id:
        return None
    return tuple(sorted({marker for marks in become.values() for marker in standing(marks)}))
