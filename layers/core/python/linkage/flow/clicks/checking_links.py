"""Following a link from outside, to see whether a visitor would arrive."""

from urllib.parse import parse_qs, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

FOLLOW_S = 10
"""No visitor waits longer."""

USER_AGENT = "Linkage-check/1.0 (bot)"
"""Counted among the bots, so that no statistics of visitors grow by it."""


class NotFollowedError(Exception):
    """A link did not lead anywhere; the message says what came instead."""


def follow(url: str) -> None:
    """Asks for a link once; raises NotFollowedError unless it redirects and promises its click."""
    try:
        answer = urllib3.request(
            "GET",
            url,
            headers={"user-agent": USER_AGENT},
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(total=FOLLOW_S),
        )
    except HTTPError as error:
        raise NotFollowedError(f"no answer: {error}") from error
    if answer.status != 302:
        raise NotFollowedError(f"answered {answer.status}")
    if "click_id" not in parse_qs(urlsplit(answer.headers.get("location", "")).query):
        raise NotFollowedError("redirected without a click_id: its click was not stored")
