from dataclasses import replace

import pytest

from linkage.conversions import (
    refund_key,
    require_confirmable,
    require_refundable,
    require_rejectable,
)
from linkage.errors import ConflictError, InvalidFieldError
from linkage.programs import Reward, reward_for, tied_rewards
from tests.domain.examples import CONVERSION, PROGRAM

PENDING = CONVERSION
CONFIRMED = replace(CONVERSION, status="confirmed")
REJECTED = replace(CONVERSION, status="rejected")


def test_what_was_rejected_cannot_be_confirmed() -> None:
    require_confirmable(PENDING)
    require_confirmable(CONFIRMED)
    with pytest.raises(ConflictError) as refused:
        require_confirmable(REJECTED)
    assert refused.value.code == "conversion_rejected"


def test_what_was_confirmed_cannot_be_rejected() -> None:
    require_rejectable(PENDING)
    require_rejectable(REJECTED)
    with pytest.raises(ConflictError) as refused:
        require_rejectable(CONFIRMED)
    assert refused.value.code == "conversion_confirmed"


@pytest.mark.parametrize(
    ("refunded_minor", "amount_minor", "possible"),
    [
        (0, 10_000, True),
        (0, 10_001, False),
        (9_999, 1, True),
        (9_999, 2, False),
        (10_000, 1, False),
    ],
)
def test_no_more_is_refunded_than_is_left(
    refunded_minor: int, amount_minor: int, possible: bool
) -> None:
    conversion = replace(CONFIRMED, refunded_minor=refunded_minor)
    if possible:
        require_refundable(conversion, amount_minor)
        return
    with pytest.raises(InvalidFieldError) as refused:
        require_refundable(conversion, amount_minor)
    assert (refused.value.code, refused.value.pointer) == ("refund_exceeds_rest", "/amount_minor")


def test_what_was_rejected_cannot_be_refunded() -> None:
    with pytest.raises(ConflictError, match="nothing to refund"):
        require_refundable(REJECTED, 1)


def test_a_refund_is_known_by_its_own_id_in_its_one_form() -> None:
    assert refund_key(" Cafe\u0301 ") == refund_key("Café")
    assert refund_key("r-1") != refund_key("R-1")
    assert refund_key("r-1").startswith("refund#")


SALE, LEAD = Reward("sale", rate_bps=500), Reward("lead", rate_bps=100)
FLAT_USD = Reward("lead", amount_minor=250, currency="USD")
FLAT_ZWG = Reward("lead", amount_minor=6_500, currency="ZWG")


@pytest.mark.parametrize(
    ("event", "currency", "expected"),
    [
        ("sale", "USD", SALE),
        ("sale", "JPY", SALE),
        ("lead", "USD", FLAT_USD),
        ("lead", "ZWG", FLAT_ZWG),
        ("lead", "EUR", None),
    ],
)
def test_one_reward_matches_an_event_in_a_currency(
    event: str, currency: str, expected: Reward | None
) -> None:
    program = replace(PROGRAM, rewards=(SALE, FLAT_USD, FLAT_ZWG))
    assert reward_for(program, event, currency) == expected


@pytest.mark.parametrize(
    ("rewards", "tie"),
    [
        pytest.param((SALE, LEAD), None, id="two events"),
        pytest.param((FLAT_USD, FLAT_ZWG), None, id="two currencies"),
        pytest.param((SALE, LEAD, SALE), (0, 2), id="the same twice"),
        pytest.param((FLAT_USD, replace(FLAT_USD, amount_minor=1)), (0, 1), id="same currency"),
        pytest.param((LEAD, FLAT_USD), (0, 1), id="a percentage is for every currency"),
        pytest.param((FLAT_USD, LEAD), (0, 1), id="in either order"),
        pytest.param((), None, id="none at all"),
    ],
)
def test_two_rewards_that_could_both_match_are_a_tie(
    rewards: tuple[Reward, ...], tie: tuple[int, int] | None
) -> None:
    assert tied_rewards(rewards) == tie
