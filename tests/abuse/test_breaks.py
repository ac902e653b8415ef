"""With one rule of the product undone, the recipe that lives by its absence is found."""

from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from linkage.conversions import Confirmation, Conversion, Refund
from linkage.customers import Binding, KnownCustomer, Renewal
from tests.abuse.gain import BONUS, LOST, TAKEOVER
from tests.abuse.recipes import Book
from tests.abuse.run import Outcome, Run


def broken(
    monkeypatch: pytest.MonkeyPatch, target: str, instead: object, recipe: str, seed: int = 1
) -> Outcome:
    """A recipe alone, which finds nothing in the product as it is, where this is other code."""
    book = Book(Random(seed), [f"customer{number}" for number in range(9)], 365)
    actions = [*getattr(book, recipe)("mal1", "xav1")]
    assert not Run(seed).repeated(actions).failed
    monkeypatch.setattr(target, instead)
    return Run(seed).repeated(actions)


def test_a_bonus_that_a_withdrawal_leaves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = "linkage.flow.withdrawing.moved_by_withdrawal"
    outcome = broken(monkeypatch, moves, lambda _: (), "lead_through_a_sham")
    assert [each.kind for each in outcome.gain.failed] == [BONUS]
    assert outcome.gain.minor == {"USD": 2_000}


def test_what_a_sham_has_introduced_until_the_day_it_was_due_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended_before(refund: Refund, confirmation: Confirmation, due_on: str) -> str | None:
        on = refund.accepted_at[:10]
        return on if on < due_on else None

    ends = "linkage.flow.withdrawing.ended_before"
    assert TAKEOVER in broken(monkeypatch, ends, ended_before, "lead_through_a_sham").kinds


def test_an_introduction_by_what_earns_nothing_any_more_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    least = "linkage.flow.confirming.standing_minor"
    assert TAKEOVER in broken(monkeypatch, least, lambda *_: 1, "lead_through_a_sham").kinds


def test_a_customer_whom_the_other_contact_has_lost_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def by_phone(
        customer: KnownCustomer, moment: datetime, keys: tuple[str, ...] | None = None
    ) -> Binding | None:
        bindings = (customer.bindings.get(key) for key in (keys or customer.keys))
        return next(
            (held for each in bindings if each and (held := each.at(moment, frozenset()))), None
        )

    live = "linkage.customers.KnownCustomer.live"
    assert TAKEOVER in broken(monkeypatch, live, by_phone, "split_contacts").kinds


def test_a_renewal_that_has_ended_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def renewed(binding: Binding, by: Renewal, moment: datetime, ended: object) -> Binding:
        return replace(binding, renewals=(by,))

    one = "linkage.customers.Binding.renewed"
    assert TAKEOVER in broken(monkeypatch, one, renewed, "end_a_renewal").kinds


def test_more_contacts_than_a_day_has_room_for_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def room(conversion: Conversion, *_: object) -> int:
        return len(conversion.customer_keys)

    assert (
        TAKEOVER
        in broken(monkeypatch, "linkage.flow.confirming.room", room, "two_in_one", seed=2).kinds
    )


def test_an_introducer_lost_by_a_suspended_vendor_s_mark_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suspended = "linkage.flow.consenting.is_suspended"
    outcome = broken(monkeypatch, suspended, lambda _: False, "mark_when_suspended")
    assert outcome.kinds == {LOST}
