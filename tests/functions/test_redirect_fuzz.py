"""Ten thousand malformed requests: each is answered, none is led astray, none fails."""

import itertools
import json
import random
import string
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from linkage.domain.clicks.links import CODE_ALPHABET
from linkage.tables.dynamodb.wire import DynamoDBError
from linkage.tables.recent_links import RecentLinks
from tests.functions.redirect import CODE, load_handler

REQUESTS = 10_000
HOSTS = ("shop.example", "*.builder.example")
AT = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)

STATUSES = {200, 302, 404, 410, 503}
ODD_VALUES: tuple[Any, ...] = (None, 0, 7, 1.5, True, [], ["x"], {}, {"code": CODE}, b"bytes", "")
SCRAPS = (
    *(
        "%0d%0a",
        "%0D%0ASet-Cookie:a=b",
        "\r\n",
        "\n",
        "\x00",
        "%00",
        "%7f",
        "\x7f",
        "\x85",
        "\u2028",
    ),
    *("//evil.example", "\\\\evil.example", "https://evil.example", "@evil.example", "#", "?", "&"),
    *(
        "&&",
        "=",
        ";",
        "%",
        "%zz",
        "%ff",
        "%c0%ae",
        "%25%30%64",
        "..",
        "/..//",
        "%2e%2e%2f",
        "<script>",
    ),
    *("é", "漢字", "\ud800", "\udfff", "\u202e", "\ufeff", "😀", "'", '"', "`", "${x}", "{{7*7}}"),
    *("sub1=", "sub5=%0a", "click_id=clk_x", "no-track", "no-track=0", "consent=no", "qr=1", "a=1"),
    *("x" * 300, "y=" * 2_000, "%41" * 700, "javascript:alert(1)", " ", "\t", "+", CODE),
)
DESTINATIONS = (
    "https://shop.example/page?a=1#top",
    "https://www.builder.example/?click_id=own&&b=%C3%A9",
    "https://shop.example/" + "p" * 1_900,
    "https://shop.example/?" + "q" * 2_026,
    "https://evil.example/",
    "https://shop.example/\r\nSet-Cookie: a=b",
    "javascript:alert(1)",
    "",
)


class Tables:
    """A stand-in for the client: a link of any kind, and refusals now and then."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.reads_failed = 0

    def get_item(
        self, table: str, key: dict[str, str], only: str | None = None
    ) -> dict[str, Any] | None:
        if self._rng.random() < 0.02:
            self.reads_failed += 1
            raise DynamoDBError("Unreachable", "", passing=True)
        if self._rng.random() < 0.1:
            return None
        if table == "members":
            return {**key, str(only): json.dumps(HOSTS)}
        subs = {
            f"sub{number}": _scraps(self._rng)[:255] for number in range(self._rng.randrange(7))
        }
        return {
            "code": key["code"],
            "link_id": "lnk_1",
            "status": self._rng.choice(["active"] * 9 + ["paused"]),
            "destination_url": self._rng.choice(DESTINATIONS),
            "program_id": "prg_1",
            "vendor_id": "mem_v",
            "affiliate_id": "mem_a",
            "sub": subs,
            "starts_at": self._rng.choice([None] * 9 + ["2026-11-22T05:30:00.001Z"]),
            "expires_at": self._rng.choice([None] * 9 + ["2026-11-22T05:30:00.000Z"]),
        }

    def put_new_item(self, _: str, item: dict[str, Any], key_name: str) -> bool:
        assert item[key_name][:4] in {"clk_", "imp_"}
        if self._rng.random() < 0.05:
            raise DynamoDBError("ThrottlingException", "", passing=True)
        return True


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    monkeypatch.setenv("COUNTRY_HEADER", "CloudFront-Viewer-Country")
    return load_handler(monkeypatch)


def test_ten_thousand_malformed_requests(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(20_261_122)
    tables, seen = Tables(rng), dict.fromkeys(STATUSES, 0)
    times = iter(range(REQUESTS))
    read = RecentLinks(tables, ("links", "members"), itertools.count().__next__)
    monkeypatch.setattr(function, "dynamodb", tables)
    monkeypatch.setattr(function, "links", read)
    monkeypatch.setattr(function.clock, "now", lambda: AT + timedelta(milliseconds=next(times)))

    for number in range(REQUESTS):
        event = _event(rng)
        failed_before = tables.reads_failed
        answer = function.handler(event, None)
        status = answer["statusCode"]
        seen[status] += 1
        assert status in STATUSES, (number, event)
        assert (status == 503) <= (tables.reads_failed > failed_before), (number, event)
        for name, value in answer["headers"].items():
            assert f"{name}{value}".isascii(), (number, event)
            assert f"{name}{value}".isprintable(), (number, event)
        assert ("Location" in answer["headers"]) == (status == 302), (number, event)
        if status == 302:
            _require_listed(answer["headers"]["Location"], (number, event))

    capsys.readouterr()
    assert sum(seen.values()) == REQUESTS
    assert min(seen.values()) > 50, seen


def _require_listed(location: str, told: object) -> None:
    address = urlsplit(location)
    assert address.scheme == "https", told
    assert address.netloc in {"shop.example", "www.builder.example"}, told
    assert "\\" not in location, told
    assert len(location) <= 2_048 + len("&click_id=clk_") + 32, told
    named = [value for name, value in parse_qsl(address.query) if name == "click_id"]
    assert [value[:4] for value in named] in ([], ["clk_"]), told


def _event(rng: random.Random) -> dict[str, Any]:
    """An event of an HTTP API with malformed parts, and now and then parts of the wrong kind."""
    code = rng.choice([CODE, CODE, "".join(rng.choices(CODE_ALPHABET, k=12)), _scraps(rng)])
    path = f"/{code}" + rng.choice(["", "", "", "/pixel.gif"])
    agent = rng.choice(["Mozilla/5.0 (X11; Linux x86_64) Firefox/131", _scraps(rng), ""])
    headers = {
        name: rng.choice(["1", "prefetch", "ZW", _scraps(rng)])
        for name in (
            "sec-gpc",
            "dnt",
            "sec-purpose",
            "purpose",
            "x-moz",
            "cloudfront-viewer-country",
        )
        if rng.random() < 0.1
    }
    event = {
        "rawPath": path,
        "rawQueryString": _scraps(rng) if rng.random() < 0.8 else "",
        "headers": {"user-agent": agent, **headers},
        "requestContext": {
            "http": {
                "method": rng.choice(["GET", "GET", "GET", "HEAD", "POST", "get", _scraps(rng)]),
                "sourceIp": rng.choice(["196.4.1.2", "::1", _scraps(rng)]),
                "userAgent": agent,
            }
        },
        "pathParameters": {"code": code},
    }
    if rng.random() < 0.15:
        _spoil(rng, event)
    return event


def _spoil(rng: random.Random, event: dict[str, Any]) -> None:
    places = [event, event["requestContext"], event["requestContext"]["http"], event["headers"]]
    place = rng.choice([*places, event["pathParameters"]])
    name = rng.choice(sorted(place))
    if rng.random() < 0.5:
        place[name] = rng.choice(ODD_VALUES)
    else:
        del place[name]


def _scraps(rng: random.Random) -> str:
    parts = [
        rng.choice(SCRAPS) if rng.random() < 0.7 else "".join(rng.choices(string.printable, k=5))
        for _ in range(rng.randrange(1, 9))
    ]
    return rng.choice(["", "&", "="]).join(parts)
