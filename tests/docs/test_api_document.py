"""docs/api.md names every route and every error code, and what its examples send is taken."""

import json
import re
from pathlib import Path

import pytest

from linkage_api.app import app
from linkage_api.bodies import Body, read
from linkage_api.links import LinkBody
from linkage_api.members import MemberBody
from linkage_api.network import NetworkBody
from linkage_api.programs import ProgramBody
from tests.docs.markdown import ROOT

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
SOURCES = [
    *(ROOT / "layers/core/python/linkage").rglob("*.py"),
    *(ROOT / "layers/api/python/linkage_api").glob("*.py"),
]
BODIES: dict[str, type[Body]] = {
    "programs": ProgramBody,
    "links": LinkBody,
    "network": NetworkBody,
    "members": MemberBody,
}


def codes(path: Path) -> set[str]:
    """The codes a module's errors are made with."""
    text = path.read_text()
    named = re.findall(r'code="([a-z_]+)"', text)
    raised = re.findall(r'(?:Conflict|Forbidden|MalformedRequest)Error\(\s*"([a-z_]+)"', text)
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


EXAMPLES = re.findall(r"\$API/v1/(\w+)\"[^\n]*? -d '(\{.*?\})'\n", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize(("noun", "text"), EXAMPLES, ids=[noun for noun, _ in EXAMPLES])
def test_what_an_example_sends_is_taken(noun: str, text: str) -> None:
    body = json.loads(re.sub(r"'\$\w+'", "xyz_0", text))
    if noun in BODIES:
        read(BODIES[noun], body)


def test_the_examples_are_found() -> None:
    assert {noun for noun, _ in EXAMPLES} == {*BODIES, "conversions"}
