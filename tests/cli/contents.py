"""What a fact or a head keeps packed in its `content`, spread out and packed again by hand."""

import json
import zlib
from typing import Any

type Item = dict[str, Any]


def spread(item: Item) -> Item:
    """The item with what its content says as attributes of its own."""
    if "content" not in item:
        return item
    own = {name: value for name, value in item.items() if name != "content"}
    said: Item = json.loads(zlib.decompress(item["content"]))
    return own | said


def packed(item: Item) -> Item:
    """A head, or a fact, with all its maps and lists packed; every other item as it is."""
    if item.get("line") != "head" and "fact" not in item:
        return item
    said = {name: value for name, value in item.items() if isinstance(value, dict | list)}
    content = zlib.compress(json.dumps(said).encode())
    return {name: value for name, value in item.items() if name not in said} | {"content": content}
