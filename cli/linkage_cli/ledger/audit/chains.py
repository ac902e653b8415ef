"""Each tally as a chain of the facts that moved it, from nothing to what is stored (I6)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from linkage_cli.ledger.audit.counts import Tally
from linkage_cli.ledger.audit.findings import Finding

type Links = Mapping[str, list[Link]]


class Link(NamedTuple):
    """A fact that saw a tally, and what it left."""

    subject: str
    seen: Tally
    left: Tally

    @property
    def moves(self) -> bool:
        return self.seen != self.left


def check_chains(links: Links, stored: Mapping[str, Tally]) -> Iterator[Finding]:
    """Every finding about what facts saw of tallies and about the tallies' table.

    Findings name the version too: what a scan sees half of on a busy tally moves on with it.
    """
    for name in sorted(links.keys() | stored.keys()):
        yield from _check_chain(name, links.get(name, ()), stored.get(name, Tally(name)))


def _check_chain(name: str, links: Iterable[Link], stored: Tally) -> Iterator[Finding]:
    by_version: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        by_version[link.seen.version].append(link)
    state, end = Tally(name), stored.version
    known = True
    for version in sorted(by_version):
        movers = [link for link in by_version[version] if link.moves]
        if version > state.version:
            missing = f"versions {state.version} to {version}"
            yield Finding(
                "I6", f"{name} version {version}", f"no accepted fact moved it: {missing}"
            )
            known = False
        if known:
            state = state._replace(version=version)
            yield from _check_seen(by_version[version], state)
        if len(movers) > 1:
            said = " and ".join(sorted(link.subject for link in movers))
            yield Finding("I6", f"{name} version {version}", f"it was moved twice, by {said}")
        if movers:
            state, known = movers[0].left._replace(version=version + 1), True
        else:
            state = state._replace(version=version)
    if state.version != end or (known and state != stored):
        yield Finding(
            "I6",
            f"{name} version {end}",
            f"it is stored as {stored.says()}; its facts make it {state.says()}",
        )


def _check_seen(links: Iterable[Link], state: Tally) -> Iterator[Finding]:
    for link in links:
        if link.seen != state:
            yield Finding(
                "I6",
                f"{state.name} version {state.version}",
                f"{link.subject} saw {link.seen.says()}; it was {state.says()}",
            )
