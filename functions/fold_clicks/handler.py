"""Step 1c of the way of a click: fold what was counted, and bill the days that are complete."""

from datetime import date
from typing import Any

from linkage.domain import clock
from linkage.edge.runtime import logger, metrics, record_held
from linkage.flow.clicks.billing import DayNotBilledError, NotBilled
from linkage.flow.clicks.folding import FoldedDay, fold_again, fold_open_days, oldest_open_age_s


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Folds the days that are open or have changed; with `day` (`2026-11-22`) this one anyway, and
    with `"bill": false` its counts only."""
    now = clock.now()
    if "day" in event:
        folded = fold_again(date.fromisoformat(event["day"]), now, bill=event.get("bill", True))
        _report(folded)
        return {"day": str(folded.day), "closed": folded.closed}
    days = []
    for folded in fold_open_days(now):
        days.append(folded)
        _report(folded)
    age_s = oldest_open_age_s(days, now)
    metrics.add_metric("OldestOpenDayAge", unit="Seconds", value=age_s)
    closed = sum(day.closed and not day.changed_after_close for day in days)
    return {"closed": closed, "oldest_age_s": age_s}


def _report(folded: FoldedDay) -> None:
    error = folded.error
    if error:
        failure = "closed day not folded again" if folded.closed else "day not closed"
        logger.error(failure, day=str(folded.day), error=repr(error), exc_info=error)
        metrics.add_metric("DayNotFolded", unit="Count", value=1)
    for missed in error.failed if isinstance(error, DayNotBilledError) else ():
        _report_missed(folded, missed)
    for held in folded.held:
        record_held(held.conversion_id, held.held_reason)
    if folded.changed_after_close:
        metrics.add_metric("DayChangedAfterClose", unit="Count", value=1)
        logger.warning("packs came after the day was closed", day=str(folded.day))
    elif folded.billed:
        metrics.add_metric("DayClosed", unit="Count", value=1)
    for refused in folded.billed.refused if folded.billed else ():
        metrics.add_metric("LinkDayNotBilled", unit="Count", value=1)
        _report_missed(folded, refused)


def _report_missed(folded: FoldedDay, missed: NotBilled) -> None:
    said: dict[str, Any] = {name: getattr(missed, name) for name in ("code", "quantity", "why")}
    said |= {"day": str(folded.day), "counted_event": missed.event}
    logger.error("link's day not billed", **said, exc_info=missed.error)
