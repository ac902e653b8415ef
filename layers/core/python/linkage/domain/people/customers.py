"""Customers: known only by keyed hashes, and bound to the affiliate who introduced them."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from linkage.domain import clock
from linkage.domain.ids import external
from linkage.domain.people.members import Member

_OWN_ID = "own_"
"""How the keys of a vendor's own ids begin (`customer_keys`)."""
OTHERS_MAX = 20
"""So many contacts, and so many of vendors' own ids, a binding remembers beside its own key."""
RENEWALS_MAX, RENEWALS_OF_VENDOR_MAX = 20, 3
"""So many renewals a binding keeps, and so many of them by sales of one vendor."""
_GMAIL = ("gmail.com", "googlemail.com")
"""One mail service under two names, which does not mind dots."""


@dataclass(frozen=True)
class Customer:
    """A customer as a vendor names them: normalised phone and e-mail, the vendor's own id."""

    phone: str | None = None
    email: str | None = None
    vendor_customer_id: str | None = None


@dataclass(frozen=True)
class Introduction:
    """The sale that introduced a customer, as what it earns elsewhere keeps it.

    Its own commission falls due on the UTC date `due_on`; it introduces as long as at least
    `floor_minor` of it stands, minor units of its own currency.
    """

    conversion_id: str
    due_on: str
    floor_minor: int


@dataclass(frozen=True)
class Renewal:
    """A further sale of the affiliate, at this vendor, that introduces once more until `until`.

    `due_on` and `floor_minor` are those of its Introduction. The vendor is "" where the release of
    2026-11-25 kept the renewal, which did not say it.
    """

    conversion_id: str
    vendor_id: str
    due_on: str
    floor_minor: int
    until: str


@dataclass(frozen=True)
class Binding:
    """Who introduced the customer behind this key, by which conversion, until when.

    `due_on` and `floor_minor` are those of its Introduction; one bound before there was any has
    neither, and lives until it expires or its sale is refunded in full. It began to hold at
    `bound_at`, by the vendor's word, and was known from `confirmed_at` on. `renewals` are in the
    order they were accepted: the first that stands takes over when the sale that bound it has
    expired or no longer stands. `others` are keys of this affiliate's that came with this one in a
    sale that bound one of the two: whoever ends one ends them all. An operator may have ended it:
    `unbound_at`, by whose key and why. `version` is raised whenever it is written over.
    """

    customer_key: str
    affiliate_id: str
    conversion_id: str
    bound_at: str
    expires_at: str
    due_on: str | None = None
    floor_minor: int | None = None
    confirmed_at: str | None = None
    unbound_at: str | None = None
    unbound_by: str | None = None
    unbound_why: str | None = None
    renewals: tuple[Renewal, ...] = ()
    others: tuple[str, ...] = ()
    version: int = field(default=0, compare=False)

    @property
    def introduction(self) -> Introduction | None:
        """What a conversion that lives by this binding keeps of it."""
        if self.due_on is None or self.floor_minor is None:
            return None
        return Introduction(self.conversion_id, self.due_on, self.floor_minor)

    @property
    def known_since(self) -> str:
        """When it came to be: no vendor can say that it was earlier, as it can of `bound_at`."""
        return max(self.bound_at, self.confirmed_at or "")

    def has(self, conversion_id: str) -> bool:
        """Whether this sale has bound the key, or renews it."""
        return conversion_id in {self.conversion_id, *(e.conversion_id for e in self.renewals)}

    def at(self, moment: datetime, ended: frozenset[str]) -> "Binding | None":
        """The binding as it holds at a moment: by the sale that bound it or else a renewal.

        None if none is left; `ended` are the sales of which too little stands.
        """
        if self.unbound_at is not None:
            return None
        if self.conversion_id not in ended and clock.instant(self.expires_at) > moment:
            return self
        for by in self._standing(moment, ended):
            return replace(
                self,
                conversion_id=by.conversion_id,
                due_on=by.due_on,
                floor_minor=by.floor_minor,
                expires_at=by.until,
            )
        return None

    def _standing(self, moment: datetime, ended: frozenset[str]) -> list[Renewal]:
        return [
            each
            for each in self.renewals
            if each.conversion_id not in ended and clock.instant(each.until) > moment
        ]

    def renewed(self, by: Renewal, moment: datetime, ended: frozenset[str]) -> "Binding":
        """The same with one more renewal, and without those that no longer count at that moment.

        One that ends no later than what stands already is none. Of too many of one vendor the
        newest stay; of too many in all goes the one that ends first, of a vendor that has most, so
        that a few vendors push out nobody else's.
        """
        stands = self.conversion_id not in ended
        known = {self.conversion_id, *(each.conversion_id for each in self.renewals)}
        if by.conversion_id in known or (stands and by.until <= self.expires_at):
            return self
        kept = self._standing(moment, ended)
        same = [each for each in kept if each.vendor_id == by.vendor_id]
        too_old = same[: 1 - RENEWALS_OF_VENDOR_MAX]
        kept = [*(each for each in kept if each not in too_old), by]
        if len(kept) > RENEWALS_MAX:
            of_vendor = Counter(each.vendor_id for each in kept)
            most = max(of_vendor.values())
            theirs = [each for each in kept if of_vendor[each.vendor_id] == most]
            kept.remove(min(theirs, key=lambda each: each.until))
        return replace(self, renewals=tuple(kept))


