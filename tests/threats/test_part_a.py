"""Part A, the rows that are short to play: each attack, and that nothing comes of it."""

from datetime import timedelta

import pytest

from tests.abuse.network import Network
from tests.threats.shop import KIM, TERMS, Shop


@pytest.fixture
def network(network_of_handlers: Network) -> Network:
    """Whose members are a shop's."""
    return network_of_handlers


def test_a1_what_is_accepted_is_posted_however_many_bonuses_it_moves(shop: Shop) -> None:
    path = f"/v1/programs/{shop.program_id}"
    refused = 0
    found = ""
    for number in range(40):
        bonus = {"by": "volume", "period": "year", "currency": "USD", "target": 10**6 + number}
        terms = TERMS | {"hold_days": number, "bonuses": [bonus | {"amount_minor": 1}]}
        answer = shop.ask("vendor", "PUT", path, terms)
        refused += answer.status == 409
        sold = shop.report(number, amount_minor=10**9 if number == 0 else 1)
        found = found or sold
    assert refused, "a program is published so often a day and no more"
    assert shop.refund(found, 10**9).status == 201
    shop.network.sweep()
    assert shop.network.unposted() == []
    assert shop.audited().findings == ()


@pytest.mark.parametrize("event", ["sale", "signup"])
def test_a2_what_costs_nothing_introduces_nobody(shop: Shop, event: str) -> None:
    free = shop.sale(1, event=event, amount_minor=0, customer=KIM)
    shop.ok("vendor", "POST", "/v1/conversions", free)
    honest = shop.program("other")
    bought = shop.sale(2, program_id=honest, customer=KIM)
    del bought["affiliate_id"]
    answer = shop.ok("other", "POST", "/v1/conversions", bought)
    assert answer["attributed"] is False
    assert shop.balance() == 0


def test_a4_a_suspended_vendor_pays_nobody_and_no_vendor_beyond_its_limit(
    network: Network,
) -> None:
    shop = Shop(network, confirmation="automatic", confirm_after_days=1)
    limits = {"confirmed_max_minor": {"USD": 5_000}}
    shop.ok("olga", "PATCH", f"/v1/members/{shop.ids['vendor']}", limits)
    huge = shop.report(1, amount_minor=10**12)
    confirmed = shop.ok("vendor", "POST", f"/v1/conversions/{huge}/confirmation")
    assert confirmed["held"]["reason"] == "over_the_vendors_limit"
    small, silent = shop.report(2), shop.report(3)
    shop.ok("olga", "POST", f"/v1/members/{shop.ids['vendor']}/suspension")
    confirmed = shop.ok("vendor", "POST", f"/v1/conversions/{small}/confirmation")
    assert confirmed["held"]["reason"] == "vendor_suspended"
    network.moment += timedelta(days=2)
    network.confirm_silent()
    network.deliver()
    shown = shop.ok("vendor", "GET", f"/v1/conversions/{silent}")
    assert shown["held"] | {"since": ""} == {
        "reason": "vendor_suspended",
        "since": "",
        "by": "silence",
    }
    assert shop.balance() == 0


def test_a7_another_vendors_opt_out_is_lifted_by_nobody_else(shop: Shop) -> None:
    out = shop.ok("vendor", "POST", "/v1/customers/opt-out", {"customer": KIM})
    assert out == {"opted_out": True, "scope": "network"}
    lifted = shop.ok("other", "POST", "/v1/customers/opt-in", {"customer": KIM})
    assert lifted["opted_out"] is True
    own = shop.ask("vendor", "POST", "/v1/customers/opt-in", {"customer": KIM})
    assert (own.status, own.code) == (409, "opted_out_recently")
    shop.report(1, customer=KIM)
    program_id = shop.program("other")
    bought = shop.sale(2, program_id=program_id, customer=KIM, affiliate_id=None)
    answer = shop.ok("other", "POST", "/v1/conversions", bought)
    assert answer["attributed"] is False
    by = shop.ok("olga", "POST", "/v1/customers/opt-out", {"customer": KIM})["marked_by"]
    assert set(by) == {shop.ids["vendor"], "network"}


def test_a13_one_item_that_nobody_understands_stops_nothing_behind_it(shop: Shop) -> None:
    shop.network.stalled = 100
    found = [shop.report(number) for number in range(3)]
    facts = shop.network.standin.tables["conversions"].partitions
    facts[found[0]]["report"] |= {"of_next_year": {"S": "?"}}
    facts[found[1]]["report"] |= {"content": {"B": b"nobody reads this"}}
    shop.network.stalled = 0
    shop.network.moment += timedelta(hours=1)
    shop.network.sweep()
    assert {each for each, _ in shop.network.unposted()} == {found[1]}
    assert shop.balance() == 2 * 1_250
    # That it failed is said, and by the one fact alone.
    assert len(shop.network.failures) <= 1
    shop.network.failures.clear()


@pytest.mark.parametrize(
    ("amount_minor", "currency", "brings"),
    [(1, "USD", 0), (100, "IRR", 0), (499, "USD", 0), (5_000, "USD", 500)],
)
def test_a14_a_recruit_who_sells_for_cents_brings_its_sponsor_nothing(
    network: Network, amount_minor: int, currency: str, brings: int
) -> None:
    shop = Shop(network)
    settings = shop.ok("olga", "GET", "/v1/network")
    bonus = {"recruitment_bonus": {"amount_minor": 500, "currency": "USD"}}
    shop.ok("olga", "PUT", "/v1/network", settings | bonus)
    recruit = shop.join("recruit", "affiliate", sponsor_id=shop.ids["ann"])
    sold = shop.report(1, amount_minor=amount_minor, currency=currency, affiliate_id=recruit)
    overrides = shop.balance() - brings
    assert 0 <= overrides < amount_minor / 10
    if brings:
        assert shop.refund(sold, amount_minor).status == 201
        assert shop.balance() == 0


def test_a15_until_a_sale_is_confirmed_a_vendor_learns_nothing_of_a_person(
    network: Network,
) -> None:
    shop = Shop(network)
    shop.report(1, customer=KIM)
    program_id = shop.program("other", confirmation="manual")
    probe = shop.sale(2, program_id=program_id, customer=KIM, affiliate_id=None)
    answer = shop.ok("other", "POST", "/v1/conversions", probe)
    assert answer["attribution"]["affiliate_id"] is None
    for path in ("", "/explanation"):
        shown = shop.ok("other", "GET", f"/v1/conversions/{answer['id']}{path}")
        assert shop.ids["ann"] not in str(shown)
    own, stranger = (
        shop.ask(
            *("vendor", "POST", "/v1/client-codes"),
            {"affiliate_id": shop.ids["ann"], "client": {"phone": phone}},
        )
        for phone in ("+263771000000", "+263774999999")
    )
    assert (own.status, own.body.keys()) == (stranger.status, stranger.body.keys())
