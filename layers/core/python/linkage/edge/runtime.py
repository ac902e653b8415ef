"""Logging and metrics, made once for each function."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from linkage.errors import TooManyRequestsError

logger = Logger()
metrics = Metrics()


def notice(metric_name: str, **about: str | None) -> None:
    """Counts what seldom happens, at once, and logs what it is about."""
    logger.warning(metric_name, extra=about)
    metrics.add_metric(metric_name, unit="Count", value=1)
    metrics.flush_metrics()


@contextmanager
def noticing_refusals(metric_name: str, **about: str | None) -> Iterator[None]:
    """Notices whoever is refused meanwhile for having asked too often."""
    try:
        yield
    except TooManyRequestsError:
        notice(metric_name, **about)
        raise


def record_files_without_batch(batch_ids: Collection[str]) -> None:
    """Counts the payout files whose batch is not in the table, none too, and names them."""
    metrics.add_metric("PayoutFileWithoutBatch", unit="Count", value=len(batch_ids))
    metrics.flush_metrics()
    if batch_ids:
        logger.error("payout files without their batches, so nothing is planned", of=batch_ids)


def record_held(conversion_id: str, reason: str | None) -> None:
    """Logs and counts a confirmation that waits for an operator, if there is a reason for it.

    Counted under one name for all functions that confirm, so that one alarm hears of each.
    """
    if reason is None:
        return
    logger.warning("conversion held", conversion_id=conversion_id, reason=reason)
    with single_metric(
        name="ConversionHeld",
        unit=MetricUnit.Count,
        value=1,
        default_dimensions={"service": "conversions"},
    ):
        pass
