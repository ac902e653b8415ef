"""Publishing: what the edge needs of a link into its store, as the link is now."""

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from linkage.click_tokens import keys_in
from linkage.edge_links import published
from linkage.tables import edge_store
from linkage.tables.edge_store import StoreChangedError, StoreFullError
from linkage.tables.links import find_links, walk_links

ATTEMPTS_MAX = 10
_PAUSE_MAX_S = 0.5

_KEYS = keys_in(os.environ["CLICK_TOKEN_KEYS"])


@dataclass(frozen=True)
class Published:
    """How many links are in the store now, were taken out of it, and found no room in it."""

    kept: int
    removed: int
    without_room: int


def publish(codes: Sequence[str]) -> Published:
    """Makes the store hold these links, at most 50, as they are; may be repeated, in any order.

    The store's version is read before the links: what is written is never older than what another
    publisher wrote meanwhile. Raises StoreChangedError when others were faster ten times.
    """
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return _publish(codes)
        except StoreChangedError:
            time.sleep(random.uniform(0, _PAUSE_MAX_S))
    return _publish(codes)


def publish_page(after: str | None) -> tuple[Published, str | None]:
    """Publishes the next links of the whole table; also gives where to go on, None at the end."""
    codes, last = walk_links(after, edge_store.KEYS_MAX)
    return publish(codes), last


def _publish(codes: Sequence[str]) -> Published:
    version = edge_store.version()
    links = find_links(codes)
    values = {code: published(links[code], _KEYS) if code in links else None for code in codes}
    puts = {code: value for code, value in values.items() if value is not None}
    removed = edge_store.held(code for code, value in values.items() if value is None)
    if puts or removed:
        try:
            edge_store.update(version, puts, removed)
        except StoreFullError:
            return _take_out(version, [*removed, *edge_store.held(puts)], without_room=len(puts))
    return Published(len(puts), len(removed), 0)


def _take_out(version: str, codes: Sequence[str], *, without_room: int) -> Published:
    """Where there is no room for a link, an older state of it must not stay either."""
    if codes:
        edge_store.update(version, {}, codes)
    return Published(0, len(codes), without_room)
