"""Step 6 of the way of a click: write the payout file of each batch that was approved."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from linkage.edge.runtime import logger
from linkage.flow.exporting import export

processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False
)


def export_batch(record: DynamoDBRecord) -> None:
    """Exports the batch of one record; exporting it twice gives the same file."""
    keys = record.dynamodb.keys if record.dynamodb else {}
    export(keys["batch_id"])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the records to be delivered again."""
    return process_partial_response(event, export_batch, processor, context)
