"""Logging and metrics, made once for each function."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from linkage.domain.errors import TooManyRequestsError

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


def record_batches(
    ages_s: Mapping[str, int], missed: Sequence[Mapping[str, str]], lost: Collection[str]
) -> None:
    """Counts at once how long batches stay where they are, and logs those that nobody made.

    `lost` are those whose payout file is there and which are not. A metric costs for each hour it
    says something in: of those that are 0 the first alone is said, whose alarm also hears that
    nobody looks any more.
    """
    counts = {"BatchMissed": len(missed), "PayoutFileWithoutBatch": len(lost)}
    for at, (name, value) in enumerate({**ages_s, **counts}.items()):
        if value or at == 0:
            unit = "Count" if name in counts else "Seconds"
            metrics.add_metric(name, unit=unit, value=value)
    metrics.flush_metrics()
    for each in missed:
        logger.warning("BatchMissed", extra=dict(each))
    if lost:
        logger.error("PayoutFileWithoutBatch: nothing is planned", batch_ids=sorted(lost))


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
