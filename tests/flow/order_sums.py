"""What the real orders earn under terms with thresholds, caps and an introducer: a sum of its own.

It reads nothing the product computed but the order in which it accepted the orders. Whose an order
is: the customer's click for 30 days, then the introducer for a year after the last order by click
that earned something, then nobody's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

STEPS = ((0, 300), (20_000, 500), (60_000, 800))
"""From this volume of the month on, minor units: this rate."""
MAX_MINOR, MONTH_MAX_MINOR = 250, 2_500
INTRODUCER_BPS, FEE_BPS, LEVELS_BPS = 200, 2_000, (1_000, 500, 250)
WINDOW_DAYS, INTRODUCER_DAYS = 30, 365

TERMS = {
    "rewards": [
        {
            "event": "sale",
            "name": "month",
            "thresholds": {
                "by": "volume",
                "period": "month",
                "steps": [
                    {"from": start, "rate_bps": rate_bps}
                    | ({"to": STEPS[at][0]} if at < len(STEPS) else {})
                    for at, (start, rate_bps) in enumerate(STEPS, start=1)
                ],
            },
            "max_minor": MAX_MINOR,
            "period": "month",
            "period_max_minor": MONTH_MAX_MINOR,
        }
    ],
    "introducer_rate_bps": INTRODUCER_BPS,
    "window_days": WINDOW_DAYS,
    "confirmation": "on_report",
}
"""The program; its one reward needs the currency added."""

SETTINGS = {
    "level_rates_bps": list(LEVELS_BPS),
    "network_fee_bps": FEE_BPS,
    "override_funding": "network",
    "introducer_days": INTRODUCER_DAYS,
    "affiliate_fee_bps": 0,
    "active_days": None,
    "recruitment_bonus": None,
}

type Order = Mapping[str, str]
type Moved = frozenset[tuple[str, str, int]]
"""Postings of one order: kind, who gets it, minor units."""


@dataclass
class Summing:
    """The running sums of one import, and what was seen happening on the way."""

    uplines: Mapping[str, tuple[str, ...]]
    volumes: Counter[tuple[str, str]] = field(default_factory=Counter)
    earned: Counter[tuple[str, str]] = field(default_factory=Counter)
    clicked_on: dict[str, date] = field(default_factory=dict)
    introduced_until: dict[str, date] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)

    def all(self, orders: Iterable[Order], affiliate_of: Mapping[str, str]) -> dict[str, Moved]:
        """The postings of each order, in the order in which they were accepted."""
        return {
            each["order_id"]: self.one(each, affiliate_of[each["customer_id"]]) for each in orders
        }

    def one(self, order: Order, affiliate: str) -> Moved:
        """The postings of the next order."""
        sale = int(Decimal(order["amount_usd"]) * 100)
        model = self._model(order["customer_id"], date.fromisoformat(order["ordered_on"]))
        self.happened[model] += 1
        direct = 0
        if model == "click":
            direct = self._rewarded(sale, (affiliate, order["ordered_on"][:7]))
            if direct:  # what earns nothing introduces nobody
                until = date.fromisoformat(order["ordered_on"]) + timedelta(days=INTRODUCER_DAYS)
                self.introduced_until[order["customer_id"]] = until
        elif model == "introducer":
            direct = _share(sale, INTRODUCER_BPS, ROUND_HALF_UP)
        moved = {
            ("commission", f"affiliate:{affiliate}", direct),
            ("fee", "network:fees", _share(direct, FEE_BPS, ROUND_FLOOR)),
            *(
                ("override", f"affiliate:{member}", _share(direct, rate_bps, ROUND_FLOOR))
                for member, rate_bps in zip(self.uplines[affiliate], LEVELS_BPS, strict=True)
            ),
        }
        return frozenset(each for each in moved if each[2])

    def _model(self, customer: str, on: date) -> str:
        clicked_on = self.clicked_on.setdefault(customer, on)
        # The click came an hour before the first order, so the 30th day after that is too late.
        if on < clicked_on + timedelta(days=WINDOW_DAYS):
            return "click"
        return "introducer" if on < self.introduced_until.get(customer, on) else "nobody"

    def _rewarded(self, sale: int, month: tuple[str, str]) -> int:
        rate_bps = max(rate for start, rate in STEPS if start <= self.volumes[month])
        share = _share(sale, rate_bps, ROUND_HALF_UP)
        direct = min(share, MAX_MINOR, MONTH_MAX_MINOR - self.earned[month])
        self.happened[f"rate {rate_bps}"] += 1
        self.happened["cap of a sale"] += share > MAX_MINOR
        self.happened["cap of a month"] += direct < min(share, MAX_MINOR)
        self.volumes[month] += sale
        self.earned[month] += direct
        return direct


def _share(amount: int, rate_bps: int, rounding: str) -> int:
    return int((Decimal(amount) * rate_bps / 10_000).quantize(Decimal(1), rounding))
