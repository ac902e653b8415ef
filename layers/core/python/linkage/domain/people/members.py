"""Members: organisations and people, who sell, refer, or do both."""

import re
from dataclasses import dataclass, field

from linkage.domain.errors import InvalidFieldError

ROLES = ("affiliate", "vendor")
UPLINE_DEPTH_MAX = 10
"""Twice the levels that can be paid, so that levels find somebody when members are passed over."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
"""A phone number as it is stored: E.164."""
_PHONE_PUNCTUATION = re.compile(r"[\s().-]")


@dataclass(frozen=True)
class Split:
    """A fixed part of what a member earns that goes to another member, an employee for example."""

    member_id: str
    share_bps: int


@dataclass(frozen=True)
class Member:
    """A member as attribution, commissions and payouts see it; the counts are what it made.

    `confirmed_max_minor` is, by currency, the most that a vendor's confirmations of one UTC month
    may cost it, minor units; None for no limit. `payout_method_changed_by` is the key that last
    set the method or took it away, `payout_method_before` the one before that, masked; None while
    the first ever is there. `payout_destination` is by what others who are paid to the same place
    are found, as it is stored.
    """

    member_id: str
    name: str
    roles: tuple[str, ...]
    status: str
    created_at: str
    email: str | None = None
    phone: str | None = None
    sponsor_id: str | None = None
    upline: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    payout_method: dict[str, str] | None = None
    fingerprint: str | None = None
    splits: tuple[Split, ...] = ()
    programs_count: int = 0
    coupons_count: int = 0
    links_count: int = 0
    confirmed_max_minor: dict[str, int] | None = None
    payout_method_changed_at: str | None = None
    payout_method_changed_by: str | None = None
    payout_method_before: dict[str, str] | None = None
    payout_destination: str | None = field(default=None, compare=False)

    def has_role(self, role: str) -> bool:
        """Whether the member sells (`vendor`) or refers (`affiliate`)."""
        return role in self.roles


def upline_below(sponsor: Member) -> tuple[str, ...]:
    """The upline, nearest first, of whoever this sponsor brings: fixed at sign-up, ten deep."""
    return (sponsor.member_id, *sponsor.upline)[:UPLINE_DEPTH_MAX]


def normalised_email(value: str, pointer: str) -> str:
    """The e-mail address trimmed, in lower case; raises InvalidFieldError if it cannot be one."""
    address = value.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise InvalidFieldError(pointer, "Give an e-mail address such as tendai@example.com.")
    return address


def normalised_phone(value: str, pointer: str) -> str:
    """The phone number in E.164; raises InvalidFieldError without a country code."""
    if "(0)" in value:
        raise InvalidFieldError(pointer, "Leave the (0) out of the phone number.")
    number = _PHONE_PUNCTUATION.sub("", value)
    if not PHONE.fullmatch(number):
        raise InvalidFieldError(
            pointer, "Give the phone number with its country code, for example +263773047653."
        )
    return number


def is_suspended(vendor: Member | None) -> bool:
    """Whether a vendor's word moves nothing by itself: it is not approved when it is received."""
    return vendor is None or vendor.status != "approved"
