"""The redirect's handler as its Lambda loads it, a link, and events of its API."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import handlers

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "functions" / "record_click" / "handler.py"
TABLES = {
    "LINKS_TABLE": "links",
    "MEMBERS_TABLE": "members",
    "CLICKS_TABLE": "clicks",
    "HASH_SECRET": "a secret",
}
CODE = "abcdefgh"
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


def load_handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A new copy of the handler's module, with an empty memory of links."""
    for name, value in TABLES.items():
        monkeypatch.setenv(name, value)
    return handlers.load_handler("record_click")


def link_item(**changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": {"S": CODE},
        "link_id": {"S": "lnk_1"},
        "status": {"S": "active"},
        "destination_url": {"S": "https://shop.example/page?a=1#top"},
        "program_id": {"S": "prg_1"},
        "vendor_id": {"S": "mem_v"},
        "affiliate_id": {"S": "mem_a"},
        "sub": {"M": {"sub1": {"S": "flyer"}}},
        "created_at": {"S": "2026-11-01T00:00:00.000Z"},
    } | changes


def member_item(hosts: list[str], member_id: str = "mem_v") -> dict[str, Any]:
    """The vendor of the link, with what a redirect must not ask for."""
    return {
        "member_id": {"S": member_id},
        "email": {"S": "owner@shop.example"},
        "hosts": {"S": json.dumps(hosts)},
    }


def event(
    code: str = CODE,
    method: str = "GET",
    query: str = "",
    *,
    path: str = "",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    sent = {"user-agent": BROWSER, **(headers or {})}
    http = {
        "method": method,
        "path": path or f"/{code}",
        "protocol": "HTTP/1.1",
        "sourceIp": "196.4.1.2",
        "userAgent": sent["user-agent"],
    }
    return {
        "version": "2.0",
        "routeKey": f"{method} /{{code}}",
        "rawPath": http["path"],
        "rawQueryString": query,
        "headers": sent,
        "requestContext": {"http": http},
        "pathParameters": {"code": code},
        "isBase64Encoded": False,
    }
