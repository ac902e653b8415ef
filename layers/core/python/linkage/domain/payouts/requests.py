"""Requests about payouts, read strictly from JSON into checked values."""

from dataclasses import dataclass

from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import ID_LENGTH, Fields
from linkage.domain.ids import fingerprint

RESULTS_MAX = 100
RESULTS = ("paid", "failed", "returned", "arrived")
STEPS_MAX = 9
"""More than a bank ever says of one payout: two who contradict each other do not go on for ever."""


@dataclass(frozen=True)
class Result:
    """What the bank or the mobile-money operator said of one payout.

    `step` says the so-and-so-many-th word on it this is, where the status alone could mean two.
    """

    pointer: str
    payout_id: str
    status: str
    reference: str | None
    reason: str | None
    step: int | None = None


@dataclass(frozen=True)
class SentBatch:
    """A payout batch as an operator asks for it."""

    currency: str
    cutoff: str | None
    fingerprint: str


def batch_in(body: object) -> SentBatch:
    """The payout batch in a body."""
    fields = Fields(body)
    batch = SentBatch(
        currency=fields.currency(),
        cutoff=fields.optional_text("cutoff", 10),
        fingerprint=fingerprint(body),
    )
    fields.done()
    return batch


def reason_in(body: object) -> str:
    """Why one payout is held or taken out, of at most 500 characters."""
    fields = Fields(body)
    reason = fields.text("reason", 500)
    fields.done()
    return reason


def results_in(body: object) -> list[Result]:
    """The payout results in a body; each payout may stand in it once."""
    fields = Fields(body)
    results = [_result(item, pointer) for item, pointer in fields.array("results", RESULTS_MAX)]
    fields.done()
    seen: set[str] = set()
    for result in results:
        if result.payout_id in seen:
            raise InvalidFieldError(
                f"{result.pointer}/payout_id", "This payout already has a result in this request."
            )
        seen.add(result.payout_id)
    return results


def _result(item: object, pointer: str) -> Result:
    fields = Fields(item, pointer)
    result = Result(
        pointer=pointer,
        payout_id=fields.text("payout_id", ID_LENGTH),
        status=fields.choice("status", RESULTS),
        reference=fields.optional_text("reference"),
        reason=fields.optional_text("reason", 500),
        step=fields.optional_integer("step", 1, STEPS_MAX),
    )
    fields.done()
    return result