def hashed(secret: str, kind: str, *values: str) -> str:
    """A keyed hash of the values, each with its length, under the name of their kind."""
    joined = "".join(f"{len(value)}:{value}" for value in values)
    mac = hmac.new(secret.encode(), f"{kind}:{joined}".encode(), hashlib.sha256)
    return f"{kind}_{mac.hexdigest()[:40]}"


def customer_keys(secret: str, vendor_id: str, customer: Customer) -> tuple[str, ...]:
    """The customer's keys in look-up order: phone, e-mail (network-wide), the vendor's own id."""
    own_id = customer.vendor_customer_id
    named = (
        ("phone", customer.phone),
        ("email", customer.email),
        ("own", own_id and f"{vendor_id}:{external(own_id)}"),
    )
    return tuple(hashed(secret, kind, value) for kind, value in named if value)


def aliases(secret: str, customer: Customer) -> tuple[str, ...]:
    """The customer as a person: the phone, and the mailbox whichever way its address is written.

    They only recognise an own purchase; nobody is bound or counted by them.
    """
    named = (("phone", customer.phone), ("mailbox", customer.email and _mailbox(customer.email)))
    return tuple(hashed(secret, kind, value) for kind, value in named if value)


def own_aliases(secret: str, member: Member) -> frozenset[str]:
    """The aliases a member would have as a customer."""
    return frozenset(aliases(secret, Customer(phone=member.phone, email=member.email)))


