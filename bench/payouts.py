"""What one payout costs in calls and units: a batch planned, debited, exported and settled.

100 affiliates are owed a commission each. The four functions' work is done once for all of them, as
the schedule, the work queue, the stream and an operator have it done, on a stand-in for DynamoDB in
memory. `python -m bench.payouts` prints one line of JSON.
"""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from bench import stream_batch  # before the tables are imported: it names them
from linkage.tables import payout_batches

os.environ |= {
    "WORK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
    "PAYOUT_FILES_BUCKET": "files",
}

from linkage.domain import clock
from linkage.domain.conversions.requests import Report
from linkage.domain.ids import computed, fingerprint
from linkage.domain.payouts.payouts import payout_id
from linkage.domain.payouts.requests import Result
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.terms.network import NetworkSettings
from linkage.flow.conversions import recording
from linkage.flow.payouts import debiting, exporting, planning, settling
from linkage.tables.members import put_member
from linkage.tables.programs import publish_program
from linkage.tables.settings import publish_settings
from tests.counted_units import counting
from tests.faults.standin import Standin
from tests.handlers import load_handler

AFFILIATES = 100
NAMES = tuple(computed("mem", f"affiliate-{number}") for number in range(AFFILIATES))
PROGRAM = replace(stream_batch.PLAIN, hold_days=0)
METHOD = {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"}


def counted() -> dict[str, Any]:
    """Calls and units per payout, step by step and in all."""
    with Standin().serving(), others() as messages:
        earn()
        batch_id = computed("bat", "bench")
        results = [
            Result(f"/results/{at}", payout_id(batch_id, name), "paid", f"EC-{at:06d}", None)
            for at, name in enumerate(NAMES)
        ]
        steps = {
            "planned": lambda: plan(batch_id),
            "debited": lambda: [debit(message) for message in messages],
            "approved and exported": lambda: approve(batch_id),
            "settled": lambda: settling.settle(batch_id, results, operator("key_one")),
        }
        figures = {}
        for name, work in steps.items():
            with counting() as units:
                work()
            figures[name] = units.per(AFFILIATES)
        batch = payout_batches.get_batch(batch_id)
        assert (batch.status, batch.count) == ("settled", AFFILIATES)
    measures = ("calls", "write_units", "index_write_units", "read_units")
    total = {each: sum(step[each] for step in figures.values()) for each in measures}
    return {"affiliates": AFFILIATES, "messages": len(messages), "steps": figures, "in_all": total}


@contextmanager
def others() -> Iterator[list[str]]:
    """Takes what is sent to the queue and to the bucket; the messages sent."""
    messages: list[str] = []
    real = BaseClient._make_api_call

    def call(client: Any, operation: str, request: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb":
            return real(client, operation, request)
        if operation == "SendMessage":
            messages.append(request["MessageBody"])
        return {}

    with patch.object(BaseClient, "_make_api_call", call):
        yield messages


def earn() -> None:
    """100 affiliates without an upline, each with a commission that is due."""
    publish_settings(NetworkSettings(version=1, payout_minimum_minor={"USD": 20}))
    put_member(stream_batch.member(stream_batch.SHOP, "vendor", ()))
    publish_program(PROGRAM)
    handler = load_handler("compute_commissions")
    records = []
    for number, name in enumerate(NAMES):
        put_member(replace(stream_batch.member(name, "affiliate", ()), payout_method=METHOD))
        conversion, _ = recording.report(
            Report(
                vendor_id=stream_batch.SHOP,
                program_id=PROGRAM.program_id,
                event="sale",
                external_id=f"order-2026-{number:06d}",
                amount_minor=25_030,
                currency="USD",
                fingerprint=fingerprint(number),
                click_id=None,
                affiliate_id=name,
                customer=Customer(),
                metadata={},
            )
        )
        key = {"conversion_id": conversion.conversion_id, "fact": "report"}
        records.append(stream_batch.record(key))
    with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
        answer = handler.handler({"Records": records}, stream_batch.Context())
    assert answer == {"batchItemFailures": []}


def plan(batch_id: str) -> None:
    """An operator makes a batch of all that is due today."""
    today = clock.day(clock.now()).isoformat()
    planning.start(planning.new_batch(batch_id, "USD", today, "key_one"))


def debit(message: str) -> None:
    """The work queue delivers a page."""
    body = json.loads(message)
    debiting.debit_page(body["batch_id"], body["page"])


def approve(batch_id: str) -> None:
    """Another operator approves, and the stream tells so."""
    planning.approve(batch_id, operator("key_two"))
    exporting.export(batch_id)


def operator(key_id: str) -> Key:
    """An operator's key."""
    return Key(key_id, "operator", None, "0" * 64, "2026-01-01T00:00:00.000Z")


if __name__ == "__main__":
    print(json.dumps(counted()))
