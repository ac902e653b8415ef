"""What is odd about payouts that wait for their approval, for the person who is to approve them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from linkage import clock
from linkage.members import Member
from linkage.money import amount_text
from linkage.payout_methods import account_of, destination
from linkage.payouts import Payout, left_out, payout_id
from linkage.tables.members import find_members, members_paid_to
from linkage.tables.payouts import find_payouts, list_payouts
from linkage.tables.settings import current_settings

CHANGED_DAYS = 30
UNUSUAL_TIMES = 3
EARLIER_MAX, SHARING_MAX = 24, 20
"""How many earlier payouts, and how many other members paid to one place, are looked at."""

type Warnings = list[dict[str, Any]]


def warnings_of(payouts: Iterable[Payout]) -> dict[str, Warnings]:
    """The warnings of each payout that is debited, by its id; of others there is nothing to decide.

    It reads two lists for each, so it is for one page of payouts.
    """
    debited = [each for each in payouts if each.status == "debited"]
    if not debited:
        return {}
    members = find_members(each.affiliate_id for each in debited)
    rest_hours, now = current_settings().method_rest_hours, clock.now()
    return {
        each.payout_id: [
            *_standing(each, members.get(each.affiliate_id), rest_hours, now),
            *_held_before(each),
            *_changed(members.get(each.affiliate_id), now),
            *_shared(each),
            *_amount(each),
        ]
        for each in debited
    }


def _warning(code: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "detail": detail, **more}


def _standing(
    payout: Payout, member: Member | None, rest_hours: int, now: datetime
) -> Iterator[dict[str, Any]]:
    reason = left_out(payout, member, rest_hours, now)
    if payout.is_held:
        yield _warning("held", f"It is held, so it will not be paid: {payout.held_reason}.")
    elif reason:
        yield _warning("left_out", f"It will not be paid: {reason}.")


def _held_before(payout: Payout) -> Iterator[dict[str, Any]]:
    if payout.released_at:
        yield _warning(
            "was_held",
            f"{payout.held_by} held it ({payout.held_reason}); {payout.released_by} released it.",
        )


def _changed(member: Member | None, now: datetime) -> Iterator[dict[str, Any]]:
    if member is None or member.payout_method_changed_at is None:
        return
    at, by = member.payout_method_changed_at, member.payout_method_changed_by
    if clock.instant(at) < now - timedelta(days=CHANGED_DAYS):
        return
    before = member.payout_method_before
    if before is None:
        yield _warning("method_set", f"{by} set the first payout method on {at}.")
    else:
        was = " ".join(filter(None, [before["type"], before.get("provider"), account_of(before)]))
        yield _warning("method_changed", f"{by} changed the payout method on {at}; before: {was}.")


def _shared(payout: Payout) -> Iterator[dict[str, Any]]:
    place = destination(payout.method)
    if place is None:
        return
    found = members_paid_to(place, SHARING_MAX + 1)
    others = [each for each in found if each != payout.affiliate_id][:SHARING_MAX]
    if not others:
        return
    ids = [payout_id(payout.batch_id, each) for each in others]
    beside = sorted(each.payout_id for each in find_payouts(payout.batch_id, ids))
    said = f"{len(others)} other {'member is' if len(others) == 1 else 'members are'}"
    yield _warning(
        "shared_account",
        f"{said} paid to the same number or account, {len(beside)} of them in this batch.",
        affiliate_ids=others,
        payout_ids=beside,
    )


def _amount(payout: Payout) -> Iterator[dict[str, Any]]:
    earlier = [
        each.amount_minor
        for each in list_payouts(payout.affiliate_id, EARLIER_MAX, None).data
        if each.status == "paid" and each.currency == payout.currency
    ]
    if not earlier:
        yield _warning("first_payout", f"Nothing was paid to it in {payout.currency} before.")
    elif payout.amount_minor > UNUSUAL_TIMES * max(earlier):
        most = amount_text(max(earlier), payout.currency)
        yield _warning(
            "unusual_amount",
            f"It is more than {UNUSUAL_TIMES} times the largest payout before, {most}.",
        )
