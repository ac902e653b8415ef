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
from linkage.flow.posting import Fact, Posting

processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False
)


def fact_of(record: DynamoDBRecord) -> Fact:
    """The key of the fact a record brings."""
    keys = record.dynamodb.keys if record.dynamodb else {}
    return keys["conversion_id"], keys["fact"]


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the records to be delivered again; posting them twice changes nothing.

    A failure goes back to the stream, then to the sweeper.
    """
    posting = Posting(fact_of(DynamoDBRecord(record)) for record in event["Records"])

    def post(record: DynamoDBRecord) -> None:
        if posting.post(*fact_of(record)):
            metrics.add_metric("FactPosted", unit="Count", value=1)

    return process_partial_response(event, post, processor, context)
