"""A network with the truth beside it, as it opens, and what anybody does there.

An action names everybody and everything by names of its own (`mal1`, `order 7`), so that a list of
actions can be played again with some of them left out: what then is not there is refused.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

from tests.abuse.network import Network, has_route
from tests.abuse.truth import Person, Rules, Terms, Truth, Visit
from tests.api.client import Answer

CURRENCIES = ("USD", "EUR", "IRR")
LIMITS_MINOR = {"USD": 50_000, "EUR": 40_000, "IRR": 900_000}
"""What the truth lets each vendor that is not trusted cost in a month."""
TRUSTED_LIMITS_MINOR = {
    **{shop: {"USD": 10**7} for shop in ("shop1", "shop3", "shop4")},
    "shop2": {"USD": 12_000},
}
"""What honest vendors may cost before their confirmations wait for the operators."""
RELEASE, UNBIND = "/v1/conversions/{conversion_id}/release", "/v1/customers/unbind"
SHOPS = {
    "shop1": Terms(500, 200, 14, "on_report"),
    "shop2": Terms(800, 300, 7, "manual"),
    "shop3": Terms(1000, 100, 30, "automatic"),
    "shop4": Terms(600, 600, 0, "on_report", lead_minor=25, bonus_count=3, bonus_minor=2_000),
}
"""Only the last pays bonuses; whom it gets by leads earns as much as whom an introducer brings."""
SIMPLE_SETTINGS = ("bindings_per_day_max", "hold_days_min", "recruits_per_month_max")
FIRST_MEMBERS = (
    *(("ann", None), ("ben", None), ("cat", "ann")),
    *(("xav1", None), ("xav2", "xav1"), ("xav3", "xav2"), ("dot", "xav1")),
)
"""Affiliates by their sponsors; those who cheat are called xav."""


@dataclass(frozen=True)
class Action:
    """One thing that is done, by whom or as part of what."""

    what: str
    by: str
    args: Mapping[str, Any]

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.args.items())
        return f"{self.by}: {self.what}({said})"


@dataclass
class Fake:
    """What a vendor that cheats has reported, as far as it was accepted."""

    conversion_id: str
    vendor: str
    event: str
    order: str
    amount_minor: int
    currency: str
    refunds: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def left_minor(self) -> int:
        return self.amount_minor - sum(minor for _, minor in self.refunds)

    def left_before(self, at: datetime) -> int:
        """What was left of it before a moment."""
        return self.amount_minor - sum(minor for when, minor in self.refunds if when < at)

    def left_after(self, at: datetime) -> int:
        """What was left of it after all that happened up to a moment."""
        return self.amount_minor - sum(minor for when, minor in self.refunds if when <= at)


@dataclass(frozen=True)
class Mark:
    """A vendor's opt-out of somebody, as far as it was said to hold; no scope lifts its own."""

    at: datetime
    vendor: str
    contact: Mapping[str, str]
    scope: str | None


@dataclass(frozen=True)
class Unbinding:
    """The operators' word that whoever introduced this customer has not."""

    at: datetime
    contact: Mapping[str, str]


@dataclass(frozen=True)
class Paid:
    """What the bank has paid somebody: how much, and through which due date."""

    name: str
    currency: str
    amount_minor: int
    debited_at: datetime
    cutoff: str


@dataclass(frozen=True)
class Failed:
    """What went wrong that never may: its kind, and the conversions it is about."""

    kind: str
    detail: str
    about: tuple[str, ...] = ()


