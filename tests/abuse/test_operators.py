"""An operator who is with those who cheat gains nothing, and does where a rule is undone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from linkage.domain.conversions import introductions
from linkage.domain.conversions.conversions import Confirmation
from linkage.domain.people.proposals import Change
from tests.abuse.gain import OPERATOR, OTHER, RECRUITMENT, TAKEOVER
from tests.abuse.run import Outcome, Run
from tests.abuse.world import Action

API, CORE = "linkage.flow.payouts.payout_warnings", "linkage"


def does(what: str, **args: Any) -> Action:
    return Action(what, "ivo", args)


EARNED = (
    does("visit", customer="kim", affiliate="ann", vendor="shop1"),
    does("buy", customer="kim", vendor="shop1", order="1", amount=90_000, named=None),
    does("wait", hours=24 * 15),
)
REDIRECTED = does("ivo_redirects", name="ann", to="xav1", how="method")
RESTED = does("wait", hours=24 * 4)
FORGED = does(
    *("ivo_reports",), vendor="shop1", to="xav1", order="f", amount=80_000, customer="lou"
)

LOWER = (*EARNED, does("ivo_lowers"), REDIRECTED, RESTED, does("ivo_pays"), does("ivo_raises"))
APPROVE_ONESELF = (*EARNED, REDIRECTED, does("ivo_approves"), RESTED, does("ivo_pays"))
ANOTHER_KEY = (
    *(does("ivo_makes_a_key", name="zed"), does("wait", hours=1), *EARNED),
    *(REDIRECTED, does("wait", hours=1), does("ivo_approves"), RESTED, does("ivo_pays")),
)
REDIRECT = (*EARNED, REDIRECTED, RESTED, does("month_end"))
FORGE = (FORGED, does("wait", hours=24 * 15), does("month_end"))
PASS_FOR_A_VENDOR = (does("ivo_makes_a_key", name="shop1"), *FORGE)
GIVE = (does("ivo_gives", to="xav1", amount=5_000), does("month_end"))
SPLIT = (*(does("ivo_redirects", name="ann", to="xav1", how="split"), *EARNED, does("month_end")),)
IMPORT = (
    *(FORGED, does("buy", customer="lou", vendor="shop4", order="2", amount=90_000, named=None)),
    *(does("wait", hours=24 * 15), does("month_end")),
)


FOUND = (does("ivo_founds", to="xav1", order="f", amount=80_000), *FORGE[1:])
ENRICH = (
    *(does("ivo_publishes"), does("visit", customer="kim", affiliate="dot", vendor="shop1")),
    *(*EARNED[1:], does("month_end")),
)


def never(*_: object, **__: object) -> bool:
    return False


def nothing(*_: object, **__: object) -> None:
    return None


def none(*_: object) -> list[str]:
    return []


def nothing_odd(*_: object) -> Iterator[dict[str, Any]]:
    return iter(())


def unguarded(*said: Any, **more: Any) -> Change:
    return Change(*said, **more | {"guarded": False})


def introduces(conversion: Any, confirmation: Confirmation, *rest: Any) -> bool:
    allowed = replace(confirmation, introduces_nobody=False)
    return introductions.introduces(conversion, allowed, *rest)


@pytest.mark.parametrize(
    ("actions", "undone", "kind"),
    [
        pytest.param(
            LOWER, {f"{CORE}.flow.terms.publishing_settings.takes_two": never}, OTHER, id="A3 lower"
        ),
        pytest.param(
            APPROVE_ONESELF,
            {
                f"{CORE}.domain.people.proposals.require_second_person": nothing,
                f"{CORE}.domain.payouts.payouts.require_second_person": nothing,
            },
            OTHER,
            id="A3 approve oneself",
        ),
        pytest.param(
            ANOTHER_KEY,
            {f"{CORE}.flow.people.managing_keys.Change": unguarded},
            OTHER,
            id="A3 another key",
        ),
        pytest.param(
            REDIRECT,
            {
                f"{CORE}.flow.people.changing_members.guarded_in": none,
                f"{API}._changed": nothing_odd,
                f"{API}._shared": nothing_odd,
            },
            OTHER,
            id="A10 another account",
        ),
        pytest.param(
            SPLIT, {f"{CORE}.flow.people.changing_members.guarded_in": none}, OTHER, id="A3 split"
        ),
        pytest.param(FORGE, {f"{API}._said_by_operators": nothing_odd}, OPERATOR, id="A3 forge"),
        pytest.param(
            PASS_FOR_A_VENDOR,
            {f"{CORE}.flow.people.managing_keys.has_key": never},
            OPERATOR,
            id="A3 its key",
        ),
        pytest.param(
            GIVE, {f"{CORE}.flow.ledger.adjusting.Change": unguarded}, OTHER, id="A9 give"
        ),
        pytest.param(
            FOUND,
            {f"{CORE}.flow.people.changing_members.approval_takes_two": never},
            OPERATOR,
            id="a vendor",
        ),
        pytest.param(
            ENRICH,
            {f"{CORE}.flow.terms.publishing_settings.takes_two": never},
            RECRUITMENT,
            id="a bonus",
        ),
        pytest.param(
            IMPORT,
            {f"{CORE}.flow.conversions.confirming.introduces": introduces},
            TAKEOVER,
            id="import",
        ),
    ],
)
def test_a_rule_undone_is_found(
    monkeypatch: pytest.MonkeyPatch,
    actions: tuple[Action, ...],
    undone: dict[str, Callable[..., object]],
    kind: str,
) -> None:
    assert played(actions).kinds == set()
    for target, instead in undone.items():
        monkeypatch.setattr(target, instead)
    assert kind in played(actions).kinds


def played(actions: tuple[Action, ...]) -> Outcome:
    return Run(1).repeated(actions)
