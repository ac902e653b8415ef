"""Every `/v1` route that no step of the way of a click owns."""

from typing import Any

from linkage.edge.runtime import logger
from linkage_api.app import resolved


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an HTTP API event, payload 2.0."""
    return resolved(event, context)
