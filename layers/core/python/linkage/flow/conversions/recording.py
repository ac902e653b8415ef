"""Recording a vendor's report: attributed, accepted once, and confirmed if the terms say so."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from linkage.domain import clock
from linkage.domain.conversions.conversions import BY_REPORT, Conversion, Held, held, says_again
from linkage.domain.conversions.requests import Report
from linkage.domain.errors import BusyError, ConditionFailedError, ConflictError, NotFoundError
from linkage.domain.ids import external
from linkage.domain.rule_versions import RULES, require_known
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.flow.conversions.attributing import Attributed, attributed
from linkage.flow.conversions.confirming import confirmed
from linkage.flow.conversions.report_references import Named, named
from linkage.tables import conversions
from linkage.tables.dynamodb.transactions import attempts


def report(sent: Report, program: Program | None = None) -> tuple[Conversion, bool]:
    """Accepts a report and decides its attribution; also says whether it is a replay.

    `program` is the version it lives by, where that was read already. Raises ConflictError if the
    external id was used with other content, NotFoundError for a program that is not the vendor's.
    """
    for _ in attempts():
        given = named(sent, program)
        if given.known:
            return _same(given.known, sent), True
        conversion, operations = _accepted(sent, given, _program_of(sent, given))
        try:
            conversions.accept([*operations, *_nowhere_else(given)])
        except ConditionFailedError:
            continue
        return conversion, False
    raise BusyError


def _nowhere_else(given: Named) -> list[dict[str, Any]]:
    """The check that nobody reports it under the other form of its id at this moment."""
    other = given.new_id.absent
    return [] if other is None else [conversions.not_reported(other)]


def _same(known: Conversion, sent: Report) -> Conversion:
    if not says_again(known, sent.fingerprint, sent.meaning):
        raise ConflictError(
            "external_id_reused",
            f"external_id {sent.external_id!r} was already reported with other content. "
            "Send the same content again, or use a new external_id.",
        )
    return known


def _program_of(sent: Report, given: Named) -> Program:
    if given.program is None or given.program.vendor_id != sent.vendor_id:
        raise NotFoundError("program")
    return given.program


def _accepted(
    sent: Report, given: Named, program: Program
) -> tuple[Conversion, list[dict[str, Any]]]:
    moment, settings = clock.now(), given.settings
    require_known(program.rules, settings.rules)
    found = attributed(sent, given, program, moment)
    conversion = _conversion(given.new_id.form, sent, program, settings, found, moment)
    if program.confirmation != "on_report":
        return conversion, [conversions.put_report(conversion, None), *found.operations]
    stands = replace(conversion, status="confirmed")
    word = confirmed(stands, BY_REPORT, program, settings, found.customer, known=found.members)
    if isinstance(word, Held):
        conversion = held(conversion, word)
        return conversion, [conversions.put_report(conversion, None), *found.operations]
    confirmation, operations = word
    put = conversions.put_report(stands, confirmation)
    return stands, [put, *found.operations, *operations]


def _conversion(
    conversion_id: str,
    sent: Report,
    program: Program,
    settings: NetworkSettings,
    found: Attributed,
    moment: datetime,
) -> Conversion:
    silent_days = program.confirm_after_days if program.confirmation == "automatic" else None
    return Conversion(
        conversion_id=conversion_id,
        vendor_id=sent.vendor_id,
        program_id=program.program_id,
        program_version=program.version,
        settings_version=settings.version,
        event=sent.event,
        external_id=external(sent.external_id),
        amount_minor=sent.amount_minor,
        currency=sent.currency,
        items=sent.items,
        occurred_at=clock.text(found.occurred_at),
        reported_at=clock.text(moment),
        fingerprint=sent.fingerprint,
        meaning=sent.meaning,
        attribution=found.attribution,
        customer_keys=found.customer_keys,
        customer_aliases=found.customer_aliases,
        confirm_at=(
            None if silent_days is None else clock.text(clock.days_later(moment, silent_days))
        ),
        metadata=sent.metadata,
        quantity=sent.quantity,
        rules=RULES,
        by_operator=sent.may_backdate and sent.link is None,
        by_key=sent.by_key,
    )
