"""What an action that makes something says of it, whichever door asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Made[T]:
    """What was made, or what the same request made before, and what its owner should know."""

    thing: T
    replayed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repeatable:
    """What makes two requests the same one: their causes, if the caller named any, and content.

    `causes` are None for a request that is another one each time; `fingerprint` is of its content.
    """

    causes: tuple[str, ...] | None
    fingerprint: str
