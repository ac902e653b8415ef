from dataclasses import replace
from datetime import timedelta

import pytest

from linkage.domain import clock
from linkage.domain.people.members import Member
from linkage.domain.people.payout_methods import (
    changed,
    destination,
    masked,
    no_longer_payable,
    rests_until,
)
from tests.domain.examples import MEMBER, NOW

PHONE = {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"}
AT = clock.text(NOW)


def bank(account: str, **more: str) -> dict[str, str]:
    return {"type": "bank", "account": account, **more}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(PHONE, {**PHONE, "provider": "OneMoney"}, id="another provider"),
        pytest.param(PHONE, bank("263 773 047 653"), id="a phone as an account"),
        pytest.param(bank("0012345"), bank("12345"), id="zeros in front"),
        pytest.param(bank("gb29 nwbk-6016"), bank("GB29NWBK6016"), id="letters and punctuation"),
        pytest.param(bank("12345678"), bank("１２３４５６７８"), id="full width"),
        pytest.param(bank("12345678"), bank("١٢٣٤٥٦٧٨"), id="Arabic digits"),
        pytest.param(bank("12345678"), bank("12\u200b34\u00ad5678"), id="what is not seen"),
        pytest.param(PHONE, {"type": "manual", "phone": PHONE["phone"]}, id="by hand"),
    ],
)
def test_two_methods_that_pay_to_one_place_have_one_destination(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert destination(one) == destination(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PHONE, {**PHONE, "phone": "+263773047654"}),
        (bank("12345678"), bank("12345679")),
        (bank("A1"), bank("B1")),
    ],
)
def test_others_have_others(one: dict[str, str], other: dict[str, str]) -> None:
    assert destination(one) != destination(other)


@pytest.mark.parametrize("method", [None, {"type": "manual"}, bank("-.-"), bank("000")])
def test_what_leads_nowhere_has_none(method: dict[str, str] | None) -> None:
    assert destination(method) is None


def test_a_masked_method_has_the_end_of_its_number_alone() -> None:
    assert masked(PHONE) == PHONE | {"phone": "…7653"}
    assert masked(bank("123", name="Moyo")) == {"type": "bank", "account": "…", "name": "Moyo"}


NEVER = replace(MEMBER, payout_method=None)
SET_ONCE = replace(NEVER, **changed(NEVER, PHONE, AT, "key_1"))
MOVED = replace(SET_ONCE, **changed(SET_ONCE, bank("12345678"), AT, "key_2"))
GONE = replace(SET_ONCE, **changed(SET_ONCE, None, AT, "key_2"))
BACK = replace(GONE, **changed(GONE, PHONE, AT, "key_2"))


@pytest.mark.parametrize(
    ("member", "rests"),
    [
        pytest.param(NEVER, False, id="never any"),
        pytest.param(MEMBER, False, id="one from before changes were kept"),
        pytest.param(SET_ONCE, False, id="the first"),
        pytest.param(MOVED, True, id="another"),
        pytest.param(BACK, True, id="the first again after none"),
        pytest.param(
            replace(MEMBER, **changed(MEMBER, bank("1"), AT, "key_2")),
            True,
            id="another than one from before changes were kept",
        ),
    ],
)
def test_a_method_rests_once_it_is_another_than_the_first(member: Member, rests: bool) -> None:
    until = "2026-11-24T09:12:00.123Z" if rests else None
    assert rests_until(member, 72) == until
    before_the_end = NOW + timedelta(hours=72, milliseconds=-1)
    why = no_longer_payable(member, 72, before_the_end)
    assert (why is not None) == (rests or member.payout_method is None)
    at_the_end = no_longer_payable(member, 72, NOW + timedelta(hours=72))
    assert (at_the_end is not None) == (member.payout_method is None)


def test_the_same_method_again_changes_nothing() -> None:
    assert changed(MEMBER, MEMBER.payout_method, AT, "key_1") == {}
    assert changed(NEVER, None, AT, "key_1") == {}


def test_a_change_says_when_by_whom_and_what_was_there() -> None:
    assert (MOVED.payout_method_changed_at, MOVED.payout_method_changed_by) == (AT, "key_2")
    assert MOVED.payout_method_before == PHONE | {"phone": "…7653"}
    assert BACK.payout_method_before == PHONE | {"phone": "…7653"}
    assert SET_ONCE.payout_method_changed_by == "key_1"
