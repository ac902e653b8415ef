"""`GET /v1/statistics/clicks`: everybody's own numbers, zeros included, and nobody else's."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock, ids
from linkage.flow.clicks.counting import count_clicks
from linkage.flow.clicks.folding import fold_again
from linkage.tables.links import find_link
from tests.api.client import Answer, Client
from tests.api.conftest import Network

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
PATH = "/v1/statistics/clicks"
MEASURES = ("clicks", "visitors", "bots", "prefetches", "impressions", "qr")


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with patch.object(clock, "now", lambda: NOW):
        yield


@pytest.fixture
def link(network: Network) -> dict[str, Any]:
    """A link of the affiliate to the vendor's program."""
    made = network.affiliate.post("/v1/links", {"program_id": network.program()})
    assert made.status == 201, made.body
    return made.body


def visit(link: dict[str, Any], day: date = TODAY, hour: int = 5, **more: Any) -> None:
    """A click of a new visitor."""
    stored = find_link(link["code"])
    assert stored is not None
    click = {
        "click_id": f"clk_{ids.digest(ids.created('x'))}",
        **{name: getattr(stored, name) for name in ("code", "program_id", "vendor_id")},
        "affiliate_id": stored.affiliate_id,
        "clicked_at": f"{day}T{hour:02d}:15:00.000Z",
        "visitor": ids.created("x"),
        "device": "mobile",
        "sub": {},
    }
    assert count_clicks([click | more]).packed == 1


def numbers(body: dict[str, Any]) -> dict[str, int]:
    return {measure: body[measure] for measure in MEASURES if body[measure]}


def test_an_affiliate_sees_its_last_seven_days_without_asking_for_anything(
    network: Network, link: dict[str, Any]
) -> None:
    visit(link, country="ZW", sub={"sub1": "story"}, via="qr")
    visit(link, country="ZW", device="desktop")
    visit(link, device="bot")
    visit(link, prefetch=True)
    visit(link, click_id="imp_1")
    visit(link, TODAY - timedelta(days=3), visitor=None)
    body = network.affiliate.get(PATH).body
    assert [day["at"] for day in body["data"]] == [f"2026-11-{day}" for day in range(16, 23)]
    assert numbers(body["data"][-1]) == {
        "clicks": 2,
        "visitors": 2,
        "bots": 1,
        "prefetches": 1,
        "impressions": 1,
        "qr": 1,
    }
    assert numbers(body["data"][3]) == {"clicks": 1}
    assert body["data"][0] == {"at": "2026-11-16", **dict.fromkeys(MEASURES, 0)} | {
        "devices": {},
        "countries": {},
        "subs": {},
    }
    assert numbers(body["total"]) == numbers(body["data"][-1]) | {"clicks": 3}
    assert body["total"]["countries"] == {"ZW": 2, "unknown": 1}
    assert body["total"]["devices"] == {"mobile": 2, "desktop": 1}
    assert body["total"]["subs"] == {"sub1=story": 1}
    assert (body["by"], body["id"]) == ("affiliate", network.affiliate.member_id)
    assert (body["from"], body["to"]) == ("2026-11-16", "2026-11-22")


def test_hours_are_those_of_each_day_and_sum_up_to_it(
    network: Network, link: dict[str, Any]
) -> None:
    visit(link, hour=0)
    visit(link, hour=9)
    visit(link, hour=9)
    body = network.affiliate.get(f"{PATH}?from={TODAY}&per=hour").body
    assert len(body["data"]) == 24
    shown = {hour["at"]: hour["clicks"] for hour in body["data"] if hour["clicks"]}
    assert shown == {"2026-11-22T00:00:00.000Z": 1, "2026-11-22T09:00:00.000Z": 2}
    assert body["total"]["clicks"] == sum(hour["clicks"] for hour in body["data"]) == 3


def test_each_scope_is_seen_by_those_it_belongs_to_and_is_not_there_for_others(
    network: Network, link: dict[str, Any]
) -> None:
    visit(link)
    code, program_id = link["code"], link["program_id"]
    vendor_id, affiliate_id = link["vendor_id"], link["affiliate_id"]
    own = {
        f"by=link&id={code}": {"operator", "affiliate", "vendor"},
        f"by=program&id={program_id}": {"operator", "vendor"},
        f"by=vendor&id={vendor_id}": {"operator", "vendor"},
        f"by=affiliate&id={affiliate_id}": {"operator", "affiliate"},
        "by=network": {"operator"},
    }
    for query, seen_by in own.items():
        for role in (
            "operator",
            "vendor",
            "affiliate",
            "other_vendor",
            "other_affiliate",
            "sponsor",
        ):
            answer = network.client(role).get(f"{PATH}?{query}")
            if role in seen_by:
                assert answer.body["total"]["clicks"] == 1, (query, role)
            else:
                assert answer.status in {404, 422}, (query, role)
                assert "total" not in answer.body
    assert network.other_affiliate.get(PATH).body["total"]["clicks"] == 0
    assert network.vendor.get(PATH).body["total"]["clicks"] == 1
    assert network.operator.get(PATH).body["by"] == "network"


