"""A day's click statistics counted again, plainly, from the clicks themselves.

It shares no counting code with the network: what `domain/clicks/statistics.py` does by packs and
unions is done here by one walk over the stored clicks, so that one can be held against the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

NETWORK = "network"
SUBS_MAX = 100
OTHER_SUBS = "subs/other"

type Numbers = Mapping[str, int]
"""Counts by what is counted: `hours/clicks/05`, `devices/mobile`, `subs/sub1=story`, …"""


class Difference(NamedTuple):
    """One number that the clicks and the statistics disagree about."""

    scope: str
    what: str
    recounted: int
    stored: int

    def __str__(self) -> str:
        return (
            f"{self.scope} {self.what}: {self.recounted} in the clicks, "
            f"{self.stored} in the statistics"
        )


def recounted(clicks: Iterable[Mapping[str, Any]]) -> dict[str, Numbers]:
    """The numbers of every scope that any of the clicks counts for."""
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    visitors: set[tuple[str, str]] = set()
    in_order = sorted(clicks, key=lambda each: (each["clicked_at"], each["click_id"]))
    for click in in_order:
        counted = list(_counted(click, visitors))
        for scope in _scopes(click):
            numbers[scope].update(counted)
    for scope, subs in _subs(in_order).items():
        numbers[scope].update(subs)
    return dict(numbers)


def _scopes(click: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"link#{click['code']}",
        f"program#{click['program_id']}",
        f"affiliate#{click['affiliate_id']}",
        f"vendor#{click['vendor_id']}",
        NETWORK,
    )


def _counted(click: Mapping[str, Any], visitors: set[tuple[str, str]]) -> Iterator[str]:
    hour = click["clicked_at"][11:13]
    shown, bot = click["click_id"].startswith("imp_"), click.get("device") == "bot"
    prefetched = click.get("prefetch") is True
    if shown:
        if not bot and not prefetched:
            yield f"hours/impressions/{hour}"
        return
    if bot or prefetched:
        yield f"hours/{'bots' if bot else 'prefetches'}/{hour}"
        return
    yield f"hours/clicks/{hour}"
    yield f"devices/{click.get('device', 'other')}"
    yield f"countries/{click.get('country', '')}"
    if click.get("via") == "qr":
        yield f"hours/qr/{hour}"
    visit = (click["code"], click.get("visitor") or "")
    if visit[1] and visit not in visitors:
        visitors.add(visit)
        yield f"hours/visitors/{hour}"


def _subs(clicks: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """The sub-ids of links and affiliates: the first hundred of each hour, then of the day."""
    hours: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for click in clicks:
        if _is_valid(click):
            link = f"link#{click['code']}", f"affiliate#{click['affiliate_id']}"
            for name, value in (click.get("sub") or {}).items():
                hours[*link, click["clicked_at"][:13]][f"subs/{name}={value}"] += 1
    days: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (link_scope, affiliate_scope, _), subs in hours.items():
        days[link_scope, affiliate_scope].update(_first_hundred(subs))
    scopes: dict[str, Counter[str]] = defaultdict(Counter)
    for both, subs in days.items():
        for scope in both:
            scopes[scope].update(_first_hundred(subs))
    return {scope: _first_hundred(subs) for scope, subs in scopes.items()}


def _is_valid(click: Mapping[str, Any]) -> bool:
    marked = click.get("device") == "bot" or click.get("prefetch") is True
    return click["click_id"].startswith("clk_") and not marked


def _first_hundred(subs: Counter[str]) -> Counter[str]:
    """Those with most clicks, by name among equals; the others together."""
    ranked = sorted(subs.keys() - {OTHER_SUBS}, key=lambda name: (-subs[name], name))
    few = Counter({name: subs[name] for name in ranked[:SUBS_MAX]})
    if few.total() < subs.total():
        few[OTHER_SUBS] = subs.total() - few.total()
    return few


def in_statistics(counts: Mapping[str, Any]) -> Numbers:
    """The numbers of one stored day of one scope."""
    hours = {
        f"hours/{measure}/{hour}": number
        for measure, by_hour in counts["hours"].items()
        for hour, number in by_hour.items()
    }
    others = {
        f"{what}/{name}": number
        for what in ("devices", "countries", "subs")
        for name, number in counts[what].items()
    }
    return hours | others


def differences(
    clicks: Mapping[str, Numbers], statistics: Mapping[str, Numbers], *, impressions: bool = True
) -> list[Difference]:
    """Where they disagree, in order; without impressions where those have expired."""
    return [
        Difference(scope, what, ours.get(what, 0), theirs.get(what, 0))
        for scope in sorted({*clicks, *statistics})
        for ours, theirs in [(clicks.get(scope, {}), statistics.get(scope, {}))]
        for what in sorted({*ours, *theirs})
        if ours.get(what, 0) != theirs.get(what, 0)
        and (impressions or not what.startswith("hours/impressions/"))
    ]