class World:
    """A network, its truth, and what everybody who acts on them does alike."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.network = Network()
        self.truth = Truth(Rules())
        self.programs: dict[str, dict[str, str]] = {}
        self.links: dict[tuple[str, str], str] = {}
        self.clicks: dict[tuple[str, str], str] = {}
        self.codes: dict[tuple[str, str, str], str] = {}
        self.reported: dict[tuple[str, str, str], str] = {}
        self.fakes: dict[str, Fake] = {}
        self.held: set[str] = set()
        self.paid: list[Paid] = []
        self.marks: list[Mark] = []
        self.unbindings: list[Unbinding] = []
        self.ivos_keys: dict[str, str] = {}
        self.at_the_bank: dict[str, str] = {}
        self.said_returned: set[str] = set()
        self.spoken: set[tuple[str, str]] = set()
        self.forged: dict[str, Fake] = {}
        self.taken_out: Counter[str] = Counter()
        self.is_over = False
        self.later: set[str] = set()
        self.touched: dict[str, list[int]] = defaultdict(list)
        self.batches = self.answered = self.accepted = self.stuck = self.done = 0

    # ---- the network as it opens

    def build(self) -> None:
        """Settings, honest vendors with their programs, the first affiliates, one that cheats."""
        self.operator = self.network.new_key("operator", person="Olga")
        self.second = self.network.new_key("operator", person="Pete")
        self.ivo = self.network.new_key("operator", person="Ivo")
        self._publish_settings()
        self.later |= {each for each in (RELEASE, UNBIND) if self._knows(each)}
        for name, sponsor in FIRST_MEMBERS:
            self.join(name, "affiliate", sponsor)
        for shop, terms in SHOPS.items():
            self.join(shop, "vendor")
            self.publish(shop, shop, self._honest_terms(terms))
            assert shop in self.programs[shop], f"{shop} could not open"
        self.shops = dict(SHOPS)
        self.join("mal1", "vendor")
        settings = self._operator("GET", "/v1/network").body
        answer = self._operator("PUT", "/v1/network", settings | {"four_eyes": True})
        assert answer.status == 200, answer.body

    def _publish_settings(self) -> None:
        """Sets all that the release knows; what it does not know is left out, and noted."""
        chosen = {
            "introduction_minimum_minor": self.random.choice(({}, {"USD": 900, "EUR": 800})),
            "bindings_per_day_max": self.random.choice((3, 6, 50)),
            "hold_days_min": self.random.choice((0, 0, 3, 7)),
            "recruits_per_month_max": self.random.choice((2, 4, 20)),
        }
        rules = Rules(
            affiliate_fee_bps=self.random.choice((0, 200)),
            introducer_days=self.random.choice((40, 365)),
        )
        body = {
            "name": "abused",
            "level_rates_bps": list(rules.level_rates_bps),
            "network_fee_bps": rules.fee_bps,
            "affiliate_fee_bps": rules.affiliate_fee_bps,
            "introducer_days": rules.introducer_days,
            "override_funding": "network",
            "recruitment_bonus": {
                "amount_minor": rules.bonus_minor,
                "currency": rules.bonus_currency,
            },
        }
        for name, value in chosen.items():
            if self._operator("PUT", "/v1/network", {**body, name: value}).status == 200:
                body[name] = value
                self.later.add(name)
        answer = self._operator("PUT", "/v1/network", body)
        assert answer.status == 200, answer.body
        floors = dict(body.get("introduction_minimum_minor", {}))
        known = {name: body[name] for name in SIMPLE_SETTINGS if name in body}
        self.truth = Truth(
            replace(
                rules,
                floors_minor=tuple(sorted(floors.items())),
                takes_back="introduction_minimum_minor" in self.later,
                **known,
            )
        )

    def _knows(self, path: str) -> bool:
        """Whether the release has an operators' route: one of a function, or of the API's."""
        if has_route(f"POST {path}"):
            return True
        answer = self._operator("POST", path.replace("{conversion_id}", "cnv_1"), {})
        return bool(answer.code != "route_not_found")

    def _honest_terms(self, terms: Terms) -> dict[str, Any]:
        waits = terms.confirmation == "automatic"
        lead: list[dict[str, Any]] = []
        if terms.lead_minor:
            lead = [{"event": "lead", "amount_minor": terms.lead_minor, "currency": "USD"}]
        bonus = {"by": "count", "period": "month", "currency": "USD"}
        bonus |= {"target": terms.bonus_count, "amount_minor": terms.bonus_minor}
        return {
            "name": "honest",
            "destination_url": "https://shop.example/",
            "rewards": [{"event": "sale", "rate_bps": terms.rate_bps}, *lead],
            "introducer_rate_bps": terms.introducer_rate_bps,
            "window_days": terms.window_days,
            "hold_days": terms.hold_days,
            "confirmation": terms.confirmation,
            "bonuses": [bonus] if terms.bonus_count else [],
            **({"confirm_after_days": terms.confirm_after_days} if waits else {}),
        }

    def reported_by_cheats(self, found: str) -> Fake:
        """What a vendor that cheats has reported, or Ivo for one that does not."""
        return self.fakes.get(found) or self.forged[found]

    # ---- one action

    def do(self, action: Action) -> None:
        """Does it, a few seconds later than the one before, and lets what it woke run."""
        self.network.moment += timedelta(seconds=7)
        self.done += 1
        getattr(self, action.what)(**action.args)
        self.network.deliver()

    @property
    def now(self) -> datetime:
        return self.network.moment

    def _call(self, name: str, method: str, path: str, body: Any, key: str = "") -> Answer:
        person = self.truth.people.get(name)
        secret = person.secret if person else ""
        answer = self.network.call(secret, method, path, body, repeat_key=key)
        self.answered += 1
        self.accepted += answer.status < 300
        if answer.code == "route_not_found":
            self.network.failures.append(f"{method} {path} is no route, so nobody can abuse it")
        return answer

    def _operator(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        return self._by(self.operator, method, path, body, key)

    def _agreed(self, method: str, path: str, body: Any = None) -> None:
        """What Olga asks for; if it takes two, Pete approves it."""
        answer = self._operator(method, path, body)
        if answer.status == 202:
            approval = f"/v1/proposals/{answer.body['proposal']['id']}/approval"
            self._by(self.second, "POST", approval)

    def _by(self, secret: str, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        answer = self.network.call(secret, method, path, body, repeat_key=key)
        self.answered += 1
        return answer

    # ---- what anybody may do

    def join(self, name: str, role: str, sponsor: str | None = None) -> None:
        """Operators take a member in, with a limit where the release knows one."""
        people = self.truth.people
        if name in people or (sponsor and sponsor not in people):
            return
        number = len(people)
        phone, email = f"+2637710{number:05d}", f"{name}@members.example"
        body = {
            "name": name,
            "roles": [role],
            "phone": phone,
            "email": email,
            "hosts": ["shop.example"],
            "payout_method": {"type": "mobile_money", "phone": phone},
            **({"sponsor_id": people[sponsor].member_id} if sponsor else {}),
        }
        made = self._operator("POST", "/v1/members", body, name)
        assert made.status == 201, made.body
        member_id = made.body["id"]
        self._agreed("POST", f"/v1/members/{member_id}/approval")
        honest = not name.startswith(("xav", "mal"))
        if role == "vendor":
            limits = TRUSTED_LIMITS_MINOR.get(name, LIMITS_MINOR)
            answer = self._operator(
                "PATCH", f"/v1/members/{member_id}", {"confirmed_max_minor": limits}
            )
            if answer.status == 200:
                self.later.add("confirmed_max_minor")
        secret = self.network.new_key(role, member_id)
        people[name] = Person(name, member_id, secret, sponsor, honest, phone, email)

    def publish(self, vendor: str, program: str, body: Mapping[str, Any]) -> None:
        """A vendor opens a program, or publishes its next version."""
        known = self.programs.setdefault(vendor, {})
        rewards = [
            {
                **each,
                **(
                    {"affiliate_id": self._id(each["affiliate_id"])}
                    if "affiliate_id" in each
                    else {}
                ),
            }
            for each in body["rewards"]
        ]
        sent = {**body, "rewards": rewards}
        if program in known:
            self._call(vendor, "PUT", f"/v1/programs/{known[program]}", sent)
            return
        answer = self._call(
            vendor, "POST", "/v1/programs", sent, f"{vendor}-{program}".replace(" ", "-")
        )
        if answer.status == 201:
            known[program] = answer.body["id"]

    def visit(self, customer: str, affiliate: str, vendor: str) -> None:
        """A customer follows an affiliate's link to a vendor's first program."""
        program_id = next(iter(self.programs.get(vendor, {}).values()), "prg_none")
        code = self.links.get((affiliate, vendor))
        if code is None:
            body = {"program_id": program_id}
            answer = self._call(affiliate, "POST", "/v1/links", body, f"{affiliate}-{vendor}")
            if answer.status != 201:
                return
            code = self.links[affiliate, vendor] = answer.body["code"]
        number = crc32(customer.encode())
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        click_id = self.network.visit(code, address)
        if click_id:
            self.clicks[customer, vendor] = click_id
            self.truth.visited(customer, vendor, Visit(click_id, affiliate, self.now))

    def stall(self, actions: int) -> None:
        """The stream of conversions stands still for so many actions."""
        self.network.stalled = actions

    def contact(self, customer: str, how: str = "both") -> dict[str, str]:
        """How a customer is named: by phone, by e-mail, or by both; a member by its own."""
        person = self.truth.people.get(customer)
        both = {
            "phone": person.phone if person else f"+26371{crc32(customer.encode()) % 10**7:07d}",
            "email": person.email if person else f"{customer}@people.example",
        }
        return both if how == "both" else {how: both[how]}

    def _mark(self, vendor: str, contact: Mapping[str, str], *, out: bool) -> bool:
        """A vendor opts a customer out or in again, if that is not refused."""
        path = f"/v1/customers/opt-{'out' if out else 'in'}"
        answer = self._call(vendor, "POST", path, {"customer": contact})
        if answer.status == 200:
            self.marks.append(Mark(self.now, vendor, contact, answer.body.get("scope")))
        return answer.status == 200

    def _id(self, name: str) -> str:
        person = self.truth.people.get(name)
        return person.member_id if person else "mem_none"
