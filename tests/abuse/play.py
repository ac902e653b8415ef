"""Actions on a network: each is one thing somebody does, told to the truth where it is true.

An action names everybody and everything by names of its own (`mal1`, `order 7`), so that a list of
actions can be played again with some of them left out: what then is not there is refused.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

from tests.abuse.network import Network, has_route
from tests.abuse.truth import Person, Rules, Sale, Terms, Truth, Visit
from tests.api.client import Answer

CURRENCIES = ("USD", "EUR", "IRR")
LIMITS_MINOR = {"USD": 50_000, "EUR": 40_000, "IRR": 900_000}
"""What the truth lets each vendor that is not trusted cost in a month."""
TRUSTED_LIMITS_MINOR = {"shop1": {"USD": 10**7}, "shop2": {"USD": 12_000}, "shop3": {"USD": 10**7}}
"""What honest vendors may cost before their confirmations wait for the operators."""
RELEASE, UNBIND = "/v1/conversions/{conversion_id}/release", "/v1/customers/unbind"
LATER_SETTINGS = (
    *("introduction_minimum_minor", "bindings_per_day_max", "hold_days_min"),
    "recruits_per_month_max",
)
SHOPS = {
    "shop1": Terms(500, 200, 14, "on_report"),
    "shop2": Terms(800, 300, 7, "manual"),
    "shop3": Terms(1000, 100, 30, "automatic"),
}
FIRST_MEMBERS = (
    *(("ann", None), ("ben", None), ("cat", "ann")),
    *(("xav1", None), ("xav2", "xav1"), ("xav3", "xav2"), ("dot", "xav1")),
)
"""Affiliates by their sponsors; those who cheat are called xav."""
BANK_FAILS_ONE_IN = 25


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

    def left_minor(self, before: datetime | None = None) -> int:
        """What was left of it before a moment, or is now."""
        gone = (amount for at, amount in self.refunds if before is None or at < before)
        return self.amount_minor - sum(gone)


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


class Play:
    """A network, its truth, and everybody who acts on them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.network = Network()
        self.truth = Truth(Rules())
        self.programs: dict[str, dict[str, str]] = {}
        self.links: dict[tuple[str, str], str] = {}
        self.clicks: dict[tuple[str, str], str] = {}
        self.codes: dict[tuple[str, str, str], str] = {}
        self.fakes: dict[str, Fake] = {}
        self.reported: dict[tuple[str, str, str], str] = {}
        self.held: set[str] = set()
        self.paid: list[Paid] = []
        self.later: set[str] = set()
        self.touched: dict[str, list[int]] = defaultdict(list)
        self.batches = self.answered = self.accepted = self.stuck = self.done = 0

    # ---- the network as it opens

    def build(self) -> None:
        """Settings, honest vendors with their programs, the first affiliates, one that cheats."""
        self.operator = self.network.new_key("operator")
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

    def _publish_settings(self) -> None:
        """Sets all that the release knows; what it does not know is left out, and noted."""
        chosen = {
            "introduction_minimum_minor": self.random.choice(({}, {"USD": 900, "EUR": 800})),
            "bindings_per_day_max": self.random.choice((3, 6, 50)),
            "hold_days_min": self.random.choice((0, 0, 3, 7)),
            "recruits_per_month_max": self.random.choice((2, 4, 20)),
        }
        rules = Rules(affiliate_fee_bps=self.random.choice((0, 200)))
        body = {
            "name": "abused",
            "level_rates_bps": list(rules.level_rates_bps),
            "network_fee_bps": rules.fee_bps,
            "affiliate_fee_bps": rules.affiliate_fee_bps,
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
        self.truth.rules = Rules(
            affiliate_fee_bps=rules.affiliate_fee_bps,
            floors_minor=tuple(sorted(floors.items())),
            bindings_per_day_max=body.get("bindings_per_day_max", 50),
            recruits_per_month_max=body.get("recruits_per_month_max", 20),
            takes_back="introduction_minimum_minor" in self.later,
        )

    def _knows(self, path: str) -> bool:
        """Whether the release has an operators' route: one of a function, or of the API's."""
        if has_route(f"POST {path}"):
            return True
        answer = self._operator("POST", path.replace("{conversion_id}", "cnv_1"), {})
        return bool(answer.code != "route_not_found")

    def _honest_terms(self, terms: Terms) -> dict[str, Any]:
        waits = terms.confirmation == "automatic"
        return {
            "name": "honest",
            "destination_url": "https://shop.example/",
            "rewards": [{"event": "sale", "rate_bps": terms.rate_bps}],
            "introducer_rate_bps": terms.introducer_rate_bps,
            "window_days": terms.window_days,
            "hold_days": terms.hold_days,
            "confirmation": terms.confirmation,
            **({"confirm_after_days": terms.confirm_after_days} if waits else {}),
        }

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
        return answer

    def _operator(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        answer = self.network.call(self.operator, method, path, body, repeat_key=key)
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
        self._operator("POST", f"/v1/members/{member_id}/approval")
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

    def wait(self, hours: float) -> None:
        """Time passes; the schedules run at its end."""
        self.network.moment += timedelta(hours=hours)
        self.network.sweep()
        self.stuck = self.network.confirm_silent()
        self.network.deliver()
        self._see_silence()

    def _see_silence(self) -> None:
        """Honest sales that silence has confirmed meanwhile, or that it left held."""
        for sale in self.truth.sales.values():
            terms = sale.terms
            if terms.confirmation != "automatic" or sale.confirmed_at or sale.rejected:
                continue
            due = sale.reported_at + timedelta(days=terms.confirm_after_days)
            if due <= self.now and sale.conversion_id not in self.held:
                path = f"/v1/conversions/{sale.conversion_id}"
                self._see(sale, self._operator("GET", path))

    def _see(self, sale: Sale, answer: Answer) -> None:
        """Takes in what the answer says of a sale's confirmation."""
        if answer.status >= 300 or sale.confirmed_at:
            return
        if answer.body["status"] == "confirmed":
            self.held.discard(sale.conversion_id)
            self.truth.confirmed(sale, self.now)
        elif answer.body.get("held"):
            self.held.add(sale.conversion_id)

    def stall(self, actions: int) -> None:
        """The stream of conversions stands still for so many actions."""
        self.network.stalled = actions

    # ---- honest customers and vendors

    def buy(self, customer: str, vendor: str, order: str, amount: int, named: str | None) -> None:
        """A customer really buys; the vendor says so, with the click it came by if there is one."""
        terms, click_id = self.shops[vendor], self.clicks.get((customer, vendor))
        if named not in {None, *self.truth.people}:
            return
        body: dict[str, Any] = {
            "program_id": self.programs[vendor][vendor],
            "event": "sale",
            "external_id": order,
            "amount_minor": amount,
            "currency": "USD",
            "customer": self.contact(customer),
            **({"click_id": click_id} if click_id else {}),
            **({"affiliate_id": self._id(named)} if named else {}),
        }
        answer = self._call(vendor, "POST", "/v1/conversions", body)
        if answer.status != 201:
            self.network.failures.append(f"an honest sale was refused: {answer.body}")
            return
        truth = self.truth
        self.reported[vendor, "sale", order] = answer.body["id"]
        sale = Sale(
            conversion_id=answer.body["id"],
            vendor=vendor,
            order=order,
            customer=customer,
            amount_minor=amount,
            currency="USD",
            terms=terms,
            reported_at=self.now,
            brought_by=truth.brought_by(customer, vendor, click_id, named, self.now),
            introduced_by=truth.introducer(customer, self.now),
        )
        truth.sold(sale, click_id)
        self.touched[sale.conversion_id].append(self.done)
        self._see(sale, answer)

    def settle(self, vendor: str, order: str, confirms: bool) -> None:
        """An honest vendor confirms a sale, or says that it came to nothing."""
        sale = self.sale(vendor, order)
        if sale is None or sale.confirmed_at or sale.rejected:
            return
        path = f"/v1/conversions/{sale.conversion_id}"
        if confirms:
            self._see(sale, self._call(vendor, "POST", f"{path}/confirmation", None))
            return
        answer = self._call(vendor, "POST", f"{path}/rejection", {"reason": "not picked up"})
        if answer.status < 300:
            sale.rejected = True
            self.held.discard(sale.conversion_id)

    def give_back(self, vendor: str, order: str, number: int, part: float) -> None:
        """An honest vendor gives money back: all that is left, or a part of it."""
        sale = self.sale(vendor, order)
        if sale is None or sale.rejected or not sale.left_minor:
            return
        amount = max(1, int(sale.left_minor * part))
        body = {"external_id": f"{number}", "amount_minor": amount, "reason": "returned"}
        path = f"/v1/conversions/{sale.conversion_id}/refunds"
        if self._call(vendor, "POST", path, body).status == 201:
            self.truth.refunded(sale, amount, self.now)

    def reprice(self, vendor: str, rate_bps: int) -> None:
        """An honest vendor publishes another rate; what was reported keeps its own."""
        was = self.shops[vendor]
        terms = Terms(rate_bps, was.introducer_rate_bps, was.hold_days, was.confirmation)
        self.publish(vendor, vendor, self._honest_terms(terms))
        self.shops[vendor] = terms

    def opt_out(self, customer: str, vendor: str) -> None:
        """A customer wants to be known by nobody, and tells an honest vendor so, for good."""
        body = {"customer": self.contact(customer)}
        if self._call(vendor, "POST", "/v1/customers/opt-out", body).status == 200:
            self.truth.opted_out.setdefault(customer, self.now)

    def sale(self, vendor: str, order: str) -> Sale | None:
        return self.truth.sales.get(self.reported.get((vendor, "sale", order), ""))

    def contact(self, customer: str, how: str = "both") -> dict[str, str]:
        """How a customer is named: by phone, by e-mail, or by both; a member by its own."""
        person = self.truth.people.get(customer)
        both = {
            "phone": person.phone if person else f"+26371{crc32(customer.encode()) % 10**7:07d}",
            "email": person.email if person else f"{customer}@people.example",
        }
        return both if how == "both" else {how: both[how]}

    # ---- what vendors that cheat do

    def claim(
        self,
        vendor: str,
        program: str,
        event: str,
        order: str,
        amount: int,
        currency: str,
        customer: str | None = None,
        how: str = "both",
        named: str | None = None,
        coupon: str | None = None,
        client: str | None = None,
        click: bool = False,
    ) -> None:
        """A vendor reports what it likes, of whom it likes."""
        body: dict[str, Any] = {
            "program_id": self.programs.get(vendor, {}).get(program, "prg_none"),
            "event": event,
            "external_id": order,
            "amount_minor": amount,
            "currency": currency,
        }
        if customer:
            body["customer"] = self.contact(customer, how)
        if named:
            body["affiliate_id"] = self._id(named)
        if coupon:
            body["coupon"] = coupon
        if click and customer and (customer, vendor) in self.clicks:
            body["click_id"] = self.clicks[customer, vendor]
        if client:
            code = self.codes.get((vendor, named or "", client), "000000")
            body["client"] = {**self.contact(client, "phone"), "code": code}
        answer = self._call(vendor, "POST", "/v1/conversions", body)
        if answer.status == 201:
            found = self.reported[vendor, event, order] = answer.body["id"]
            self.touched[found].append(self.done)
            self.fakes[found] = Fake(found, vendor, event, order, amount, currency)

    def say(self, vendor: str, event: str, order: str, word: str, **said: Any) -> None:
        """A vendor confirms, rejects or refunds what it has reported."""
        found = self.reported.get((vendor, event, order), "cnv_none")
        body = {
            "confirmation": None,
            "rejection": {"reason": "fraud"},
            "refunds": {"reason": "returned", **said},
        }[word]
        answer = self._call(vendor, "POST", f"/v1/conversions/{found}/{word}", body)
        self.touched[found].append(self.done)
        if word == "refunds" and answer.status == 201 and found in self.fakes:
            self.fakes[found].refunds.append((self.now, said["amount_minor"]))

    def mark(self, vendor: str, customer: str, how: str, out: bool) -> None:
        """A vendor opts somebody else's customer out, or in again."""
        path = f"/v1/customers/opt-{'out' if out else 'in'}"
        self._call(vendor, "POST", path, {"customer": self.contact(customer, how)})

    def client_code(self, vendor: str, affiliate: str, client: str) -> None:
        """A vendor has a code made for somebody an affiliate says it buys for."""
        body = {"affiliate_id": self._id(affiliate), "client": self.contact(client, "phone")}
        answer = self._call(vendor, "POST", "/v1/client-codes", body)
        if answer.status == 201:
            self.codes[vendor, affiliate, client] = answer.body["code"]

    def coupon(self, vendor: str, program: str, affiliate: str, code: str, exclusive: bool) -> None:
        """A vendor gives an affiliate a coupon."""
        body = {
            "code": code,
            "affiliate_id": self._id(affiliate),
            "program_id": self.programs.get(vendor, {}).get(program, "prg_none"),
            "exclusive": exclusive,
        }
        self._call(vendor, "POST", "/v1/coupons", body)

    def split(self, affiliate: str, receiver: str, share_bps: int) -> None:
        """An affiliate that cheats has a part of what it earns sent to another of its kind."""
        person, to = self.truth.people.get(affiliate), self.truth.people.get(receiver)
        if person and to:
            body = {"splits": [{"member_id": to.member_id, "share_bps": share_bps}]}
            self._operator("PATCH", f"/v1/members/{person.member_id}", body)

    def _id(self, name: str) -> str:
        person = self.truth.people.get(name)
        return person.member_id if person else "mem_none"

    # ---- operators

    def suspend(self, vendor: str) -> None:
        """Operators have found out that a vendor cheats."""
        person = self.truth.people.get(vendor)
        if person and vendor not in self.truth.suspended:
            self._operator("POST", f"/v1/members/{person.member_id}/suspension")
            self.truth.suspended[vendor] = self.now

    def release(self) -> None:
        """Operators release what is held of honest vendors, and nothing else."""
        for found in sorted(self.held):
            answer = self._operator("POST", RELEASE.replace("{conversion_id}", found))
            self._see(self.truth.sales[found], answer)

    def unbind(self, customer: str) -> None:
        """Operators end what a vendor that cheats has made of a customer."""
        if UNBIND in self.later:
            body = {"customer": self.contact(customer), "reason": "bound by a vendor that cheats"}
            if self._operator("POST", UNBIND, body).status < 300:
                self.truth.unbound[customer] = self.now

    def month_end(self) -> None:
        """Operators plan, approve and export a batch of each currency; the bank pays it."""
        self.network.sweep()
        self.batches += 1
        shards = self.network.standin.tables["ledger"].indexes["open"].entries
        for currency in CURRENCIES:
            if any(each for shard, each in shards.items() if f"#{currency}#" in shard):
                self._batch(currency)

    def _batch(self, currency: str) -> None:
        key, began, cutoff = (
            f"batch-{self.batches}-{currency}",
            self.now,
            self.now.date().isoformat(),
        )
        made = self._operator("POST", "/v1/payout-batches", {"currency": currency}, key)
        batch_id = made.body["id"]
        self.network.work()
        self._operator("POST", f"/v1/payout-batches/{batch_id}/approval")
        results = []
        for row in csv.DictReader(io.StringIO(self.network.export(batch_id).decode())):
            fails = crc32(row["payout_id"].encode()) % BANK_FAILS_ONE_IN == 0
            status = "failed" if fails else "paid"
            results.append({"payout_id": row["payout_id"], "status": status})
            if not fails:
                (name,) = [n for n, p in self.truth.people.items() if p.phone == row["account"]]
                amount = int(Decimal(row["amount"]) * 100)
                self.truth.bank[name, currency] += amount
                self.paid.append(Paid(name, currency, amount, began, cutoff))
        for at in range(0, len(results), 100):
            body = {"results": results[at : at + 100]}
            answer = self._operator("POST", f"/v1/payout-batches/{batch_id}/results", body)
            assert answer.status == 200, answer.body
