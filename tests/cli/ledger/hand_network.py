"""One conversion of every kind of terms, each worked out by hand from docs/money.md.

Amounts are minor units of USD. Every story has affiliates of its own.
"""

from typing import Any

from tests.cli.clicks.hand_counted import days_of_links
from tests.cli.ledger.hand_made import (
    BONUSES,
    FEES,
    VENDOR,
    Hand,
    Post,
    account,
    earned,
    stands,
    taken,
    tally,
)
from tests.cli.ledger.hand_rewards import (
    caps_and_budget,
    first_orders,
    precedence,
    thresholds_and_bonuses,
)

OWN = {"affiliate_fee_bps": 500, "active_days": 30, "recruitment_bonus": None}
SHARED = {"network_fee_bps": 2000, "override_funding": "network", "level_rates_bps": [1000, 500]}
RECRUITING = {"recruitment_bonus": {"amount_minor": 300, "currency": "ZWG"}}


def hand_network() -> Hand:
    """A sound network: an audit of it finds nothing."""
    hand = Hand()
    hand.settings = {
        1: SHARED | OWN,
        2: SHARED | {"override_funding": "vendor"},
        3: SHARED | RECRUITING,
    }
    lines_levels_and_splits(hand)
    thresholds_and_bonuses(hand)
    caps_and_budget(hand)
    first_orders(hand)
    precedence(hand)
    ceiling(hand)
    recruitment(hand)
    without_rewards(hand)
    days_of_links(hand)
    return hand


def lines_levels_and_splits(hand: Hand) -> None:
    """Tools at 10 %, the rest at 5 %; an upline with two to pass over; splits on both sides."""
    hand.program(
        "lines",
        [
            {"event": "sale", "rate_bps": 500},
            {"event": "sale", "rate_bps": 1000, "category": "tools"},
        ],
    )
    seen = tally("member#mem_tendai")
    hand.sale(
        "lines",
        10_000,
        # 60.05 of tools: 600.5 → 601; the rest of 39.95: 199.75 → 200; together 801
        Post("commission", VENDOR, account("tendai"), 801),
        Post("fee", VENDOR, FEES, 160),  # 160.2
        Post("affiliate_fee", account("tendai"), FEES, 40),  # 40.05
        # above are: suspended, builder, idle, the customer, architect
        Post("override", FEES, account("builder"), 80, 1),  # 80.1
        Post("override", FEES, account("architect"), 40, 2),  # 40.05
        Post("split", account("tendai"), account("employee"), 190),  # 25 % of 761 is 190.25
        Post("split", account("builder"), account("foreman"), 26, 1),  # 33.33 % of 80 is 26.66
        program="lines",
        settings=1,
        occurred_at="2026-11-02T08:00:00.000Z",
        items=[{"amount_minor": 6_005, "category": "tools"}],
        affiliate=stands("tendai", splits=[("employee", 2500)]),
        upline=[
            stands("suspended", status="suspended"),
            stands("builder", splits=[("foreman", 3333)]),
            stands("idle", active=False),
            stands("customer", buyer=True),
            stands("architect"),
            stands("too-high"),
        ],
        tallies=[seen],
    )
    moved = tally("member#mem_tendai", 1, last_on="2026-11-02", recruited_by="cnv_lines")
    hand.refund(
        "lines",
        2_500,
        # three quarters stay: 600.75 → 601, fee 120.2, own fee 30.05, levels 60.1 and 30.05,
        # splits 25 % of 571 is 142.75 and 33.33 % of 60 is 19.998
        Post("clawback", account("tendai"), VENDOR, 200),
        Post("fee_return", FEES, VENDOR, 40),
        Post("affiliate_fee_return", FEES, account("tendai"), 10),
        Post("clawback", account("builder"), FEES, 20, 1),
        Post("clawback", account("architect"), FEES, 10, 2),
        Post("split_return", account("employee"), account("tendai"), 48),
        Post("split_return", account("foreman"), account("builder"), 7, 1),
        tallies=[moved],
    )
    hand.refund(
        "lines",
        7_500,
        Post("clawback", account("tendai"), VENDOR, 601),
        Post("fee_return", FEES, VENDOR, 120),
        Post("affiliate_fee_return", FEES, account("tendai"), 30),
        Post("clawback", account("builder"), FEES, 60, 1),
        Post("clawback", account("architect"), FEES, 30, 2),
        Post("split_return", account("employee"), account("tendai"), 142),
        Post("split_return", account("foreman"), account("builder"), 19, 1),
        tallies=[moved],
    )
    hand.left(tally("member#mem_tendai", 2, last_on="2026-11-02"))


