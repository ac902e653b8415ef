"""What its vendor is silent about is confirmed by itself, once, and never against its word."""

from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion
from linkage.flow.conversions.confirming_by_silence import Due, confirm_due
from linkage.flow.conversions.vendor_decisions import confirm_silently
from linkage.tables import conversions
from tests.flow_units.network import Network, spoil_fact, table


def pending(rich: Network, external_id: str = "o-1") -> Conversion:
    return rich.report(external_id, 10_000, program_id="prg_silent")


def ticked(rich: Network) -> list[Due]:
    return list(confirm_due(rich.moment))


def status(conversion: Conversion) -> str:
    return conversions.get_conversion(conversion.conversion_id).status


def test_silence_confirms_once_the_programs_days_are_over(rich: Network) -> None:
    waiting = pending(rich)
    assert waiting.status == "pending"
    assert waiting.confirm_at == clock.text(clock.days_later(rich.moment, 14))
    rich.pass_time(days=14, milliseconds=-1)
    assert ticked(rich) == []
    rich.pass_time(milliseconds=1, hours=2)
    assert ticked(rich) == [Due(waiting.conversion_id, 7_200, True, None)]
    history = conversions.get_history(waiting.conversion_id)
    assert history.confirmation is not None
    assert (history.confirmation.silent, history.confirmation.accepted_at) == (
        True,
        clock.text(rich.moment),
    )
    rich.deliver_facts()
    assert rich.balances()["ann"] > 0


def test_a_tick_that_comes_twice_confirms_once(rich: Network) -> None:
    waiting = pending(rich)
    rich.pass_time(days=15)
    assert [each.confirmed for each in ticked(rich)] == [True]
    before = rich.everything()
    assert ticked(rich) == []
    assert confirm_silently(waiting.conversion_id) is None
    assert rich.everything() == before


def test_days_of_silence_count_from_the_report_not_from_the_sale(rich: Network) -> None:
    occurred_at = clock.text(clock.days_later(rich.moment, -20))
    waiting = rich.report("o-1", 500, program_id="prg_silent", occurred_at=occurred_at)
    assert (waiting.occurred_at, ticked(rich)) == (occurred_at, [])


@pytest.mark.parametrize("program_id", ["prg_man", "prg_rich"])
def test_only_an_automatic_program_waits_for_silence(rich: Network, program_id: str) -> None:
    assert rich.report("o-1", 500, program_id=program_id).confirm_at is None
    rich.pass_time(days=400)
    assert ticked(rich) == []


def test_what_the_vendor_decided_is_not_decided_by_silence(rich: Network) -> None:
    first, second = pending(rich, "o-1"), pending(rich, "o-2")
    rich.confirm(first)
    rich.reject(second)
    rich.pass_time(days=15)
    assert ticked(rich) == []
    assert not any("awaiting" in item or "confirm_at" in item for item in table("conversions"))
    assert (status(first), status(second)) == ("confirmed", "rejected")


@pytest.mark.parametrize("said", ["confirm", "reject"])
def test_an_index_that_lags_behind_the_vendor_confirms_nothing(rich: Network, said: str) -> None:
    waiting = pending(rich)
    rich.pass_time(days=15)
    due = confirm_due(rich.moment)
    listed = [(waiting.conversion_id, waiting.confirm_at)]
    getattr(rich, said)(waiting)
    before = rich.everything()
    with patch(
        "linkage.flow.conversions.confirming_by_silence.awaiting_confirmation",
        side_effect=[listed, *[[]] * 7],
    ):
        assert [(each.confirmed, each.error) for each in due] == [(False, None)]
    assert rich.everything() == before


def test_a_rejection_between_reading_and_writing_wins(rich: Network) -> None:
    waiting = pending(rich)
    rich.pass_time(days=15)
    real = conversions.accept

    def accept(operations: Any) -> None:
        with patch.object(conversions, "accept", real):
            rich.reject(waiting)
        real(operations)

    with patch.object(conversions, "accept", accept):
        assert [(each.confirmed, each.error) for each in ticked(rich)] == [(False, None)]
    assert status(waiting) == "rejected"
    assert (rich.unposted(), rich.tallies()) == ([], {})


def test_a_rejection_after_silence_is_too_late(rich: Network) -> None:
    waiting = pending(rich)
    rich.pass_time(days=15)
    ticked(rich)
    with pytest.raises(Exception, match="confirmed, so it cannot be rejected"):
        rich.reject(waiting)


def test_one_that_cannot_be_confirmed_does_not_hold_up_the_others(rich: Network) -> None:
    made = [pending(rich, f"o-{number}").conversion_id for number in range(6)]
    spoil_fact(made[2], "report", "program_version", 9)
    rich.pass_time(days=15)
    ended = {each.conversion_id: each for each in ticked(rich)}
    assert {each for each, due in ended.items() if due.error} == {made[2]}
    assert {each for each, due in ended.items() if due.confirmed} == set(made) - {made[2]}
