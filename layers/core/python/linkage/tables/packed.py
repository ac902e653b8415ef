"""Nested values as one small binary attribute: compact JSON, deflated.

DynamoDB counts what is written by the KB, twofold within a transaction, and the parts of a fact or
of a head repeat ids and words. This is the one place that packs and unpacks them; docs/operating.md
says how to look inside by hand.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
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


def without_defaults(value: Any) -> Any:
    """A domain value as plain maps and lists, less each field that has its dataclass's default.

    So a default of a stored dataclass is a part of what is stored, and must never change.
    """
    if is_dataclass(value):
        said = ((field.name, getattr(value, field.name), field) for field in fields(value))
        return {name: without_defaults(own) for name, own, field in said if own != _default(field)}
    if isinstance(value, Mapping):
        return {name: without_defaults(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_defaults(own) for own in value]
    return value


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
