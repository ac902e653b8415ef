"""The audit record: who changed what, when, and from what into what.

A record is written in the transaction of its change and never changed. It keeps no secret, and of a
person's name, contacts and accounts only so much that one who knows them knows them again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from linkage.domain import clock
from linkage.domain.people.api_keys import Key
from linkage.domain.plain_values import without_defaults

_SUBJECT = re.compile(r"[a-z]{1,20}(#[!-~]{1,200})?")

type _Fields = dict[str, Any] | None

SCHEDULE = "schedule"
"""What stands for a key where nobody asked: the network's own clock did."""

_SECRETS = frozenset({"secret_hash", "fingerprint", "id_secret_mark"})
_MASKED = frozenset({"email", "phone", "account"})
_PEOPLE = ("member#", "payout#")
"""Subjects whose name is a person's."""
_NOTHING: tuple[Any, ...] = (None, "", [], {}, False)
_MASKED_LENGTH_MIN = 8
"""Of a shorter text its end would say too much."""


@dataclass(frozen=True)
class Record:
    """One change: `before` and `after` are the fields that differ, None where there was nothing.

    `subject` is such as `member#mem_…` and `action` such as `member.suspended`. `at` is RFC 3339
    UTC. `by_key` is a key's id, `schedule`, or `cli:` and an AWS principal; `by_person` is whom the
    key named then, empty for nobody.
    """

    subject: str
    at: str
    action: str
    by_key: str
    by_person: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    why: str | None = None


def is_subject(text: str) -> bool:
    """Whether anything can be recorded under it; what cannot is not looked up in any table."""
    return _SUBJECT.fullmatch(text) is not None


def recorded(
    by: Key,
    subject: str,
    action: str,
    before: object,
    after: object,
    *,
    why: str | None = None,
) -> Record:
    """The record of a change made now by a key; before and after are dataclasses, maps or None."""
    return record_by((by.key_id, by.person), subject, action, before, after, why=why)


def record_by(
    who: tuple[str, str],
    subject: str,
    action: str,
    before: object,
    after: object,
    *,
    why: str | None = None,
) -> Record:
    """The same by whoever has no key: `who` is what stands for one, and a person or nothing."""
    was, became = _changed(plain(before), plain(after))
    shown = (_shown(subject, was), _shown(subject, became))
    return Record(subject, clock.text(clock.now()), action, *who, *shown, why)


def masked(text: str) -> str:
    """A number or address of which only the end is shown, so that who knows it knows it again."""
    return f"…{text[-4:]}" if len(text) >= _MASKED_LENGTH_MIN else "…"


def _changed(before: _Fields, after: _Fields) -> tuple[_Fields, _Fields]:
    """The fields of each that the other has otherwise; of what is new or gone, all that say it."""
    if before is None or after is None:
        return _telling(before), _telling(after)
    names = {name for name in before | after if before.get(name) != after.get(name)}
    return (
        {name: value for name, value in before.items() if name in names},
        {name: value for name, value in after.items() if name in names},
    )


def _telling(fields: _Fields) -> _Fields:
    return fields and {name: value for name, value in fields.items() if value not in _NOTHING}


def plain(value: object) -> _Fields:
    """The fields of a dataclass or map as they come back from JSON, less secrets."""
    if value is None:
        return None
    fields = value if isinstance(value, Mapping) else vars(value)
    return {name: _plain(each) for name, each in fields.items() if name not in _SECRETS}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if is_dataclass(value):
        return without_defaults(value)
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _shown(subject: str, fields: _Fields) -> _Fields:
    """With what is personal masked: after comparing, so that no change of it goes unseen."""
    if fields is None:
        return None
    personal = _MASKED | ({"name"} if subject.startswith(_PEOPLE) else set())

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {each: shown(each, own) for each, own in value.items()}
        return masked(value) if name in personal and isinstance(value, str) else value

    return {name: shown(name, value) for name, value in fields.items()}
