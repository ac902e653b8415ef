"""Makes the network of release 2026-11-22 (6fe1c2a), by that release's own code, and asks it.

A year of an invented network in Harare, through the handlers of the release on the stand-in of
DynamoDB: one process, a clock of its own, everything random from one seed. It was run once, at
6fe1c2a, from the root of a checkout of that commit with this file's checkout behind it:

    PYTHONPATH=.:layers/core/python:layers/api/python:cli:$NEWER \\
      .venv/bin/python $NEWER/tests/releases/2026-11-22/make_network.py \\
      $NEWER/tests/releases/2026-11-22

It is kept to say what the data are. Nothing runs it, and it need not run with later code.
"""

import heapq
import json
import lzma
import os
import secrets
import sys
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import tests.conftest  # noqa: F401, the names of the tables, before they are imported

os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"

from linkage.click_tokens import Owners
from linkage.clicks import Visit, click_of
from linkage.commissions import confirmation_id, refund_id
from linkage.conversions import REJECTION_CODES
from linkage.errors import LinkageError
from linkage.keys import Key, hashed, new_secret
from linkage.ledger import affiliate_in
from linkage.links import Link
from linkage.tables.keys import put_key

from linkage import clock, ids
from linkage.flow import awaiting, counting, folding, planning, posting, sweeping
from linkage.tables import transactions
from linkage.tables.conversions import get_conversion, get_history
from linkage.tables.ledger import find_head
from linkage.tables.links import find_link
from linkage.tables.payouts import batch_payouts
from tests.edge.tokens import token_of
from tests.faults.standin import Standin
from tests.releases.questions import Outside, audited, explained, replays, said_of, sent, serving

START = datetime(2025, 12, 1, 6, tzinfo=UTC)
END = datetime(2026, 11, 22, 9, tzinfo=UTC)
QUIET_FROM = END - timedelta(minutes=12)
"""From here on nothing is delivered, so what is accepted is left to the sweeper.
Longer than a quarter of an hour would be a finding."""
SEED = 20_261_122
VENDORS, BOTH, AFFILIATES = 14, 2, 186
CONVERSIONS, AWAITING, CUSTOMERS = 2_000, 24, 520
CLICKS_A_DAY = 3
SAMPLE, SENT_AGAIN = 300, 35

