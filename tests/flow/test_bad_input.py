"""Bad input on every route, over HTTP: a problem that says what to change, and nothing booked."""

import boto3
import pytest

NOBODY = "mem_nobody"
ROUTES = [
    # method, path, role that may call it, a body with one field too many or None
    ("GET", "/v1/network", "operator", None),
    ("PUT", "/v1/network", "operator", {"color": "red"}),
    ("POST", "/v1/members", "operator", {"name": "A", "roles": ["vendor"], "color": "red"}),
    ("GET", "/v1/members", "operator", None),
    ("POST", "/v1/members/{other}/approval", "operator", None),
    ("POST", "/v1/members/{other}/suspension", "operator", None),
    ("POST", "/v1/keys", "operator", {"role": "operator", "color": "red"}),
    ("DELETE", "/v1/keys/key_nobody", "operator", None),
    ("POST", "/v1/programs", "vendor", {"name": "A", "color": "red"}),
    ("PUT", "/v1/programs/{program}", "vendor", {"name": "A", "color": "red"}),
    ("POST", "/v1/links", "affiliate", {"program_id": "prg_1", "color": "red"}),
    ("GET", "/v1/links", "affiliate", None),
    ("POST", "/v1/conversions", "vendor", {"event": "sale", "color": "red"}),
    ("POST", "/v1/conversions/{conversion}/confirmation", "vendor", {"color": "red"}),
    ("POST", "/v1/conversions/{conversion}/rejection", "vendor", {"reason": "x", "color": "red"}),
    ("POST", "/v1/conversions/{conversion}/refunds", "vendor", {"amount_minor": 1, "color": "red"}),
    ("POST", "/v1/conversions/{conversion}/release", "operator", {"color": "red"}),
    ("POST", "/v1/customers/unbind", "operator", {"reason": "x", "color": "red"}),
    ("GET", "/v1/balances", "affiliate", None),
    ("GET", "/v1/entries", "affiliate", None),
    ("GET", "/v1/payouts", "affiliate", None),
    ("POST", "/v1/payout-batches", "operator", {"currency": "USD", "color": "red"}),
    ("GET", "/v1/payout-batches/bat_nobody", "operator", None),
    ("POST", "/v1/payout-batches/bat_nobody/approval", "operator", None),
    ("POST", "/v1/payout-batches/bat_nobody/cancellation", "operator", None),
    ("GET", "/v1/payout-batches/bat_nobody/file", "operator", None),
    ("POST", "/v1/payout-batches/bat_nobody/results", "operator", {"results": [], "color": "red"}),
]
WRITES = [route for route in ROUTES if route[3] is not None]
OTHER_ROLE = {"operator": "affiliate", "vendor": "affiliate", "affiliate": "vendor"}


@pytest.fixture(scope="module")
def ground(api, network):
    """Keys of each role, a program, and a pending conversion of another vendor."""
    from tests.flow.client import World

    world = World(api, network.outputs, "BHD")
    rudo, shop, rival = world.affiliate(), world.vendor(), world.vendor()
    program_id = world.program(shop)
    rivals = world.program(rival)
    foreign = world.report(rival, world.sale(rivals, 10_000, affiliate_id=rudo.id))
    own = world.report(shop, world.sale(program_id, 10_000, affiliate_id=rudo.id))
    return {
        "keys": {"operator": api.operator_key, "vendor": shop.key, "affiliate": rudo.key},
        "ids": {"program": program_id, "conversion": own["id"], "other": rudo.id},
        "foreign": {"program": rivals, "conversion": foreign["id"], "other": rival.id},
        "world": world,
        "shop": shop,
    }


def _ledger(network) -> list:
    pages = boto3.client("dynamodb").get_paginator("scan")
    found = pages.paginate(TableName=network.outputs["LedgerTableName"])
    return sorted((item for page in found for item in page["Items"]), key=str)


