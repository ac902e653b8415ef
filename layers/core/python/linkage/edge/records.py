"""The records of one batch, each worked on by itself: what fails is named, and comes again."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse

from linkage.edge.runtime import logger, metrics


def each_record[Record](
    event: dict[str, Any],
    context: Any,
    event_type: EventType,
    work: Callable[[Record], None],
    name_of: Callable[[Record], object],
) -> PartialItemFailureResponse:
    """Works on each record and answers with those to be delivered again.

    One that fails, whatever its error, stops no other: it is logged by its name and counted.
    """

    def named(record: Record) -> None:
        try:
            work(record)
        except Exception:
            logger.exception("record not done", record=name_of(record))
            metrics.add_metric("RecordFailed", unit="Count", value=1)
            raise

    processor = BatchProcessor(event_type=event_type, raise_on_entire_batch_failure=False)
    return process_partial_response(event, named, processor, context)
