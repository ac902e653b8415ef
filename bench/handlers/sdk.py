"""A straightforward redirect with an SDK's client: read the link, store the click, send on."""

import hashlib
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3

LINKS_TABLE = os.environ["LINKS_TABLE"]
CLICKS_TABLE = os.environ["CLICKS_TABLE"]
HASH_SECRET = os.environ["HASH_SECRET"]

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers `GET /{code}`."""
    found = dynamodb.get_item(
        TableName=LINKS_TABLE, Key={"code": {"S": event["pathParameters"]["code"]}}
    )
    link = found.get("Item")
    if link is None or link["status"]["S"] != "active":
        return {"statusCode": 404, "body": "There is no such link."}
    return redirect(link, event)


def redirect(link: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Stores the click of a link, in DynamoDB's form, and sends the visitor on."""
    now, http = datetime.now(UTC), event["requestContext"]["http"]
    visitor = f"{HASH_SECRET}{now:%Y-%m-%d}{http['sourceIp']}{http['userAgent']}"
    click_id = f"clk_{uuid.uuid4().hex}"
    own = ("code", "link_id", "program_id", "vendor_id", "affiliate_id", "sub")
    dynamodb.put_item(
        TableName=CLICKS_TABLE,
        Item={name: link[name] for name in own}
        | {
            "click_id": {"S": click_id},
            "clicked_at": {"S": now.isoformat(timespec="milliseconds")},
            "visitor": {"S": hashlib.sha256(visitor.encode()).hexdigest()[:32]},
            "device": {"S": "mobile" if "Mobi" in http["userAgent"] else "desktop"},
            "expires_epoch_s": {"N": str(int(time.time()) + 400 * 86_400)},
        },
        ConditionExpression="attribute_not_exists(click_id)",
    )
    address, _, fragment = link["destination_url"]["S"].partition("#")
    mark = "&" if "?" in address else "?"
    location = f"{address}{mark}click_id={click_id}#{fragment}"
    return {"statusCode": 302, "headers": {"Location": location, "Cache-Control": "no-store"}}
