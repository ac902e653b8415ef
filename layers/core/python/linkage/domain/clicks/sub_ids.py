"""Of a link's sub-ids only the most clicked are kept, so that random ones cannot fill a memory."""

from collections import Counter
from collections.abc import Mapping
from heapq import nsmallest

SUBS_MAX = 100
OTHER_SUBS = "other"


def most_clicked_of_hour(subs: Counter[tuple[str, str]]) -> Counter[str]:
    """One link's sub-ids of an hour, as name and value, cut as `most_clicked` cuts them."""
    return _cut({f"{name}={value}": number for (name, value), number in _first(subs)}, subs.total())


def most_clicked(subs: Counter[str]) -> Counter[str]:
    """The 100 sub-ids with most clicks, the first by name among equals; the rest is `other`."""
    listed = Counter(subs)
    del listed[OTHER_SUBS]
    return _cut(dict(_first(listed)), subs.total())


def _first[T: (str, tuple[str, str])](subs: Counter[T]) -> list[tuple[T, int]]:
    # All names (sub1 to sub5) are as long, so pairs have the order of `sub1=value`.
    return nsmallest(SUBS_MAX, subs.items(), key=lambda each: (-each[1], each[0]))


def _cut(kept: Mapping[str, int], total: int) -> Counter[str]:
    rest = total - sum(kept.values())
    return Counter({**kept, OTHER_SUBS: rest} if rest else kept)
