"""Programs and settings by which a sale could cost more than its ceiling are refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.ceilings import on_top_of, over_the_ceiling, room_of
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Bonus, Reward
from linkage.domain.terms.publication_checks import check_program, check_settings_for
from tests.domain.usual_terms import FEES, PLAIN, PROGRAM, VENDOR_PAYS, refusal, steps

CEILINGS = [
    pytest.param(
        {"ceiling_bps": 599}, FEES, "/rewards/0/rate_bps", "6 % in all", id="rate and fee"
    ),
    pytest.param(
        {"ceiling_bps": 674},
        VENDOR_PAYS,
        "/rewards/0/rate_bps",
        "5 % of a sale, and 35 % of that",
        id="levels that the vendor pays",
    ),
    pytest.param(
        {"ceiling_bps": 600, "introducer_rate_bps": 501},
        FEES,
        "/introducer_rate_bps",
        "6.02 % in all, over the ceiling of 6 %",
        id="introducer, rounded up in words only",
    ),
    pytest.param(
        {"ceiling_bps": 239, "rewards": (steps((0, 5), (5, None)),)},
        FEES,
        "/rewards/0/thresholds/steps/1/rate_bps",
        "The rate of reward 1 in step 2",
        id="the best step",
    ),
    pytest.param(
        {
            "ceiling_bps": 2000,
            "rewards": (Reward("sale", amount_minor=100_000, currency="USD"),),
            "bonuses": (Bonus("volume", "month", 100_000, 1, "USD"),),
        },
        FEES,
        "/rewards/0",
        "leaves nothing of it for bonuses",
        id="a fixed amount beside a bonus",
    ),
    pytest.param(
        {"ceiling_bps": 9999, "bonuses": (Bonus("count", "month", 1, 1, "USD"),)},
        FEES,
        "/bonuses/0/by",
        "Make it one by volume",
        id="bonus by count",
    ),
    pytest.param(
        {"ceiling_bps": 700, "bonuses": (Bonus("volume", "month", 10_000, 101, "USD"),)},
        FEES,
        "/bonuses",
        "can be 1.01 % of the sales",
        id="bonus by volume",
    ),
    pytest.param(
        {
            "ceiling_bps": 700,
            "bonuses": (
                Bonus("volume", "month", 10_000, 60, "USD"),
                Bonus("volume", "month", 20_000, 141, "USD"),
            ),
        },
        FEES,
        "/bonuses",
        "over the ceiling of 7 %",
        id="bonuses that add up",
    ),
    pytest.param(
        {
            "ceiling_bps": 700,
            "bonuses": (
                Bonus("volume", "month", 10_000, 60, "USD"),
                Bonus("volume", "year", 100_000, 410, "USD"),
            ),
        },
        FEES,
        "/bonuses",
        "over the ceiling of 7 %",
        id="twelve months and their year",
    ),
]


@pytest.mark.parametrize(("changes", "network", "pointer", "said"), CEILINGS)
def test_terms_that_could_exceed_their_ceiling_are_refused(
    changes: dict[str, Any], network: NetworkSettings, pointer: str, said: str
) -> None:
    program = replace(PROGRAM, **changes)
    refused = refusal(program, network)
    assert refused[:2] == (pointer, "over_the_ceiling")
    assert said in refused[2]
    with pytest.raises(InvalidFieldError, match=r"Program Roof tiles \(prg_1\)") as by_settings:
        check_settings_for(program, network)
    assert by_settings.value.code == "over_the_ceiling"
    assert said.partition(".")[0] in by_settings.value.detail or "by volume" in said


@pytest.mark.parametrize(
    ("changes", "network"),
    [
        ({"ceiling_bps": None, "rewards": (replace(PLAIN, rate_bps=10_000),)}, FEES),
        ({"ceiling_bps": 600}, FEES),
        ({"ceiling_bps": 675}, VENDOR_PAYS),
        ({"ceiling_bps": 600, "rewards": (PLAIN, Reward("lead", rate_bps=9000))}, FEES),
        (
            {
                "ceiling_bps": 120,
                "rewards": (Reward("sale", amount_minor=10**9, currency="USD"),),
            },
            FEES,
        ),
        ({"ceiling_bps": 700, "bonuses": (Bonus("volume", "month", 10_000, 100, "USD"),)}, FEES),
    ],
)
def test_terms_at_their_ceiling_are_taken_and_fixed_amounts_left_to_each_sale(
    changes: dict[str, Any], network: NetworkSettings
) -> None:
    check_program(replace(PROGRAM, **changes), network)
    check_settings_for(replace(PROGRAM, **changes), network)


@given(
    rate_bps=st.integers(0, 10_000),
    introducer_rate_bps=st.integers(0, 10_000),
    ceiling_bps=st.integers(1, 30_000),
    amount_minor=st.integers(0, 3_000),
    fee_bps=st.integers(0, 10_000),
    levels=st.lists(st.integers(0, 3_000), max_size=5),
    by_vendor=st.booleans(),
)
def test_the_room_of_a_program_is_what_may_come_on_top(
    rate_bps: int,
    introducer_rate_bps: int,
    ceiling_bps: int,
    amount_minor: int,
    fee_bps: int,
    levels: list[int],
    by_vendor: bool,
) -> None:
    bonuses = (Bonus("volume", "month", 10_000, amount_minor, "USD"),) if amount_minor else ()
    program = replace(
        PROGRAM,
        rewards=(replace(PLAIN, rate_bps=rate_bps),),
        introducer_rate_bps=introducer_rate_bps,
        ceiling_bps=ceiling_bps,
        bonuses=bonuses,
    )
    network = replace(
        FEES,
        network_fee_bps=fee_bps,
        level_rates_bps=tuple(levels),
        override_funding="vendor" if by_vendor else "network",
    )
    nothing_on_top = replace(FEES, network_fee_bps=0, override_funding="network")
    if over_the_ceiling(program, nothing_on_top):
        return  # it could not have been published
    room_bps = room_of(program)
    fits = over_the_ceiling(program, network) is None
    assert fits == (room_bps is None or on_top_of(network) <= room_bps)


def test_a_program_without_a_ceiling_has_room_for_anything() -> None:
    assert room_of(replace(PROGRAM, ceiling_bps=None)) is None
    assert room_of(replace(PROGRAM, ceiling_bps=600)) == 2_000
