"""Confirming: the fact that makes a conversion earn, whoever's word it is, and all it moves."""

from collections.abc import Mapping
from typing import Any

from linkage import clock
from linkage.commissions import tallies_after_confirmation
from linkage.conversions import (
    BY_REPORT,
    BY_SILENCE,
    CONFIRMATION,
    REPORT,
    Confirmation,
    Conversion,
    Held,
)
from linkage.customers import Binding, KnownCustomer, bound
from linkage.flow.knowing import fully_refunded
from linkage.flow.seeing import seen_now
from linkage.holding import (
    OVER_THE_LIMIT,
    VENDOR_SUSPENDED,
    is_over_the_limit,
    is_suspended,
)
from linkage.members import Member
from linkage.network import NetworkSettings
from linkage.programs import Program
from linkage.rules import RULES
from linkage.tables import customers, tallies


def confirmed(
    conversion: Conversion,
    by: str,
    program: Program,
    settings: NetworkSettings,
    customer: KnownCustomer,
    *,
    known: Mapping[str, Member],
    released_by: str | None = None,
) -> tuple[Confirmation, list[dict[str, Any]]] | Held:
    """A confirmation as of now, and the operations on tallies and bindings that go with it.

    Held, and nothing moves, if its vendor is suspended or it would cost it more than its limit,
    unless the operator's key `released_by` releases it. `program` and `settings` are the versions
    the report saw, `known` members read just now, the vendor among them.
    """
    moment = clock.now()
    if not released_by and is_suspended(known.get(conversion.vendor_id)):
        return Held(VENDOR_SUSPENDED, by, clock.text(moment))
    confirmation = Confirmation(
        conversion_id=conversion.conversion_id,
        fact=REPORT if by == BY_REPORT else CONFIRMATION,
        accepted_at=clock.text(moment),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        seen=seen_now(conversion, program, settings, moment, known),
        silent=by == BY_SILENCE,
        rules=RULES,
        released_by=released_by,
    )
    become = tallies_after_confirmation(conversion, confirmation, program, settings)
    if not released_by and is_over_the_limit(confirmation.seen, become):
        return Held(OVER_THE_LIMIT, by, clock.text(moment))
    return confirmation, [
        *(tallies.move(tally) for tally in become),
        *_bindings(conversion, confirmation, customer, settings),
    ]


def _bindings(
    conversion: Conversion,
    confirmation: Confirmation,
    customer: KnownCustomer,
    settings: NetworkSettings,
) -> list[dict[str, Any]]:
    occurred_at = clock.instant(conversion.occurred_at)
    affiliate = confirmation.seen.affiliate
    introduces = (
        affiliate is not None
        and affiliate.status == "approved"
        and conversion.attribution.model != "introducer"
        and not fully_refunded(conversion)
    )
    introducer = None
    if affiliate and introduces:
        introducer = Binding(
            customer_key="",
            affiliate_id=affiliate.member_id,
            conversion_id=conversion.conversion_id,
            bound_at=min(conversion.occurred_at, confirmation.accepted_at),
            expires_at=clock.text(clock.days_later(occurred_at, settings.introducer_days)),
        )
    written = bound(customer, introducer, occurred_at, settings.introducer_days)
    return [
        customers.put_binding(binding, customer.bindings.get(binding.customer_key))
        for binding in written
    ]
