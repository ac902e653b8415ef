"""What was billed of a link's day against what its statistics count (I22).

A day is counted before it is billed, and its counts only grow; so this holds at any time, whether
the day is closed or not.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from linkage_cli.ledger.audit.counted import quantity_of
from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import (
    Fact,
    Item,
    UnreadableError,
    nested,
    read_each,
    text,
    whole,
)

_DAY_OF_A_LINK = re.compile(r"(click|impression)/([^/]{1,100})/(\d{4}-\d\d-\d\d)")
_MEASURES = {"click": "visitors", "impression": "impressions"}

type Place = tuple[str, str]
"""Where a link's day is in the table of statistics: `of` and `at`."""


class Days(NamedTuple):
    """How many days of links are billed, and how many of them for less than is counted now."""

    billed: int
    billed_for_less: int


def places_of(conversions: Iterable[Item]) -> list[Place]:
    """Where the statistics are of all that these items bill, each place once, in order."""
    found = (_DAY_OF_A_LINK.fullmatch(str(item.get("external_id"))) for item in conversions)
    return sorted({(f"link#{each[2]}", each[3]) for each in found if each})


def check_billed(
    facts: Mapping[str, Mapping[str, Fact]], statistics: Iterable[Item], findings: list[Finding]
) -> Days:
    """Adds a finding for each link's day of which more is billed than counted, or any of nothing.

    A day billed for less is no finding: a repair may count clicks when it was billed already.
    """
    counted = dict(read_each(statistics, ("of", "at"), _counted, findings))
    billed_for_less = 0
    billed = _billed(facts)
    for (event, code, day), conversions in sorted(billed.items()):
        quantity, subject = sum(conversions.values()), ", ".join(sorted(conversions))
        numbers = counted.get((f"link#{code}", day))
        number = numbers[event] if numbers else 0
        if quantity > number:
            known = (
                f"the statistics count {number}" if numbers else "the statistics have no such day"
            )
            said = f"it bills {quantity} {_MEASURES[event]} of {code} on {day}, {known}"
            findings.append(Finding("I22", subject, said))
        billed_for_less += quantity < number
    return Days(len(billed), billed_for_less)


def _billed(facts: Mapping[str, Mapping[str, Fact]]) -> dict[tuple[str, str, str], dict[str, int]]:
    """By event, link and day the conversions that bill it, and how many each of them does."""
    days: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for conversion_id, each in facts.items():
        report = each.get("report")
        named = report and _DAY_OF_A_LINK.fullmatch(str(report.values.get("external_id")))
        # What is billed under another name than its day's, or cannot be read, is found elsewhere.
        if not report or not named or report.values.get("event") != named[1]:
            continue
        try:
            days[named[1], named[2], named[3]][conversion_id] = quantity_of(report)
        except UnreadableError:
            continue
    return days


def _counted(item: Item) -> tuple[Place, dict[str, int]]:
    hours = nested(item, "counts")["hours"]
    numbers = {
        event: sum(whole(hours[measure], hour) for hour in hours.get(measure, ()))
        for event, measure in _MEASURES.items()
    }
    return (text(item, "of"), text(item, "at")), numbers
