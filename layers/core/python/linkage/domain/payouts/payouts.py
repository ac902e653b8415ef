"""Payouts: who is paid what in a batch, and the states a batch and a payout go through.

batch   planning → planned → approved → exported → settled, or planned → cancelled
payout  debited → sent → paid | failed, or debited → cancelled | removed
        sent → unknown, when its result does not come; what comes later is in `results`

Tables restored to before a batch was exported have it in an earlier state, or not at all: its file
then leads, by `rebooking`, to `exported` again.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.ids import computed
from linkage.domain.ledger.ledger import (
    BANK,
    Balance,
    Debit,
    Line,
    Posting,
    Transaction,
    affiliate_account,
    due_at_once,
    lines_due_on,
    payouts_account,
)
from linkage.domain.money import amount_text
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import SCHEDULE
from linkage.domain.people.members import Member
from linkage.domain.people.payout_methods import no_longer_payable
from linkage.domain.people.proposals import require_older, require_second_person

PAGE_SIZE_MAX = 100
UNKNOWN_AFTER_DAYS = 14
"""So many days after its file was written a payout without a result is `unknown`."""
PAYOUT_METHODS = ("manual", "mobile_money", "bank")
REBOOKING = "rebooking"
EXPORTED = ("exported", "settled")
"""The states of a batch whose payout file is written."""
GIVEN_BACK = frozenset({"failed", "cancelled", "removed", "returned"})
"""The states of a payout whose money is in the balance again, and may be in a later payout."""
REMOVABLE_IN = ("planned", "approved")
"""The states of a batch out of which one payout can be held or taken."""


@dataclass(frozen=True)
class Batch:
    """One run of payouts in one currency; `open_pages` counts the pages still being worked on.

    `count` and `total_minor` are of what is still in it, those that are held included.
    `four_eyes` is whether they were on when it was made, and `created_by_person` whom the key that
    made it named then.
    """

    batch_id: str
    currency: str
    cutoff: str
    status: str
    created_at: str
    created_by: str
    planned_whole: bool = False
    open_pages: int = 0
    pages: int = 0
    count: int = 0
    total_minor: int = 0
    unsettled: int = 0
    approved_by: str | None = None
    sha256: str | None = None
    fingerprint: str | None = None
    four_eyes: bool = False
    created_by_person: str = ""
    approved_at: str | None = None
    exported_at: str | None = None
    aged_at: str | None = None
    held_count: int = 0
    held_minor: int = 0
    removed_count: int = 0
    removed_minor: int = 0
    rebooked_at: str | None = None


@dataclass(frozen=True)
class Page:
    """At most 100 affiliates of a batch, debited by one message of the work queue."""

    batch_id: str
    number: int
    affiliate_ids: tuple[str, ...]
    status: str = "open"
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Payout:
    """What one affiliate is paid in one batch; name and method are as they were when debited.

    `reference`, `reason` and `result_by`, the key that gave it, are of its latest result; `history`
    has those before it. Of what was taken out `reason` says why; the payee reads it. `held_reason`
    is for operators alone. It is held from `held_at` on, until it is released.
    """

    payout_id: str
    batch_id: str
    affiliate_id: str
    amount_minor: int
    currency: str
    status: str
    created_at: str
    name: str
    method: dict[str, str]
    reference: str | None = None
    reason: str | None = None
    result_by: str | None = None
    result_at: str | None = None
    history: tuple[dict[str, Any], ...] | None = None
    held_at: str | None = None
    held_by: str | None = None
    held_reason: str | None = None
    released_at: str | None = None
    released_by: str | None = None
    removed_at: str | None = None
    removed_by: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is left out unless somebody releases it before its batch is approved."""
        return self.held_at is not None and self.released_at is None


@dataclass(frozen=True)
class Skip:
    """Why an affiliate is not in a batch; the balance carries over unchanged."""

    affiliate_id: str
    reason: str


def scheduled_batch_id(currency: str, on: date) -> str:
    """The one batch a schedule makes for a currency on a local date."""
    return computed("bat", "schedule", currency, on.isoformat())


def payout_id(batch_id: str, affiliate_id: str) -> str:
    """The one payout an affiliate can have in a batch."""
    return computed("pay", batch_id, affiliate_id)


