"""What rewards, their limits and their precedence give, worked out by hand from docs/money.md."""

from tests.cli.ledger.hand_made import (
    VENDOR,
    Hand,
    Post,
    account,
    earned,
    held,
    stands,
    taken,
    tally,
)


def thresholds_and_bonuses(hand: Hand) -> None:
    """5 %, from 100.00 a month on 7 %; 10.00 for a month of 200.00, 5.00 for two sales in one."""
    steps = [
        {"start": 0, "stop": 10_000, "rate_bps": 500, "amount_minor": None},
        {"start": 10_000, "stop": None, "rate_bps": 700, "amount_minor": None},
    ]
    month = {"period": "month", "currency": "USD"}
    hand.program(
        "steps",
        [
            {
                "event": "sale",
                "currency": "USD",
                "thresholds": {"by": "volume", "period": "month", "steps": steps},
            }
        ],
        bonuses=[
            {"by": "volume", "target": 20_000, "amount_minor": 1_000, **month},
            {"by": "count", "target": 2, "amount_minor": 500, **month},
        ],
    )
    rudo = stands("rudo")
    count, volume = (f"sales#prg_steps#mem_rudo#2026-11#{each}" for each in ("*", "USD"))
    hand.sale(
        "below",
        10_000,
        *earned("rudo", 500, 100),
        program="steps",
        occurred_at="2026-11-03T08:00:00.000Z",
        affiliate=rudo,
        tallies=[tally("member#mem_rudo"), tally(count), tally(volume)],
    )
    hand.sale(
        "above",
        15_000,
        *earned("rudo", 1_050, 210),  # exactly 100.00 were sold before, so 7 %
        Post("bonus", VENDOR, account("rudo"), 1_000),  # the month is at 250.00
        Post("bonus", VENDOR, account("rudo"), 500),  # and at two sales
        program="steps",
        occurred_at="2026-11-05T08:00:00.000Z",
        affiliate=rudo,
        tallies=[
            tally("member#mem_rudo", 1, last_on="2026-11-03", recruited_by="cnv_below"),
            tally(count, 1, count=1),
            tally(volume, 1, count=1, amount_minor=10_000),
        ],
    )
    by_volume, by_count = held(20_000, 1_000, "2026-11-15"), held(2, 500, "2026-11-15")
    last = tally("member#mem_rudo", 2, last_on="2026-11-05", recruited_by="cnv_below")
    hand.refund(
        "below",
        6_000,
        *taken("rudo", 300, 60),  # 500 · 0.4 stays
        # 190.00 are left; due as it was when "above" brought it
        Post("bonus_return", account("rudo"), VENDOR, 1_000, due_on="2026-11-15"),
        tallies=[
            last,
            tally(count, 2, count=2, held=[by_count]),
            tally(volume, 2, count=2, amount_minor=25_000, held=[by_volume]),
        ],
    )
    hand.refund(
        "below",
        4_000,
        *taken("rudo", 200, 40),
        Post("bonus_return", account("rudo"), VENDOR, 500, due_on="2026-11-15"),
        tallies=[
            last,
            tally(count, 2, count=2, held=[by_count]),
            tally(volume, 3, count=2, amount_minor=19_000),
        ],
    )
    count_next, volume_next = (f"sales#prg_steps#mem_rudo#2026-12#{each}" for each in ("*", "USD"))
    hand.sale(
        "next-month",
        5_000,
        *earned("rudo", 188, 37),  # 5 % again: 250, of which 0.75 stays: 187.5 → 188; fee 37.6
        program="steps",
        occurred_at="2026-12-01T00:00:00.000Z",
        affiliate=rudo,
        tallies=[
            tally("member#mem_rudo", 3, last_on="2026-11-05"),  # its first sale was given back
            tally(count_next),
            tally(volume_next),
        ],
        refunded_before=1_250,
    )
    hand.left(
        tally("member#mem_rudo", 4, last_on="2026-12-01", recruited_by="cnv_next-month"),
        tally(count, 3, count=1),
        tally(volume, 4, count=1, amount_minor=15_000),
        tally(count_next, 1, count=1),
        tally(volume_next, 1, count=1, amount_minor=3_750),
    )


def caps_and_budget(hand: Hand) -> None:
    """10 %, at most 8.00 a sale, 10.00 an affiliate and quarter, 15.00 for everybody."""
    caps = {"max_minor": 800, "period": "quarter", "period_max_minor": 1_000, "budget_minor": 1_500}
    hand.program(
        "caps",
        [{"event": "sale", "rate_bps": 1000, "currency": "USD", "name": "promo", **caps}],
    )
    budget = "reward#prg_caps#*#*#USD#promo"
    chipo, farai = (f"reward#prg_caps#mem_{each}#2026-Q4#USD#promo" for each in ("chipo", "farai"))
    member = tally("member#mem_chipo")
    hand.sale(
        "max",
        10_000,
        *earned("chipo", 800, 160),
        program="caps",
        occurred_at="2026-10-01T08:00:00.000Z",
        affiliate=stands("chipo"),
        tallies=[member, tally(budget), tally(chipo)],
    )
    hand.sale(
        "period",
        5_000,
        *earned("chipo", 200, 40),  # of 500 only what 800 leave of 1000
        program="caps",
        occurred_at="2026-12-31T23:59:59.999Z",
        affiliate=stands("chipo"),
        tallies=[
            tally("member#mem_chipo", 1, last_on="2026-10-01", recruited_by="cnv_max"),
            tally(budget, 1, amount_minor=800),
            tally(chipo, 1, amount_minor=800),
        ],
    )
    hand.sale(
        "budget",
        6_000,
        *earned("farai", 500, 100),  # of 600 only what 1000 leave of 1500
        program="caps",
        occurred_at="2026-12-31T23:59:59.999Z",
        affiliate=stands("farai"),
        tallies=[tally("member#mem_farai"), tally(budget, 2, amount_minor=1_000), tally(farai)],
    )
    last = tally("member#mem_chipo", 2, last_on="2026-12-31", recruited_by="cnv_max")
    hand.refund(
        "max",
        5_000,
        *taken("chipo", 400, 80),
        tallies=[last, tally(budget, 3, amount_minor=1_500), tally(chipo, 2, amount_minor=1_000)],
    )
    hand.left(
        last,
        tally("member#mem_farai", 1, last_on="2026-12-31", recruited_by="cnv_budget"),
        tally(budget, 4, amount_minor=1_100),
        tally(chipo, 3, amount_minor=600),
        tally(farai, 1, amount_minor=500),
    )


