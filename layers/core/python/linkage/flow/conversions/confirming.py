"""Confirming: the fact that makes a conversion earn, whoever's word it is, and all it moves."""

from collections.abc import Mapping
from typing import Any

from linkage.domain import clock
from linkage.domain.commissions.commissions import commission_of, tallies_after_confirmation
from linkage.domain.commissions.ledger_transactions import confirmation_transaction
from linkage.domain.commissions.shares import Commission
from linkage.domain.conversions.conversions import (
    BY_REPORT,
    BY_SILENCE,
    BY_VENDOR,
    CONFIRMATION,
    REPORT,
    Confirmation,
    Conversion,
    Held,
)
from linkage.domain.conversions.holding import OVER_THE_LIMIT, VENDOR_SUSPENDED, is_over_the_limit
from linkage.domain.conversions.introductions import (
    bindings_name,
    could_introduce,
    introduces,
    room,
    standing_minor,
)
from linkage.domain.money import remaining
from linkage.domain.people.customers import Binding, KnownCustomer, bound, free_contacts
from linkage.domain.people.members import Member, is_suspended
from linkage.domain.rule_versions import RULES
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.flow.conversions.confirmation_snapshot import seen_now
from linkage.flow.conversions.postable import require_postable
from linkage.tables import conversions, customers, tallies


def confirmed(
    conversion: Conversion,
    by: str,
    program: Program,
    settings: NetworkSettings,
    customer: KnownCustomer,
    *,
    known: Mapping[str, Member],
    by_operator: bool = False,
    released_by: str | None = None,
) -> tuple[Confirmation, list[dict[str, Any]]] | Held:
    """A confirmation as of now, and the operations on tallies and bindings that go with it.

    Held, and nothing moves, if its vendor is suspended or it would cost it more than its limit,
    unless the operator's key `released_by` releases it. `program` and `settings` are the versions
    the report saw, `known` members read just now, the vendor among them. Raises NotPostableError
    if it could not be posted.
    """
    moment = clock.now()
    if not released_by and is_suspended(known.get(conversion.vendor_id)):
        return Held(VENDOR_SUSPENDED, by, clock.text(moment))
    new_contacts = _new_contacts(conversion, customer, settings)
    is_vendors = by == BY_VENDOR and not by_operator
    looks_at = [bindings_name(conversion, clock.text(moment))] if new_contacts else []
    confirmation = Confirmation(
        conversion_id=conversion.conversion_id,
        fact=REPORT if by == BY_REPORT else CONFIRMATION,
        accepted_at=clock.text(moment),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        seen=seen_now(conversion, program, settings, moment, known, looks_at),
        silent=by == BY_SILENCE,
        rules=RULES,
        released_by=released_by,
        new_contacts=new_contacts,
        by_operator=by_operator,
        introduces_nobody=settings.four_eyes and conversion.by_operator and not is_vendors,
    )
    transaction = confirmation_transaction(conversion, confirmation, program, settings)
    require_postable(transaction, conversion.conversion_id, confirmation.fact)
    become = tallies_after_confirmation(conversion, confirmation, program, settings)
    if not released_by and is_over_the_limit(confirmation.seen, become):
        return Held(OVER_THE_LIMIT, by, clock.text(moment))
    commission, _ = commission_of(conversion, confirmation, program, settings)
    return confirmation, [
        *(tallies.move(tally) for tally in become),
        *_bindings(conversion, confirmation, customer, settings, commission),
        *_living_by_introduction(conversion, confirmation, commission),
    ]


def _new_contacts(
    conversion: Conversion, customer: KnownCustomer, settings: NetworkSettings
) -> int:
    """How many contacts it may bind that count against the day.

    Operators' imports are exempt, unless it takes two of them to raise the bound.
    """
    affiliate_id = conversion.attribution.affiliate_id
    is_exempt = conversion.by_operator and not settings.four_eyes
    if affiliate_id is None or is_exempt or not could_introduce(conversion):
        return 0
    return len(free_contacts(customer, affiliate_id, clock.instant(conversion.occurred_at)))


def _bindings(
    conversion: Conversion,
    confirmation: Confirmation,
    customer: KnownCustomer,
    settings: NetworkSettings,
    commission: Commission | None,
) -> list[dict[str, Any]]:
    occurred_at = clock.instant(conversion.occurred_at)
    introducer, refunded_minor = None, confirmation.refunded_before_minor
    if commission and introduces(conversion, confirmation, settings, commission.direct_minor):
        introducer = Binding(
            customer_key="",
            affiliate_id=commission.affiliate_id,
            conversion_id=conversion.conversion_id,
            bound_at=min(conversion.occurred_at, confirmation.accepted_at),
            expires_at=clock.text(clock.days_later(occurred_at, settings.introducer_days)),
            due_on=commission.due_on,
            floor_minor=standing_minor(conversion, confirmation, settings, commission.direct_minor),
            confirmed_at=confirmation.accepted_at,
        )
    earned = commission and remaining(
        commission.direct_minor, conversion.amount_minor, refunded_minor
    )
    earner = commission.affiliate_id if commission and earned else None
    written = bound(
        customer,
        introducer,
        occurred_at,
        vendor_id=conversion.vendor_id,
        room=room(conversion, confirmation, settings),
        earner=earner,
    )
    return [
        customers.put_binding(binding, customer.bindings.get(binding.customer_key))
        for binding in written
    ]


def _living_by_introduction(
    conversion: Conversion, confirmation: Confirmation, commission: Commission | None
) -> list[dict[str, Any]]:
    """Remembers with the sale that introduced what is to be taken back if that sale is refunded."""
    introduction = conversion.attribution.introduction
    if not introduction or not commission:
        return []
    return [
        conversions.put_introduced(
            introduction.conversion_id,
            commission.due_on,
            conversion.conversion_id,
            confirmation.accepted_at,
        )
    ]
