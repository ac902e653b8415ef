"""Looking again at whom a batch pays, at approval and export: sealed for the file, or taken out."""

from collections.abc import Collection
from itertools import batched
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, LedgerError
from linkage.domain.payouts.payouts import REMOVABLE_IN, Payout, left_out
from linkage.domain.people.audit import SCHEDULE
from linkage.domain.people.members import Member
from linkage.flow.payouts.holding_payouts import Who, get_payout, take_out
from linkage.tables import payout_batches, payouts
from linkage.tables.dynamodb.transactions import attempts, write
from linkage.tables.members import find_member, find_members, require_payable
from linkage.tables.settings import current_settings

NETWORK: Who = (SCHEDULE, "")
TOGETHER_MAX = 50
"""Payouts sealed by one transaction, each with a check of its payee: DynamoDB takes 100 items."""


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
        payout = get_payout(batch_id, payout_id)
        if (
            payout.status != "debited"
            or payout_batches.get_batch(batch_id).status not in REMOVABLE_IN
        ):
            return
        payee = find_member(payout.affiliate_id)
        reason = left_out(payout, payee, rest_hours, clock.now())
        try:
            if reason is not None or payee is None:
                take_out(payout, str(reason), NETWORK)
            elif sending:
                write(_sending(payout, payee))
        except ConditionFailedError:
            continue
        return
    raise LedgerError(f"payout {payout_id} never stood still; its batch is exported later")