def _is_problem(answer, status: int, code: str | None = None) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.body
    assert body["status"] == status
    assert body["detail"]
    assert body["code"]
    if code:
        assert body["code"] == code


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_every_route_asks_for_a_key_of_its_role(api, ground, route) -> None:
    method, path, role, body = route
    path = path.format(**ground["ids"])
    for secret in ("", "lk_test_x", "lk_live_1_2", "Ω", "lk_test_" + "x" * 5000):
        headers = {"authorization": f"Bearer {secret}".encode()} if secret else {}
        _is_problem(api.call(method, path, body, key="", headers=headers), 401, "invalid_key")
    other = ground["keys"][OTHER_ROLE[role]]
    _is_problem(api.call(method, path, body, key=other), 403, "wrong_role")


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route[0]} {route[1]}")
def test_every_body_is_read_strictly(api, ground, network, route) -> None:
    method, path, role, body = route
    path, key = path.format(**ground["ids"]), ground["keys"][role]
    before = _ledger(network)
    for raw in (b"{", b"nul", b'{"a":1,"a":2}', b"\xff\xfe", b"[" * 9_000, b'{"a":NaN}'):
        _is_problem(api.call(method, path, raw=raw, key=key), 400, "malformed_body")
    _is_problem(api.call(method, path, raw=b'{"a":"' + b"x" * 70_000 + b'"}', key=key), 400)
    for wrong in ([], 1, "text", True, body):
        _is_problem(api.call(method, path, wrong, key=key), 422)
    assert _ledger(network) == before


WRONG_SALES = [
    ({"amount_minor": -1}, "invalid_field"),
    ({"amount_minor": 10**12 + 1}, "invalid_field"),
    ({"amount_minor": 10**400}, "invalid_field"),
    ({"amount_minor": 1.5}, "invalid_field"),
    ({"amount_minor": True}, "invalid_field"),
    ({"amount_minor": "5"}, "invalid_field"),
    ({"amount_minor": None}, "invalid_field"),
    ({"currency": "ZWL"}, "unknown_currency"),
    ({"currency": "usd"}, "unknown_currency"),
    ({"currency": 840}, "unknown_currency"),
    ({"event": "click"}, "event_counted"),
    ({"event": "party"}, "invalid_field"),
    ({"event": "impression"}, "event_counted"),
    ({"coupon": 10}, "invalid_field"),
    ({"items": [{"amount_minor": 10**12}]}, "invalid_field"),
    ({"items": [{"amount_minor": 1, "colour": "red"}]}, "unknown_field"),
    ({"occurred_at": "2001-01-01T00:00:00Z"}, "occurred_too_long_ago"),
    ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_in_future"),
    ({"occurred_at": "2026-11-21"}, "invalid_field"),
    ({"lead_id": ""}, "invalid_field"),
    ({"client": {"code": "ABCD"}}, "invalid_field"),
    ({"external_id": ""}, "invalid_field"),
    ({"external_id": "x" * 256}, "invalid_field"),
    ({"external_id": "a\r\nb"}, "invalid_field"),
    ({"external_id": "\ud800"}, "invalid_field"),
    ({"customer": {"phone": "0773047653"}}, "invalid_field"),
    ({"customer": {"email": "nobody"}}, "invalid_field"),
    ({"customer": {"shoe_size": 44}}, "unknown_field"),
    ({"metadata": {"a": {"b": 1}}}, "invalid_field"),
    ({"vendor_id": NOBODY}, "unknown_field"),
]


@pytest.mark.parametrize(("change", "code"), WRONG_SALES, ids=lambda value: str(value)[:40])
def test_a_wrong_conversion_says_which_field(api, ground, change, code) -> None:
    sale = {**ground["world"].sale(ground["ids"]["program"], 100), **change}
    answer = api.call("POST", "/v1/conversions", sale, key=ground["shop"].key)
    _is_problem(answer, 422, code)
    assert answer.body["errors"][0]["pointer"].startswith("/" + next(iter(change)))
    if change == {"currency": "ZWL"}:
        assert "ZWG" in answer.body["detail"]


