"""Recording a vendor's word: reports, confirmations, rejections and refunds, each accepted once."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from linkage import clock
from linkage.attribution import Attribution, Claims, Sale, attribute, claimed_affiliates
from linkage.conversions import (
    CONFIRMATION,
    REPORT,
    Confirmation,
    Conversion,
    History,
    Refund,
    Rejection,
    refund_key,
    require_confirmable,
    require_refundable,
    require_rejectable,
)
from linkage.customers import (
    Binding,
    KnownCustomer,
    bound,
    customer_keys,
    own_keys,
)
from linkage.errors import ConflictError, NotFoundError
from linkage.ids import conversion_id, external
from linkage.members import Member, Seen, Standing
from linkage.network import NetworkSettings
from linkage.programs import Program
from linkage.requests import Report, SentRefund
from linkage.tables import conversions, customers
from linkage.tables.clicks import find_click
from linkage.tables.members import find_members
from linkage.tables.programs import get_program
from linkage.tables.settings import current_settings, settings_version
from linkage.tables.transactions import ConditionFailedError, attempts

_SECRET = os.environ["HASH_SECRET"]


def report(sent: Report) -> tuple[Conversion, bool]:
    """Accepts a report and decides its attribution; also says whether it is a replay.

    Raises ConflictError if the external id was used with other content, NotFoundError for a program
    that is not the vendor's.
    """
    program = None
    for _ in attempts():
        known = conversions.find_conversion(
            conversion_id(sent.vendor_id, sent.event, sent.external_id)
        )
        if known:
            return _same(known, sent), True
        program = program or _program_of(sent)
        conversion, operations = _accepted_report(sent, program)
        try:
            conversions.accept(operations)
        except ConditionFailedError:
            continue
        return conversion, False
    raise _busy()


def _same(known: Conversion, sent: Report) -> Conversion:
    if known.fingerprint != sent.fingerprint:
        raise ConflictError(
            "external_id_reused",
            f"external_id {sent.external_id!r} was already reported with other content. "
            "Send the same content again, or use a new external_id.",
        )
    return known


def _program_of(sent: Report) -> Program:
    program = get_program(sent.program_id)
    if program.vendor_id != sent.vendor_id:
        raise NotFoundError("program")
    return program


def _accepted_report(sent: Report, program: Program) -> tuple[Conversion, list[dict[str, Any]]]:
    moment, settings = clock.now(), current_settings()
    customer = _known_customer(customer_keys(_SECRET, sent.vendor_id, sent.customer))
    attribution, members = _attribution(sent, program, customer, moment)
    conversion = Conversion(
        conversion_id=conversion_id(sent.vendor_id, sent.event, sent.external_id),
        vendor_id=sent.vendor_id,
        program_id=program.program_id,
        program_version=program.version,
        settings_version=settings.version,
        event=sent.event,
        external_id=external(sent.external_id),
        amount_minor=sent.amount_minor,
        currency=sent.currency,
        reported_at=clock.text(moment),
        fingerprint=sent.fingerprint,
        attribution=attribution,
        customer_keys=customer.keys,
        metadata=sent.metadata,
    )
    if program.confirmation == "manual":
        return conversion, [conversions.put_report(conversion, None)]
    conversion = replace(conversion, status="confirmed")
    confirmation = _confirmation(conversion, REPORT, moment, members)
    bindings = _bindings(conversion, confirmation, customer, settings)
    return conversion, [conversions.put_report(conversion, confirmation), *bindings]


def _attribution(
    sent: Report, program: Program, customer: KnownCustomer, moment: datetime
) -> tuple[Attribution, dict[str, Member]]:
    claims = Claims(
        click_id=sent.click_id,
        click=find_click(sent.click_id) if sent.click_id else None,
        named_affiliate_id=sent.affiliate_id,
        introducer=customer.live(moment),
    )
    members = find_members([*claimed_affiliates(claims), sent.vendor_id])
    if members[sent.vendor_id].status != "approved":
        raise ConflictError(
            "member_not_approved",
            "The vendor is not approved, so nothing can be reported for it. Ask an operator.",
        )
    keys = frozenset(customer.keys)
    buyers = frozenset(
        member.member_id for member in members.values() if keys & own_keys(_SECRET, member)
    )
    sale = Sale(sent.vendor_id, moment, program.window_days, program.introducer_rate_bps)
    return attribute(sale, claims, members, buyers), members


def _known_customer(keys: tuple[str, ...]) -> KnownCustomer:
    bindings = customers.find_bindings(keys)
    introductions = {binding.conversion_id for binding in bindings.values()}
    ended = frozenset(each for each in introductions if _fully_refunded(each))
    return KnownCustomer(keys, bindings, ended)


def _fully_refunded(introduction: str) -> bool:
    conversion = conversions.find_conversion(introduction)
    return conversion is not None and 0 < conversion.amount_minor == conversion.refunded_minor


def _confirmation(
    conversion: Conversion, fact: str, moment: datetime, members: dict[str, Member]
) -> Confirmation:
    affiliate_id = conversion.attribution.affiliate_id
    seen = Seen(None)
    if affiliate_id:
        affiliate = members[affiliate_id]
        above = find_members(affiliate.upline)
        seen = Seen(
            Standing(affiliate_id, affiliate.status),
            tuple(Standing(each, above[each].status) for each in affiliate.upline if each in above),
        )
    return Confirmation(
        conversion_id=conversion.conversion_id,
        fact=fact,
        accepted_at=clock.text(moment),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        seen=seen,
    )


def _bindings(
    conversion: Conversion,
    confirmation: Confirmation,
    customer: KnownCustomer,
    settings: NetworkSettings,
) -> list[dict[str, Any]]:
    moment = clock.instant(confirmation.accepted_at)
    affiliate = confirmation.seen.affiliate
    introduces = (
        affiliate is not None
        and affiliate.status == "approved"
        and conversion.attribution.model != "introducer"
        and not 0 < conversion.amount_minor == conversion.refunded_minor
    )
    introducer = None
    if affiliate and introduces:
        introducer = Binding(
            customer_key="",
            affiliate_id=affiliate.member_id,
            conversion_id=conversion.conversion_id,
            bound_at=confirmation.accepted_at,
            expires_at=clock.text(clock.days_later(moment, settings.introducer_days)),
        )
    written = bound(customer, introducer, moment, settings.introducer_days)
    return [
        customers.put_binding(binding, customer.bindings.get(binding.customer_key))
        for binding in written
    ]


def confirm(conversion_id: str, vendor_id: str | None) -> tuple[Conversion, bool]:
    """Accepts the vendor's confirmation, binding the customer; also says whether it is a replay."""

    def accepted(history: History) -> list[dict[str, Any]] | None:
        conversion = history.conversion
        require_confirmable(conversion)
        if conversion.status == "confirmed":
            return None
        affiliate_id = conversion.attribution.affiliate_id
        members = find_members([affiliate_id] if affiliate_id else [])
        confirmation = _confirmation(conversion, CONFIRMATION, clock.now(), members)
        bindings = _bindings(
            conversion,
            confirmation,
            _known_customer(conversion.customer_keys),
            settings_version(conversion.settings_version),
        )
        return [*conversions.put_confirmation(conversion, confirmation), *bindings]

    return _accept(conversion_id, vendor_id, accepted)


