"""Step 2b of the way of a click: confirm the conversions whose vendors were silent long enough."""

from typing import Any

from linkage.domain import clock
from linkage.edge.runtime import logger, metrics, record_held
from linkage.flow.conversions.confirming_by_silence import confirm_due

STOP_BEFORE_END_MS = 10_000


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Confirms until done or nearly out of time; the next tick goes on where this one stopped."""
    confirmed, failed, left_ages_s = 0, 0, [0]
    for due in confirm_due(clock.now()):
        confirmed += due.confirmed
        if due.held_reason:
            record_held(due.conversion_id, due.held_reason)
        if due.error is not None:
            failed += 1
            left_ages_s.append(due.age_s)
            logger.error(
                "conversion not confirmed",
                conversion_id=due.conversion_id,
                error=repr(due.error),
                exc_info=due.error,
            )
        if context.get_remaining_time_in_millis() < STOP_BEFORE_END_MS:
            left_ages_s.append(due.age_s)
            break
    metrics.add_metric("ConversionConfirmedBySilence", unit="Count", value=confirmed)
    metrics.add_metric("ConversionNotConfirmed", unit="Count", value=failed)
    metrics.add_metric("OldestAwaitingAge", unit="Seconds", value=max(left_ages_s))
    return {"confirmed": confirmed, "failed": failed, "oldest_age_s": max(left_ages_s)}
