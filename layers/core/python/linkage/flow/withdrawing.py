"""Withdrawing what an introducer earned, when the sale that introduced no longer stands.

Either side may come last: the sale's refund, or the confirmation of what lives by it. Each is
accepted first, and before it is posted it looks at the other; so whichever is accepted last sees
both, whatever happens in between.
"""

from linkage import clock
from linkage.commissions import commission_of, withdrawal_transaction
from linkage.conversions import (
    WITHDRAWAL,
    Conversion,
    History,
    Refund,
    Withdrawal,
    withdrawn,
)
from linkage.flow.accepting import Accepted, accept
from linkage.flow.postable import require_postable
from linkage.flow.terms import reading_terms
from linkage.introductions import could_introduce, ended_on
from linkage.rules import RULES
from linkage.shares import Commission
from linkage.tables import conversions
from linkage.tables.gathering import read


def take_back_what_lived_by(sale: Conversion, refund: Refund) -> None:
    """Takes back what earned by this refunded sale's introduction and was not due by the refund.

    Repeating changes nothing. One that fails, whatever its error, stops no other; an
    ExceptionGroup names those that did.
    """
    if not could_introduce(sale):
        return
    on = clock.day(clock.instant(refund.accepted_at)).isoformat()
    failed: list[Exception] = []
    for conversion_id in conversions.introduced_by(sale.conversion_id, on):
        try:
            take_back_if_ended(conversion_id)
        except Exception as error:  # noqa: BLE001, one of many
            error.add_note(f"while taking back what {conversion_id} earned")
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{len(failed)} commissions were not taken back", failed)


def take_back_if_ended(conversion_id: str) -> bool:
    """Takes an introducer's commission back if its introduction ended before it was due."""

    def accepted(history: History) -> Accepted | None:
        conversion = history.conversion
        commission, ended = _ended(history)
        if ended is None:
            return None
        withdrawal = Withdrawal(
            conversion_id=conversion.conversion_id,
            accepted_at=clock.text(clock.now()),
            sequence=conversion.sequence,
            refunded_before_minor=conversion.refunded_minor,
            introduction_id=ended[0],
            ended_on=ended[1],
            rules=RULES,
        )
        transaction = withdrawal_transaction(conversion, withdrawal, commission)
        require_postable(transaction, conversion_id, WITHDRAWAL)
        put = conversions.put_withdrawal(conversion, withdrawal)
        return withdrawn(conversion, withdrawal), put

    _, replayed = accept(conversion_id, None, accepted)
    return not replayed


def _ended(history: History) -> tuple[Commission | None, tuple[str, str] | None]:
    """The commission, and the introduction with the UTC date on which it ended.

    That is None unless it ended before the commission was due and nothing was taken back yet.
    """
    conversion, confirmation = history.conversion, history.confirmation
    introduction = conversion.attribution.introduction
    if introduction is None or confirmation is None or history.withdrawal:
        return None, None
    commission, _ = commission_of(conversion, confirmation, *read(reading_terms(conversion)))
    sale = conversions.get_history(introduction.conversion_id)
    ended = ended_on(introduction, sale.conversion, sale.refunds)
    if commission is None or ended is None or commission.due_on <= ended:
        return commission, None
    return commission, (introduction.conversion_id, ended)
