"""Click statistics: clicks packed small, and a day's packs folded into counts.

Nothing is ever added to a stored number, since a stream may deliver a click twice. A batch of
clicks becomes packs, whose names are hashes of their content; a fold is the union of the packs by
the fingerprint of the click. So the counts are the same whatever came twice, in whichever order
and batches.
"""

import hashlib
import json
import re
import struct
import zlib
from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched, groupby
from operator import attrgetter
from typing import Any, NamedTuple

from linkage import clock
from linkage.links import SUB_NAMES
from linkage.sub_ids import most_clicked, most_clicked_of_hour

PACK_BYTES_MAX = 300 * 1024
PACK_ROWS_MAX = 10_000
PACK_KEEP_DAYS = 40
OPEN_DAYS = 7
"""So many whole days may still be without final counts; one open longer is folded by hand."""
MEASURES = ("clicks", "visitors", "bots", "prefetches", "impressions", "qr")
NETWORK = "network"
HOURS = 24

_ID_KINDS = {"clk_": False, "imp_": True}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{3}Z")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DEVICES = frozenset({"mobile", "tablet", "desktop", "bot", "other"})
_FINGERPRINT_BYTES = 8
_FORMAT, _PREFIX = 1, "<BI"
_ZLIB_LEVEL = 9
_SEEN_VISITOR, _QR, _PREFETCH, _IMPRESSION = 1, 2, 4, 8


class StrangeClickError(ValueError):
    """What should be a stored click is none, and cannot be counted."""


class UnreadablePackError(ValueError):
    """What is stored as a pack is none that this version of Linkage can read."""


class LinkDay(NamedTuple):
    """What one link may be paid for on one UTC day: distinct valid visitors, valid impressions."""

    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str
    visitors: int
    impressions: int


class Owners(NamedTuple):
    """A link by its code, with all it counts for."""

    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str

    def scopes(self) -> tuple[str, str, str, str, str]:
        """The names under which the link's clicks are counted."""
        return (
            f"link#{self.code}",
            f"program#{self.program_id}",
            f"affiliate#{self.affiliate_id}",
            f"vendor#{self.vendor_id}",
            NETWORK,
        )


class Row(NamedTuple):
    """What is counted of one click or impression; fingerprints are 8 bytes, `visitor` may be b"".

    `hour` is written `2026-11-22T05` (UTC), `country` is "" where it is unknown. The order of the
    fields is the order in which rows compress best.
    """

    hour: str
    link: Owners
    device: str
    country: str
    sub: tuple[tuple[str, str], ...]
    qr: bool
    prefetch: bool
    impression: bool
    click: bytes
    visitor: bytes


class Pack(NamedTuple):
    """Rows of one hour as stored; `name` is the hash of what is in them, `clicks` how many."""

    hour: str
    name: str
    rows: bytes
    clicks: int


def row_of(item: Mapping[str, Any]) -> Row:
    """What is counted of a stored click or impression; raises StrangeClickError if it is none."""
    click_id, clicked_at = _text(item, "click_id"), _text(item, "clicked_at")
    visitor, country, sub = item.get("visitor"), item.get("country"), item.get("sub") or {}
    if click_id[:4] not in _ID_KINDS or not _is_moment(clicked_at) or not isinstance(sub, Mapping):
        raise StrangeClickError("it has not the id, the time and the sub-ids of a click")
    return Row(
        hour=clicked_at[:13],
        link=Owners(*(_text(item, name) for name in Owners._fields)),
        device=item["device"] if item.get("device") in _DEVICES else "other",
        country=country if isinstance(country, str) and _COUNTRY.fullmatch(country) else "",
        sub=tuple((name, sub[name]) for name in SUB_NAMES if isinstance(sub.get(name), str)),
        qr=item.get("via") == "qr",
        prefetch=item.get("prefetch") is True,
        impression=_ID_KINDS[click_id[:4]],
        click=_fingerprint(click_id),
        visitor=_fingerprint(visitor) if isinstance(visitor, str) and visitor else b"",
    )


def _is_moment(text: str) -> bool:
    try:
        return _MOMENT.fullmatch(text) is not None and bool(clock.instant(text))
    except ValueError:  # a 31st of February
        return False


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise StrangeClickError(f"its {name} is not a text")
    return value


