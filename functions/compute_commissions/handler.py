"""Step 3 of the way of a click: post each accepted fact as its stream record comes."""

from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from linkage.domain.errors import LaterReleaseError
from linkage.edge.records import each_record
from linkage.edge.runtime import logger, metrics
from linkage.flow.commissions.posting import Fact, Posting


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
        try:
            posted = posting.post(*fact_of(record))
        except LaterReleaseError as error:  # the sweeper of that release posts it
            metrics.add_metric("FactOfLaterRelease", unit="Count", value=1)
            logger.warning("fact left alone", fact=fact_of(record), error=repr(error))
            return
        if posted:
            metrics.add_metric("FactPosted", unit="Count", value=1)

    answer = each_record(event, context, EventType.DynamoDBStreams, post, fact_of)
    metrics.add_metric("BindingsBeyondBound", unit="Count", value=posting.beyond_bindings)
    return answer
