"""Exporting an approved batch: each payout sealed or taken out, then the payout file in S3."""

import hashlib
from contextlib import suppress

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError
from linkage.domain.payouts.payout_file import render
from linkage.domain.payouts.payouts import Batch
from linkage.flow.payouts.payout_file_checks import require_booked_or_no_file
from linkage.flow.payouts.sealing import seal
from linkage.tables import payout_batches, payout_files, payouts


def export(batch_id: str) -> None:
    """Seals an approved batch's payouts and writes its file; may be repeated, to the same bytes.

    Raises ConflictError if the file is there already and may have other payouts: the tables were
    restored to before it.
    """
    batch = payout_batches.get_batch(batch_id)
    if batch.status == "approved":
        require_booked_or_no_file(batch)
        _export(batch)
    payout_batches.become_settled(batch_id)  # nobody gives results for a batch of no payouts


def _export(batch: Batch) -> None:
    seal(batch.batch_id)
    every = payouts.batch_payouts(batch.batch_id)
    content = render(each for each in every if each.status != "removed")
    payout_files.put_file(batch, content)
    sha256 = hashlib.sha256(content).hexdigest()
    with suppress(ConditionFailedError):  # the same delivery twice: both wrote the same file
        exported_at = clock.text(clock.now())
        payout_batches.move_batch(
            batch.batch_id, "approved", "exported", sha256=sha256, exported_at=exported_at
        )
