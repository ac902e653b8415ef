"""The links API at its edge: its requests as plain text, its answers, its line for a failure.

Requests are events of an HTTP API, payload version 2. The pages are fixed texts: nothing of a
request is ever written into one. The pixel is the same picture whatever becomes of it.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from linkage.edge.headers import SAFE_HEADERS

_PIXEL_PATH = "/pixel.gif"
_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
"""A transparent GIF of one pixel, 43 bytes, in base 64."""

_FIXED_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Robots-Tag": "noindex",
    **SAFE_HEADERS,
}
_PAGE_HEADERS = {
    **_FIXED_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
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
_EARLY = _PAGE.format(
    title="This link is not open yet",
    advice="Please come back later, or ask whoever gave it to you when it opens.",
)
_UNAVAILABLE = _PAGE.format(
    title="This link cannot be opened right now",
    advice="Please try again in a minute.",
)


class LinkRequest(NamedTuple):
    """What a redirect needs of a request; a missing part is an empty text."""

    code: str
    ip: str
    user_agent: str
    query: str
    method: str
    headers: Mapping[str, str]
    pixel: bool


def link_request(event: Mapping[str, Any], address_header: str = "") -> LinkRequest:
    """Return the request an event carries; a strange event gives empty texts, never an error.

    Its `ip` is what the edge says in `address_header` (lower case), `ip:port`; without that header
    it is who called.
    """
    about = _mapping(_mapping(event.get("requestContext")).get("http"))
    sent = _mapping(event.get("headers"))
    viewer = _text(sent.get(address_header)).rpartition(":")[0].strip("[]")
    return LinkRequest(
        code=_text(_mapping(event.get("pathParameters")).get("code")),
        ip=viewer or _text(about.get("sourceIp")),
        user_agent=_text(about.get("userAgent")),
        query=_text(event.get("rawQueryString")),
        method=_text(about.get("method")),
        headers={name: value for name, value in sent.items() if isinstance(value, str)},
        pixel=_text(event.get("rawPath")).endswith(_PIXEL_PATH),
    )


def sent_on(request: LinkRequest, location: str) -> dict[str, Any]:
    """Send the visitor to `location`, which must be a checked destination, or show the pixel."""
    if request.pixel:
        return _pixel()
    return {"statusCode": 302, "headers": {**_FIXED_HEADERS, "Location": location}}


def not_found() -> dict[str, Any]:
    """Say that there is no such link; the same for a code that cannot be one."""
    return {"statusCode": 404, "headers": _PAGE_HEADERS, "body": _NOT_FOUND}


def closed(request: LinkRequest, state: str | None) -> dict[str, Any]:
    """Say that the link does not exist (None), is `early`, or is not in use, without saying why."""
    if request.pixel:
        return _pixel()
    if state is None:
        return not_found()
    body = _EARLY if state == "early" else _GONE
    return {"statusCode": 410, "headers": _PAGE_HEADERS, "body": body}


def unavailable(request: LinkRequest) -> dict[str, Any]:
    """Say that the link could not be looked up just now."""
    if request.pixel:
        return _pixel()
    headers = {**_PAGE_HEADERS, "Retry-After": "60"}
    return {"statusCode": 503, "headers": headers, "body": _UNAVAILABLE}


def _pixel() -> dict[str, Any]:
    headers = {**_FIXED_HEADERS, "Content-Type": "image/gif"}
    return {"statusCode": 200, "headers": headers, "body": _PIXEL, "isBase64Encoded": True}


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
