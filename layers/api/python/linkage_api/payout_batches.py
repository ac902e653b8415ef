"""`/v1/payout-batches`: batches, their payouts, and their files."""

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from botocore.config import Config

from linkage import clock, views
from linkage.audit import recorded
from linkage.errors import ConflictError
from linkage.payouts import Batch, Payout
from linkage.tables.audit import put_record
from linkage.tables.payouts import (
    file_key,
    get_batch,
    list_batch_payouts,
    list_batches,
    list_pages,
)
from linkage.tables.transactions import write
from linkage_api.answers import answer, listed
from linkage_api.calls import Query, call, checked_id

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

router = Router()

FILE_URL_S = 900
SKIPPED_MAX = 1000

_BUCKET = os.environ["PAYOUT_FILES_BUCKET"]


@cache
def _files() -> "S3Client":
    config = Config(signature_version="s3v4")
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=config)


@router.get("/v1/payout-batches")
def index() -> Response[str]:
    """Every batch, newest first."""
    asked = call(router, "operator")
    limit, cursor = Query(asked).page()
    return listed(list_batches(limit, cursor), views.batch)


@router.get("/v1/payout-batches/<batch_id>")
def show(batch_id: str) -> Response[str]:
    """A batch with a page of its payouts, and on the first page whom it skipped and why."""
    asked = call(router, "operator")
    limit, cursor = Query(asked).page()
    batch = get_batch(checked_id("payout_batch", batch_id))
    page = list_batch_payouts(batch.batch_id, limit, cursor)
    shown = {
        **views.batch(batch),
        "created_by": batch.created_by,
        "created_by_person": batch.created_by_person or None,
        "four_eyes": batch.four_eyes,
        "approved_by": batch.approved_by,
        "payouts": [_payout(payout) for payout in page.data],
        "has_more": page.next_cursor is not None,
        "next_cursor": page.next_cursor,
    }
    return answer(200, shown if cursor else {**shown, **_skipped(batch)})


def _payout(payout: Payout) -> dict[str, Any]:
    return {**views.payout(payout), "name": payout.name, "method": payout.method["type"]}


def _skipped(batch: Batch) -> dict[str, Any]:
    skipped = [
        {"affiliate_id": affiliate_id, "reason": reason}
        for page in list_pages(batch.batch_id)
        for affiliate_id, reason in page.skipped.items()
    ]
    return {"skipped_count": len(skipped), "skipped": skipped[:SKIPPED_MAX]}


@router.get("/v1/payout-batches/<batch_id>/file")
def file(batch_id: str) -> Response[str]:
    """An address to download the payout file from, good for 15 minutes, and the file's hash."""
    asked = call(router, "operator")
    batch = get_batch(checked_id("payout_batch", batch_id))
    if batch.sha256 is None:
        raise ConflictError(
            "not_exported",
            f"The payout file is written once the batch is approved; it is {batch.status}.",
        )
    subject, given = f"batch#{batch.batch_id}", {"sha256": batch.sha256}
    write([put_record(recorded(asked.key, subject, "batch.file_downloaded", None, given))])
    expires_at = clock.now() + timedelta(seconds=FILE_URL_S)
    url = _files().generate_presigned_url(
        "get_object",
        Params={"Bucket": _BUCKET, "Key": file_key(batch.batch_id)},
        ExpiresIn=FILE_URL_S,
    )
    return answer(200, {"url": url, "sha256": batch.sha256, "expires_at": clock.text(expires_at)})
