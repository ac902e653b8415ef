"""Step 1 of the way of a click: record it, and send the visitor on.

A click that is stored writes no log line and no metric: at half a dollar per gigabyte they would
cost more than the function, and API Gateway, Lambda and DynamoDB count invocations and writes for
nothing. Only a lost click is logged and counted.
"""

import os
import time
from typing import Any

from linkage import clock
from linkage.clicks import click_of
from linkage.edge import redirects
from linkage.links import RecentLinks, is_code
from linkage.tables.dynamodb_wire import DynamoDB, DynamoDBError

LINKS_TABLE = os.environ["LINKS_TABLE"]
CLICKS_TABLE = os.environ["CLICKS_TABLE"]
HASH_SECRET = os.environ["HASH_SECRET"]
COUNTRY_HEADER = os.environ.get("COUNTRY_HEADER", "").lower()

dynamodb = DynamoDB()
links = RecentLinks(lambda code: dynamodb.get_item(LINKS_TABLE, {"code": code}), time.monotonic)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer `GET` and `HEAD /{code}` of the links API, and `GET /{code}/pixel.gif`.

    A click id in `Location` promises a click that is stored, or whose loss is logged: a request
    that leaves none, such as `HEAD` of a link checker, gets the same answer without it.
    """
    code, visit = redirects.link_request(event, clock.now(), COUNTRY_HEADER)
    if not is_code(code):
        return redirects.not_found()
    try:
        link = links.find(code)
    except DynamoDBError as error:
        redirects.report_failure("LinkReadFailed", error.code, code=code)
        return redirects.unavailable(visit)
    state = None if link is None else link.state(clock.text(visit.at))
    if link is None or state != "live":
        return redirects.closed(visit, state)
    click = click_of(link, visit, HASH_SECRET)
    if click is None:
        return redirects.sent_on(visit, link.destination_url, None)
    try:
        dynamodb.put_new_item(CLICKS_TABLE, click, "click_id")
    except DynamoDBError as error:
        # The line holds the whole click, which names nobody, so that it can still be stored.
        redirects.report_failure("ClickLost", error.code, click=click)
    return redirects.sent_on(visit, link.destination_url, click["click_id"])
