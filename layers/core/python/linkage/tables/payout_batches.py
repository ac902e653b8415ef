"""The payouts table: batches, and the pages of affiliates they are worked on in."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.payouts.payouts import REBOOKING, Batch, Page, Payout
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute
from linkage.tables.dynamodb.pages import read_page
from linkage.tables.payout_items import (
    BATCH,
    TABLE,
    Operations,
    PayoutItem,
    fields_but,
    find_item,
    page_key,
    payout_key,
)
from linkage.tables.payouts import remove_payout

_LATEST = 100
_COUNTED_LATER = ("held_count", "held_minor", "removed_count", "removed_minor")


def put_batch(batch: Batch, also: Operations = ()) -> None:
    """Stores a new batch, with the `also` operations.

    Raises ConditionFailedError, with the stored one first if the id exists.
    """
    values = fields_but(batch, "count") | {"created_by_person": batch.created_by_person or None}
    wire = PayoutItem(item=BATCH, listing=BATCH, payout_count=batch.count, **values).serialize()
    transactions.write([transactions.put_wire(TABLE, wire, "batch_id"), *also])


def find_batch(batch_id: str) -> Batch | None:
    """The batch as last written, or None."""
    item = find_item(batch_id, BATCH)
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
        lambda **start: PayoutItem.by_listing.query(BATCH, scan_index_forward=False, **start),
        _batch,
        keys=("listing", "created_at", "batch_id", "item"),
        limit=limit,
        cursor=cursor,
    )


def unfinished_batches() -> list[Batch]:
    """Those of the latest batches that may still have work to be done for them."""
    latest = PayoutItem.by_listing.query(BATCH, scan_index_forward=False, limit=_LATEST)
    return [_batch(item) for item in latest if item.status in {"planning", "approved", "cancelled"}]


def batch_statuses() -> dict[str, str]:
    """The status of every batch there ever was, by its id; the index may lag by moments."""
    found = PayoutItem.by_listing.query(BATCH, attributes_to_get=["batch_id", "status"])
    return {item.batch_id: item.status for item in found}


def last_rebooked_at() -> str | None:
    """When a batch was last booked again from its file; None if that never was."""
    found = PayoutItem.by_listing.query(
        BATCH,
        filter_condition=PayoutItem.rebooked_at.exists(),
        attributes_to_get=["rebooked_at"],
    )
    return max((item.rebooked_at for item in found), default=None)


def batches_since(moment: datetime) -> Iterator[Batch]:
    """The batches made since a moment, newest first."""
    since = PayoutItem.created_at >= clock.text(moment)
    found = PayoutItem.by_listing.query(BATCH, since, scan_index_forward=False)
    return (_batch(item) for item in found)


def mark_aged(batch_id: str) -> None:
    """Says that every payout of a batch which had no result in time is `unknown`."""
    _update_batch(
        batch_id,
        "SET aged_at = :now",
        "attribute_exists(batch_id)",
        {":now": clock.text(clock.now())},
    )


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
                TABLE,
                {"batch_id": batch_id, "item": BATCH},
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
    except ConditionFailedError:
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
    except ConditionFailedError:
        return False
    return True


def _update_batch(
    batch_id: str,
    expression: str,
    condition: str,
    values: dict[str, Any],
    names: dict[str, str] | None = None,
) -> None:
    key = {"batch_id": batch_id, "item": BATCH}
    transactions.write(
        [
            transactions.update(
                TABLE, key, expression, condition=condition, values=values, names=names
            )
        ]
    )


def claim_for_rebooking(batch: Batch, was: str | None, also: Sequence[dict[str, Any]] = ()) -> None:
    """Makes a batch `rebooking`, which nothing else works on; `was` is None if it is not there.

    Raises ConditionFailedError if it has another status by now.
    """
    if was is None:
        claimed = replace(batch, status=REBOOKING)
        wire = PayoutItem(
            item=BATCH, listing=BATCH, payout_count=0, **fields_but(claimed, "count")
        ).serialize()
        claim = transactions.put_wire(TABLE, wire, "batch_id")
    else:
        claim = transactions.update(
            TABLE,
            {"batch_id": batch.batch_id, "item": BATCH},
            "SET #status = :becomes, planned_whole = :yes",
            condition="#status = :was",
            values={":becomes": REBOOKING, ":was": was, ":yes": True},
            names={"#status": "status"},
        )
    transactions.write([claim, *also])


def shut_page(page: Page) -> None:
    """Closes a page as it is, whatever was left to be done on it."""
    transactions.write(
        [
            transactions.update(
                TABLE,
                {"batch_id": page.batch_id, "item": page_key(page.number)},
                "SET #status = :closed",
                condition="attribute_exists(batch_id)",
                values={":closed": "closed"},
                names={"#status": "status"},
            )
        ]
    )


def put_shut_page(page: Page) -> None:
    """Adds a page on which nothing is to be done; raises ConditionFailedError if it is there."""
    wire = PayoutItem(
        page.batch_id, page_key(page.number), payout_count=0, **fields_but(page, "batch_id")
    ).serialize()
    transactions.write([transactions.put_wire(TABLE, wire, "batch_id")])


def put_rebooked(payout: Payout, was: Payout | None) -> dict[str, Any]:
    """The operation that stores a payout as its file has it, over what it `was`, if it still is."""
    wire = PayoutItem(
        payout.batch_id, payout_key(payout.payout_id), **fields_but(payout, "batch_id")
    ).serialize()
    if was is None:
        return transactions.put_wire(TABLE, wire, "batch_id")
    return transactions.set_over(TABLE, wire, ("batch_id", "item"), {"status": was.status})


def remove_rebooked(payout: Payout, at: str, by: str, reason: str) -> list[dict[str, Any]]:
    """The operations that take out a payout that its batch's file does not have, if it is debited.

    The batch counts them when all are out.
    """
    changed, _, named = remove_payout(payout, at, by, reason)
    return [changed, named]


def finish_rebooking(batch: Batch) -> None:
    """Stores a batch whose payouts are those of its file as it says, if it is still `rebooking`."""
    wire = PayoutItem(
        item=BATCH, listing=BATCH, payout_count=batch.count, **fields_but(batch, "count")
    ).serialize()
    keys = ("batch_id", "item")
    transactions.write([transactions.set_over(TABLE, wire, keys, {"status": REBOOKING})])


def put_page(page: Page) -> bool:
    """Adds an open page to a batch being planned; False if another planner came first.

    It came first if it has added this page, with whatever affiliates, or ended the planning.
    """
    wire = PayoutItem(
        page.batch_id, page_key(page.number), payout_count=0, **fields_but(page, "batch_id")
    ).serialize()
    count = transactions.update(
        TABLE,
        {"batch_id": page.batch_id, "item": BATCH},
        "ADD open_pages :one, pages :one",
        condition="#status = :planning AND planned_whole = :no",
        values={":one": 1, ":planning": "planning", ":no": False},
        names={"#status": "status"},
    )
    try:
        transactions.write([transactions.put_wire(TABLE, wire, "batch_id"), count])
    except ConditionFailedError:
        return False
    return True


def find_page(batch_id: str, number: int) -> Page | None:
    """One page of a batch as last written, or None."""
    item = find_item(batch_id, page_key(number))
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
        TABLE,
        {"batch_id": page.batch_id, "item": page_key(page.number)},
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
        TABLE,
        {"batch_id": page.batch_id, "item": BATCH},
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
    except ConditionFailedError:
        return False
    return True


def mark_page_returned(page: Page) -> None:
    """Says that every payout of a cancelled batch's page has been given back."""
    transactions.write(
        [
            transactions.update(
                TABLE,
                {"batch_id": page.batch_id, "item": page_key(page.number)},
                "SET #status = :returned",
                condition="attribute_exists(batch_id)",
                values={":returned": "returned"},
                names={"#status": "status"},
            )
        ]
    )


def _batch(item: PayoutItem) -> Batch:
    same = {name: getattr(item, name) for name in Batch.__dataclass_fields__ if name != "count"}
    own_form = {
        "four_eyes": bool(item.four_eyes),
        "created_by_person": item.created_by_person or "",
    }
    later = {name: int(same[name] or 0) for name in _COUNTED_LATER}
    return Batch(**same | own_form | later, count=int(item.payout_count))


def _page(item: PayoutItem) -> Page:
    return Page(
        batch_id=item.batch_id,
        number=int(item.number),
        affiliate_ids=tuple(item.affiliate_ids),
        status=item.status,
        skipped=item.skipped or {},
    )
