"""Withdrawing what an introducer earned, when the sale that introduced no longer stands.

Either side may come last: the sale's refund, or the confirmation of what lives by it. Each is
accepted first, and before it is posted it looks at the other; so whichever is accepted last sees
both, whatever happens in between.
"""

from dataclasses import dataclass
from itertools import batched

from linkage.domain import clock
from linkage.domain.commissions.commissions import (
    commission_of,
    moved_by_withdrawal,
    tallies_after_withdrawal,
)
from linkage.domain.commissions.ledger_transactions import withdrawal_transaction
from linkage.domain.commissions.shares import Commission
from linkage.domain.conversions.conversions import (
    WITHDRAWAL,
    Confirmation,
    Conversion,
    History,
    Refund,
    Withdrawal,
    withdrawn,
)
from linkage.domain.conversions.introductions import (
    could_introduce,
    ended_before,
    ended_by,
    standing_minor,
)
from linkage.domain.rule_versions import RULES
from linkage.flow.conversions.accepting import Accepted, accept
from linkage.flow.conversions.postable import require_postable
from linkage.flow.conversions.terms_of_conversion import reading_terms
from linkage.tables import conversions
from linkage.tables.conversions import reading_conversion
from linkage.tables.dynamodb.batch_reads import BATCH_MAX, read, reading_each
from linkage.tables.tallies import move, reading_tallies


def ends_introductions(history: History, refund: Refund) -> bool:
    """Whether by this refund too little stands of a sale that may have introduced its customer."""
    sale, confirmation = history.conversion, history.confirmation
    if confirmation is None or not could_introduce(sale):
        return False
    program, settings = read(reading_terms(sale))
    commission, _ = commission_of(sale, confirmation, program, settings)
    if commission is None or commission.direct_minor == 0:
        return False
    least_minor = standing_minor(sale, confirmation, settings, commission.direct_minor)
    left_minor = sale.amount_minor - refund.refunded_before_minor
    return left_minor >= least_minor > sale.amount_minor - refund.refunded_after_minor


def take_back_what_lived_by(sale_id: str, refund: Refund) -> None:
    """Takes back what earned by a sale's introduction, which this refund of the sale has ended.

    Repeating changes nothing and passes quickly over what is done. One that fails, whatever its
    error, stops no other; an ExceptionGroup names those that did.
    """
    on = clock.day(clock.instant(refund.accepted_at)).isoformat()
    failed: list[Exception] = []
    for some in batched(conversions.introduced_by(sale_id, on), BATCH_MAX, strict=False):
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


def take_back_if_ended(conversion_id: str) -> bool:
    """Takes an introducer's commission back if its introduction ended before it was due."""

    def accepted(history: History) -> Accepted | None:
        ended = _ended(history)
        return _withdrawal(history.conversion, ended) if ended else None

    _, replayed = accept(conversion_id, None, accepted)
    return not replayed


@dataclass(frozen=True)
class _Ended:
    """What is to be taken back: the confirmation and its commission, and why and since when."""

    confirmation: Confirmation
    commission: Commission
    introduction_id: str
    ended_on: str


def _withdrawal(conversion: Conversion, ended: _Ended) -> Accepted:
    """The conversion with its commission taken back as of now, and the tallies moved with it."""
    names = moved_by_withdrawal(ended.confirmation)
    tallies = read(reading_tallies(names))
    withdrawal = Withdrawal(
        conversion_id=conversion.conversion_id,
        accepted_at=clock.text(clock.now()),
        sequence=conversion.sequence,
        refunded_before_minor=conversion.refunded_minor,
        introduction_id=ended.introduction_id,
        ended_on=ended.ended_on,
        rules=RULES,
        tallies=tuple(tallies[name] for name in names),
    )
    transaction = withdrawal_transaction(conversion, withdrawal, ended.commission)
    require_postable(transaction, conversion.conversion_id, WITHDRAWAL)
    put = conversions.put_withdrawal(conversion, withdrawal)
    become = tallies_after_withdrawal(conversion, withdrawal, ended.commission)
    return withdrawn(conversion, withdrawal), [*put, *map(move, become)]


def _ended(history: History) -> _Ended | None:
    """None unless its introduction ended before it was due, and nothing was taken back yet."""
    conversion, confirmation = history.conversion, history.confirmation
    introduction = conversion.attribution.introduction
    if introduction is None or confirmation is None or history.withdrawal:
        return None
    commission, _ = commission_of(conversion, confirmation, *read(reading_terms(conversion)))
    sale = conversions.get_history(introduction.conversion_id)
    refund = ended_by(introduction.floor_minor, sale.conversion, sale.refunds)
    if commission is None or refund is None:
        return None
    on = ended_before(refund, confirmation, commission.due_on)
    return _Ended(confirmation, commission, introduction.conversion_id, on) if on else None
