"""What one member may make: counted with each thing made, told before it ends, raised by operators.

Members made before there were counts begin at 0.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.tables.dynamodb import transactions
from tests.api.client import Answer
from tests.api.conftest import NETWORK, PROGRAM, Network

type Make = Callable[[int], Answer]


def allow(network: Network, **quotas: int) -> None:
    published = network.operator.put("/v1/network", NETWORK | quotas)
    assert published.status == 200, published.body


def maker(network: Network, what: str) -> Make:
    """Makes the numbered one of them."""
    if what == "programs":
        return lambda n: network.vendor.post("/v1/programs", PROGRAM, repeat_key=f"k{n}")
    program_id = network.program()
    if what == "links":
        body = {"program_id": program_id}
        return lambda n: network.affiliate.post("/v1/links", body, repeat_key=f"k{n}")
    coupon = {"affiliate_id": network.affiliate.member_id, "program_id": program_id}
    return lambda n: network.vendor.post("/v1/coupons", coupon | {"code": f"CODE-{n}"})


def usage(network: Network, what: str) -> Any:
    owner = network.affiliate if what == "links" else network.vendor
    return owner.get(f"/v1/members/{owner.member_id}").body["usage"][what]


OWNERS = {"programs": "vendor", "coupons": "vendor", "links": "affiliate"}


@pytest.mark.parametrize("what", OWNERS)
def test_what_a_member_makes_ends_at_its_quota_and_goes_on_when_it_is_raised(
    network: Network, what: str
) -> None:
    make = maker(network, what)
    begun = usage(network, what)["used"]
    allow(network, **{f"{what}_max": begun + 5})
    answers = [make(n) for n in range(5)]
    assert {answer.status for answer in answers} == {201}
    assert answers[-1].body["warnings"] == [
        f"{begun + 5} of the {begun + 5} {what} of this {OWNERS[what]} that the network allows are "
        f"made. For more, ask an operator of the network to raise {what}_max."
    ]
    refused = make(5)
    assert (refused.status, refused.code) == (409, "quota_reached")
    assert refused.body["detail"] == (
        f"The network allows {begun + 5} {what} of this {OWNERS[what]}, and there are as many. "
        f"Ask an operator of the network to raise {what}_max."
    )
    assert usage(network, what) == {"used": begun + 5, "max": begun + 5}
    repeated = make(0)
    assert (repeated.status, repeated.headers["idempotent-replayed"]) == (200, "true")
    assert usage(network, what)["used"] == begun + 5
    allow(network, **{f"{what}_max": begun + 100})
    made = make(5)
    assert (made.status, "warnings" in made.body) == (201, False)
    assert usage(network, what) == {"used": begun + 6, "max": begun + 100}


@pytest.mark.parametrize("what", OWNERS)
def test_the_owner_is_told_from_four_fifths_on(network: Network, what: str) -> None:
    make = maker(network, what)
    begun = usage(network, what)["used"]
    allow(network, **{f"{what}_max": 10})
    told = ["warnings" in make(n).body for n in range(10 - begun)]
    assert told.index(True) == 8 - begun - 1
    assert all(told[8 - begun - 1 :])


@pytest.mark.parametrize("what", OWNERS)
def test_a_member_made_before_there_were_counts_begins_at_none(network: Network, what: str) -> None:
    make = maker(network, what)
    owner = network.affiliate if what == "links" else network.vendor
    transactions.client.update_item(
        TableName="members",
        Key=transactions.to_wire({"member_id": str(owner.member_id)}),
        UpdateExpression="REMOVE programs_count, coupons_count, links_count",
    )
    allow(network, **{f"{what}_max": 2})
    assert usage(network, what) == {"used": 0, "max": 2}
    assert [make(n).status for n in range(3)] == [201, 201, 409]


def publish(network: Network, program_id: str, hold_days: int, moment: datetime) -> Answer:
    with patch.object(clock, "now", lambda: moment):
        return network.vendor.put(f"/v1/programs/{program_id}", PROGRAM | {"hold_days": hold_days})


def test_a_program_is_published_so_often_a_day_and_again_the_next(network: Network) -> None:
    today, tomorrow = (datetime(2026, 11, day, 23, 59, tzinfo=UTC) for day in (20, 21))
    allow(network, program_versions_per_day_max=5)
    with patch.object(clock, "now", lambda: today):
        program_id = network.program()
    answers = [publish(network, program_id, days, today) for days in range(4)]
    assert [answer.body["version"] for answer in answers] == [2, 3, 4, 5]
    assert ["warnings" in answer.body for answer in answers] == [False, False, True, True]
    refused = publish(network, program_id, 9, today)
    assert (refused.status, refused.code) == (409, "quota_reached")
    assert refused.body["detail"] == (
        "The network allows 5 versions of this program in one UTC day, and there are as many. Ask "
        "an operator of the network to raise program_versions_per_day_max. Or publish again "
        "tomorrow."
    )
    same = publish(network, program_id, 3, today)
    assert (same.status, same.body["version"]) == (200, 5)
    assert publish(network, program_id, 9, tomorrow).body["version"] == 6
    allow(network, program_versions_per_day_max=1)
    assert publish(network, program_id, 10, tomorrow).code == "quota_reached"
    allow(network, program_versions_per_day_max=1_000)
    answers = [publish(network, program_id, days, tomorrow) for days in range(30)]
    assert {answer.status for answer in answers} == {200}


def test_quotas_are_settings_with_defaults(network: Network) -> None:
    shown = network.operator.get("/v1/network").body
    assert {name: most for name, most in shown.items() if name in QUOTAS} == QUOTAS
    for name in QUOTAS:
        refused = network.operator.put("/v1/network", NETWORK | {name: 0})
        assert (refused.code, refused.pointer) == ("invalid_field", f"/{name}")
    allow(network, **{name: 7 for name in QUOTAS})
    shown = network.operator.get("/v1/network").body
    assert {shown[name] for name in QUOTAS} == {7}


QUOTAS = {
    "programs_max": 100,
    "program_versions_per_day_max": 24,
    "links_max": 10_000,
    "coupons_max": 1_000,
}