def first_orders(hand: Hand) -> None:
    """A customer's first order 20 %, for three months 10 %, then 1 %."""
    hand.program(
        "first",
        [
            {"event": "sale", "rate_bps": 100},
            {"event": "sale", "rate_bps": 1000, "months": 3},
            {"event": "sale", "rate_bps": 2000, "first_n": 1},
        ],
    )
    email, phone = (f"customer#prg_first#sale#key_{each}" for each in ("email", "phone"))
    since = "2026-01-31T10:00:00.000Z"
    hand.sale(
        "first",
        1_000,
        *earned("nyasha", 200, 40),
        program="first",
        occurred_at=since,
        affiliate=stands("nyasha"),
        customer_keys=["key_phone"],
        tallies=[tally(phone), tally("member#mem_nyasha")],
    )
    moments = ("2026-04-30T09:59:59.999Z", "2026-04-30T10:00:00.000Z")
    # by two keys now: the greatest count and the earliest beginning are the customer's
    for version, (moment, minor, fee) in enumerate(zip(moments, (100, 10), (20, 2), strict=True)):
        hand.sale(
            f"again-{version}",
            1_000,
            *earned("nyasha", minor, fee),
            program="first",
            occurred_at=moment,
            affiliate=stands("nyasha"),
            customer_keys=["key_phone", "key_email"],
            tallies=[
                tally(email, version, count=version, since=moments[0] if version else None),
                tally(phone, 1 + version, count=1 + version, since=since),
                tally(
                    "member#mem_nyasha",
                    1 + version,
                    last_on="2026-04-30" if version else "2026-01-31",
                    recruited_by="cnv_first",
                ),
            ],
        )
    hand.sale(
        "nobody",
        1_000,
        program="first",
        occurred_at="2026-05-01T10:00:00.000Z",
        affiliate=None,
        customer_keys=["key_new"],
        tallies=[tally("customer#prg_first#sale#key_new")],
    )
    hand.refund(
        "again-1",
        1_000,
        *taken("nyasha", 10, 2),
        tallies=[
            tally(email, 2, count=2, since=moments[0]),
            tally(phone, 3, count=3, since=since),
            tally("member#mem_nyasha", 2, last_on="2026-04-30", recruited_by="cnv_first"),
        ],
    )
    hand.left(
        tally("member#mem_nyasha", 2, last_on="2026-04-30", recruited_by="cnv_first"),
        tally(email, 3, count=1, since=moments[0]),
        tally(phone, 4, count=2, since=since),
        tally("customer#prg_first#sale#key_new", 1, count=1),
    )


def precedence(hand: Hand) -> None:
    """Affiliate before coupon before group before category before dates before plain."""
    choices = (
        {},
        {"starts_on": "2026-11-02", "ends_on": "2026-11-03"},
        {"category": "tools"},
        {"group": "gold"},
        {"group": "silver"},
        {"coupon": "SAVE"},
        {"affiliate_id": "mem_own"},
    )
    hand.program(
        "precedence",
        [
            {"event": "sale", "rate_bps": 100 * place, **choice}
            for place, choice in enumerate(choices, start=1)
        ],
    )
    cases = (
        ("own", "2026-11-02", 70, {"coupon": "SAVE"}),
        ("coupon", "2026-11-02", 60, {"coupon": "SAVE"}),
        ("group", "2026-11-02", 40, {"groups": ["silver", "gold"]}),
        ("category", "2026-11-02", 30, {"items": [{"amount_minor": 1_000, "category": "tools"}]}),
        ("starts", "2026-11-02", 20, {}),
        ("ends", "2026-11-03", 20, {}),
        ("plain", "2026-11-04", 10, {}),
    )
    for name, day, minor, also in cases:
        values = dict(also)
        hand.sale(
            f"by-{name}",
            1_000,
            *earned(name, minor, minor // 5),
            program="precedence",
            occurred_at=f"{day}T23:59:59.999Z",
            affiliate=stands(name, groups=values.pop("groups", [])),
            tallies=[tally(f"member#mem_{name}")],
            **values,
        )
        hand.left(tally(f"member#mem_{name}", 1, last_on=day, recruited_by=f"cnv_by-{name}"))