FIRST = (
    *("Tendai", "Rudo", "Farai", "Chipo", "Tafadzwa", "Nyasha", "Kudzai", "Tariro", "Simba"),
    *("Rumbidzai", "Munashe", "Vimbai", "Takudzwa", "Anesu", "Panashe", "Ruvimbo", "Tatenda"),
)
LAST = (
    *("Moyo", "Ncube", "Dube", "Sibanda", "Ndlovu", "Chikafu", "Mutasa", "Gumbo", "Marufu"),
    *("Chirwa", "Banda", "Zulu", "Mhlanga", "Nyathi", "Shumba", "Mapfumo", "Chiweshe"),
)
SHOPS = (
    *("Mbare Hardware", "Borrowdale Tiles", "Avondale Paint", "Sunrise Solar", "Msasa Steel"),
    *("Chitungwiza Timber", "Highfield Plumbing", "Eastlea Lighting", "Gweru Bricks"),
    *("Kadoma Roofing", "Mutare Glass", "Bindura Tools", "Marondera Gardens", "Harare Kitchens"),
)
GROUPS = ("gold", "field", "north")
AGENTS = (
    "Mozilla/5.0 (Linux; Android 14; SM-A156E) Chrome/129.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; SM-T220) AppleWebKit/537.36 Chrome/128.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)

type Body = dict[str, Any]


# ---- terms


def settings_versions(day: Callable[[int], datetime]) -> Iterator[tuple[datetime, Body]]:
    """The network's settings, each version with when it was published."""
    first: Body = {
        "name": "Harare builders",
        "level_rates_bps": [1000, 500],
        "network_fee_bps": 2000,
        "override_funding": "network",
        "payout_minimum_minor": {"USD": 500, "ZWG": 1000},
    }
    yield day(0), first
    second = first | {
        "level_rates_bps": [1000, 500, 250],
        "active_days": 60,
        "recruitment_bonus": {"amount_minor": 500, "currency": "USD"},
    }
    yield day(70), second
    third = second | {"override_funding": "vendor", "network_fee_bps": 1500}
    yield day(150), third | {"affiliate_fee_bps": 200, "introducer_days": 180}
    schedule: Body = {"days_of_month": [10], "hour": 9, "time_zone": "Africa/Harare"}
    fourth = third | {
        "affiliate_fee_bps": 150,
        "payout_schedule": schedule | {"currencies": ["BHD"]},
        "four_eyes": True,
    }
    yield day(220), fourth
    fifth = fourth | {
        "level_rates_bps": [800, 400, 200, 100, 50],
        "recruitment_bonus": {"amount_minor": 1000, "currency": "USD"},
        "active_days": 90,
        "split_members_max": 3,
    }
    yield day(290), fifth


def plain(number: int) -> Body:
    """5 % and more with each version, by hand."""
    reward = {"event": "sale", "rate_bps": 500 + 75 * number}
    return {"rewards": [reward], "confirmation": "manual", "introducer_rate_bps": 200}


def steps(number: int) -> Body:
    """Thresholds by volume, a cap for each sale, a bonus, and silence that confirms."""
    by_volume = {
        "by": "volume",
        "period": "month",
        "steps": [
            {"from": 0, "to": 60_000, "rate_bps": 400 + 50 * number},
            {"from": 60_000, "to": 150_000, "rate_bps": 600},
            {"from": 150_000, "rate_bps": 800},
        ],
    }
    reward = {"event": "sale", "currency": "USD", "name": "steps", "max_minor": 9_000}
    return {
        "rewards": [
            reward | {"thresholds": by_volume},
            {"event": "sale", "rate_bps": 350, "currency": "ZWG"},
        ],
        "bonuses": [
            {"by": "volume", "period": "quarter", "target": 90_000, "amount_minor": 2_000}
            | {"currency": "USD"},
            {"by": "volume", "period": "month", "target": 50_000, "amount_minor": 750}
            | {"currency": "USD"},
        ],
        "confirmation": "automatic",
        "confirm_after_days": 14 + number,
        "introducer_rate_bps": 150,
    }


def lines(number: int) -> Body:
    """Categories, a group, a customer's first order, a ceiling; the report is the confirmation."""
    return {
        "rewards": [
            {"event": "sale", "rate_bps": 300},
            {"event": "sale", "rate_bps": 700 + 20 * number, "category": "tools"},
            {"event": "sale", "rate_bps": 450, "group": "gold"},
            {"event": "sale", "rate_bps": 900, "first_n": 1},
        ],
        "categories": ["tools", "paint"],
        "ceiling_bps": 2_500,
        "confirmation": "on_report",
        "introducer_rate_bps": 120,
    }


def leads(number: int) -> Body:
    """Fixed amounts for leads, sign-ups and installs, and a rate for the sales they become."""
    return {
        "rewards": [
            {"event": "lead", "amount_minor": 150 + 10 * number, "currency": "USD"},
            {"event": "signup", "amount_minor": 300, "currency": "USD"},
            {"event": "install", "amount_minor": 80, "currency": "USD"},
            {"event": "sale", "rate_bps": 600, "months": 6},
        ],
        "confirmation": "manual" if number % 2 else "on_report",
        "introducer_rate_bps": 0,
    }


def budget(number: int) -> Body:
    """A coupon's own rate with caps and a budget, dates, and a bonus for a count of sales."""
    limits = {"period": "month", "period_max_minor": 4_000, "budget_minor": 60_000}
    coupon = {"event": "sale", "coupon": "SPRING", "rate_bps": 1_500, "currency": "USD"}
    return {
        "rewards": [
            {"event": "sale", "rate_bps": 400},
            coupon | limits | {"name": "spring"},
            {"event": "sale", "rate_bps": 650, "starts_on": "2026-04-01", "ends_on": "2026-06-30"},
        ],
        "bonuses": [
            {"by": "count", "period": "month", "target": 2, "amount_minor": 300 + number}
            | {"currency": "USD"},
            {"by": "count", "period": "quarter", "target": 4, "amount_minor": 1_100}
            | {"currency": "USD"},
        ],
        "confirmation": "on_report",
    }


def visits(number: int) -> Body:
    """A price for each click and for a thousand impressions."""
    click = {"event": "click", "amount_minor": 20 + 5 * number, "currency": "USD"}
    return {
        "rewards": [
            click | {"name": "visitors", "max_minor": 150, "budget_minor": 40_000},
            {"event": "impression", "amount_minor": 45_000, "currency": "USD"},
        ],
        "confirmation": ("automatic", "on_report", "manual")[number % 3],
        **({"confirm_after_days": 3} if number % 3 == 0 else {}),
    }


def counted_steps(number: int) -> Body:
    """Thresholds by count with a fixed amount, and a reward of one affiliate's own."""
    by_count = {
        "by": "count",
        "period": "quarter",
        "steps": [
            {"from": 0, "to": 2, "rate_bps": 500},
            {"from": 2, "to": 4, "amount_minor": 900 + number},
            {"from": 4, "rate_bps": 750},
        ],
    }
    return {
        "rewards": [{"event": "sale", "currency": "USD", "thresholds": by_count}],
        "bonuses": [
            {"by": "count", "period": "year", "target": 3, "amount_minor": 2_500}
            | {"currency": "ZWG"}
        ],
        "confirmation": "manual",
        "introducer_rate_bps": 250,
    }


def small_units(number: int) -> Body:
    """Currencies without and with three decimals."""
    return {
        "rewards": [
            {"event": "sale", "rate_bps": 333, "currency": "JPY"},
            {"event": "sale", "rate_bps": 777 + number, "currency": "BHD"},
            {"event": "sale", "rate_bps": 500, "currency": "ZWG"},
        ],
        "confirmation": "on_report",
        "introducer_rate_bps": 300,
    }


KINDS: dict[str, tuple[Callable[[int], Body], tuple[str, ...], float, int]] = {
    "plain": (plain, ("USD", "USD", "ZWG"), 3, 4),
    "steps": (steps, ("USD", "USD", "ZWG"), 3, 2),
    "lines": (lines, ("USD", "ZWG"), 2, 3),
    "leads": (leads, ("USD",), 3, 2),
    "budget": (budget, ("USD",), 3, 2),
    "visits": (visits, ("USD",), 0, 3),
    "counted": (counted_steps, ("USD",), 2, 2),
    "small": (small_units, ("JPY", "BHD", "BHD", "ZWG"), 2, 2),
}
"""Each kind of program: its terms, its sales' currencies, how often it sells, how many of it."""


@dataclass
class Program:
    """A program as its vendor knows it; `weight` is how often it sells, `joint` the other half."""

    kind: str
    terms: Callable[[int], Body]
    currencies: tuple[str, ...]
    weight: float
    vendor: str
    host: str
    name: str
    version: int
    id: str = ""
    joint: str = ""


class Maker:
    """The network and all that is done to it; `moment` is the only clock."""

    def __init__(self, random: Random) -> None:
        self.random, self.moment = random, START
        self.standin, self.outside = Standin(), Outside()
        self.due: list[tuple[datetime, int, Callable[[], None]]] = []
        self.made: Counter[str] = Counter()
        self.secrets: dict[str, str] = {}
        self.vendors: list[str] = []
        self.affiliates: list[str] = []
        self.sponsors: list[str] = []
        self.suspended: list[str] = []
        self.emails: dict[str, str] = {}
        self.programs: list[Program] = []
        self.links: list[Link] = []
        self.clicks: list[tuple[datetime, Link, str]] = []
        self.coupons: list[tuple[Program, str]] = []
        self.customers: list[dict[str, str]] = []
        self.leads: list[tuple[Program, str]] = []
        self.joint: list[tuple[str, str]] = []
        self.reports = self.refunds = 0
        self.hourly: list[dict[str, Any]] = []
        self.repeatable: list[tuple[str, str, Any, str, str | None]] = []

    # ---- time

    def at(self, moment: datetime, what: Callable[[], None]) -> None:
        """Does something at a moment, if that is before the end."""
        if moment < END:
            self.made["planned"] += 1
            heapq.heappush(self.due, (moment, self.made["planned"], what))

    def later(self, what: Callable[[], None], **least_and_most: tuple[float, float]) -> None:
        """Does something after a random while: `days=(1, 5)`."""
        ((unit, bounds),) = least_and_most.items()
        self.at(self.moment + timedelta(**{unit: self.random.uniform(*bounds)}), what)

    def play(self) -> None:
        """Lets the year pass."""
        while self.due:
            moment, _, what = heapq.heappop(self.due)
            self.moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            what()
            if self.moment < QUIET_FROM and self.random.random() < 0.9:
                self.deliver()
        self.moment = END

    @contextmanager
    def open(self) -> Iterator[None]:
        """The network on its own DynamoDB, under its own clock, with its own chance."""
        with ExitStack() as stack:
            stack.enter_context(serving(self.standin))
            stack.enter_context(self.outside.open())
            stack.enter_context(patch.object(clock, "now", lambda: self.moment))
            time = SimpleNamespace(time_ns=lambda: int(self.moment.timestamp() * 1000) * 10**6)
            stack.enter_context(patch.object(ids, "time", time))
            stack.enter_context(patch("time.sleep"))
            own = {
                "randbits": self.random.getrandbits,
                "choice": self.random.choice,
                "token_hex": lambda size: self.random.randbytes(size).hex(),
                "token_urlsafe": lambda size: (
                    urlsafe_b64encode(self.random.randbytes(size)).decode().rstrip("=")
                ),
            }
            for name, replaced in own.items():
                stack.enter_context(patch.object(secrets, name, replaced))
            yield

    # ---- HTTP

    def call(self, method: str, url: str, body: object, who: str = "operator") -> Any:
        """One call that must be answered; the body, with the refusals counted and None."""
        status, text = sent(method, url, body, self.secrets[who])
        answer = json.loads(text)
        if status >= 300:
            self.made[f"refused {status} {answer.get('code')}"] += 1
            return None
        self.made["sent"] += 1
        if method == "POST" and "/v1/conversions" in url and self.made["sent"] % SENT_AGAIN == 0:
            self.repeatable.append((method, url, body, who, None))
        return answer

    def need(
        self, method: str, url: str, body: object, who: str = "operator", name: str | None = None
    ) -> Any:
        """One call that must succeed, with its name as Idempotency-Key if it has one."""
        headers = {"idempotency_key": name} if name else {}
        status, text = sent(method, url, body, self.secrets[who], **headers)
        if name:
            self.repeatable.append((method, url, body, who, name))
        if status >= 300:
            raise AssertionError(f"{method} {url} {body}: {status} {text}")
        return json.loads(text)

    # ---- what AWS delivers

    def unposted(self) -> list[tuple[str, str]]:
        """The keys of the facts that are not posted yet."""
        entries = self.standin.tables["conversions"].indexes["unposted"].entries
        return [key for each in entries.values() for _, key in each]

    def deliver(self) -> None:
        """The stream of conversions."""
        for fact in self.unposted():
            posting.post_fact(*fact)

    def tick(self) -> None:
        """The hourly work of every function that a clock wakes."""
        if self.hourly:
            batch, self.hourly = self.hourly, []
            counting.count_clicks(batch)
        for folded in folding.fold_open_days(self.moment):
            assert folded.error is None, folded
        for due in awaiting.confirm_due(self.moment):
            assert due.error is None or isinstance(due.error, LinkageError), due
            self.made["confirmed by silence"] += due.confirmed
            if due.confirmed:
                self.known(due.conversion_id)
        for swept in sweeping.sweep(self.moment):
            assert swept.error is None, swept
            self.made["swept"] += 1
        if self.moment.weekday() == 0 and self.moment.hour == 9:
            self.look_at_visits()
        planning.tick()
        self.outside.deliver_work()
        for batch_id in self.planned_by_schedule():
            self.later(lambda batch_id=batch_id: self.pay(batch_id), hours=(20, 40))  # type: ignore[misc]

    def look_at_visits(self) -> None:
        """Vendors say what they believe of the visits that wait for their word."""
        for found in self.conversions():
            conversion = get_conversion(found)
            if conversion.counted and conversion.status == "pending" and not conversion.confirm_at:
                decision = self.random.choices(("confirm", "reject", ""), (60, 10, 30))[0]
                self.decide_later(decision, found, f"shop {conversion.vendor_id}", (0.1, 3))

    def planned_by_schedule(self) -> list[str]:
        """Batches the schedule has planned that nobody has looked at yet."""
        found = [
            item["batch_id"]["S"]
            for item in self.standin.tables["payouts"].items()
            if item["item"]["S"] == "batch" and item.get("created_by", {}).get("S") == "schedule"
        ]
        new = [each for each in found if not self.made[f"batch {each}"]]
        self.made.update(f"batch {each}" for each in new)
        return new

    # ---- members and terms

    def build(self) -> None:
        """Plans the year."""
        for number in (1, 2):
            self.first_key(f"operator {number}")
        self.secrets["operator"] = self.secrets["operator 1"]
        for moment, body in settings_versions(lambda days: START + timedelta(days=days)):
            self.at(moment, lambda body=body: self.need("PUT", "/v1/network", body))  # type: ignore[misc]
        for number in range(VENDORS):
            self.at(START + timedelta(minutes=5 + number), lambda n=number: self.join_shop(n))  # type: ignore[misc]
        for number in range(AFFILIATES):
            early = timedelta(hours=2 + number / 10)
            late = timedelta(days=self.random.uniform(3, 330))
            moment = START + (early if number < 110 else late)
            self.at(moment, lambda n=number: self.join(n))  # type: ignore[misc]
        self.at(START + timedelta(days=1), self.open_programs)
        for days in range(2, 357):
            self.plan_day(START + timedelta(days=days))
        self.plan_reports()
        self.plan_batches()
        self.plan_the_end()

    def first_key(self, name: str) -> None:
        """An operator's key, straight in the table, as the first one is on AWS."""
        key_id = ids.created("key")
        secret = new_secret(os.environ["STAGE"], key_id)
        put_key(Key(key_id, "operator", None, hashed(secret), clock.text(clock.now())))
        self.secrets[name] = secret

    def join_shop(self, number: int) -> None:
        """A vendor, with a key and a host."""
        name = SHOPS[number]
        host = f"{name.lower().replace(' ', '-')}.example"
        body: Body = {"name": name, "roles": ["vendor"], "hosts": [host, f"www.{host}"]}
        body |= {"email": f"sales@{host}", "phone": f"+26324{7_700_000 + number}"}
        if number < BOTH:
            body |= {"roles": ["vendor", "affiliate"], "payout_method": self.method(name)}
        member_id = self.member(body)
        self.vendors.append(member_id)
        if number < BOTH:
            self.affiliates.append(member_id)

    def member(self, body: Body, *, approve: bool = True) -> str:
        """A new member's id; with a key for each of its roles."""
        name = f"join-{body['email']}" if len(self.affiliates) % 9 == 0 else None
        made = self.need("POST", "/v1/members", body, name=name)
        member_id = str(made["id"])
        if approve:
            self.need("POST", f"/v1/members/{member_id}/approval", None)
        for role in body["roles"]:
            key = self.need("POST", "/v1/keys", {"role": role, "member_id": member_id})
            self.secrets[member_id if role == "affiliate" else f"shop {member_id}"] = key["secret"]
        return member_id

    def join(self, number: int) -> None:
        """An affiliate; mostly one of the newest brings the next."""
        chance = self.random
        first, last = chance.choice(FIRST), chance.choice(LAST)
        name = f"{first} {last}"
        body: Body = {
            "name": name,
            "roles": ["affiliate"],
            "email": f"{first}.{last}.{number}@example.com".lower(),
            "phone": f"+26377{1_000_000 + 37 * number}",
            "groups": chance.sample(GROUPS, chance.choice((0, 0, 1, 2))),
        }
        if self.sponsors and chance.random() < 0.7:
            newest = self.sponsors[-6:] if chance.random() < 0.6 else self.sponsors
            body["sponsor_id"] = chance.choice(newest)
        if number % 17:
            body["payout_method"] = self.method(name)
        approve = number % 41 != 40
        member_id = self.member(body, approve=approve)
        self.emails[member_id] = body["email"]
        self.sponsors.append(member_id)
        self.affiliates.append(member_id)
        if approve and chance.random() < 0.8:
            self.later(lambda: self.new_link(member_id), hours=(30, 400))

    def method(self, name: str) -> Body:
        """How somebody is paid."""
        chance = self.random
        kind = chance.choice(("mobile_money",) * 6 + ("bank",) * 3 + ("manual",))
        phone = f"+26378{chance.randint(1_000_000, 1_999_999)}"
        account = f"ACC-{chance.randint(10_000, 99_999)}"
        said = {
            "mobile_money": {"provider": "EcoCash", "phone": phone},
            "bank": {"provider": "Example Bank", "account": account, "name": name},
            "manual": {},
        }
        return {"type": kind, **said[kind]}

    def open_programs(self) -> None:
        """Every program's first version, and when the next ones come."""
        for kind, (terms, currencies, weight, many) in KINDS.items():
            for _ in range(many):
                vendor = self.vendors[len(self.programs) % VENDORS]
                host = SHOPS[len(self.programs) % VENDORS].lower().replace(" ", "-") + ".example"
                own = self.random.choice((1, 2, 1))
                name = f"{kind.title()} {len(self.programs)}"
                program = Program(kind, terms, currencies, weight, vendor, host, name, own)
                made = self.need(
                    "POST", "/v1/programs", self.program_body(program), f"shop {vendor}"
                )
                program.id = made["id"]
                self.programs.append(program)
                for _ in range(self.random.choice((0, 1, 2, 3, 4))):
                    self.later(lambda p=program: self.publish(p), days=(5, 330))  # type: ignore[misc]
        self.join_programs()
        for _ in range(34):
            self.later(self.new_coupon, days=(1, 200))
        for _ in range(CUSTOMERS):
            self.customers.append(self.customer(len(self.customers)))
        for member_id in self.random.sample(self.affiliates, 60):
            self.new_link(member_id)

    def program_body(self, program: Program) -> Body:
        """The terms of a program's version as its vendor sends them."""
        sold = program.version
        body: Body = {
            "name": program.name,
            "destination_url": f"https://{program.host}/offers",
            "window_days": (30, 60, 365)[sold % 3],
            "hold_days": (0, 7, 14, 30)[(sold + len(program.kind)) % 4],
            "click_model": "first" if sold % 5 == 4 else "last",
            "lateness_days": 45,
        }
        if program.joint:
            body["joint_program_ids"] = [program.joint]
        return body | program.terms(sold)

    def join_programs(self) -> None:
        """Two vendors with one promotion."""
        one, other = self.programs[0], self.programs[2]
        one.joint, other.joint = other.id, one.id
        for program in (one, other):
            self.publish(program)

    def publish(self, program: Program) -> None:
        """The next version of a program's terms; now and then paused for a week."""
        program.version += 1
        body = self.program_body(program)
        if self.random.random() < 0.12 and program.kind != "visits":
            paused = body | {"paused": True}
            self.call("PUT", f"/v1/programs/{program.id}", paused, f"shop {program.vendor}")
            self.later(lambda: self.publish(program), days=(3, 7))
            return
        if program.kind == "counted" and self.random.random() < 0.5:
            own = {"event": "sale", "rate_bps": 1_000, "affiliate_id": self.approved()}
            body["rewards"] = [*body["rewards"], own]
        self.call("PUT", f"/v1/programs/{program.id}", body, f"shop {program.vendor}")

    def approved(self) -> str:
        """An affiliate, the first ones more often, so that some sell much."""
        place = min(int(self.random.expovariate(1 / 40)), len(self.affiliates) - 1)
        return self.affiliates[place]

    def new_link(self, member_id: str) -> None:
        """A link of an affiliate; the counted programs get their share."""
        program = self.random.choice(self.programs)
        body: Body = {"program_id": program.id}
        if self.random.random() < 0.3:
            body["sub"] = {"sub1": self.random.choice(("flyer", "radio", "whatsapp"))}
        if self.random.random() < 0.05:
            body["expires_at"] = clock.text(self.moment + timedelta(days=40))
        if made := self.call("POST", "/v1/links", body, member_id):
            link = find_link(made["code"])
            assert link is not None
            self.links.append(link)

    def new_coupon(self) -> None:
        """A coupon of a program for an affiliate."""
        selling = [each for each in self.programs if each.weight]
        program = self.random.choice(selling)
        spring = program.kind == "budget" and self.random.random() < 0.7
        code = "SPRING" if spring else f"SAVE-{len(self.coupons) + 10}"
        body = {
            "code": code,
            "affiliate_id": self.approved(),
            "program_id": program.id,
            "exclusive": self.random.random() < 0.4,
        }
        if self.random.random() < 0.2:
            body["ends_on"] = (self.moment + timedelta(days=60)).date().isoformat()
        if self.call("POST", "/v1/coupons", body, f"shop {program.vendor}"):
            self.coupons.append((program, code))
            if self.random.random() < 0.1:
                url = f"/v1/coupons/{code}"
                paused = {"paused": True}
                self.later(
                    lambda: self.call("PATCH", url, paused, f"shop {program.vendor}"), days=(30, 90)
                )

    def customer(self, number: int) -> dict[str, str]:
        """Somebody who buys; a few are affiliates."""
        first, last = self.random.choice(FIRST), self.random.choice(LAST)
        own = {
            "phone": f"+26371{2_000_000 + 17 * number}",
            "email": f"{first}{number}.{last}@example.com".lower(),
            "id": f"C-{1_000 + number}",
        }
        if number % 60 == 7:
            own["email"] = self.emails[self.random.choice(self.sponsors[:90])]
        return own

    # ---- days

    def plan_day(self, day: datetime) -> None:
        """A day's clicks, ticks, and now and then a change of somebody."""
        for hour in (3, 9, 15, 21):
            moment = day.replace(hour=hour, minute=5)
            if moment < QUIET_FROM:
                self.at(moment, self.tick)
        for _ in range(self.random.randint(1, 2 * CLICKS_A_DAY)):
            self.at(day + timedelta(hours=self.random.uniform(0, 17)), self.click)
        changes = (self.change_status, self.change_groups, self.change_splits, self.consent)
        for change, chance in zip(changes, (0.05, 0.04, 0.06, 0.08), strict=True):
            if self.random.random() < chance:
                self.at(day + timedelta(hours=self.random.uniform(0, 17)), change)

    def click(self) -> None:
        """A visit through a link, or the loading of its picture; some links are busier."""
        if not self.links:
            return
        chance = self.random
        counted = {each.id for each in self.programs if each.kind == "visits"}
        paying = [each for each in self.links if each.program_id in counted]
        link = chance.choice(paying if paying and chance.random() < 0.35 else self.links)
        if link.state(clock.text(self.moment)) != "live":
            return
        visit = Visit(
            ip=f"203.0.113.{chance.randint(1, 254)}",
            user_agent=chance.choice(AGENTS),
            query=chance.choice(("", "", "qr=1", "sub2=poster", "consent=no")),
            at=self.moment,
            country=chance.choice(("ZW", "ZW", "ZA", "")),
            pixel=link in paying and chance.random() < 0.3,
        )
        item = click_of(link, visit, os.environ["HASH_SECRET"])
        if item is None:
            return
        try:
            transactions.write([transactions.put_new("clicks", item, "click_id")])
        except transactions.ConditionFailedError:
            return  # the same visitor again within the hour
        self.hourly.append(item)
        if not visit.pixel:
            click_id = item["click_id"]
            if chance.random() < 0.04:
                click_id = self.token(link)
            self.clicks.append((self.moment, link, click_id))

    def token(self, link: Link) -> str:
        """The click id that the edge would have made of the visit."""
        owners = Owners(link.code, link.program_id, link.vendor_id, link.affiliate_id)
        ((key_id, secret),) = json.loads(os.environ["CLICK_TOKEN_KEYS"]).items()
        request = f"request {len(self.clicks)}"
        return token_of(owners, dict(link.sub), self.moment, request, key_id, secret)

    def change_status(self) -> None:
        """Suspends an affiliate, or takes one back."""
        if len(self.suspended) > 4:
            member_id = self.suspended.pop(0)
            self.need("POST", f"/v1/members/{member_id}/approval", None)
            return
        member_id = self.random.choice(self.affiliates)
        self.suspended.append(member_id)
        self.need("POST", f"/v1/members/{member_id}/suspension", None)

    def change_groups(self) -> None:
        """Puts an affiliate into other groups."""
        groups = self.random.sample(GROUPS, self.random.choice((0, 1, 2)))
        self.need("PATCH", f"/v1/members/{self.approved()}", {"groups": groups})

    def change_splits(self) -> None:
        """An affiliate shares what it earns."""
        receivers = self.random.sample(self.affiliates, self.random.choice((1, 1, 2, 3)))
        splits = [
            {"member_id": each, "share_bps": self.random.choice((500, 1_000, 3_333))}
            for each in receivers
        ]
        self.call("PATCH", f"/v1/members/{self.approved()}", {"splits": splits})

    def consent(self) -> None:
        """A customer opts out, and some opt in again."""
        vendor = self.random.choice(self.vendors)
        customer = {"customer": self.named(self.random.choice(self.customers))}
        self.call("POST", "/v1/customers/opt-out", customer, f"shop {vendor}")
        self.made["opted out"] += 1
        if self.random.random() < 0.4:
            url = "/v1/customers/opt-in"
            self.later(lambda: self.call("POST", url, customer, f"shop {vendor}"), days=(2, 60))

    # ---- conversions

    def plan_reports(self) -> None:
        """Spreads the conversions over the year, more of them towards its end."""
        first = START + timedelta(days=4)
        span = (QUIET_FROM - first).total_seconds()
        for number in range(AWAITING):
            early = timedelta(days=self.random.uniform(0.1, 9), minutes=number)
            self.at(QUIET_FROM - early, lambda: self.report("steps", confirmed=False))
        for _ in range(CONVERSIONS - AWAITING - 12):
            share = max(self.random.random(), self.random.random() * self.random.random())
            self.at(first + timedelta(seconds=span * share), self.report)

    def report(self, kind: str | None = None, *, confirmed: bool = True) -> Any:
        """A report of a vendor; `kind` of program."""
        chance = self.random
        selling = [each for each in self.programs if each.weight]
        program = chance.choices(selling, [each.weight for each in selling])[0]
        if kind:
            program = chance.choice([each for each in selling if each.kind == kind])
        self.reports += 1
        body = {
            "program_id": program.id,
            "external_id": f"INV-{10_000 + self.reports}",
            **self.order(program),
            **self.claims(program),
        }
        who = f"shop {program.vendor}"
        if chance.random() < 0.05:
            who, body = "operator 2", body | {"vendor_id": program.vendor}
        made = self.call("POST", "/v1/conversions", body, who)
        if made:
            self.learn(program, made, confirmed=confirmed)
        return made

    def order(self, program: Program) -> Body:
        """What was bought."""
        chance = self.random
        event = "sale"
        if program.kind == "leads" and chance.random() < 0.6:
            event = chance.choice(("lead", "lead", "signup", "install"))
        most = chance.choices((0, 2_000, 20_000, 90_000, 600_000), (2, 20, 45, 30, 3))[0]
        amount = chance.randint(most // 10, most) if event == "sale" else 0
        order: Body = {
            "event": event,
            "amount_minor": amount,
            "currency": chance.choice(program.currencies),
        }
        if amount > 10 and chance.random() < (0.7 if program.kind == "lines" else 0.1):
            part = amount // chance.randint(2, 5)
            category = chance.choice(("tools", "paint", "other"))
            order["items"] = [
                {"amount_minor": part, "category": category, "sku": f"SKU-{part % 97}"},
                {"amount_minor": part // 2, "quantity": 2},
            ]
        if chance.random() < 0.12:
            early = timedelta(hours=chance.choice((1, 30, 24 * 9, 24 * 30)))
            order["occurred_at"] = clock.text(max(self.moment - early, START))
        if chance.random() < 0.15:
            order["metadata"] = {"till": f"harare {chance.randint(1, 9)}"}
        return order

    def claims(self, program: Program) -> Body:
        """Whose it may be, and who bought."""
        chance = self.random
        claims: Body = {}
        what = chance.choices(
            ("click", "coupon", "named", "nothing", "lead", "joint", "client", "several"),
            (42, 12, 12, 13, 8, 3, 3, 7),
        )[0]
        if program.joint and chance.random() < 0.3:
            what = "joint"
        if program.kind == "leads" and chance.random() < 0.5:
            what = "lead"
        if what in {"click", "several"}:
            claims |= self.clicked(program)
        if what in {"coupon", "several"}:
            own = [code for each, code in self.coupons if each is program]
            claims["coupon"] = chance.choice(own or ["NO-SUCH"]).lower()
        if what in {"named", "several"}:
            claims["affiliate_id"] = self.approved()
        if what == "lead" and self.leads:
            of_vendor = [each for each in self.leads if each[0].vendor == program.vendor]
            claims["lead_id"] = chance.choice(of_vendor or self.leads)[1]
            claims |= {"affiliate_id": self.approved()} if not of_vendor else {}
        if what == "joint" and self.joint:
            fitting = [each for each in self.joint if each[0] == program.joint]
            claims["joint_with"] = chance.choice(fitting or self.joint)[1]
        if chance.random() < 0.8:
            claims["customer"] = self.named(chance.choice(self.customers))
        if what == "client":
            claims |= self.for_a_client(program)
        return claims

    def clicked(self, program: Program) -> Body:
        """A click at the program's vendor, a late one or another vendor's now and then."""
        own = [each for each in self.clicks if each[1].program_id == program.id][-12:]
        usable = own or [each for each in self.clicks if each[1].vendor_id == program.vendor][-12:]
        if self.random.random() < 0.04 and self.clicks:
            usable = [self.random.choice(self.clicks)]
        if not usable:
            return {"affiliate_id": self.approved()}
        return {"click_id": self.random.choice(usable)[2]}

    def named(self, customer: Mapping[str, str]) -> dict[str, str]:
        """A customer by some of what is known of it."""
        names = self.random.sample(sorted(customer), self.random.choice((1, 1, 2, 3)))
        return {name: customer[name] for name in sorted(names)}

    def for_a_client(self, program: Program) -> Body:
        """An affiliate orders for a client, whose code it has."""
        affiliate_id = self.random.choice(self.sponsors[:100])
        client = {"phone": self.random.choice(self.customers)["phone"]}
        asked = {"affiliate_id": affiliate_id, "client": client}
        made = self.call("POST", "/v1/client-codes", asked, f"shop {program.vendor}")
        if made is None or self.random.random() < 0.2:
            return {"affiliate_id": affiliate_id}
        return {
            "affiliate_id": affiliate_id,
            "customer": {"email": self.emails[affiliate_id]},
            "client": client | {"code": made["code"]},
        }

    def learn(self, program: Program, made: Any, *, confirmed: bool) -> None:
        """Remembers a conversion, and what its vendor will say of it."""
        chance, found = self.random, str(made["id"])
        if made["event"] in {"lead", "signup"}:
            self.leads.append((program, found))
        if program.joint:
            self.joint.append((program.id, found))
        said = f"shop {program.vendor}"
        if made["amount_minor"] and chance.random() < 0.025 and made["status"] == "pending":
            self.later(lambda: self.refund(found, said), hours=(1, 20))
        if made["status"] == "confirmed":
            self.known(found)
        elif confirmed and made.get("confirm_at") is None:
            decision = chance.choices(("confirm", "reject", ""), (85, 7, 8))[0]
            self.decide_later(decision, found, said, (1, 9))
        elif confirmed:
            decision = chance.choices(("confirm", "reject", ""), (20, 6, 74))[0]
            self.decide_later(decision, found, said, (1, 4))

    def decide_later(self, decision: str, found: str, said: str, days: tuple[float, float]) -> None:
        """A vendor's word on what it reported, some days on."""
        if decision == "confirm":
            self.later(lambda: self.confirm(found, said), days=days)
        if decision == "reject":
            code = self.random.choice(REJECTION_CODES)
            body = {"code": code, "reason": f"{code.replace('_', ' ')}, says the till"}
            url = f"/v1/conversions/{found}/rejection"
            self.later(lambda: self.call("POST", url, body, said), days=days)

    def confirm(self, found: str, said: str) -> None:
        """A vendor confirms."""
        if self.call("POST", f"/v1/conversions/{found}/confirmation", None, said):
            self.known(found)

    def kind(self, program_id: str) -> str:
        """The kind of a program."""
        return next(str(each.kind) for each in self.programs if each.id == program_id)

    def known(self, found: str) -> None:
        """Some of what is confirmed is given back, at once or in parts."""
        conversion = get_conversion(found)
        often = 0.3 if self.kind(conversion.program_id) in {"budget", "steps"} else 0.14
        if not conversion.amount_minor or self.random.random() > often:
            return
        said = f"shop {conversion.vendor_id}"
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            self.later(lambda: self.refund(found, said), days=(0.1, 45))

    def refund(self, found: str, said: str) -> None:
        """The rest or a part is given back."""
        conversion = get_conversion(found)
        rest = conversion.amount_minor - conversion.refunded_minor
        if not rest or conversion.status == "rejected":
            return
        part = self.random.choice((rest, rest, self.random.randint(1, rest), max(1, rest // 3)))
        self.refunds += 1
        reason = self.random.choice(("returned", "broken in transport", "wrong colour"))
        body = {"external_id": f"CN-{500 + self.refunds}", "amount_minor": part, "reason": reason}
        self.call("POST", f"/v1/conversions/{found}/refunds", body, said)

    # ---- payouts

    def plan_batches(self) -> None:
        """Each month's batches, paid; later some that are left in every other state."""
        for month in range(1, 12):
            for currency, every, day in (("USD", 1, 5), ("ZWG", 2, 7), ("JPY", 3, 8)):
                if month % every == 0:
                    moment = datetime(2026, month, day, 8, tzinfo=UTC)
                    self.at(moment, lambda c=currency: self.pay(self.batch(c)))  # type: ignore[misc]
        self.at(datetime(2026, 9, 20, 8, tzinfo=UTC), lambda: self.cancel(self.batch("USD")))
        self.at(datetime(2026, 11, 17, 8, tzinfo=UTC), lambda: self.leave("USD", "exported"))
        self.at(datetime(2026, 11, 19, 8, tzinfo=UTC), lambda: self.leave("ZWG", "planned"))
        self.at(datetime(2026, 11, 20, 8, tzinfo=UTC), lambda: self.leave("BHD", "approved"))
        self.at(QUIET_FROM + timedelta(minutes=2), lambda: self.leave("JPY", "planning"))

    def batch(self, currency: str, *, deliver: bool = True) -> str:
        """A batch an operator asks for, with its pages worked on."""
        name = f"pay-{currency}-{self.moment.date()}"
        made = self.need("POST", "/v1/payout-batches", {"currency": currency}, "operator 1", name)
        if deliver:
            self.outside.deliver_work()
        return str(made["id"])

    def pay(self, batch_id: str) -> None:
        """Another operator approves, the file is written, and the bank answers days later."""
        self.approve(batch_id)
        self.outside.deliver_approvals()
        self.later(lambda: self.settle(batch_id, 1.0), days=(1, 3))

    def approve(self, batch_id: str) -> None:
        """The second operator's approval."""
        self.need("POST", f"/v1/payout-batches/{batch_id}/approval", None, "operator 2")

    def cancel(self, batch_id: str) -> None:
        """A batch is taken back, with all its money."""
        self.need("POST", f"/v1/payout-batches/{batch_id}/cancellation", None, "operator 2")
        self.outside.deliver_work()

    def settle(self, batch_id: str, share: float) -> None:
        """What the bank says of a share of a batch's payouts."""
        payouts = sorted(batch_payouts(batch_id), key=lambda each: each.payout_id)
        results = [
            {"payout_id": each.payout_id, "status": "failed", "reason": "no such account"}
            if self.random.random() < 0.08
            else {"payout_id": each.payout_id, "status": "paid", "reference": f"FT{at:05}"}
            for at, each in enumerate(payouts[: int(len(payouts) * share)])
        ]
        for start in range(0, len(results), 50):
            some = {"results": results[start : start + 50]}
            self.need("POST", f"/v1/payout-batches/{batch_id}/results", some)

    def leave(self, currency: str, state: str) -> None:
        """A batch that the year ends with, in this state."""
        batch_id = self.batch(currency, deliver=state != "planning")
        if state in {"exported", "approved"}:
            self.approve(batch_id)
        if state == "exported":
            self.outside.deliver_approvals()
            self.settle(batch_id, 0.55)

    def plan_the_end(self) -> None:
        """The last minutes: facts that nobody posts."""
        for at, kind in enumerate(("lines", "budget", "small", "lines", "budget", "small") * 2):
            self.at(
                QUIET_FROM + timedelta(seconds=50 * at + 5),
                lambda kind=kind: self.report(kind, confirmed=False),  # type: ignore[misc]
            )
        for at in range(6):
            self.at(QUIET_FROM + timedelta(seconds=100 * at + 20), self.confirm_one)
            self.at(QUIET_FROM + timedelta(seconds=100 * at + 60), self.refund_one)

    def confirm_one(self) -> None:
        """A pending conversion that waits for its vendor's word is confirmed."""
        pending = [each for each in self.conversions() if self.is_open(each)]
        found = self.random.choice(sorted(pending))
        said = f"shop {get_conversion(found).vendor_id}"
        self.call("POST", f"/v1/conversions/{found}/confirmation", None, said)

    def refund_one(self) -> None:
        """A conversion that earned somebody something is given back, at least in part."""
        confirmed = [
            each
            for each in self.conversions()
            if get_conversion(each).status == "confirmed" and self.earned(each)
        ]
        found = self.random.choice(sorted(confirmed))
        self.refund(found, f"shop {get_conversion(found).vendor_id}")

    def conversions(self) -> list[str]:
        """Every conversion's id."""
        return sorted(self.standin.tables["conversions"].partitions)

    def is_open(self, found: str) -> bool:
        """Whether only its vendor's word can confirm it."""
        conversion = get_conversion(found)
        attributed = conversion.attribution.affiliate_id is not None
        return attributed and conversion.status == "pending" and conversion.confirm_at is None

    def earned(self, found: str) -> bool:
        """Whether its confirmation has posted anything."""
        head = find_head(confirmation_id(found))
        return head is not None and bool(head["postings"])

    def forget(self) -> None:
        """What DynamoDB lets go by itself: items whose time is over."""
        now = int(END.timestamp())
        for noun in ("clicks", "statistics"):
            table = self.standin.tables[noun]
            over = [
                table.key_in(item)
                for item in table.items()
                if "expires_epoch_s" in item and int(item["expires_epoch_s"]["N"]) < now
            ]
            for key in over:
                table.store(key, None)

    # ---- what is kept

    def sample(self) -> list[str]:
        """One conversion of every kind there is, then a second of each, and so on."""
        ranked: list[tuple[int, str]] = []
        seen: Counter[Any] = Counter()
        for found in self.random.sample(self.conversions(), len(self.conversions())):
            kind = self.kind_of(found)
            seen[kind] += 1
            ranked.append((seen[kind], found))
        self.made["kinds"] = len(seen)
        return sorted(found for _, found in sorted(ranked)[:SAMPLE])

    def refunded(self) -> list[str]:
        """Every conversion of which something was given back."""
        return [each for each in self.conversions() if get_conversion(each).refunded_minor]

    def kind_of(self, found: str) -> tuple[Any, ...]:
        """What makes the explanation of a conversion another than that of the next."""
        history = get_history(found)
        conversion = history.conversion
        names = [confirmation_id(found), *map(refund_id, history.refunds)]
        heads = [head for head in map(find_head, names) if head]
        posted = {each["kind"] for head in heads for each in head["postings"]}
        event, kind = conversion.event, self.kind(conversion.program_id)
        rest = conversion.amount_minor - conversion.refunded_minor
        return (
            conversion.status,
            conversion.attribution.model,
            kind if event == "sale" else event,
            bool(conversion.refunded_minor) and ("in part" if rest else "in full"),
            tuple(sorted(posted & {"bonus", "bonus_return", "recruitment", "affiliate_fee"})),
        )

    def viewers(self, found: str) -> dict[str, str]:
        """The keys of an operator, of the vendor, and of up to two affiliates with a part in it."""
        conversion = get_conversion(found)
        head = find_head(confirmation_id(found))
        own = [conversion.attribution.affiliate_id]
        own += [each.affiliate_id for each in conversion.attribution.candidates]
        for each in head["postings"] if head else ():
            own.append(affiliate_in(each["target"]))
        many = 2 if self.made["viewed"] % 4 == 0 else 1
        self.made["viewed"] += 1
        named = [each for each in dict.fromkeys(own) if each in self.secrets][:many]
        return {
            "operator": self.secrets["operator"],
            "vendor": self.secrets[f"shop {conversion.vendor_id}"],
            **{str(each): self.secrets[str(each)] for each in named},
        }

    def answers(self) -> dict[str, Any]:
        """What this release says of its network."""
        report = audited(END)
        assert not report.findings, report.findings[:5]
        sample = self.sample()
        replayed = replays(sorted({*sample, *self.refunded()}))
        said = [line for each in replayed.values() for line in each]
        assert not [line for line in said if "NOT" in line or "worded" in line], said
        return {
            "audit": said_of(report),
            "explanations": {each: explained(each, self.viewers(each)) for each in sample},
            "replays": replayed,
            "repeated": [self.repeated(*each) for each in self.repeatable],
            "secrets": dict(sorted(self.secrets.items())),
        }

    def repeated(self, method: str, url: str, body: Any, who: str, name: str | None) -> list[Any]:
        """A request that is sent again word for word, and what that answers."""
        headers = {"idempotency_key": name} if name else {}
        waiting = list(self.outside.messages)
        status, text = sent(method, url, body, self.secrets[who], **headers)
        self.outside.messages = waiting
        assert status == 200, (method, url, body, status, text)
        return [method, url, body, who, name, status, text]

    def stored(self) -> Iterator[str]:
        """Lines of JSON: the moment, then the bucket and the queue, then each item."""
        yield _line({"moment": clock.text(END), "release": "6fe1c2a"})
        yield _line({"files": self.outside.files, "messages": self.outside.messages})
        for noun, table in self.standin.tables.items():
            for key in table.sorted_keys():
                item = table.partitions[key[0]][key[1]]
                yield _line([noun, {name: _kept(value) for name, value in item.items()}])


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _kept(value: Any) -> Any:
    """An attribute of DynamoDB's as JSON: deflated text as itself, other binary in base 64.

    Of the deflated text the bytes are kept too, in that deflating it again gives the same.
    """
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: _kept(own) for name, own in content.items()}}
    if kind == "L":
        return {"L": [_kept(own) for own in content]}
    if kind != "B":
        return value
    raw = bytes(content)
    try:
        text = zlib.decompress(raw)
    except zlib.error:
        return {"B": b64encode(raw).decode()}
    assert zlib.compress(text, 9) == raw
    return {"deflated": text.decode()}


def main(folder: Path) -> None:
    """Makes the network and writes it, and its answers, into the folder."""
    maker = Maker(Random(SEED))
    with maker.open():
        maker.build()
        maker.play()
        maker.forget()
        network = "\n".join(maker.stored())
        answers = maker.answers()
        assert network == "\n".join(maker.stored())
    for name, text in (("network", network), ("answers", json.dumps(answers, indent=0))):
        content = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
        (folder / f"{name}.json.xz").write_bytes(content)
        print(name, len(text), len(content))  # noqa: T201
    for name, table in maker.standin.tables.items():
        print(name, sum(map(len, table.partitions.values())))  # noqa: T201
    print(dict(sorted(maker.made.items())), json.dumps(answers["audit"], indent=1))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
