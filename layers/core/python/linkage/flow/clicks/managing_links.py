"""Managing links: an affiliate's, each made once for each Idempotency-Key."""

import hashlib
import os
from dataclasses import dataclass

from linkage.domain import clock, ids
from linkage.domain.clicks.destinations import checked_destination
from linkage.domain.clicks.links import (
    CODE_ALPHABET,
    CODE_LENGTH,
    SUBS_LARGEST_BYTES,
    Link,
    link_of,
    new_code,
)
from linkage.domain.errors import ConditionFailedError, InvalidFieldError, NotFoundError
from linkage.domain.ids import is_id
from linkage.domain.lists import Listed
from linkage.domain.outcomes import Made, Repeatable
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.terms.keyed_ids import link_causes, new_form
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.quotas import quota_of
from linkage.flow.people.acting import acting_member, require_approved, require_same
from linkage.tables.audit import put_record
from linkage.tables.links import list_links, no_link, put_link
from linkage.tables.members import count_one, get_member
from linkage.tables.programs import get_program
from linkage.tables.settings import current_settings

_ID_SECRET = os.environ["ID_SECRET"]


@dataclass(frozen=True)
class NewLink:
    """A link as it is asked for; without a destination it leads where its program says."""

    program_id: str
    destination_url: str | None
    sub: dict[str, str]
    starts_at: str | None
    expires_at: str | None


def create_link(
    by: Key, affiliate_id: str | None, asked: NewLink, request: Repeatable
) -> Made[Link]:
    """Makes a link of an approved affiliate to an approved vendor's program.

    `affiliate_id` is for operators. Raises InvalidFieldError, NotFoundError for the program, or
    ConflictError where somebody is not approved or a quota is reached.
    """
    _require_open_some_time(asked)
    affiliate = acting_member(by, "affiliate", affiliate_id)
    require_approved(affiliate, "affiliate")
    if not is_id(asked.program_id):
        raise NotFoundError("program")
    program = get_program(asked.program_id)
    vendor = get_member(program.vendor_id)
    require_approved(vendor, "vendor")
    url = program.destination_url if asked.destination_url is None else asked.destination_url
    _require_room(asked.sub)
    settings = current_settings()
    code, other_code = _codes(request, settings)
    link = Link(
        code=code,
        link_id=ids.created("lnk"),
        status="active",
        destination_url=checked_destination(url, vendor.hosts),
        program_id=program.program_id,
        vendor_id=vendor.member_id,
        affiliate_id=affiliate.member_id,
        sub=asked.sub,
        expires_at=asked.expires_at,
        starts_at=asked.starts_at,
    )
    quota = quota_of(affiliate, "links", settings)
    counted = count_one(affiliate.member_id, "links", quota.most)
    made_by = recorded(by, f"link#{link.code}", "link.created", None, link._asdict())
    elsewhere = [no_link(other_code)] if other_code else []
    try:
        put_link(link, vendor.hosts, request.fingerprint, counted, put_record(made_by), *elsewhere)
    except ConditionFailedError as failed:
        stored = failed.items.get(0) or failed.items.get(3)
        if stored is None:
            raise quota.reached() from None
        require_same(stored.get("fingerprint"), request.fingerprint)
        return Made(link_of(stored), replayed=True)
    return Made(link, warnings=tuple(quota.warnings()))


def links(by: Key, affiliate_id: str | None, limit: int, cursor: str | None) -> Listed[Link]:
    """An affiliate's links, oldest first."""
    affiliate = acting_member(by, "affiliate", affiliate_id)
    return list_links(affiliate.member_id, limit, cursor)


def _require_open_some_time(asked: NewLink) -> None:
    now = clock.text(clock.now())
    for what, begin in (("starts", asked.starts_at), ("is made", now)):
        if begin and asked.expires_at and asked.expires_at <= begin:
            raise InvalidFieldError(
                "/expires_at",
                f"The link would never be open: it ends, at {asked.expires_at}, no later than it "
                f"{what}, at {begin}. Write a later expires_at, or none for a link without an end.",
            )


def _require_room(sub: dict[str, str]) -> None:
    size = sum(len(value.encode()) for value in sub.values())
    if size > SUBS_LARGEST_BYTES:
        raise InvalidFieldError(
            "/sub",
            f"The sub-ids have {size} bytes together, and a click has room for "
            f"{SUBS_LARGEST_BYTES} (a Latin letter is one, others up to four). Shorten them.",
        )


def _codes(request: Repeatable, settings: NetworkSettings) -> tuple[str, str | None]:
    """The code of a new link, a random one; and for an Idempotency-Key always the same two.

    Of these the second is the form in which the same call may have made the link before.
    """
    if request.causes is None:
        return new_code(), None
    forms = link_causes(_ID_SECRET, *request.causes)
    form = new_form(forms, settings, _ID_SECRET, clock.now()).form
    other = forms.plain if form == forms.keyed else forms.keyed
    return _code_of(form), _code_of(other)


def _code_of(cause: str) -> str:
    number = int.from_bytes(hashlib.sha256(cause.encode()).digest())
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[number // base**place % base] for place in range(CODE_LENGTH))
