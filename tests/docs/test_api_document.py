"""docs/api.md names every route and every error code, and what its examples send is taken."""

import json
import re
from pathlib import Path

import pytest

from linkage.domain.conversions import requests
from linkage.domain.people import requests as people_requests
from linkage.domain.people.api_keys import Key
from linkage.domain.terms.network import FIRST_SETTINGS
from linkage.domain.terms.publication_checks import check_program
from linkage_api.app import app
from linkage_api.bodies import Body, read
from linkage_api.clicks.links import LinkBody
from linkage_api.people.members import MemberBody, MemberChanges
from linkage_api.terms.coupons import CouponBody, CouponChanges
from linkage_api.terms.network import NetworkBody
from linkage_api.terms.program_bodies import (
    BonusBody,
    ProgramBody,
    RewardBody,
    StepBody,
    ThresholdsBody,
)
from tests.docs.markdown import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
SOURCES = [
    *(ROOT / "layers/core/python/linkage").rglob("*.py"),
    *(ROOT / "layers/api/python/linkage_api").glob("*.py"),
]
BODIES: dict[str, type[Body]] = {
    "programs": ProgramBody,
    "coupons": CouponBody,
    "links": LinkBody,
    "network": NetworkBody,
    "members": MemberBody,
}
VENDOR = Key("key_1", "vendor", "mem_1", "", "2026-01-01T00:00:00.000Z")
REPORTED = {
    "conversions": requests.report_in,
    "client-codes": people_requests.client_code_in,
    "customers/opt-out": people_requests.customer_in,
}
"""What the function that records conversions reads."""


def codes(path: Path) -> set[str]:
    """The codes a module's errors are made with."""
    text = path.read_text()
    named = re.findall(r'code="([a-z_]+)"', text)
    raised = re.findall(
        r'(?:Conflict|Forbidden|MalformedRequest|TooManyRequests)Error\(\s*"([a-z_]+)"', text
    )
    return {*named, *raised}


def test_every_error_code_is_explained() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", DOCUMENT.partition("\n## Errors\n")[2]))
    raised = {code for path in SOURCES for code in codes(path)}
    assert len(raised) > 15
    assert raised - explained == set()


def test_every_route_is_listed() -> None:
    listed = {
        re.sub(r"\{\w+\}", "{id}", each)
        for each in re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /v1/[^`]*)`", DOCUMENT)
    }
    routes = {
        re.sub(r"\{\w+\}", "{id}", f"{route.method} {route.openapi_path}")
        for route in (*app._static_routes, *app._dynamic_routes)
    }
    assert len(routes) > 20
    assert routes - listed == set()
    assert {
        "POST /v1/conversions",
        "POST /v1/conversions/{id}/rejection",
        "POST /v1/client-codes",
        "POST /v1/customers/opt-out",
        "POST /v1/customers/opt-in",
    } <= listed


EXAMPLES = re.findall(r"\$API/v1/([\w/-]+)\"[^\n]*? -d '(\{.*?\})'\n", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize(("noun", "text"), EXAMPLES, ids=[noun for noun, _ in EXAMPLES])
def test_what_an_example_sends_is_taken(noun: str, text: str) -> None:
    body = json.loads(re.sub(r"'\$\w+'", "xyz_0", text))
    if noun in REPORTED:
        REPORTED[noun](body, VENDOR)
    else:
        read(BODIES[noun], body)


def test_the_examples_are_found() -> None:
    assert {noun for noun, _ in EXAMPLES} == {*BODIES, *REPORTED}


def test_the_terms_of_the_examples_would_be_published() -> None:
    programs = [json.loads(text) for noun, text in EXAMPLES if noun == "programs"]
    assert len(programs) == 3
    for body in programs:
        check_program(read(ProgramBody, body).program("mem_1", ""), FIRST_SETTINGS)


@pytest.mark.parametrize(
    "model",
    [
        ProgramBody,
        RewardBody,
        StepBody,
        ThresholdsBody,
        BonusBody,
        CouponBody,
        CouponChanges,
        NetworkBody,
        MemberBody,
        MemberChanges,
    ],
)
def test_every_field_is_named(model: type[Body]) -> None:
    named = {field.alias or name for name, field in model.model_fields.items()}
    assert [name for name in named if not re.search(rf"[`\"]{name}[`\"]", DOCUMENT)] == []


def test_every_field_of_a_conversion_is_named() -> None:
    not_sent = {"fingerprint", "may_backdate", "link", "by_key"}
    fields = requests.Report.__dataclass_fields__.keys() - not_sent
    assert [name for name in fields if not re.search(rf"[`\"]{name}[`\"]", DOCUMENT)] == []
