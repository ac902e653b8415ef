"""Withdrawing what an introducer earned, when the sale that introduced no longer stands.

Either side may come last: the sale's refund, or the confirmation of what lives by it. Each is
accepted first, and before it is posted it looks at the other; so whichever is accepted last sees
both, whatever happens in between.
"""

from itertools import batched

from linkage import clock
from linkage.commissions import commission_of, withdrawal_transaction
from linkage.conversions import (
    WITHDRAWAL,
    History,
    Refund,
    Withdrawal,
    withdrawn,
)
from linkage.flow.accepting import Accepted, accept
from linkage.flow.postable import require_postable
from linkage.flow.terms import reading_terms
from linkage.introductions import could_introduce, ended_before, ended_by, floor_minor
from linkage.rules import RULES
from linkage.shares import Commission
from linkage.tables import conversions
from linkage.tables.conversions import reading_conversion
from linkage.tables.gathering import BATCH_MAX, read, reading_each


def take_back_what_lived_by(history: History, refund: Refund) -> None:
    """Takes back what earned by a sale's introduction, if this refund of the sale has ended it.

    Repeating changes nothing and passes quickly over what is done. One that fails, whatever its
    error, stops no other; an ExceptionGroup names those that did.
    """
    sale = history.conversion
    if not could_introduce(sale) or not _is_the_one_that_ended(history, refund):
        return
    on = clock.day(clock.instant(refund.accepted_at)).isoformat()
    failed: list[Exception] = []
    for some in batched(conversions.introduced_by(sale.conversion_id, on), BATCH_MAX, strict=False):
        found = read(reading_each({each: reading_conversion(each) for each in some}))
        for conversion_id, lives in found.items():
            if lives and lives.withdrawn_at:
                continue
            try:
                take_back_if_ended(conversion_id)
            except Exception as error:  # noqa: BLE001, one of many
                error.add_note(f"while taking back what {conversion_id} earned")
                failed.append(error)
    if failed:
        raise ExceptionGroup(f"{len(failed)} commissions were not taken back", failed)


def _is_the_one_that_ended(history: History, refund: Refund) -> bool:
    sale = history.conversion
    _, settings = read(reading_terms(sale))
    least_minor = floor_minor(settings, sale.currency)
    left_minor = sale.amount_minor - refund.refunded_before_minor
    return left_minor >= least_minor > sale.amount_minor - refund.refunded_after_minor


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
    refund = ended_by(introduction.floor_minor, sale.conversion, sale.refunds)
    if commission is None or refund is None:
        return commission, None
    on = ended_before(refund, confirmation, commission.due_on)
    return commission, (introduction.conversion_id, on) if on else None
