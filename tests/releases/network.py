"""Networks made by earlier releases, opened in memory at the moment they were left.

A release's folder has `network.json.xz`, every item of every table as DynamoDB had it, and
`answers.json.xz`, what that release itself said of them; its README says how they were made.
"""

import json
import lzma
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from linkage.domain import clock
from tests.aws_tables import forget_versions
from tests.faults.expressions import Item
from tests.faults.standin import Standin
from tests.faults.store import size_of
from tests.releases.questions import Outside, sent, serving

FIRST = "2026-11-22"


@dataclass
class Opened:
    """An earlier release's network under today's code; `moment` is its only clock.

    `outside` has the queue and the bucket of payouts, `secrets` the keys by whose they are:
    `operator`, a vendor as `shop mem_…`, an affiliate by its id.
    """

    standin: Standin
    outside: Outside
    secrets: Mapping[str, str]
    moment: datetime

    def pass_time(self, **of: float) -> None:
        """Moves the clock on."""
        self.moment += timedelta(**of)

    def call(self, method: str, url: str, body: object = None, who: str = "operator") -> Any:
        """The body of a call of the API that must succeed."""
        status, text = sent(method, url, body, self.secrets[who])
        assert status < 300, (method, url, body, status, text)
        return json.loads(text) if text else None


@contextmanager
def opened(release: str = FIRST) -> Iterator[Opened]:
    """The network of a release on a DynamoDB of its own, under the clock it was left at."""
    head, also, items = _stored(release)
    standin, outside = Standin(), Outside()
    outside.files.update(also["files"])
    outside.messages += also["messages"]
    for noun, item, size in items:
        table = standin.tables[noun]
        table.store(table.key_in(item), item, size)
    moment = clock.instant(head["moment"])
    network = Opened(standin, outside, answers(release)["secrets"], moment)
    forget_versions()
    with (
        serving(standin),
        outside.open(),
        patch.object(clock, "now", lambda: network.moment),
        patch("time.sleep"),
    ):
        yield network
    forget_versions()


@cache
def answers(release: str = FIRST) -> dict[str, Any]:
    """What the release said of its own network."""
    found: dict[str, Any] = json.loads(_read(release, "answers"))
    return found


@cache
def _stored(release: str) -> tuple[dict[str, Any], dict[str, Any], list[tuple[str, Item, int]]]:
    """The items are shared by all who open the release: the stand-in replaces, never changes."""
    head, also, *lines = map(json.loads, _read(release, "network").split("\n"))
    items = ((noun, {name: _value(own) for name, own in item.items()}) for noun, item in lines)
    return head, also, [(noun, item, size_of(item)) for noun, item in items]


def _read(release: str, name: str) -> str:
    content = (Path(__file__).parent / release / f"{name}.json.xz").read_bytes()
    return lzma.decompress(content).decode()


def _value(kept: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute as DynamoDB has it; what was deflated is deflated again."""
    ((kind, content),) = kept.items()
    match kind:
        case "deflated":
            return {"B": zlib.compress(content.encode(), 9)}
        case "B":
            return {"B": b64decode(content)}
        case "M":
            return {"M": {name: _value(own) for name, own in content.items()}}
        case "L":
            return {"L": [_value(own) for own in content]}
    return {kind: content}
