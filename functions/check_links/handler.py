"""Beside the way of a click: follow a link of the network's own each hour, as a visitor would."""

import os
from typing import Any

from linkage.edge.runtime import logger, metrics
from linkage.flow.clicks.checking_links import NotFollowedError, follow

LINKS_URL = os.environ["LINKS_URL"]


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, bool]:
    """Follows the link whose `code` the tick names; what is wrong with it is counted and logged."""
    why = None
    try:
        follow(f"{LINKS_URL}/{event['code']}")
    except NotFollowedError as error:
        why = str(error)
        logger.error("own link not followed", code=event["code"], error=why)
    metrics.add_metric("OwnLinkNotFollowed", unit="Count", value=int(why is not None))
    return {"followed": why is None}
