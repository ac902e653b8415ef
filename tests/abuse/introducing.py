"""Ways to be taken for who introduced other people's customers."""

from tests.abuse.words import HONEST_AFFILIATES, Recipe, Words, refund, terms
from tests.abuse.world import Action


class Introducing(Words):
    """The recipes that bind customers, or have somebody else's forgotten."""

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
                yield refund(do, vendor, order, part, 1, event)

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
            yield refund(do, vendor, order, part, 1)
            if random.random() < 0.2:
                yield do("wait", hours=24)

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

    def lead_through_a_sham(self, vendor: str, affiliate: str) -> Recipe:
        """Has a bonus by what comes of the leads of people a sham sale has introduced."""
        random, do, orders = self.random, self._as("sham"), self._orders("sham")
        program, shams = f"sham {self.begun}", []
        sent = terms(300, hold_days=random.choice((0, 0, 20)))
        yield do("publish", vendor=vendor, program=program, body=sent)
        for customer in self._some(2, 5):
            sham = next(orders)
            shams.append(sham)
            yield self._sale(do, vendor, program, sham, 2_000, "USD", affiliate, customer=customer)
            lead = {"vendor": "shop4", "order": f"lead {sham}"}
            yield Action("enquire", "honest", {**lead, "customer": customer})
            if random.random() < 0.1:
                yield Action("unbind", "operators", {"customer": customer})
            elif random.random() < 0.1:
                yield Action("opt_out", "honest", {"customer": customer, "vendor": "shop1"})
            for number in range(random.randint(1, 3)):
                bought = {"order": f"{number} by {sham}", "amount": random.randint(2_000, 9_000)}
                yield Action(
                    "buy_by_lead", "honest", {"vendor": "shop4", "lead": f"lead {sham}", **bought}
                )
        yield do("wait", hours=random.choice((1, 1, 24, 24 * 21)))
        if random.random() < 0.5:
            yield Action("month_end", "operators", {})
        for sham in shams:
            yield refund(do, vendor, sham, random.choice((2_000, 1_990)), 1)

    def split_contacts(self, vendor: str, affiliate: str) -> Recipe:
        """Binds the other contact of somebody's customer, then claims and renews both at once."""
        random, do, orders = self.random, self._as("split"), self._orders("split")
        program, amount = f"split {self.begun}", random.choice((2_000, 2_000, 90, 1))
        yield do(
            "publish", vendor=vendor, program=program, body=terms(random.choice((300, 10_000)))
        )
        taken = self._some(2, 6)

        def claimed(customer: str, how: str) -> Action:
            sold, to = (vendor, program, next(orders), amount, "USD"), {"customer": customer}
            return self._sale(do, *sold, affiliate, how=how, **to)

        for customer in taken:
            known, other = random.sample(("phone", "email"), 2)
            yield self._walk_in(customer, known, random.choice(HONEST_AFFILIATES))
            yield claimed(customer, other)
        for part in (0.0, 0.6, 0.6):
            yield do("wait", hours=1 + int(24 * self.introducer_days * part))
            for customer in taken:
                yield self._walk_in(customer, random.choice(("both", "both", "phone", "email")))
                yield claimed(customer, "both")

    def end_a_renewal(self, vendor: str, affiliate: str) -> Recipe:
        """Renews somebody's introduction, takes that back, and waits until the first is over."""
        random, do, orders = self.random, self._as("renewal"), self._orders("renewal")
        program, named = f"renewal {self.begun}", random.choice(HONEST_AFFILIATES)
        yield do(
            "publish", vendor=vendor, program=program, body=terms(random.choice((300, 10_000)))
        )
        taken, day = self._some(1, 4), 24
        for customer in taken:
            yield self._walk_in(customer, named=named)
        yield do("wait", hours=int(day * self.introducer_days * 0.8))
        for customer in taken:
            yield self._walk_in(customer, random.choice(("both", "phone", "email")), named)
        sold = [next(orders) for _ in range(random.choice((1, 1, 4))) for _ in taken]
        for number, order in enumerate(sold):
            customer = taken[number % len(taken)]
            yield self._sale(do, vendor, program, order, 1_000, "USD", named, customer=customer)
        yield do("wait", hours=1)
        for order in sold:
            yield refund(do, vendor, order, 1_000, 1)
        yield do("wait", hours=int(day * self.introducer_days * 0.3))
        for customer in taken:
            order = next(orders)
            yield self._sale(do, vendor, program, order, 2_000, "USD", affiliate, customer=customer)
            yield self._walk_in(customer)

    def two_in_one(self, vendor: str, affiliate: str) -> Recipe:
        """Names two people in one sale, one's phone and the other's e-mail address."""
        random, do, orders = self.random, self._as("two"), self._orders("two")
        program, people = f"two {self.begun}", self._some(4, 14)
        yield do("publish", vendor=vendor, program=program, body=terms(300))
        for one, other in zip(people[::2], people[1::2], strict=False):
            sold = (vendor, program, next(orders), 2_000, "USD", affiliate)
            yield self._sale(do, *sold, customer=one, email_of=other)
            if random.random() < 0.2:
                yield Action("unbind", "operators", {"customer": one})
        for one, other in zip(people[::2], people[1::2], strict=False):
            yield self._walk_in(one, "phone")
            yield self._walk_in(other, "email")

    def mark_when_suspended(self, vendor: str, affiliate: str) -> Recipe:
        """Has others' customers forgotten everywhere, though the operators know it by now."""
        do, vendor, taken = self._as("suspended"), f"mal-{self.begun}", self._some(2, 5)
        yield do("join", name=vendor, role="vendor")
        for customer in taken:
            yield self._walk_in(customer, named=self.random.choice(HONEST_AFFILIATES))
        yield Action("suspend", "operators", {"vendor": vendor})
        for customer in taken:
            yield do("mark", vendor=vendor, customer=customer, how="both", out=True)
            yield self._walk_in(customer)
