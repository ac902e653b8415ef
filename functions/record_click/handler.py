"""Step 1 of the way of a click: record it, and send the visitor on.

A click that is stored writes no log line and no metric: at half a dollar per gigabyte they would
cost more than the function, and API Gateway, Lambda and DynamoDB count invocations and writes for
nothing. Only a lost click is logged and counted.
"""

import os
import time
from typing import Any

from linkage import clock
from linkage.clicks import Visit, click_of
from linkage.destinations import host_allowed, with_click_id
from linkage.edge import redirects
from linkage.links import RecentLinks, is_code
from linkage.tables.dynamodb_wire import DynamoDB, DynamoDBError

LINKS_TABLE = os.environ["LINKS_TABLE"]
CLICKS_TABLE = os.environ["CLICKS_TABLE"]
HASH_SECRET = os.environ["HASH_SECRET"]

dynamodb = DynamoDB()
links = RecentLinks(lambda code: dynamodb.get_item(LINKS_TABLE, {"code": code}), time.monotonic)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer `GET` and `HEAD /{code}` of the links API.

    Only `GET` is a click. `HEAD` is how link checkers ask whether a link works: it gets the same
    answer without a click id, since an id in `Location` promises a click that is stored.
    """
    request = redirects.link_request(event)
    if not is_code(request.code):
        return redirects.not_found()
    try:
        link = links.find(request.code)
    except DynamoDBError as error:
        redirects.report_failure("LinkReadFailed", error.code, code=request.code)
        return redirects.unavailable()
    now = clock.now()
    if link is None:
        return redirects.not_found()
    destination = link.destination_url
    if link.state(clock.text(now)) != "live" or not host_allowed(destination, link.allowed_hosts):
        return redirects.gone()
    if request.method != "GET":
        return redirects.found(destination)
    click = click_of(link, Visit(request.ip, request.user_agent, request.query, now), HASH_SECRET)
    try:
        dynamodb.put_new_item(CLICKS_TABLE, click, "click_id")
    except DynamoDBError as error:
        # The line holds the whole click, which names nobody, so that it can still be stored.
        redirects.report_failure("ClickLost", error.code, click=click)
    return redirects.found(with_click_id(destination, click["click_id"]))