def test_what_belongs_to_another_is_not_found(api, ground, network) -> None:
    key, foreign = ground["shop"].key, ground["foreign"]
    before = _ledger(network)
    conversion = f"/v1/conversions/{foreign['conversion']}"
    refund = {"external_id": "r", "amount_minor": 1, "reason": "x"}
    terms = {
        "name": "Mine",
        "destination_url": "https://shop.example/",
        "rewards": [{"event": "sale", "rate_bps": 1}],
        "window_days": 1,
        "hold_days": 0,
        "confirmation": "manual",
    }
    sale = ground["world"].sale(foreign["program"], 100)
    calls = [
        ("POST", "/v1/conversions", sale),
        ("POST", f"{conversion}/confirmation", None),
        ("POST", f"{conversion}/rejection", {"reason": "x"}),
        ("POST", f"{conversion}/refunds", refund),
        ("GET", conversion, None),
        ("GET", f"{conversion}/explanation", None),
        ("GET", f"/v1/programs/{foreign['program']}", None),
        ("PUT", f"/v1/programs/{foreign['program']}", terms),
        ("GET", f"/v1/members/{foreign['other']}", None),
    ]
    for method, path, body in calls:
        _is_problem(api.call(method, path, body, key=key), 404)
    for odd in ("%00", "cnv_" + "x" * 3000, "..%2f..", "cnv_%F0%9F%92%A9", "'; drop"):
        assert api.call("GET", f"/v1/conversions/{odd}").status in {400, 404, 414, 431}
    assert _ledger(network) == before


def test_a_revoked_key_is_refused_at_once(api, ground) -> None:
    made = api.ok("POST", "/v1/keys", {"role": "operator", "person": "Zuva"})
    assert api.call("GET", "/v1/network", key=made["secret"]).status == 200
    assert api.call("DELETE", f"/v1/keys/{made['id']}").status == 204
    _is_problem(api.call("GET", "/v1/network", key=made["secret"]), 401, "invalid_key")


OFF_LIST = [
    "//evil.example",
    "https://shop.example@evil.example/",
    "https://evil.example/",
    "https://shop.example.evil.example/",
    "javascript:alert(1)",
    "https://shop.example\r\nX: y",
    "https://shop.example/%0d%0aLocation:%20https://evil.example",
    "https://ѕhop.example/",
    "https://xn--hop-qzb.example/",
    "http://shop.example/",
    "https:\\\\evil.example",
    "https://shop.example\\@evil.example",
    "https://shop.example:8443/",
    "",
    " ",
    "https://",
    "https://127.0.0.1/",
]


@pytest.mark.parametrize("url", OFF_LIST, ids=repr)
def test_a_link_that_would_lead_elsewhere_is_refused(api, ground, url) -> None:
    body = {"program_id": ground["ids"]["program"], "destination_url": url}
    answer = api.call("POST", "/v1/links", body, key=ground["keys"]["affiliate"])
    _is_problem(answer, 422)
    assert answer.body["errors"][0]["pointer"] == "/destination_url"


def test_settings_that_do_not_add_up_are_refused(api) -> None:
    settings = {
        "name": "Network",
        "level_rates_bps": [1500, 600],
        "network_fee_bps": 2000,
        "override_funding": "network",
        "payout_minimum_minor": {},
        "four_eyes": False,
    }
    _is_problem(api.call("PUT", "/v1/network", settings), 422)
    minimum = {**settings, "level_rates_bps": [1000], "payout_minimum_minor": {"ZWL": 1}}
    _is_problem(api.call("PUT", "/v1/network", minimum), 422, "unknown_currency")
    bonus = {**settings, "level_rates_bps": [1000], "recruitment_bonus": {"amount_minor": 1}}
    _is_problem(api.call("PUT", "/v1/network", bonus), 422, "invalid_field")
