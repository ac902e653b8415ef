"""Ways to cheat that were thought of, each with random numbers and mixed with honest trade.

A recipe is a generator of actions: what one of a kind would do next, whatever happened meanwhile.
"""

from collections.abc import Callable

from tests.abuse.introducing import Introducing
from tests.abuse.words import MAXIMUM, Recipe, bonus, refund, terms
from tests.abuse.world import CURRENCIES, Action


class Book(Introducing):
    """Every recipe, of one vendor and one affiliate that cheat."""

    @property
    def all(self) -> tuple[Callable[[str, str], Recipe], ...]:
        return (
            *(self.grow_an_update, self.take_over, self.print_money, self.after_suspension),
            *(self.recruit_for_cents, self.buy_in_at_full_price, self.play_with_marks),
            *(self.refund_in_crumbs, self.churn_a_bonus, self.pay_oneself, self.early_due),
            *(self.buy_for_clients, self.spend_a_limit_again, self.lead_through_a_sham),
            *(self.split_contacts, self.end_a_renewal, self.two_in_one, self.mark_when_suspended),
        )

    def begin(self, vendor: str, affiliate: str) -> Recipe:
        """The next recipe: each once in a random order, then any of them."""
        if self.begun % len(self.all) == 0:
            self._order = self.random.sample(self.all, len(self.all))
        self.begun += 1
        return self._order[self.begun % len(self.all)](vendor, affiliate)

    def grow_an_update(self, vendor: str, affiliate: str) -> Recipe:
        """Bonuses with as many due dates as one refund can have to take back."""
        random, do, orders = self.random, self._as("grow"), self._orders("grow")
        many, program, base = random.randint(144, 160), f"grow {self.begun}", 10**6
        each = random.choice((1, 1, 1, 10))
        first, currency, vendor = next(orders), random.choice(CURRENCIES), f"mal-{self.begun}"
        yield do("join", name=vendor, role="vendor")
        for number in range(many):
            if number % each == 0:
                bonuses = [bonus(base + number + more, 1, currency, "year") for more in range(each)]
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
            yield refund(do, vendor, first, amount, number)

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
                yield refund(do, vendor, order, amount, 1)

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
            yield refund(do, vendor, order, amount, 1)

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
                yield refund(do, vendor, order, random.choice((amount, amount - 10)), 1)

    def refund_in_crumbs(self, vendor: str, affiliate: str) -> Recipe:
        """One sale, and as many refunds of it as anybody lets it have."""
        random, do, orders = self.random, self._as("crumbs"), self._orders("crumb")
        program, order, amount = f"crumb {self.begun}", next(orders), random.choice((130, 4_000))
        confirmation = random.choice(("on_report", "manual"))
        sent = terms(5_000, confirmation, 3, bonuses=[bonus(2, 7, "USD", "month")])
        yield do("publish", vendor=vendor, program=program, body=sent)
        yield self._sale(do, vendor, program, order, amount, "USD", affiliate)
        for number in range(random.choice((12, 125))):
            yield refund(do, vendor, order, 1, number)
        yield do("say", vendor=vendor, event="sale", order=order, word="confirmation")
        yield refund(do, vendor, order, amount // 2, 10**6)

    def churn_a_bonus(self, vendor: str, affiliate: str) -> Recipe:
        """Reaches a bonus, is paid, refunds, and reaches it again by other terms."""
        random, do, orders = self.random, self._as("churn"), self._orders("churn")
        program, currency = f"churn {self.begun}", random.choice(("USD", "EUR"))
        for _ in range(random.randint(2, 5)):
            bonuses = [
                bonus(random.randint(1, 5_000) + 9_000 * each, 4_000, currency, "month")
                for each in range(random.randint(1, 9))
            ]
            sent = terms(1, hold_days=random.choice((0, 9)), bonuses=bonuses)
            yield do("publish", vendor=vendor, program=program, body=sent)
            order, amount = next(orders), random.choice((6_000, 90_000))
            yield self._sale(do, vendor, program, order, amount, currency, affiliate)
            if random.random() < 0.4:
                yield Action("month_end", "operators", {})
            yield refund(do, vendor, order, amount, 1)

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
