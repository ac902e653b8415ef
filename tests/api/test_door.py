"""The door of each route refuses what the route does not read, and nothing is written."""

import re

import pytest

from linkage.domain.payouts.payouts import Batch
from linkage.tables.conversions import list_conversions
from linkage.tables.payout_batches import get_batch, list_batches
from linkage_api.app import app
from tests.api.client import Answer, Client
from tests.api.conftest import Network
from tests.api.recording import handlers, record
from tests.api.sales import batch
from tests.api.test_every_route import ROUTES, require_problem
from tests.faults.standin import Standin

# What a resolver has, it tells nobody.
OF_APP = [f"{each.method} {each.path}" for each in (*app._static_routes, *app._dynamic_routes)]
EVERY_ROUTE = sorted([*OF_APP, *handlers()])
WITH_BODY = {
    *(str(route).replace(" ", " /v1") for route in ROUTES if route.body),
    "POST /v1/adjustments",
    "POST /v1/client-codes",
    "POST /v1/conversions",
    "POST /v1/conversions/{id}/refunds",
    "POST /v1/conversions/{id}/rejection",
    "POST /v1/customers/opt-in",
    "POST /v1/customers/opt-out",
    "POST /v1/customers/unbind",
    "POST /v1/payout-batches",
    "POST /v1/payout-batches/{id}/payouts/{id}/hold",
    "POST /v1/payout-batches/{id}/payouts/{id}/removal",
    "POST /v1/payout-batches/{id}/results",
}
"""All others read none."""

every_route = pytest.mark.parametrize("route", EVERY_ROUTE)


def in_short(route: str) -> str:
    """A route with `{id}` for whatever stands in its path."""
    return re.sub(r"[<{]\w+[>}]", "{id}", route)


def ask(client: Client, route: str, query: str = "", raw: str | None = None) -> Answer:
    """One call of a route, of whichever function has it, with ids in its path that could be one."""
    method, path = route.split(" ")
    if route in handlers():
        ids = dict.fromkeys(re.findall(r"{(\w+)}", path), "xyz_0")
        name, _, value = query.partition("=")
        return record(client, path, raw=raw, query={name: value} if query else None, **ids)
    url = re.sub(r"<\w+>", "xyz_0", path)
    return client.call(method, f"{url}?{query}" if query else url, raw=raw)


def test_every_route_is_listed() -> None:
    assert {in_short(each) for each in OF_APP} == {
        str(route).replace(" ", " /v1") for route in ROUTES
    }
    assert {in_short(each) for each in EVERY_ROUTE} >= WITH_BODY


@every_route
def test_a_parameter_that_nobody_reads_is_named(network: Network, aws: Standin, route: str) -> None:
    before = aws.saved()
    for query, pointer in (("x=1", "/x"), ("dry_run=", "/dry_run"), ("Limit=5", "/Limit")):
        answer = ask(network.operator, route, query)
        require_problem(answer, 422)
        assert (answer.code, answer.pointer) == ("unknown_field", pointer)
    assert aws.saved() == before


@every_route
def test_a_body_that_nobody_reads_is_refused(network: Network, aws: Standin, route: str) -> None:
    before = aws.saved()
    reads_none = in_short(route) not in WITH_BODY
    for raw, status, code in (
        ('{"dry_run": true}', 422, "unknown_field"),
        ('{"a/b~": 1}', 422, "unknown_field"),
        ('{"\\ud800": 1}', 422, "unknown_field"),
        ("[]", 422, "invalid_body"),
        ("0", 422, "invalid_body"),
        ("{not json", 400, "malformed_body"),
        ("x" * 70_000, 400, "malformed_body"),
    ):
        answer = ask(network.operator, route, raw=raw)
        # Who reads a body may first say what it lacks, or that what it is about is not there.
        require_problem(answer, *((status,) if reads_none else (400, 404, 422)))
        assert not reads_none or answer.code == code
    assert aws.saved() == before


@every_route
def test_an_empty_body_says_nothing(network: Network, route: str) -> None:
    if in_short(route) in WITH_BODY:
        return
    for raw in ("", "{}", "null"):
        answer = ask(network.operator, route, raw=raw)
        assert answer.code not in {"unknown_field", "invalid_body", "malformed_body"}


def test_a_key_is_asked_for_before_anything_is_said(network: Network) -> None:
    for route in EVERY_ROUTE:
        answer = ask(Client("lk_test_nobody"), route, "x=1", raw="{not json")
        require_problem(answer, 401)


def test_a_pointer_is_written_as_pointers_are(network: Network) -> None:
    answer = ask(network.operator, "POST /v1/members/<member_id>/approval", raw='{"a/b~": 1}')
    assert answer.pointer == "/a~1b~0"


def test_what_an_operators_parameter_is_for_others_is_unknown(network: Network) -> None:
    for path in ("/v1/coupons", "/v1/conversions", "/v1/programs"):
        assert network.operator.get(f"{path}?vendor_id=mem_0").status == 200
        assert network.vendor.get(f"{path}?vendor_id=mem_0").code == "unknown_field"


# ---- the harm that was done (D6)


def test_a_dry_run_makes_no_batch(network: Network) -> None:
    sent = {"currency": "USD"}
    refused = record(network.operator, "/v1/payout-batches", sent, query={"dry_run": "1"})
    require_problem(refused, 422)
    assert list_batches(10, None).data == []


@pytest.mark.parametrize(
    "raw", ['{"payout_ids": []}', '{"note": "only these"}', "{not json", '["pay_1"]']
)
@pytest.mark.parametrize("step", ["approval", "cancellation"])
def test_what_is_written_beside_an_approval_is_refused(
    network: Network, step: str, raw: str
) -> None:
    planned: Batch = batch("2026-11-30", status="planned")
    route = f"/v1/payout-batches/{{batch_id}}/{step}"
    refused = record(network.operator, route, raw=raw, batch_id=planned.batch_id)
    require_problem(refused, 400, 422)
    assert get_batch(planned.batch_id) == planned


def test_a_dry_run_reports_no_sale(network: Network) -> None:
    sale = {
        "vendor_id": network.vendor.member_id,
        "program_id": network.program(),
        "event": "sale",
        "external_id": "order 1",
        "amount_minor": 5000,
        "currency": "USD",
    }
    refused = record(network.operator, "/v1/conversions", sale, query={"dry_run": "1"})
    require_problem(refused, 422)
    kept = list_conversions(
        vendor_id=None, affiliate_id=None, status=None, held=False, limit=10, cursor=None
    )
    assert kept.data == []
    assert record(network.operator, "/v1/conversions", sale).status == 201
