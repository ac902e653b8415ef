"""What a client is told when something else than its request was wrong: always something."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from linkage.domain.errors import LinkageError, UnavailableError, UnexpectedError
from linkage.edge.runtime import logger

INTERNAL = 500
"""From this status on, the request is not to blame."""

ANSWER_S = 1.5
"""What is left to answer in, before Lambda ends the invocation and the gateway says so plainly."""

_PASSING_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ResourceNotFoundException",  # a table is away: it is being restored
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_PASSING_REASONS = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


class _OutOfTimeError(BaseException):
    """No Exception, so that no retry of an SDK takes it for one of its own."""


@contextmanager
def in_time(context: Any) -> Iterator[None]:
    """Ends what still runs when there is only the time left to say so: UnavailableError.

    What it was doing is cut short as if the function had died there, which every write survives.
    """

    def end(*_: object) -> None:
        raise _OutOfTimeError

    left_s = context.get_remaining_time_in_millis() / 1000 - ANSWER_S
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))
    try:
        yield
    except _OutOfTimeError as late:
        raise UnavailableError from late
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def request_id(event: Mapping[str, Any]) -> str | None:
    """The gateway's id of a request, which its answer has in the header `apigw-requestid`."""
    about: Mapping[str, Any] = event.get("requestContext") or {}
    return about.get("requestId")


def said(error: Exception, event: Mapping[str, Any]) -> LinkageError:
    """What the client is told of an error; if the request is not to blame, the log has it all."""
    if isinstance(error, LinkageError):
        told = error
    else:
        told = UnavailableError() if _passes(error) else UnexpectedError()
    if told.status >= INTERNAL:
        logger.error(
            "request failed",
            request_id=request_id(event),
            route=event.get("routeKey"),
            path=event.get("rawPath"),
            code=told.code,
            exc_info=error,
        )
    return told


def _passes(error: BaseException | None) -> bool:
    """Whether AWS, at the bottom of an error, was away, overrun or changed by others meanwhile."""
    while error is not None:
        if isinstance(error, (HTTPClientError, NoConnectionError)):
            return True
        if isinstance(error, ClientError) and _is_passing(error):
            return True
        error = getattr(error, "cause", None) or error.__cause__
    return False


def _is_passing(error: ClientError) -> bool:
    said: Any = error.response
    status = said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reasons = {reason.get("Code") for reason in said.get("CancellationReasons", ())}
    passing = said["Error"]["Code"] in _PASSING_CODES or bool(reasons & _PASSING_REASONS)
    return passing or status >= INTERNAL
