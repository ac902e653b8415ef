"""`make quick` runs the tests of whatever a change touches."""

import pytest

from tests.docs.markdown import ROOT
from tests.infra.test_rooms import DOMAIN, FLOW, ROOTS, TABLES
from tests.touched import ALWAYS, changed, selected

CORE = "layers/core/python/linkage"


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        (f"{CORE}/domain/payouts/results.py", {"tests/flow_units/payouts", "tests/api/payouts"}),
        (f"{CORE}/flow/clicks/folding.py", {"tests/flow_units/clicks", "tests/api/clicks"}),
        (f"{CORE}/tables/members.py", {"tests/tables", "tests/flow_units/people"}),
        (f"{CORE}/tables/dynamodb/wire.py", {"tests/tables"}),
        ("layers/api/python/linkage_api/terms/coupons.py", {"tests/api/terms"}),
        ("functions/record_click/handler.py", {"tests/functions/test_record_click.py"}),
        ("cli/linkage_cli/orders/cells.py", {"tests/cli/orders"}),
        ("infra/storage.py", {"tests/infra"}),
        ("docs/money.md", {"tests/docs"}),
        ("tests/edge/test_tokens.py", {"tests/edge/test_tokens.py"}),
        ("tests/flow/test_orders.py", set()),
    ],
)
def test_a_change_has_the_tests_of_its_room(path: str, tests: set[str]) -> None:
    found = set(selected([path]))
    assert tests <= found
    assert set(ALWAYS) - found <= (
        {"tests/infra/test_rooms.py"} if "tests/infra" in found else set()
    )


def test_every_module_has_tests_beside_those_that_always_run() -> None:
    modules = [
        path for top in ("linkage", "linkage_api") for path in (ROOTS[top] / top).rglob("*.py")
    ]
    without = [
        str(path.relative_to(ROOT))
        for path in modules
        if path.name != "__init__.py"
        and "/domain/" not in str(path)
        and set(selected([str(path.relative_to(ROOT))])) <= set(ALWAYS)
    ]
    assert without == []
    assert {*DOMAIN, *FLOW} >= set(TABLES.values())


def test_a_change_is_what_differs_from_a_branch() -> None:
    assert changed("no-such-branch", "HEAD") == changed("no-such-branch")
