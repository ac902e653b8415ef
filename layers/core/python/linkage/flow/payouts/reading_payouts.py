"""Reading payouts: an affiliate's own, and a batch's with what is odd about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from linkage.domain.lists import Listed
from linkage.domain.payouts.payouts import Batch, Payout
from linkage.domain.people.api_keys import Key
from linkage.flow.payouts.payout_warnings import warnings_of
from linkage.flow.people.acting import acting_member
from linkage.tables.payout_batches import get_batch, list_batches, list_pages
from linkage.tables.payouts import list_batch_payouts, list_payouts, list_removed

NAMED_MAX = 1000


@dataclass(frozen=True)
class BatchPage:
    """A batch with a page of its payouts, and what is odd about each by its id.

    On the first page also whom the batch skipped and why, and the first so many taken out of it.
    """

    batch: Batch
    payouts: Listed[Payout]
    odd: Mapping[str, list[dict[str, Any]]]
    skipped: tuple[tuple[str, str], ...] = ()
    removed: tuple[Payout, ...] = ()


def payouts(by: Key, affiliate_id: str | None, limit: int, cursor: str | None) -> Listed[Payout]:
    """An affiliate's payouts, newest first; `affiliate_id` is for operators."""
    affiliate = acting_member(by, "affiliate", affiliate_id)
    return list_payouts(affiliate.member_id, limit, cursor)


def batches(by: Key, limit: int, cursor: str | None) -> Listed[Batch]:
    """Every batch, newest first; for operators."""
    by.require("operator")
    return list_batches(limit, cursor)


def batch_page(by: Key, batch_id: str, limit: int, cursor: str | None) -> BatchPage:
    """A batch as whoever is to approve it sees it; for operators. Raises NotFoundError."""
    by.require("operator")
    batch = get_batch(batch_id)
    page = list_batch_payouts(batch.batch_id, limit, cursor)
    odd = warnings_of(page.data)
    if cursor:
        return BatchPage(batch, page, odd)
    skipped = [each for part in list_pages(batch_id) for each in part.skipped.items()]
    removed = list_removed(batch_id, NAMED_MAX) if batch.removed_count else []
    return BatchPage(batch, page, odd, tuple(skipped), tuple(removed))