def reject(conversion_id: str, vendor_id: str | None, reason: str) -> tuple[Conversion, bool]:
    """Accepts the vendor's rejection; also says whether it is a replay."""

    def accepted(history: History) -> list[dict[str, Any]] | None:
        conversion = history.conversion
        require_rejectable(conversion)
        if conversion.status == "rejected":
            known = history.rejection
            if known and known.reason != reason:
                raise ConflictError(
                    "rejected_before",
                    f"This conversion was already rejected, for this reason: {known.reason}",
                )
            return None
        rejection = Rejection(conversion_id, clock.text(clock.now()), conversion.sequence, reason)
        return conversions.put_rejection(conversion, rejection)

    return _accept(conversion_id, vendor_id, accepted)


def refund(
    conversion_id: str, vendor_id: str | None, sent: SentRefund
) -> tuple[Conversion, Refund, bool]:
    """Accepts a refund if that much is left; also says whether it is a replay.

    Raises ConflictError if it was rejected or the external id was used with other content,
    InvalidFieldError beyond what is left to refund.
    """
    kept: list[Refund] = []

    def accepted(history: History) -> list[dict[str, Any]] | None:
        conversion = history.conversion
        known = history.refund(refund_key(sent.external_id))
        if known:
            if known.fingerprint != sent.fingerprint:
                raise ConflictError(
                    "external_id_reused",
                    f"A refund {sent.external_id!r} was already reported with other content. "
                    "Send the same content again, or use a new external_id.",
                )
            kept[:] = [known]
            return None
        require_refundable(conversion, sent.amount_minor)
        new = Refund(
            conversion_id=conversion_id,
            external_id=external(sent.external_id),
            amount_minor=sent.amount_minor,
            reason=sent.reason,
            accepted_at=clock.text(clock.now()),
            sequence=conversion.sequence,
            refunded_before_minor=conversion.refunded_minor,
            posts=conversion.status == "confirmed",
            fingerprint=sent.fingerprint,
        )
        kept[:] = [new]
        return conversions.put_refund(conversion, new)

    conversion, replayed = _accept(conversion_id, vendor_id, accepted)
    return conversion, kept[0], replayed


def _accept(
    conversion_id: str,
    vendor_id: str | None,
    accepted: Callable[[History], list[dict[str, Any]] | None],
) -> tuple[Conversion, bool]:
    """Reads, decides and writes until nothing moved in between; None from `accepted` is a replay.

    `vendor_id` is the caller's, None for an operator; another vendor's conversion is not found.
    """
    for _ in attempts():
        history = conversions.get_history(conversion_id)
        conversion = history.conversion
        if vendor_id not in {None, conversion.vendor_id}:
            raise NotFoundError("conversion")
        operations = accepted(history)
        if operations is None:
            return conversion, True
        try:
            conversions.accept(operations)
        except ConditionFailedError:
            continue
        return conversions.get_conversion(conversion_id), False
    raise _busy()


def _busy() -> ConflictError:
    return ConflictError(
        "busy", "Others are changing this conversion or customer right now. Try again."
    )
