"""Confirming: the fact that makes a conversion earn, whoever's word it is, and all it moves."""

from collections.abc import Mapping
from typing import Any

from linkage import clock
from linkage.commissions import confirmation_transaction, tallies_after_confirmation
from linkage.conversions import Confirmation, Conversion
from linkage.customers import Binding, KnownCustomer, bound
from linkage.flow.knowing import fully_refunded
from linkage.flow.postable import require_postable
from linkage.flow.seeing import seen_now
from linkage.members import Member
from linkage.network import NetworkSettings
from linkage.programs import Program
from linkage.rules import RULES
from linkage.tables import customers, tallies


def confirmed(
    conversion: Conversion,
    fact: str,
    program: Program,
    settings: NetworkSettings,
    customer: KnownCustomer,
    *,
    known: Mapping[str, Member],
    silent: bool = False,
) -> tuple[Confirmation, list[dict[str, Any]]]:
    """A confirmation as of now, and the operations on tallies and bindings that go with it.

    `program` and `settings` are the versions the report saw, `known` members read just now. Raises
    NotPostableError if it could not be posted.
    """
    moment = clock.now()
    confirmation = Confirmation(
        conversion_id=conversion.conversion_id,
        fact=fact,
        accepted_at=clock.text(moment),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        seen=seen_now(conversion, program, settings, moment, known),
        silent=silent,
        rules=RULES,
    )
    transaction = confirmation_transaction(conversion, confirmation, program, settings)
    require_postable(transaction, conversion.conversion_id, fact)
    become = tallies_after_confirmation(conversion, confirmation, program, settings)
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
