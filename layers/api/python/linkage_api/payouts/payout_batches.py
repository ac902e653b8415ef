"""`/v1/payout-batches`: batches, their payouts, and their files."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.payouts import views
from linkage.flow.payouts import reading_payouts
from linkage.flow.payouts.downloading import download
from linkage.flow.payouts.reading_payouts import NAMED_MAX, BatchPage
from linkage.flow.payouts.watching_batches import watch
from linkage_api.answers import answer, page_body
from linkage_api.calls import PAGE, call, checked_id

router = Router()


@router.get("/v1/payout-batches")
def index() -> Response[str]:
    """Every batch, newest first, and on the first page those that the schedule has missed."""
    asked = call(router, "operator", query=PAGE)
    limit, cursor = asked.page()
    body = page_body(reading_payouts.batches(asked.key, limit, cursor), views.batch)
    return answer(200, body if cursor else {**body, "missed": [asdict(m) for m in watch().missed]})


@router.get("/v1/payout-batches/<batch_id>")
def show(batch_id: str) -> Response[str]:
    """A batch with a page of its payouts, each with what is odd about it.

    On the first page also whom it skipped and who was taken out, and why.
    """
    asked = call(router, "operator", query=PAGE)
    limit, cursor = asked.page()
    checked = checked_id("payout_batch", batch_id)
    found = reading_payouts.batch_page(asked.key, checked, limit, cursor)
    batch, page = found.batch, found.payouts
    shown = {
        **views.batch(batch),
        "created_by": batch.created_by,
        "created_by_person": batch.created_by_person or None,
        "four_eyes": batch.four_eyes,
        "approved_by": batch.approved_by,
        "payouts": [
            {**views.payout_in_batch(payout), "warnings": found.odd.get(payout.payout_id, [])}
            for payout in page.data
        ],
        "has_more": page.next_cursor is not None,
        "next_cursor": page.next_cursor,
    }
    return answer(200, shown if cursor else {**shown, **_left_out(found)})


def _left_out(found: BatchPage) -> dict[str, Any]:
    """Whom a batch skipped, and who was taken out of it."""
    return {
        "skipped_count": len(found.skipped),
        "skipped": [
            {"affiliate_id": affiliate_id, "reason": reason}
            for affiliate_id, reason in found.skipped[:NAMED_MAX]
        ],
        "removed": [
            {
                "payout_id": payout.payout_id,
                "affiliate_id": payout.affiliate_id,
                "amount_minor": payout.amount_minor,
                "reason": payout.reason,
                "by": payout.removed_by,
                "at": payout.removed_at,
            }
            for payout in found.removed
        ],
    }


@router.get("/v1/payout-batches/<batch_id>/file")
def file(batch_id: str) -> Response[str]:
    """An address to download the payout file from, good for 15 minutes, and the file's hash."""
    asked = call(router, "operator")
    given = download(checked_id("payout_batch", batch_id), asked.key)
    return answer(200, asdict(given))
