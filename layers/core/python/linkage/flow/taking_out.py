"""One payout of a batch that is not exported yet: held, released, taken out, or sealed for the
file. Whatever happens at once, its own state decides: only what is debited can still be changed.
"""

from collections.abc import Callable, Collection
from itertools import batched
from typing import Any

from linkage import clock
from linkage.audit import SCHEDULE, record_by
from linkage.errors import ConflictError, LedgerError, NotFoundError
from linkage.keys import Key
from linkage.members import Member
from linkage.payouts import (
    REMOVABLE_IN,
    Batch,
    Payout,
    left_out,
    require_debited,
    return_transaction,
)
from linkage.tables import ledger, payouts
from linkage.tables.audit import put_record
from linkage.tables.members import find_member, find_members, require_payable
from linkage.tables.settings import current_settings
from linkage.tables.transactions import ConditionFailedError, attempts, write

type Who = tuple[str, str]
"""A key's id and the person it names."""

NETWORK: Who = (SCHEDULE, "")
TOGETHER_MAX = 50
"""Payouts sealed by one transaction, each with a check of its payee: DynamoDB takes 100 items."""


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
        _take_out(payout, reason, (by.key_id, by.person))

    return _done(batch_id, payout_id, act)


def _done(batch_id: str, payout_id: str, act: Callable[[Batch, Payout], None]) -> Payout:
    """The payout after `act`, which is tried anew when something else came first."""
    for _ in attempts():
        batch = payouts.get_batch(batch_id)
        try:
            act(batch, _payout(batch_id, payout_id))
        except ConditionFailedError:
            continue
        return _payout(batch_id, payout_id)
    raise ConflictError("busy", "Others are changing this payout right now. Try again.")


def _payout(batch_id: str, payout_id: str) -> Payout:
    payout = payouts.find_payout(batch_id, payout_id)
    if payout is None:
        raise NotFoundError("payout")
    return payout


def _take_out(payout: Payout, reason: str, who: Who) -> None:
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


# ---- a whole batch, at its approval and at its export


def take_out_unpayable(batch_id: str) -> None:
    """Takes every payout out that is not to be paid as things are now, each for its own reason."""
    _decide_each(batch_id, sending=False)


def seal(batch_id: str) -> None:
    """Makes each payout of an approved batch `sent`, or takes it out; may be repeated.

    That its payee is approved and paid as before is checked by the transaction that seals it.
    """
    _decide_each(batch_id, sending=True)


def _decide_each(batch_id: str, *, sending: bool) -> None:
    rest_hours = current_settings().method_rest_hours
    debited = (each for each in payouts.batch_payouts(batch_id) if each.status == "debited")
    for group in batched(debited, TOGETHER_MAX, strict=False):
        members = find_members(each.affiliate_id for each in group)
        payable = {
            each.payout_id: (each, payee)
            for each in group
            if (payee := members.get(each.affiliate_id))
            and left_out(each, payee, rest_hours, clock.now()) is None
        }
        left = payable.keys() if not sending or _sent(payable.values()) else ()
        for each in group:
            if each.payout_id not in left:
                _decide(each, rest_hours, sending=sending)


def _sent(payable: Collection[tuple[Payout, Member]]) -> bool:
    """Seals these payouts together; False, and none is, if one of them or its payee has changed."""
    try:
        if payable:
            write([each for of in payable for each in _sending(*of)])
    except ConditionFailedError:
        return False
    return True


def _sending(payout: Payout, payee: Member) -> list[dict[str, Any]]:
    return [payouts.send_payout(payout), require_payable(payee)]


def _decide(payout: Payout, rest_hours: int, *, sending: bool) -> None:
    """Takes one payout out, or seals it, by what is so now; nothing if somebody else has."""
    batch_id, payout_id = payout.batch_id, payout.payout_id
    for _ in attempts():
        payout = _payout(batch_id, payout_id)
        if payout.status != "debited" or payouts.get_batch(batch_id).status not in REMOVABLE_IN:
            return
        payee = find_member(payout.affiliate_id)
        reason = left_out(payout, payee, rest_hours, clock.now())
        try:
            if reason is not None or payee is None:
                _take_out(payout, str(reason), NETWORK)
            elif sending:
                write(_sending(payout, payee))
        except ConditionFailedError:
            continue
        return
    raise LedgerError(f"payout {payout_id} never stood still; its batch is exported later")
