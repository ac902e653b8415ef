"""A11: 45 programs with names of emoji made a page of 6 MB for everybody, explanations grew without
end, and settings took 7 ms for each program until they could not be changed."""

import json
from collections import Counter
from datetime import date
from typing import Any

import pytest

from linkage.domain.clicks.statistics import Counts
from linkage.flow.clicks import reading_statistics
from linkage.flow.explanations import explanations
from linkage.tables import ledger
from linkage.tables.dynamodb import pages
from linkage_api import answers
from linkage_api.clicks import statistics
from tests.api import sales
from tests.api.client import CONTEXT, Client, handler
from tests.api.conftest import NETWORK, PROGRAM, Network
from tests.flow_units.calls import calls

MEGABYTE = 1_000_000
EMOJI = "\U0001f9f1"
HUGE = PROGRAM | {
    "name": EMOJI * 255,
    "categories": [f"{EMOJI * 60}{number}" for number in range(50)],
    "rewards": [
        {
            "event": "sale",
            "rate_bps": 100,
            "category": f"{EMOJI * 60}{number}",
            "name": f"{EMOJI * 60}{number}",
        }
        for number in range(50)
    ],
}
"""Nearly all that fits in one request."""


def raw(client: Client, url: str) -> bytes:
    """The body of a GET as it is sent."""
    path, _, query = url.partition("?")
    event = {
        "version": "2.0",
        "routeKey": "GET /v1/{proxy+}",
        "rawPath": path,
        "headers": {"authorization": f"Bearer {client.secret}"},
        "queryStringParameters": dict(each.split("=") for each in query.split("&") if each) or None,
        "requestContext": {"http": {"method": "GET"}, "stage": "$default"},
    }
    body: str = handler()(event, CONTEXT)["body"]
    return body.encode()


