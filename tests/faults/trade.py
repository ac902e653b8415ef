"""What vendors, customers and time do to the network, at random, through the product's own flow.

Requests are bodies as they come over the wire. One that dies is sent again until it is answered, as
clients do; the answers DynamoDB's mischief makes impossible are the only ones not accepted here.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException

from linkage.domain import clock
from linkage.domain.clicks.statistics import Counts, LinkDay
from linkage.domain.conversions.conversions import REFUNDS_MAX, REJECTION_CODES, Conversion
from linkage.domain.conversions.requests import refund_in, report_in
from linkage.domain.errors import LinkageError, NotFoundError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.requests import client_code_in, customer_in, unbinding_in
from linkage.domain.rule_versions import RULES, RULES_FIRST
from linkage.domain.terms.programs import COUNTED_EVENTS, EVENTS, Program
from linkage.flow.clicks.billing import DayNotBilledError, bill_day
from linkage.flow.conversions import (
    confirming_by_silence,
    recording,
    releasing,
    unbinding,
    vendor_decisions,
)
from linkage.flow.people import client_codes, consenting
from linkage.tables.conversions import get_conversion
from linkage.tables.statistics import put_counts
from tests.conversion_ids import ids_of
from tests.domain.examples import operator
from tests.faults.earlier import rules_of
from tests.faults.mischief import CrashError, Mischief
from tests.faults.terms import CATEGORIES, COUPONS, CURRENCIES, GROWN_VERSIONS
from tests.faults.world import START, World

_OPERATOR = operator("key_operator")
PASSING = (CrashError, ClientError, PynamoDBException, DayNotBilledError)
"""After these a client, the stream or a tick comes again."""
EXPECTED_REFUSALS = frozenset(
    {
        *("external_id_reused", "conversion_rejected", "conversion_confirmed", "rejected_before"),
        *("member_not_approved", "refund_exceeds_rest", "occurred_in_future"),
        *("occurred_too_long_ago", "too_many_refunds", "not_held"),
        *("opted_out_recently", "too_many_opt_ins"),
    }
)
OPERATOR = Key("key_operator", "operator", None, "", "")
RECENT = 400
GROWING_FROM, GROWING_EVERY = 400, 5_000
"""At which steps terms and refunds grow as far as they can."""
SENT_AGAIN_MAX = 50


@dataclass
class Known:
    """A conversion as the outside knows it, with the body it was reported with."""

    conversion: Conversion
    body: dict[str, Any]
    key: Key

    @property
    def rest_minor(self) -> int:
        return self.conversion.amount_minor - self.conversion.refunded_minor


class Trade:
    """The requests; `focus` is what a meddler goes for while another request is under way."""

    def __init__(self, world: World, mischief: Mischief, mean_pause_s: float) -> None:
        self.random: Random = world.random
        self.world, self.mischief, self.mean_pause_s = world, mischief, mean_pause_s
        self.known: dict[str, Known] = {}
        self.pending: list[str] = []
        self.confirmed: list[str] = []
        self.recent: list[str] = []
        self.reports = self.refunds = self.links = self.steps = self.grown = self.strangers = 0
        self.billed: dict[date, list[LinkDay]] = {}
        self.opted_out: list[tuple[str, dict[str, str]]] = []
        self.focus: Callable[[], None] | None = None
        self.hot: dict[str, Any] = {}
        self.answers: Counter[str] = Counter()

    # ---- one step

    def step(self) -> None:
        """Time passes, and one thing happens."""
        self.world.moment += timedelta(
            milliseconds=int(self.random.expovariate(1 / self.mean_pause_s) * 1000)
        )
        if self.random.random() < 0.15:
            self.change()
        self.steps += 1
        if self.steps % GROWING_EVERY == GROWING_FROM:
            self.grow()
            self.nibble()
        chances = {
            self.report: 50,
            self.confirm: 12,
            self.release: 4,
            self.reject: 3,
            self.refund: 25,
            self.again: 3,
            self.otherwise: 2,
            self.silence: 1,
            self.bill: 1,
            self.consent: 1,
            self.unbind: 0.5,
            self.introduce: 0.7,
        }
        self.random.choices(list(chances), list(chances.values()))[0]()

    def meddle(self) -> None:
        """Another request comes while one is between its read and its write."""
        focus, self.focus = self.focus, None
        choice = self.random.random()
        if focus and choice < 0.3:
            focus()  # the very same request, twice at once
        elif self.hot and choice < 0.8:
            self.report(self.hot)
        else:
            self.random.choice((self.confirm, self.refund, self.reject, self.change))()

    def change(self) -> None:
        """Somebody changes terms, members or coupons; that goes well."""
        with self.mischief.calm():
            self.world.change()

    def _sent(self, what: str, request: Callable[[], Any]) -> Any:
        """Sends a request until it is answered; None if it was refused as it may be."""
        for _ in range(SENT_AGAIN_MAX):
            self.focus = lambda: self._once(what, request)
            try:
                return self._once(what, request)
            except PASSING:
                self.answers[f"{what} sent again"] += 1
            finally:
                self.focus = None
        raise AssertionError(f"{what} was sent {SENT_AGAIN_MAX} times and never answered")

    def _once(self, what: str, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except LinkageError as refused:
            if refused.code not in EXPECTED_REFUSALS and what != "client code":
                raise
            self.answers[f"{what} refused: {refused.code}"] += 1
            return None

    # ---- reports

    def report(self, like: dict[str, Any] | None = None) -> None:
        """A new report; `like` one is of the same people under the same terms."""
        self.reports += 1
        program = self.world.programs[
            like["program_id"] if like else self.random.choice(list(self.world.programs))
        ]
        key = self._key(program.vendor_id)
        body = {
            "program_id": program.program_id,
            "external_id": f"order-{self.reports}",
            **self._order(),
            **(self._claims(program.program_id, program.vendor_id) if like is None else {}),
            **{name: like[name] for name in like or () if name in _PEOPLE},
        }
        if key.role == "operator":
            body["vendor_id"] = program.vendor_id
        self._report(body, key)

    def _report(self, body: dict[str, Any], key: Key) -> Known | None:
        """Sends a report; what is known of its conversion, None if it was refused."""
        self.hot = body
        answer = self._sent("report", lambda: recording.report(report_in(body, key)))
        self.hot = {}
        if answer is None:
            return None
        self._learn(*answer, Known(answer[0], body, key))
        return self.known[answer[0].conversion_id]

    def _learn(self, conversion: Conversion, replayed: bool, known: Known) -> None:
        self.answers["replays"] += replayed
        conversion_id = conversion.conversion_id
        if conversion_id not in self.known:
            self._count_hold(None, conversion)
            self.recent = [*self.recent[-RECENT:], conversion_id]
            if conversion.status == "pending":
                self.pending.append(conversion_id)
            elif conversion.amount_minor:
                self.confirmed.append(conversion_id)
        self.known[conversion_id] = replace(known, conversion=conversion)

    def _key(self, vendor_id: str) -> Key:
        if self.random.random() < 0.1:
            return OPERATOR
        return self.vendor_key(vendor_id)

    @staticmethod
    def vendor_key(vendor_id: str) -> Key:
        """The key of a vendor's own shop."""
        return Key("key_vendor", "vendor", vendor_id, "", "")

    def _order(self) -> dict[str, Any]:
        chance = self.random
        most = chance.choices((0, 1, 500, 50_000, 2_000_000, 10**12), (10, 10, 20, 40, 20, 0.1))[0]
        amount = chance.randint(most // 100, most)
        order: dict[str, Any] = {
            "event": chance.choice(("sale",) * 6 + EVENTS),
            "amount_minor": amount,
            "currency": chance.choice(CURRENCIES),
        }
        if chance.random() < 0.4:
            order["items"] = self._items(amount)
        if chance.random() < 0.3:
            early = timedelta(hours=chance.choice((-0.05, 1, 40, 24 * 20, 24 * 200)))
            moment = max(self.world.moment - early, START - timedelta(days=200))
            order["occurred_at"] = clock.text(moment)
        return order

    def _items(self, amount: int) -> list[dict[str, Any]]:
        items, rest = [], amount
        for _ in range(self.random.randint(1, 4)):
            part = self.random.choice((rest, self.random.randint(0, rest)))
            rest -= part
            item: dict[str, Any] = {"amount_minor": part}
            if self.random.random() < 0.8:
                item["category"] = self.random.choice((*CATEGORIES, "other"))
            items.append(item)
        return items

    def _claims(self, program_id: str, vendor_id: str) -> dict[str, Any]:
        """What may attribute it, each at random: most often one claim, sometimes many."""
        chance, claims = self.random, {}
        if chance.random() < 0.55 and self.world.clicks:
            own = [each for each in self.world.clicks if each.vendor_id == vendor_id]
            usable = own if own and chance.random() < 0.95 else self.world.clicks
            claims["click_id"] = chance.choice(usable).click_id
        if chance.random() < 0.25:
            theirs = [code for vendor, code in self.world.coupons if vendor == vendor_id]
            claims["coupon"] = chance.choice((*theirs, *theirs, *COUPONS, "unknown")).lower()
        if chance.random() < 0.35:
            claims["affiliate_id"] = chance.choice((*self.world.affiliates, "mem_nobody"))
        if chance.random() < 0.12 and self.recent:
            claims["lead_id"] = self._lead(vendor_id)
        if chance.random() < 0.08 and self.recent:
            claims["joint_with"] = self._joint(program_id)
        if chance.random() < 0.8:
            claims["customer"] = self._customer()
        if chance.random() < 0.04:
            claims |= self._bought_for_a_client(vendor_id)
        return claims

    def _lead(self, vendor_id: str) -> str:
        fitting = [
            i
            for i in self.recent
            if self.known[i].conversion.vendor_id == vendor_id
            and self.known[i].conversion.event in {"lead", "signup"}
        ]
        return self.random.choice(fitting or self.recent)

    def _joint(self, program_id: str) -> str:
        joint = self.world.programs[program_id].joint_program_ids
        fitting = [i for i in self.recent if self.known[i].conversion.program_id in joint]
        return self.random.choice(fitting or self.recent)

    def _person(self) -> dict[str, str]:
        customer = self.random.choice(self.world.customers)
        return {name: value for name, value in customer.items() if name != "id"}

    def _customer(self) -> dict[str, str]:
        customer = self.random.choice(self.world.customers)
        names = self.random.sample(list(customer), self.random.choice((1, 1, 2, 3)))
        return {name: customer[name] for name in sorted(names)}

    def _bought_for_a_client(self, vendor_id: str) -> dict[str, Any]:
        """An affiliate buys in its own name for a client, whose code it has, or one like it."""
        affiliate = self.world.members[self.random.choice(self.world.affiliates)]
        client = {"email": self.random.choice(self.world.customers)["email"]}
        asked = {"affiliate_id": affiliate.member_id, "client": client}
        key = self.vendor_key(vendor_id)
        with self.mischief.calm():
            made = self._sent(
                "client code", lambda: client_codes.make(client_code_in(asked, key), key)
            )
        code = made[0] if made and self.random.random() < 0.8 else "00000000"
        return {
            "affiliate_id": affiliate.member_id,
            "customer": {"email": affiliate.email},
            "client": {**client, "code": code},
        }

    # ---- what is said later

    def again(self) -> None:
        """A report that was sent before is sent again."""
        if self.recent:
            known = self.known[self.random.choice(self.recent)]
            self._report(known.body, known.key)

    def otherwise(self) -> None:
        """A report with an external id that was used, with other content."""
        if self.recent:
            known = self.known[self.random.choice(self.recent)]
            other = {**known.body, "metadata": {"said": "otherwise"}}
            before = self.answers["report refused: external_id_reused"]
            self._report(other, known.key)
            assert self.answers["report refused: external_id_reused"] == before + 1

    def confirm(self) -> None:
        """The vendor confirms what is pending, or sometimes what is not."""
        known = self._one(self.pending)
        if known:
            self._confirm(known)

    def _confirm(self, known: Known) -> None:
        found, vendor_id = known.conversion.conversion_id, known.conversion.vendor_id
        self._decided(known, "confirmation", lambda: vendor_decisions.confirm(found, vendor_id))

    def release(self) -> None:
        """An operator releases what is held, or sometimes what is not."""
        held = [each for each in self.pending if self.known[each].conversion.held_reason]
        known = self._one(held)
        if known:
            found = known.conversion.conversion_id
            self._decided(known, "release", lambda: releasing.release(found, _OPERATOR)[::2])

    def reject(self) -> None:
        """The vendor rejects what is pending, or sometimes what is not."""
        known = self._one(self.pending)
        if known:
            found, vendor_id = known.conversion.conversion_id, known.conversion.vendor_id
            code = self.random.choice(REJECTION_CODES)
            self._decided(
                known,
                "rejection",
                lambda: vendor_decisions.reject(found, vendor_id, "as it is", code),
            )

    def _one(self, mostly: list[str]) -> Known | None:
        """One of these, the latest more often, and now and then any other conversion."""
        if not self.recent:
            return None
        if not mostly or self.random.random() < 0.05:
            return self.known[self.random.choice(self.recent)]
        place = min(int(self.random.expovariate(1 / 100)), len(mostly) - 1)
        return self.known[mostly[-1 - place]]

    def _decided(self, known: Known, what: str, request: Callable[[], Any]) -> None:
        self.hot = known.body
        answer = self._sent(what, request)
        self.hot = {}
        self._look_at(known, answer[0] if answer else None)

    def _look_at(self, known: Known, conversion: Conversion | None) -> None:
        """Remembers what became of a conversion, and of whom it can still be asked."""
        if conversion is None:
            return
        self._count_hold(known.conversion.held_reason, conversion)
        known.conversion, found = conversion, conversion.conversion_id
        if conversion.status != "pending" and found in self.pending:
            self.pending.remove(found)
            if conversion.status == "confirmed" and known.rest_minor:
                self.confirmed.append(found)
        if known.rest_minor == 0 and found in self.confirmed:
            self.confirmed.remove(found)

    def _count_hold(self, was: str | None, conversion: Conversion) -> None:
        if conversion.held_reason and not was:
            self.answers[f"held: {conversion.held_reason}"] += 1
        if was and conversion.status == "confirmed":
            self.answers["released"] += 1

    def refund(self) -> None:
        """A part, the rest, or too much is given back; before or after the confirmation."""
        first = self.pending and self.random.random() < 0.2
        known = self._one(self.pending if first else self.confirmed)
        if known is None:
            return
        rest = known.rest_minor
        parts = (rest, self.random.randint(1, max(1, rest)), self.random.randint(1, 9), rest + 1)
        amount = self.random.choices(parts, (3, 10, 3, 1))[0]
        self._give_back(known, max(1, amount))

    # ---- what grows as far as it can

    def grow(self) -> None:
        """A sale under each of many versions, each with a bonus and a hold of its own.

        Then the first one, by which all bonuses are reached, is given back. Under the first rules
        that is more due dates than one expression takes.
        """
        with self.mischief.calm():
            program_id, affiliate_id = self.world.open_program(), self.world.open_affiliate()
        vendor_id = self.world.programs[program_id].vendor_id
        first: Known | None = None
        rules = self.random.choice((RULES_FIRST, RULES)) if self.grown else RULES_FIRST
        self.grown += 1
        with self.mischief.calm(), rules_of(rules):
            for number in range(GROWN_VERSIONS):
                self.world.grow_program(program_id, number)
                self.reports += 1
                body = {
                    "program_id": program_id,
                    "external_id": f"order-{self.reports}",
                    "event": "sale",
                    "amount_minor": 1 if number else 10**9,
                    "currency": CURRENCIES[0],
                    "affiliate_id": affiliate_id,
                }
                known = self._report(body, self.vendor_key(vendor_id))
                first = first or known
        assert first is not None
        self._give_back(first, first.rest_minor)

    def nibble(self) -> None:
        """A sale is given back in as many parts as can be, and in one more that cannot."""
        known = next(k for k in map(self.known.get, self.confirmed) if k and k.rest_minor > 200)
        refused = self.answers["refund refused: too_many_refunds"]
        for _ in range(REFUNDS_MAX + 1):
            self._give_back(known, 1)
        assert self.answers["refund refused: too_many_refunds"] > refused
        self._give_back(known, known.rest_minor)
        assert known.rest_minor == 0

    def introduce(self) -> None:
        """A sale brings a customer nobody knew, who then buys elsewhere; it may come to nothing."""
        self.strangers += 1
        customer = {"phone": f"+26372{self.strangers:07d}"}
        affiliate_id = self.random.choice(self.world.affiliates)
        programs = list(self.world.programs.values())
        paying = [each for each in programs if each.introducer_rate_bps] or programs
        with rules_of(self.random.choice((RULES - 1, RULES, RULES))):
            first = self._sold(self.random.choice(programs), customer, affiliate_id=affiliate_id)
            later = [self._sold(self.random.choice(paying), customer), *self._led(paying, customer)]
        for known in (first, *later):
            if known and known.rest_minor and self.random.random() < 0.6:
                rest = known.rest_minor
                self._give_back(known, self.random.choice((rest, rest, max(1, rest - 1))))

    def _led(self, programs: list[Program], customer: dict[str, str]) -> list[Known | None]:
        """A lead, and the sale that comes of it."""
        program = self.random.choice(programs)
        lead = self._sold(program, customer, event="lead")
        if lead is None:
            return [None]
        return [lead, self._sold(program, {}, lead_id=lead.conversion.conversion_id)]

    def _sold(self, program: Program, customer: dict[str, str], **claims: str) -> Known | None:
        """A sale of a program, confirmed by its vendor where it waits for that."""
        self.reports += 1
        body = {
            "program_id": program.program_id,
            "external_id": f"order-{self.reports}",
            "event": "sale",
            "amount_minor": self.random.randint(5_000, 500_000),
            "currency": self.random.choice(CURRENCIES[:2]),
            "customer": customer,
            **claims,
        }
        known = self._report(body, self.vendor_key(program.vendor_id))
        if known and known.conversion.status == "pending":
            self._confirm(known)
        return known

    def _give_back(self, known: Known, amount_minor: int) -> None:
        self.refunds += 1
        body = {
            "external_id": f"refund-{self.refunds}",
            "amount_minor": amount_minor,
            "reason": "returned",
        }
        found, vendor_id = known.conversion.conversion_id, known.conversion.vendor_id
        self._decided(
            known, "refund", lambda: vendor_decisions.refund(found, vendor_id, refund_in(body))[::2]
        )

    def silence(self) -> None:
        """The hourly tick: what was awaited long enough is confirmed; the next one goes on."""
        try:
            self._tick()
        except PASSING:
            self.answers["ticks that died"] += 1

    def _tick(self) -> None:
        for due in confirming_by_silence.confirm_due(self.world.moment):
            if isinstance(due.error, LinkageError):
                raise due.error
            known = self.known.get(due.conversion_id)
            if known and due.confirmed:
                self._look_at(known, replace(known.conversion, status="confirmed"))
            elif known and due.held_reason:
                self._look_at(known, replace(known.conversion, held_reason=due.held_reason))

    # ---- what the network counts itself

    def bill(self) -> None:
        """A day of some links is billed, again or for the first time, and now and then otherwise
        counted."""
        day = self.world.moment.date() - timedelta(days=self.random.randint(1, 40))
        links = [self._link_day() for _ in range(self.random.randint(1, 4))]
        if day in self.billed and self.random.random() < 0.7:
            links = [*self.billed[day], *links]
        self.billed[day] = links
        if self.random.random() < 0.1:
            links = [link._replace(visitors=link.visitors + 1) for link in links]
        with self.mischief.calm():
            for link in links:
                _count(day, link)
        billed = self._sent("bill", lambda: bill_day(day, links))
        self.answers["days billed, refused links"] += len(billed.refused)
        with self.mischief.calm():
            for link in links:
                self._learn_link(day, link)

    def _link_day(self) -> LinkDay:
        chance, self.links = self.random, self.links + 1
        program = self.world.programs[chance.choice(list(self.world.programs))]
        visitors, impressions = (
            chance.choice((0, 1, 7, chance.randint(1, 3_000), 10**9)) for _ in COUNTED_EVENTS
        )
        code, affiliate_id = f"link{self.links:04}", chance.choice(self.world.affiliates)
        owners = (program.program_id, program.vendor_id, affiliate_id)
        return LinkDay(code, *owners, visitors, impressions)

    def _learn_link(self, day: date, link: LinkDay) -> None:
        """Its vendor may confirm or reject what is pending."""
        names = {event: f"{event}/{link.code}/{day}" for event in COUNTED_EVENTS}
        for found in (each for name in names for each in ids_of(link.vendor_id, name, names[name])):
            if found in self.known:
                continue
            try:
                conversion = get_conversion(found)
            except NotFoundError:
                continue
            body = {"program_id": link.program_id, "affiliate_id": link.affiliate_id}
            self.known[found] = Known(conversion, body, self.vendor_key(link.vendor_id))
            if conversion.status == "pending":
                self.pending.append(found)

    def unbind(self) -> None:
        """An operator ends a customer's introduction."""
        sent = unbinding_in({"customer": self._person(), "reason": "never a customer of theirs"})
        self._sent("unbinding", lambda: unbinding.unbind(sent, _OPERATOR))

    def consent(self) -> None:
        """A customer opts out, or one who did in again; by a vendor, or by an operator."""
        vendor_id, chance = self.random.choice(self.world.vendors), self.random.random()
        body: dict[str, Any] = {"customer": self._customer()}
        opt = consenting.opt_out if chance < 0.6 or not self.opted_out else consenting.opt_in
        if opt is consenting.opt_in:
            vendor_id, body["customer"] = self.random.choice(self.opted_out)
        else:
            self.opted_out = [*self.opted_out[-RECENT:], (vendor_id, body["customer"])]
        key = self._key(vendor_id) if chance < 0.8 else OPERATOR
        if key is OPERATOR:
            body["vendor_id"] = vendor_id
        sent = customer_in(body, key)
        consent = self._sent("consent", lambda: opt(sent, key))
        if consent:
            self.answers[f"consent: {'out' if consent.opted_out else 'in'}"] += 1


def _count(day: date, link: LinkDay) -> None:
    """Puts what is to be billed into the statistics, as a fold does before."""
    counts = Counts()
    counts.hours["visitors"][0], counts.hours["impressions"][0] = link.visitors, link.impressions
    put_counts(f"link#{link.code}", day, counts)


_PEOPLE = ("click_id", "coupon", "affiliate_id", "customer")
