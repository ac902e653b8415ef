"""Exporting an approved batch: each payout sealed or taken out, then the payout file in S3."""

import hashlib
import os
from contextlib import suppress

import boto3

from linkage import clock
from linkage.flow.sealing import seal
from linkage.payout_file import render
from linkage.tables import payouts
from linkage.tables.transactions import ConditionFailedError

_BUCKET = os.environ["PAYOUT_FILES_BUCKET"]
_files = boto3.client("s3", region_name=os.environ.get("AWS_REGION"))


def export(batch_id: str) -> None:
    """Seals an approved batch's payouts and writes its file; may be repeated, to the same bytes."""
    if payouts.get_batch(batch_id).status == "approved":
        _export(batch_id)
    payouts.become_settled(batch_id)  # nobody gives results for a batch of no payouts


def _export(batch_id: str) -> None:
    seal(batch_id)
    content = render(each for each in payouts.batch_payouts(batch_id) if each.status != "removed")
    _files.put_object(
        Bucket=_BUCKET, Key=payouts.file_key(batch_id), Body=content, ContentType="text/csv"
    )
    sha256 = hashlib.sha256(content).hexdigest()
    with suppress(ConditionFailedError):  # the same delivery twice: both wrote the same file
        exported_at = clock.text(clock.now())
        payouts.move_batch(batch_id, "approved", "exported", sha256=sha256, exported_at=exported_at)