def _mailbox(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", "") or local, _GMAIL[0]
    return f"{local}@{domain}"


@dataclass(frozen=True)
class KnownCustomer:
    """A customer's keys in look-up order, with what is stored about them.

    `ended` names introductions (conversion ids) of which too little stands; `opted_out` is whether
    the customer wants to be known by none of these keys.
    """

    keys: tuple[str, ...] = ()
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    opted_out: bool = False

    def introducers(self, occurred_at: datetime) -> tuple[Binding, ...]:
        """What introduced the customer, of the bindings that had begun at that moment.

        The one known longest comes first, one of each affiliate: who may not earn leaves it to the
        next.
        """
        if self.opted_out:
            return ()
        begun = tuple(
            key
            for key in self.keys
            if key in self.bindings and clock.instant(self.bindings[key].bound_at) <= occurred_at
        )
        first: dict[str, Binding] = {}
        for binding in self._live(occurred_at, begun):
            first.setdefault(binding.affiliate_id, binding)
        return tuple(first.values())

    def live(self, moment: datetime) -> Binding | None:
        """The binding known longest of those not expired at that moment, ended or unbound."""
        return next(iter(self._live(moment, self.keys)), None)

    def _live(self, moment: datetime, keys: tuple[str, ...]) -> list[Binding]:
        """Those that hold at that moment, the one known longest first.

        The vendor's own id has a say only where no contact is bound, since only that vendor knows
        it; of several known since the same moment the first in the keys' order holds.
        """
        held = [binding for key in keys if (binding := self._at(key, moment)) is not None]
        contacts = [each for each in held if not is_own_id(each.customer_key)]
        return sorted(contacts or held, key=lambda each: each.known_since)

    def is_free(self, key: str, moment: datetime) -> bool:
        """Whether nobody has the key at that moment."""
        return self._at(key, moment) is None

    def contacts(self) -> tuple[str, ...]:
        """The keys that mean something in the whole network, in their order."""
        return tuple(key for key in self.keys if not is_own_id(key))

    def of(self, affiliate_id: str, moment: datetime) -> dict[str, Binding]:
        """The bindings, as stored, of the keys the affiliate has at that moment."""
        return {
            key: self.bindings[key]
            for key in self.keys
            if (held := self._at(key, moment)) and held.affiliate_id == affiliate_id
        }

    def _at(self, key: str, moment: datetime) -> Binding | None:
        binding = self.bindings.get(key)
        return binding.at(moment, self.ended) if binding else None

    def others(self, key: str, affiliate_id: str) -> tuple[str, ...]:
        """The keys that came with this one in sales of the affiliate, though its binding ended."""
        binding = self.bindings.get(key)
        return binding.others if binding and binding.affiliate_id == affiliate_id else ()


# ---- what a confirmed sale binds


def free_contacts(
    customer: KnownCustomer, affiliate_id: str, occurred_at: datetime
) -> tuple[str, ...]:
    """The contacts that a sale of the affiliate which introduces may bind, in the keys' order.

    None if the customer opted out or is another affiliate's, and none together with a contact that
    has come with as many others as it can remember: whoever ends the one must find the other.
    """
    live = customer.live(occurred_at)
    if customer.opted_out or (live and live.affiliate_id != affiliate_id):
        return ()
    contacts = customer.contacts()

    def remember(one: str, other: str) -> bool:
        return _remembers(customer.others(one, affiliate_id), other)

    return tuple(
        key
        for key in contacts
        if customer.is_free(key, occurred_at)
        and all(remember(key, each) and remember(each, key) for each in contacts if each != key)
    )


def bound(
    customer: KnownCustomer,
    introducer: Binding | None,
    occurred_at: datetime,
    *,
    vendor_id: str,
    room: int,
    earner: str | None = None,
) -> tuple[Binding, ...]:
    """The bindings a confirmed conversion that occurred then writes, in the keys' order.

    `introducer` is what this conversion binds where nobody is bound; None for one that introduces
    nobody. It binds `free_contacts`, as many as there is `room` for in the affiliate's day, and
    renews what the affiliate has, whoever has the other keys; so a phone number or an e-mail
    address is only ever bound by a sale that introduces. The vendor's own id, which means nothing
    elsewhere, follows whoever is bound by one of those and earned by this, the `earner`. A binding
    of before there were introductions lives as long as it did and is not renewed. A customer who
    opted out is bound to nobody.
    """
    affiliate_id = introducer.affiliate_id if introducer else earner
    if customer.opted_out or affiliate_id is None:
        return ()
    new: dict[str, Binding] = {}
    if introducer:
        contacts = free_contacts(customer, affiliate_id, occurred_at)[:room]
        new = {key: replace(introducer, customer_key=key) for key in contacts}
    new |= _following(customer, introducer, affiliate_id, occurred_at, new)
    after = customer.of(affiliate_id, occurred_at)
    renewal = _renewal(introducer, vendor_id) if introducer else None
    if renewal:
        after = {
            key: each.renewed(renewal, occurred_at, customer.ended) if each.introduction else each
            for key, each in after.items()
        }
    after |= new
    written = []
    for key in (each for each in customer.keys if each in after):
        came = [each for each in after if each != key and (key in new or each in new)]
        others = customer.others(key, affiliate_id)
        binding = replace(after[key], others=_remembered((*others, *came)) if came else others)
        if binding != customer.bindings.get(key):
            written.append(binding)
    return tuple(written)


def _renewal(introducer: Binding, vendor_id: str) -> Renewal | None:
    introduction, until = introducer.introduction, introducer.expires_at
    return Renewal(vendor_id=vendor_id, until=until, **vars(introduction)) if introduction else None


def _following(
    customer: KnownCustomer,
    introducer: Binding | None,
    affiliate_id: str,
    occurred_at: datetime,
    new: Mapping[str, Binding],
) -> dict[str, Binding]:
    """What the vendor's own id is bound by, if nobody has it; `new` are its contacts' bindings.

    By the sale itself if that introduces, else by what binds the contact that has introduced the
    customer; by nothing if a contact came with as many own ids as it can remember.
    """
    live, contacts = customer.live(occurred_at), customer.contacts()
    key = next((each for each in customer.keys if is_own_id(each)), None)
    if key is None or not customer.is_free(key, occurred_at):
        return {}
    if live and live.affiliate_id != affiliate_id:
        return {}
    theirs = {*new, *customer.of(affiliate_id, occurred_at)}
    if not all(_remembers(customer.others(each, affiliate_id), key) for each in theirs):
        return {}
    if introducer and (theirs or not contacts):
        return {key: replace(introducer, customer_key=key)}
    return {key: replace(customer.bindings[live.customer_key], customer_key=key)} if live else {}


def _remembers(others: tuple[str, ...], key: str) -> bool:
    """Whether a binding with these others remembers the key, too, if that comes with its own."""
    return key in _remembered((*others, key))


def _remembered(others: tuple[str, ...]) -> tuple[str, ...]:
    """As many of these keys as a binding remembers beside its own.

    A vendor's own id may so forget contacts, since one that stands for many people ties none.
    """
    contacts = [each for each in dict.fromkeys(others) if not is_own_id(each)]
    own_ids = [each for each in dict.fromkeys(others) if is_own_id(each)]
    return (*contacts[:OTHERS_MAX], *own_ids[:OTHERS_MAX])


def is_own_id(key: str) -> bool:
    """Whether it is the key of a vendor's own id, which means nothing elsewhere."""
    return key.startswith(_OWN_ID)
