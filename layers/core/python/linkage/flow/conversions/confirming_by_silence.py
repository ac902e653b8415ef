"""Confirming by silence: a conversion of which its vendor said nothing until its days are over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.flow.conversions.vendor_decisions import confirm_silently
from linkage.tables.conversions import AWAITING_SHARDS, awaiting_confirmation


@dataclass(frozen=True)
class Due:
    """A conversion silence should have confirmed so long ago.

    `confirmed` is False if the vendor spoke or another tick came first, if it is now held for this
    reason, or if an `error` says why it still waits.
    """

    conversion_id: str
    age_s: int
    confirmed: bool
    error: Exception | None
    held_reason: str | None = None


def confirm_due(moment: datetime) -> Iterator[Due]:
    """Confirms what is due by the moment, longest due first in each shard, one at a time.

    One that fails, whatever its error, is reported and passed over, so that it cannot hold up the
    others.
    """
    for shard in range(AWAITING_SHARDS):
        for conversion_id, confirm_at in awaiting_confirmation(shard, clock.text(moment)):
            became: Conversion | None = None
            error: Exception | None = None
            try:
                became = confirm_silently(conversion_id)
            except Exception as failed:  # noqa: BLE001, one of many
                error = failed
            age_s = int((moment - clock.instant(confirm_at)).total_seconds())
            held_reason = became.held_reason if became else None
            confirmed = became is not None and held_reason is None
            yield Due(conversion_id, age_s, confirmed, error, held_reason)
