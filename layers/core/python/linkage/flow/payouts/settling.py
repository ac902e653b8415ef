"""Settling an exported batch: the bank's words on each payout, each booked once."""

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, ConflictError, InvalidFieldError
from linkage.domain.payouts.payouts import Batch, Payout, require_settleable
from linkage.domain.payouts.requests import Result
from linkage.domain.payouts.results import answered, result_transaction, steps_of
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.tables import ledger, payout_batches, payouts
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import attempts, write


def settle(batch_id: str, results: list[Result], by: Key) -> Batch:
    """Books what the bank says by a key, step by step; what was said before changes nothing.

    Every result is checked before the first is booked. Raises InvalidFieldError for a payout that
    is not in the batch, ConflictError for what contradicts its results or cannot follow them.
    """
    require_settleable(payout_batches.get_batch(batch_id))
    found = {
        payout.payout_id: payout
        for payout in payouts.find_payouts(batch_id, {each.payout_id for each in results})
    }
    for result in results:
        answered(result, _in_batch(result, found), _now(), by.key_id)
    for result in results:
        _book(result, found[result.payout_id], by)
    payout_batches.become_settled(batch_id)
    return payout_batches.get_batch(batch_id)


def _in_batch(result: Result, found: dict[str, Payout]) -> Payout:
    if result.payout_id in found:
        return found[result.payout_id]
    raise InvalidFieldError(
        f"{result.pointer}/payout_id", "This batch has no such payout.", code="payout_not_in_batch"
    )


def _book(result: Result, payout: Payout, by: Key) -> None:
    """Books one result upon the payout as it is read, which the write holds it to."""
    for _ in attempts():
        becomes = answered(result, payout, _now(), by.key_id)
        if becomes == payout:
            return
        try:
            _write(payout, becomes, by)
        except ConditionFailedError:
            now = payouts.find_payout(payout.batch_id, payout.payout_id)
            payout = now or payout
        else:
            return
    raise ConflictError(
        "payout_settled_meanwhile",
        f"Others are giving payout {payout.payout_id} results right now. Try again.",
    )


def _write(payout: Payout, becomes: Payout, by: Key) -> None:
    """Raises ConditionFailedError if the payout has changed since it was read.

    A step keeps who gave it and when; who completes one is on the record.
    """
    steps, also = len(steps_of(becomes)), [payouts.answer_payout(payout, becomes)]
    if steps == len(steps_of(payout)):
        subject = f"payout#{payout.payout_id}"
        write([*also, put_record(recorded(by, subject, "payout.completed", payout, becomes))])
        return
    if steps == 1:
        also.append(payouts.count_settled(payout.batch_id))
    if not ledger.post(result_transaction(becomes), also=also):
        raise ConditionFailedError({})  # that step was booked meanwhile, maybe with another word


def _now() -> str:
    return clock.text(clock.now())
