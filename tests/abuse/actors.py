"""Who acts next: honest customers and vendors, those who cheat, and the operators."""

from collections.abc import Callable
from random import Random

from tests.abuse.play import Play
from tests.abuse.recipes import Book
from tests.abuse.words import HONEST_AFFILIATES, MAXIMUM, Recipe, random_terms
from tests.abuse.world import CURRENCIES, RELEASE, SHOPS, Action

CUSTOMERS, ACTIONS_FOR_A_NEW_ONE = 36, 12
"""How many customers there are at a time, and after how many actions somebody new replaces one."""
HONEST, RECIPES, MISCHIEF, OPERATORS, IVO = 30, 60, 6, 4, 3
"""How often each acts."""
RECIPES_AT_ONCE, ORDERS_KEPT, LEADS_KEPT = 2, 40, 6


class Cast:
    """Chooses actions for a play, one by one; `honest` leaves those who cheat out."""

    def __init__(self, play: Play, random: Random, *, honest: bool = False) -> None:
        self.play, self.random, self.honest = play, random, honest
        self.customers = [f"customer{number}" for number in range(CUSTOMERS)]
        self.book = Book(random, self.customers, play.truth.rules.introducer_days)
        self.recipes: list[Recipe] = []
        self.orders: list[tuple[str, str]] = []
        self.leads: list[tuple[str, str]] = []
        self.claims: list[tuple[str, str, str, int]] = []
        self.vendors = ["mal1"]
        self.count = 0

    def next(self) -> Action:
        """What is done next."""
        self.count += 1
        if self.count % ACTIONS_FOR_A_NEW_ONE == 0:
            # Whoever was opted out, or introduced at full price, is nothing to steal any more.
            self.customers[self.random.randrange(CUSTOMERS)] = f"customer{CUSTOMERS + self.count}"
        cheats = (0, 0, 0) if self.honest else (RECIPES, MISCHIEF, IVO)
        weights = (HONEST, *cheats, OPERATORS)
        turns = (self._honest, self._recipe, self._mischief, self._ivo, self._operators)
        return self.random.choices(turns, weights)[0]()

    # ---- honest people

    def _honest(self) -> Action:
        turns = {
            self._visit: 25,
            self._buy: 40,
            self._enquire: 6,
            self._buy_by_lead: 12,
            self._settle: 20,
            self._give_back: 8,
            self._opt_out: 1,
            self._reprice: 1,
        }
        return self.random.choices([*turns], [*turns.values()])[0]()

    def _visit(self) -> Action:
        affiliates = (*HONEST_AFFILIATES, *(() if self.honest else ("xav1", "xav2", "xav3")))
        return Action(
            "visit",
            "honest",
            {
                "customer": self.random.choice(self.customers),
                "affiliate": self.random.choice(affiliates),
                "vendor": self.random.choice(list(SHOPS)),
            },
        )

    def _buy(self) -> Action:
        customer, vendor = self.random.choice(self.customers), self.random.choice(list(SHOPS))
        order = f"order {self.count}"
        self.orders = [*self.orders[-ORDERS_KEPT:], (vendor, order)]
        named = self.random.choice((None, None, None, self.random.choice(HONEST_AFFILIATES)))
        return Action(
            "buy",
            "honest",
            {
                "customer": customer,
                "vendor": vendor,
                "order": order,
                "amount": self.random.randint(2_000, 20_000),
                "named": named,
                "how": self._how(),
            },
        )

    def _how(self) -> str:
        """By what an honest customer is named."""
        return self.random.choices(("both", "phone", "email"), (70, 15, 15))[0]

    def _enquire(self) -> Action:
        vendor, lead = "shop4", f"lead {self.count}"
        self.leads = [*self.leads[-LEADS_KEPT:], (vendor, lead)]
        customer = self.random.choice(self.customers)
        args = {"customer": customer, "vendor": vendor, "order": lead, "how": self._how()}
        return Action("enquire", "honest", args)

    def _buy_by_lead(self) -> Action:
        if not self.leads:
            return self._enquire()
        (vendor, lead), order = self.random.choice(self.leads), f"by lead {self.count}"
        self.orders = [*self.orders[-ORDERS_KEPT:], (vendor, order)]
        amount = self.random.randint(2_000, 20_000)
        args = {"vendor": vendor, "lead": lead, "order": order, "amount": amount}
        return Action("buy_by_lead", "honest", args)

    def _some_order(self) -> tuple[str, str]:
        return self.random.choice(self.orders or [("shop1", "none")])

    def _settle(self) -> Action:
        vendor, order = self._some_order()
        confirms = self.random.random() < 0.85
        return Action("settle", "honest", {"vendor": vendor, "order": order, "confirms": confirms})

    def _give_back(self) -> Action:
        """All of an order, or at most half of it: what is left of it stays worth something."""
        vendor, order = self._some_order()
        sale = self.play.sale(vendor, order)
        part = 1.0 if sale and sale.refunds else self.random.choice((1.0, 0.5, 0.2))
        return Action(
            "give_back",
            "honest",
            {"vendor": vendor, "order": order, "number": self.count, "part": part},
        )

    def _opt_out(self) -> Action:
        customer = self.random.choice(self.customers)
        args = {"customer": customer, "vendor": "shop1", "how": self._how()}
        return Action("opt_out", "honest", args)

    def _reprice(self) -> Action:
        rate = self.random.randint(100, 1_500)
        return Action(
            "reprice", "honest", {"vendor": self.random.choice(list(SHOPS)), "rate_bps": rate}
        )

    # ---- those who cheat

    def _recipe(self) -> Action:
        if not self.recipes or (len(self.recipes) < RECIPES_AT_ONCE and self.random.random() < 0.1):
            affiliate = self.random.choice(("xav1", "xav2", "xav3"))
            self.recipes.append(self.book.begin(self._vendor(), affiliate))
        if self.random.random() < 0.1:
            self.random.shuffle(self.recipes)
        action = next(self.recipes[0], None)
        if action is None:
            self.recipes.pop(0)
            return self._recipe()
        return action

    def _vendor(self) -> str:
        """A vendor that cheats, mostly one that is not known to yet; a new one if none is left."""
        fresh = [each for each in self.vendors if each not in self.play.truth.suspended]
        if not fresh or self.random.random() < 0.1:
            return self.random.choice(self.vendors)
        return self.random.choice(fresh)

    def _mischief(self) -> Action:
        choices: tuple[Callable[[], Action], ...] = (
            *(self._join, self._publish, self._claim, self._claim, self._say, self._say),
            *(self._mark, self._split, self._stall, self._click),
        )
        return self.random.choice(choices)()

    def _act(self, what: str, **args: object) -> Action:
        return Action(what, "mischief", args)

    def _join(self) -> Action:
        """Another identity: a vendor once they are known, an affiliate else."""
        fresh = [each for each in self.vendors if each not in self.play.truth.suspended]
        if len(fresh) < 2:
            self.vendors = [*self.vendors[-4:], f"mal{self.count}"]
            return self._act("join", name=self.vendors[-1], role="vendor")
        return self._act("join", name=f"xav{self.count}", role="affiliate", sponsor="xav3")

    def _publish(self) -> Action:
        body = random_terms(self.random)
        program = f"program{self.random.randint(1, 3)}"
        return self._act("publish", vendor=self._vendor(), program=program, body=body)

    def _claim(self) -> Action:
        random, vendor, order = self.random, self._vendor(), f"claim {self.count}"
        event = random.choice(("sale", "sale", "sale", "lead", "signup", "install"))
        amount = random.choice((0, 1, 50, 700, 2_500, 30_000, MAXIMUM))
        self.claims = [*self.claims[-ORDERS_KEPT:], (vendor, event, order, amount)]
        return self._act(
            "claim",
            vendor=vendor,
            program=f"program{random.randint(1, 3)}",
            event=event,
            order=order,
            amount=amount,
            currency=random.choice(CURRENCIES),
            customer=random.choice((*self.customers, "xav1", "xav2")),
            how=random.choice(("both", "phone", "email")),
            named=random.choice((None, "xav1", "xav2", "xav3", "ann")),
            click=random.random() < 0.2,
        )

    def _say(self) -> Action:
        vendor, event, order, amount = self.random.choice(self.claims or [("mal1", "sale", "", 1)])
        word = self.random.choice(
            ("confirmation", "confirmation", "rejection", "refunds", "refunds")
        )
        said = {}
        if word == "refunds":
            part = max(1, self.random.choice((1, amount // 3, amount // 2, amount, amount - 1)))
            said = {"external_id": str(self.count), "amount_minor": part}
        return self._act("say", vendor=vendor, event=event, order=order, word=word, **said)

    def _mark(self) -> Action:
        return self._act(
            "mark",
            vendor=self._vendor(),
            customer=self.random.choice(self.customers),
            how=self.random.choice(("both", "phone", "email")),
            out=self.random.random() < 0.5,
        )

    def _split(self) -> Action:
        affiliate, receiver = self.random.sample(("xav1", "xav2", "xav3"), 2)
        share = self.random.choice((1, 3_333, 10_000))
        return self._act("split", affiliate=affiliate, receiver=receiver, share_bps=share)

    def _stall(self) -> Action:
        return self._act("stall", actions=self.random.randint(1, 12))

    def _click(self) -> Action:
        """A stranger is sent through a link to a vendor that cheats."""
        affiliate, customer = (
            self.random.choice(("xav1", "xav2")),
            self.random.choice(self.customers),
        )
        return self._act("visit", customer=customer, affiliate=affiliate, vendor=self._vendor())

    # ---- an operator who is with them

    def _ivo(self) -> Action:
        random = self.random
        to = random.choice(("xav1", "xav2", "xav3"))
        honest = random.choice(HONEST_AFFILIATES)
        choices: tuple[tuple[str, dict[str, object]], ...] = (
            ("ivo_lowers", {}),
            ("ivo_raises", {}),
            ("ivo_publishes", {}),
            ("ivo_founds", {"to": to, "order": f"founded {self.count}", "amount": 90_000}),
            ("ivo_makes_a_key", {"name": random.choice(("zed", *SHOPS, honest))}),
            ("ivo_approves", {}),
            (
                "ivo_redirects",
                {"name": honest, "to": to, "how": random.choice(("method", "split"))},
            ),
            ("ivo_favours", {"vendor": self._vendor(), "what": random.choice(("limit", "lift"))}),
            ("ivo_releases", {}),
            ("ivo_gives", {"to": to, "amount": random.randint(1, 90_000)}),
            ("ivo_reports", self._forged(to)),
            ("ivo_confirms", dict(zip(("vendor", "order"), self._some_order(), strict=True))),
            ("ivo_says_it_came_back", {}),
            ("ivo_pays", {}),
        )
        what, args = random.choice(choices)
        return Action(what, "ivo", args)

    def _forged(self, to: str) -> dict[str, object]:
        amount = self.random.randint(1_000, 90_000)
        order = f"forged {self.count}"
        return {
            "customer": self.random.choice(self.customers),
            "vendor": self.random.choice(list(SHOPS)),
            "to": to,
            "order": order,
            "amount": amount,
        }

    # ---- operators

    def _operators(self) -> Action:
        random, known = self.random, self.play
        fresh = [each for each in self.vendors if each not in known.truth.suspended]
        choices: list[tuple[str, dict[str, object], float]] = [
            ("wait", {"hours": random.choice((1, 6, 30, 24 * 8))}, 14),
            ("month_end", {}, 2),
        ]
        if known.held and RELEASE in known.later:
            choices.append(("release", {}, 8))
        if fresh and not self.honest:
            choices.append(("suspend", {"vendor": random.choice(fresh)}, 0.5))
            choices.append(("unbind", {"customer": random.choice(self.customers)}, 1))
        what, args, _ = random.choices(choices, [each[2] for each in choices])[0]
        return Action(what, "operators", args)