def test_45_programs_with_names_of_emoji_are_pages_below_a_megabyte(network: Network) -> None:
    network.operator.put("/v1/network", NETWORK)
    made = []
    for number in range(45):
        sent = json.dumps(HUGE | {"name": f"{EMOJI * 250}{number}"}, ensure_ascii=False)
        answer = network.vendor.call("POST", "/v1/programs", raw=sent)
        assert answer.status == 201, answer.body
        made.append(answer.body["id"])
    seen: list[str] = []
    cursor = ""
    while True:
        body = raw(network.affiliate, f"/v1/programs?limit=100{cursor}")
        assert len(body) < MEGABYTE
        page = json.loads(body)
        seen += [each["id"] for each in page["data"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        assert page["data"]
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(made)
    assert cursor
    assert EMOJI.encode() in body


def test_an_item_that_is_larger_than_a_page_is_a_page(network: Network, monkeypatch: Any) -> None:
    monkeypatch.setattr(answers, "PAGE_BYTES_MAX", 10)
    made = [network.program() for _ in range(3)]
    seen, url = [], "/v1/programs?limit=100"
    while url:
        page = network.vendor.get(url).body
        assert len(page["data"]) == 1
        seen += [each["id"] for each in page["data"]]
        url = page["has_more"] and f"/v1/programs?limit=100&cursor={page['next_cursor']}"
    assert sorted(seen) == sorted(made)


def test_lines_of_an_account_end_earlier_too(network: Network, monkeypatch: Any) -> None:
    program_id = network.program(confirmation="on_report")
    sold = [
        sales.sale(network, program_id, external_id=f"o {n}", named=network.affiliate.member_id)
        for n in range(5)
    ]
    monkeypatch.setattr(answers, "PAGE_BYTES_MAX", 10)
    monkeypatch.setattr(ledger, "READ_MAX", 2)
    for currency in ("", "&currency=USD", "&currency=ZWG"):
        seen: list[str] = []
        url = f"/v1/entries?limit=100{currency}"
        for _ in range(20):
            page = network.affiliate.get(url).body
            seen += [each["conversion_id"] for each in page["data"]]
            if not page["has_more"]:
                break
            url = f"/v1/entries?limit=100{currency}&cursor={page['next_cursor']}"
        assert sorted(seen) == (sorted(sold) if "ZWG" not in currency else [])


def test_a_filtered_list_looks_at_so_many_and_no_more(network: Network, monkeypatch: Any) -> None:
    program_id = network.program(confirmation="on_report")
    sold = [sales.sale(network, program_id, external_id=f"o {n}", posted=False) for n in range(12)]
    monkeypatch.setattr(pages, "READ_MAX", 5)
    for client in (network.vendor, network.operator):
        with calls() as made:
            first = client.get("/v1/conversions?status=pending").body
        assert (first["data"], first["has_more"]) == ([], True)
        assert len(made) < 6
        seen, url = [], "/v1/conversions?status=confirmed&limit=3"
        while url:
            page = client.get(url).body
            seen += [each["id"] for each in page["data"]]
            url = page["has_more"] and (
                f"/v1/conversions?status=confirmed&limit=3&cursor={page['next_cursor']}"
            )
        assert sorted(seen) == sorted(sold)


def test_an_explanation_is_bounded_and_says_what_it_left_out(
    network: Network, monkeypatch: Any
) -> None:
    network.operator.put("/v1/network", NETWORK)
    program_id = network.program(confirmation="on_report")
    sold = sales.sale(network, program_id, named=network.affiliate.member_id)
    for number in range(100):
        sales.refund(sold, 100, external_id=f"r {number}")
    path = f"/v1/conversions/{sold}/explanation"
    with calls() as made:
        whole = raw(network.operator, path)
    assert len(whole) < MEGABYTE
    assert len(made) < 20  # not one for each refund
    assert "left_out" not in json.loads(whole)
    monkeypatch.setattr(explanations, "PART_BYTES_MAX", 5_000)
    told = json.loads(raw(network.operator, path))
    assert len(json.dumps(told)) < 25_000
    assert told["summary"] == json.loads(whole)["summary"]
    assert set(told["left_out"]) == {"facts", "postings", "lines", "story"}
    for name, count in told["left_out"].items():
        assert count > 0
        assert len(told[name]) + count == len(json.loads(whole)[name])


def test_a_days_sub_ids_have_room_and_no_more() -> None:
    counts = Counts()
    counts.subs = Counter({f"sub1={EMOJI * 200}{n}": 1_000 - n for n in range(100)})
    shown = statistics._view(counts)["subs"]
    assert len(json.dumps(shown, ensure_ascii=False).encode()) < statistics.SUBS_BYTES_MAX + 100
    assert sum(shown.values()) == counts.subs.total()
    assert shown["other"] > 0
    assert next(iter(shown)) in {"other", f"sub1={EMOJI * 200}0"}
    few = Counts()
    few.subs = Counter({"sub1=a": 2, "sub1=b": 1})
    assert statistics._view(few)["subs"] == {"sub1=a": 2, "sub1=b": 1}


def test_92_days_of_the_worst_sub_ids_are_below_a_megabyte(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    worst = Counts()
    worst.subs = Counter({f"sub1={EMOJI * 200}{n}": 10**6 - n for n in range(100)})
    worst.countries = Counter(
        {f"{a}{b}": 10**6 for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    )
    worst.devices = Counter(dict.fromkeys(("mobile", "tablet", "desktop", "bot", "other"), 10**6))
    monkeypatch.setattr(
        reading_statistics,
        "counts_of_days",
        lambda *_: {date.fromordinal(738_000 + n): worst for n in range(92)},
    )
    assert len(raw(network.affiliate, "/v1/statistics/clicks")) < MEGABYTE


def test_settings_are_published_without_reading_every_program(network: Network) -> None:
    assert network.operator.put("/v1/network", NETWORK).status == 200
    for _ in range(60):
        network.program()
    capped = [network.program(ceiling_bps=1_200 + n) for n in range(40)]
    with calls() as same:
        network.operator.put("/v1/network", NETWORK | {"name": "Another name"})
    with calls() as more:
        refused = network.operator.put("/v1/network", NETWORK | {"network_fee_bps": 2_001})
    assert refused.code == "over_the_ceiling"
    assert capped[0] in refused.body["detail"]  # the tightest
    assert len(more) - len([each for each in same if "programs" not in each]) < 5
    assert not [each for each in same if "programs" in each]


def test_a_program_of_an_earlier_release_keeps_its_ceiling(network: Network) -> None:
    from linkage.tables.programs import ProgramItem

    network.operator.put("/v1/network", NETWORK)
    capped = network.program(ceiling_bps=1_200)
    (item,) = ProgramItem.query(capped, ProgramItem.version == "current")
    item.update(actions=[ProgramItem.room.remove(), ProgramItem.capped.remove()])
    refused = network.operator.put("/v1/network", NETWORK | {"network_fee_bps": 2_001})
    assert refused.code == "over_the_ceiling"
    assert capped in refused.body["detail"]
