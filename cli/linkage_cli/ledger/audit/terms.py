"""The terms as they were published, and exact arithmetic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import floor
from typing import Any

from linkage_cli.ledger.audit.stored import Item, UnreadableError, nested, whole

FIRST_SETTINGS: Mapping[str, Any] = {
    "level_rates_bps": [1000, 500],
    "network_fee_bps": 2000,
    "override_funding": "network",
}
"""What was in force before any settings were published."""


@dataclass(frozen=True)
class Terms:
    """Programs and settings, each version as it was published."""

    programs: Mapping[tuple[str, int], Item]
    settings: Mapping[int, Item]

    def program(self, program_id: str, version: int) -> Item:
        """One version of a program; raises UnreadableError."""
        if (program_id, version) not in self.programs:
            raise UnreadableError(f"version {version} of {program_id} is not stored")
        return self.programs[program_id, version]

    def settings_of(self, version: int) -> Item:
        """One version of the settings; raises UnreadableError."""
        if version not in self.settings:
            raise UnreadableError(f"version {version} of the settings is not stored")
        return self.settings[version]


def read_terms(programs: Iterable[Item], settings: Iterable[Item]) -> Terms:
    """Every version of every program and of the settings; raises UnreadableError."""
    return Terms(
        programs={
            (item["program_id"], whole(item, "number")): {
                **item,
                "rewards": nested(item, "rewards") or [],
                "bonuses": nested(item, "bonuses") or [],
            }
            for item in programs
            if item["version"] != "current"
        },
        settings={0: FIRST_SETTINGS}
        | {
            whole(item, "number"): nested(item, "settings")
            for item in settings
            if item["version"] != "current"
        },
    )


def half_up(value: Fraction) -> int:
    """The nearest whole number, the upper one of two equally near."""
    return floor(value + Fraction(1, 2))


@cache
def share(bps: int) -> Fraction:
    """Basis points as a fraction."""
    return Fraction(bps, 10_000)


def remaining(earned_minor: int, sale_minor: int, refunded_minor: int) -> int:
    """What is left of an amount earned by a sale once this much of the sale is refunded."""
    if sale_minor == 0:
        return earned_minor
    return half_up(Fraction(earned_minor * (sale_minor - refunded_minor), sale_minor))
