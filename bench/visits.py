"""Visits to short links, as events of an HTTP API: many agents, most seen once, a few often."""

import json
import random
from collections.abc import Iterator
from typing import Any

CODES = tuple(f"benchShop{number}" for number in "23456789ABCDEFGHJKMN")
DESTINATION = "https://shop.example/tools/cordless-drill?colour=blue#reviews"

_AGENTS = (
    "Mozilla/5.0 (Linux; Android {a}; {m}) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{c}.0.{b}.{p} Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android {a}; {m} Build/{m}.{b}; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Version/4.0 Chrome/{c}.0.{b}.{p} Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/{c}.0.0.{p}.{a};]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {a}_{p} like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/{a}.{p} Mobile/15E{b} Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {a}_{p} like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E{b} Instagram {c}.0.0.{p}.{a} (iPhone12,1; iOS {a}_{p})",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{c}.0.{b}.{p} Safari/537.36 Edg/{c}.0.{b}.{p}",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_{p}) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/{a}.{p} Safari/605.1.15",
    "Opera/9.80 (Android; Opera Mini/{c}.0.{b}/191.{p}; U; en) Presto/2.12.423 Version/12.16",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{c}.0) Gecko/20100101 Firefox/{c}.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "WhatsApp/2.{c}.{p}.{a} A",
)
_WEIGHTS = (40, 10, 20, 8, 8, 4, 4, 3, 2, 1)
_MODELS = ("SM-A145F", "SM-S918B", "TECNO KG5j", "Infinix X6525", "itel A665L", "Redmi 12C", "K")
_QUERIES = ("", "", "", "sub1=flyer", "sub2=poster-7", "utm_source=status&utm_medium=social",
            "fbclid=IwAR2xSyn0thetic-click-identifier-of-sixty-one-characters-00")  # fmt: skip
REPEATED_AGENTS, REPEATED_SHARE = 200, 0.4


def events(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Visits; the same seed gives the same ones.

    Two in five are by one of 200 common agents, the rest by agents hardly seen again.
    """
    chosen = random.Random(seed)
    common = [_agent(random.Random(number)) for number in range(REPEATED_AGENTS)]
    for _ in range(count):
        is_common = chosen.random() < REPEATED_SHARE
        agent = chosen.choice(common) if is_common else _agent(chosen)
        ip = ".".join(str(chosen.randint(1, 250)) for _ in range(4))
        # As from the runtime: fresh objects, whose texts no cache has seen.
        yield json.loads(
            json.dumps(event(chosen.choice(CODES), agent, ip, chosen.choice(_QUERIES)))
        )


def _agent(chosen: random.Random) -> str:
    (pattern,) = chosen.choices(_AGENTS, _WEIGHTS)
    return pattern.format(
        a=chosen.randint(9, 18),
        b=chosen.randint(1000, 7999),
        c=chosen.randint(80, 142),
        m=chosen.choice(_MODELS),
        p=chosen.randint(0, 199),
    )


def event(code: str, agent: str, ip: str, query: str) -> dict[str, Any]:
    """One GET of a link, with what API Gateway (payload version 2) tells a function of it."""
    return {
        "version": "2.0",
        "routeKey": "GET /{code}",
        "rawPath": f"/{code}",
        "rawQueryString": query,
        "headers": {
            "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "accept-encoding": "gzip, deflate, br",
            "accept-language": "en-GB,en;q=0.9,sn;q=0.8",
            "content-length": "0",
            "host": "go.example.com",
            "referer": "https://www.facebook.com/",
            "sec-fetch-dest": "document",
            "sec-fetch-mode": "navigate",
            "sec-fetch-site": "cross-site",
            "user-agent": agent,
            "x-amzn-trace-id": "Root=1-6740e3a1-1a2b3c4d5e6f708192a3b4c5",
            "x-forwarded-for": ip,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "go.example.com",
            "domainPrefix": "go",
            "http": {
                "method": "GET",
                "path": f"/{code}",
                "protocol": "HTTP/1.1",
                "sourceIp": ip,
                "userAgent": agent,
            },
            "requestId": "CA2bXgzjIAMEVlw=",
            "routeKey": "GET /{code}",
            "stage": "$default",
            "time": "22/Nov/2026:09:12:00 +0000",
            "timeEpoch": 1795338720000,
        },
        "pathParameters": {"code": code},
        "isBase64Encoded": False,
    }
