"""Whether every payout file in the bucket has its batch in the table.

The bucket outlives a restore of the tables. A file whose batch is not there, or not yet approved,
may have been paid: until it is booked again nothing new is planned.
"""

import os

from linkage.domain.errors import ConflictError
from linkage.domain.payouts.payouts import EXPORTED, Batch
from linkage.tables import payout_batches, payout_files, payouts

_STAGE = os.environ.get("STAGE", "")
_NAMED_MAX = 10


def files_without_batch() -> tuple[str, ...]:
    """The batches whose file is in the bucket, and which the table does not have as exported."""
    # Listed before the table is read: what is in the list was sealed before that.
    listed = payout_files.batches_with_file()
    statuses = payout_batches.batch_statuses() if listed else {}
    return tuple(
        batch_id
        for batch_id in listed
        # The index may lag behind, so a batch is looked at itself before its file is an orphan.
        if statuses.get(batch_id) not in EXPORTED
        and not is_booked(payout_batches.find_batch(batch_id))
    )


def is_booked(batch: Batch | None) -> bool:
    """Whether the table has a batch as one whose file may be written.

    Before that, export seals each of its payouts: what is only debited is in no file.
    """
    if batch is None or batch.status != "approved":
        return batch is not None and batch.status in EXPORTED
    return all(each.status != "debited" for each in payouts.batch_payouts(batch.batch_id))


def require_every_file_booked() -> None:
    """Raises ConflictError, which says what to do, while a file in the bucket has no batch."""
    missing = files_without_batch()
    if missing:
        raise ConflictError(
            "payout_file_without_batch",
            f"{_named(missing)}: the payout file is in the bucket, the table does not have the "
            "batch as exported. The tables were restored to before it, and it may have been paid. "
            "Nothing is planned or approved until each is booked again: linkage payouts rebook "
            f"{missing[0]} {where()}",
        )


def require_no_file(batch_id: str) -> None:
    """Raises ConflictError if a batch's file is in the bucket, whatever the table says."""
    if payout_files.has_file(batch_id):
        raise ConflictError(
            "payout_file_without_batch",
            f"The payout file of {batch_id} is in the bucket: it was exported before the tables "
            f"were restored, and may have been paid. Book it again: linkage payouts rebook "
            f"{batch_id} {where()}",
        )


def require_booked_or_no_file(batch: Batch) -> None:
    """Raises ConflictError if the file of a batch was written when the table had it otherwise."""
    if not is_booked(batch):
        require_no_file(batch.batch_id)


def require_planned_since_restore(batch: Batch) -> None:
    """Raises ConflictError for a batch that was planned before another was booked again.

    Whoever had cancelled it before the restore gave its money to that other one, perhaps.
    """
    rebooked_at = payout_batches.last_rebooked_at()
    if rebooked_at is not None and batch.created_at <= rebooked_at:
        raise ConflictError(
            "planned_before_restore",
            f"Batch {batch.batch_id} was planned before the tables were restored, and what it would"
            " pay may have been paid by a batch that was booked again since. Cancel it, and plan "
            "another one.",
        )


def where() -> str:
    """How the command line is told of this network."""
    return "--local" if _STAGE == "local" else f"--stage {_STAGE}"


def _named(batch_ids: tuple[str, ...]) -> str:
    more = len(batch_ids) - _NAMED_MAX
    return ", ".join(batch_ids[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
