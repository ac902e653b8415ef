"""Domain values as plain maps and lists: what is stored of them, and what their meaning is of."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any


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
