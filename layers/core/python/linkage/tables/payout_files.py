"""The bucket of payout files: one a batch, and with it the batch as it was when it was approved.

The tables may be restored to an earlier second; the bucket never is. So what the file does not say
of its batch is kept beside it.
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from linkage.domain import clock
from linkage.domain.errors import NotFoundError
from linkage.domain.payouts.payouts import Batch
from linkage.tables.dynamodb.packed import known_fields
from linkage.tables.payout_batches import file_key

_BUCKET = os.environ["PAYOUT_FILES_BUCKET"]
_PREFIX, _SUFFIX = file_key("*").split("*")
_BATCH = "batch"
_SAID = frozenset(
    {
        *("batch_id", "currency", "cutoff", "status", "created_at", "created_by", "fingerprint"),
        *("approved_at", "approved_by", "four_eyes"),
    }
)
"""What a file does not say of its batch. S3 takes 2 KB, so no text that a person wrote."""
_files = boto3.client("s3", region_name=os.environ.get("AWS_REGION"))


@dataclass(frozen=True)
class PayoutFile:
    """A batch's file; `batch` is None where an earlier release wrote it."""

    content: bytes
    written_at: str
    batch: Batch | None


def put_file(batch: Batch, content: bytes) -> None:
    """Writes a batch's file; the same again changes nothing."""
    _files.put_object(
        Bucket=_BUCKET,
        Key=file_key(batch.batch_id),
        Body=content,
        ContentType="text/csv",
        Metadata={_BATCH: json.dumps(_said_of(batch), separators=(",", ":"))},
    )


def _said_of(batch: Batch) -> dict[str, Any]:
    return {name: value for name, value in asdict(batch).items() if name in _SAID}


def get_file(batch_id: str) -> PayoutFile:
    """A batch's file; raises NotFoundError."""
    try:
        answer = _files.get_object(Bucket=_BUCKET, Key=file_key(batch_id))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise NotFoundError("payout_file") from error
        raise
    said: dict[str, Any] | None = json.loads(answer["Metadata"].get(_BATCH, "null"))
    return PayoutFile(
        content=answer["Body"].read(),
        written_at=clock.text(answer["LastModified"]),
        batch=Batch(**known_fields(Batch, said)) if said else None,
    )


def has_file(batch_id: str) -> bool:
    """Whether a batch's file is in the bucket."""
    return batch_id in _listed(file_key(batch_id))


def batches_with_file() -> list[str]:
    """The batches whose file is in the bucket: one call for each 1,000 that there ever were."""
    return _listed(_PREFIX)


def _listed(prefix: str) -> list[str]:
    pages = _files.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET, Prefix=prefix)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    return [
        key.removeprefix(_PREFIX).removesuffix(_SUFFIX) for key in keys if key.endswith(_SUFFIX)
    ]
