"""What recipes are written in: names, and the few actions that most of them take."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.abuse.world import CURRENCIES, Action

type Recipe = Iterator[Action]
type Do = Callable[..., Action]

MAXIMUM = 10**12
HONEST_AFFILIATES = ("ann", "ben", "cat", "dot")


class Words:
    """The words of all recipes; `customers` are honest people, who change as time goes by."""

    def __init__(self, random: Random, customers: list[str], introducer_days: int) -> None:
        self.random, self.customers, self.introducer_days = random, customers, introducer_days
        self.begun = self.walked_in = 0

    def _as(self, recipe: str) -> Do:
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

    def _walk_in(self, customer: str, how: str = "both", named: str | None = None) -> Action:
        """The customer buys at an honest vendor next door, brought by nobody unless it is named."""
        self.walked_in += 1
        amount, order = self.random.randint(2_000, 20_000), f"walk-in {self.walked_in}"
        args = {"customer": customer, "vendor": "shop1", "order": order, "amount": amount}
        return Action("buy", "honest", {**args, "named": named, "how": how})

    def _sale(
        self,
        do: Do,
        vendor: str,
        program: str,
        order: str,
        amount: int,
        currency: str,
        named: str,
        event: str = "sale",
        customer: str | None = None,
        how: str = "both",
        email_of: str | None = None,
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
            **({"email_of": email_of} if email_of else {}),
        )


def refund(
    do: Do,
    vendor: str,
    order: str,
    amount: int,
    number: int,
    event: str = "sale",
) -> Action:
    args = {"vendor": vendor, "event": event, "order": order, "word": "refunds"}
    return do("say", **args, external_id=str(number), amount_minor=max(1, amount))


def bonus(target: int, amount: int, currency: str, period: str) -> dict[str, Any]:
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
        bonus(target, random.choice((1, 900)), currency, random.choice(("month", "year")))
        for target in random.sample(range(1, 40_000), random.choice((0, 0, 2, 10)))
    ]
    if random.random() < 0.2:
        sent["rewards"].append({"event": "sale", "rate_bps": 10_000, "first_n": 1})
    return sent
