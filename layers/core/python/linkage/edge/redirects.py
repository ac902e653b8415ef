"""The links API at its edge: its requests as plain text, its answers, its line for a failure.

Requests are events of an HTTP API, payload version 2. The pages are fixed texts: nothing of a
request is ever written into one.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

_FIXED_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Robots-Tag": "noindex",
}
_PAGE_HEADERS = {
    **_FIXED_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto }}
</style>
<h1>{title}</h1>
<p>{advice}</p>
</html>
"""
_NOT_FOUND = _PAGE.format(
    title="This link does not exist",
    advice="Check that the address is complete, or ask whoever gave it to you for a new one.",
)
_GONE = _PAGE.format(
    title="This link is no longer in use",
    advice="Ask whoever gave it to you for a new one.",
)
_UNAVAILABLE = _PAGE.format(
    title="This link cannot be opened right now",
    advice="Please try again in a minute.",
)


class LinkRequest(NamedTuple):
    """What a redirect needs of a request; a missing part is an empty text."""

    method: str
    code: str
    query: str
    ip: str
    user_agent: str


def link_request(event: Mapping[str, Any]) -> LinkRequest:
    """Return the request an event carries; a strange event gives empty texts, never an error."""
    about = _mapping(_mapping(event.get("requestContext")).get("http"))
    return LinkRequest(
        method=_text(about.get("method")),
        code=_text(_mapping(event.get("pathParameters")).get("code")),
        query=_text(event.get("rawQueryString")),
        ip=_text(about.get("sourceIp")),
        user_agent=_text(about.get("userAgent")),
    )


def found(location: str) -> dict[str, Any]:
    """Send the visitor to `location`, which must be a checked destination."""
    return {"statusCode": 302, "headers": {**_FIXED_HEADERS, "Location": location}}


def not_found() -> dict[str, Any]:
    """Say that there is no such link; the same for a code that cannot be one."""
    return {"statusCode": 404, "headers": _PAGE_HEADERS, "body": _NOT_FOUND}


def gone() -> dict[str, Any]:
    """Say that the link is paused, has expired, or leads where it no longer may."""
    return {"statusCode": 410, "headers": _PAGE_HEADERS, "body": _GONE}


def unavailable() -> dict[str, Any]:
    """Say that the link could not be looked up just now."""
    return {
        "statusCode": 503,
        "headers": {**_PAGE_HEADERS, "Retry-After": "60"},
        "body": _UNAVAILABLE,
    }


def report_failure(metric: str, error_code: str, **facts: object) -> None:
    """Write one log line that says what failed and, on AWS, counts one of `metric`."""
    counted = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [["service"]],
        "Metrics": [{"Name": metric, "Unit": "Count"}],
    }
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [counted]},
        "level": "ERROR",
        "service": "record_click",
        "error": error_code,
        metric: 1,
        **facts,
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
