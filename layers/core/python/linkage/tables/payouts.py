"""The payouts table: batches, the pages they are worked on in, and their payouts."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage import clock
from linkage.errors import NotFoundError
from linkage.payouts import Batch, Page, Payout
from linkage.tables import transactions
from linkage.tables.base import NestedAttribute, TableMeta
from linkage.tables.pages import Listed, read_page

type Operations = Sequence[dict[str, Any]]

_BATCH = "batch"
_LATEST = 100


class _AffiliateIndex(GlobalSecondaryIndex["PayoutItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = AllProjection()

    affiliate_id = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ListingIndex(GlobalSecondaryIndex["PayoutItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class PayoutItem(Model):
    """A batch, a page or a payout as stored."""

    class Meta(TableMeta):
        table_name = os.environ["PAYOUTS_TABLE"]

    batch_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    currency = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    listing = UnicodeAttribute(null=True)
    cutoff = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    planned_whole = BooleanAttribute(null=True)
    open_pages = NumberAttribute(null=True)
    pages = NumberAttribute(null=True)
    payout_count = NumberAttribute(null=True)
    total_minor = NumberAttribute(null=True)
    unsettled = NumberAttribute(null=True)
    approved_by = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    touched_at = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    four_eyes = BooleanAttribute(null=True)
    created_by_person = UnicodeAttribute(null=True)
    result_by = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    affiliate_ids = NestedAttribute(null=True)
    skipped = NestedAttribute(null=True)
    payout_id = UnicodeAttribute(null=True)
    affiliate_id = UnicodeAttribute(null=True)
    amount_minor = NumberAttribute(null=True)
    name = UnicodeAttribute(null=True)
    method = NestedAttribute(null=True)
    reference = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    by_affiliate = _AffiliateIndex()
    by_listing = _ListingIndex()


_TABLE = PayoutItem.Meta.table_name


# ---- batches


def put_batch(batch: Batch, also: Operations = ()) -> None:
    """Stores a new batch, with the `also` operations.

    Raises ConditionFailedError, with the stored one first if the id exists.
    """
    values = _without(batch, "count") | {"created_by_person": batch.created_by_person or None}
    wire = PayoutItem(item=_BATCH, listing=_BATCH, payout_count=batch.count, **values).serialize()
    transactions.write([transactions.put_wire(_TABLE, wire, "batch_id"), *also])


def find_batch(batch_id: str) -> Batch | None:
    """The batch as last written, or None."""
    item = _find(batch_id, _BATCH)
    return _batch(item) if item else None


def get_batch(batch_id: str) -> Batch:
    """The batch as last written; raises NotFoundError."""
    batch = find_batch(batch_id)
    if batch is None:
        raise NotFoundError("payout_batch")
    return batch


def list_batches(limit: int, cursor: str | None) -> Listed[Batch]:
    """Batches, newest first."""
    return read_page(
        lambda **start: PayoutItem.by_listing.query(_BATCH, scan_index_forward=False, **start),
        _batch,
        keys=("listing", "created_at", "batch_id", "item"),
        limit=limit,
        cursor=cursor,
    )


def unfinished_batches() -> list[Batch]:
    """Those of the latest batches that may still have work to be done for them."""
    latest = PayoutItem.by_listing.query(_BATCH, scan_index_forward=False, limit=_LATEST)
    return [_batch(item) for item in latest if item.status in {"planning", "approved", "cancelled"}]


def touch_batch(batch_id: str) -> None:
    """Writes an approved batch again, so that its stream delivers the approval again."""
    _update_batch(
        batch_id,
        "SET touched_at = :now",
        "attribute_exists(batch_id)",
        {":now": clock.text(clock.now())},
    )


def file_key(batch_id: str) -> str:
    """The one place of a batch's payout file."""
    return f"payouts/{batch_id}.csv"


def move_batch(
    batch_id: str, was: str, becomes: str, also: Operations = (), **changes: Any
) -> None:
    """Moves a batch from one status to another, with the `also` operations.

    Raises ConditionFailedError if it had moved.
    """
    names = {f"#{name}": name for name in changes}
    sets = "".join(f", #{name} = :{name}" for name in changes)
    transactions.write(
        [
            transactions.update(
                _TABLE,
                {"batch_id": batch_id, "item": _BATCH},
                f"SET #status = :becomes{sets}",
                condition="#status = :was",
                values={
                    ":was": was,
                    ":becomes": becomes,
                    **{f":{name}": value for name, value in changes.items()},
                },
                names={"#status": "status", **names},
            ),
            *also,
        ]
    )


