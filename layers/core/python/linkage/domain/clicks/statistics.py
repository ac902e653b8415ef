"""Click statistics: a day's packs of clicks, folded into counts.

Nothing is ever added to a stored number, since a stream may deliver a click twice. A batch of
clicks becomes packs, whose names are hashes of their content; a fold is the union of the packs by
the fingerprint of the click. So the counts are the same whatever came twice, in whichever order
and batches.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from linkage.domain.clicks.click_packs import NETWORK, Owners, Row, union, unpack
from linkage.domain.clicks.sub_ids import most_clicked, most_clicked_of_hour

PACK_KEEP_DAYS = 40
OPEN_DAYS = 7
"""So many whole days may still be without final counts; one open longer is folded by hand."""
MEASURES = ("clicks", "visitors", "bots", "prefetches", "impressions", "qr")
HOURS = 24


class LinkDay(NamedTuple):
    """What one link may be paid for on one UTC day: distinct valid visitors, valid impressions."""

    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str
    visitors: int
    impressions: int


@dataclass
class Counts:
    """The counts of one scope and UTC day; every measure has 24 numbers, one for each hour.

    - `clicks`: valid ones: of no bot, and no prefetch. Devices, countries ("" is unknown) and
      sub-ids (`sub1=value`) are of these.
    - `visitors`: distinct visitors of valid clicks, each link's own, in the hour they first came.
    - `bots`, `prefetches`: the other clicks; a bot that prefetches is a bot.
    - `impressions`: valid ones; `qr`: valid clicks that came from a QR code.
    """

    hours: dict[str, list[int]] = field(
        default_factory=lambda: {measure: [0] * HOURS for measure in MEASURES}
    )
    devices: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    subs: Counter[str] = field(default_factory=Counter)

    def total(self, measure: str) -> int:
        """The day's number of a measure."""
        return sum(self.hours[measure])

    @property
    def seen(self) -> int:
        """How much was counted at all; it never falls while packs of the day still come."""
        return sum(self.total(measure) for measure in MEASURES)

    def add(self, other: "Counts", *, subs: bool = True) -> None:
        """Counts another link or day too, with its sub-ids if asked."""
        for measure, numbers in other.hours.items():
            if any(numbers):
                both = zip(self.hours[measure], numbers, strict=True)
                self.hours[measure] = [mine + more for mine, more in both]
        self.devices.update(other.devices)
        self.countries.update(other.countries)
        if subs:
            self.subs.update(other.subs)


@dataclass(frozen=True)
class Folded:
    """A day's counts by scope, and what each link may be paid for."""

    counts: Mapping[str, Counts]
    links: tuple[LinkDay, ...]


def fold(hours: Iterable[tuple[int, Iterable[bytes]]], scope: str | None = None) -> Folded:
    """The counts of one UTC day from the packs of its hours, or those of one scope alone.

    Each hour (0 to 23) comes once, in order, with all its packs. Memory is that of one hour's
    clicks, of the day's visitors, and of no more than 100 sub-ids for each link and hour.
    """
    wanted = None if scope in {None, NETWORK} else lambda link: scope in link.scopes()
    with_subs = scope is None or _shows_subs(scope)
    links: dict[Owners, Counts] = {}
    visitors: dict[Owners, set[bytes]] = {}
    for hour, packs in hours:
        rows = (row for each in packs for row in unpack(each, wanted))
        _count_hour(hour, rows, links, visitors, with_subs=with_subs)
    for counts in links.values():
        counts.subs = most_clicked(counts.subs)
    return Folded(
        _by_scope(links, scope), tuple(_link_day(*each) for each in sorted(links.items()))
    )


def _count_hour(
    hour: int,
    rows: Iterable[Row],
    links: dict[Owners, Counts],
    visitors: dict[Owners, set[bytes]],
    *,
    with_subs: bool,
) -> None:
    """Counts an hour's clicks for their links, with few of their sub-ids if asked."""
    subs: dict[Owners, Counter[tuple[str, str]]] = {}
    for row in union(rows):
        counts = links.get(row.link)
        if counts is None:
            counts, visitors[row.link] = links.setdefault(row.link, Counts()), set()
        is_valid = _count(counts, row, hour, visitors[row.link])
        if is_valid and with_subs and row.sub:
            subs.setdefault(row.link, Counter()).update(row.sub)
    for link, of_hour in subs.items():
        links[link].subs.update(most_clicked_of_hour(of_hour))


def _count(counts: Counts, row: Row, hour: int, visitors: set[bytes]) -> bool:
    """Counts all of a click but its sub-ids; whether it is a valid one."""
    invalid = "bots" if row.device == "bot" else "prefetches" if row.prefetch else None
    if row.impression:
        if invalid is None:
            counts.hours["impressions"][hour] += 1
        return False
    counts.hours[invalid or "clicks"][hour] += 1
    if invalid:
        return False
    counts.devices[row.device] += 1
    counts.countries[row.country] += 1
    if row.qr:
        counts.hours["qr"][hour] += 1
    if row.visitor and row.visitor not in visitors:
        visitors.add(row.visitor)
        counts.hours["visitors"][hour] += 1
    return True


def _by_scope(links: Mapping[Owners, Counts], only: str | None) -> dict[str, Counts]:
    scopes: dict[str, Counts] = {}
    for link, counts in links.items():
        for scope in link.scopes() if only is None else (only,):
            scopes.setdefault(scope, Counts()).add(counts, subs=_shows_subs(scope))
    for counts in scopes.values():
        counts.subs = most_clicked(counts.subs)
    return scopes


def _shows_subs(scope: str) -> bool:
    """Whether the scope's sub-ids are shown; nobody keeps those of any other."""
    return scope.startswith(("link#", "affiliate#"))


def _link_day(link: Owners, counts: Counts) -> LinkDay:
    return LinkDay(*link, counts.total("visitors"), counts.total("impressions"))
