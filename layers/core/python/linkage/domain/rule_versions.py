"""The version of what is stored, and of the rules it was accepted under.

A release that changes how something is computed, or what a stored field means, counts it up. Each
fact keeps the version it was accepted under, so that a later rule never recomputes an earlier fact.
What a later release wrote is shown as far as it is understood, and left alone: it is not posted,
confirmed or written over (docs/operating.md, "Upgrading").
"""

from linkage.domain.errors import LaterReleaseError

RULES_FIRST = 1
"""What a fact is of that says nothing: the rules of the release of 2026-11-22."""
RULES = 3
"""What this release accepts facts under.

2: introductions and recruitment bonuses have floors, fall due with the sale that brought them and
end with it (`introductions`, `uplines`); one tally holds at most 24 bonuses; the
network's least hold counts, and what a vendor's month may cost is bounded (`holding`).
3: what stands of an introducing or a recruit's first sale must still earn; an introduction that
ends on the day something falls due ends that, too; what is taken back with an introduction is taken
out of the tallies; each contact counts against a day's bindings.
"""

RULES_KNOWN = 4
"""The latest that this release understands.

4, of settings alone: new conversions have keyed ids (`keyed_ids`), so a release that knows
none must accept no report.
"""

RULES_OF_KEYED_IDS = 4
"""What settings with keyed ids take to be understood."""
RULES_OF_LEAST_HOLDS = 2
"""What settings with a least hold take to be understood: they say so, whatever this release is."""
RULES_OF_WHAT_STANDS = 3
"""From this version on: what no longer stands earns nothing, counts for nothing, brings nothing."""


def require_known(*versions: int) -> None:
    """Raises LaterReleaseError if one of these versions is later than this release knows."""
    latest = max(versions, default=RULES_FIRST)
    if latest > RULES_KNOWN:
        raise LaterReleaseError(latest)
