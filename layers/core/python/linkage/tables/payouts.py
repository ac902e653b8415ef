"""The payouts table: the payouts of a batch, from their debit to the bank's last word."""

from collections.abc import Iterable, Iterator
from typing import Any

from linkage.domain.lists import Listed
from linkage.domain.payouts.payouts import REMOVABLE_IN, Page, Payout
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute
from linkage.tables.dynamodb.pages import read_page
from linkage.tables.payout_items import (
    BATCH,
    REMOVED,
    TABLE,
    PayoutItem,
    fields_but,
    find_item,
    page_key,
    payout_key,
)

_RESULT = ("status", "result_at", "result_by", "reference", "reason", "history")


# ---- one payout of a batch that is not exported yet


def hold_payout(payout: Payout, at: str, by: str, reason: str) -> list[dict[str, Any]]:
    """The operations that hold a payout, if it is debited and not held."""
    held = {":at": at, ":by": by, ":reason": reason}
    return [
        _change_debited(
            payout,
            "SET held_at = :at, held_by = :by, held_reason = :reason "
            "REMOVE released_at, released_by",
            held,
        ),
        _count_in_batch(payout, {"held_count": 1, "held_minor": payout.amount_minor}),
    ]


def release_payout(payout: Payout, at: str, by: str) -> list[dict[str, Any]]:
    """The operations that let a payout go on, if it is debited and held as it was read."""
    return [
        _change_debited(payout, "SET released_at = :at, released_by = :by", {":at": at, ":by": by}),
        _count_in_batch(payout, {"held_count": -1, "held_minor": -payout.amount_minor}),
    ]


def remove_payout(payout: Payout, at: str, by: str, reason: str) -> list[dict[str, Any]]:
    """The operations that take a payout out of its batch and name it there.

    They hold if it is debited, is held or not as it was read, and its batch not exported. Its
    method is kept under another name: a release that does not know of removals puts all payouts
    into the file, and fails on one without a method.
    """
    counts = {
        "payout_count": -1,
        "unsettled": -1,
        "total_minor": -payout.amount_minor,
        "removed_count": 1,
        "removed_minor": payout.amount_minor,
    }
    if payout.is_held:
        counts |= {"held_count": -1, "held_minor": -payout.amount_minor}
    named = PayoutItem(
        payout.batch_id,
        f"{REMOVED}{payout.payout_id}",
        status="removed",
        payout_id=payout.payout_id,
    )
    return [
        _change_debited(
            payout,
            "SET #status = :removed, removed_at = :at, removed_by = :by, reason = :reason, "
            "removed_method = :method REMOVE #method",
            {
                ":removed": "removed",
                ":at": at,
                ":by": by,
                ":reason": reason,
                ":method": NestedAttribute().serialize(payout.method),
            },
            {"#method": "method"},
        ),
        _count_in_batch(payout, counts),
        transactions.put_wire(TABLE, named.serialize(), "batch_id"),
    ]


def send_payout(payout: Payout) -> dict[str, Any]:
    """The operation that seals a payout for the file, if it is debited and not held."""
    return _change_debited(payout, "SET #status = :sent", {":sent": "sent"})