def test_a_foreign_id_is_answered_like_one_that_does_not_exist(
    network: Network, link: dict[str, Any]
) -> None:
    foreign = (
        (network.other_affiliate, "link", link["code"]),
        (network.other_affiliate, "link", "ABCDEFGHJKMN"),
        (network.other_affiliate, "affiliate", link["affiliate_id"]),
        (network.other_affiliate, "affiliate", "mem_0"),
        (network.other_vendor, "link", link["code"]),
        (network.other_vendor, "program", link["program_id"]),
        (network.other_vendor, "program", "prg_0"),
        (network.other_vendor, "vendor", link["vendor_id"]),
        (network.operator, "affiliate", link["vendor_id"]),
        (network.operator, "vendor", "nothing"),
        (network.operator, "program", ""),
        (network.operator, "link", "%00"),
    )
    for client, by, id_ in foreign:
        answer = client.get(f"{PATH}?by={by}&id={id_}")
        assert (answer.status, answer.code) == (404, f"{by}_not_found"), (by, id_)


@pytest.mark.parametrize(
    ("query", "pointer", "sentence"),
    [
        ("from=yesterday", "/from", "from must be a date, for example 2026-11-22."),
        ("to=2026-02-31", "/to", "to must be a date"),
        ("to=2026-11-22T00:00:00Z", "/to", "to must be a date"),
        ("to=0001-01-01", "/to", "to must be a date"),
        ("from=", "/from", "from must be a date"),
        ("from=2026-11-23", "/from", "from must not be after to, which is 2026-11-22."),
        ("from=2026-08-01&to=2026-11-01", "/from", "at most 92 days"),
        ("per=week", "/per", "per must be one of: day, hour."),
        ("by=program", "/by", "by must be one of: affiliate, link."),
        ("by=link", "/id", "id is required: the code of the link"),
        ("by=link&id=lnk_1", "/id", "That is the id of a link. Give the code of the link"),
        ("limit=5", "/limit", "'limit' is not a parameter of this route."),
    ],
)
def test_a_wrong_question_is_answered_with_what_to_change(
    network: Network, query: str, pointer: str, sentence: str
) -> None:
    answer = network.affiliate.get(f"{PATH}?{query}")
    assert (answer.status, answer.pointer) == (422, pointer)
    assert sentence in answer.body["detail"]


def test_an_operator_says_whose_numbers_it_wants(network: Network) -> None:
    assert network.operator.get(f"{PATH}?by=network&id=x").pointer == "/id"
    for by in ("vendor", "affiliate", "program", "link"):
        answer = network.operator.get(f"{PATH}?by={by}")
        assert (answer.status, answer.pointer) == (422, "/id")


def test_92_days_and_days_to_come_may_be_asked_for(network: Network) -> None:
    assert len(network.affiliate.get(f"{PATH}?from=2026-08-02&to=2026-11-01").body["data"]) == 92
    future = network.affiliate.get(f"{PATH}?from=2026-11-22&to=2026-11-24").body
    assert [day["clicks"] for day in future["data"]] == [0, 0, 0]


def test_folding_and_closing_a_day_changes_none_of_its_numbers(
    network: Network, link: dict[str, Any]
) -> None:
    old, yesterday = TODAY - timedelta(days=2), TODAY - timedelta(days=1)
    for day in (old, yesterday, TODAY):
        visit(link, day, sub={"sub1": "a"}, country="ZW")
        visit(link, day, hour=23, visitor=None)

    def seen() -> list[Answer]:
        asked = (
            (network.affiliate, ""),
            (network.vendor, ""),
            (network.vendor, f"by=link&id={link['code']}"),
            (network.operator, "per=hour"),
        )
        return [client.get(f"{PATH}?{query}").body["data"] for client, query in asked]

    before = seen()
    for day in (old, yesterday):
        fold_again(day, NOW)
    assert seen() == before


def test_complete_until_is_the_first_day_that_may_still_change(
    network: Network, link: dict[str, Any]
) -> None:
    def complete_until(client: Client = network.affiliate) -> str:
        return client.get(PATH).body["complete_until"]

    assert complete_until() == "2026-11-15T00:00:00.000Z"
    for back in range(7, 0, -1):
        fold_again(TODAY - timedelta(days=back), NOW)
    assert complete_until() == "2026-11-21T00:00:00.000Z"


def test_complete_until_claims_no_day_that_was_left_open_however_old(
    network: Network, link: dict[str, Any]
) -> None:
    for back in range(20, 1, -1):
        if back != 12:
            fold_again(TODAY - timedelta(days=back), NOW)
    assert network.affiliate.get(PATH).body["complete_until"] == "2026-11-10T00:00:00.000Z"
    fold_again(TODAY - timedelta(days=12), NOW)
    assert network.affiliate.get(PATH).body["complete_until"] == "2026-11-21T00:00:00.000Z"