def checked_cutoff(text: str | None, today: date) -> str:
    """The cutoff, an inclusive UTC date, today unless given; raises InvalidFieldError if later."""
    if text is None:
        return today.isoformat()
    try:
        cutoff = date.fromisoformat(text)
    except ValueError:
        cutoff = None
    if cutoff is None or cutoff.isoformat() != text:
        raise InvalidFieldError("/cutoff", "Give the cutoff as a date: YYYY-MM-DD.")
    if cutoff > today:
        raise InvalidFieldError(
            "/cutoff", f"The cutoff cannot be later than today, {today.isoformat()} UTC."
        )
    return cutoff.isoformat()


def decide(
    batch: Batch,
    member: Member | None,
    balance: Balance | None,
    minimum_minor: int,
    rest_hours: int = 0,
) -> Payout | Skip:
    """The payout of everything payable through the batch's cutoff, or why there is none.

    `rest_hours` is how long a payout method rests once it was changed.
    """
    affiliate_id = balance.affiliate_id if balance else (member.member_id if member else "")
    if balance is None or member is None:
        return Skip(affiliate_id, "there is nothing to pay")
    amount_minor = balance.payable_minor(date.fromisoformat(batch.cutoff))
    reason = _too_little(amount_minor, minimum_minor, batch.currency)
    reason = reason or no_longer_payable(member, rest_hours, clock.now())
    if reason or member.payout_method is None:
        return Skip(affiliate_id, str(reason))
    return Payout(
        payout_id=payout_id(batch.batch_id, affiliate_id),
        batch_id=batch.batch_id,
        affiliate_id=affiliate_id,
        amount_minor=amount_minor,
        currency=batch.currency,
        status="debited",
        created_at=clock.text(clock.now()),
        name=member.name,
        method=member.payout_method,
    )


def _too_little(amount_minor: int, minimum_minor: int, currency: str) -> str | None:
    payable = amount_text(amount_minor, currency)
    if amount_minor < 0:
        return f"{payable} is due: later earnings cover it first"
    if amount_minor == 0:
        return "there is nothing to pay"
    if amount_minor < minimum_minor:
        return f"{payable} is below the minimum of {amount_text(minimum_minor, currency)}"
    return None


def debit_transaction(payout: Payout, batch: Batch, balance: Balance) -> Transaction:
    """Moves everything payable through the cutoff out of the affiliate's balance."""
    dues = balance.dues_through(date.fromisoformat(batch.cutoff))
    why = f"Everything payable through {batch.cutoff} is paid in batch {batch.batch_id}."
    taken = {due: -amount_minor for due, amount_minor in dues.items()}
    return _debit(payout, payout.payout_id, taken, (why,))


def rebooked_transaction(
    payout: Payout, batch: Batch, balance: Balance, rebooked_at: str, *, again: bool
) -> Transaction:
    """The debit of a payout that stands in its batch's file, whatever the balance is now.

    It takes every due date through the cutoff, as the debit did that was lost; what the file has
    beyond that is due on the cutoff, as earnings that are lost too, and so is what it leaves. With
    `again` the payout's first debit was given back, and this one has an id of its own.
    """
    cutoff = date.fromisoformat(batch.cutoff)
    beyond_minor = payout.amount_minor - balance.payable_minor(cutoff)
    taken = {due: -minor for due, minor in balance.dues_through(cutoff).items()}
    taken[batch.cutoff] = taken.get(batch.cutoff, 0) - beyond_minor
    beyond = amount_text(beyond_minor, payout.currency)
    return _debit(
        payout,
        f"{payout.payout_id}/rebooked" if again else payout.payout_id,
        {due: minor for due, minor in taken.items() if minor},
        (
            f"It stands in the payout file of batch {batch.batch_id}, and the tables were restored "
            "to before that: it is debited again from the file.",
            *([f"{beyond} of it is of earnings the tables lost."] if beyond_minor > 0 else []),
        ),
        rebooked_at=rebooked_at,
    )


def _debit(
    payout: Payout,
    transaction_id: str,
    dues: dict[str, int],
    why: tuple[str, ...],
    **facts: str,
) -> Transaction:
    """Moves a payout out of its affiliate's balance, out of these due dates."""
    posting = Posting(
        affiliate_account(payout.affiliate_id),
        payouts_account(payout.batch_id),
        payout.amount_minor,
        payout.currency,
        "payout",
    )
    line = Line(
        payout.affiliate_id,
        payout.currency,
        -payout.amount_minor,
        dues,
        (("payout", 0, -payout.amount_minor),),
    )
    return Transaction(
        transaction_id,
        "payout",
        payout.created_at,
        (posting,),
        (line,),
        facts={"payout_id": payout.payout_id, "batch_id": payout.batch_id, **facts},
        why=why,
    )


