"""Customers: known only by keyed hashes, and bound to the affiliate who introduced them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from linkage import clock
from linkage.ids import external
from linkage.members import Member

_OWN_ID = "own_"
"""How the keys of a vendor's own ids begin (`customer_keys`)."""
OTHERS_MAX = 20
"""So many keys a binding remembers beside its own."""
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
class Binding:
    """Who introduced the customer behind this key, by which conversion, until when.

    `due_on` and `floor_minor` are those of its Introduction; one bound before there was any has
    neither, and lives until it expires or its sale is refunded in full. A further sale of the same
    affiliate introduces once more, until `renewed_until`: it takes over when the first one has
    expired or no longer stands. `others` are keys that came with this one in a sale of the
    affiliate: whoever ends one ends them all. An operator may have ended it: `unbound_at`, by whose
    key and why.
    """

    customer_key: str
    affiliate_id: str
    conversion_id: str
    bound_at: str
    expires_at: str
    due_on: str | None = None
    floor_minor: int | None = None
    unbound_at: str | None = None
    unbound_by: str | None = None
    unbound_why: str | None = None
    renewed_by: str | None = None
    renewed_due_on: str | None = None
    renewed_floor_minor: int | None = None
    renewed_until: str | None = None
    others: tuple[str, ...] = ()

    @property
    def introduction(self) -> Introduction | None:
        """What a conversion that lives by this binding keeps of it."""
        if self.due_on is None or self.floor_minor is None:
            return None
        return Introduction(self.conversion_id, self.due_on, self.floor_minor)

    def at(self, moment: datetime, ended: frozenset[str]) -> "Binding | None":
        """The binding as it holds at a moment, by its first sale or else by the renewing one.

        None if neither is left; `ended` are the sales of which too little stands.
        """
        if self.unbound_at is not None:
            return None
        if self.conversion_id not in ended and clock.instant(self.expires_at) > moment:
            return self
        if self.renewed_by is None or self.renewed_until is None or self.renewed_by in ended:
            return None
        renewed = replace(
            self,
            conversion_id=self.renewed_by,
            due_on=self.renewed_due_on,
            floor_minor=self.renewed_floor_minor,
            expires_at=self.renewed_until,
            renewed_by=None,
            renewed_due_on=None,
            renewed_floor_minor=None,
            renewed_until=None,
        )
        return renewed.at(moment, ended)

    def renewed(self, by: "Binding") -> "Binding":
        """The same, renewed by a further sale's binding; never to an earlier end."""
        if by.expires_at <= max(self.expires_at, self.renewed_until or ""):
            return self
        return replace(
            self,
            renewed_by=by.conversion_id,
            renewed_due_on=by.due_on,
            renewed_floor_minor=by.floor_minor,
            renewed_until=by.expires_at,
        )


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

    def introducer(self, occurred_at: datetime) -> Binding | None:
        """The first binding, in the keys' order, that had begun and was live at that moment."""
        if self.opted_out:
            return None
        begun = tuple(
            key
            for key in self.keys
            if key in self.bindings and clock.instant(self.bindings[key].bound_at) <= occurred_at
        )
        return self.live(occurred_at, begun)

    def live(self, moment: datetime, keys: tuple[str, ...] | None = None) -> Binding | None:
        """The first binding, in the keys' order, not expired at that moment, ended or unbound."""
        for key in self.keys if keys is None else keys:
            binding = self.bindings.get(key)
            held = binding.at(moment, self.ended) if binding else None
            if held:
                return held
        return None


def bound(
    customer: KnownCustomer,
    introducer: Binding | None,
    occurred_at: datetime,
    *,
    room: bool,
    earner: str | None = None,
) -> tuple[Binding, ...]:
    """The bindings a confirmed conversion that occurred then writes, in the keys' order.

    `introducer` is what this conversion binds where nobody is bound; None for one that introduces
    nobody. Nobody takes over from another affiliate before it ends. The same affiliate renews what
    it has, and binds what nobody has while there is `room` in its day; so a phone number or an
    e-mail address is only ever bound by a sale that introduces. The vendor's own id, which means
    nothing elsewhere, follows whoever is bound by one of those and earned by this, the `earner`. A
    binding of before there were introductions lives as long as it did and is not renewed. A
    customer who opted out is bound to nobody.
    """
    live = customer.live(occurred_at)
    if customer.opted_out or (live and introducer and live.affiliate_id != introducer.affiliate_id):
        return ()
    followed = (
        live if live and live.affiliate_id == earner and not is_own_id(live.customer_key) else None
    )
    written = []
    for key in customer.keys:
        new = None
        own = customer.live(occurred_at, (key,))
        if own is None and introducer and room:
            new = replace(introducer, customer_key=key)
        elif own is None and followed and key.startswith(_OWN_ID):
            new = replace(followed, customer_key=key)
        elif own and introducer and own.affiliate_id == introducer.affiliate_id:
            new = own.renewed(introducer) if own.introduction else None
        if new:
            beside = (*new.others, *(each for each in customer.keys if each != key))
            new = replace(new, others=tuple(dict.fromkeys(beside))[:OTHERS_MAX])
        if new and new not in {own, customer.bindings.get(key)}:
            written.append(new)
    return tuple(written)


def is_own_id(key: str) -> bool:
    """Whether it is the key of a vendor's own id, which means nothing elsewhere."""
    return key.startswith(_OWN_ID)
