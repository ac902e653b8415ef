"""What a sale earns, over HTTP: every kind of reward and who shares in it, and refunds of all."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def settings(world) -> Iterator[Any]:
    """Publishes settings for one test, and those before it again afterwards."""
    before = world.api.ok("GET", "/v1/network")
    before.pop("version")

    def publish(**changes: object) -> None:
        world.api.ok("PUT", "/v1/network", {**before, **changes})

    yield publish
    publish()


def test_categories_groups_and_dates_pay_by_the_written_precedence(world, ledger_is_right) -> None:
    gold, plain, shop = world.affiliate(groups=["gold"]), world.affiliate(), world.vendor()
    program_id = world.program(
        shop,
        confirmation="on_report",
        categories=["tools"],
        rewards=[
            {"event": "sale", "rate_bps": 500},
            {"event": "sale", "rate_bps": 1000, "category": "tools"},
            {"event": "sale", "rate_bps": 2000, "group": "gold"},
            {"event": "sale", "rate_bps": 600, "starts_on": "2020-01-01", "ends_on": "2020-12-31"},
        ],
    )
    items = [{"amount_minor": 6_000, "category": "tools", "sku": "saw"}]
    for affiliate, earned in ((plain, 600 + 200), (gold, 2_000)):
        sale = world.sale(program_id, 10_000, affiliate_id=affiliate.id, items=items)
        world.report(shop, sale)
        world.wait_for_balance(affiliate, earned)
    ledger_is_right()


def test_a_threshold_a_cap_and_a_bonus_count_the_period_s_sales(world, ledger_is_right) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    steps = [{"from": 0, "rate_bps": 500}, {"from": 20_000, "rate_bps": 1000}]
    program_id = world.program(
        shop,
        confirmation="on_report",
        rewards=[
            {
                "event": "sale",
                "name": "Progress",
                "currency": world.currency,
                "thresholds": {"by": "volume", "period": "year", "steps": steps},
                "period": "year",
                "period_max_minor": 2_300,
            }
        ],
        bonuses=[
            {
                "by": "count",
                "period": "quarter",
                "target": 3,
                "amount_minor": 777,
                "currency": world.currency,
            }
        ],
    )

    def sell(balance_minor: int) -> str:
        sale = world.sale(program_id, 10_000, affiliate_id=affiliate.id)
        conversion = world.report(shop, sale)
        world.wait_for_balance(affiliate, balance_minor)
        return str(conversion["id"])

    sell(500)
    sell(1000)
    third = sell(1000 + 1000 + 777)
    sell(2000 + 300 + 777)
    ledger_is_right()

    explained = world.api.ok("GET", f"/v1/conversions/{third}/explanation", key=affiliate.key)
    assert any("10 %" in sentence for sentence in explained["story"])
    assert any("7.77" in sentence for sentence in explained["summary"])

    # The third of four is refunded: three still stand, the bonus too. A second one takes it back.
    world.refund(shop, third, 10_000)
    world.wait_for_balance(affiliate, 500 + 500 + 300 + 777)
    ledger_is_right()


def test_a_first_purchase_earns_more_and_its_bonus_reaches_the_sponsor(
    world, settings, ledger_is_right
) -> None:
    bonus = {"amount_minor": 1234, "currency": world.currency}
    settings(recruitment_bonus=bonus, affiliate_fee_bps=500)
    sponsor = world.affiliate()
    employee = world.affiliate()
    company = world.affiliate(
        sponsor=sponsor, splits=[{"member_id": employee.id, "share_bps": 2500}]
    )
    shop = world.vendor()
    program_id = world.program(
        shop,
        confirmation="on_report",
        rewards=[
            {"event": "sale", "rate_bps": 1000},
            {"event": "sale", "rate_bps": 2000, "first_n": 1},
        ],
    )
    customer = {"email": f"{uuid.uuid4()}@customer.example"}
    claims = {"affiliate_id": company.id, "customer": customer}
    first = world.report(shop, world.sale(program_id, 10_000, **claims))
    # 20 % is 2000; 5 % of it is the affiliate's fee; a quarter of the rest is the employee's.
    world.wait_for_balance(company, 1900 - 475)
    assert (world.balance(employee), world.balance(sponsor)) == (475, 200 + 1234)
    ledger_is_right()

    world.report(shop, world.sale(program_id, 10_000, **claims))
    world.wait_for_balance(company, 1900 - 475 + 950 - 237)
    assert world.balance(sponsor) == 200 + 1234 + 100
    for part in (3_333, 3_333, 3_334):
        world.refund(shop, first["id"], part)
    world.wait_for_balance(company, 950 - 237)
    assert (world.balance(employee), world.balance(sponsor)) == (237, 100)
    ledger_is_right()


def test_an_idle_sponsor_s_share_goes_to_the_next_active_one(
    world, settings, ledger_is_right
) -> None:
    settings(active_days=30, level_rates_bps=[1000, 500, 100])
    top = world.affiliate()
    idle = world.affiliate(sponsor=top)
    seller = world.affiliate(sponsor=idle)
    shop = world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    world.report(shop, world.sale(program_id, 10_000, affiliate_id=top.id))
    world.wait_for_balance(top, 500)
    sale = world.report(shop, world.sale(program_id, 10_000, affiliate_id=seller.id))
    world.wait_for_balance(seller, 500)
    assert (world.balance(idle), world.balance(top)) == (0, 500 + 50)
    why = world.api.ok("GET", f"/v1/conversions/{sale['id']}/explanation")
    assert any("active" in sentence for sentence in why["story"])
    ledger_is_right()


def test_no_sale_costs_more_than_the_ceiling(world, ledger_is_right) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    flat = [{"event": "sale", "amount_minor": 5_000, "currency": world.currency}]
    program_id = world.program(shop, confirmation="on_report", rewards=flat, ceiling_bps=1200)
    world.report(shop, world.sale(program_id, 10_000, affiliate_id=affiliate.id))
    # 12 % of 100.00 is 12.00: 10.00 for the affiliate and a fifth of that for the network.
    world.wait_for_balance(affiliate, 1_000)
    ledger_is_right()


BAD_TERMS = {
    "two plain rates": ({"rewards": [{"event": "sale", "rate_bps": 1}] * 2}, "tied_rewards"),
    "over the ceiling": ({"ceiling_bps": 599}, "over_the_ceiling"),
    "a gap in thresholds": (
        {
            "rewards": [
                {
                    "event": "sale",
                    "currency": "USD",
                    "thresholds": {
                        "by": "count",
                        "period": "month",
                        "steps": [
                            {"from": 0, "to": 5, "rate_bps": 500},
                            {"from": 6, "rate_bps": 700},
                        ],
                    },
                }
            ]
        },
        "thresholds_gap",
    ),
    "dates reversed": (
        {
            "rewards": [
                {
                    "event": "sale",
                    "rate_bps": 500,
                    "starts_on": "2026-12-02",
                    "ends_on": "2026-12-01",
                }
            ]
        },
        "dates_reversed",
    ),
    "an unknown category": (
        {"rewards": [{"event": "sale", "rate_bps": 500, "category": "boats"}]},
        "unknown_category",
    ),
    "an unknown currency": (
        {"rewards": [{"event": "sale", "amount_minor": 500, "currency": "ZWL"}]},
        "unknown_currency",
    ),
}


@pytest.mark.parametrize(("terms", "code"), BAD_TERMS.values(), ids=BAD_TERMS)
def test_bad_terms_are_refused_with_the_sentence_that_says_why(world, terms, code) -> None:
    shop = world.vendor()
    program_id = world.program(shop)
    current = world.api.ok("GET", f"/v1/programs/{program_id}", key=shop.key)
    read_only = ("id", "version", "vendor_id", "created_at")
    body = {name: value for name, value in current.items() if name not in read_only} | terms
    answer = world.api.call("PUT", f"/v1/programs/{program_id}", body, key=shop.key)
    assert (answer.status, answer.body["code"]) == (422, code), answer.body
    assert len(answer.body["detail"].split()) > 6
    assert world.api.ok("GET", f"/v1/programs/{program_id}", key=shop.key) == current


def test_settings_with_too_many_payees_or_over_a_program_s_ceiling_are_refused(world) -> None:
    shop = world.vendor()
    program_id = world.program(shop, ceiling_bps=600)
    current = world.api.ok("GET", "/v1/network")
    version = current.pop("version")
    many = {**current, "level_rates_bps": [100] * 5, "split_members_max": 9}
    answer = world.api.call("PUT", "/v1/network", many)
    assert (answer.status, answer.body["code"]) == (422, "too_many_payees")
    dear = {**current, "network_fee_bps": 2001}
    answer = world.api.call("PUT", "/v1/network", dear)
    assert (answer.status, answer.body["code"]) == (422, "over_the_ceiling")
    assert program_id in answer.body["detail"]
    assert world.api.ok("GET", "/v1/network")["version"] == version
    world.api.ok(
        "PUT",
        f"/v1/programs/{program_id}",
        {
            "name": "Tools",
            "destination_url": "https://shop.example/",
            "rewards": [{"event": "sale", "rate_bps": 500}],
            "window_days": 30,
            "hold_days": 0,
            "confirmation": "manual",
        },
        key=shop.key,
    )
