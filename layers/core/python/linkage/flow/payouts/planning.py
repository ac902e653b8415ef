"""Planning a batch: its pages of affiliates, and one message to the work queue for each."""

import json
import os
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from itertools import batched, chain
from typing import Any

import boto3

from linkage.domain import clock
from linkage.domain.errors import ConditionFailedError, InvalidFieldError
from linkage.domain.payouts.payouts import (
    PAGE_SIZE_MAX,
    Batch,
    Page,
    require_approvable,
    require_cancellable,
    scheduled_batch_id,
)
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import SCHEDULE, record_by, recorded
from linkage.domain.terms.network import Planned, due_batches
from linkage.flow.payouts.payout_file_checks import (
    files_without_batch,
    require_every_file_booked,
    require_no_file,
    require_planned_since_restore,
)
from linkage.flow.payouts.sealing import take_out_unpayable
from linkage.flow.payouts.watching_batches import age, watched_batches
from linkage.tables import ledger, ledger_entries, payout_batches
from linkage.tables.api_keys import find_key
from linkage.tables.audit import put_record
from linkage.tables.settings import current_settings

DEBIT, GIVE_BACK = "debit", "give_back"
LOOKED_AT_MAX = 5_000
"""Payouts a request has the time to look at again; in a larger batch only the export does."""

_QUEUE_URL = os.environ["WORK_QUEUE_URL"]
_queue = boto3.client("sqs", region_name=os.environ.get("AWS_REGION"))


def start(batch: Batch) -> tuple[Batch, bool]:
    """Stores and plans a batch; also says whether it is a replay.

    Raises InvalidFieldError if the id was used for a batch with other terms, and ConflictError
    while a payout file in the bucket has no batch.
    """
    require_every_file_booked()
    who = (batch.created_by, batch.created_by_person)
    made = record_by(who, f"batch#{batch.batch_id}", "batch.created", None, batch)
    try:
        payout_batches.put_batch(batch, [put_record(made)])
    except ConditionFailedError:
        known = payout_batches.get_batch(batch.batch_id)
        if known.fingerprint != batch.fingerprint:
            raise InvalidFieldError(
                "/Idempotency-Key",
                "This Idempotency-Key made a batch with other terms. Use a new one.",
                code="idempotency_key_reused",
            ) from None
        plan(known)
        return payout_batches.get_batch(batch.batch_id), True
    plan(batch)
    return payout_batches.get_batch(batch.batch_id), False


def plan(batch: Batch) -> None:
    """Adds the pages still missing and sends one message for each open page.

    It may be repeated: pages are in a fixed order, and what was added stays as it is.
    """
    if batch.status != "planning":
        return
    pages = list(payout_batches.list_pages(batch.batch_id))
    if not batch.planned_whole:
        affiliates = chain.from_iterable(
            ledger.open_accounts(batch.currency, shard, None)
            for shard in range(ledger_entries.OPEN_SHARDS)
        )
        known = {affiliate_id for page in pages for affiliate_id in page.affiliate_ids}
        missing = (each for each in affiliates if each not in known)
        for number, affiliate_ids in enumerate(
            batched(missing, PAGE_SIZE_MAX, strict=False), len(pages) + 1
        ):
            page = Page(batch.batch_id, number, affiliate_ids)
            if not payout_batches.put_page(page):
                # Another planner's pages are not the ones read above: start again from them, or
                # an affiliate that the two saw in different places is in two pages or in none.
                plan(payout_batches.get_batch(batch.batch_id))
                return
            pages.append(page)
        payout_batches.finish_planning(batch.batch_id)
    send(DEBIT, [page for page in pages if page.status == "open"])
    payout_batches.become_planned(batch.batch_id)


def send(work: str, pages: list[Page]) -> None:
    """Asks the work queue to do one thing with each of these pages."""
    for page in pages:
        message = {"work": work, "batch_id": page.batch_id, "page": page.number}
        _queue.send_message(QueueUrl=_QUEUE_URL, MessageBody=json.dumps(message))


def approve(batch_id: str, approver: Key) -> Batch:
    """Approves a planned batch, which exports it; a second time changes nothing.

    Whoever is not to be paid by now is taken out of it first, as the export does again.
    """
    batch = payout_batches.get_batch(batch_id)
    if batch.approved_by is not None:
        return batch
    require_every_file_booked()
    require_planned_since_restore(batch)
    require_approvable(_with_maker(batch), approver, four_eyes=current_settings().four_eyes)
    if batch.count <= LOOKED_AT_MAX:
        take_out_unpayable(batch_id)
        batch = payout_batches.get_batch(batch_id)
    becomes = replace(batch, status="approved", approved_by=approver.key_id)
    record = _moved(batch, becomes, approver)
    try:
        payout_batches.move_batch(
            batch_id,
            "planned",
            "approved",
            [record],
            approved_by=approver.key_id,
            approved_at=clock.text(clock.now()),
        )
    except ConditionFailedError:
        return approve(batch_id, approver)
    return payout_batches.get_batch(batch_id)


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
    batch = payout_batches.get_batch(batch_id)
    if batch.status != "cancelled":
        require_cancellable(batch)
        require_no_file(batch_id)
        record = _moved(batch, replace(batch, status="cancelled"), by)
        try:
            payout_batches.move_batch(batch_id, "planned", "cancelled", [record])
        except ConditionFailedError:
            return cancel(batch_id, by)
    give_back(batch_id)
    return payout_batches.get_batch(batch_id)


def give_back(batch_id: str) -> None:
    """Sends a message for each page of a cancelled batch whose money is still out."""
    pages = payout_batches.list_pages(batch_id)
    send(GIVE_BACK, [page for page in pages if page.status != "returned"])


def tick(missing: Collection[str] | None = None) -> None:
    """Starts the batches the schedule asks for, pushes on those that were left half-way, and makes
    `unknown` what the bank has said nothing of.


    While payout files are `missing` their batches (looked up unless given), it plans nothing and
    leaves those batches alone. One that fails, whatever its error, stops no other; an
    ExceptionGroup names those that did.
    """
    if missing is None:
        missing = files_without_batch()
    due = () if missing else due_batches(current_settings(), clock.now())
    unfinished = [
        each
        for each in payout_batches.unfinished_batches()
        if not missing or (each.status != "planning" and each.batch_id not in missing)
    ]
    work = [
        *(
            (scheduled_batch_id(currency, planned.on), partial(_start_due, currency, planned))
            for currency, planned in due
        ),
        *((each.batch_id, partial(_push_on, each)) for each in unfinished),
        *((each.batch_id, partial(age, each)) for each in watched_batches(clock.now())),
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


def _start_due(currency: str, planned: Planned) -> None:
    batch_id = scheduled_batch_id(currency, planned.on)
    if payout_batches.find_batch(batch_id) is None:
        start(new_batch(batch_id, currency, planned.cutoff.isoformat(), SCHEDULE))


def _push_on(batch: Batch) -> None:
    if batch.status == "planning":
        plan(batch)
    elif batch.status == "cancelled":
        give_back(batch.batch_id)
    elif batch.status == "approved":
        payout_batches.touch_batch(batch.batch_id)


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
