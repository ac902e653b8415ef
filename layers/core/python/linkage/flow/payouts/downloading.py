"""Handing out a payout file: an address that is good for a while, and who asked for it."""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from linkage.domain import clock
from linkage.domain.errors import ConflictError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.transactions import write
from linkage.tables.payout_batches import file_key, get_batch

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

URL_S = 900

_BUCKET = os.environ["PAYOUT_FILES_BUCKET"]


@dataclass(frozen=True)
class Download:
    """An address to get a payout file from until `expires_at`, and the file's SHA-256 in hex."""

    url: str
    sha256: str
    expires_at: str


@cache
def _files() -> "S3Client":
    config = Config(signature_version="s3v4")
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=config)


def download(batch_id: str, by: Key) -> Download:
    """The address of a batch's file, good for 15 minutes, and a record of who asked for it.

    Raises NotFoundError, or ConflictError where the file is not written yet.
    """
    batch = get_batch(batch_id)
    if batch.sha256 is None:
        raise ConflictError(
            "not_exported",
            f"The payout file is written once the batch is approved; it is {batch.status}.",
        )
    subject, given = f"batch#{batch.batch_id}", {"sha256": batch.sha256}
    write([put_record(recorded(by, subject, "batch.file_downloaded", None, given))])
    expires_at = clock.now() + timedelta(seconds=URL_S)
    url = _files().generate_presigned_url(
        "get_object",
        Params={"Bucket": _BUCKET, "Key": file_key(batch.batch_id)},
        ExpiresIn=URL_S,
    )
    return Download(url, batch.sha256, clock.text(expires_at))
