"""Nested values as one small binary attribute: compact JSON, deflated.

DynamoDB counts what is written by the KB, twofold within a transaction, and the parts of a fact or
of a head repeat ids and words. This is the one place that packs and unpacks them; docs/operating.md
says how to look inside by hand.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.constants import BINARY

_LEVEL = 9


class PackedAttribute(Attribute[Any]):
    """A nested value in a pynamodb item; None is no attribute."""

    attr_type = BINARY

    def serialize(self, value: Any) -> bytes | None:
        """The value packed."""
        return None if value is None else packed(value)

    def deserialize(self, value: bytes) -> Any:
        """The value back."""
        return unpacked(value)


def packed(value: Any) -> bytes:
    """The value's canonical JSON, deflated: the same value is always the same JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return zlib.compress(text.encode(), _LEVEL)


def unpacked(content: bytes) -> Any:
    """The value back from its packed form, tuples as lists; raises ValueError if it is none."""
    try:
        text = zlib.decompress(content)
    except zlib.error as error:
        raise ValueError("it is not deflated") from error
    return json.loads(text)


def known_fields(kind: type[Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is stored, the fields this release's dataclass has; those of a later one pass.

    A field that is not there has its default.
    """
    return {field.name: said[field.name] for field in fields(kind) if field.name in said}
