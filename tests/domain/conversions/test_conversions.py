from dataclasses import replace

import pytest

from linkage.domain.conversions.conversions import (
    refund_key,
    require_confirmable,
    require_refundable,
    require_rejectable,
)
from linkage.domain.errors import ConflictError, InvalidFieldError
from tests.domain.examples import CONVERSION

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