def finish_planning(batch_id: str) -> None:
    """Says that no further page will come; the batch is planned once its last page closes."""
    _update_batch(
        batch_id, "SET planned_whole = :yes", "attribute_exists(batch_id)", {":yes": True}
    )


def become_planned(batch_id: str) -> bool:
    """Makes the batch `planned` if every page is there and closed; False if it is not so yet."""
    try:
        _update_batch(
            batch_id,
            "SET #status = :planned",
            "#status = :planning AND planned_whole = :yes AND open_pages = :none",
            {":planned": "planned", ":planning": "planning", ":yes": True, ":none": 0},
            {"#status": "status"},
        )
    except transactions.ConditionFailedError:
        return False
    return True


def become_settled(batch_id: str) -> bool:
    """Makes the batch `settled` if no payout is without a result; False if it is not so yet."""
    try:
        _update_batch(
            batch_id,
            "SET #status = :settled",
            "#status = :exported AND unsettled = :none",
            {":settled": "settled", ":exported": "exported", ":none": 0},
            {"#status": "status"},
        )
    except transactions.ConditionFailedError:
        return False
    return True


def _update_batch(
    batch_id: str,
    expression: str,
    condition: str,
    values: dict[str, Any],
    names: dict[str, str] | None = None,
) -> None:
    key = {"batch_id": batch_id, "item": _BATCH}
    transactions.write(
        [
            transactions.update(
                _TABLE, key, expression, condition=condition, values=values, names=names
            )
        ]
    )


# ---- pages


def put_page(page: Page) -> bool:
    """Adds an open page to a batch being planned; False if another planner came first.

    It came first if it has added this page, with whatever affiliates, or ended the planning.
    """
    wire = PayoutItem(
        page.batch_id, _page_key(page.number), payout_count=0, **_without(page, "batch_id")
    ).serialize()
    count = transactions.update(
        _TABLE,
        {"batch_id": page.batch_id, "item": _BATCH},
        "ADD open_pages :one, pages :one",
        condition="#status = :planning AND planned_whole = :no",
        values={":one": 1, ":planning": "planning", ":no": False},
        names={"#status": "status"},
    )
    try:
        transactions.write([transactions.put_wire(_TABLE, wire, "batch_id"), count])
    except transactions.ConditionFailedError:
        return False
    return True


def find_page(batch_id: str, number: int) -> Page | None:
    """One page of a batch as last written, or None."""
    item = _find(batch_id, _page_key(number))
    return _page(item) if item else None


def list_pages(batch_id: str) -> Iterator[Page]:
    """The pages of a batch in their order."""
    found = PayoutItem.query(batch_id, PayoutItem.item.startswith("page#"), consistent_read=True)
    return (_page(item) for item in found)


def close_page(page: Page, payouts: Sequence[Payout], skipped: dict[str, str]) -> bool:
    """Closes an open page and adds its payouts to the batch's totals.

    False if it has changed: it was closed before, or has more payouts than these by now.
    """
    closed = transactions.update(
        _TABLE,
        {"batch_id": page.batch_id, "item": _page_key(page.number)},
        "SET #status = :closed, skipped = :skipped",
        condition="#status = :open AND payout_count = :count",
        values={
            ":open": "open",
            ":closed": "closed",
            ":count": len(payouts),
            ":skipped": NestedAttribute().serialize(skipped),
        },
        names={"#status": "status"},
    )
    total = transactions.update(
        _TABLE,
        {"batch_id": page.batch_id, "item": _BATCH},
        "ADD open_pages :less, payout_count :count, unsettled :count, total_minor :total",
        condition="attribute_exists(batch_id)",
        values={
            ":less": -1,
            ":count": len(payouts),
            ":total": sum(payout.amount_minor for payout in payouts),
        },
    )
    try:
        transactions.write([closed, total])
    except transactions.ConditionFailedError:
        return False
    return True


def mark_page_returned(page: Page) -> None:
    """Says that every payout of a cancelled batch's page has been given back."""
    transactions.write(
        [
            transactions.update(
                _TABLE,
                {"batch_id": page.batch_id, "item": _page_key(page.number)},
                "SET #status = :returned",
                condition="attribute_exists(batch_id)",
                values={":returned": "returned"},
                names={"#status": "status"},
            )
        ]
    )


# ---- payouts


