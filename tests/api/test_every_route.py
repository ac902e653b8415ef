"""What holds on every route: who may call it, and that nothing sent to it is an error of ours."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from linkage.domain.people.api_keys import key_id_in
from tests.api.client import Answer, Client
from tests.api.conftest import NETWORK, PROGRAM, Network

OPERATOR = frozenset({"operator"})
ROLES = ("operator", "vendor", "affiliate")
AFFILIATE, VENDOR = OPERATOR | {"affiliate"}, OPERATOR | {"vendor"}
EVERYBODY = frozenset(ROLES)

MEMBER = {"name": "Tendai", "roles": ["affiliate"]}
KEY = {"role": "operator", "person": "Rudo"}
LINK = {"program_id": "prg_0"}
COUPON = {
    "code": "SUMMER",
    "affiliate_id": "mem_0",
    "program_id": "prg_0",
    "exclusive": True,
    "starts_on": "2026-01-01",
    "ends_on": "2026-12-31",
}
WHOLE_PROGRAM = PROGRAM | {
    "vendor_id": "mem_0",
    "categories": ["tools"],
    "joint_program_ids": ["prg_0"],
    "bonuses": [
        {"by": "count", "period": "year", "target": 5, "amount_minor": 5, "currency": "USD"}
    ],
    "rewards": [
        {
            "event": "sale",
            "currency": "USD",
            "thresholds": {
                "by": "volume",
                "period": "month",
                "steps": [{"from": 0, "to": 5, "rate_bps": 5}, {"from": 5, "amount_minor": 5}],
            },
            "category": "tools",
            "coupon": "SUMMER",
            "affiliate_id": "mem_0",
            "starts_on": "2026-01-01",
        }
    ],
}


@dataclass(frozen=True)
class Route:
    """One route, the roles it is for, a body it takes, and the id in its path, if it has one."""

    method: str
    path: str
    roles: frozenset[str]
    body: Any = None
    listed: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, value: str = "xyz_0") -> str:
        return "/v1" + self.path.replace("{id}", value)


ROUTES = [
    Route("GET", "/network", OPERATOR),
    Route("PUT", "/network", OPERATOR, NETWORK),
    Route("POST", "/members", OPERATOR, MEMBER),
    Route("GET", "/members", OPERATOR, listed=True),
    Route("GET", "/members/{id}", EVERYBODY),
    Route("PATCH", "/members/{id}", OPERATOR, {"name": "Rudo"}),
    Route("POST", "/members/{id}/approval", OPERATOR, {}),
    Route("POST", "/members/{id}/suspension", OPERATOR, {}),
    Route("POST", "/keys", OPERATOR, KEY),
    Route("GET", "/keys", OPERATOR, listed=True),
    Route("DELETE", "/keys/{id}", OPERATOR),
    Route("POST", "/programs", VENDOR, WHOLE_PROGRAM),
    Route("PUT", "/programs/{id}", VENDOR, PROGRAM),
    Route("GET", "/programs", EVERYBODY, listed=True),
    Route("GET", "/programs/{id}", EVERYBODY),
    Route("POST", "/coupons", VENDOR, COUPON),
    Route("GET", "/coupons", EVERYBODY, listed=True),
    Route("PATCH", "/coupons/{id}", VENDOR, {"paused": True}),
    Route("POST", "/links", AFFILIATE, LINK),
    Route("GET", "/links", AFFILIATE, listed=True),
    Route("GET", "/conversions", EVERYBODY, listed=True),
    Route("GET", "/conversions/{id}", EVERYBODY),
    Route("GET", "/conversions/{id}/explanation", EVERYBODY),
    Route("GET", "/balances", AFFILIATE),
    Route("GET", "/entries", AFFILIATE, listed=True),
    Route("GET", "/payouts", AFFILIATE, listed=True),
    Route("GET", "/adjustments/{id}", OPERATOR),
    Route("GET", "/statistics/clicks", EVERYBODY),
    Route("GET", "/proposals", OPERATOR, listed=True),
    Route("GET", "/audit", OPERATOR),
    Route("GET", "/payout-batches", OPERATOR, listed=True),
    Route("GET", "/payout-batches/{id}", OPERATOR),
    Route("GET", "/payout-batches/{id}/file", OPERATOR),
    Route("GET", "/proposals", OPERATOR, listed=True),
    Route("GET", "/audit", OPERATOR),
]
WITH_ID = [
    route for route in ROUTES if "{id}" in route.path and not route.path.startswith("/coupons/")
]
"""Not those with a coupon's code, which is no id."""
WITH_BODY = [route for route in ROUTES if route.body is not None]
LISTED = [route for route in ROUTES if route.listed]


