"""Money: integer minor units with an ISO 4217 code; the only module that divides it."""

from linkage.domain.errors import InvalidFieldError

MAX_AMOUNT_MINOR = 10**12
THOUSAND = 1000
WHOLE_BPS = 10_000

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
"""Decimal places of each currency in use (ISO 4217 of 2026-01-01, without funds and metals)."""


def checked_currency(code: object, pointer: str) -> str:
    """The currency code itself; raises InvalidFieldError unless it is an ISO 4217 code in use."""
    if code == "ZWL":
        raise InvalidFieldError(
            pointer,
            "ZWL left ISO 4217 in September 2024. Use ZWG (Zimbabwe Gold) or USD.",
            code="unknown_currency",
        )
    if not isinstance(code, str) or code not in EXPONENTS:
        raise InvalidFieldError(
            pointer,
            "Use an ISO 4217 currency code in capitals, for example USD or ZWG.",
            code="unknown_currency",
        )
    return code


def decimal_text(amount_minor: int, currency: str) -> str:
    """The amount as a person writes it, without the code: 137 USD is `1.37`, 137 JPY is `137`."""
    exponent = EXPONENTS[currency]
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(exponent + 1, "0")
    return sign + (f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits)


def minor_in(text: str, currency: str) -> int:
    """The amount that `decimal_text` writes so, minor units; raises ValueError for any other."""
    amount_minor = int(text.replace(".", "", 1))
    if currency not in EXPONENTS or decimal_text(amount_minor, currency) != text:
        raise ValueError(f"{text!r} is no amount in {currency}")
    return amount_minor


def amount_text(amount_minor: int, currency: str) -> str:
    """The amount with its code, for sentences: `1.37 USD`."""
    return f"{decimal_text(amount_minor, currency)} {currency}"


def half_up(amount_minor: int, numerator: int, denominator: int) -> int:
    """amount · numerator / denominator, rounded half up; all at least 0, denominator above 0."""
    return (2 * amount_minor * numerator + denominator) // (2 * denominator)


def share_half_up(amount_minor: int, rate_bps: int) -> int:
    """A direct commission's share of a sale, minor units, half up."""
    return half_up(amount_minor, rate_bps, WHOLE_BPS)


def thousandths_half_up(amount_minor: int, quantity: int) -> int:
    """What so many cost at an amount for each thousand, minor units, half up."""
    return half_up(amount_minor, quantity, THOUSAND)


def share_floor(amount_minor: int, rate_bps: int) -> int:
    """A fee's or an override's share of a direct commission, minor units, rounded down."""
    return amount_minor * rate_bps // WHOLE_BPS


def least_that_earns(amount_minor: int, sale_minor: int) -> int:
    """The least of a sale that must stand for something of an amount it earned to remain.

    Minor units; both above 0. The inverse of `remaining`.
    """
    return -(-sale_minor // (2 * amount_minor))


def remaining(amount_minor: int, sale_minor: int, refunded_minor: int) -> int:
    """What stays of an amount when part of its sale is refunded: half_up(D·(A-R)/A)."""
    if sale_minor == 0:
        return amount_minor
    return half_up(amount_minor, sale_minor - refunded_minor, sale_minor)


def percent(rate_bps: int) -> str:
    """A rate as a person writes it: 1250 is `12.5 %`."""
    return f"{rate_bps // 100}.{rate_bps % 100:02d}".rstrip("0").rstrip(".") + " %"
