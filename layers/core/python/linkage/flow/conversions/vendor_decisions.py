"""What is said of a conversion after its report: each confirmation, rejection and refund once."""

from dataclasses import replace

from linkage.domain import clock
from linkage.domain.commissions.commissions import (
    commission_of,
    moved_by_refund,
    tallies_after_refund,
)
from linkage.domain.commissions.ledger_transactions import refund_transaction
from linkage.domain.conversions.conversions import (
    BY_SILENCE,
    BY_VENDOR,
    Conversion,
    Held,
    History,
    Refund,
    Rejection,
    after_confirmation,
    decided,
    held,
    refund_key,
    refunded,
    require_confirmable,
    require_refundable,
    require_rejectable,
    require_room_for_refund,
    says_again,
)
from linkage.domain.conversions.requests import SentRefund
from linkage.domain.errors import ConflictError
from linkage.domain.ids import external
from linkage.domain.rule_versions import RULES
from linkage.flow.conversions.accepting import Accepted, Operations, accept
from linkage.flow.conversions.confirming import confirmed
from linkage.flow.conversions.known_customers import known, reading_ended
from linkage.flow.conversions.postable import require_postable
from linkage.flow.conversions.terms_of_conversion import reading_terms
from linkage.tables import conversions
from linkage.tables.customers import reading_remembered
from linkage.tables.dynamodb.batch_reads import gather, read
from linkage.tables.members import reading_members
from linkage.tables.tallies import move, reading_tallies


def confirm(
    conversion_id: str, vendor_id: str | None, by_key: str | None = None
) -> tuple[Conversion, bool]:
    """Accepts a vendor's confirmation by a key, binding the customer; also says if it is a replay.

    Without a vendor the key is an operator's. One that may not move anything by itself is held.
    Raises ConflictError if the conversion was rejected.
    """

    def accepted(history: History) -> Accepted | None:
        conversion = history.conversion
        require_confirmable(conversion)
        known = conversion.status == "confirmed" or conversion.held_reason
        if known:
            return None
        by_operator = vendor_id is None and by_key is not None
        return confirmation_now(conversion, BY_VENDOR, by_key=by_key, by_operator=by_operator)

    return accept(conversion_id, vendor_id, accepted)


def confirm_silently(conversion_id: str) -> Conversion | None:
    """Confirms or holds a conversion whose vendor was silent; None if it said something."""

    def accepted(history: History) -> Accepted | None:
        conversion, now = history.conversion, clock.text(clock.now())
        due = conversion.status == "pending" and (conversion.confirm_at or "9") <= now
        return confirmation_now(conversion, BY_SILENCE) if due else None

    conversion, replayed = accept(conversion_id, None, accepted)
    return None if replayed else conversion


def confirmation_now(
    conversion: Conversion,
    by: str,
    *,
    by_key: str | None = None,
    by_operator: bool = False,
    released_by: str | None = None,
) -> Accepted:
    """What a word, silence or an operator makes of a pending conversion: confirmed, or held."""
    keys, affiliate_id = conversion.customer_keys, conversion.attribution.affiliate_id
    terms = reading_terms(conversion)
    kept = reading_remembered(keys, conversion.vendor_id, with_clicks=False)
    members = reading_members(each for each in (conversion.vendor_id, affiliate_id) if each)
    found = gather(terms, kept, members)
    remembered = kept.of(found)
    ended = read(reading_ended([remembered], clock.instant(conversion.occurred_at)))
    word = confirmed(
        conversion,
        by,
        *terms.of(found),
        known(keys, remembered, ended),
        known=members.of(found),
        by_operator=by_operator,
        released_by=released_by,
    )
    if isinstance(word, Held):
        return held(conversion, word), [conversions.hold(conversion, word)]
    confirmation, operations = word
    confirmation = replace(confirmation, by_key=by_key)
    put = conversions.put_confirmation(conversion, confirmation)
    return after_confirmation(conversion, confirmation), [*put, *operations]


def reject(
    conversion_id: str,
    vendor_id: str | None,
    code: str,
    reason: str,
    by_key: str | None = None,
) -> tuple[Conversion, bool]:
    """Accepts the vendor's rejection by a key; also says whether it is a replay.

    Raises ConflictError if the conversion is confirmed or was rejected with another reason.
    """

    def accepted(history: History) -> Accepted | None:
        conversion = history.conversion
        require_rejectable(conversion)
        if conversion.status == "rejected":
            known = history.rejection
            if known and (known.code, known.reason) != (code, reason):
                raise ConflictError(
                    "rejected_before",
                    "This conversion was already rejected, for this reason: "
                    f"{known.code}, {known.reason}",
                )
            return None
        rejection = Rejection(
            conversion_id, clock.text(clock.now()), conversion.sequence, reason, code, RULES, by_key
        )
        put = conversions.put_rejection(conversion, rejection)
        return decided(conversion, "rejected"), put

    return accept(conversion_id, vendor_id, accepted)


def refund(
    conversion_id: str, vendor_id: str | None, sent: SentRefund, by_key: str | None = None
) -> tuple[Conversion, Refund, bool]:
    """Accepts a refund by a key if that much is left; also says whether it is a replay.

    Raises ConflictError if it was rejected or the external id was used with other content,
    InvalidFieldError beyond what is left to refund, or for another part after very many.
    """
    kept: list[Refund] = []

    def accepted(history: History) -> Accepted | None:
        conversion = history.conversion
        known = history.refund(refund_key(sent.external_id))
        if known:
            kept[:] = [_same(known, sent)]
            return None
        require_refundable(conversion, sent.amount_minor)
        require_room_for_refund(history, sent.amount_minor)
        new, operations = _refund(history, sent)
        new = replace(new, by_key=by_key)
        kept[:] = [new]
        put = conversions.put_refund(conversion, new)
        return refunded(conversion, new), [*put, *operations]

    conversion, replayed = accept(conversion_id, vendor_id, accepted)
    return conversion, kept[0], replayed


def _same(known: Refund, sent: SentRefund) -> Refund:
    if not says_again(known, sent.fingerprint, sent.meaning):
        raise ConflictError(
            "external_id_reused",
            f"A refund {sent.external_id!r} was already reported with other content. "
            "Send the same content again, or use a new external_id.",
        )
    return known


def _refund(history: History, sent: SentRefund) -> tuple[Refund, Operations]:
    """The refund as of now, and the operations that move its confirmation's tallies back.

    Raises NotPostableError if it could not be posted.
    """
    conversion, confirmation = history.conversion, history.confirmation
    names = moved_by_refund(history)
    terms, counted = reading_terms(conversion), reading_tallies(names)
    found = gather(counted, *([terms] if confirmation else ()))
    tallies = counted.of(found)
    new = Refund(
        conversion_id=conversion.conversion_id,
        external_id=external(sent.external_id),
        amount_minor=sent.amount_minor,
        reason=sent.reason,
        accepted_at=clock.text(clock.now()),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        posts=confirmation is not None,
        fingerprint=sent.fingerprint,
        meaning=sent.meaning,
        tallies=tuple(tallies[name] for name in names),
        rules=RULES,
        withdrawn=conversion.withdrawn_at is not None,
    )
    if confirmation is None:
        return new, []
    commission, _ = commission_of(conversion, confirmation, *terms.of(found))
    transaction = refund_transaction(conversion, new, commission)
    require_postable(transaction, conversion.conversion_id, refund_key(new.external_id))
    become = tallies_after_refund(conversion, confirmation, new, *terms.of(found))
    return new, [move(tally) for tally in become]