def _cursor(*values: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


STRANGE_IDS = [
    "x",
    "MEM_0",
    "mem_" + "0" * 61,
    "mem_" + "0" * 5000,
    "mem_0 ",
    "mem_\u00e9",
    "mem_\ud800",
    "mem_0'--",
    "current",
    "%00",
    "..",
    "mem_0%0a",
    "\x00",
]
STRANGE_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**13,
    10**400,
    "",
    " ",
    "a\x00b",
    "\ud800",
    "x" * 5000,
    [],
    [None],
    [[]],
    {},
    {"": 1},
    {"\ud800": 1},
    "mem_0",
    "USD",
]
MALFORMED = [
    "{",
    "nothing",
    '{"a": NaN}',
    '{"a": 1, "a": 2}',
    "[" * 30 + "]" * 30,
    "[" * 5000,
    '{"a": "' + "x" * 70_000 + '"}',
    '{"a": ' + "9" * 5000 + "}",
    "\ud800",
]
NO_OBJECT = ["null", "[]", "5", '"text"', "true"]
STRANGE_QUERIES = [
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=ten",
    "limit=1.0",
    "limit=\u0663",
    "limit=" + "9" * 5000,
    "limit=",
    "cursor=",
    "cursor=nothing",
    "cursor=%F0%9F%92%A9",
    "cursor=%00",
    "cursor=" + "A" * 6000,
    "cursor=WyJhIiwiYiIsImMiXQ",
    "cursor=WyJhIiwiYiJd",
    "cursor=WyJcdWQ4MDAiXQ",
    "cursor=bGluZSNcdWQ4MDA",
    "cursor=A",
    *(f"cursor={_cursor(*[broken] * count)}" for broken in ("\ud800", "") for count in (2, 3, 4)),
    "unknown=1",
    "limit=1,2",
]


def of(routes: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=str)


def ask(client: Client, route: Route, **changes: Any) -> Answer:
    return client.call(route.method, route.url(), changes.get("body", route.body))


