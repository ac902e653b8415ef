from datetime import date

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.coupons import Coupon, checked_code, normalised_code

COUPON = Coupon(
    "mem_shop", "ROOF-10", "prg_1", "mem_ann", False, "2026-11-01", "2026-11-30", False, "now"
)


@pytest.mark.parametrize("sent", ["roof-10", " Roof-10 ", "ROOF-10"])
def test_a_code_is_the_same_in_any_case(sent: str) -> None:
    assert normalised_code(sent) == checked_code(sent, "/code") == "ROOF-10"


@pytest.mark.parametrize("code", ["ab", "A" * 33, "ROOF 10", "ROOF%10", "ДАЧА", "", "A\n10"])
def test_a_new_code_is_of_characters_that_can_be_said_and_printed(code: str) -> None:
    with pytest.raises(InvalidFieldError, match="3 to 32") as refused:
        checked_code(code, "/code")
    assert refused.value.pointer == "/code"


@pytest.mark.parametrize(
    ("program_id", "on", "objection"),
    [
        ("prg_1", "2026-11-01", None),
        ("prg_1", "2026-11-30", None),
        ("prg_1", "2026-10-31", "the coupon is not valid before 2026-11-01"),
        ("prg_1", "2026-12-01", "the coupon was not valid after 2026-11-30"),
        ("prg_2", "2026-11-15", "the coupon is for another program"),
    ],
)
def test_a_coupon_is_of_one_program_from_its_first_day_to_its_last(
    program_id: str, on: str, objection: str | None
) -> None:
    assert COUPON.objection(program_id, date.fromisoformat(on)) == objection
