"""The edge answers as the Lambda does, by the same vectors, or leaves the answer to it."""

import json
from functools import cache
from typing import Any

import pytest

from linkage.domain.clicks.click_tokens import click_in
from linkage.domain.clicks.edge_links import published
from linkage.domain.clicks.links import link_of
from linkage.edge.headers import SAFE_HEADERS
from tests.edge.redirect_function import ROOT, Answer, Visit, run

KEYS = {"1": "a secret of the network"}
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/redirects.json").read_text())

# Redirects that the edge leaves to the Lambda: it stores what the edge's log could not tell, and
# judges what the edge cannot.
LEFT_TO_THE_LAMBDA = (
    "Sec-GPC is no consent to be known",
    "DNT is no consent to be known",
    "consent=no is no consent to be known",
    "a prefetch is sent on and marked: ",
    "a sub-id with a control character is passed over",
    "what is no URL character is not passed on",  # nor sent by a browser as it is
    "line ends as they are cannot end a header",
    "a destination that is full takes nothing but the click id",  # too long for the store
)


def store_of(vector: dict[str, Any]) -> dict[str, str]:
    """What the edge's store holds when the links table holds the vector's link."""
    if vector["link"] is None:
        return {}
    value = published(link_of(vector["link"]), vector["link"]["hosts"], KEYS)
    return {} if value is None else {vector["link"]["code"]: value}


@cache
def answers() -> dict[str, Answer]:
    """The function's answers to all vectors, by their names, from one run of Node."""
    visits = [Visit(**each["request"], store=store_of(each), now=each["now"]) for each in VECTORS]
    return dict(zip((each["name"] for each in VECTORS), run(visits), strict=True))


def is_left_to_the_lambda(vector: dict[str, Any]) -> bool:
    """Whether the edge must not answer: no redirect, no link of that kind, or listed above."""
    return vector["expect"]["status"] != 302 or vector["name"].startswith(LEFT_TO_THE_LAMBDA)


def test_most_redirects_are_answered_at_the_edge() -> None:
    redirects = [each for each in VECTORS if each["expect"]["status"] == 302]
    answered = [each for each in redirects if not is_left_to_the_lambda(each)]
    assert len(VECTORS) >= 60
    assert len(answered) / len(redirects) > 0.8


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["name"])
def test_the_edge_answers_as_the_vectors_say_or_sends_the_request_on(
    vector: dict[str, Any],
) -> None:
    answer = answers()[vector["name"]]
    if is_left_to_the_lambda(vector):
        assert answer.passed
        return
    expected = vector["expect"]
    assert answer.status == expected["status"]
    assert answer.location is not None
    before, click_id, after = answer.location.partition("click_id=")
    assert bool(click_id) is expected["click"]
    token, hash_sign, fragment = after.partition("#")
    shown = before + click_id + ("{click}" if token else "") + hash_sign + fragment
    assert shown == expected["location"]
    if expected["click"]:
        click = click_in(token, KEYS)
        assert click is not None
        link = vector["link"]
        assert [click.code, click.program_id, click.vendor_id, click.affiliate_id] == [
            link[name] for name in ("code", "program_id", "vendor_id", "affiliate_id")
        ]
        assert click.clicked_at == vector["now"]
        stored = expected.get("stored", {})
        assert click.sub == stored.get("sub", click.sub)


def test_a_click_costs_one_read_of_the_store_and_what_is_no_code_none() -> None:
    for vector in VECTORS:
        reads = answers()[vector["name"]].reads
        is_pixel = vector["request"]["path"].endswith(".gif")
        if vector["link"] is not None and not is_pixel:
            assert reads == 1
    assert answers()["what cannot be a code is not found: a file name"].reads == 0


def test_the_answers_of_the_edge_have_the_headers_of_the_lambda() -> None:
    assert answers()["a visit is a click and carries its id"].headers.keys() == {
        "location",
        "cache-control",
        "referrer-policy",
        "x-robots-tag",
        *SAFE_HEADERS,
    }
