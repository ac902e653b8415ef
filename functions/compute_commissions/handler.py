"""Step 3 of the way of a click: post each accepted fact as its stream record comes."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from linkage.edge.runtime import logger, metrics
from linkage.flow.posting import post_fact

processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False
)


def post(record: DynamoDBRecord) -> None:
    """Posts the fact of one record; a failure goes back to the stream, then to the sweeper."""
    keys = record.dynamodb.keys if record.dynamodb else {}
    if post_fact(keys["conversion_id"], keys["fact"]):
        metrics.add_metric("FactPosted", unit="Count", value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the records to be delivered again; posting them twice changes nothing."""
    return process_partial_response(event, post, processor, context)
