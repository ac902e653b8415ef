"""What one redirect asks of DynamoDB, and how many bytes it stores and answers: counted.

`python -m bench.clicks` sends visits through the built function in this process, with a stand-in
that keeps every request, and prints one line of JSON.
"""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.standin import Standin
from bench.visits import CODES, events
from bench.worker import environment, loaded

VISITS = 1000
BATCHES = (50, 100, 250, 1000)


@contextmanager
def served(standin: Standin) -> Iterator[int]:
    """Serves the stand-in on a thread; its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(standin.serve(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def counted() -> dict[str, Any]:
    """Calls and write units of cold and warm redirects, and bytes of items and answers."""
    standin = Standin(keeps=True)
    with served(standin) as port:
        os.environ.update(environment(port))
        handler = loaded("linkage")
        visits = list(events(VISITS, seed=1))
        cold = {visit["pathParameters"]["code"]: visit for visit in visits}
        for visit in cold.values():
            handler(visit, None)
        cold_calls = dict(standin.counts)
        standin.counts.clear()
        standin.requests.clear()
        answers = [handler(visit, None) for visit in visits]
    from tests.counted_units import size, write_units

    items = [request["Item"] for request in standin.requests if "Item" in request]
    item_bytes = [size(item) for item in items]
    return {
        "visits": VISITS,
        "links": len(CODES),
        "first_visit_calls": {name: cold_calls[name] / len(cold) for name in sorted(cold_calls)},
        "calls": {name: standin.counts[name] / VISITS for name in sorted(standin.counts)},
        "write_units": sum(map(write_units, item_bytes)) / VISITS,
        "item_bytes": round(sum(item_bytes) / len(item_bytes)),
        "item_bytes_max": max(item_bytes),
        "answer_bytes": round(sum(map(answer_bytes, answers)) / VISITS),
        "packs": {str(batch): packed(items[:batch]) for batch in BATCHES},
    }


def packed(items: list[dict[str, Any]]) -> dict[str, float]:
    """What counting one batch of these clicks writes, per click."""
    from tests.aws_tables import TABLES

    os.environ.update({f"{noun.upper()}_TABLE": noun for noun in TABLES})
    from boto3.dynamodb.types import TypeDeserializer

    from linkage.flow.clicks.counting import count_clicks
    from tests.counted_units import counting, size
    from tests.faults.standin import Standin as Tables

    plain = TypeDeserializer().deserialize
    images = [{name: plain(value) for name, value in item.items()} for item in items]
    tables = Tables()
    with tables.serving(), counting() as units:
        batch = count_clicks(images)
    assert not batch.strange, "every click of a bench is a click"
    return {
        "calls": sum(units.calls.values()) / len(items),
        "write_units": units.table_units / len(items),
        "bytes": sum(map(size, tables.tables["statistics"].items())) / len(items),
    }


def answer_bytes(answer: dict[str, Any]) -> int:
    """What a visitor is sent: the function's own headers and body, and those API Gateway adds."""
    added = {
        "Date": "Sun, 22 Nov 2026 09:12:00 GMT",
        "Content-Length": "0",
        "Connection": "keep-alive",
        "Apigw-Requestid": "CA2bXgzjIAMEVlw=",
    }
    lines = ["HTTP/1.1 302 Found"]
    lines += [f"{name}: {value}" for name, value in (answer["headers"] | added).items()]
    return len("\r\n".join(lines)) + 4 + len(answer.get("body", ""))


if __name__ == "__main__":
    print(json.dumps(counted()))
