"""Logging and metrics, made once for each function."""

from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics

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
