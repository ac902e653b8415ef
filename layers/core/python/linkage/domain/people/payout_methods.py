"""How an affiliate is paid: where the money goes, and how long a change of that rests."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from linkage.domain import clock
from linkage.domain.ids import digest
from linkage.domain.people import audit
from linkage.domain.people.members import Member

type Method = Mapping[str, str]

_MASKED = ("account", "phone")


def account_of(method: Method) -> str:
    """Where the money goes as the payout file says it: a number or an account, empty if by hand."""
    if method["type"] != "bank" and "phone" in method:
        return method["phone"]
    return method.get("account", "")


def destination(method: Method | None) -> str | None:
    """What two methods have in common that pay to one place, however it is spelt; None if nowhere.

    Letters and digits alone, in capitals, without zeros in front: the same number with another
    bank is taken for the same, since its name is free text.
    """
    if method is None:
        return None
    plain = unicodedata.normalize("NFKC", account_of(method)).upper()
    kept = "".join(_digit(each) for each in plain if each.isalnum())
    return digest("destination", kept.lstrip("0")) if kept.lstrip("0") else None


def _digit(character: str) -> str:
    """A digit of any script as the one of ours."""
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)


def masked(method: Method) -> dict[str, str]:
    """The method with so much of its number or account that who knows it knows it again."""
    return {name: audit.masked(text) if name in _MASKED else text for name, text in method.items()}


def changed(member: Member, method: dict[str, str] | None, at: str, by: str) -> dict[str, Any]:
    """The member's fields that become others when a key sets this method, None to take it away.

    The same one again is no change. What was there is kept, masked, and is there from then on.
    """
    if method == member.payout_method:
        return {}
    fields: dict[str, Any] = {
        "payout_method": method,
        "payout_method_changed_at": at,
        "payout_method_changed_by": by,
    }
    if member.payout_method is not None:
        fields["payout_method_before"] = masked(member.payout_method)
    return fields


def rests_until(member: Member, rest_hours: int) -> str | None:
    """Until when nothing is paid by a method that was changed; None where it never was.

    The first method ever is no change. One that is set after another was taken away is.
    """
    if member.payout_method_before is None or member.payout_method_changed_at is None:
        return None
    until = clock.instant(member.payout_method_changed_at) + timedelta(hours=rest_hours)
    return clock.text(until)


def no_longer_payable(member: Member | None, rest_hours: int, moment: datetime) -> str | None:
    """Why a member cannot be paid at this moment whatever it is owed; None if it can."""
    if member is None:
        return "there is no such member any more"
    if member.status != "approved":
        return f"the affiliate is {member.status}, not approved"
    if member.payout_method is None:
        return "the affiliate has no payout method"
    until = rests_until(member, rest_hours)
    if until is not None and clock.text(moment) < until:
        return f"the payout method was changed and rests until {until}"
    return None
