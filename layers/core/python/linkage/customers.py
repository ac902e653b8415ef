"""Customers: known only by keyed hashes, and bound to the affiliate who introduced them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from linkage import clock
from linkage.ids import external
from linkage.members import Member


@dataclass(frozen=True)
class Customer:
    """A customer as a vendor names them: normalised phone and e-mail, the vendor's own id."""

    phone: str | None = None
    email: str | None = None
    vendor_customer_id: str | None = None


@dataclass(frozen=True)
class Binding:
    """Who introduced the customer behind this key, by which conversion, until when."""

    customer_key: str
    affiliate_id: str
    conversion_id: str
    bound_at: str
    expires_at: str


def _hashed(secret: str, kind: str, value: str) -> str:
    mac = hmac.new(secret.encode(), f"{kind}:{len(value)}:{value}".encode(), hashlib.sha256)
    return f"{kind}_{mac.hexdigest()[:40]}"


def customer_keys(secret: str, vendor_id: str, customer: Customer) -> tuple[str, ...]:
    """The customer's keys in look-up order: phone, e-mail (network-wide), the vendor's own id."""
    own_id = customer.vendor_customer_id
    named = (
        ("phone", customer.phone),
        ("email", customer.email),
        ("own", own_id and f"{vendor_id}:{external(own_id)}"),
    )
    return tuple(_hashed(secret, kind, value) for kind, value in named if value)


def own_keys(secret: str, member: Member) -> frozenset[str]:
    """The keys under which a member would itself be a customer."""
    as_customer = Customer(phone=member.phone, email=member.email)
    return frozenset(customer_keys(secret, member.member_id, as_customer))


@dataclass(frozen=True)
class KnownCustomer:
    """A customer's keys in look-up order, with what is stored about them.

    `ended` names introductions (conversion ids) that were refunded in full.
    """

    keys: tuple[str, ...] = ()
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()

    def live(self, moment: datetime, keys: tuple[str, ...] | None = None) -> Binding | None:
        """The first binding, in the keys' order, neither expired nor ended."""
        for key in self.keys if keys is None else keys:
            binding = self.bindings.get(key)
            if (
                binding
                and binding.conversion_id not in self.ended
                and clock.instant(binding.expires_at) > moment
            ):
                return binding
        return None


def bound(
    customer: KnownCustomer, introducer: Binding | None, moment: datetime, days: int
) -> tuple[Binding, ...]:
    """The bindings a confirmed conversion writes, in the keys' order.

    `introducer` is what this conversion would bind if nobody were bound yet; None for a conversion
    that introduces nobody. Only the affiliate already bound renews, and never to an earlier end;
    nobody takes over before it expires, and keys not bound yet follow the live binding.
    """
    live = customer.live(moment) or introducer
    if live is None:
        return ()
    if introducer and introducer.affiliate_id == live.affiliate_id:
        renewed = clock.text(clock.days_later(moment, days))
        live = replace(live, expires_at=max(live.expires_at, renewed))

    written = []
    for key in customer.keys:
        own = customer.live(moment, (key,))
        if own is None or own.conversion_id == live.conversion_id:
            new = replace(live, customer_key=key)
            if new != customer.bindings.get(key):
                written.append(new)
    return tuple(written)
