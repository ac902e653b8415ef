"""What is odd about payouts that wait for their approval, for the person who is to approve them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from linkage.domain import clock
from linkage.domain.ledger.ledger import BY_OPERATOR
from linkage.domain.lists import LIMIT_MAX
from linkage.domain.money import amount_text
from linkage.domain.payouts.payouts import Payout, left_out, payout_id
from linkage.domain.people.members import Member
from linkage.domain.people.payout_methods import account_of, destination
from linkage.flow.payouts.covering import Covering, Posted
from linkage.tables.ledger import lines_by_operators
from linkage.tables.members import find_members, members_paid_to
from linkage.tables.payouts import find_payouts, list_payouts
from linkage.tables.settings import current_settings

CHANGED_DAYS = 30
UNUSUAL_TIMES = 3
EARLIER_MAX, SHARING_MAX, LINES_MAX = 24, 20, 100
"""How many earlier payouts, other members paid to one place, and entries that operators have said,
are looked at."""
CAME_BACK = {"failed": "had failed", "returned": "was returned"}
"""What somebody said that gives money back which may have arrived."""

type Warnings = list[dict[str, Any]]


def warnings_of(payouts: Iterable[Payout]) -> dict[str, Warnings]:
    """The warnings of each payout that is debited, by its id; of others there is nothing to decide.

    It reads three lists for each, so it is for one page of payouts.
    """
    debited = [each for each in payouts if each.status == "debited"]
    if not debited:
        return {}
    members, covering = find_members(each.affiliate_id for each in debited), Covering()
    rest_hours, now = current_settings().method_rest_hours, clock.now()
    return {
        each.payout_id: [
            *_standing(each, members.get(each.affiliate_id), rest_hours, now),
            *_held_before(each),
            *_changed(members.get(each.affiliate_id), now),
            *_shared(each),
            *_amounts(each),
            *_said_by_operators(each, covering),
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


def _amounts(payout: Payout) -> Iterator[dict[str, Any]]:
    """What its earlier payouts say of this one."""
    every = list_payouts(payout.affiliate_id, LIMIT_MAX, None).data
    earlier = [
        each
        for each in every
        if each.currency == payout.currency and each.payout_id != payout.payout_id
    ]
    yield from _unusual(payout, [e for e in earlier[:EARLIER_MAX] if e.status == "paid"])
    last_paid_at = max((each.created_at for each in earlier if each.status == "paid"), default="")
    for each in earlier:
        if each.status in CAME_BACK and (each.result_at or last_paid_at) >= last_paid_at:
            yield _warning(
                "paid_before",
                f"{each.result_by} said on {each.result_at} that payout {each.payout_id} of "
                f"{amount_text(each.amount_minor, each.currency)} {CAME_BACK[each.status]}: look "
                "whether the bank says so, too, before it is paid again.",
            )


def _unusual(payout: Payout, paid: list[Payout]) -> Iterator[dict[str, Any]]:
    most_minor = max((each.amount_minor for each in paid), default=0)
    if not paid:
        yield _warning("first_payout", f"Nothing was paid to it in {payout.currency} before.")
    elif payout.amount_minor > UNUSUAL_TIMES * most_minor:
        most = amount_text(most_minor, payout.currency)
        yield _warning(
            "unusual_amount",
            f"It is more than {UNUSUAL_TIMES} times the largest payout before, {most}.",
        )


def _said_by_operators(payout: Payout, covering: Covering) -> Iterator[dict[str, Any]]:
    """What of it is owed by what operators said in vendors' names."""
    affiliate_id, currency = payout.affiliate_id, payout.currency
    lines = lines_by_operators(affiliate_id, currency, LINES_MAX)
    total_minor, words = 0, set[str]()
    for line in lines:
        for due_on, amount_minor in line["dues"].items():
            place = Posted(affiliate_id, currency, line["accepted_at"], due_on, line["debits"])
            holds = covering.of(place).payout
            if holds is not None and holds.payout_id == payout.payout_id:
                total_minor += amount_minor
                words |= set(line[BY_OPERATOR].split(", "))
    if total_minor > 0:
        more = f", of the latest {LINES_MAX} of its entries" if len(lines) == LINES_MAX else ""
        yield _warning(
            "said_by_operators",
            f"{amount_text(total_minor, currency)} of it{more} was earned by what an operator "
            f"said in a vendor's name: {', '.join(sorted(words))}. Its entries with `by_operator` "
            "name the conversions.",
        )
