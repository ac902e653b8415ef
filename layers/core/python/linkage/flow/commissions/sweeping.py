"""Sweeping: every accepted fact is posted in the end, whatever happened to its stream record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from linkage.domain import clock
from linkage.flow.commissions.posting import post_fact
from linkage.tables.conversions import UNPOSTED_SHARDS, unposted_facts

GRACE_S = 10
"""How long a fact is left to the stream before it is swept."""


@dataclass(frozen=True)
class Swept:
    """A fact the stream had not posted; `error` says why it still is not."""

    conversion_id: str
    fact: str
    age_s: int
    error: Exception | None


def sweep(moment: datetime) -> Iterator[Swept]:
    """Posts the facts older than the grace period, oldest first in each shard, one at a time.

    One that fails, whatever its error, is reported and passed over, so that it cannot hold up the
    others.
    """
    before = clock.text(moment - timedelta(seconds=GRACE_S))
    for shard in range(UNPOSTED_SHARDS):
        for conversion_id, fact, accepted_at in unposted_facts(shard, before):
            error: Exception | None = None
            try:
                post_fact(conversion_id, fact)
            except Exception as failed:  # noqa: BLE001, one of many
                error = failed
            age_s = int((moment - clock.instant(accepted_at)).total_seconds())
            yield Swept(conversion_id, fact, age_s, error)
