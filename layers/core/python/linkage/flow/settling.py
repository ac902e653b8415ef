"""Settling an exported batch: the bank's answers, each booked once."""

from linkage import clock
from linkage.errors import ConflictError, InvalidFieldError
from linkage.ledger import Transaction
from linkage.payouts import (
    Batch,
    Payout,
    paid_transaction,
    require_settleable,
    return_transaction,
)
from linkage.requests import Result
from linkage.tables import ledger, payouts
from linkage.tables.transactions import ConditionFailedError


def settle(batch_id: str, results: list[Result], by_key: str | None = None) -> Batch:
    """Books the results a key gives: paid is final, failed returns the money, due at once.

    Every result is checked before the first is booked. Raises InvalidFieldError for a payout that
    is not in the batch, ConflictError for one that already has the other result.
    """
    require_settleable(payouts.get_batch(batch_id))
    found = {
        payout.payout_id: payout
        for payout in payouts.find_payouts(batch_id, {each.payout_id for each in results})
    }
    for result in results:
        _require_possible(result, found.get(result.payout_id))
    for result in results:
        _book(result, found[result.payout_id], by_key)
    payouts.become_settled(batch_id)
    return payouts.get_batch(batch_id)


def _contradicts(result: Result, payout: Payout) -> bool:
    """Whether a result says something else than the one that was booked."""
    if payout.status != result.status:
        return payout.status not in {"sent", "unknown"}
    return result.reference not in {None, payout.reference} or (
        result.reason not in {None, payout.reason}
    )


def _require_possible(result: Result, payout: Payout | None) -> None:
    if payout is None:
        raise InvalidFieldError(
            f"{result.pointer}/payout_id",
            "This batch has no such payout.",
            code="payout_not_in_batch",
        )
    if _contradicts(result, payout):
        raise ConflictError(
            f"payout_{payout.status}",
            f"Payout {payout.payout_id} is already {payout.status}; that result, with its "
            "reference and reason, is final.",
        )


def _book(result: Result, payout: Payout, by_key: str | None) -> None:
    if payout.status == result.status:
        return
    move = payouts.move_payout(
        payout,
        result.status,
        reference=result.reference,
        reason=result.reason,
        result_by=by_key,
    )
    try:
        ledger.post(
            _transaction(result, payout), also=[move, payouts.count_settled(payout.batch_id)]
        )
    except ConditionFailedError as failed:
        now = payouts.find_payout(payout.batch_id, payout.payout_id)
        if now is None or now.status != result.status:
            raise ConflictError(
                "payout_settled_meanwhile",
                f"Payout {payout.payout_id} was given another result at the same time.",
            ) from failed


def _transaction(result: Result, payout: Payout) -> Transaction:
    accepted_at = clock.text(clock.now())
    if result.status == "paid":
        return paid_transaction(payout, accepted_at)
    said = f": {result.reason}" if result.reason else ""
    return return_transaction(payout, "failed", accepted_at, f"The payout failed{said}.")
