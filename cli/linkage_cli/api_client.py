"""A client of the network's HTTP API, for the seed and the import of orders."""

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from linkage_cli.errors import CommandError, ExitCode
from linkage_cli.local.local_aws import is_loopback

ATTEMPTS_MAX = 8
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 8.0
TOO_MANY_REQUESTS = 429
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Where a company's own certificates are named, by the tools that read them."""
FOUND = 302


class ApiError(CommandError):
    """The API refused a request, or could not be reached."""

    exit_code = ExitCode.unreachable

    def __init__(self, status: int, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.field = field


class UnreachableError(ApiError):
    """The API gave no answer, or only failures of its own, however often it was asked."""

    def __init__(self, detail: str) -> None:
        super().__init__(0, detail)


class NoAnswerError(UnreachableError):
    """Nothing at all came back, so no other request would fare better."""


class StrangeAnswerError(ApiError):
    """What answers is not a Linkage API: a hotel's page, a proxy, another address."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(
            status,
            f"{url} answers {status} with something that Linkage does not say, so it is not "
            "Linkage that answers there. Look at the API's address, and whether a proxy or a "
            "sign-in page of the network stands between.",
        )


@dataclass(frozen=True)
class Answer:
    """A successful answer; a replay changed nothing, because the same was sent before."""

    body: Any
    replayed: bool
    status: int = 200


class Api:
    """Calls one API with one key; may be used by several threads at once.

    Retries what may succeed later (429, 5xx, no answer), so only send what is safe to send twice.
    """

    def __init__(
        self, url: str, key: str, jobs: int = 1, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._url, self._sleep = url.rstrip("/"), sleep
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._jobs = jobs

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        require_http(self._url)
        return _pool(self._url, self._jobs)

    def require_answer(self) -> None:
        """Raises ApiError unless something answers at the API's address, whatever it says."""
        try:
            self._pool.request("HEAD", self._url, redirect=False)
        except HTTPError as error:
            raise NoAnswerError(_no_answer(self._url, error)) from error

    def get(self, path: str) -> Any:
        """The body of a GET; raises ApiError."""
        return self._call("GET", path, None).body

    def put(self, path: str, body: object) -> Any:
        """The body of the answer to a PUT; raises ApiError."""
        return self._call("PUT", path, body).body

    def post(self, path: str, body: object = None) -> Answer:
        """The answer to a POST; raises ApiError, or UnreachableError after every retry."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: object) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        for attempt in range(1, ATTEMPTS_MAX + 1):
            wait = _pause(attempt)
            try:
                answer = self._pool.request(
                    method, self._url + path, body=content, headers=self._headers, redirect=False
                )
            except HTTPError as error:
                trouble: UnreachableError = NoAnswerError(_no_answer(self._url, error))
            else:
                if answer.status < 300:
                    return Answer(_json(answer.data), _is_replay(answer.headers), answer.status)
                if answer.status < 500 and answer.status != TOO_MANY_REQUESTS:
                    raise self._refusal(answer.status, _json(answer.data))
                trouble = UnreachableError(f"{self._url} answers {answer.status} again and again.")
                wait = max(wait, _retry_after(answer.headers))
            if attempt < ATTEMPTS_MAX:
                self._sleep(wait)
        raise trouble

    def require_of_linkage(self, answer: Answer, is_right: bool) -> None:
        """Raises StrangeAnswerError for an answer that is not to what was sent."""
        if not is_right:
            raise StrangeAnswerError(self._url, answer.status)

    def _refusal(self, status: int, problem: Any) -> ApiError:
        """What the API says of a request it refuses, or that nothing of Linkage's said that."""
        said = problem.get("detail") or problem.get("title") if isinstance(problem, dict) else None
        if not isinstance(said, str):
            return StrangeAnswerError(self._url, status)
        first = (problem.get("errors") or [{}])[0]
        field = str(first.get("pointer", "")).lstrip("/").replace("/", ".")
        return ApiError(status, said, field)


def click(url: str) -> str:
    """Clicks a link without going where it leads: the click id it gives. Raises ApiError."""
    require_http(url)
    try:
        answer = _pool(url, 1).request("GET", url, redirect=False)
    except HTTPError as error:
        raise NoAnswerError(_no_answer(url, error)) from error
    found = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("click_id")
    if answer.status != FOUND or not found:
        raise ApiError(answer.status, f"{url} is no live link: it answers {answer.status}.")
    return found[0]


def require_http(url: str) -> None:
    """Raises ApiError unless the text is the address of a server."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ApiError(0, f"{url!r} is no address. It should begin with https:// and a host.")


def _pool(url: str, jobs: int) -> urllib3.PoolManager:
    """Connections to an address: straight on this machine, else by the shell's proxy, if any."""
    manner: dict[str, Any] = {
        "maxsize": jobs,
        "block": True,
        "retries": False,
        "timeout": urllib3.Timeout(connect=5, read=60),
        "ca_certs": next((os.environ[name] for name in CERTIFICATES if os.environ.get(name)), None),
    }
    proxy = _proxy_for(url)
    return urllib3.ProxyManager(proxy, **manner) if proxy else urllib3.PoolManager(**manner)


def _proxy_for(url: str) -> str | None:
    if is_loopback(url) or proxy_bypass(urlsplit(url).hostname or ""):
        return None
    proxy = getproxies().get(urlsplit(url).scheme)
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _pause(attempt: int) -> float:
    longest = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2**attempt)
    return random.uniform(longest / 2, longest)


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return min(float(text), 60.0) if text.isascii() and text.isdigit() else 0.0


def _no_answer(url: str, error: HTTPError) -> str:
    return f"{url} gives no answer ({_reason(error)})."


def _reason(error: HTTPError) -> str:
    return str(error).rpartition(": ")[2] or type(error).__name__


def _is_replay(headers: Mapping[str, str]) -> bool:
    return headers.get("idempotent-replayed", "").lower() == "true"


def _json(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None
