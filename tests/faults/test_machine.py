"""Any order of events on a small network, as hypothesis makes it up and shrinks it."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.requests import refund_in, report_in
from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.flow.commissions.posting import post_fact
from linkage.flow.conversions import confirming_by_silence, recording, vendor_decisions
from tests.faults.mischief import Fact
from tests.faults.run import Run
from tests.faults.terms import CATEGORIES, COUPONS, CURRENCIES
from tests.faults.world import START

AUDITED_EVERY = 7
EXAMPLES, STEPS = 50, 30
PLACE = st.integers(0, 99)


class SmallNetwork(RuleBasedStateMachine):
    """A few members, programs and customers; hypothesis says what happens next, and to whom."""

    conversions: list[Conversion]
    facts: list[Fact]

    @initialize(seed=st.integers(0, 2**16))
    def open(self, seed: int) -> None:
        """Random terms, members and clicks; everything after that is hypothesis' own choice."""
        self.run = Run(seed, 1, affiliates=8, customers=3)
        self.stack = ExitStack()
        self.stack.enter_context(self.run.open())
        self.run.world.build()
        self.conversions, self.facts, self.steps = [], [], 0

    def teardown(self) -> None:
        """In the end everything is posted, and still right in another order."""
        if hasattr(self, "stack"):
            with self.stack:
                self.run.finish()
                assert not self.run.audited().findings
                assert not self.run.reordered()

    def _know(self, conversion: Conversion) -> None:
        others = [c for c in self.conversions if c.conversion_id != conversion.conversion_id]
        self.conversions = [*others, conversion]
        self.facts += self.run.mischief.stream
        self.run.mischief.stream.clear()

    @rule(
        program=PLACE,
        amount=st.integers(0, 10**6),
        currency=st.sampled_from(CURRENCIES),
        event=st.sampled_from(("sale", "sale", "lead", "signup")),
        affiliate=st.none() | PLACE,
        click=st.none() | PLACE,
        coupon=st.none() | st.sampled_from(COUPONS),
        customer=st.none() | PLACE,
        category=st.none() | st.sampled_from(CATEGORIES),
    )
    def report(self, program: int, **sent: Any) -> None:
        """A sale or a lead with any of the claims there are."""
        world = self.run.world
        terms = _at(list(world.programs.values()), program)
        body: dict[str, Any] = {
            "program_id": terms.program_id,
            "external_id": f"order-{len(self.conversions)}",
            "event": sent["event"],
            "amount_minor": sent["amount"],
            "currency": sent["currency"],
            "coupon": sent["coupon"],
            "affiliate_id": _at(world.affiliates, sent["affiliate"]),
            "customer": _at(world.customers, sent["customer"]),
        }
        found = _at(world.clicks, sent["click"])
        body["click_id"] = found.click_id if found else None
        if sent["category"]:
            body["items"] = [{"amount_minor": sent["amount"] // 2, "category": sent["category"]}]
        given = {name: value for name, value in body.items() if value is not None}
        try:
            answer = recording.report(report_in(given, self.run.trade.vendor_key(terms.vendor_id)))
        except ConflictError:  # the vendor is suspended
            return
        self._know(answer[0])

    @precondition(lambda self: self.conversions)
    @rule(which=PLACE, rejected=st.booleans())
    def decide(self, which: int, rejected: bool) -> None:
        """The vendor confirms or rejects, in its turn or not."""
        found = _at(self.conversions, which)
        try:
            if rejected:
                answer = vendor_decisions.reject(
                    found.conversion_id, found.vendor_id, "no", "other"
                )
            else:
                answer = vendor_decisions.confirm(found.conversion_id, found.vendor_id)
        except ConflictError:
            return
        self._know(answer[0])

    @precondition(lambda self: self.conversions)
    @rule(which=PLACE, number=PLACE, percent=st.integers(1, 110))
    def refund(self, which: int, number: int, percent: int) -> None:
        """A part, the whole, too much, or a refund that was reported before with another amount."""
        found = _at(self.conversions, which)
        sent = refund_in(
            {
                "external_id": f"refund-{number % 5}",
                "amount_minor": max(1, found.amount_minor * percent // 100),
                "reason": "returned",
            }
        )
        try:
            answer = vendor_decisions.refund(found.conversion_id, found.vendor_id, sent)
        except (ConflictError, InvalidFieldError):
            return
        self._know(answer[0])

    @precondition(lambda self: self.facts)
    @rule(which=PLACE)
    def deliver(self, which: int) -> None:
        """Any fact accepted so far comes again, or for the first time."""
        post_fact(*_at(self.facts, which))

    @rule(hours=st.integers(1, 24 * 40))
    def wait(self, hours: int) -> None:
        """Time passes, and what was awaited is confirmed."""
        self.run.world.moment += timedelta(hours=hours)
        for due in confirming_by_silence.confirm_due(self.run.world.moment):
            assert due.error is None
        self.facts += self.run.mischief.stream
        self.run.mischief.stream.clear()

    @rule()
    def change(self) -> None:
        """Terms, members or coupons change."""
        self.run.world.change()

    @invariant()
    def is_right(self) -> None:
        """The auditor agrees, now and then on the way."""
        self.steps = getattr(self, "steps", 0) + 1
        if hasattr(self, "stack") and self.steps % AUDITED_EVERY == 0:
            assert not self.run.report(START).findings


def _at(values: list[Any], place: int | None) -> Any:
    return None if place is None else values[place % len(values)]


def test_no_order_of_events_makes_the_ledger_wrong() -> None:
    run_state_machine_as_test(
        SmallNetwork,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
