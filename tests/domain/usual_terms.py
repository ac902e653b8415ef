"""Terms to be changed by `replace`, and what they are refused with."""

from dataclasses import replace

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward, Step, Thresholds
from linkage.domain.terms.publication_checks import check_program

PLAIN = Reward("sale", rate_bps=500)
PROGRAM = Program(
    program_id="prg_1",
    version=1,
    vendor_id="mem_vendor",
    name="Roof tiles",
    destination_url="https://shop.example/",
    rewards=(PLAIN,),
    window_days=30,
    hold_days=14,
    confirmation="manual",
    introducer_rate_bps=100,
    created_at="2026-01-05T08:00:00.000Z",
    categories=("tools", "paint"),
)
FEES = NetworkSettings(version=1)
VENDOR_PAYS = replace(FEES, override_funding="vendor")


def steps(*each: tuple[int, int | None]) -> Reward:
    """A reward with steps by count from … to …, at 1 %, 2 %, …"""
    made = tuple(Step(*span, rate_bps=100 * at) for at, span in enumerate(each, start=1))
    return Reward("sale", thresholds=Thresholds("count", "month", made))


def refusal(program: Program, network: NetworkSettings = FEES) -> tuple[str | None, str, str]:
    """The pointer, the code and the sentence terms are refused with."""
    with pytest.raises(InvalidFieldError) as refused:
        check_program(program, network)
    return refused.value.pointer, refused.value.code, refused.value.detail
