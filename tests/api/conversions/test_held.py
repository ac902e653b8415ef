"""Limits of vendors, and what is held: who may set, see, find and release it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from linkage.domain.rule_versions import RULES_FIRST
from linkage.flow.commissions import posting
from linkage.flow.conversions import vendor_decisions
from linkage.tables import conversions
from linkage.tables.settings import current_settings
from tests.api.client import Client
from tests.api.conftest import NETWORK, Network
from tests.api.recording import record
from tests.api.sales import sale
from tests.aws_tables import forget_versions

RELEASE = "/v1/conversions/{conversion_id}/release"
CONFIRMATION = "/v1/conversions/{conversion_id}/confirmation"


@pytest.fixture(autouse=True)
def _versions() -> Iterator[None]:
    forget_versions()
    yield
    forget_versions()


def limited(network: Network, limits: object, of: Client | None = None) -> Any:
    """The answer to an operator who limits the vendor, or somebody else."""
    path = f"/v1/members/{(of or network.vendor).member_id}"
    return network.operator.call("PATCH", path, {"confirmed_max_minor": limits})


def suspend(network: Network) -> None:
    path = f"/v1/members/{network.vendor.member_id}/suspension"
    assert network.operator.post(path).status == 200


@pytest.fixture
def held(network: Network) -> str:
    """A sale of the affiliate that its suspended vendor confirmed."""
    program_id = network.program()
    sold = sale(network, program_id, named=network.affiliate.member_id, confirmed=False)
    suspend(network)
    assert record(network.vendor, CONFIRMATION, conversion_id=sold).status == 201
    return sold


# ---- limits


def test_operators_limit_a_vendor_and_it_reads_its_limits(network: Network) -> None:
    path = f"/v1/members/{network.vendor.member_id}"
    assert network.vendor.get(path).body["confirmed_max_minor"] == {}
    limits = {"USD": 500_000, "JPY": 10**15}
    assert limited(network, limits).body["confirmed_max_minor"] == limits
    assert network.vendor.get(path).body["confirmed_max_minor"] == limits
    network.operator.call("PATCH", path, {"name": "Hardware and more"})
    assert network.vendor.get(path).body["confirmed_max_minor"] == limits
    for nothing in ({}, None):
        assert limited(network, limits).status == 200
        assert limited(network, nothing).body["confirmed_max_minor"] == {}


def test_a_vendor_cannot_set_its_own_limit(network: Network) -> None:
    path = f"/v1/members/{network.vendor.member_id}"
    answer = network.vendor.call("PATCH", path, {"confirmed_max_minor": {"USD": 10**12}})
    assert (answer.status, answer.code) == (403, "wrong_role")


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        pytest.param({"USD": 0}, "/confirmed_max_minor/USD", id="nothing"),
        pytest.param({"USD": -1}, "/confirmed_max_minor/USD", id="negative"),
        pytest.param({"USD": 10**15 + 1}, "/confirmed_max_minor/USD", id="too much"),
        pytest.param({"USD": 1.5}, "/confirmed_max_minor/USD", id="not whole"),
        pytest.param({"USD": "5"}, "/confirmed_max_minor/USD", id="a text"),
        pytest.param({"USD": True}, "/confirmed_max_minor/USD", id="a truth"),
        pytest.param({"USD": None}, "/confirmed_max_minor/USD", id="null in it"),
        pytest.param({"ZWL": 5}, "/confirmed_max_minor/ZWL", id="no currency any more"),
        pytest.param({"usd": 5}, "/confirmed_max_minor/usd", id="small letters"),
        pytest.param({"": 5}, "/confirmed_max_minor/", id="no name"),
        pytest.param([5], "/confirmed_max_minor", id="a list"),
        pytest.param(5, "/confirmed_max_minor", id="a number"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(network: Network, limits: object, pointer: str) -> None:
    answer = limited(network, limits)
    assert (answer.status, answer.pointer) == (422, pointer)
    stored = network.vendor.get(f"/v1/members/{network.vendor.member_id}")
    assert stored.body["confirmed_max_minor"] == {}


def test_only_a_vendor_has_a_limit(network: Network) -> None:
    answer = limited(network, {"USD": 5}, network.affiliate)
    assert (answer.status, answer.pointer) == (422, "/confirmed_max_minor")
    assert limited(network, {}, network.affiliate).status == 200


# ---- releasing


def test_an_operator_releases_what_is_held_once(network: Network, held: str) -> None:
    answer = record(network.operator, RELEASE, conversion_id=held)
    assert (answer.status, answer.body["status"]) == (201, "confirmed")
    assert "held" not in answer.body
    again = record(network.operator, RELEASE, {}, conversion_id=held)
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")
    assert network.operator.get("/v1/conversions?held=true").body["data"] == []


def test_only_an_operator_releases(network: Network, held: str) -> None:
    for client in (network.vendor, network.affiliate):
        answer = record(client, RELEASE, conversion_id=held)
        assert (answer.status, answer.code) == (403, "wrong_role")


def test_what_cannot_be_released_says_why(network: Network, held: str) -> None:
    unknown = record(network.operator, RELEASE, conversion_id="cnv_unknown")
    assert (unknown.status, unknown.code) == (404, "conversion_not_found")
    more = record(network.operator, RELEASE, {"reason": "fine"}, conversion_id=held)
    assert (more.status, more.code) == (422, "unknown_field")
    vendor_decisions.reject(held, None, "fraud", "no such order")
    rejected = record(network.operator, RELEASE, conversion_id=held)
    assert (rejected.status, rejected.code) == (409, "not_held")
    assert "is rejected and not held" in rejected.body["detail"]


# ---- seeing


def test_each_sees_of_a_hold_what_is_theirs(network: Network, held: str) -> None:
    since = conversions.get_conversion(held).held_at
    whole = {"reason": "vendor_suspended", "since": since, "by": "vendor"}
    path = f"/v1/conversions/{held}"
    for reader in (network.vendor, network.operator):
        shown = reader.get(path).body
        assert (shown["status"], shown["held"]) == ("pending", whole)
        assert reader.get("/v1/conversions").body["data"][0]["held"] == whole
    shown = network.affiliate.get(path).body
    part = {"reason": "held_by_the_network", "since": since}
    assert (shown["status"], shown["held"]) == ("pending", part)


def test_what_is_held_is_found_a_page_at_a_time_the_longest_held_first(network: Network) -> None:
    program_id = network.program()
    assert limited(network, {"USD": 1}).status == 200
    sold = [
        sale(
            network,
            program_id,
            external_id=f"order {number}",
            named=network.affiliate.member_id,
            posted=False,
        )
        for number in range(5)
    ]
    sale(network, program_id, external_id="pending", confirmed=False)
    vendor_decisions.reject(sold.pop(1), None, "other", "no")
    found, cursor = [], ""
    while True:
        page = network.operator.get(f"/v1/conversions?held=true&limit=2{cursor}").body
        found += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(sold)
    since = [conversions.get_conversion(each).held_at or "" for each in found]
    assert since == sorted(since)
    for reader, number in (
        (network.vendor, 4),
        (network.affiliate, 4),
        (network.other_vendor, 0),
        (network.sponsor, 0),
    ):
        assert len(reader.get("/v1/conversions?held=true").body["data"]) == number
    owner = f"vendor_id={network.other_vendor.member_id}"
    assert network.operator.get(f"/v1/conversions?held=true&{owner}").body["data"] == []
    confirmed = network.operator.get("/v1/conversions?held=true&status=confirmed")
    assert confirmed.body["data"] == []
    assert network.operator.get("/v1/conversions?held=false").pointer == "/held"
    listed = network.vendor.get("/v1/conversions").body
    assert network.operator.get("/v1/conversions?held=true&cursor=e30").pointer == "/cursor"
    assert len(listed["data"]) == 6


def test_an_explanation_says_why_it_is_held_and_that_it_was_released(
    network: Network, held: str
) -> None:
    def told(reader: Client) -> str:
        body = reader.get(f"/v1/conversions/{held}/explanation").body
        return "\n".join([*body["summary"], *body["story"]])

    for reader in (network.vendor, network.operator):
        assert "the vendor was suspended when it was confirmed" in told(reader)
        assert "once an operator releases it" in told(reader)
    assert "You get nothing yet: the network holds it" in told(network.affiliate)
    assert "suspended" not in told(network.affiliate)
    record(network.operator, RELEASE, conversion_id=held)
    posting.post_fact(held, "confirmation")
    for reader in (network.vendor, network.operator, network.affiliate):
        assert "had been held; an operator released it at" in told(reader)


def test_an_explanation_of_a_limit_is_for_its_vendor(network: Network) -> None:
    limited(network, {"USD": 1})
    program_id = network.program(confirmation="on_report")
    sold = sale(network, program_id, named=network.affiliate.member_id, confirmed=False)
    path = f"/v1/conversions/{sold}/explanation"
    assert "more than its limit for the month" in str(network.vendor.get(path).body["story"])
    assert "limit" not in json.dumps(network.affiliate.get(path).body)


def test_what_was_held_is_counted_and_logged_once(
    network: Network,
    held: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.clear()
    capsys.readouterr()
    record(network.vendor, CONFIRMATION, conversion_id=held)
    assert "ConversionHeld" not in capsys.readouterr().out
    other = sale(
        network,
        network.operator.get("/v1/programs").body["data"][0]["id"],
        external_id="order 2",
        named=network.affiliate.member_id,
        confirmed=False,
    )
    record(network.vendor, CONFIRMATION, conversion_id=other)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [each for each in lines if "ConversionHeld" in each]
    assert (metric["ConversionHeld"], metric["service"]) == ([1.0], "conversions")
    (logged,) = caplog.records
    assert vars(logged).items() >= {"conversion_id": other, "reason": "vendor_suspended"}.items()


# ---- the network's least hold


@pytest.mark.parametrize("days", [-1, 366, 1.5, "7", None])
def test_a_least_hold_that_cannot_be_is_refused(network: Network, days: object) -> None:
    answer = network.operator.put("/v1/network", NETWORK | {"hold_days_min": days})
    assert (answer.status, answer.pointer) == (422, "/hold_days_min")


def test_a_least_hold_is_published_for_those_who_know_of_it(network: Network) -> None:
    published = network.operator.put("/v1/network", NETWORK | {"hold_days_min": 30}).body
    assert (published["hold_days_min"], current_settings().rules) == (30, 2)
    ended = network.operator.put("/v1/network", NETWORK).body
    assert (ended["hold_days_min"], current_settings().rules) == (0, RULES_FIRST)
