"""Counting: the clicks of one batch of the stream become packs, which may come again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from linkage.domain import clock
from linkage.domain.clicks.click_packs import Row, StrangeClickError, pack, row_of
from linkage.tables.statistics import put_pack


@dataclass(frozen=True)
class NotCounted:
    """What came as a click and is none; it holds up nothing, but somebody should look at it."""

    click_id: str
    why: str


@dataclass(frozen=True)
class Batch:
    """How many clicks and impressions of a batch were packed, and what could not be."""

    packed: int
    strange: tuple[NotCounted, ...]


def count_clicks(items: Iterable[Mapping[str, Any]]) -> Batch:
    """Packs stored clicks and impressions; packing them again changes nothing."""
    rows: list[Row] = []
    strange: list[NotCounted] = []
    for item in items:
        try:
            rows.append(row_of(item))
        except StrangeClickError as error:
            strange.append(NotCounted(str(item.get("click_id")), str(error)))
    now = clock.now()
    packs = pack(rows)
    for each in packs:
        put_pack(each, now)
    return Batch(sum(each.clicks for each in packs), tuple(strange))
