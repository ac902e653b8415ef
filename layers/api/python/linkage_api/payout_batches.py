"""`/v1/payout-batches`: batches, their payouts, and their files."""

import os
from dataclasses import asdict
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
from linkage.flow.watching import watch
from linkage.payouts import Batch
from linkage.tables.audit import put_record
from linkage.tables.payouts import (
    file_key,
    get_batch,
    list_batch_payouts,
    list_batches,
    list_pages,
    list_removed,
)
from linkage.tables.transactions import write
from linkage_api.answers import answer, page_body
from linkage_api.calls import PAGE, call, checked_id
from linkage_api.payout_warnings import warnings_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

router = Router()

FILE_URL_S = 900
NAMED_MAX = 1000

_BUCKET = os.environ["PAYOUT_FILES_BUCKET"]


@cache
def _files() -> "S3Client":
    config = Config(signature_version="s3v4")
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=config)


@router.get("/v1/payout-batches")
def index() -> Response[str]:
    """Every batch, newest first, and on the first page those that the schedule has missed."""
    limit, cursor = call(router, "operator", query=PAGE).page()
    body = page_body(list_batches(limit, cursor), views.batch)
    return answer(200, body if cursor else {**body, "missed": [asdict(m) for m in watch().missed]})


@router.get("/v1/payout-batches/<batch_id>")
def show(batch_id: str) -> Response[str]:
    """A batch with a page of its payouts, each with what is odd about it.

    On the first page also whom it skipped and who was taken out, and why.
    """
    limit, cursor = call(router, "operator", query=PAGE).page()
    batch = get_batch(checked_id("payout_batch", batch_id))
    page = list_batch_payouts(batch.batch_id, limit, cursor)
    odd = warnings_of(page.data)
    shown = {
        **views.batch(batch),
        "created_by": batch.created_by,
        "created_by_person": batch.created_by_person or None,
        "four_eyes": batch.four_eyes,
        "approved_by": batch.approved_by,
        "payouts": [
            {**views.payout_in_batch(payout), "warnings": odd.get(payout.payout_id, [])}
            for payout in page.data
        ],
        "has_more": page.next_cursor is not None,
        "next_cursor": page.next_cursor,
    }
    return answer(200, shown if cursor else {**shown, **_skipped(batch), **_removed(batch)})


def _skipped(batch: Batch) -> dict[str, Any]:
    skipped = [
        {"affiliate_id": affiliate_id, "reason": reason}
        for page in list_pages(batch.batch_id)
        for affiliate_id, reason in page.skipped.items()
    ]
    return {"skipped_count": len(skipped), "skipped": skipped[:NAMED_MAX]}


def _removed(batch: Batch) -> dict[str, Any]:
    removed = list_removed(batch.batch_id, NAMED_MAX) if batch.removed_count else []
    return {
        "removed": [
            {
                "payout_id": payout.payout_id,
                "affiliate_id": payout.affiliate_id,
                "amount_minor": payout.amount_minor,
                "reason": payout.reason,
                "by": payout.removed_by,
                "at": payout.removed_at,
            }
            for payout in removed
        ]
    }


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
