"""Opt-outs, opt-ins and client codes over HTTP: what each key is answered, and what is counted."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.people.api_keys import key_id_in
from linkage.flow.people import client_codes, consenting
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.packed import unpacked
from tests.api.client import Answer, Client
from tests.api.conftest import Network
from tests.api.recording import record

OUT, IN, CODES = "/v1/customers/opt-out", "/v1/customers/opt-in", "/v1/client-codes"
CUSTOMER = {"customer": {"phone": "+263712000111"}}


class Time:
    """A clock that the tests move."""

    def __init__(self) -> None:
        self.moment = clock.now().replace(hour=20, minute=0, second=0, microsecond=0)

    def pass_days(self, days: int) -> None:
        self.moment += timedelta(days=days)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    time = Time()
    monkeypatch.setattr(clock, "now", lambda: time.moment)
    return time


def customer(number: int) -> dict[str, Any]:
    return {"customer": {"email": f"customer{number}@example.com"}}


def metrics(said: str) -> list[str]:
    """The names of the metrics a handler's output has."""
    lines = [json.loads(line) for line in said.splitlines() if '"_aws"' in line]
    return [
        metric["Name"]
        for line in lines
        for metrics in line["_aws"]["CloudWatchMetrics"]
        for metric in metrics["Metrics"]
    ]


