"""T1 to T9: what is reported twice, by others, with other keys, with more than one may say."""

import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from linkage_api.app import app
from tests.abuse.network import Network
from tests.api.recording import handlers
from tests.threats.shop import KIM, Shop

ROOT = Path(__file__).parents[2]
OF_APP = [f"{each.method} {each.path}" for each in (*app._static_routes, *app._dynamic_routes)]
ROUTES = sorted({*OF_APP, *handlers()})
SECRET_WORDS = re.compile(r"\b(secret|secret_hash|signature|digest|mac)\b\s*[!=]=")


@pytest.fixture
def network(network_of_handlers: Network) -> Network:
    """Whose members are a shop's."""
    return network_of_handlers


def test_t1_the_same_report_a_hundred_times_over_years_is_one_sale(shop: Shop) -> None:
    sent = shop.sale(1)
    first = shop.ask("vendor", "POST", "/v1/conversions", sent)
    for _ in range(100):
        shop.network.moment += shop.network.moment - shop.network.moment.replace(hour=0)
        again = shop.ask("vendor", "POST", "/v1/conversions", sent)
        assert (again.status, again.body["id"]) == (200, first.body["id"])
    assert shop.balance() == 1_250


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_minor": 12_501},
        {"currency": "EUR"},
        {"affiliate_id": "ben"},
        {"customer": KIM},
        {"coupon": "SUMMER"},
        {"metadata": {"till": "2"}},
        {"occurred_at": "2026-01-04T08:00:00Z"},
    ],
    ids=lambda each: next(iter(each)),
)
def test_t2_the_same_order_with_anything_else_in_it_is_refused(
    shop: Shop, changed: dict[str, Any]
) -> None:
    found = shop.report(1)
    said = {name: shop.ids.get(str(value), value) for name, value in changed.items()}
    answer = shop.ask("vendor", "POST", "/v1/conversions", shop.sale(1, **said))
    assert (answer.status, answer.code) == (409, "external_id_reused")
    assert shop.balance() == 1_250
    assert shop.ok("vendor", "GET", f"/v1/conversions/{found}")["amount_minor"] == 12_500


@pytest.mark.parametrize("order", permutations(("ann", "ben", None)))
def test_t3_an_order_is_whose_it_was_first(shop: Shop, order: tuple[str | None, ...]) -> None:
    for name in order:
        sent = shop.sale(1, affiliate_id=name and shop.ids[name])
        shop.ask("vendor", "POST", "/v1/conversions", sent)
    got = {name: shop.balance(name) for name in ("ann", "ben")}
    assert got == {"ann": 0, "ben": 0} | ({order[0]: 1_250} if order[0] else {})


