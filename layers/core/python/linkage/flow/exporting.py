"""Exporting an approved batch: each payout sealed or taken out, then the payout file in S3."""

import hashlib
from contextlib import suppress

from linkage import clock
from linkage.flow.filing import require_booked_or_no_file
from linkage.flow.sealing import seal
from linkage.payout_file import render
from linkage.payouts import Batch
from linkage.tables import payout_files, payouts
from linkage.tables.transactions import ConditionFailedError


def export(batch_id: str) -> None:
    """Seals an approved batch's payouts and writes its file; may be repeated, to the same bytes.

    Raises ConflictError if the file is there already and may have other payouts: the tables were
    restored to before it.
    """
    batch = payouts.get_batch(batch_id)
    if batch.status == "approved":
        require_booked_or_no_file(batch)
        _export(batch)
    payouts.become_settled(batch_id)  # nobody gives results for a batch of no payouts


def _export(batch: Batch) -> None:
    seal(batch.batch_id)
    every = payouts.batch_payouts(batch.batch_id)
    content = render(each for each in every if each.status != "removed")
    payout_files.put_file(batch, content)
    sha256 = hashlib.sha256(content).hexdigest()
    with suppress(ConditionFailedError):  # the same delivery twice: both wrote the same file
        exported_at = clock.text(clock.now())
        payouts.move_batch(
            batch.batch_id, "approved", "exported", sha256=sha256, exported_at=exported_at
        )