def put_payout(payout: Payout, page: Page) -> list[dict[str, Any]]:
    """The operations that store a new payout and count it, if its page is still open."""
    counted = transactions.update(
        _TABLE,
        {"batch_id": page.batch_id, "item": _page_key(page.number)},
        "ADD payout_count :one",
        condition="#status = :open",
        values={":one": 1, ":open": "open"},
        names={"#status": "status"},
    )
    wire = PayoutItem(
        payout.batch_id, _payout_key(payout.payout_id), **_without(payout, "batch_id")
    ).serialize()
    return [transactions.put_wire(_TABLE, wire, "batch_id"), counted]


def move_payout(payout: Payout, becomes: str, **changes: str | None) -> dict[str, Any]:
    """The operation that moves a payout on, if it still has the status it was read with."""
    given = {name: value for name, value in changes.items() if value is not None}
    return transactions.update(
        _TABLE,
        {"batch_id": payout.batch_id, "item": _payout_key(payout.payout_id)},
        "SET #status = :becomes" + "".join(f", #{name} = :{name}" for name in given),
        condition="#status = :was",
        values={
            ":was": payout.status,
            ":becomes": becomes,
            **{f":{name}": value for name, value in given.items()},
        },
        names={"#status": "status", **{f"#{name}": name for name in given}},
    )


def count_settled(batch_id: str) -> dict[str, Any]:
    """The operation that counts one payout of a batch as settled."""
    return transactions.update(
        _TABLE,
        {"batch_id": batch_id, "item": _BATCH},
        "ADD unsettled :less",
        condition="attribute_exists(batch_id)",
        values={":less": -1},
    )


def find_payout(batch_id: str, payout_id: str) -> Payout | None:
    """One payout of a batch as last written, or None."""
    item = _find(batch_id, _payout_key(payout_id))
    return _payout(item) if item else None


def find_payouts(batch_id: str, payout_ids: Iterable[str]) -> list[Payout]:
    """Those payouts of a batch that exist, as last written."""
    keys = [(batch_id, _payout_key(payout_id)) for payout_id in payout_ids]
    found = PayoutItem.batch_get(keys, consistent_read=True) if keys else ()
    return [_payout(item) for item in found]


def batch_payouts(batch_id: str) -> Iterator[Payout]:
    """All payouts of a batch, ordered by id."""
    found = PayoutItem.query(batch_id, PayoutItem.item.startswith("payout#"), consistent_read=True)
    return (_payout(item) for item in found)


def list_batch_payouts(batch_id: str, limit: int, cursor: str | None) -> Listed[Payout]:
    """A batch's payouts a page at a time, ordered by id."""
    return read_page(
        lambda **start: PayoutItem.query(batch_id, PayoutItem.item.startswith("payout#"), **start),
        _payout,
        keys=("batch_id", "item"),
        limit=limit,
        cursor=cursor,
    )


def list_payouts(affiliate_id: str, limit: int, cursor: str | None) -> Listed[Payout]:
    """An affiliate's payouts, newest first."""
    return read_page(
        lambda **start: PayoutItem.by_affiliate.query(
            affiliate_id, scan_index_forward=False, **start
        ),
        _payout,
        keys=("affiliate_id", "created_at", "batch_id", "item"),
        limit=limit,
        cursor=cursor,
    )


def _find(batch_id: str, item: str) -> PayoutItem | None:
    try:
        return PayoutItem.get(batch_id, item, consistent_read=True)
    except PayoutItem.DoesNotExist:
        return None


def _batch(item: PayoutItem) -> Batch:
    same = {name: getattr(item, name) for name in Batch.__dataclass_fields__ if name != "count"}
    own_form = {
        "four_eyes": bool(item.four_eyes),
        "created_by_person": item.created_by_person or "",
    }
    return Batch(**same | own_form, count=int(item.payout_count))


def _page(item: PayoutItem) -> Page:
    return Page(
        batch_id=item.batch_id,
        number=int(item.number),
        affiliate_ids=tuple(item.affiliate_ids),
        status=item.status,
        skipped=item.skipped or {},
    )


def _payout(item: PayoutItem) -> Payout:
    return Payout(**{name: getattr(item, name) for name in Payout.__dataclass_fields__})


def _without(value: Batch | Page | Payout, name: str) -> dict[str, Any]:
    return {key: each for key, each in asdict(value).items() if key != name}


def _page_key(number: int) -> str:
    return f"page#{number:06d}"


def _payout_key(payout_id: str) -> str:
    return f"payout#{payout_id}"