def _change_debited(
    payout: Payout,
    expression: str,
    values: dict[str, Any],
    names: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A change of a payout that is debited, and held or not as it was read."""
    as_read = {"held_at": payout.held_at, "released_at": payout.released_at}
    held = [
        f"{name} = :was_{name}" if at else f"attribute_not_exists({name})"
        for name, at in as_read.items()
    ]
    known = {f":was_{name}": at for name, at in as_read.items() if at}
    return transactions.update(
        TABLE,
        {"batch_id": payout.batch_id, "item": payout_key(payout.payout_id)},
        expression,
        condition=" AND ".join(["#status = :debited", *held]),
        values={":debited": "debited", **values, **known},
        names={"#status": "status", **(names or {})},
    )


def _count_in_batch(payout: Payout, counts: dict[str, int]) -> dict[str, Any]:
    """Adds to the counts of a payout's batch, if a payout can still be taken out of it."""
    states = {f":{state}": state for state in REMOVABLE_IN}
    return transactions.update(
        TABLE,
        {"batch_id": payout.batch_id, "item": BATCH},
        "ADD " + ", ".join(f"{name} :{name}" for name in counts),
        condition=" OR ".join(f"#status = {state}" for state in states),
        values=states | {f":{name}": value for name, value in counts.items()},
        names={"#status": "status"},
    )


def list_removed(batch_id: str, limit: int) -> list[Payout]:
    """At most so many payouts that were taken out of a batch, ordered by id."""
    named = PayoutItem.query(
        batch_id, PayoutItem.item.startswith(REMOVED), consistent_read=True, limit=limit
    )
    found = find_payouts(batch_id, [item.payout_id for item in named])
    return sorted(found, key=lambda each: each.payout_id)


# ---- payouts


def put_payout(payout: Payout, page: Page) -> list[dict[str, Any]]:
    """The operations that store a new payout and count it, if its page is still open."""
    counted = transactions.update(
        TABLE,
        {"batch_id": page.batch_id, "item": page_key(page.number)},
        "ADD payout_count :one",
        condition="#status = :open",
        values={":one": 1, ":open": "open"},
        names={"#status": "status"},
    )
    wire = PayoutItem(
        payout.batch_id, payout_key(payout.payout_id), **fields_but(payout, "batch_id")
    ).serialize()
    return [transactions.put_wire(TABLE, wire, "batch_id"), counted]


def move_payout(payout: Payout, becomes: str, **changes: str | None) -> dict[str, Any]:
    """The operation that moves a payout on, if it still has the status it was read with."""
    given = {name: value for name, value in changes.items() if value is not None}
    return transactions.update(
        TABLE,
        {"batch_id": payout.batch_id, "item": payout_key(payout.payout_id)},
        "SET #status = :becomes" + "".join(f", #{name} = :{name}" for name in given),
        condition="#status = :was",
        values={
            ":was": payout.status,
            ":becomes": becomes,
            **{f":{name}": value for name, value in given.items()},
        },
        names={"#status": "status", **{f"#{name}": name for name in given}},
    )


def answer_payout(payout: Payout, answered: Payout) -> dict[str, Any]:
    """The operation that gives a payout its results, if it still has those it was read with."""
    before, after = (
        PayoutItem(
            each.batch_id,
            payout_key(each.payout_id),
            **{name: getattr(each, name) for name in _RESULT},
        ).serialize()
        for each in (payout, answered)
    )
    was = {name: before[name]["S"] if name in before else None for name in _RESULT}
    return transactions.set_over(TABLE, after, ("batch_id", "item"), was, optional=_RESULT)


def count_settled(batch_id: str) -> dict[str, Any]:
    """The operation that counts one payout of a batch as settled."""
    return transactions.update(
        TABLE,
        {"batch_id": batch_id, "item": BATCH},
        "ADD unsettled :less",
        condition="attribute_exists(batch_id)",
        values={":less": -1},
    )


def find_payout(batch_id: str, payout_id: str) -> Payout | None:
    """One payout of a batch as last written, or None."""
    item = find_item(batch_id, payout_key(payout_id))
    return _payout(item) if item else None


def find_payouts(batch_id: str, payout_ids: Iterable[str]) -> list[Payout]:
    """Those payouts of a batch that exist, as last written."""
    keys = [(batch_id, payout_key(payout_id)) for payout_id in payout_ids]
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


def _payout(item: PayoutItem) -> Payout:
    values = {name: getattr(item, name) for name in Payout.__dataclass_fields__}
    own_form = {
        "method": item.method or item.removed_method,
        "history": tuple(item.history) if item.history else None,
    }
    return Payout(**values | own_form)
