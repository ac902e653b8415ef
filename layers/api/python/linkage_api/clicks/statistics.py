"""`/v1/statistics/clicks`: how often links were followed and shown, by day or hour."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import clock
from linkage.domain.clicks.statistics import HOURS, MEASURES, Counts
from linkage.domain.clicks.sub_ids import OTHER_SUBS, most_clicked
from linkage.domain.errors import InvalidFieldError
from linkage.domain.lists import fitting
from linkage.flow.clicks.click_days import DAYS_MAX
from linkage.flow.clicks.reading_statistics import BY, clicks_of
from linkage_api.answers import answer
from linkage_api.calls import ROLES, Call, call

router = Router()

SUBS_BYTES_MAX = 6_000
"""Of a day's sub-ids: who follows a link writes them, and an answer has 92 days."""

DAYS_DEFAULT = 7
_DATE = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


@router.get("/v1/statistics/clicks")
def clicks() -> Response[str]:
    """The counts of one link, program, affiliate, vendor or the network; zeros included."""
    asked = call(router, *ROLES, query=("by", "id", "from", "to", "per"))
    by = asked.choice("by", BY[asked.key.role]) or BY[asked.key.role][0]
    named = asked.asked_for("id")
    first, last = _between(asked)
    per_hour = asked.choice("per", ("day", "hour")) == "hour"
    found = clicks_of(asked.key, by, named, first, last)
    total = Counts()
    for counts in found.days.values():
        total.add(counts)
    body = {
        "by": by,
        "id": found.id,
        "from": str(first),
        "to": str(last),
        "data": list(_hours(found.days) if per_hour else _days(found.days)),
        "total": _view(total),
        "complete_until": f"{found.complete_until}T00:00:00.000Z",
    }
    return answer(200, body)


def _between(asked: Call) -> tuple[date, date]:
    """The days from `from` to `to`: without them the last seven UTC days."""
    last = _date(asked, "to") or clock.day(clock.now())
    first = _date(asked, "from") or last - timedelta(days=DAYS_DEFAULT - 1)
    if first > last:
        raise InvalidFieldError("/from", f"from must not be after to, which is {last}.")
    if (last - first).days >= DAYS_MAX:
        raise InvalidFieldError(
            "/from", f"from and to may span at most {DAYS_MAX} days. Ask for less at a time."
        )
    return first, last


def _date(asked: Call, name: str) -> date | None:
    value = asked.asked_for(name)
    if value is None:
        return None
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # a 31st of February
    raise InvalidFieldError(f"/{name}", f"{name} must be a date, for example 2026-11-22.")


def _days(days: Mapping[date, Counts]) -> Iterator[dict[str, Any]]:
    for day, counts in days.items():
        yield {"at": str(day), **_view(counts)}


def _hours(days: Mapping[date, Counts]) -> Iterator[dict[str, Any]]:
    for day, counts in days.items():
        for hour in range(HOURS):
            numbers = {measure: counts.hours[measure][hour] for measure in MEASURES}
            yield {"at": f"{day}T{hour:02d}:00:00.000Z", **numbers}


def _view(counts: Counts) -> dict[str, Any]:
    return {
        **{measure: counts.total(measure) for measure in MEASURES},
        "devices": _most_first(counts.devices),
        "countries": _most_first(
            Counter({name or "unknown": number for name, number in counts.countries.items()})
        ),
        "subs": _most_first(_fitting(most_clicked(counts.subs))),
    }


def _fitting(subs: Counter[str]) -> Counter[str]:
    """As many of the most clicked sub-ids as have room, and the rest as `other`."""
    named = Counter(subs)
    rest = named.pop(OTHER_SUBS, 0)
    shown = fitting(list(_most_first(named)), SUBS_BYTES_MAX)
    rest += sum(named[name] for name in named.keys() - set(shown))
    return Counter({name: named[name] for name in shown} | ({OTHER_SUBS: rest} if rest else {}))


def _most_first(numbers: Counter[str]) -> dict[str, int]:
    return dict(sorted(numbers.items(), key=lambda each: (-each[1], each[0])))