def debit_of(payout: Payout, batch: Batch, balance: Balance) -> Debit:
    """Which of a balance's payouts this is, and what it takes of the balance's lines."""
    return Debit(
        payout.affiliate_id,
        payout.currency,
        balance.debits + 1,
        batch.cutoff,
        balance.version,
        payout.payout_id,
        payout.batch_id,
    )


def paid_transaction(payout: Payout, accepted_at: str) -> Transaction:
    """The bank's word that a payout arrived: final."""
    posting = Posting(
        payouts_account(payout.batch_id), BANK, payout.amount_minor, payout.currency, "settlement"
    )
    return Transaction(
        f"{payout.payout_id}/paid",
        "settlement",
        accepted_at,
        (posting,),
        (),
        facts={"payout_id": payout.payout_id, "batch_id": payout.batch_id},
        why=("The payout was paid.",),
    )


def return_transaction(payout: Payout, cause: str, accepted_at: str, why: str) -> Transaction:
    """Gives a payout's money back, due at once.

    `cause` is `failed`, `cancelled` or `removed`.
    """
    posting = Posting(
        payouts_account(payout.batch_id),
        affiliate_account(payout.affiliate_id),
        payout.amount_minor,
        payout.currency,
        "payout_return",
    )
    return Transaction(
        f"{payout.payout_id}/{cause}",
        "payout_return",
        accepted_at,
        (posting,),
        lines_due_on((posting,), due_at_once(accepted_at)),
        facts={"payout_id": payout.payout_id, "batch_id": payout.batch_id},
        why=(why,),
    )


def require_approvable(batch: Batch, approver: Key, *, four_eyes: bool) -> None:
    """Raises ConflictError unless the batch is planned and, with four eyes, made by another person.

    `four_eyes` is whether they are on now; that they were when it was made is enough. The key must
    be older than the batch. A batch of the schedule is nobody's, so any one person approves it.
    """
    if batch.status != "planned":
        raise ConflictError(
            f"batch_{batch.status}", f"A batch can be approved once planned; it is {batch.status}."
        )
    if not (four_eyes or batch.four_eyes):
        return
    if batch.created_by == SCHEDULE:
        require_older(approver, batch.created_at)
    else:
        require_second_person(batch.created_by_person, batch.created_at, approver)


def require_cancellable(batch: Batch) -> None:
    """Raises ConflictError unless the batch is planned and not approved yet."""
    if batch.status != "planned":
        raise ConflictError(
            f"batch_{batch.status}",
            f"A batch can be cancelled while it is planned; it is {batch.status}.",
        )


def left_out(
    payout: Payout, member: Member | None, rest_hours: int, moment: datetime
) -> str | None:
    """Why a payout that is debited must not be paid at this moment, for its payee; None if it may.

    `member` is the payee as it is now: the payout was made by how it stood when it was debited.
    """
    if payout.is_held:
        return "the payout was held when its batch was approved"
    reason = no_longer_payable(member, rest_hours, moment)
    if reason is None and member is not None and member.payout_method != payout.method:
        return "the payout method was changed after the batch was planned"
    return reason


def require_debited(batch: Batch, payout: Payout) -> None:
    """Raises ConflictError unless the payout is in a batch whose file is not written yet."""
    if batch.status not in REMOVABLE_IN:
        raise ConflictError(
            f"batch_{batch.status}",
            "A payout can be held, released or taken out from when its batch is planned until "
            f"its file is written; the batch is {batch.status}.",
        )
    if payout.status != "debited":
        raise ConflictError(
            f"payout_{payout.status}",
            f"The payout is {payout.status}: it can no longer be held, released or taken out.",
        )


def require_settleable(batch: Batch) -> None:
    """Raises ConflictError until the payout file has been exported."""
    if batch.status not in {"exported", "settled"}:
        raise ConflictError(
            f"batch_{batch.status}",
            f"Results can be given once the batch is exported; it is {batch.status}.",
        )
