"""`/v1/links`: the links affiliates share."""

import hashlib
import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

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
from linkage.domain.people.audit import recorded
from linkage.domain.terms.keyed_ids import link_causes, new_form
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.quotas import quota_of
from linkage.edge.http import is_id
from linkage.tables.audit import put_record
from linkage.tables.links import list_links, no_link, put_link
from linkage.tables.members import count_one, get_member
from linkage.tables.programs import get_program
from linkage.tables.settings import current_settings
from linkage_api.answers import created, listed, made
from linkage_api.bodies import Body, Id, RawText, Text, Time, read
from linkage_api.calls import PAGE, Call, acting_member, call, require_same
from linkage_api.terms.programs import require_approved

router = Router()

_LINKS_URL = os.environ["LINKS_URL"]
_ID_SECRET = os.environ["ID_SECRET"]


class SubBody(Body):
    """An affiliate's own notes on a link, kept with each click."""

    sub1: Text | None = None
    sub2: Text | None = None
    sub3: Text | None = None
    sub4: Text | None = None
    sub5: Text | None = None


class LinkBody(Body):
    """A new link, open from `starts_at` until `expires_at`; `affiliate_id` is for operators."""

    affiliate_id: Id | None = None
    program_id: Id
    destination_url: RawText | None = None
    sub: SubBody | None = None
    starts_at: Time | None = None
    expires_at: Time | None = None


@router.post("/v1/links")
def create() -> Response[str]:
    """Makes a link of an approved affiliate to an approved vendor's program."""
    asked = call(router, "affiliate", "operator", has_body=True)
    body, sent = read(LinkBody, asked.body), ids.fingerprint(asked.body)
    _require_open_some_time(body)
    affiliate = acting_member(asked, "affiliate", body.affiliate_id)
    require_approved(affiliate, "affiliate")
    if not is_id(body.program_id):
        raise NotFoundError("program")
    program = get_program(body.program_id)
    vendor = get_member(program.vendor_id)
    require_approved(vendor, "vendor")
    destination_url = (
        program.destination_url if body.destination_url is None else body.destination_url
    )
    sub = body.sub.model_dump(exclude_none=True) if body.sub else {}
    _require_room(sub)
    settings = current_settings()
    code, other_code = _codes(asked, settings)
    link = Link(
        code=code,
        link_id=ids.created("lnk"),
        status="active",
        destination_url=checked_destination(destination_url, vendor.hosts),
        program_id=program.program_id,
        vendor_id=vendor.member_id,
        affiliate_id=affiliate.member_id,
        sub=sub,
        expires_at=body.expires_at,
        starts_at=body.starts_at,
    )
    quota = quota_of(affiliate, "links", settings)
    counted = count_one(affiliate.member_id, "links", quota.most)
    made_by = recorded(asked.key, f"link#{link.code}", "link.created", None, link._asdict())
    elsewhere = [no_link(other_code)] if other_code else []
    try:
        put_link(link, vendor.hosts, sent, counted, put_record(made_by), *elsewhere)
    except ConditionFailedError as failed:
        stored = failed.items.get(0) or failed.items.get(3)
        if stored is None:
            raise quota.reached() from None
        require_same(stored.get("fingerprint"), sent)
        return created(_view(link_of(stored)), replayed=True)
    return made(_view(link), quota.warnings())


def _require_open_some_time(body: LinkBody) -> None:
    now = clock.text(clock.now())
    for what, begin in (("starts", body.starts_at), ("is made", now)):
        if begin and body.expires_at and body.expires_at <= begin:
            raise InvalidFieldError(
                "/expires_at",
                f"The link would never be open: it ends, at {body.expires_at}, no later than it "
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


def _codes(asked: Call, settings: NetworkSettings) -> tuple[str, str | None]:
    """The code of a new link, a random one; and for an Idempotency-Key always the same two.

    Of these the second is the form in which the same call may have made the link before.
    """
    causes = asked.causes("POST /v1/links")
    if causes is None:
        return new_code(), None
    forms = link_causes(_ID_SECRET, *causes)
    form = new_form(forms, settings, _ID_SECRET, clock.now()).form
    other = forms.plain if form == forms.keyed else forms.keyed
    return _code_of(form), _code_of(other)


def _code_of(cause: str) -> str:
    number = int.from_bytes(hashlib.sha256(cause.encode()).digest())
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[number // base**place % base] for place in range(CODE_LENGTH))


@router.get("/v1/links")
def index() -> Response[str]:
    """An affiliate's links, oldest first."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id", *PAGE))
    affiliate = acting_member(asked, "affiliate", asked.asked_for("affiliate_id"))
    limit, cursor = asked.page()
    return listed(list_links(affiliate.member_id, limit, cursor), _view)


def _view(link: Link) -> dict[str, Any]:
    return {
        "id": link.link_id,
        "code": link.code,
        "url": f"{_LINKS_URL}/{link.code}",
        "status": link.status,
        "program_id": link.program_id,
        "vendor_id": link.vendor_id,
        "affiliate_id": link.affiliate_id,
        "destination_url": link.destination_url,
        "sub": dict(link.sub),
        "starts_at": link.starts_at,
        "expires_at": link.expires_at,
    }
