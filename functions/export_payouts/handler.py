"""Step 6 of the way of a click: write the payout file of each batch that was approved."""

from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from linkage.edge.records import each_record
from linkage.edge.runtime import logger, metrics
from linkage.flow.payouts.exporting import export


def batch_of(record: DynamoDBRecord) -> str:
    """The id of the batch a record brings."""
    keys = record.dynamodb.keys if record.dynamodb else {}
    return keys["batch_id"]


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the records to be delivered again; exporting twice gives the same file."""
    stream = EventType.DynamoDBStreams
    return each_record(event, context, stream, lambda record: export(batch_of(record)), batch_of)
