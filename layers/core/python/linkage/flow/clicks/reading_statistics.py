"""Reading click statistics: whose clicks a caller may count, and their counts day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from linkage.domain import clock
from linkage.domain.clicks.click_packs import NETWORK
from linkage.domain.clicks.links import is_code
from linkage.domain.clicks.statistics import Counts
from linkage.domain.errors import InvalidFieldError, NotFoundError
from linkage.domain.ids import is_id
from linkage.domain.people.api_keys import Key
from linkage.flow.clicks.click_days import complete_until, counts_of_days, states_of_days
from linkage.tables.links import find_link
from linkage.tables.members import find_member
from linkage.tables.programs import get_program

BY = {
    "affiliate": ("affiliate", "link"),
    "vendor": ("vendor", "program", "link"),
    "operator": (NETWORK, "vendor", "affiliate", "program", "link"),
}
"""What each role may ask by; the first is what it gets unless it says otherwise."""


@dataclass(frozen=True)
class ClickCounts:
    """The counts of each UTC day asked for, in order, and the first day that may still change.

    `id` is whose they are, None for the network.
    """

    id: str | None
    days: Mapping[date, Counts]
    complete_until: date


def clicks_of(caller: Key, by: str, named: str | None, first: date, last: date) -> ClickCounts:
    """The counts of a link, program, affiliate or vendor, or of the network, from first to last.

    `by` is one of the caller's role's (`BY`), `named` whose, where that is not the caller. Raises
    NotFoundError for what is not the caller's, and InvalidFieldError at `/id`.
    """
    id_ = _own_id(caller, by, named)
    today = clock.day(clock.now())
    states = states_of_days(today)
    days = counts_of_days(f"{by}#{id_}" if id_ else by, first, last, states, today)
    return ClickCounts(id_, days, complete_until(states, today))


def _own_id(caller: Key, by: str, named: str | None) -> str | None:
    """The id to count for, None for the network; raises NotFoundError for what is not theirs."""
    if by == NETWORK:
        if named is not None:
            raise InvalidFieldError("/id", "The network has no id. Leave id out.")
        return None
    if by == caller.role:
        if named not in {None, caller.member_id}:
            raise NotFoundError(by)
        return caller.member_id
    if named is None:
        raise InvalidFieldError("/id", f"id is required: {_ID_OF[by]}")
    if by == "link":
        return _link(caller, named)
    return _program(caller, named) if by == "program" else _member(by, named)


_ID_OF = {
    "link": "the code of the link, which is the end of its address.",
    "program": "the id of the program (prg_…).",
    "affiliate": "the id of the affiliate (mem_…).",
    "vendor": "the id of the vendor (mem_…).",
}


def _link(caller: Key, code: str) -> str:
    if code.startswith("lnk_"):
        raise InvalidFieldError("/id", f"That is the id of a link. Give {_ID_OF['link']}")
    link = find_link(code) if is_code(code) else None
    if link is None:
        raise NotFoundError("link")
    owner_id = link.vendor_id if caller.role == "vendor" else link.affiliate_id
    if caller.role != "operator" and owner_id != caller.member_id:
        raise NotFoundError("link")
    return code


def _program(caller: Key, program_id: str) -> str:
    if not is_id(program_id):
        raise NotFoundError("program")
    program = get_program(program_id)
    if caller.role != "operator" and program.vendor_id != caller.member_id:
        raise NotFoundError("program")
    return program_id


def _member(role: str, member_id: str) -> str:
    member = find_member(member_id) if is_id(member_id) else None
    if member is None or not member.has_role(role):
        raise NotFoundError(role)
    return member_id
