"""What a cell says: an amount of money, a currency, a moment. Nothing is rounded or guessed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, available_timezones

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import EXPONENTS, MAX_AMOUNT_MINOR, checked_currency
from linkage_cli.errors import CommandError

NOON = time(12)
"""When an order of a date alone happened: in UTC that is on this date in nearly every zone."""

_SPACES = " \u00a0\u202f\u2009"
_DOLLARS = "USD AUD BBD BMD BND BSD BZD CAD CLP COP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD"
SIGNS: dict[str, frozenset[str]] = {
    "$": frozenset(f"{_DOLLARS} TTD TWD XCD ARS CUP DOP UYU ZWG".split()),
    "US$": frozenset({"USD"}),
    "A$": frozenset({"AUD"}),
    "C$": frozenset({"CAD", "NIO"}),
    "CA$": frozenset({"CAD"}),
    "NZ$": frozenset({"NZD"}),
    "HK$": frozenset({"HKD"}),
    "S$": frozenset({"SGD"}),
    "R$": frozenset({"BRL"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP", "EGP", "FKP", "GIP", "SHP", "SSP", "SYP", "LBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
    "৳": frozenset({"BDT"}),
    "₦": frozenset({"NGN"}),
    "₵": frozenset({"GHS"}),
    "GH₵": frozenset({"GHS"}),
    "₱": frozenset({"PHP"}),
    "₫": frozenset({"VND"}),
    "₩": frozenset({"KRW", "KPW"}),
    "₺": frozenset({"TRY"}),
    "₴": frozenset({"UAH"}),
    "฿": frozenset({"THB"}),
    "zł": frozenset({"PLN"}),
    "R": frozenset({"ZAR"}),
    "P": frozenset({"BWP"}),
    "K": frozenset({"ZMW", "MWK", "PGK"}),
    "KSh": frozenset({"KES"}),
    "TSh": frozenset({"TZS"}),
    "USh": frozenset({"UGX"}),
    "MT": frozenset({"MZN"}),
    "ZiG": frozenset({"ZWG"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
}
"""The signs that shops put before or behind an amount, and the currencies each may stand for."""
_NUMBER = re.compile(
    r"(?P<before>[^\d.,'()+-]*)(?P<digits>[\d.,' \u00a0\u202f\u2009]+)(?P<after>\D*)"
)


class Amounts(StrEnum):
    """How a file writes money: 12.50, or 1250."""

    decimal = "decimal"
    minor = "minor"


class DateOrder(StrEnum):
    """What a date such as 02/11/2026 begins with."""

    day = "day"
    month = "month"


@dataclass(frozen=True)
class Marks:
    """How a file's numbers are written: the decimal mark, and what may part the thousands."""

    decimal: str = "."
    thousands: str | None = None


