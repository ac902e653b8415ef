"""Watching batches: how long they stay where they are, and what nobody has heard of any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError
from linkage.domain.payouts.payouts import UNKNOWN_AFTER_DAYS, Batch
from linkage.domain.people.audit import SCHEDULE, record_by
from linkage.domain.terms.network import Missed, missed_batches
from linkage.flow.payouts.payout_file_checks import files_without_batch
from linkage.tables import payout_batches, payouts
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import write
from linkage.tables.settings import current_settings

WATCHED = timedelta(days=400)
"""So far back batches are looked at: longer than any hold, or a person who looks at an alarm."""
AGED_AT_ONCE = 500
"""So many payouts of a batch become `unknown` by one tick: more take longer than it runs."""


@dataclass(frozen=True)
class Watched:
    """For how many seconds the oldest of each kind has waited, and what the schedule has missed.

    They are a batch that is `planning`, one that is `approved` without its file, and a file with a
    payout that has no result. `lost` are the batches whose file is in the bucket and which are not
    in the table as exported.
    """

    ages_s: dict[str, int]
    missed: tuple[Missed, ...]
    lost: tuple[str, ...]


def watched_batches(now: datetime) -> list[Batch]:
    """Every batch young enough to be watched, newest first."""
    return list(payout_batches.batches_since(now - WATCHED))


def watch() -> Watched:
    """What stays where it is, and what was missed, at this moment."""
    now = clock.now()
    batches = watched_batches(now)
    since = {
        "OldestPlanningAge": [b.created_at for b in batches if b.status == "planning"],
        "OldestApprovedAge": [
            b.approved_at or b.created_at for b in batches if b.status == "approved"
        ],
        "OldestUnsettledAge": [_exported_at(b) for b in batches if _waits_for_results(b)],
    }
    ages_s = {name: _oldest_s(now, moments) for name, moments in since.items()}
    missed = missed_batches(current_settings(), now, _reached(batches))
    return Watched(ages_s, tuple(missed), files_without_batch())


def _oldest_s(now: datetime, since: Iterable[str]) -> int:
    return max((int((now - clock.instant(each)).total_seconds()) for each in since), default=0)


def _exported_at(batch: Batch) -> str:
    return batch.exported_at or batch.created_at


def _waits_for_results(batch: Batch) -> bool:
    return batch.status == "exported" and batch.unsettled > 0


def _reached(batches: Iterable[Batch]) -> dict[str, str]:
    """By currency the latest cutoff of a batch, whatever has become of it."""
    reached: dict[str, str] = {}
    for batch in batches:
        reached[batch.currency] = max(batch.cutoff, reached.get(batch.currency, ""))
    return reached


def age(batch: Batch) -> None:
    """Makes `unknown` each payout whose result has not come in time; may be repeated.

    That moves no money: the payout still waits for a person to say whether it was paid or failed.
    """
    too_old = clock.text(clock.now() - timedelta(days=UNKNOWN_AFTER_DAYS))
    if not _waits_for_results(batch) or batch.aged_at or _exported_at(batch) > too_old:
        return
    sent = [each for each in payouts.batch_payouts(batch.batch_id) if each.status == "sent"]
    for payout in islice(sent, AGED_AT_ONCE):
        subject, now_unknown = f"payout#{payout.payout_id}", {"status": "unknown"}
        record = record_by(
            (SCHEDULE, ""), subject, "payout.unknown", {"status": "sent"}, now_unknown
        )
        try:
            write([payouts.move_payout(payout, "unknown"), put_record(record)])
        except ConditionFailedError:
            continue  # its result has just come
    if len(sent) <= AGED_AT_ONCE:
        payout_batches.mark_aged(batch.batch_id)
