"""Beside the way of a click: tell the edge of each link that was made or changed."""

import time
from typing import Any

from linkage.edge.runtime import logger, metrics
from linkage.flow.clicks.edge_publishing import Published, follow, publish, publish_page, told_apart

FOLLOWING_S = 10
"""So long a batch follows changes of hosts: the links made or changed behind it wait as long."""


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publishes the links of a batch of the stream, or the next page of all links.

    A batch fails as a whole and is delivered again: a link is published as it is by then.
    """
    if "Records" not in event:
        published, last = publish_page(event.get("after"))
        _count(published)
        return {**vars(published), "after": last}
    until_s = time.monotonic() + FOLLOWING_S
    keys = (record["dynamodb"]["Keys"]["code"]["S"] for record in event["Records"])
    codes, vendors = told_apart(keys)
    _count(publish(codes))
    for vendor_id in vendors:
        _count(follow(vendor_id, lambda: time.monotonic() < until_s))
    return {"batchItemFailures": []}


def _count(published: Published) -> None:
    metrics.add_metric("LinkPublished", unit="Count", value=published.kept)
    if published.without_room:
        logger.error("the edge's store is full", links=published.without_room)
        metrics.add_metric("EdgeStoreFull", unit="Count", value=published.without_room)