def _fingerprint(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()[:_FINGERPRINT_BYTES]


def pack(rows: Iterable[Row]) -> list[Pack]:
    """The rows as packs, each of one hour and small enough for an item.

    The same rows make the same packs, in whatever order and however often they come.
    """
    ordered = sorted(rows)
    return [
        packed
        for _, of_hour in groupby(ordered, key=attrgetter("hour"))
        for some in batched(sorted(_union(of_hour)), PACK_ROWS_MAX, strict=False)
        for packed in _fitting(some)
    ]


def _union(rows: Iterable[Row]) -> Iterable[Row]:
    """Each click once; of two rows that differ, the smaller, so that no order matters."""
    found: dict[bytes, Row] = {}
    for row in rows:
        other = found.setdefault(row.click, row)
        if other is not row and row < other:
            found[row.click] = row
    return found.values()


def _fitting(rows: Sequence[Row]) -> Iterator[Pack]:
    described = _described(rows)
    fingerprints = b"".join([*(row.click for row in rows), *(row.visitor for row in rows)])
    # Fingerprints are random: among them the rest would compress worse too.
    compressed = zlib.compress(described, _ZLIB_LEVEL)
    content = struct.pack(_PREFIX, _FORMAT, len(compressed)) + compressed + fingerprints
    if len(content) > PACK_BYTES_MAX and len(rows) > 1:
        half = len(rows) // 2
        yield from _fitting(rows[:half])
        yield from _fitting(rows[half:])
        return
    # Of what is compressed, not of the compression: another zlib may write other bytes.
    name = b32encode(hashlib.sha256(described + fingerprints).digest()).decode().lower()[:26]
    yield Pack(rows[0].hour, name, content, len(rows))


def _number[T](numbers: dict[T, int], value: T) -> int:
    """The value's place in its dictionary, at the end if it is new."""
    return numbers.setdefault(value, len(numbers))


def _described(rows: Sequence[Row]) -> bytes:
    programs: dict[str, int] = {}
    vendors: dict[str, int] = {}
    affiliates: dict[str, int] = {}
    links: dict[tuple[str, int, int, int], int] = {}
    devices: dict[str, int] = {}
    countries: dict[str, int] = {}
    subs: dict[tuple[tuple[str, str], ...], int] = {}
    columns: list[list[int]] = [[], [], [], []]
    for row in rows:
        link = (
            row.link.code,
            _number(programs, row.link.program_id),
            _number(vendors, row.link.vendor_id),
            _number(affiliates, row.link.affiliate_id),
        )
        columns[0].append(_number(links, link))
        columns[1].append(_number(devices, row.device))
        columns[2].append(_number(countries, row.country))
        columns[3].append(_number(subs, row.sub))
    dictionaries = (programs, vendors, affiliates, links, devices, countries, subs)
    named: list[Any] = [list(numbers) for numbers in dictionaries]
    head = json.dumps([rows[0].hour, len(rows), *named], separators=(",", ":")).encode()
    return b"".join(
        [
            struct.pack("<I", len(head)),
            head,
            bytes(_flags(row) for row in rows),
            *(struct.pack(f"<{len(rows)}H", *column) for column in columns),
        ]
    )


def _flags(row: Row) -> int:
    return (
        (_SEEN_VISITOR if row.visitor else 0)
        | (_QR if row.qr else 0)
        | (_PREFETCH if row.prefetch else 0)
        | (_IMPRESSION if row.impression else 0)
    )


def unpack(rows: bytes, wanted: Callable[[Owners], bool] | None = None) -> Iterator[Row]:
    """The rows of a pack, or those of the wanted links; raises UnreadablePackError."""
    try:
        yield from _unpacked(rows, wanted)
    except (ValueError, TypeError, IndexError, struct.error, zlib.error) as error:
        raise UnreadablePackError(f"a pack of {len(rows)} bytes cannot be read: {error}") from error


def _unpacked(rows: bytes, wanted: Callable[[Owners], bool] | None) -> Iterator[Row]:
    form, compressed_size = struct.unpack_from(_PREFIX, rows)
    if form != _FORMAT:
        raise ValueError(f"this version of Linkage reads packs of format {_FORMAT}, not {form}")
    click_at = struct.calcsize(_PREFIX) + compressed_size
    content = zlib.decompress(rows[click_at - compressed_size : click_at])
    (size,) = struct.unpack_from("<I", content)
    hour, count, *tables = json.loads(content[4 : 4 + size])
    programs, vendors, affiliates, numbered, devices, countries, listed_subs = tables
    links = [
        Owners(code, programs[program], vendors[vendor], affiliates[affiliate])
        for code, program, vendor, affiliate in numbered
    ]
    kept = [wanted is None or wanted(link) for link in links]
    if not any(kept):
        return
    subs = [tuple((name, value) for name, value in pairs) for pairs in listed_subs]
    offset = 4 + size
    flags = content[offset : offset + count]
    columns = struct.unpack_from(f"<{4 * count}H", content, offset + count)
    visitor_at = click_at + _FINGERPRINT_BYTES * count
    for place, flag in enumerate(flags):
        visitor_end = visitor_at + (_FINGERPRINT_BYTES if flag & _SEEN_VISITOR else 0)
        link = columns[place]
        if kept[link]:
            at = click_at + _FINGERPRINT_BYTES * place
            yield Row(
                hour,
                links[link],
                devices[columns[count + place]],
                countries[columns[2 * count + place]],
                subs[columns[3 * count + place]],
                bool(flag & _QR),
                bool(flag & _PREFETCH),
                bool(flag & _IMPRESSION),
                rows[at : at + _FINGERPRINT_BYTES],
                rows[visitor_at:visitor_end],
            )
        visitor_at = visitor_end
    if visitor_at != len(rows):
        raise ValueError(f"its rows end at {visitor_at}")


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
    for row in _union(rows):
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
