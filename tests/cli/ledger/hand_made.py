"""Items of a network written by hand: what is posted and counted is said, nothing is computed.

Lines and balances are only the postings again, added up by account.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

type Items = list[dict[str, Any]]

VENDOR = "vendor:mem_vendor"
FEES, BONUSES = "network:fees", "network:bonuses"


class Post(NamedTuple):
    """One posting with its due date; `due_on` None is that of its conversion."""

    kind: str
    source: str
    target: str
    amount_minor: int
    level: int = 0
    currency: str = "USD"
    due_on: str | None = None


def account(name: str) -> str:
    """An affiliate's account."""
    return f"affiliate:mem_{name}"


def stands(name: str, *, status: str = "approved", **also: Any) -> dict[str, Any]:
    """A member as a confirmation sees it; `splits` are (receiver, share) pairs."""
    splits = [
        {"member_id": f"mem_{receiver}", "share_bps": share}
        for receiver, share in also.pop("splits", ())
    ]
    same = {"active": True, "buyer": False, "groups": [], **also}
    return {"member_id": f"mem_{name}", "status": status, "splits": splits, **same}


def tally(name: str, version: int = 0, **values: Any) -> dict[str, Any]:
    """A tally as a fact keeps it."""
    blank = {"count": 0, "amount_minor": 0, "since": None, "last_on": None}
    return {"name": name, "version": version, **blank, "recruited_by": None, "held": [], **values}


def held(target: int, amount_minor: int, due_on: str) -> dict[str, Any]:
    """A bonus in USD as its tally keeps it."""
    return {"target": target, "amount_minor": amount_minor, "currency": "USD", "due_on": due_on}


def earned(name: str, amount_minor: int, fee_minor: int) -> tuple[Post, ...]:
    """A commission and the vendor's fee on it."""
    return (
        Post("commission", VENDOR, account(name), amount_minor),
        Post("fee", VENDOR, FEES, fee_minor),
    )


def taken(name: str, amount_minor: int, fee_minor: int) -> tuple[Post, ...]:
    """The same taken back."""
    return (
        Post("clawback", account(name), VENDOR, amount_minor),
        Post("fee_return", FEES, VENDOR, fee_minor),
    )


@dataclass
class Hand:
    """A network in the making; tests spoil it before its items are made."""

    programs: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[int, dict[str, Any]] = field(default_factory=dict)
    facts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    posted: dict[str, list[Post]] = field(default_factory=dict)
    tallies: dict[str, dict[str, Any]] = field(default_factory=dict)
    statistics: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def program(self, name: str, rewards: Sequence[dict[str, Any]], **terms: Any) -> None:
        """Publishes version 1 of a program that holds for 10 days."""
        self.programs[f"prg_{name}"] = {
            "program_id": f"prg_{name}",
            "version": "v000001",
            "number": 1,
            "vendor_id": "mem_vendor",
            "rewards": list(rewards),
            "hold_days": 10,
            "confirmation": "manual",
            "introducer_rate_bps": 200,
            "bonuses": [],
            **terms,
        }

    def sale(
        self,
        name: str,
        amount_minor: int,
        *posts: Post,
        program: str,
        occurred_at: str,
        affiliate: dict[str, Any] | None,
        upline: Sequence[dict[str, Any]] = (),
        tallies: Sequence[dict[str, Any]] = (),
        model: str = "named",
        settings: int = 0,
        event: str = "sale",
        refunded_before: int = 0,
        **also: Any,
    ) -> None:
        """A conversion reported when it occurred, and confirmed then, with what that posted."""
        conversion_id, member_id = f"cnv_{name}", affiliate and affiliate["member_id"]
        candidate = {
            "model": model,
            "affiliate_id": member_id,
            "won": True,
            "why": "",
            "reference": also.pop("reference", ""),
        }
        attribution = {
            "affiliate_id": member_id,
            "model": model if affiliate else None,
            "reason": None,
            "candidates": [candidate] if affiliate else [],
            "coupon": also.pop("coupon", None),
        }
        self.facts[conversion_id, "report"] = {
            "conversion_id": conversion_id,
            "fact": "report",
            "accepted_at": occurred_at,
            "occurred_at": occurred_at,
            "reported_at": occurred_at,
            "sequence": 1 + bool(refunded_before),
            "vendor_id": "mem_vendor",
            "affiliate_id": member_id,
            "program_id": f"prg_{program}",
            "program_version": 1,
            "settings_version": settings,
            "event": event,
            "amount_minor": amount_minor,
            "currency": "USD",
            "attribution": attribution,
            "status": "confirmed",
            "refunded_minor": refunded_before,
            "items": [],
            "customer_keys": [],
            **also,
        }
        if refunded_before:
            self.facts[conversion_id, "refund#early"] = {
                "conversion_id": conversion_id,
                "fact": "refund#early",
                "accepted_at": occurred_at,
                "sequence": 0,
                "amount_minor": refunded_before,
                "refunded_before_minor": 0,
                "posts": False,
                "tallies": [],
            }
        self.facts[conversion_id, "confirmation"] = {
            "conversion_id": conversion_id,
            "fact": "confirmation",
            "accepted_at": occurred_at,
            "sequence": int(bool(refunded_before)),
            "refunded_before_minor": refunded_before,
            "seen": {"affiliate": affiliate, "upline": list(upline), "tallies": list(tallies)},
        }
        self.posted[f"{conversion_id}/confirmation"] = list(posts)

    def refund(
        self, of: str, amount_minor: int, *posts: Post, tallies: Sequence[dict[str, Any]] = ()
    ) -> None:
        """A refund on New Year's Eve, with what it posted."""
        conversion_id = f"cnv_{of}"
        report = self.facts[conversion_id, "report"]
        fact = f"refund#{report['sequence']}"
        self.facts[conversion_id, fact] = {
            "conversion_id": conversion_id,
            "fact": fact,
            "accepted_at": "2026-12-31T12:00:00.000Z",
            "sequence": report["sequence"],
            "amount_minor": amount_minor,
            "refunded_before_minor": report["refunded_minor"],
            "posts": True,
            "tallies": list(tallies),
        }
        report["sequence"] += 1
        report["refunded_minor"] += amount_minor
        self.posted[f"{conversion_id}/{fact.replace('#', '/')}"] = list(posts)

    def left(self, *tallies: dict[str, Any]) -> None:
        """The tallies as they are stored in the end."""
        self.tallies |= {each["name"]: each for each in tallies}

    def counts(self, code: str, day: str, **hours: dict[str, int]) -> None:
        """What the statistics count on a link that day, by measure and hour."""
        of = f"link#{code}"
        self.statistics[of, day] = {"of": of, "at": day, "counts": {"hours": hours}}

    def items(self) -> dict[str, Items]:
        """Every table's items, nested values as the JSON texts they are stored as."""
        named = [
            {"tally": each["name"], **{n: v for n, v in each.items() if n != "name"}}
            for each in self.tallies.values()
        ]
        settings = [
            {"version": f"v{number:06}", "number": number, "settings": values}
            for number, values in self.settings.items()
        ]
        return {
            "conversions": [_stored(each) for each in self.facts.values()],
            "ledger": self._ledger(),
            "payouts": [],
            "programs": [_stored(each) for each in self.programs.values()],
            "settings": [_stored(each) for each in settings],
            "tallies": [_stored(each) for each in named],
            "statistics": [_stored(each) for each in self.statistics.values()],
        }

    def due_on(self, conversion_id: str) -> str:
        """The day of the confirmation and the program's hold."""
        report = self.facts[conversion_id, "report"]
        confirmation = self.facts[conversion_id, "confirmation"]
        confirmed = date.fromisoformat(confirmation["accepted_at"][:10])
        hold_days = self.programs[report["program_id"]]["hold_days"]
        return (confirmed + timedelta(days=hold_days)).isoformat()

    def _ledger(self) -> Items:
        items: Items = []
        for transaction_id, posts in self.posted.items():
            conversion_id, _, fact = transaction_id.partition("/")
            accepted_at = self.facts[conversion_id, fact.replace("/", "#")]["accepted_at"]
            head = _head(transaction_id, accepted_at, posts)
            items += [head, *_lines(head, posts, self.due_on(conversion_id))]
        return items + _balances(items)


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else value
        for name, value in item.items()
        if value is not None
    }


