"""Coupons: codes that say whose a sale is without a click, on paper or by word of mouth."""

import re
from dataclasses import dataclass
from datetime import date

from linkage.domain.errors import InvalidFieldError

_CODE = re.compile(r"[A-Z0-9_-]{3,32}")


@dataclass(frozen=True)
class Coupon:
    """A vendor's code for one affiliate under one program.

    An exclusive one comes before every click, a shared one after. `starts_on` and `ends_on` are UTC
    dates, both inclusive; None is open.
    """

    vendor_id: str
    code: str
    program_id: str
    affiliate_id: str
    exclusive: bool
    starts_on: str | None
    ends_on: str | None
    paused: bool
    created_at: str
    fingerprint: str | None = None

    def objection(self, program_id: str, on: date) -> str | None:
        """Why the coupon does not count for a sale under this program on this UTC date, if so."""
        if self.program_id != program_id:
            return "the coupon is for another program"
        if self.paused:
            return "the coupon is paused"
        if self.starts_on and on.isoformat() < self.starts_on:
            return f"the coupon is not valid before {self.starts_on}"
        if self.ends_on and on.isoformat() > self.ends_on:
            return f"the coupon was not valid after {self.ends_on}"
        return None


@dataclass(frozen=True)
class NewCoupon:
    """A coupon as it is asked for; `fingerprint` is of all that was sent but whose it is."""

    code: str
    program_id: str
    affiliate_id: str
    exclusive: bool
    starts_on: str | None
    ends_on: str | None
    fingerprint: str


def require_dates_in_order(coupon: Coupon) -> None:
    """Raises InvalidFieldError for a coupon that ends before it starts."""
    if coupon.starts_on and coupon.ends_on and coupon.ends_on < coupon.starts_on:
        raise InvalidFieldError(
            "/ends_on",
            f"ends_on, {coupon.ends_on}, is before starts_on, {coupon.starts_on}: the coupon would "
            "never be valid. Exchange them.",
            code="dates_reversed",
        )


def normalised_code(value: str) -> str:
    """A code in the one form it is stored and looked up in: trimmed, in capitals."""
    return value.strip().upper()


def checked_code(value: str, pointer: str) -> str:
    """A new coupon's code, normalised; raises InvalidFieldError for what cannot be one."""
    code = normalised_code(value)
    if not _CODE.fullmatch(code):
        raise InvalidFieldError(
            pointer, "A coupon code has 3 to 32 letters A to Z, digits, hyphens and underscores."
        )
    return code
