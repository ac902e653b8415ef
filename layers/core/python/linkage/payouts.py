"""Payouts: who is paid what in a batch, and the states a batch and a payout go through.

batch   planning → planned → approved → exported → settled, or planned → cancelled
payout  debited → sent → paid | failed, or debited → cancelled
"""

from dataclasses import dataclass, field
from datetime import date

from linkage import clock
from linkage.audit import SCHEDULE
from linkage.errors import ConflictError, InvalidFieldError
from linkage.ids import computed
from linkage.keys import Key
from linkage.ledger import (
    BANK,
    Balance,
    Line,
    Posting,
    Transaction,
    affiliate_account,
    lines_due_on,
    payouts_account,
)
from linkage.members import Member
from linkage.money import amount_text
from linkage.proposals import require_older, require_second_person

PAGE_SIZE_MAX = 100
PAYOUT_METHODS = ("manual", "mobile_money", "bank")


@dataclass(frozen=True)
class Batch:
    """One run of payouts in one currency; `open_pages` counts the pages still being worked on.

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

    `result_by` is the key that said what the bank answered.
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
    batch: Batch, member: Member | None, balance: Balance | None, minimum_minor: int
) -> Payout | Skip:
    """The payout of everything payable through the batch's cutoff, or why there is none."""
    affiliate_id = balance.affiliate_id if balance else (member.member_id if member else "")
    if balance is None or member is None:
        return Skip(affiliate_id, "there is nothing to pay")
    amount_minor = balance.payable_minor(date.fromisoformat(batch.cutoff))
    reason = _unpayable(member, amount_minor, minimum_minor, batch.currency)
    if reason or member.payout_method is None:
        return Skip(affiliate_id, reason or "the affiliate has no payout method")
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


def _unpayable(member: Member, amount_minor: int, minimum_minor: int, currency: str) -> str | None:
    payable = amount_text(amount_minor, currency)
    if member.status != "approved":
        return f"the affiliate is {member.status}, not approved"
    if amount_minor < 0:
        return f"{payable} is due: later earnings cover it first"
    if amount_minor == 0:
        return "there is nothing to pay"
    if amount_minor < minimum_minor:
        return f"{payable} is below the minimum of {amount_text(minimum_minor, currency)}"
    return None


def debit_transaction(payout: Payout, batch: Batch, balance: Balance) -> Transaction:
    """Moves everything payable through the cutoff out of the affiliate's balance."""
    posting = Posting(
        affiliate_account(payout.affiliate_id),
        payouts_account(payout.batch_id),
        payout.amount_minor,
        payout.currency,
        "payout",
    )
    dues = balance.dues_through(date.fromisoformat(batch.cutoff))
    line = Line(
        payout.affiliate_id,
        payout.currency,
        -payout.amount_minor,
        {due: -amount_minor for due, amount_minor in dues.items()},
        (("payout", 0, -payout.amount_minor),),
    )
    return Transaction(
        payout.payout_id,
        "payout",
        payout.created_at,
        (posting,),
        (line,),
        facts={"payout_id": payout.payout_id, "batch_id": payout.batch_id},
        why=(f"Everything payable through {batch.cutoff} is paid in batch {batch.batch_id}.",),
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
    """Gives a payout's money back, due at once; `cause` is `failed` or `cancelled`."""
    posting = Posting(
        payouts_account(payout.batch_id),
        affiliate_account(payout.affiliate_id),
        payout.amount_minor,
        payout.currency,
        "payout_return",
    )
    due_on = clock.day(clock.instant(accepted_at)).isoformat()
    return Transaction(
        f"{payout.payout_id}/{cause}",
        "payout_return",
        accepted_at,
        (posting,),
        lines_due_on((posting,), due_on),
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


def require_settleable(batch: Batch) -> None:
    """Raises ConflictError until the payout file has been exported."""
    if batch.status not in {"exported", "settled"}:
        raise ConflictError(
            f"batch_{batch.status}",
            f"Results can be given once the batch is exported; it is {batch.status}.",
        )
