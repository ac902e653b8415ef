"""One payout of a batch whose file is not written yet: held, released, or taken out.

Whatever happens at once, the payout's own state decides: only what is debited can still change.
"""

from collections.abc import Callable
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import BusyError, ConditionFailedError, ConflictError, NotFoundError
from linkage.domain.payouts.payouts import Batch, Payout, require_debited, return_transaction
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import record_by
from linkage.flow.payouts.payout_file_checks import require_booked_or_no_file
from linkage.tables import ledger, payout_batches, payouts
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import attempts, write

type Who = tuple[str, str]
"""A key's id, or what stands for one, and the person it names."""


def hold(batch_id: str, payout_id: str, reason: str, by: Key) -> Payout:
    """Holds a payout: it is left out at its batch's approval unless it is released before.

    May be repeated. Raises ConflictError if it is held for another reason, or past holding.
    """

    def act(batch: Batch, payout: Payout) -> None:
        if payout.is_held and payout.held_reason == reason:
            return
        require_debited(batch, payout)
        if payout.is_held:
            raise ConflictError("payout_held", "The payout is held already, for another reason.")
        at = clock.text(clock.now())
        record = _record((by.key_id, by.person), payout, "held", {"held_at": at}, reason)
        write([*payouts.hold_payout(payout, at, by.key_id, reason), record])

    return _done(batch_id, payout_id, act)


def release(batch_id: str, payout_id: str, by: Key) -> Payout:
    """Lets a payout that is held be paid with its batch; may be repeated.

    Raises ConflictError if it never was held, or is past that.
    """

    def act(batch: Batch, payout: Payout) -> None:
        if payout.released_at is not None:
            return
        require_debited(batch, payout)
        if not payout.is_held:
            raise ConflictError("payout_not_held", "The payout is not held.")
        at = clock.text(clock.now())
        record = _record((by.key_id, by.person), payout, "released", {"released_at": at}, None)
        write([*payouts.release_payout(payout, at, by.key_id), record])

    return _done(batch_id, payout_id, act)


def remove(batch_id: str, payout_id: str, reason: str, by: Key) -> Payout:
    """Takes a payout out of its batch and gives its money back, due at once; may be repeated.

    The payee reads the reason. Raises ConflictError if it was taken out for another one, or is in
    the file already.
    """

    def act(batch: Batch, payout: Payout) -> None:
        if payout.status == "removed" and payout.reason == reason:
            return
        require_debited(batch, payout)
        require_booked_or_no_file(batch)
        take_out(payout, reason, (by.key_id, by.person))

    return _done(batch_id, payout_id, act)


def _done(batch_id: str, payout_id: str, act: Callable[[Batch, Payout], None]) -> Payout:
    """The payout after `act`, which is tried anew when something else came first."""
    for _ in attempts():
        batch = payout_batches.get_batch(batch_id)
        try:
            act(batch, get_payout(batch_id, payout_id))
        except ConditionFailedError:
            continue
        return get_payout(batch_id, payout_id)
    raise BusyError


def get_payout(batch_id: str, payout_id: str) -> Payout:
    """A payout of a batch as last written; raises NotFoundError."""
    payout = payouts.find_payout(batch_id, payout_id)
    if payout is None:
        raise NotFoundError("payout")
    return payout


def take_out(payout: Payout, reason: str, who: Who) -> None:
    """Takes out a payout as it was read; raises ConditionFailedError if it has changed."""
    at = clock.text(clock.now())
    given_back = return_transaction(
        payout, "removed", at, f"The payout was taken out of its batch: {reason}."
    )
    record = _record(who, payout, "removed", {"status": "removed"}, reason)
    ledger.post(given_back, also=[*payouts.remove_payout(payout, at, who[0], reason), record])


def _record(
    who: Who, payout: Payout, action: str, became: dict[str, str], why: str | None
) -> dict[str, Any]:
    was = {"batch_id": payout.batch_id, "status": payout.status, "held_at": payout.held_at}
    subject = f"payout#{payout.payout_id}"
    return put_record(record_by(who, subject, f"payout.{action}", was, was | became, why=why))
