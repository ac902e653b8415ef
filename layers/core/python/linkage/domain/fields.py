"""Reading a request's JSON body strictly: every field is asked for, checked, or refused."""

import re
from collections.abc import Collection
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.money import checked_currency

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TIME = re.compile(
    r"(19[7-9]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)",
    re.IGNORECASE | re.ASCII,
)
ID_LENGTH = 64
"""The most characters of any id that a request names."""

METADATA_KEYS_MAX, METADATA_BYTES_MAX = 20, 4096


def checked_time(value: object, pointer: str) -> str:
    """Return an RFC 3339 time of 1970 to 2099 as stored: UTC, to the millisecond.

    Raises `InvalidFieldError` at `pointer` for anything else.
    """
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return clock.text(clock.instant(value.upper()))
    except ValueError:
        pass  # it looks like a time and is none: a 31st of February
    raise InvalidFieldError(
        pointer,
        f"{pointer.rpartition('/')[2]} must be a time with its zone, for example "
        "2026-11-21T09:12:00Z or 2026-11-21T11:12:00+02:00.",
    )


def checked_text(value: object, pointer: str, max_length: int = 255) -> str:
    """The text, trimmed; raises InvalidFieldError if empty, too long or with control characters."""
    if not isinstance(value, str):
        raise InvalidFieldError(pointer, f"{pointer[1:]} must be a text.")
    trimmed = value.strip()
    if not trimmed or len(trimmed) > max_length:
        raise InvalidFieldError(
            pointer, f"{pointer[1:]} must have between 1 and {max_length} characters."
        )
    if _CONTROL.search(trimmed):
        raise InvalidFieldError(
            pointer, f"{pointer[1:]} must not contain control characters or broken Unicode."
        )
    return trimmed


def checked_integer(value: object, pointer: str, low: int, high: int) -> int:
    """The whole number, if it is a JSON integer from low to high; else InvalidFieldError."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidFieldError(
            pointer, f"{pointer[1:]} must be a whole number from {low} to {high}."
        )
    return value


class Fields:
    """One JSON object being read; `done()` refuses whatever was not asked for."""

    def __init__(self, body: object, pointer: str = "") -> None:
        if not isinstance(body, dict):
            what = f"{pointer[1:]} must be" if pointer else "Send"
            raise InvalidFieldError(pointer, f"{what} a JSON object.", code="invalid_body")
        self._left: dict[str, Any] = dict(body)
        self._pointer = pointer

    def _take(self, name: str) -> tuple[object, str]:
        return self._left.pop(name, None), f"{self._pointer}/{name}"

    def text(self, name: str, max_length: int = 255) -> str:
        """A required text."""
        value, pointer = self._take(name)
        if value is None:
            raise InvalidFieldError(pointer, f"{name} is required.")
        return checked_text(value, pointer, max_length)

    def optional_text(self, name: str, max_length: int = 255) -> str | None:
        """A text, or None when absent or null."""
        value, pointer = self._take(name)
        return None if value is None else checked_text(value, pointer, max_length)

    def choice(self, name: str, allowed: Collection[str]) -> str:
        """A required text out of a closed list."""
        value, pointer = self._take(name)
        if not isinstance(value, str) or value not in allowed:
            raise InvalidFieldError(pointer, f"{name} must be one of: {', '.join(allowed)}.")
        return value

    def optional_choice(self, name: str, allowed: Collection[str]) -> str | None:
        """A text out of a closed list, or None when absent or null."""
        if self._left.get(name) is None:
            self._take(name)
            return None
        return self.choice(name, allowed)

    def integer(self, name: str, low: int, high: int) -> int:
        """A required JSON integer from low to high."""
        value, pointer = self._take(name)
        if value is None:
            raise InvalidFieldError(pointer, f"{name} is required.")
        return checked_integer(value, pointer, low, high)

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        """A JSON integer from low to high, or None when absent or null."""
        value, pointer = self._take(name)
        return None if value is None else checked_integer(value, pointer, low, high)

    def optional_time(self, name: str) -> str | None:
        """An RFC 3339 time of 1970 to 2099 as stored, UTC to the millisecond; or None."""
        value, pointer = self._take(name)
        return None if value is None else checked_time(value, pointer)

    def currency(self, name: str = "currency") -> str:
        """A required ISO 4217 code."""
        return checked_currency(*self._take(name))

    def object(self, name: str) -> "Fields | None":
        """A nested object to be read in turn, or None when absent or null."""
        value, pointer = self._take(name)
        return None if value is None else Fields(value, pointer)

    def array(self, name: str, max_length: int) -> list[tuple[Any, str]]:
        """The items of a required list of 1 to max_length, each with its pointer."""
        value, pointer = self._take(name)
        return _items(name, value, pointer, (1, max_length))

    def optional_array(self, name: str, max_length: int) -> list[tuple[Any, str]]:
        """The items of a list of at most max_length, each with its pointer; none when absent."""
        value, pointer = self._take(name)
        return [] if value is None else _items(name, value, pointer, (0, max_length))

    def metadata(self, name: str = "metadata") -> dict[str, str]:
        """A flat object of texts the client keeps with the fact: at most 20 keys and 4 KB."""
        value, pointer = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > METADATA_KEYS_MAX:
            raise InvalidFieldError(pointer, "metadata must be an object of at most 20 texts.")
        kept = {
            checked_text(key, pointer, 40): checked_text(text, f"{pointer}/{key}", 500)
            for key, text in value.items()
        }
        if len(kept) < len(value):
            raise InvalidFieldError(pointer, "metadata has a key twice, but for spaces around it.")
        if sum(len(key.encode()) + len(text.encode()) for key, text in kept.items()) > (
            METADATA_BYTES_MAX
        ):
            raise InvalidFieldError(pointer, "metadata must not exceed 4 KB.")
        return kept

    def done(self) -> None:
        """Raises InvalidFieldError if the client sent a field that nothing asked for."""
        for name in self._left:
            raise InvalidFieldError(
                f"{self._pointer}/{name}",
                f"{name!r} is not a field of this request. Remove it.",
                code="unknown_field",
            )


def _items(
    name: str, value: object, pointer: str, lengths: tuple[int, int]
) -> list[tuple[Any, str]]:
    low, high = lengths
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise InvalidFieldError(pointer, f"{name} must be a list of {low} to {high} items.")
    return [(item, f"{pointer}/{index}") for index, item in enumerate(value)]
