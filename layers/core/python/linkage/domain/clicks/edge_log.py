"""The edge's log: which of its lines are redirects the edge gave, and what it knew of each visit.

CloudFront's standard log is text: a line `#Fields: …` names the columns, tabs separate them, `-`
is an empty one, and what could be mistaken for anything else is percent-encoded once.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from linkage.domain.clicks.clicks import Visit
from linkage.domain.clicks.links import is_code

_GIVEN_BY_THE_EDGE = "FunctionGeneratedResponse"
_READ_FIELDS = (
    "date",
    "time",
    "c-ip",
    "cs-method",
    "cs-uri-stem",
    "cs-uri-query",
    "cs(User-Agent)",
    "sc-status",
    "x-edge-result-type",
)


class StrangeLogError(ValueError):
    """The text is not the log of a distribution."""


class EdgeVisit(NamedTuple):
    """A visit that the edge answered with a redirect; all others are the links API's to count."""

    code: str
    visit: Visit


def visits_in(lines: Iterable[str]) -> Iterator[EdgeVisit]:
    """The redirects of a log, in its order; raises StrangeLogError for what is none."""
    names: list[str] = []
    for line in lines:
        text = line.rstrip("\r\n")
        if text.startswith("#Fields:"):
            names = text.removeprefix("#Fields:").split()
        if not text or text.startswith("#"):
            continue
        values = text.split("\t")
        fields = dict(zip(names, values, strict=False))
        if len(values) < len(names) or not fields.keys() >= set(_READ_FIELDS):
            raise StrangeLogError("a line has not the fields of a distribution's standard log")
        found = _visit(fields)
        if found is not None:
            yield found


def _visit(fields: Mapping[str, str]) -> EdgeVisit | None:
    code = fields["cs-uri-stem"].removeprefix("/")
    if fields["x-edge-result-type"] != _GIVEN_BY_THE_EDGE or fields["sc-status"] != "302":
        return None
    if not is_code(code):
        return None
    return EdgeVisit(
        code,
        Visit(
            ip=fields["c-ip"],
            user_agent=_sent(fields["cs(User-Agent)"]),
            query=_sent(fields["cs-uri-query"]),
            at=_moment(fields["date"], fields["time"]),
            method=fields["cs-method"],
        ),
    )


def _sent(value: str) -> str:
    """What the visitor sent, for what the log shows of it."""
    return "" if value == "-" else unquote(value)


def _moment(date: str, time: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{date}T{time}Z")
    except ValueError as error:
        raise StrangeLogError("a line has no date and time") from error
