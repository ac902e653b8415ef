"""Step 5 of the way of a click: debit one page of a batch, or give its money back."""

from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from linkage.edge.records import each_record
from linkage.edge.runtime import logger, metrics
from linkage.flow.payouts.debiting import debit_page, give_back_page

WORK = {"debit": debit_page, "give_back": give_back_page}


def work(record: SQSRecord) -> None:
    """Does one message's work; doing it twice changes nothing."""
    message = record.json_body
    WORK[message["work"]](message["batch_id"], message["page"])


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> PartialItemFailureResponse:
    """Answers with the messages to be delivered again."""
    return each_record(event, context, EventType.SQS, work, lambda record: record.json_body)