def ceiling(hand: Hand) -> None:
    """At most 10 % of a sale, all in, where the vendor pays the overrides too."""
    budget = {"event": "sale", "currency": "USD", "budget_minor": 100_000}
    hand.program(
        "ceiling",
        [
            {"amount_minor": 900, "category": "tools", "name": "tools", **budget},
            {"rate_bps": 500, "name": "rest", **budget},
        ],
        ceiling_bps=1000,
    )
    tools, rest = (f"reward#prg_ceiling#*#*#USD#{each}" for each in ("tools", "rest"))
    hand.sale(
        "ceiling",
        10_000,
        # 900 + 450 would cost more than 1000; 769 + 153 + 76 is 998, 770 + 154 + 77 is 1001
        *earned("tatenda", 769, 153),
        Post("override", VENDOR, account("sponsor"), 76, 1),
        program="ceiling",
        settings=2,
        occurred_at="2026-11-02T08:00:00.000Z",
        items=[{"amount_minor": 1_000, "category": "tools"}],
        affiliate=stands("tatenda"),
        upline=[stands("sponsor"), stands("gone", status="suspended"), stands("third")],
        # all of the lowered commission is the first reward's, so the tally of the rest stays
        tallies=[tally("member#mem_tatenda"), tally(rest), tally(tools)],
    )
    hand.left(
        tally("member#mem_tatenda", 1, last_on="2026-11-02", recruited_by="cnv_ceiling"),
        tally(tools, 1, amount_minor=769),
    )


def recruitment(hand: Hand) -> None:
    """3.00 ZWG for the sponsor with the first sale; again once that is refunded in full."""
    hand.program("plain", [{"event": "sale", "rate_bps": 100}])
    override = Post("override", FEES, account("mentor"), 1, 1)
    bonus = Post("recruitment", BONUSES, account("mentor"), 300, currency="ZWG")
    name = "member#mem_recruit"
    seen = (
        tally(name),
        tally(name, 1, last_on="2026-11-02", recruited_by="cnv_recruit-1"),
        tally(name, 2, last_on="2026-11-02"),
    )

    def sells(number: int, *posts: Post, tallies: list[dict[str, object]]) -> None:
        hand.sale(
            f"recruit-{number}",
            1_000,
            *earned("recruit", 10, 2),
            override,
            *posts,
            program="plain",
            settings=3,
            occurred_at="2026-11-02T08:00:00.000Z",
            affiliate=stands("recruit"),
            upline=[stands("mentor")],
            tallies=tallies,
        )

    sells(1, bonus, tallies=[seen[0]])
    sells(2, tallies=[seen[1]])
    hand.refund(
        "recruit-1",
        1_000,
        *taken("recruit", 10, 2),
        Post("clawback", account("mentor"), FEES, 1, 1),
        Post("clawback", account("mentor"), BONUSES, 300, currency="ZWG"),
        tallies=[seen[1]],
    )
    sells(3, bonus, tallies=[seen[2]])
    hand.left(tally(name, 3, last_on="2026-11-02", recruited_by="cnv_recruit-3"))


def without_rewards(hand: Hand) -> None:
    """What the rewards of sales have no say in: introducers, leads, and who is suspended."""
    hand.program("leads", [{"event": "lead", "amount_minor": 2_000, "currency": "USD"}])
    shared: dict[str, Any] = {"program": "leads", "occurred_at": "2026-11-02T08:00:00.000Z"}
    hand.sale(
        "introduced",
        1_025,
        *earned("introducer", 21, 4),  # 2 % of 10.25 is 20.5
        affiliate=stands("introducer"),
        model="introducer",
        **shared,
    )
    hand.sale(
        "lead", 0, *earned("finder", 2_000, 400), affiliate=stands("finder"), event="lead", **shared
    )
    hand.sale("suspended", 1_000, affiliate=stands("gone", status="suspended"), **shared)
