"""Step 1b of the way of a click: count it, with all that came in the same minute."""

from typing import Any

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

from linkage.edge.runtime import logger, metrics
from linkage.flow.clicks.counting import count_clicks


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[Any]]:
    """Packs the batch; if that fails the whole batch comes again, which changes nothing."""
    records = DynamoDBStreamEvent(event).records
    images = (record.dynamodb.new_image or {} for record in records if record.dynamodb)
    batch = count_clicks(images)
    metrics.add_metric("ClickPacked", unit="Count", value=batch.packed)
    for strange in batch.strange:
        metrics.add_metric("ClickNotCounted", unit="Count", value=1)
        logger.error("click not counted", click_id=strange.click_id, error=strange.why)
    return {"batchItemFailures": []}
