"""Beside the way of a click: count what the edge redirected, from its log."""

from typing import Any

from linkage.domain.clicks.edge_log import StrangeLogError
from linkage.edge.runtime import logger, metrics
from linkage.flow.clicks.edge_counting import count_log


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Counts the log file that S3 has announced; a file announced twice counts once."""
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    try:
        counted = count_log(bucket, key)
    except StrangeLogError as error:
        logger.error("log not counted", key=key, error=str(error))
        metrics.add_metric("EdgeLogStrange", unit="Count", value=1)
        return {"clicks": 0}
    metrics.add_metric("EdgeClickCounted", unit="Count", value=counted.clicks)
    if counted.unknown:
        logger.error("links not found", key=key, clicks=counted.unknown)
        metrics.add_metric("EdgeLogStrange", unit="Count", value=counted.unknown)
    return vars(counted)
