"""Logging and metrics, made once for each function."""

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
metrics = Metrics()


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