def wrong_keys(shop: Shop) -> dict[str, str]:
    """What somebody without a key may try."""
    mine = shop.secrets["vendor"]
    revoked = shop.ok("olga", "POST", "/v1/keys", {"role": "operator", "person": "gone"})
    shop.ok("olga", "DELETE", f"/v1/keys/{revoked['id']}")
    return {
        "none": "",
        "garbage": "lk_test_garbage",
        "another's secret under its id": mine[:-3] + ("aaa" if mine[-3:] != "aaa" else "bbb"),
        "half": mine[: len(mine) // 2],
        "not ascii": "lk_test_ü\u202e",
        "revoked": revoked["secret"],
        "of another stage": mine.replace("lk_test", "lk_live"),
    }


def path_of(route: str) -> str:
    return re.sub(r"[<{]\w+[>}]", "xyz_0", route.split(" ")[1])


def test_t4_t5_every_route_says_the_same_to_every_wrong_key_and_nothing_is_written(
    shop: Shop,
) -> None:
    keys = wrong_keys(shop)
    before = shop.network.standin.saved()
    said = set()
    for route in ROUTES:
        for secret in keys.values():
            answer = shop.network.call(secret, route.split(" ")[0], path_of(route), {"x": 1})
            body = {n: v for n, v in answer.body.items() if n not in {"instance", "request_id"}}
            said.add((answer.status, str(body)))
    assert [status for status, _ in said] == [401]
    assert shop.network.standin.saved() == before


def test_t5_no_secret_is_compared_by_equality() -> None:
    for file in (ROOT / "layers/core").rglob("*.py"):
        assert not SECRET_WORDS.search(file.read_text()), file.name
    keys = (ROOT / "layers/core/python/linkage/domain/people/api_keys.py").read_text()
    assert "compare_digest" in keys


def test_t6_no_more_is_refunded_than_was_sold_whatever_the_order_of_calls(shop: Shop) -> None:
    found = shop.report(1)
    assert shop.refund(found, 12_501).code == "refund_exceeds_rest"
    for number, amount in enumerate((5_000, 5_000, 5_000)):
        shop.refund(found, amount, number)
    assert shop.refund(found, 5_000, 0).status == 200
    shown = shop.ok("vendor", "GET", f"/v1/conversions/{found}")
    assert shown["refunded_minor"] == 10_000
    assert shop.refund(found, 1, 9, who="other").status == 404
    assert shop.refund("cnv_none", 1, 9).status == 404
    assert shop.balance() == 250


def foreign(shop: Shop) -> dict[str, str]:
    """Ids of things of one vendor and one affiliate, by what a path calls them."""
    found = shop.report(1, customer=KIM)
    batch_id = shop.plan()
    return {
        "member_id": shop.ids["vendor"],
        "program_id": shop.program_id,
        "conversion_id": found,
        "code": shop.link(),
        "batch_id": batch_id,
        "payout_id": shop.payouts(batch_id)[0]["id"],
        "key_id": shop.ok("olga", "GET", "/v1/keys")["data"][0]["id"],
        "adjustment_id": "adj_x",
        "proposal_id": "prp_x",
    }


@pytest.mark.parametrize("stranger", ["other", "ben"])
def test_t7_nobody_reads_or_changes_what_is_anothers_by_its_id(shop: Shop, stranger: str) -> None:
    ids = foreign(shop)
    words = {shop.ids["vendor"], shop.ids["ann"], ids["conversion_id"], "order 1", KIM["phone"]}
    before = shop.network.standin.saved()
    for route in ROUTES:
        method, path = route.split(" ")
        named = re.findall(r"[<{](\w+)[>}]", path)
        if not named or (stranger == "ben" and route == "GET /v1/programs/<program_id>"):
            continue  # terms are for every affiliate to read
        url = re.sub(r"[<{](\w+)[>}]", lambda m: ids[m[1]], path)
        body = {"reason": "mine"} if method in {"POST", "PATCH", "PUT"} else None
        answer = shop.network.call(shop.secrets[stranger], method, url, body)
        assert answer.status in {403, 404, 422}, (route, answer.status, answer.body)
        told = str(answer.body.get("detail")) + str(answer.body.get("errors"))
        assert not [word for word in words if word in told], route
    assert shop.network.standin.saved() == before
    for path in ("/v1/conversions", "/v1/payouts", "/v1/entries", "/v1/links", "/v1/coupons"):
        answer = shop.network.call(shop.secrets[stranger], "GET", path)
        assert answer.status == 403 or answer.body["data"] == []


def stored_names(shop: Shop) -> set[str]:
    """The name of every attribute of everything that is stored."""
    return {
        name
        for table in shop.network.standin.tables.values()
        for item in table.items()
        for name in item
    }


def test_t8_no_stored_attribute_can_be_said_by_a_body_that_does_not_have_it(shop: Shop) -> None:
    bodies = {
        ("vendor", "/v1/conversions"): shop.sale(7),
        ("vendor", "/v1/programs"): {"name": "x"},
        ("ann", "/v1/links"): {"program_id": shop.program_id},
        ("olga", "/v1/members"): {"name": "x", "roles": ["affiliate"]},
    }
    foreign(shop)
    own = {"vendor_id", "status", "refunded_minor", "by_operator", "rules", "sequence", "held"}
    for (who, path), body in bodies.items():
        for name in (stored_names(shop) | own) - body.keys():
            answer = shop.network.call(shop.secrets[who], "POST", path, {**body, name: "x"})
            assert answer.status in {403, 404, 409, 422}, (path, name, answer.body)


OF_OPERATORS = (
    *("POST /v1/members", "GET /v1/members", "PATCH /v1/members/xyz_0", "GET /v1/keys"),
    *("POST /v1/members/xyz_0/approval", "POST /v1/members/xyz_0/suspension", "POST /v1/keys"),
    *("PUT /v1/network", "POST /v1/payout-batches", "POST /v1/payout-batches/xyz_0/approval"),
    *("POST /v1/payout-batches/xyz_0/results", "GET /v1/payout-batches/xyz_0/file"),
    *("POST /v1/adjustments", "GET /v1/audit", "POST /v1/conversions/xyz_0/release"),
    *("POST /v1/customers/unbind", "POST /v1/proposals/xyz_0/approval", "GET /v1/proposals"),
)


@pytest.mark.parametrize("who", ["vendor", "ann"])
def test_t9_what_operators_do_nobody_else_does(network: Network, who: str) -> None:
    shop = Shop(network)
    before = network.standin.saved()
    for route in OF_OPERATORS:
        method, path = route.split(" ")
        answer = network.call(shop.secrets[who], method, path, {} if method != "GET" else None)
        assert (answer.status, answer.code) == (403, "wrong_role"), (route, answer.body)
    assert network.standin.saved() == before