def noticed(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What was logged, and of which vendor."""
    return [(each.message, vars(each)["vendor_id"]) for each in caplog.records]


def test_a_vendor_opts_out_waits_and_opts_in(network: Network, time: Time) -> None:
    assert record(network.vendor, OUT, CUSTOMER).body == {"opted_out": True, "scope": "network"}
    early = record(network.vendor, IN, CUSTOMER)
    assert (early.status, early.code) == (409, "opted_out_recently")
    assert clock.text(time.moment + timedelta(days=30)) in early.body["detail"]
    time.pass_days(30)
    assert record(network.vendor, IN, CUSTOMER).body == {"opted_out": False}


def test_another_vendor_is_told_the_truth_and_no_names(network: Network, time: Time) -> None:
    record(network.vendor, OUT, CUSTOMER)
    time.pass_days(31)
    answer = record(network.other_vendor, IN, CUSTOMER)
    assert answer.status == 200
    assert answer.body.keys() == {"opted_out", "detail"}
    assert answer.body["opted_out"] is True
    assert (network.vendor.member_id or "-") not in json.dumps(answer.body)


def test_an_operator_is_told_whose_marks_remain_and_lifts_each(network: Network) -> None:
    ids = [each.member_id or "" for each in (network.vendor, network.other_vendor)]
    for client in (network.vendor, network.other_vendor):
        record(client, OUT, CUSTOMER)
    marked = record(network.operator, OUT, CUSTOMER).body
    everybody = {"opted_out": True, "scope": "network", "marked_by": sorted([*ids, "network"])}
    assert marked == everybody
    lifted = record(network.operator, IN, CUSTOMER | {"vendor_id": ids[0]}).body
    assert lifted == {"opted_out": True, "marked_by": [ids[1]]}
    lifted = record(network.operator, IN, CUSTOMER | {"vendor_id": ids[1]}).body
    assert lifted == {"opted_out": False, "marked_by": []}


def test_the_key_that_asked_is_kept(network: Network) -> None:
    record(network.vendor, OUT, CUSTOMER)
    record(network.operator, IN, CUSTOMER | {"vendor_id": network.vendor.member_id})
    items = transactions.client.scan(TableName="customers", ConsistentRead=True)["Items"]
    (marks,) = [unpacked(each["marks"]["B"]) for each in items if "marks" in each]
    mark = marks[network.vendor.member_id]
    by = [key_id_in(each.secret, "local") for each in (network.vendor, network.operator)]
    assert [mark["by"], mark["lifted_by"]] == by


def test_beyond_the_bound_of_a_day_a_mark_is_taken_told_and_counted(
    network: Network, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        assert record(network.vendor, OUT, customer(number)).body["scope"] == "network"
    assert metrics(capsys.readouterr().out) == []
    answer = record(network.vendor, OUT, CUSTOMER)
    assert (answer.status, answer.body["opted_out"], answer.body["scope"]) == (200, True, "vendor")
    assert "Ask an operator to opt the same customer out" in answer.body["detail"]
    assert metrics(capsys.readouterr().out) == ["OptOutsBeyondBound"]
    assert noticed(caplog) == [("OptOutsBeyondBound", network.vendor.member_id)]
    record(network.vendor, OUT, CUSTOMER)  # again is no further one
    assert metrics(capsys.readouterr().out) == []
    assert record(network.operator, OUT, CUSTOMER).body["scope"] == "network"


def test_a_suspended_vendors_mark_is_taken_told_and_counted(
    network: Network, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/v1/members/{network.vendor.member_id}/suspension"
    assert network.operator.call("POST", path).status == 200
    capsys.readouterr()
    caplog.clear()
    answer = record(network.vendor, OUT, CUSTOMER)
    assert (answer.status, answer.body["opted_out"], answer.body["scope"]) == (200, True, "vendor")
    assert "not an approved vendor" in answer.body["detail"]
    assert metrics(capsys.readouterr().out) == ["OptOutsBeyondBound"]
    assert noticed(caplog) == [("OptOutsBeyondBound", network.vendor.member_id)]
    assert record(network.operator, OUT, CUSTOMER).body["scope"] == "network"


def test_beyond_the_bound_of_a_day_a_lift_is_refused_and_counted(
    network: Network,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(consenting, "LIFTS_PER_DAY_MAX", 2)
    for number in range(3):
        record(network.vendor, OUT, customer(number))
    time.pass_days(30)
    for number in range(2):
        assert record(network.vendor, IN, customer(number)).status == 200
    assert metrics(capsys.readouterr().out) == []
    refused = record(network.vendor, IN, customer(2))
    assert (refused.status, refused.code) == (429, "too_many_opt_ins")
    assert refused.headers["retry-after"] == str(4 * 3600)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.body["title"] == "Too many requests"
    assert metrics(capsys.readouterr().out) == ["OptInsRefused"]
    assert noticed(caplog) == [("OptInsRefused", network.vendor.member_id)]
    time.pass_days(1)
    assert record(network.vendor, IN, customer(2)).body == {"opted_out": False}


@pytest.mark.parametrize("route", [OUT, IN])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (None, ""),
        ([], ""),
        ({}, "/customer"),
        ({"customer": {}}, "/customer"),
        ({"customer": "+263712000111"}, "/customer"),
        ({"customer": {"phone": "0712"}}, "/customer/phone"),
        ({"customer": {"email": "nobody"}}, "/customer/email"),
        ({"customer": {"name": "Ann"}}, "/customer/name"),
        (CUSTOMER | {"vendor_id": "mem_0"}, "/vendor_id"),
        (CUSTOMER | {"scope": "network"}, "/scope"),
    ],
)
def test_what_is_no_customer_is_refused_and_counts_for_nothing(
    network: Network, route: str, body: Any, pointer: str
) -> None:
    answer = record(network.vendor, route, body)
    assert (answer.status, answer.pointer) == (422, pointer)
    assert transactions.client.scan(TableName="customers")["Items"] == []


@pytest.mark.parametrize("route", [OUT, IN, CODES])
@pytest.mark.parametrize(("role", "status"), [("affiliate", 403), ("nobody", 401)])
def test_these_routes_are_for_vendors_and_operators(
    network: Network, route: str, role: str, status: int
) -> None:
    assert record(network.client(role), route, CUSTOMER).status == status


# ---- client codes


def ask(network: Network, affiliate: Client, phone: str) -> Answer:
    asked = {"affiliate_id": affiliate.member_id, "client": {"phone": phone}}
    return record(network.vendor, CODES, asked)


def test_a_code_for_the_affiliate_itself_is_answered_as_any_other(network: Network) -> None:
    path = f"/v1/members/{network.affiliate.member_id}"
    own = "+263719999999"
    assert network.operator.call("PATCH", path, {"phone": own}).status == 200
    answers = [ask(network, network.affiliate, phone) for phone in (own, "+263712000111")]
    assert [(each.status, each.body.keys()) for each in answers] == [
        (201, {"code", "expires_at"})
    ] * 2


def test_codes_are_bounded_by_day(
    network: Network, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_codes, "CODES_PER_DAY_MAX", 1)
    assert ask(network, network.affiliate, "+263712000111").status == 201
    refused = ask(network, network.affiliate, "+263712000111")
    assert (refused.status, refused.code) == (429, "too_many_client_codes")
    assert refused.headers["retry-after"] == str(4 * 3600)
    time.pass_days(1)
    assert ask(network, network.affiliate, "+263712000111").status == 201
