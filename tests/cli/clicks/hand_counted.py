"""What days of clicks and impressions give, worked out by hand from docs/money.md."""

from typing import Any

from tests.cli.ledger.hand_made import FEES, Hand, Post, account, earned, stands, tally

BILLED_AT = "2026-11-22T01:00:00.000Z"
DAY = "2026-11-19"


def days_of_links(hand: Hand) -> None:
    """0.05 for a click, at most 3.00 a month; 2.50 for a thousand impressions."""
    clicks = {"event": "click", "amount_minor": 5, "currency": "USD", "name": "clicks"}
    hand.program(
        "counted",
        [
            {"event": "sale", "rate_bps": 5_000},
            clicks | {"period": "month", "period_max_minor": 300},
            {"event": "impression", "amount_minor": 250, "currency": "USD"},
        ],
    )
    month = "reward#prg_counted#mem_blogger#2026-11#USD#clicks"
    blogger = stands("blogger")
    _day(
        hand,
        "click",
        "first",
        37,
        *earned("blogger", 185, 37),
        Post("override", FEES, account("editor"), 18, 1),  # 18.5
        affiliate=blogger,
        upline=[stands("editor")],
        tallies=[tally(month)],
    )
    _day(
        hand,
        "click",
        "second",
        24,
        *earned("blogger", 115, 23),  # of 120 only what 185 leave of 300
        affiliate=blogger,
        tallies=[tally(month, 1, amount_minor=185)],
    )
    _day(
        hand,
        "impression",
        "first",
        12_346,
        *earned("blogger", 3_087, 617),  # 3086.5; a fee of 617.4
        affiliate=blogger,
    )
    hand.left(tally(month, 2, amount_minor=300))
    hand.counts(
        "first", DAY, visitors={"05": 30, "23": 7}, impressions={"00": 12_346}, clicks={"05": 99}
    )
    hand.counts("second", DAY, visitors={"11": 24})


def _day(hand: Hand, event: str, code: str, quantity: int, *posts: Post, **also: Any) -> None:
    name = f"{event}-{code}"
    hand.sale(
        name,
        0,
        *posts,
        program="counted",
        occurred_at=f"{DAY}T23:59:59.999Z",
        accepted_at=BILLED_AT,
        reported_at=BILLED_AT,
        event=event,
        model="link",
        reference=code,
        external_id=f"{event}/{code}/{DAY}",
        quantity=quantity,
        **also,
    )
    hand.facts[f"cnv_{name}", "confirmation"]["accepted_at"] = BILLED_AT
