from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import (
    EXPONENTS,
    MAX_AMOUNT_MINOR,
    amount_text,
    checked_currency,
    decimal_text,
    half_up,
    minor_in,
    remaining,
    share_floor,
    share_half_up,
)
from tests import oracle

AMOUNTS = st.integers(0, MAX_AMOUNT_MINOR)
RATES_BPS = st.integers(0, 10_000)
exact = settings(deadline=None, derandomize=True, max_examples=300)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        pytest.param(137, "USD", "1.37", id="two places"),
        pytest.param(5, "USD", "0.05", id="less than one unit keeps its zeroes"),
        pytest.param(0, "USD", "0.00", id="nothing"),
        pytest.param(-5, "USD", "-0.05", id="a small debt keeps its sign"),
        pytest.param(-12_345, "ZWG", "-123.45", id="Zimbabwe Gold has two places"),
        pytest.param(137, "JPY", "137", id="the yen has none"),
        pytest.param(-1, "JPY", "-1", id="a yen owed"),
        pytest.param(137, "BHD", "0.137", id="the Bahraini dinar has three"),
        pytest.param(10**12, "BHD", "1000000000.000", id="the greatest amount"),
    ],
)
def test_an_amount_is_written_with_its_currencys_places(
    amount_minor: int, currency: str, text: str
) -> None:
    assert decimal_text(amount_minor, currency) == text
    assert amount_text(amount_minor, currency) == f"{text} {currency}"


@exact
@given(st.integers(-(10**13), 10**13), st.sampled_from(sorted(EXPONENTS)))
def test_a_written_amount_is_the_amount(amount_minor: int, currency: str) -> None:
    assert Fraction(decimal_text(amount_minor, currency)) == Fraction(
        amount_minor, 10 ** EXPONENTS[currency]
    )
    assert minor_in(decimal_text(amount_minor, currency), currency) == amount_minor


@pytest.mark.parametrize("text", ["1", "1.3", "1.370", "01.37", "1,37", " 1.37", "+1.37", "", "x"])
def test_a_text_that_no_amount_is_written_as_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|invalid literal"):
        minor_in(text, "USD")


@pytest.mark.parametrize(
    "code", ["usd", "US", "USDT", "XXX", "XAU", "", " USD", 840, None, ["USD"]]
)
def test_what_is_not_an_iso_code_in_use_is_refused(code: object) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        checked_currency(code, "/currency")
    assert refused.value.code == "unknown_currency"
    assert refused.value.pointer == "/currency"
    assert "ISO 4217" in refused.value.detail


def test_the_old_zimbabwe_dollar_is_told_its_successor() -> None:
    with pytest.raises(InvalidFieldError, match="Use ZWG") as refused:
        checked_currency("ZWL", "/currency")
    assert refused.value.code == "unknown_currency"


def test_each_code_has_three_capitals_and_at_most_three_places() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in EXPONENTS)
    assert set(EXPONENTS.values()) == {0, 2, 3}
    assert [EXPONENTS[code] for code in ("USD", "ZWG", "JPY", "BHD")] == [2, 2, 0, 3]


@pytest.mark.parametrize(
    ("amount_minor", "rate_bps", "nearest", "down"),
    [
        pytest.param(10_000, 500, 500, 500, id="exact"),
        pytest.param(10, 500, 1, 0, id="a half goes up"),
        pytest.param(30, 500, 2, 1, id="a half goes up, not to even"),
        pytest.param(50, 500, 3, 2, id="also where up is odd"),
        pytest.param(9, 500, 0, 0, id="under a half goes down"),
        pytest.param(11, 500, 1, 0, id="over a half goes up"),
        pytest.param(1, 4999, 0, 0, id="one basis point under a half"),
        pytest.param(1, 5000, 1, 0, id="half of one"),
        pytest.param(1, 10_000, 1, 1, id="all of one"),
        pytest.param(0, 10_000, 0, 0, id="all of nothing"),
        pytest.param(10**12, 0, 0, 0, id="nothing of much"),
        pytest.param(10**12 - 1, 3333, 333_300_000_000, 333_299_999_999, id="no float holds this"),
    ],
)
def test_a_direct_share_rounds_half_up_and_the_others_down(
    amount_minor: int, rate_bps: int, nearest: int, down: int
) -> None:
    assert share_half_up(amount_minor, rate_bps) == nearest
    assert share_floor(amount_minor, rate_bps) == down


@exact
@given(AMOUNTS, RATES_BPS)
def test_shares_are_the_exact_fraction_rounded(amount_minor: int, rate_bps: int) -> None:
    share = Fraction(amount_minor * rate_bps, 10_000)
    assert share_half_up(amount_minor, rate_bps) == oracle.rounded_half_up(share)
    assert share_floor(amount_minor, rate_bps) == share.numerator // share.denominator
    assert share_floor(amount_minor, rate_bps) <= share_half_up(amount_minor, rate_bps)


@exact
@given(AMOUNTS, st.integers(0, 10**6), st.integers(1, 10**6))
def test_half_up_is_the_exact_fraction_rounded(
    amount: int, numerator: int, denominator: int
) -> None:
    value = Fraction(amount * numerator, denominator)
    assert half_up(amount, numerator, denominator) == oracle.rounded_half_up(value)


@exact
@given(AMOUNTS, st.integers(1, MAX_AMOUNT_MINOR), st.data())
def test_what_remains_falls_from_all_to_nothing(
    direct_minor: int, sale_minor: int, data: st.DataObject
) -> None:
    earlier = data.draw(st.integers(0, sale_minor))
    later = data.draw(st.integers(earlier, sale_minor))
    assert remaining(direct_minor, sale_minor, 0) == direct_minor
    assert remaining(direct_minor, sale_minor, sale_minor) == 0
    assert remaining(direct_minor, sale_minor, earlier) >= remaining(
        direct_minor, sale_minor, later
    )


def test_a_flat_reward_for_a_free_lead_remains_whole() -> None:
    assert remaining(250, 0, 0) == 250
