"""Step 1 of the way of a click: record it, and send the visitor on.

A click that is stored writes no log line and no metric: at half a dollar per gigabyte they would
cost more than the function, and API Gateway, Lambda and DynamoDB count invocations and writes for
nothing. Only a lost click is logged and counted.
"""

import os
import time
from typing import Any

from linkage.domain import clock
from linkage.domain.clicks.clicks import Visit, click_of
from linkage.domain.clicks.destinations import redirected
from linkage.domain.clicks.links import is_code
from linkage.edge import redirects
from linkage.tables.dynamodb.wire import DynamoDB, DynamoDBError
from linkage.tables.recent_links import RecentLinks

LINKS_TABLE = os.environ["LINKS_TABLE"]
MEMBERS_TABLE = os.environ["MEMBERS_TABLE"]
CLICKS_TABLE = os.environ["CLICKS_TABLE"]
HASH_SECRET = os.environ["HASH_SECRET"]
COUNTRY_HEADER = os.environ.get("COUNTRY_HEADER", "").lower()
VIEWER_ADDRESS_HEADER = os.environ.get("VIEWER_ADDRESS_HEADER", "")

dynamodb = DynamoDB()
links = RecentLinks(dynamodb, (LINKS_TABLE, MEMBERS_TABLE), time.monotonic)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer `GET` and `HEAD /{code}` of the links API, and `GET /{code}/pixel.gif`.

    A click id in `Location` promises a click that is stored, or whose loss is logged: a request
    that leaves none, such as `HEAD` of a link checker, gets the same answer without it.
    """
    request = redirects.link_request(event, VIEWER_ADDRESS_HEADER)
    if not is_code(request.code):
        return redirects.not_found()
    try:
        link, hosts = links.find(request.code)
    except DynamoDBError as error:
        redirects.report_failure("LinkReadFailed", error.code, code=request.code)
        return redirects.unavailable(request)
    now = clock.now()
    state = None if link is None else link.state(hosts, clock.text(now))
    if link is None or state != "live":
        return redirects.closed(request, state)
    how = (request.method, request.headers, request.headers.get(COUNTRY_HEADER, ""), request.pixel)
    visit = Visit(request.ip, request.user_agent, request.query, now, *how)
    click = click_of(link, visit, HASH_SECRET)
    try:
        if click is not None:
            dynamodb.put_new_item(CLICKS_TABLE, click, "click_id")
    except DynamoDBError as error:
        # The line holds the whole click, which names nobody, so that it can still be stored.
        redirects.report_failure("ClickLost", error.code, click=click)
    click_id = None if click is None else click["click_id"]
    return redirects.sent_on(request, redirected(link.destination_url, request.query, click_id))
