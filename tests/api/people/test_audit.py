"""Every route that changes something keeps who did it: as a record, or in the fact itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from linkage.domain.conversions.conversions import History
from linkage.flow.conversions import vendor_decisions
from linkage.flow.payouts import planning
from linkage.tables import api_keys, payout_batches, payouts
from linkage.tables.conversions import get_history
from linkage.tables.dynamodb import transactions
from linkage_api.app import app
from tests.api.client import Answer, Client, client_with_key
from tests.api.conftest import METHOD, NETWORK, PROGRAM, Network, make_member
from tests.api.recording import record
from tests.api.sales import FAR, batch, paid_out, sale
from tests.aws_tables import forget_versions
from tests.counted_units import counting
from tests.faults.standin import Standin
from tests.infra.synthesis import ROOT

OLD = "2026-01-01T00:00:00.000Z"
BUYER = {"phone": "+263712000111"}

type Act = Callable[[], Answer]


@dataclass(frozen=True)
class Story:
    """What a route is called with, after all it needs was made; who calls it is the operator."""

    network: Network

    @property
    def operator(self) -> Client:
        return self.network.operator

    @property
    def vendor(self) -> Client:
        return self.network.vendor


def member_path(story: Story, end: str = "") -> str:
    return f"/v1/members/{story.network.other_affiliate.member_id}{end}"


def sold(story: Story, **changes: Any) -> str:
    program_id = story.network.program()
    named = story.network.affiliate.member_id
    return sale(story.network, program_id, named=named, confirmed=False, **changes)


def settings(story: Story) -> Act:
    return partial(story.operator.put, "/v1/network", NETWORK)


def member_made(story: Story) -> Act:
    body = {"name": "Rudo", "roles": ["affiliate"], "payout_method": METHOD}
    return partial(story.operator.post, "/v1/members", body, repeat_key="once")


def member_changed(story: Story) -> Act:
    return partial(story.operator.patch, member_path(story), {"name": "Rudo"})


def suspended(story: Story) -> Act:
    return partial(story.operator.post, member_path(story, "/suspension"))


def approved(story: Story) -> Act:
    suspended(story)()
    return partial(story.operator.post, member_path(story, "/approval"))


def key_made(story: Story) -> Act:
    body = {"role": "operator", "person": "Rudo"}
    return partial(story.operator.post, "/v1/keys", body, repeat_key="once")


def key_revoked(story: Story) -> Act:
    return partial(story.operator.delete, f"/v1/keys/{story.vendor.key_id}")


def program_made(story: Story) -> Act:
    body = PROGRAM | {"vendor_id": story.vendor.member_id}
    return partial(story.operator.post, "/v1/programs", body, repeat_key="once")


def program_published(story: Story) -> Act:
    path = f"/v1/programs/{story.network.program()}"
    return partial(story.operator.put, path, PROGRAM | {"hold_days": 3})


def coupon_made(story: Story) -> Act:
    body = {
        "vendor_id": story.vendor.member_id,
        "code": "SUMMER",
        "affiliate_id": story.network.affiliate.member_id,
        "program_id": story.network.program(),
    }
    return partial(story.operator.post, "/v1/coupons", body)


def coupon_changed(story: Story) -> Act:
    coupon_made(story)()
    path = f"/v1/coupons/SUMMER?vendor_id={story.vendor.member_id}"
    return partial(story.operator.patch, path, {"paused": True})


def link_made(story: Story) -> Act:
    affiliate_id = story.network.affiliate.member_id
    body = {"program_id": story.network.program(), "affiliate_id": affiliate_id}
    return partial(story.operator.post, "/v1/links", body, repeat_key="once")


def released(story: Story) -> Act:
    conversion_id = sold(story)
    vendor = f"/v1/members/{story.vendor.member_id}"
    story.operator.post(f"{vendor}/suspension")
    assert vendor_decisions.confirm(conversion_id, None)[0].held_reason
    route = "/v1/conversions/{conversion_id}/release"
    return partial(record, story.operator, route, conversion_id=conversion_id)


def code_made(story: Story) -> Act:
    affiliate_id = story.network.affiliate.member_id
    body = {"affiliate_id": affiliate_id, "client": BUYER, "vendor_id": story.vendor.member_id}
    return partial(record, story.operator, "/v1/client-codes", body)


def opted_out(story: Story) -> Act:
    return partial(record, story.operator, "/v1/customers/opt-out", {"customer": BUYER})


def opted_in(story: Story) -> Act:
    opted_out(story)()
    return partial(record, story.operator, "/v1/customers/opt-in", {"customer": BUYER})


def unbound(story: Story) -> Act:
    vendor_decisions.confirm(sold(story), None)
    body = {"customer": BUYER, "reason": "no customer of theirs"}
    return partial(record, story.operator, "/v1/customers/unbind", body)


def batch_route(story: Story, verb: str) -> Act:
    planned = planning.start(planning.new_batch("bat_1", "USD", "2026-01-01", "key_1"))[0]
    route = f"/v1/payout-batches/{{batch_id}}/{verb}"
    return partial(record, story.operator, route, batch_id=planned.batch_id)


def batch_made(story: Story) -> Act:
    body = {"currency": "USD"}
    headers = {"idempotency-key": "once"}
    return partial(record, story.operator, "/v1/payout-batches", body, headers=headers)


def payout_route(story: Story, verb: str, body: object = None, *, held: bool = False) -> Act:
    sale(story.network, story.network.program(), named=story.network.affiliate.member_id)
    made = batch(FAR)
    (payout,) = paid_out(made, story.network.affiliate.member_id or "")
    payout_batches.move_batch(made.batch_id, "planning", "planned")
    path = f"/v1/payout-batches/{{batch_id}}/payouts/{{payout_id}}/{verb}"
    ids = {"batch_id": made.batch_id, "payout_id": payout.payout_id}
    if held:
        payouts.transactions.write(payouts.hold_payout(payout, OLD, "key_1", "odd"))
    return partial(record, story.operator, path, body, **ids)


def downloaded(story: Story) -> Act:
    made = batch("2026-01-01", status="exported", sha256="0" * 64)
    return partial(story.operator.get, f"/v1/payout-batches/{made.batch_id}/file")


def proposal(story: Story, verb: str, who: Client) -> Act:
    """The operator is Tendai here, who asks Rudo to lift a suspension."""
    api_keys.name_key(story.operator.key_id, "tendai", [])
    client_with_key("operator", person="rudo", created_at=OLD)
    assert story.operator.put("/v1/network", NETWORK | {"four_eyes": True}).status == 200
    suspended(story)()
    asked = story.operator.post(member_path(story, "/approval"))
    assert asked.status == 202
    route = f"/v1/proposals/{{proposal_id}}/{verb}"
    return partial(record, who, route, proposal_id=asked.body["proposal"]["id"])


def adjusted(story: Story) -> Act:
    named = {"affiliate_id": story.network.affiliate.member_id, "currency": "USD"}
    body = {**named, "amount_minor": 100, "reason": "as agreed"}
    headers = {"idempotency-key": "once"}
    return partial(record, story.operator, "/v1/adjustments", body, headers)


RECORDED: dict[str, tuple[Callable[[Story], Act], str, str]] = {
    "PUT /v1/network": (settings, "network", "network.published"),
    "POST /v1/members": (member_made, "member#", "member.created"),
    "PATCH /v1/members/{member_id}": (member_changed, "member#", "member.changed"),
    "POST /v1/members/{member_id}/approval": (approved, "member#", "member.approved"),
    "POST /v1/members/{member_id}/suspension": (suspended, "member#", "member.suspended"),
    "POST /v1/keys": (key_made, "key#", "key.created"),
    "DELETE /v1/keys/{key_id}": (key_revoked, "key#", "key.revoked"),
    "POST /v1/programs": (program_made, "program#", "program.created"),
    "PUT /v1/programs/{program_id}": (program_published, "program#", "program.published"),
    "POST /v1/coupons": (coupon_made, "coupon#", "coupon.created"),
    "PATCH /v1/coupons/{code}": (coupon_changed, "coupon#", "coupon.changed"),
    "POST /v1/links": (link_made, "link#", "link.created"),
    "POST /v1/conversions/{conversion_id}/release": (
        released,
        "conversion#",
        "conversion.released",
    ),
    "POST /v1/client-codes": (code_made, "customer#", "client_code.created"),
    "POST /v1/customers/opt-out": (opted_out, "customer#", "customer.opted_out"),
    "POST /v1/customers/opt-in": (opted_in, "customer#", "customer.opted_in"),
    "POST /v1/customers/unbind": (unbound, "customer#", "customer.unbound"),
    "POST /v1/adjustments": (adjusted, "member#", "adjustment.made"),
    "POST /v1/payout-batches": (batch_made, "batch#", "batch.created"),
    "POST /v1/payout-batches/{batch_id}/approval": (
        partial(batch_route, verb="approval"),
        "batch#",
        "batch.approved",
    ),
    "POST /v1/payout-batches/{batch_id}/cancellation": (
        partial(batch_route, verb="cancellation"),
        "batch#",
        "batch.cancelled",
    ),
    "POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/hold": (
        partial(payout_route, verb="hold", body={"reason": "odd"}),
        "payout#",
        "payout.held",
    ),
    "POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/release": (
        partial(payout_route, verb="release", held=True),
        "payout#",
        "payout.released",
    ),
    "POST /v1/payout-batches/{batch_id}/payouts/{payout_id}/removal": (
        partial(payout_route, verb="removal", body={"reason": "no"}),
        "payout#",
        "payout.removed",
    ),
    "GET /v1/payout-batches/{batch_id}/file": (downloaded, "batch#", "batch.file_downloaded"),
    "POST /v1/proposals/{proposal_id}/withdrawal": (
        lambda story: proposal(story, "withdrawal", story.operator),
        "member#",
        "proposal.withdrawn",
    ),
}
BY_A_SECOND_PERSON = "POST /v1/proposals/{proposal_id}/approval"
"""Its records are of whatever was proposed (tests/flow_units/approvals/test_proposals.py)."""
AGAIN_ANEW = {"POST /v1/client-codes", "GET /v1/payout-batches/{batch_id}/file"}
"""What happens each time it is asked for."""


WRITERS = (
    *("linkage.tables.dynamodb.transactions", "linkage.flow.payouts.holding_payouts"),
    "linkage.flow.payouts.downloading",
)
"""Modules by whose `write` a record is written."""


def records(standin: Standin) -> list[dict[str, Any]]:
    return [*standin.tables["audit"].items()]


@pytest.mark.parametrize("route", RECORDED)
def test_a_change_is_recorded_once_with_who_did_it(
    network: Network, aws: Standin, route: str
) -> None:
    planning._queue.create_queue(QueueName="work")
    given, subject, action = RECORDED[route]
    act = given(Story(network))
    before = records(aws)
    first = act()
    assert first.status < 300, first.body
    (made,) = [each for each in records(aws) if each not in before]
    assert made["action"]["S"] == action
    assert made["subject"]["S"].startswith(subject)
    assert made["by_key"]["S"] == network.operator.key_id
    again = act()
    assert again.status < 300, again.body
    assert len(records(aws)) == len(before) + 1 + (route in AGAIN_ANEW)


FACTS: dict[str, tuple[str, Any, Callable[[History], Any]]] = {
    "POST /v1/conversions/{conversion_id}/confirmation": (
        "confirmation",
        None,
        lambda history: history.confirmation,
    ),
    "POST /v1/conversions/{conversion_id}/rejection": (
        "rejection",
        {"code": "test", "reason": "a test"},
        lambda history: history.rejection,
    ),
    "POST /v1/conversions/{conversion_id}/refunds": (
        "refunds",
        {"external_id": "r-1", "amount_minor": 100, "reason": "broken"},
        lambda history: history.refunds[0],
    ),
}
REPORT, RESULTS = "POST /v1/conversions", "POST /v1/payout-batches/{batch_id}/results"


@pytest.mark.parametrize("route", FACTS)
def test_a_fact_carries_its_caller_and_is_its_own_record(
    network: Network, aws: Standin, route: str
) -> None:
    verb, body, fact_in = FACTS[route]
    conversion_id = sold(Story(network))
    before = len(records(aws))
    path = f"/v1/conversions/{{conversion_id}}/{verb}"
    assert record(network.vendor, path, body, conversion_id=conversion_id).status == 201
    assert fact_in(get_history(conversion_id)).by_key == network.vendor.key_id
    # An operator who says it again is told what is known, and is not its caller.
    again = body and body | {"vendor_id": network.vendor.member_id}
    record(network.operator, path, body or again, conversion_id=conversion_id)
    assert fact_in(get_history(conversion_id)).by_key == network.vendor.key_id
    assert len(records(aws)) == before


def test_a_report_carries_its_caller_and_is_the_same_by_another(network: Network) -> None:
    body = {
        "program_id": network.program(confirmation="on_report"),
        "event": "sale",
        "external_id": "order-1",
        "amount_minor": 100,
        "currency": "USD",
    }
    first = record(network.vendor, "/v1/conversions", body)
    named = body | {"vendor_id": network.vendor.member_id}
    again = record(network.operator, "/v1/conversions", named)
    assert (first.status, again.status) == (201, 200)
    history = get_history(first.body["id"])
    assert history.conversion.by_key == network.vendor.key_id
    assert history.confirmation is not None
    assert history.confirmation.by_key == network.vendor.key_id


def test_operators_see_who_said_a_fact_and_others_do_not(network: Network) -> None:
    conversion_id = sold(Story(network), by_key=network.vendor.key_id)
    confirmation = "/v1/conversions/{conversion_id}/confirmation"
    record(network.operator, confirmation, conversion_id=conversion_id)
    path = f"/v1/conversions/{conversion_id}"
    assert network.operator.get(path).body["by_key"] == network.vendor.key_id
    told = network.operator.get(f"{path}/explanation").body
    assert [fact["by_key"] for fact in told["facts"]] == [network.operator.key_id]
    for other in (network.vendor, network.affiliate):
        assert "by_key" not in str(other.get(path).body)
        assert "by_key" not in str(other.get(f"{path}/explanation").body)


def test_a_result_carries_its_caller(network: Network) -> None:
    sale(network, network.program(), named=network.affiliate.member_id)
    made = batch(FAR)
    (paid,) = paid_out(made, network.affiliate.member_id or "")
    for was, becomes in (("planning", "planned"), ("planned", "exported")):
        payout_batches.move_batch(made.batch_id, was, becomes)
    payouts.transactions.write([payouts.move_payout(paid, "sent")])
    body = {"results": [{"payout_id": paid.payout_id, "status": "paid"}]}
    path = "/v1/payout-batches/{batch_id}/results"
    assert record(network.operator, path, body, batch_id=made.batch_id).status == 200
    known = payouts.find_payout(made.batch_id, paid.payout_id)
    assert known is not None
    assert known.result_by == network.operator.key_id


def test_there_is_no_other_route_that_writes() -> None:
    owned = {
        f"{route.method} {route.path}".replace("<", "{").replace(">", "}")
        for route in (*app._static_routes, *app._dynamic_routes)
        if route.method != "GET"
    }
    texts = "".join(path.read_text() for path in (ROOT / "infra").glob("*.py"))
    owned |= set(re.findall(r'"((?:POST|PUT|PATCH|DELETE) /v1/[^"]*)"', texts))
    told = {*RECORDED, *FACTS, REPORT, RESULTS, BY_A_SECOND_PERSON}
    assert {route for route in told if not route.startswith("GET")} == owned


# ---- reading


def test_operators_read_what_was_done_to_a_thing_and_on_a_day(network: Network) -> None:
    member_id = make_member(network.operator, "Rudo Moyo", "affiliate", payout_method=METHOD)
    network.operator.patch(f"/v1/members/{member_id}", {"payout_method": None})
    found = network.operator.get(f"/v1/audit?subject=member%23{member_id}").body
    done = {each["action"]: each for each in found["data"]}
    assert len(done) == len(found["data"])
    changed, approved_, made = (
        done[f"member.{verb}"] for verb in ("changed", "approved", "created")
    )
    assert [each["at"] for each in found["data"]] == sorted(
        (each["at"] for each in found["data"]), reverse=True
    )
    assert changed["before"]["payout_method"] == METHOD | {"phone": "…7653"}
    assert changed["after"]["payout_method"] is None
    assert (approved_["before"], approved_["after"]) == (
        {"status": "applied"},
        {"status": "approved"},
    )
    assert made["before"] is None
    assert made["after"]["name"] == "…Moyo"
    assert {each["by_key"] for each in found["data"]} == {network.operator.key_id}
    day = found["data"][0]["at"][:10]
    page = network.operator.get(f"/v1/audit?day={day}&limit=2").body
    assert len(page["data"]) == 2
    assert page["has_more"]
    rest = network.operator.get(f"/v1/audit?day={day}&limit=100&cursor={page['next_cursor']}").body
    assert rest["data"]
    assert network.operator.get("/v1/audit?day=2020-01-01").body["data"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("", "/subject"),
        ("subject=network&day=2026-12-01", "/subject"),
        ("subject=", "/subject"),
        ("subject=member%23", "/subject"),
        ("subject=member%23%F0%9F%92%A9", "/subject"),
        ("subject=member%23" + "x" * 5000, "/subject"),
        ("day=yesterday", "/day"),
        ("day=2026-02-31", "/day"),
        ("day=20261201", "/day"),
        ("day=", "/day"),
        ("subject=network&surprise=1", "/surprise"),
        ("subject=network&cursor=nothing", "/cursor"),
    ],
)
def test_what_cannot_be_asked_is_said(network: Network, query: str, pointer: str) -> None:
    answer = network.operator.get(f"/v1/audit?{query}")
    assert (answer.status, answer.pointer) == (422, pointer), answer.body


def test_no_secret_is_in_any_record(network: Network, aws: Standin) -> None:
    made = network.operator.post("/v1/keys", {"role": "operator", "person": "Rudo"}).body
    found = network.operator.get(f"/v1/audit?subject=key%23{made['id']}").body
    stored = api_keys.get_key(made["id"])
    for told in (str(found), str([keys_ for keys_ in records(aws)])):
        assert made["secret"] not in told
        assert stored.secret_hash not in told


@pytest.mark.parametrize("route", [route for route in RECORDED if "proposals" not in route])
def test_a_record_costs_three_units_and_one_more_where_the_change_was_written_alone(
    network: Network, aws: Standin, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    planning._queue.create_queue(QueueName="work")
    act, write = RECORDED[route][0](Story(network)), transactions.write
    before = aws.saved()
    forget_versions()
    with counting() as recorded:
        assert act().status < 300

    def without(operations: Any, **how: Any) -> None:
        others = [each for each in operations if table_of(each) != "audit"]
        if others:
            write(others, **how)

    aws.go_back(before)
    forget_versions()
    for module in WRITERS:
        monkeypatch.setattr(f"{module}.write", without)
    with counting() as plain:
        assert act().status < 300
    assert recorded.index_units - plain.index_units == 1
    alone = recorded.calls["TransactWriteItems"] - plain.calls["TransactWriteItems"]
    only_the_record = route.startswith("GET")
    more = recorded.table_units - plain.table_units
    assert more == (1 if only_the_record else 3 if alone else 2)


def table_of(operation: dict[str, Any]) -> str:
    (body,) = operation.values()
    return str(body["TableName"])
