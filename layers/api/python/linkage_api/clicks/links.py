"""`/v1/links`: the links affiliates share."""

import os
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.clicks.links import Link
from linkage.flow.clicks import managing_links
from linkage.flow.clicks.managing_links import NewLink
from linkage_api.answers import created, listed, made
from linkage_api.bodies import Body, Id, RawText, Text, Time, read
from linkage_api.calls import PAGE, call

router = Router()

_LINKS_URL = os.environ["LINKS_URL"]


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
    body = read(LinkBody, asked.body)
    new = NewLink(
        program_id=body.program_id,
        destination_url=body.destination_url,
        sub=body.sub.model_dump(exclude_none=True) if body.sub else {},
        starts_at=body.starts_at,
        expires_at=body.expires_at,
    )
    request = asked.repeatable("POST /v1/links")
    done = managing_links.create_link(asked.key, body.affiliate_id, new, request)
    if done.replayed:
        return created(_view(done.thing), replayed=True)
    return made(_view(done.thing), done.warnings)


@router.get("/v1/links")
def index() -> Response[str]:
    """An affiliate's links, oldest first."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id", *PAGE))
    affiliate_id = asked.asked_for("affiliate_id")
    return listed(managing_links.links(asked.key, affiliate_id, *asked.page()), _view)


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
