"""What the bank says of a payout, step by step: each step is booked once and never changed.

sent, unknown → paid → returned → arrived → returned …
sent, unknown → failed → arrived → returned → arrived …

`returned` is money the bank sends back after it was paid, `arrived` is money that had reached the
payee after all. What was not known of a step (its reference, its reason) may be added later.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from linkage.domain.errors import ConflictError
from linkage.domain.ledger.ledger import (
    BANK,
    Posting,
    Transaction,
    affiliate_account,
    due_at_once,
    lines_due_on,
)
from linkage.domain.payouts.payouts import Payout, paid_transaction, return_transaction
from linkage.domain.payouts.requests import STEPS_MAX, Result

FOLLOWS = {
    "paid": ("sent", "unknown"),
    "failed": ("sent", "unknown"),
    "returned": ("paid", "arrived"),
    "arrived": ("failed", "returned"),
}


@dataclass(frozen=True)
class Step:
    """One result as it was booked: when and by which key, which an earlier release did not keep."""

    status: str
    at: str | None
    by: str | None
    reference: str | None
    reason: str | None


def steps_of(payout: Payout) -> tuple[Step, ...]:
    """Every result a payout was given, in their order; none while it is on its way."""
    earlier = tuple(_step(each) for each in payout.history or ())
    if payout.status not in FOLLOWS:
        return earlier
    said = (payout.result_at, payout.result_by, payout.reference, payout.reason)
    return (*earlier, Step(payout.status, *said))


def _step(stored: dict[str, Any]) -> Step:
    said = [stored.get(name) for name in ("at", "by", "reference", "reason")]
    return Step(stored["status"], *said)


def step_id(payout_id: str, step: int, status: str) -> str:
    """The id of the transaction that books a result, the first of a payout being step 1."""
    return f"{payout_id}/{status}" if step == 1 else f"{payout_id}/{step}/{status}"


def return_id(payout: Payout) -> str:
    """The id of the transaction that gave a payout's money back, if it went back."""
    return step_id(payout.payout_id, len(steps_of(payout)) or 1, payout.status)


def answered(result: Result, payout: Payout, at: str, by: str) -> Payout:
    """The payout with a key's result: a step more, one better known, or itself if all was known.

    Raises ConflictError if the result contradicts what was booked, or cannot follow it.
    """
    steps = steps_of(payout)
    known = _known_step(result, payout, steps)
    if known is None:
        _require_next(result, payout, steps)
        said = Step(result.status, at, by, result.reference, result.reason)
        return _with_steps(payout, (*steps, said))
    return _with_steps(
        payout,
        tuple(_added(result, payout, each) if each is known else each for each in steps),
    )


def _known_step(result: Result, payout: Payout, steps: tuple[Step, ...]) -> Step | None:
    """The step that the result says again; None if it is a new one."""
    if result.step is not None:
        if result.step > len(steps):
            return None
        step = steps[result.step - 1]
        if step.status != result.status:
            raise _refused(payout, f"step {result.step} of it is {step.status}, and stays so")
        return step
    same = [step for step in steps if step.status == result.status]
    if same and payout.status in FOLLOWS[result.status]:
        _require_room(payout, steps)
        raise _refused(
            payout,
            f"it was {result.status} before, and is {payout.status} since. If it is "
            f'{result.status} once more, say "step": {len(steps) + 1}',
        )
    return same[-1] if same else None


def _require_next(result: Result, payout: Payout, steps: tuple[Step, ...]) -> None:
    step = len(steps) + 1
    if payout.status not in FOLLOWS[result.status]:
        raise _refused(payout, _ADVICE.get(payout.status, "it has no result to be given"))
    if result.step not in {None, step}:
        raise _refused(payout, f"its next step is {step}")
    _require_room(payout, steps)


def _require_room(payout: Payout, steps: tuple[Step, ...]) -> None:
    if len(steps) >= STEPS_MAX:
        raise _refused(
            payout, f"it has {STEPS_MAX} results, the most there can be. Use an adjustment"
        )


_ADVICE = {
    "sent": "first say whether it was `paid` or `failed`",
    "unknown": "first say whether it was `paid` or `failed`",
    "paid": "if the bank has sent it back, it is `returned`",
    "arrived": "if the bank has sent it back, it is `returned`",
    "failed": "if it had reached the payee after all, it has `arrived`",
    "returned": "if it had reached the payee after all, it has `arrived`",
}


def _refused(payout: Payout, why: str) -> ConflictError:
    return ConflictError(
        f"payout_{payout.status}", f"Payout {payout.payout_id} is {payout.status}: {why}."
    )


def _added(result: Result, payout: Payout, step: Step) -> Step:
    """The step with what was not known of it; raises ConflictError rather than change the rest."""
    for name in ("reference", "reason"):
        booked, said = getattr(step, name), getattr(result, name)
        if said is not None and booked not in {None, said}:
            raise _refused(payout, f"the {name} of it being {step.status} is {booked!r}, and final")
    return replace(
        step,
        reference=step.reference or result.reference,
        reason=step.reason or result.reason,
    )


def _with_steps(payout: Payout, steps: tuple[Step, ...]) -> Payout:
    *earlier, last = steps
    if earlier or payout.history:
        # What a later release has stored beside a step's own fields is kept.
        kept = [*(payout.history or ()), *[{}] * len(steps)]
        history = tuple(
            was | {name: value for name, value in asdict(each).items() if value is not None}
            for was, each in zip(kept, earlier, strict=False)
        )
    else:
        history = None
    return replace(
        payout,
        status=last.status,
        result_at=last.at,
        result_by=last.by,
        reference=last.reference,
        reason=last.reason,
        history=history,
    )


def result_transaction(payout: Payout) -> Transaction:
    """What books a payout's latest result: it moves the money once, on the day it was accepted."""
    step, last = len(steps_of(payout)), steps_of(payout)[-1]
    accepted_at = last.at or ""
    said = f": {last.reason}" if last.reason else ""
    if step == 1 and last.status == "paid":
        return paid_transaction(payout, accepted_at)
    if step == 1:
        return return_transaction(payout, "failed", accepted_at, f"The payout failed{said}.")
    affiliate = affiliate_account(payout.affiliate_id)
    source, target, kind, why = (
        (BANK, affiliate, "payout_return", "The bank sent the payout back")
        if last.status == "returned"
        else (affiliate, BANK, "payout_arrival", "The payout had arrived after all")
    )
    posting = Posting(source, target, payout.amount_minor, payout.currency, kind)
    return Transaction(
        step_id(payout.payout_id, step, last.status),
        kind,
        accepted_at,
        (posting,),
        lines_due_on((posting,), due_at_once(accepted_at)),
        facts={"payout_id": payout.payout_id, "batch_id": payout.batch_id},
        why=(f"{why}{said}.",),
    )
