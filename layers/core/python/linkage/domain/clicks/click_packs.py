"""Packs of clicks: some thousand clicks of an hour in one small item, each click once."""

import hashlib
import json
import re
import struct
import zlib
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched, groupby
from operator import attrgetter
from typing import Any, NamedTuple

from linkage.domain import clock
from linkage.domain.clicks.links import SUB_NAMES

PACK_BYTES_MAX = 300 * 1024
PACK_ROWS_MAX = 10_000
NETWORK = "network"
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
        for some in batched(sorted(union(of_hour)), PACK_ROWS_MAX, strict=False)
        for packed in _fitting(some)
    ]


def union(rows: Iterable[Row]) -> Iterable[Row]:
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
