"""Step 5 of the way of a click: debit one page of a batch, or give its money back."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from linkage.edge.runtime import logger
from linkage.flow.debiting import debit_page, give_back_page

WORK = {"debit": debit_page, "give_back": give_back_page}

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def work(record: SQSRecord) -> None:
    """Does one message's work; doing it twice changes nothing."""
    message = record.json_body
    WORK[message["work"]](message["batch_id"], message["page"])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the messages to be delivered again."""
    return process_partial_response(event, work, processor, context)
