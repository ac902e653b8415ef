"""Step 3b of the way of a click: post every fact the stream has left behind."""

from typing import Any

from linkage.domain import clock
from linkage.domain.errors import LaterReleaseError
from linkage.edge.runtime import logger, metrics
from linkage.flow.commissions.sweeping import sweep

STOP_BEFORE_END_MS = 10_000


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Sweeps until done or nearly out of time; the next sweep goes on where this one stopped."""
    posted, later, left_ages_s = 0, 0, [0]
    for swept in sweep(clock.now()):
        if swept.error is None:
            posted += 1
        else:
            left_ages_s.append(swept.age_s)
            logger.error(
                "fact not posted",
                conversion_id=swept.conversion_id,
                fact=swept.fact,
                error=repr(swept.error),
                exc_info=swept.error,
            )
            if isinstance(swept.error, LaterReleaseError):
                later += 1
        if context.get_remaining_time_in_millis() < STOP_BEFORE_END_MS:
            left_ages_s.append(swept.age_s)
            break
    metrics.add_metric("FactOfLaterRelease", unit="Count", value=later)
    metrics.add_metric("FactSwept", unit="Count", value=posted)
    metrics.add_metric("OldestUnpostedAge", unit="Seconds", value=max(left_ages_s))
    return {"posted": posted, "failed": len(left_ages_s) - 1, "oldest_age_s": max(left_ages_s)}
