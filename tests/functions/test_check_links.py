"""The network's own link, followed from outside: whatever a visitor would not like is counted."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from linkage.domain.clicks.bots import is_bot
from linkage.flow.clicks import checking_links
from linkage.flow.clicks.checking_links import NotFollowedError, follow
from tests.handlers import load_handler

CONTEXT = SimpleNamespace(
    function_name="check_links",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:check_links",
    aws_request_id="1",
)
GOOD = (302, "https://shop.example/?click_id=clk_1")


@contextmanager
def links_api(status: int, location: str | None, seen: list[Any]) -> Iterator[str]:
    """An address on this machine that answers every request so; `seen` gets their user agents."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["user-agent"])
            self.send_response(status)
            if location is not None:
                self.send_header("location", location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("status", "location", "why"),
    [
        (404, None, "answered 404"),
        (410, None, "answered 410"),
        (503, None, "answered 503"),
        (200, None, "answered 200"),
        (301, GOOD[1], "answered 301"),
        (302, None, "without a click_id"),
        (302, "https://shop.example/", "without a click_id"),
    ],
)
def test_what_is_no_redirect_with_a_click_is_said(
    status: int, location: str | None, why: str
) -> None:
    with links_api(status, location, []) as url, pytest.raises(NotFollowedError, match=why):
        follow(f"{url}/abcdefgh")


def test_a_redirect_is_asked_for_once_and_not_followed_further_by_a_bot() -> None:
    seen: list[str] = []
    with links_api(*GOOD, seen) as url:
        follow(f"{url}/abcdefgh")
    assert len(seen) == 1
    assert is_bot(seen[0])


def test_nobody_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking_links, "FOLLOW_S", 0.2)
    with pytest.raises(NotFollowedError, match="no answer"):
        follow("http://127.0.0.1:9/abcdefgh")
    with pytest.raises(NotFollowedError, match="no answer"):
        follow("https://nowhere.invalid/abcdefgh")


@pytest.mark.parametrize(("answer", "count"), [(GOOD, 0), ((404, None), 1)])
def test_each_check_is_counted_so_that_silence_is_known_from_success(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, str | None],
    count: int,
) -> None:
    with links_api(*answer, []) as url:
        monkeypatch.setenv("LINKS_URL", url)
        handler: Callable[..., Any] = load_handler("check_links").handler
        assert handler({"code": "abcdefgh"}, CONTEXT) == {"followed": not count}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = [line["OwnLinkNotFollowed"] for line in lines if "OwnLinkNotFollowed" in line]
    assert counted == [[count]]
