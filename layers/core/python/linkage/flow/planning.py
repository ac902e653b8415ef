"""Planning a batch: its pages of affiliates, and one message to the work queue for each."""

import json
import os
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import batched, chain
from typing import Any

import boto3

from linkage import clock
from linkage.audit import SCHEDULE, record_by, recorded
from linkage.errors import InvalidFieldError
from linkage.keys import Key
from linkage.network import due_batches
from linkage.payouts import (
    PAGE_SIZE_MAX,
    Batch,
    Page,
    require_approvable,
    require_cancellable,
    scheduled_batch_id,
)
from linkage.tables import entries, ledger, payouts
from linkage.tables.audit import put_record
from linkage.tables.keys import find_key
from linkage.tables.settings import current_settings
from linkage.tables.transactions import ConditionFailedError

DEBIT, GIVE_BACK = "debit", "give_back"

_QUEUE_URL = os.environ["WORK_QUEUE_URL"]
_queue = boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))


def start(batch: Batch) -> tuple[Batch, bool]:
    """Stores and plans a batch; also says whether it is a replay.

    Raises InvalidFieldError if the id was used for a batch with other terms.
    """
    who = (batch.created_by, batch.created_by_person)
    made = record_by(who, f"batch#{batch.batch_id}", "batch.created", None, batch)
    try:
        payouts.put_batch(batch, [put_record(made)])
    except ConditionFailedError:
        known = payouts.get_batch(batch.batch_id)
        if known.fingerprint != batch.fingerprint:
            raise InvalidFieldError(
                "/Idempotency-Key",
                "This Idempotency-Key made a batch with other terms. Use a new one.",
                code="idempotency_key_reused",
            ) from None
        plan(known)
        return payouts.get_batch(batch.batch_id), True
    plan(batch)
    return payouts.get_batch(batch.batch_id), False


def plan(batch: Batch) -> None:
    """Adds the pages still missing and sends one message for each open page.

    It may be repeated: pages are in a fixed order, and what was added stays as it is.
    """
    if batch.status != "planning":
        return
    pages = list(payouts.list_pages(batch.batch_id))
    if not batch.planned_whole:
        affiliates = chain.from_iterable(
            ledger.open_accounts(batch.currency, shard, None)
            for shard in range(entries.OPEN_SHARDS)
        )
        known = {affiliate_id for page in pages for affiliate_id in page.affiliate_ids}
        missing = (each for each in affiliates if each not in known)
        for number, affiliate_ids in enumerate(
            batched(missing, PAGE_SIZE_MAX, strict=False), len(pages) + 1
        ):
            page = Page(batch.batch_id, number, affiliate_ids)
            if not payouts.put_page(page):
                # Another planner's pages are not the ones read above: start again from them, or
                # an affiliate that the two saw in different places is in two pages or in none.
                plan(payouts.get_batch(batch.batch_id))
                return
            pages.append(page)
        payouts.finish_planning(batch.batch_id)
    send(DEBIT, [page for page in pages if page.status == "open"])
    payouts.become_planned(batch.batch_id)


def send(work: str, pages: list[Page]) -> None:
    """Asks the work queue to do one thing with each of these pages."""
    for page in pages:
        message = {"work": work, "batch_id": page.batch_id, "page": page.number}
        _queue.send_message(QueueUrl=_QUEUE_URL, MessageBody=json.dumps(message))


def approve(batch_id: str, approver: Key) -> Batch:
    """Approves a planned batch, which exports it; a second time changes nothing."""
    batch = payouts.get_batch(batch_id)
    if batch.approved_by is not None:
        return batch
    require_approvable(_with_maker(batch), approver, four_eyes=current_settings().four_eyes)
    becomes = replace(batch, status="approved", approved_by=approver.key_id)
    record = _moved(batch, becomes, approver)
    try:
        payouts.move_batch(batch_id, "planned", "approved", [record], approved_by=approver.key_id)
    except ConditionFailedError:
        return approve(batch_id, approver)
    return payouts.get_batch(batch_id)


def _with_maker(batch: Batch) -> Batch:
    """The batch with whom its key names by now, if it named nobody then, or nobody could."""
    if batch.created_by_person or batch.created_by == SCHEDULE:
        return batch
    key = find_key(batch.created_by)
    return replace(batch, created_by_person=key.person if key else "")


def _moved(batch: Batch, becomes: Batch, by: Key) -> dict[str, Any]:
    action = f"batch.{becomes.status}"
    return put_record(recorded(by, f"batch#{batch.batch_id}", action, batch, becomes))


def cancel(batch_id: str, by: Key) -> Batch:
    """Cancels a planned batch and asks for its money to be given back; may be repeated."""
    batch = payouts.get_batch(batch_id)
    if batch.status != "cancelled":
        require_cancellable(batch)
        record = _moved(batch, replace(batch, status="cancelled"), by)
        try:
            payouts.move_batch(batch_id, "planned", "cancelled", [record])
        except ConditionFailedError:
            return cancel(batch_id, by)
    give_back(batch_id)
    return payouts.get_batch(batch_id)


def give_back(batch_id: str) -> None:
    """Sends a message for each page of a cancelled batch whose money is still out."""
    pages = payouts.list_pages(batch_id)
    send(GIVE_BACK, [page for page in pages if page.status != "returned"])


def tick() -> None:
    """Starts the batches the schedule asks for, and pushes on those that were left half-way.

    One that fails, whatever its error, stops no other; an ExceptionGroup names those that did.
    """
    due = due_batches(current_settings(), clock.now())
    work = [
        *((scheduled_batch_id(*each), partial(_start_due, *each)) for each in due),
        *((each.batch_id, partial(_push_on, each)) for each in payouts.unfinished_batches()),
    ]
    failed: list[Exception] = []
    for batch_id, act in work:
        try:
            act()
        except Exception as error:  # noqa: BLE001, one of many
            error.add_note(f"while working on {batch_id}")
            failed.append(error)
    if failed:
        raise ExceptionGroup(f"{len(failed)} batches were not worked on", failed)


def _start_due(currency: str, on: date) -> None:
    batch_id = scheduled_batch_id(currency, on)
    if payouts.find_batch(batch_id) is None:
        cutoff = min(on, clock.day(clock.now())).isoformat()
        start(new_batch(batch_id, currency, cutoff, SCHEDULE))


def _push_on(batch: Batch) -> None:
    if batch.status == "planning":
        plan(batch)
    elif batch.status == "cancelled":
        give_back(batch.batch_id)
    elif batch.status == "approved":
        payouts.touch_batch(batch.batch_id)


def new_batch(
    batch_id: str,
    currency: str,
    cutoff: str,
    created_by: str,
    fingerprint: str | None = None,
    *,
    person: str = "",
) -> Batch:
    """A batch about to be planned, under the rules of now; `person` is whom its key names."""
    return Batch(
        batch_id=batch_id,
        currency=currency,
        cutoff=cutoff,
        status="planning",
        created_at=clock.text(clock.now()),
        created_by=created_by,
        fingerprint=fingerprint,
        four_eyes=current_settings().four_eyes,
        created_by_person=person,
    )
