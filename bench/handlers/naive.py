"""A redirect as tutorials show one: a resolver, a logger, and an SDK's resource."""

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

logger = Logger(level="INFO")
app = APIGatewayHttpResolver()
dynamodb = boto3.resource("dynamodb")
links, clicks = (dynamodb.Table(os.environ[name]) for name in ("LINKS_TABLE", "CLICKS_TABLE"))


@app.get("/<code>")
def redirect(code: str) -> Response[str]:
    """Answers `GET /{code}`."""
    link = links.get_item(Key={"code": code}).get("Item")
    if link is None or link["status"] != "active":
        return Response(404, body="There is no such link.")
    now, http = datetime.now(UTC), app.current_event.request_context.http
    visitor = f"{os.environ['HASH_SECRET']}{now:%Y-%m-%d}{http.source_ip}{http.user_agent}"
    click_id = f"clk_{uuid.uuid4().hex}"
    own = ("code", "link_id", "program_id", "vendor_id", "affiliate_id", "sub")
    clicks.put_item(
        Item={name: link[name] for name in own}
        | {
            "click_id": click_id,
            "clicked_at": now.isoformat(timespec="milliseconds"),
            "visitor": hashlib.sha256(visitor.encode()).hexdigest()[:32],
            "device": "mobile" if "Mobi" in http.user_agent else "desktop",
            "expires_epoch_s": int(time.time()) + 400 * 86_400,
        },
        ConditionExpression="attribute_not_exists(click_id)",
    )
    logger.info("Click recorded", extra={"click_id": click_id, "code": code})
    address, _, fragment = link["destination_url"].partition("#")
    mark = "&" if "?" in address else "?"
    location = f"{address}{mark}click_id={click_id}#{fragment}"
    return Response(302, headers={"Location": location, "Cache-Control": "no-store"})


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    return app.resolve(event, context)
