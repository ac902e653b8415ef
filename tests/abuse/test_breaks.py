"""With one rule of the product undone, the recipe that lives by its absence is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from linkage.domain.conversions.conversions import Confirmation, Conversion, Refund
from linkage.domain.people.customers import Binding, KnownCustomer, Renewal
from tests.abuse.gain import BONUS, LOST, TAKEOVER
from tests.abuse.recipes import Book
from tests.abuse.run import Outcome, Run

TRIED = 6
"""So many networks a recipe is played on at most, each with other random numbers."""


def moves_nothing(confirmation: Confirmation) -> tuple[str, ...]:
    return ()


def ended_before(refund: Refund, confirmation: Confirmation, due_on: str) -> str | None:
    on = refund.accepted_at[:10]
    return on if on < due_on else None


def least_unit(*_: object) -> int:
    return 1


def by_phone(customer: KnownCustomer, moment: datetime, keys: tuple[str, ...]) -> list[Binding]:
    bindings = (customer.bindings.get(key) for key in keys)
    held = (each.at(moment, customer.ended) for each in bindings if each)
    return [each for each in held if each]


def the_last_alone(binding: Binding, by: Renewal, *_: object) -> Binding:
    return replace(binding, renewals=(by,))


def every_contact(conversion: Conversion, *_: object) -> int:
    return len(conversion.customer_keys)


def nobody(member: object) -> bool:
    return False


def nothing(*_: object) -> None:
    return None


FLOW, LEADS = "linkage.flow", "lead_through_a_sham"


@pytest.mark.parametrize(
    ("target", "instead", "recipe", "kind"),
    [
        (f"{FLOW}.commissions.withdrawing.moved_by_withdrawal", moves_nothing, LEADS, BONUS),
        (f"{FLOW}.commissions.withdrawing.ended_before", ended_before, LEADS, TAKEOVER),
        (f"{FLOW}.conversions.confirming.standing_minor", least_unit, LEADS, TAKEOVER),
        (
            "linkage.domain.conversions.claims._introduction_objection",
            nothing,
            LEADS,
            TAKEOVER,
        ),
        (
            "linkage.domain.people.customers.KnownCustomer._live",
            by_phone,
            "split_contacts",
            TAKEOVER,
        ),
        (
            "linkage.domain.people.customers.Binding.renewed",
            the_last_alone,
            "end_a_renewal",
            TAKEOVER,
        ),
        (f"{FLOW}.conversions.confirming.room", every_contact, "two_in_one", TAKEOVER),
        (f"{FLOW}.people.consenting.is_suspended", nobody, "mark_when_suspended", LOST),
    ],
)
def test_a_rule_undone_is_found(
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    instead: Callable[..., object],
    recipe: str,
    kind: str,
) -> None:
    for seed in range(TRIED):
        assert not played(recipe, seed).failed
        with monkeypatch.context() as patched:
            patched.setattr(target, instead)
            outcome = played(recipe, seed)
        if kind in outcome.kinds:
            return
    pytest.fail(f"{recipe} has not found it on {TRIED} networks")


def played(recipe: str, seed: int) -> Outcome:
    """A recipe, and nothing else, on the network of a seed."""
    book = Book(Random(seed), [f"customer{number}" for number in range(20)], 365)
    return Run(seed).repeated([*getattr(book, recipe)("mal1", "xav1")])