def require_problem(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.body
    assert body["type"] == f"urn:linkage:problem:{body['code']}"
    assert body["status"] == answer.status
    assert {"title", "detail", "instance"} <= body.keys()


@of(ROUTES)
def test_each_route_is_for_its_roles_and_no_other(network: Network, route: Route) -> None:
    for role in ROLES:
        answer = ask(network.client(role), route)
        assert answer.status < 500
        assert (answer.status == 403) == (role not in route.roles), f"{role}: {answer.body}"
        if answer.status == 403:
            require_problem(answer, 403)
            assert answer.code == "wrong_role"


@of(ROUTES)
def test_without_a_good_key_nothing_is_said(network: Network, route: Route) -> None:
    secret = network.operator.secret
    for wrong in (
        "",
        "nothing",
        "lk_test_",
        "lk_live_" + secret.removeprefix("lk_test_"),
        secret[:-1],
        "lk_test_" + "0" * 5000 + "_x",
        "lk_test_0_\u00e9",
    ):
        answer = Client(wrong).call(route.method, route.url(), raw="{")
        require_problem(answer, 401)
        assert answer.code == "invalid_key"


@of(WITH_ID)
def test_an_id_that_cannot_be_one_is_not_found(network: Network, route: Route) -> None:
    for value in STRANGE_IDS:
        answer = network.operator.call(route.method, route.url(value), route.body)
        require_problem(answer, 404)


@of(WITH_BODY)
def test_a_body_that_cannot_be_read_is_400(network: Network, route: Route) -> None:
    url = _existing(network, route)
    for raw in MALFORMED:
        answer = network.operator.call(route.method, url, raw=raw)
        require_problem(answer, 400)
        assert answer.code == "malformed_body"


@of(WITH_BODY)
def test_a_body_that_is_no_object_is_422(network: Network, route: Route) -> None:
    url = _existing(network, route)
    for raw in NO_OBJECT:
        if raw == "null" and route.body == {}:
            continue
        answer = network.operator.call(route.method, url, raw=raw)
        require_problem(answer, 422)
        assert answer.code == "invalid_body"


@of(WITH_BODY)
def test_an_unknown_field_is_named(network: Network, route: Route) -> None:
    url = _existing(network, route)
    answer = network.operator.call(route.method, url, route.body | {"surprise": 1})
    require_problem(answer, 422)
    assert (answer.code, answer.pointer) == ("unknown_field", "/surprise")


@of([route for route in WITH_BODY if route.body])
def test_no_value_of_any_field_is_an_error_of_ours(network: Network, route: Route) -> None:
    url = _existing(network, route)
    extra = {
        "email": "",
        "phone": "",
        "sponsor_id": "",
        "groups": [],
        "hosts": [],
        "payout_method": {"type": "bank", "account": "1"},
        "payout_schedule": {},
        "vendor_id": "",
        "affiliate_id": "",
        "member_id": "",
        "destination_url": "",
        "sub": {"sub1": ""},
        "splits": [{"member_id": "mem_0", "share_bps": 5}],
        "recruitment_bonus": {"amount_minor": 5, "currency": "USD"},
        "version": 1,
        "id": "",
    }
    for path in (*_paths(route.body), *((name,) for name in extra), ("payout_method", "account")):
        for value in STRANGE_VALUES:
            body = _with(route.body, path, value)
            answer = network.operator.call(route.method, url, raw=json.dumps(body))
            if answer.status >= 400:
                # There is one person, so four eyes cannot be turned on.
                also = [409] if path == ("four_eyes",) and value is True else []
                require_problem(answer, 404, 422, *also)
                assert answer.code != "internal_error"


def _existing(network: Network, route: Route) -> str:
    """The route's address with an id that exists, so that the body is looked at."""
    if "/programs/{id}" in route.path:
        return route.url(network.program())
    if "/coupons/{id}" in route.path:
        sent = COUPON | {
            "program_id": network.program(),
            "affiliate_id": network.affiliate.member_id,
        }
        assert network.vendor.post("/v1/coupons", sent).status in {200, 201}
        return f"{route.url('SUMMER')}?vendor_id={network.vendor.member_id}"
    return route.url(network.affiliate.member_id or "")


def _paths(body: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value in a body stands."""
    steps = body.items() if isinstance(body, dict) else enumerate(body)
    for step, value in steps:
        yield (*above, step)
        if isinstance(value, (dict, list)):
            yield from _paths(value, (*above, step))


def _with(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = json.loads(json.dumps(body))
    place = changed
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[path[-1]] = value
    return changed


@of(LISTED)
def test_strange_parameters_are_refused(network: Network, route: Route) -> None:
    client = network.operator if route.roles == OPERATOR else network.affiliate
    for query in STRANGE_QUERIES:
        answer = client.call(route.method, f"{route.url()}?{query}")
        if query.startswith("cursor=WyJhI") and answer.status == 200:
            continue  # three texts are a cursor of some lists; what it points at is not there
        require_problem(answer, 422)
        assert answer.code in {"invalid_field", "unknown_field"}


@pytest.mark.parametrize("path", ["/links", "/balances", "/entries", "/payouts"])
def test_an_operator_names_an_affiliate_that_exists(network: Network, path: str) -> None:
    for value in ("", "mem_0", "nothing", "%00", network.vendor.member_id, "x" * 5000):
        answer = network.operator.get(f"/v1{path}?affiliate_id={value}")
        require_problem(answer, 422)
        assert answer.pointer == "/affiliate_id"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("GET", "/v1/"),
        ("PUT", "/v1/members"),
        ("DELETE", "/v1/network"),
        ("OPTIONS", "/v1/network"),
        ("GET", "/v1/members/a/b/c"),
        ("POST", "/v1/conversions"),
        ("GET", "/v1/members/"),
    ],
)
def test_a_route_that_is_not_there_is_404(operator: Client, method: str, path: str) -> None:
    answer = operator.call(method, path)
    require_problem(answer, 404)


def test_a_secret_too_long_to_be_one_is_not_looked_up() -> None:
    assert key_id_in("lk_test_" + "0" * 60 + "_x", "test") is not None
    assert key_id_in("lk_test_" + "0" * 61 + "_x", "test") is None


def test_a_body_in_base64_is_read_and_a_broken_one_refused(operator: Client) -> None:
    from tests.api.client import CONTEXT, handler

    def post(body: str) -> int:
        event = {
            "version": "2.0",
            "rawPath": "/v1/keys",
            "headers": {"authorization": f"Bearer {operator.secret}"},
            "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
            "isBase64Encoded": True,
            "body": body,
        }
        return handler()(event, CONTEXT)["statusCode"]

    assert post("eyJyb2xlIjogIm9wZXJhdG9yIiwgInBlcnNvbiI6ICJSdWRvIn0=") == 201
    assert post("not base64!") == 400
