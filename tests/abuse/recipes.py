"""Ways to cheat that were thought of, each with random numbers and mixed with honest trade.

A recipe is a generator of actions: what one of a kind would do next, whatever happened meanwhile.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.abuse.world import CURRENCIES, Action

type Recipe = Iterator[Action]

MAXIMUM = 10**12


class Book:
    """Every recipe, of one vendor and one affiliate that cheat; `customers` are honest people."""

    def __init__(self, random: Random, customers: list[str]) -> None:
        self.random, self.customers = random, customers
        self.begun = self.walked_in = 0

    @property
    def all(self) -> tuple[Callable[[str, str], Recipe], ...]:
        return (
            *(self.grow_an_update, self.take_over, self.print_money, self.after_suspension),
            *(self.recruit_for_cents, self.buy_in_at_full_price, self.play_with_marks),
            *(self.refund_in_crumbs, self.churn_a_bonus, self.pay_oneself, self.early_due),
            *(self.buy_for_clients, self.spend_a_limit_again),
        )

    def begin(self, vendor: str, affiliate: str) -> Recipe:
        """The next recipe: each once in a random order, then any of them."""
        if self.begun % len(self.all) == 0:
            self._order = self.random.sample(self.all, len(self.all))
        self.begun += 1
        return self._order[self.begun % len(self.all)](vendor, affiliate)

    # ---- words

    def _as(self, recipe: str) -> Callable[..., Action]:
        by = f"{recipe} {self.begun}"
        return lambda what, **args: Action(what, by, args)

    def _orders(self, recipe: str) -> Iterator[str]:
        number = self.begun
        yield from (f"{recipe} {number}-{each}" for each in range(10**6))

    def _some(self, least: int, most: int) -> list[str]:
        return self.random.sample(self.customers, self.random.randint(least, most))

    def _worthless(self) -> tuple[str, int, str]:
        """Event, amount and currency of what is worth next to nothing."""
        return self.random.choice(
            (
                *(("sale", 0, "USD"), ("sale", 1, "USD"), ("sale", 1, "IRR"), ("sale", 99, "USD")),
                *(("lead", 0, "USD"), ("signup", 0, "USD"), ("sale", 100, "IRR")),
            )
        )

    # ---- recipes

    def grow_an_update(self, vendor: str, affiliate: str) -> Recipe:
        """Bonuses with as many due dates as one refund can have to take back."""
        random, do, orders = self.random, self._as("grow"), self._orders("grow")
        many, program, base = random.randint(144, 160), f"grow {self.begun}", 10**6
        each = random.choice((1, 1, 1, 10))
        first, currency, vendor = next(orders), random.choice(CURRENCIES), f"mal-{self.begun}"
        yield do("join", name=vendor, role="vendor")
        for number in range(many):
            if number % each == 0:
                bonuses = [
                    _bonus(base + number + more, 1, currency, "year") for more in range(each)
                ]
                hold = {1: number % 365, 10: 0}[each]
                sent = terms(random.choice((1, 100)), hold_days=hold, bonuses=bonuses)
                yield do("publish", vendor=vendor, program=program, body=sent)
            if each == 10:
                yield do("wait", hours=24)
            order, amount = (next(orders), 1) if number else (first, base)
            yield self._sale(do, vendor, program, order, amount, currency, affiliate)
        rest = base
        for number, part in enumerate(random.choice(((1.0,), (0.5, 1.0), (0.01, 1.0)))):
            amount = max(1, int(rest * part))
            rest -= amount
            yield _refund(do, vendor, first, amount, number)

    def take_over(self, vendor: str, affiliate: str) -> Recipe:
        """Makes itself the introducer of other people's customers by what is worth nothing."""
        random, do, orders = self.random, self._as("take over"), self._orders("take")
        event, amount, currency = self._worthless()
        full, how = random.random() < 0.4, random.choice(("both", "phone", "email"))
        if full:
            event, amount, currency = "sale", random.choice((1_000, 20_000)), "USD"
        program, confirmation = f"take {self.begun}", random.choice(("on_report", "manual"))
        sent = terms(random.choice((1, 500, 10_000)), confirmation, random.choice((0, 30)))
        yield do("publish", vendor=vendor, program=program, body=sent)
        for customer in self._some(4, 16):
            order = next(orders)
            yield self._sale(
                do, vendor, program, order, amount, currency, affiliate, event, customer, how
            )
            if confirmation == "manual":
                yield do("say", vendor=vendor, event=event, order=order, word="confirmation")
            if random.random() < 0.3:
                yield self._walk_in(customer)
            if full and random.random() < 0.8:
                part = random.choice((amount, amount - 1, amount - 100))
                yield _refund(do, vendor, order, part, 1, event)

    def early_due(self, vendor: str, affiliate: str) -> Recipe:
        """A sale at full price that falls due late, refunded once it has introduced somebody."""
        random, do, orders = self.random, self._as("early"), self._orders("early")
        program, taken = f"early {self.begun}", []
        sent = terms(random.choice((10, 400)), hold_days=random.choice((9, 40, 365)))
        yield do("publish", vendor=vendor, program=program, body=sent)
        for customer in self._some(4, 12):
            order, amount = next(orders), random.choice((2_000, 9_000))
            taken.append((order, amount))
            yield self._sale(
                do, vendor, program, order, amount, "USD", affiliate, customer=customer
            )
            if random.random() < 0.4:
                yield self._walk_in(customer)
        yield do("wait", hours=random.choice((24, 24 * 12)))
        for order, amount in taken:
            part = random.choice((amount, amount, amount - 10))
            yield _refund(do, vendor, order, part, 1)
            if random.random() < 0.2:
                yield do("wait", hours=24)

    def print_money(self, vendor: str, affiliate: str) -> Recipe:
        """Confirms sales nobody made, refunds what was paid out, and begins again."""
        random, do, orders = self.random, self._as("print"), self._orders("print")
        program, currency = f"print {self.begun}", random.choice(CURRENCIES)
        confirmation = random.choice(("on_report", "manual"))
        sent = terms(10_000, confirmation, random.choice((0, 0, 5)))
        yield do("publish", vendor=vendor, program=program, body=sent)
        for _ in range(random.randint(2, 6)):
            amount = random.choice((MAXIMUM, 40_000, 9_000, 50_001))
            order, to = next(orders), random.choice((affiliate, "xav1", "xav2", "xav3"))
            yield self._sale(do, vendor, program, order, amount, currency, to)
            if confirmation == "manual":
                yield do("say", vendor=vendor, event="sale", order=order, word="confirmation")
            if random.random() < 0.5:
                yield Action("month_end", "operators", {})
                yield _refund(do, vendor, order, amount, 1)

    def spend_a_limit_again(self, vendor: str, affiliate: str) -> Recipe:
        """Spends a month's limit, has it paid out, refunds all, and spends it on somebody else."""
        random, do, orders = self.random, self._as("again"), self._orders("again")
        program, currency = f"again {self.begun}", random.choice(("USD", "EUR"))
        hold_days = random.choice((0, 0, 7))
        yield do("publish", vendor=vendor, program=program, body=terms(10_000, hold_days=hold_days))
        for to in random.sample(("xav1", "xav2", "xav3"), random.randint(2, 3)):
            order, amount = next(orders), random.randint(20_000, 30_000)
            yield self._sale(do, vendor, program, order, amount, currency, to)
            yield do("wait", hours=24 * hold_days + 1)
            yield Action("month_end", "operators", {})
            yield _refund(do, vendor, order, amount, 1)

    def after_suspension(self, vendor: str, affiliate: str) -> Recipe:
        """Has sales waiting when the operators suspend it, and goes on as if nothing was."""
        random, do, orders = self.random, self._as("go on"), self._orders("on")
        program, confirmation = f"on {self.begun}", random.choice(("manual", "automatic"))
        sent, vendor = terms(10_000, confirmation, 0), f"mal-{self.begun}"
        yield do("join", name=vendor, role="vendor")
        yield do("publish", vendor=vendor, program=program, body=sent)
        sold = [next(orders) for _ in range(random.randint(1, 4))]
        for order in sold:
            amount = random.choice((1_000, 7_000))
            yield self._sale(do, vendor, program, order, amount, "USD", affiliate)
        yield Action("suspend", "operators", {"vendor": vendor})
        if confirmation == "automatic":
            yield do("wait", hours=24 * 6)
        for order in sold:
            yield do("say", vendor=vendor, event="sale", order=order, word="confirmation")
        yield self._sale(do, vendor, program, next(orders), 5_000, "USD", affiliate)

    def recruit_for_cents(self, vendor: str, affiliate: str) -> Recipe:
        """Recruits that exist on paper sell for cents: a bonus for their sponsor each time."""
        random, do, orders = self.random, self._as("recruit"), self._orders("recruit")
        program, coupon = f"recruit {self.begun}", random.random() < 0.3
        event, amount, currency = self._worthless()
        full = random.random() < 0.3
        if full:
            event, amount, currency = "sale", 3_000, "USD"
        sent = terms(random.choice((1, 10_000)), hold_days=random.choice((0, 20)))
        yield do("publish", vendor=vendor, program=program, body=sent)
        for number in range(random.randint(2, 7)):
            recruit, order = f"xav-{self.begun}.{number}", next(orders)
            yield do("join", name=recruit, role="affiliate", sponsor=affiliate)
            code = f"R{self.begun}X{number}"
            if coupon:
                yield do(
                    "coupon",
                    vendor=vendor,
                    program=program,
                    affiliate=recruit,
                    code=code,
                    exclusive=random.random() < 0.5,
                )
            yield do(
                "claim",
                vendor=vendor,
                program=program,
                event=event,
                order=order,
                amount=amount,
                currency=currency,
                **({"coupon": code} if coupon else {"named": recruit}),
            )
            if full:
                yield _refund(do, vendor, order, random.choice((amount, amount - 10)), 1)

    def buy_in_at_full_price(self, vendor: str, affiliate: str) -> Recipe:
        """What no rule can tell: sales at full price that bind, and recruits' sales, in numbers."""
        random, do, orders = self.random, self._as("full price"), self._orders("full")
        program = f"full {self.begun}"
        yield do("publish", vendor=vendor, program=program, body=terms(random.choice((20, 200))))
        for customer in self._some(3, 12):
            order = next(orders)
            yield self._sale(do, vendor, program, order, 2_000, "USD", affiliate, customer=customer)
        for number in range(random.randint(2, 6)):
            recruit = f"xav-{self.begun}.{number}"
            yield do("join", name=recruit, role="affiliate", sponsor=affiliate)
            yield self._sale(do, vendor, program, next(orders), 2_000, "USD", recruit)

    def play_with_marks(self, vendor: str, affiliate: str) -> Recipe:
        """Opts other vendors' customers out and in again, and claims them in between."""
        random, do, orders = self.random, self._as("marks"), self._orders("mark")
        program, taken = f"mark {self.begun}", self._some(3, 8)
        how = random.choice(("both", "phone", "email"))
        yield do("publish", vendor=vendor, program=program, body=terms(100))
        if random.random() < 0.6:
            for customer in taken:
                yield do("mark", vendor=vendor, customer=customer, how=how, out=True)
            yield do("wait", hours=random.choice((1, 24 * 31)))
        for customer in taken:
            yield do("mark", vendor=vendor, customer=customer, how=how, out=False)
            if random.random() < 0.5:
                yield self._sale(
                    do, vendor, program, next(orders), 2_000, "USD", affiliate, customer=customer
                )

    def refund_in_crumbs(self, vendor: str, affiliate: str) -> Recipe:
        """One sale, and as many refunds of it as anybody lets it have."""
        random, do, orders = self.random, self._as("crumbs"), self._orders("crumb")
        program, order, amount = f"crumb {self.begun}", next(orders), random.choice((130, 4_000))
        confirmation = random.choice(("on_report", "manual"))
        sent = terms(5_000, confirmation, 3, bonuses=[_bonus(2, 7, "USD", "month")])
        yield do("publish", vendor=vendor, program=program, body=sent)
        yield self._sale(do, vendor, program, order, amount, "USD", affiliate)
        for number in range(random.choice((12, 125))):
            yield _refund(do, vendor, order, 1, number)
        yield do("say", vendor=vendor, event="sale", order=order, word="confirmation")
        yield _refund(do, vendor, order, amount // 2, 10**6)

    def churn_a_bonus(self, vendor: str, affiliate: str) -> Recipe:
        """Reaches a bonus, is paid, refunds, and reaches it again by other terms."""
        random, do, orders = self.random, self._as("churn"), self._orders("churn")
        program, currency = f"churn {self.begun}", random.choice(("USD", "EUR"))
        for _ in range(random.randint(2, 5)):
            bonuses = [
                _bonus(random.randint(1, 5_000) + 9_000 * each, 4_000, currency, "month")
                for each in range(random.randint(1, 9))
            ]
            sent = terms(1, hold_days=random.choice((0, 9)), bonuses=bonuses)
            yield do("publish", vendor=vendor, program=program, body=sent)
            order, amount = next(orders), random.choice((6_000, 90_000))
            yield self._sale(do, vendor, program, order, amount, currency, affiliate)
            if random.random() < 0.4:
                yield Action("month_end", "operators", {})
            yield _refund(do, vendor, order, amount, 1)

    def pay_oneself(self, vendor: str, affiliate: str) -> Recipe:
        """Buys at honest vendors through its own link, or one of its kind's."""
        random, do, orders = self.random, self._as("oneself"), self._orders("own")
        buyer, shop = random.choice(("xav1", "xav2", "xav3")), random.choice(("shop1", "shop2"))
        yield do("visit", customer=buyer, affiliate=affiliate, vendor=shop)
        order, amount = next(orders), random.randint(3_000, 9_000)
        yield do("buy", customer=buyer, vendor=shop, order=order, amount=amount, named=None)
        yield do("settle", vendor=shop, order=order, confirms=True)

    def buy_for_clients(self, vendor: str, affiliate: str) -> Recipe:
        """Has codes made for strangers, and orders for them."""
        random, do, orders = self.random, self._as("clients"), self._orders("client")
        program = f"client {self.begun}"
        sent = terms(random.choice((0, 300)), rewards_lead=random.random() < 0.5)
        yield do("publish", vendor=vendor, program=program, body=sent)
        for customer in self._some(2, 6):
            yield do("client_code", vendor=vendor, affiliate=affiliate, client=customer)
            event, amount, currency = self._worthless()
            yield do(
                "claim",
                vendor=vendor,
                program=program,
                event=event,
                order=next(orders),
                amount=amount,
                currency=currency,
                customer=affiliate,
                named=affiliate,
                client=customer,
            )

    def _walk_in(self, customer: str) -> Action:
        """The customer buys at an honest vendor next door, brought by nobody."""
        self.walked_in += 1
        amount, order = self.random.randint(2_000, 20_000), f"walk-in {self.walked_in}"
        args = {"customer": customer, "vendor": "shop1", "order": order, "amount": amount}
        return Action("buy", "honest", {**args, "named": None})

    def _sale(
        self,
        do: Callable[..., Action],
        vendor: str,
        program: str,
        order: str,
        amount: int,
        currency: str,
        named: str,
        event: str = "sale",
        customer: str | None = None,
        how: str = "both",
    ) -> Action:
        return do(
            "claim",
            vendor=vendor,
            program=program,
            event=event,
            order=order,
            amount=amount,
            currency=currency,
            named=named,
            **({"customer": customer, "how": how} if customer else {}),
        )


def _refund(
    do: Callable[..., Action],
    vendor: str,
    order: str,
    amount: int,
    number: int,
    event: str = "sale",
) -> Action:
    args = {"vendor": vendor, "event": event, "order": order, "word": "refunds"}
    return do("say", **args, external_id=str(number), amount_minor=max(1, amount))


def _bonus(target: int, amount: int, currency: str, period: str) -> dict[str, Any]:
    return {
        "by": "volume",
        "period": period,
        "target": target,
        "amount_minor": amount,
        "currency": currency,
    }


def terms(
    rate_bps: int,
    confirmation: str = "on_report",
    hold_days: int = 0,
    bonuses: list[dict[str, Any]] | None = None,
    *,
    rewards_lead: bool = True,
) -> dict[str, Any]:
    """Terms of a vendor that cheats: so much of a sale, a little for a lead or a signup."""
    lead = [{"event": event, "amount_minor": 5, "currency": "USD"} for event in ("lead", "signup")]
    return {
        "name": "too good to be true",
        "destination_url": "https://shop.example/",
        "rewards": [{"event": "sale", "rate_bps": rate_bps}, *(lead if rewards_lead else [])],
        "introducer_rate_bps": 0,
        "window_days": 365,
        "hold_days": hold_days,
        "confirmation": confirmation,
        "bonuses": bonuses or [],
        **({"confirm_after_days": 5} if confirmation == "automatic" else {}),
    }


def random_terms(random: Random) -> dict[str, Any]:
    """Whatever terms a vendor that cheats may think of; they may be refused."""
    rate = random.choice((0, 1, 50, 3_000, 10_000))
    sent = terms(
        rate, random.choice(("on_report", "manual", "automatic")), random.choice((0, 1, 14, 365))
    )
    sent["introducer_rate_bps"] = random.choice((0, 500, 10_000))
    currency = random.choice(CURRENCIES)
    if random.random() < 0.3:
        steps = [{"from": 0, "rate_bps": 1}, {"from": random.choice((1, 900)), "rate_bps": 9_000}]
        thresholds = {"by": random.choice(("volume", "count")), "period": "month", "steps": steps}
        sent["rewards"][0] = {"event": "sale", "thresholds": thresholds, "currency": currency}
    sent["bonuses"] = [
        _bonus(target, random.choice((1, 900)), currency, random.choice(("month", "year")))
        for target in random.sample(range(1, 40_000), random.choice((0, 0, 2, 10)))
    ]
    if random.random() < 0.2:
        sent["rewards"].append({"event": "sale", "rate_bps": 10_000, "first_n": 1})
    return sent
