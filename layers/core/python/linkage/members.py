"""Members: organisations and people, who sell, refer, or do both."""

import re
from dataclasses import dataclass, field

from linkage.errors import InvalidFieldError

ROLES = ("affiliate", "vendor")
UPLINE_DEPTH_MAX = 5

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
_PHONE_PUNCTUATION = re.compile(r"[\s().-]")


@dataclass(frozen=True)
class Member:
    """A member as attribution, commissions and payouts see it."""

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

    def has_role(self, role: str) -> bool:
        """Whether the member sells (`vendor`) or refers (`affiliate`)."""
        return role in self.roles


@dataclass(frozen=True)
class Standing:
    """What a fact saw of one member when it was accepted."""

    member_id: str
    status: str


@dataclass(frozen=True)
class Seen:
    """What a postable fact saw when it was accepted; posting reads nothing newer."""

    affiliate: Standing | None
    upline: tuple[Standing, ...] = field(default=())


def upline_below(sponsor: Member) -> tuple[str, ...]:
    """The upline, nearest first, of whoever this sponsor brings: fixed at sign-up, five deep."""
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
    if not _PHONE.fullmatch(number):
        raise InvalidFieldError(
            pointer, "Give the phone number with its country code, for example +263773047653."
        )
    return number
