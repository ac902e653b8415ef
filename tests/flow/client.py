"""A client of the running network: what a vendor's shop or an operator's script would write."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3

WAIT_S = 30


@dataclass(frozen=True)
class Answer:
    """One HTTP answer with its JSON body, if it has one."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """Calls the two HTTP APIs of a running network."""

    api_url: str
    links_url: str
    operator_key: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=64, retries=False, timeout=180)
    )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call with the operator's key, or another; an empty key sends none."""
        key = self.operator_key if key is None else key
        sent = {"content-type": "application/json", **(headers or {})}
        if key:
            sent["authorization"] = f"Bearer {key}"
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        answer = self.pool.request(method, self.api_url + path, body=content, headers=sent)
        is_json = "json" in answer.headers.get("content-type", "")
        return Answer(
            answer.status,
            {name.lower(): value for name, value in answer.headers.items()},
            json.loads(answer.data) if is_json and answer.data else answer.data,
        )

    def ok(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The body of a call that must succeed."""
        answer = self.call(method, path, body, **options)
        assert answer.status < 300, (method, path, answer.status, answer.body)
        return answer.body

    def click(self, code: str, user_agent: str | None = None) -> str:
        """Follows a link without going where it leads; the click id of its Location."""
        agent = user_agent or f"Mozilla/5.0 (Linux; Android 14) Mobile {uuid.uuid4()}"
        answer = self.pool.request(
            "GET", f"{self.links_url}/{code}", headers={"user-agent": agent}, redirect=False
        )
        assert answer.status == 302, (answer.status, answer.data)
        return parse_qs(urlsplit(answer.headers["location"]).query)["click_id"][0]


def wait_for[T](what: str, look: Callable[[], T | None], wait_s: float = WAIT_S) -> T:
    """The first answer that is not None or False; fails after half a minute, or `wait_s`."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"waited {wait_s} s for {what}")


@dataclass(frozen=True)
class Member:
    """A member of the network with a key of its own."""

    id: str
    key: str


@dataclass
class World:
    """Makes members, programs and conversions of one test, and looks at what became of them."""

    api: Api
    outputs: Mapping[str, str]
    currency: str

    def affiliate(self, sponsor: Member | None = None, **more: object) -> Member:
        """An approved affiliate who can be paid."""
        method = {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"}
        body = {"name": "Rudo", "roles": ["affiliate"], "payout_method": method, **more}
        if sponsor:
            body["sponsor_id"] = sponsor.id
        return self._member(body, "affiliate")

    def vendor(self, **more: object) -> Member:
        """An approved vendor with a host of its own."""
        body = {"name": "Hardware", "roles": ["vendor"], "hosts": ["shop.example"], **more}
        return self._member(body, "vendor")

    def _member(self, body: dict[str, object], role: str) -> Member:
        member_id = self.api.ok("POST", "/v1/members", body)["id"]
        self.api.ok("POST", f"/v1/members/{member_id}/approval")
        key = self.api.ok("POST", "/v1/keys", {"role": role, "member_id": member_id})["secret"]
        return Member(member_id, key)

    def program(self, vendor: Member, **more: object) -> str:
        """A program of 5 % on sales, confirmed by hand and due at once, unless said otherwise."""
        body = {
            "name": "Tools",
            "destination_url": "https://shop.example/",
            "rewards": [{"event": "sale", "rate_bps": 500}],
            "window_days": 30,
            "hold_days": 0,
            "confirmation": "manual",
            **more,
        }
        return str(self.api.ok("POST", "/v1/programs", body, key=vendor.key)["id"])

    def link(self, affiliate: Member, program_id: str) -> str:
        """The code of a link."""
        body = {"program_id": program_id}
        return str(self.api.ok("POST", "/v1/links", body, key=affiliate.key)["code"])

    def sale(self, program_id: str, amount_minor: int, **more: object) -> dict[str, object]:
        """A sale as a vendor would report it."""
        return {
            "program_id": program_id,
            "event": "sale",
            "external_id": f"order-{uuid.uuid4()}",
            "amount_minor": amount_minor,
            "currency": self.currency,
            **more,
        }

    def report(self, vendor: Member, sale: dict[str, object]) -> Any:
        """Reports a sale; the conversion."""
        return self.api.ok("POST", "/v1/conversions", sale, key=vendor.key)

    def confirm(self, vendor: Member, conversion_id: str) -> Any:
        """Confirms a conversion."""
        path = f"/v1/conversions/{conversion_id}/confirmation"
        return self.api.ok("POST", path, key=vendor.key)

    def refund(self, vendor: Member, conversion_id: str, amount_minor: int, name: str = "") -> Any:
        """Refunds part of a conversion."""
        body = {
            "external_id": name or f"refund-{uuid.uuid4()}",
            "amount_minor": amount_minor,
            "reason": "returned",
        }
        path = f"/v1/conversions/{conversion_id}/refunds"
        return self.api.ok("POST", path, body, key=vendor.key)

    def balance(self, affiliate: Member, field: str = "balance_minor") -> int:
        """What the affiliate's balance is in this test's currency; minor units."""
        found = self.api.ok("GET", "/v1/balances", key=affiliate.key)["data"]
        return sum(each[field] for each in found if each["currency"] == self.currency)

    def wait_for_balance(self, affiliate: Member, balance_minor: int) -> None:
        """Waits until the balance is this, and fails with what it is if it never is."""
        try:
            wait_for("a balance", lambda: self.balance(affiliate) == balance_minor)
        except AssertionError:
            assert self.balance(affiliate) == balance_minor
            raise

    def batch(self, **more: object) -> str:
        """A payout batch of this test's currency, planned and debited."""
        batch_id = self.api.ok("POST", "/v1/payout-batches", {"currency": self.currency, **more})[
            "id"
        ]
        self.wait_for_batch(batch_id, "planned")
        return str(batch_id)

    def wait_for_batch(self, batch_id: str, status: str, wait_s: float = WAIT_S) -> Any:
        """Waits until a batch has this status; the batch with its payouts."""
        path = f"/v1/payout-batches/{batch_id}"

        def look() -> Any:
            batch = self.api.ok("GET", path)
            return batch if batch["status"] == status else None

        return wait_for(f"{batch_id} to be {status}", look, wait_s)
