"""The links API at its edge: its requests as plain text, its answers, its line for a failure.

Requests are events of an HTTP API, payload version 2. The pages are fixed texts: nothing of a
request is ever written into one. The pixel is the same picture whatever becomes of it.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from linkage.clicks import PURPOSE_HEADERS, Visit
from linkage.destinations import redirected
from linkage.links import LinkState

_READ_HEADERS = ("sec-gpc", "dnt", *PURPOSE_HEADERS)
_PIXEL_PATH = "/pixel.gif"
_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
"""A transparent GIF of one pixel, 43 bytes, in base 64."""

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
_EARLY = _PAGE.format(
    title="This link is not open yet",
    advice="Please come back later, or ask whoever gave it to you when it opens.",
)
_UNAVAILABLE = _PAGE.format(
    title="This link cannot be opened right now",
    advice="Please try again in a minute.",
)


class LinkRequest(NamedTuple):
    """A visit of a link; a missing part is an empty text."""

    code: str
    visit: Visit


def link_request(event: Mapping[str, Any], at: datetime, country_header: str = "") -> LinkRequest:
    """Return the request an event carries; a strange event gives empty texts, never an error.

    `country_header` (lower case) names the header in which the owner's own network says where the
    visitor is; without one nobody's country is known.
    """
    about = _mapping(_mapping(event.get("requestContext")).get("http"))
    sent = _mapping(event.get("headers"))
    visit = Visit(
        ip=_text(about.get("sourceIp")),
        user_agent=_text(about.get("userAgent")),
        query=_text(event.get("rawQueryString")),
        at=at,
        method=_text(about.get("method")),
        headers={name: _text(sent[name]).strip() for name in _READ_HEADERS if name in sent},
        country=_text(sent.get(country_header)) if country_header else "",
        pixel=_text(event.get("rawPath")).endswith(_PIXEL_PATH),
    )
    return LinkRequest(_text(_mapping(event.get("pathParameters")).get("code")), visit)


def sent_on(visit: Visit, destination: str, click_id: str | None) -> dict[str, Any]:
    """Send the visitor to a live link's destination, or answer with the pixel."""
    if visit.pixel:
        return _pixel()
    location = redirected(destination, visit.query, click_id)
    return {"statusCode": 302, "headers": {**_FIXED_HEADERS, "Location": location}}


def not_found() -> dict[str, Any]:
    """Say that there is no such link; the same for a code that cannot be one."""
    return {"statusCode": 404, "headers": _PAGE_HEADERS, "body": _NOT_FOUND}


def closed(visit: Visit, state: LinkState | None) -> dict[str, Any]:
    """Say that the link does not exist (None), or is not live, without saying why."""
    if visit.pixel:
        return _pixel()
    if state is None:
        return not_found()
    body = _EARLY if state == "early" else _GONE
    return {"statusCode": 410, "headers": _PAGE_HEADERS, "body": body}


def unavailable(visit: Visit) -> dict[str, Any]:
    """Say that the link could not be looked up just now."""
    if visit.pixel:
        return _pixel()
    headers = {**_PAGE_HEADERS, "Retry-After": "60"}
    return {"statusCode": 503, "headers": headers, "body": _UNAVAILABLE}


def _pixel() -> dict[str, Any]:
    headers = {**_FIXED_HEADERS, "Content-Type": "image/gif", "X-Content-Type-Options": "nosniff"}
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
