"""JSON as Linkage writes it."""

import json
import re

BROKEN = re.compile(r"[\ud800-\udfff]")


def json_text(value: object) -> str:
    """The value as JSON, letters as they are; what no UTF-8 can be is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if BROKEN.search(text) else text
