"""Exporting an approved batch: the payout file in S3, then each payout `sent`."""

import hashlib
from contextlib import suppress

from linkage.payout_file import render
from linkage.payouts import Batch
from linkage.tables import payout_files, payouts
from linkage.tables.transactions import ConditionFailedError, write


def export(batch_id: str) -> None:
    """Writes an approved batch's file and marks its payouts; may be repeated, to the same bytes."""
    batch = payouts.get_batch(batch_id)
    if batch.status == "approved":
        _export(batch)
    payouts.become_settled(batch_id)  # nobody gives results for a batch of no payouts


def _export(batch: Batch) -> None:
    paid = list(payouts.batch_payouts(batch.batch_id))
    content = render(paid)
    payout_files.put_file(batch, content)
    for payout in paid:
        if payout.status == "debited":
            try:
                write([payouts.move_payout(payout, "sent")])
            except ConditionFailedError:
                continue  # a second delivery of the same approval has marked it
    sha256 = hashlib.sha256(content).hexdigest()
    with suppress(ConditionFailedError):  # the same delivery twice: both wrote the same file
        payouts.move_batch(batch.batch_id, "approved", "exported", sha256=sha256)