def _head(transaction_id: str, accepted_at: str, posts: Sequence[Post]) -> dict[str, Any]:
    moved = [[p.source, p.target, p.amount_minor, p.currency, p.kind] for p in posts]
    text = json.dumps(moved, separators=(",", ":"))
    is_confirmation = transaction_id.endswith("/confirmation")
    return {
        "account": f"transaction:{transaction_id}",
        "line": "head",
        "transaction_id": transaction_id,
        "kind": "commission" if is_confirmation else "clawback",
        "accepted_at": accepted_at,
        "fingerprint": hashlib.sha256(text.encode()).hexdigest(),
        "postings": [
            {name: value for name, value in p._asdict().items() if name != "due_on"} for p in posts
        ],
    }


def _lines(head: dict[str, Any], posts: Sequence[Post], due_on: str) -> Items:
    parts: dict[tuple[str, str], list[tuple[Post, int]]] = defaultdict(list)
    for post in posts:
        parts[post.source, post.currency].append((post, -post.amount_minor))
        parts[post.target, post.currency].append((post, post.amount_minor))
    lines = []
    for (owner, currency), own in parts.items():
        dues: Counter[str] = Counter()
        for post, amount in own:
            dues[post.due_on or due_on] += amount
        line = {
            "account": owner,
            "line": f"line#{head['accepted_at']}#{head['transaction_id']}#{currency}",
            "currency": currency,
            "amount_minor": sum(amount for _, amount in own),
            "dues": dict(dues),
            "parts": [
                {"kind": post.kind, "level": post.level, "amount_minor": amount}
                for post, amount in own
            ],
        }
        same = {name: head[name] for name in ("transaction_id", "kind", "accepted_at")}
        lines.append(line | same)
    return [line for line in lines if line["account"].startswith("affiliate:")]


def _balances(items: Items) -> Items:
    owned: dict[tuple[str, str], Items] = defaultdict(list)
    for item in items:
        if item["line"] != "head":
            owned[item["account"], item["currency"]].append(item)
    balances: Items = []
    for (owner, currency), lines in owned.items():
        dues: Counter[str] = Counter()
        for line in lines:
            dues.update(line["dues"])
        balances.append(
            {
                "account": owner,
                "line": f"balance#{currency}",
                "currency": currency,
                "balance_minor": sum(line["amount_minor"] for line in lines),
                "version": len(lines),
                "open": f"open#{currency}#0",
                **{f"due_{day.replace('-', '')}": amount for day, amount in dues.items()},
            }
        )
    return balances
