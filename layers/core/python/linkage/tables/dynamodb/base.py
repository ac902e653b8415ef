"""What every pynamodb table shares: short time-outs, and conversion between items and domain."""

import json
from typing import Any

from pynamodb.attributes import JSONAttribute


class TableMeta:
    """Defaults of each table's Meta; pynamodb's own are 15 s to connect and 30 s to read."""

    connect_timeout_seconds = 1.0
    read_timeout_seconds = 3.0
    max_retry_attempts = 4
    max_pool_connections = 10


class NestedAttribute(JSONAttribute):
    """A nested domain value as JSON text: integers stay integers and empty texts stay."""

    def serialize(self, value: Any) -> str | None:
        """Compact and sorted, so that the same value is always the same text."""
        if value is None:
            return None
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