@dataclass(frozen=True)
class Dates:
    """How a file's moments are written: `zone` is of those that name none."""

    zone: tzinfo | None = None
    order: DateOrder | None = None


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name; raises CommandError."""
    if name not in available_timezones() or name in {"localtime", "Factory"}:
        raise CommandError(
            f"--date-zone {name!r} is no time zone. Use an IANA name, for example Africa/Harare."
        )
    return ZoneInfo(name)


def marks_of(decimal: str, thousands: str | None) -> Marks:
    """The marks of two options; raises CommandError for what can be no mark."""
    if decimal not in {".", ","}:
        raise CommandError(f"--decimal-mark {decimal!r} must be a point or a comma.")
    if thousands is not None and thousands not in {",", ".", "'", " "}:
        raise CommandError(
            f"--thousands-mark {thousands!r} must be a comma, a point, an apostrophe or a space."
        )
    if thousands == decimal:
        raise CommandError("--decimal-mark and --thousands-mark must differ.")
    return Marks(decimal, thousands)


def currency_in(text: str) -> str:
    """The ISO 4217 code in a cell, in capitals; raises ValueError with a sentence."""
    try:
        return checked_currency(text.upper(), "")
    except InvalidFieldError as error:
        raise ValueError(f"{text!r} is no currency. {error.detail}") from error


def signed_minor_units(
    text: str, amounts: Amounts, currency: str, marks: Marks | None = None
) -> int:
    """An amount in minor units, below 0 with a minus or in parentheses, never rounded.

    A sign or code of its currency may stand beside it. Raises ValueError with a sentence.
    """
    marks = marks or Marks()
    negative, bare = _unsigned(text)
    found = _NUMBER.fullmatch(bare)
    if found is None:
        raise ValueError(_no_amount(text, marks))
    for beside in (found["before"].strip(), found["after"].strip()):
        _require_sign_of(beside, currency, text)
    whole, decimals = _digits(found["digits"].strip(_SPACES), text, marks)
    exponent = EXPONENTS[currency] if amounts is Amounts.decimal else 0
    decimals = decimals.rstrip("0")
    if len(decimals) > exponent:
        unit = currency if amounts is Amounts.decimal else "an amount in minor units"
        raise ValueError(f"{text} has {len(decimals)} decimals; {unit} has {exponent or 'none'}.")
    amount_minor = int(whole + decimals.ljust(exponent, "0") or "0")
    if amount_minor > MAX_AMOUNT_MINOR:
        raise ValueError(f"{text} {currency} is more than an order can come to.")
    return -amount_minor if negative else amount_minor


def _unsigned(text: str) -> tuple[bool, str]:
    """Whether it is below 0, and the text without its minus or parentheses."""
    if text.startswith("(") and text.endswith(")"):
        return True, text[1:-1].strip()
    head, minus, tail = text.replace("\u2212", "-").partition("-")
    if minus and not any(letter.isdigit() for letter in head):
        return True, f"{head}{tail}".strip()
    return False, text.strip()


def _require_sign_of(sign: str, currency: str, text: str) -> None:
    if not sign or sign.upper() == currency or currency in SIGNS.get(sign, ()):
        return
    if sign in SIGNS or sign.upper() in EXPONENTS:
        raise ValueError(f"{text!r} is not in {currency}. Say the currency it is in.")
    raise ValueError(f"{text!r} is no amount. Write only digits and a decimal point: 12.50.")


def _digits(number: str, text: str, marks: Marks) -> tuple[str, str]:
    """The digits before and behind the decimal mark; raises ValueError with a sentence."""
    whole, _, decimals = number.partition(marks.decimal)
    if marks.thousands:
        parts = re.split(
            f"[{_SPACES}]" if marks.thousands == " " else re.escape(marks.thousands), whole
        )
        if len(parts) > 1 and not _are_thousands(parts):
            raise ValueError(_no_amount(text, marks))
        whole = "".join(parts)
    both = f"{whole}{decimals}"
    if not both.isascii() or not both.isdigit():
        raise ValueError(_no_amount(text, marks))
    return whole, decimals


def _are_thousands(parts: Iterable[str]) -> bool:
    """Whether digits are parted as thousands are, or as lakhs: 1,250 and 12,34,567."""
    first, *middle, last = parts
    return 1 <= len(first) <= 3 and len(last) == 3 and all(len(each) in {2, 3} for each in middle)


def _no_amount(text: str, marks: Marks) -> str:
    if marks.decimal == "." and "," in text:
        hint = "If its comma parts thousands, add --thousands-mark ,"
        hint += " and if it is a decimal comma, --decimal-mark ,"
        return f"{text!r} is no amount. Write only digits and a decimal point: 12.50. {hint}"
    return (
        f"{text!r} is no amount. Write only digits and a decimal "
        f"{'point, for example 12.50.' if marks.decimal == '.' else 'comma, for example 12,50.'}"
    )


_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(.*)", re.ASCII | re.DOTALL)
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ]+(?P<hour>\d{1,2})(?P<rest>:\d\d(?::\d\d(?:\.\d{1,9})?)?)"
    r"(?: ?(?P<half>[AP]M))? ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)


def possible_orders(text: str) -> set[DateOrder]:
    """With which orders of day and month a cell is a date; none if it does not ask for one."""
    found = _SLASHED.fullmatch(text)
    if found is None:
        return set()
    first, second = int(found[1]), int(found[2])
    fits = {DateOrder.day: (first, second), DateOrder.month: (second, first)}
    return {o for o, (day, month) in fits.items() if 1 <= day <= 31 and 1 <= month <= 12}


def moment(text: str, dates: Dates | None = None) -> str:
    """A date, meaning its noon, or a time, as the API takes it; raises ValueError with a sentence.

    What names no zone is in the one of `dates`; a date without one is meant in UTC.
    """
    if not text:
        raise ValueError("The order has no date.")
    dates = dates or Dates()
    try:
        found = _moment(_year_first(text, dates))
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a date such as 2026-11-21 nor a time with its zone such as "
            f"2026-11-21T09:12:00+02:00."
        ) from None
    if not isinstance(found, datetime):
        return clock.text(datetime.combine(found, NOON, dates.zone or UTC))
    if found.tzinfo is None and dates.zone is None:
        raise ValueError(
            f"{text!r} is a time without its zone. Say where it is meant, for example --date-zone "
            "Africa/Harare."
        )
    return clock.text(found if found.tzinfo else found.replace(tzinfo=dates.zone))


def _moment(text: str) -> date | datetime:
    """A date, or a time with or without its zone; raises ValueError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass  # it may be a time
    found = _TIME.fullmatch(text)
    if found is None:
        return datetime.fromisoformat(text)
    clocked = time.fromisoformat(found["hour"].rjust(2, "0") + found["rest"])
    if found["half"]:
        clocked = _of_half_day(clocked, found["half"])
    return datetime.combine(date.fromisoformat(found["date"]), clocked, _zone(found["zone"]))


def _of_half_day(clocked: time, half: str) -> time:
    if not 1 <= clocked.hour <= 12:
        raise ValueError(clocked)
    return clocked.replace(hour=clocked.hour % 12 + (12 if half.upper() == "PM" else 0))


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    return datetime.strptime(text, "%z").tzinfo


def _year_first(text: str, dates: Dates) -> str:
    found = _SLASHED.fullmatch(text)
    if found is None or dates.order is None:
        return text
    first, second = found[1].rjust(2, "0"), found[2].rjust(2, "0")
    day, month = (first, second) if dates.order is DateOrder.day else (second, first)
    return f"{found[3]}-{month}-{day}{found[4]}"
