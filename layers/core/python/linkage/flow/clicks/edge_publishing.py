"""Publishing at the edge: what it needs of a link into its store, as the link is now."""

import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from linkage.domain import clock
from linkage.domain.clicks.click_tokens import keys_in
from linkage.domain.clicks.edge_links import published
from linkage.domain.clicks.links import Link
from linkage.tables import edge_links, host_changes
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.edge_links import StoreChangedError, StoreFullError
from linkage.tables.host_changes import reading_changes, vendor_of
from linkage.tables.links import find_links, walk_links, walk_vendor
from linkage.tables.members import find_hosts

ATTEMPTS_MAX = 10
_PAUSE_MAX_S = 0.5

_KEYS = keys_in(os.environ["CLICK_TOKEN_KEYS"])


@dataclass(frozen=True)
class Published:
    """How many links are in the store now, were taken out of it, and found no room in it."""

    kept: int
    removed: int
    without_room: int

    def and_(self, more: "Published") -> "Published":
        """Both together."""
        return Published(
            self.kept + more.kept,
            self.removed + more.removed,
            self.without_room + more.without_room,
        )


def told_apart(keys: Iterable[str]) -> tuple[list[str], list[str]]:
    """Of keys of the links table the codes of links, and the vendors whose hosts have changed."""
    vendors = {key: vendor_of(key) for key in keys}
    return [key for key in vendors if not vendors[key]], [each for each in vendors.values() if each]


def publish(codes: Sequence[str]) -> Published:
    """Makes the store hold these links, at most 50, as they are; may be repeated, in any order.

    The store's version is read before the links and their vendors' hosts: what is written is never
    older than what another publisher wrote meanwhile. Raises StoreChangedError when others were
    faster ten times.
    """
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return _publish(codes)
        except StoreChangedError:
            time.sleep(random.uniform(0, _PAUSE_MAX_S))
    return _publish(codes)


def publish_page(after: str | None) -> tuple[Published, str | None]:
    """Publishes the next links of the whole table; also gives where to go on, None at the end.

    Changes of hosts that it comes by, and that nobody follows any more, are followed again.
    """
    keys, last = walk_links(after, edge_links.KEYS_MAX)
    codes, vendors = told_apart(keys)
    for change in read(reading_changes(vendors)).values():
        if change and change.published_at is None:
            host_changes.go_on(change, change.after)
    return publish(codes), last


def follow(vendor_id: str, has_time: Callable[[], bool]) -> Published:
    """Publishes the links of a vendor whose hosts have changed, while there is time.

    What is left is published by whoever the stream wakes next, so that no call has to be long.
    Raises as `publish` does; whatever was not kept is published again.
    """
    change = read(reading_changes([vendor_id]))[vendor_id]
    total = Published(0, 0, 0)
    if change is None or change.published_at:
        return total
    after = change.after
    while has_time():
        codes, after = walk_vendor(vendor_id, after, edge_links.KEYS_MAX)
        total = total.and_(publish(codes))
        if after is None:
            host_changes.end(change, clock.text(clock.now()))
            return total
    host_changes.go_on(change, after)
    return total


def _publish(codes: Sequence[str]) -> Published:
    if not codes:
        return Published(0, 0, 0)
    version = edge_links.version()
    links = find_links(codes)
    hosts = find_hosts(link.vendor_id for link in links.values())
    values = {code: _value(links.get(code), hosts) for code in codes}
    puts = {code: value for code, value in values.items() if value is not None}
    removed = edge_links.held(code for code, value in values.items() if value is None)
    if puts or removed:
        try:
            edge_links.update(version, puts, removed)
        except StoreFullError:
            return _take_out(version, [*removed, *edge_links.held(puts)], without_room=len(puts))
    return Published(len(puts), len(removed), 0)


def _value(link: Link | None, hosts: Mapping[str, tuple[str, ...]]) -> str | None:
    return published(link, hosts.get(link.vendor_id, ()), _KEYS) if link else None


def _take_out(version: str, codes: Sequence[str], *, without_room: int) -> Published:
    """Where there is no room for a link, an older state of it must not stay either."""
    if codes:
        edge_links.update(version, {}, codes)
    return Published(0, len(codes), without_room)
