"""What a conversion must have posted, computed anew with exact fractions (I6, I7, I8, I20)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from linkage_cli.audit.stored import Fact, Item, Posting, UnreadableError, nested, whole

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
    settings: Mapping[int, Mapping[str, Any]]


def read_terms(programs: Iterable[Item], settings: Iterable[Item]) -> Terms:
    """Every version of every program and of the settings; raises UnreadableError."""
    return Terms(
        programs={
            (item["program_id"], whole(item, "number")): item
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


@dataclass(frozen=True)
class Earning:
    """What a confirmed conversion earns: the direct commission, and who shares in it."""

    vendor: str
    affiliate: str
    currency: str
    sale_minor: int
    direct: Fraction
    fee: Fraction
    overrides: tuple[tuple[str, int, Fraction], ...]
    overrides_from: str

    def postings(self, refunded_minor: int) -> dict[tuple[str, str, str, int], int]:
        """Amounts by (source, target, kind, level) with this much refunded."""
        left = (
            Fraction(self.sale_minor - refunded_minor, self.sale_minor)
            if self.sale_minor
            else Fraction(1)
        )
        direct = half_up(half_up(self.direct) * left)
        shares = {
            (self.vendor, self.affiliate, "commission", 0): direct,
            (self.vendor, "network:fees", "fee", 0): floor(direct * self.fee),
        }
        for account, level, rate in self.overrides:
            shares[self.overrides_from, account, "override", level] = floor(direct * rate)
        return shares


def half_up(value: Fraction) -> int:
    """The nearest whole number, the upper one of two equally near."""
    return floor(value + Fraction(1, 2))


def _rate(bps: int) -> Fraction:
    return Fraction(bps, 10_000)


def earning_of(report: Fact, confirming: Fact, terms: Terms) -> Earning | None:
    """What the conversion earns by its facts and the terms it saw; None if nothing.

    Raises UnreadableError if a version of the terms is missing.
    """
    attribution, seen = report.nested("attribution"), confirming.nested("seen")
    standing = seen["affiliate"]
    if attribution["affiliate_id"] is None or not standing or standing["status"] != "approved":
        return None
    direct = _direct(report, attribution["model"], program_of(report, terms))
    if half_up(direct) == 0:
        return None
    settings = _settings_of(report, terms)
    vendor = f"vendor:{report.text('vendor_id')}"
    rates = settings["level_rates_bps"]
    return Earning(
        vendor=vendor,
        affiliate=f"affiliate:{attribution['affiliate_id']}",
        currency=report.text("currency"),
        sale_minor=report.whole("amount_minor"),
        direct=direct,
        fee=_rate(settings["network_fee_bps"]),
        overrides=tuple(
            (f"affiliate:{above['member_id']}", level, _rate(rate))
            for level, (above, rate) in enumerate(zip(seen["upline"], rates, strict=False), start=1)
            if above["status"] == "approved"
        ),
        overrides_from="network:fees" if settings["override_funding"] == "network" else vendor,
    )


def _direct(report: Fact, model: str, program: Item) -> Fraction:
    event, amount, currency = (
        report.text("event"),
        report.whole("amount_minor"),
        report.text("currency"),
    )
    if event == "sale" and amount == 0:
        return Fraction(0)
    if model == "introducer":
        return amount * _rate(whole(program, "introducer_rate_bps"))
    for reward in nested(program, "rewards"):
        if reward["event"] == event and reward["currency"] in {None, currency}:
            if reward["amount_minor"] is not None:
                return Fraction(reward["amount_minor"])
            return amount * _rate(reward["rate_bps"])
    return Fraction(0)


def program_of(report: Fact, terms: Terms) -> Item:
    """The version of the program the conversion saw; raises UnreadableError."""
    version = report.text("program_id"), report.whole("program_version")
    if version not in terms.programs:
        raise UnreadableError(f"version {version[1]} of {version[0]} is not stored")
    return terms.programs[version]


def _settings_of(report: Fact, terms: Terms) -> Mapping[str, Any]:
    version = report.whole("settings_version")
    if version not in terms.settings:
        raise UnreadableError(f"version {version} of the settings is not stored")
    return terms.settings[version]


def due_on(report: Fact, confirming: Fact, terms: Terms) -> str:
    """The UTC date the conversion's commissions and clawbacks are due: confirmed + hold."""
    accepted = datetime.fromisoformat(confirming.accepted_at)
    hold_days = whole(program_of(report, terms), "hold_days")
    return (accepted.date() + timedelta(days=hold_days)).isoformat()


def confirmation_postings(earning: Earning | None, refunded_minor: int) -> list[Posting]:
    """What the confirmation must have posted with this much refunded before it, sorted."""
    if earning is None:
        return []
    shares = earning.postings(refunded_minor).items()
    return sorted(
        Posting(source, target, amount, earning.currency, kind, level)
        for (source, target, kind, level), amount in shares
        if amount
    )


def refund_postings(earning: Earning | None, before_minor: int, after_minor: int) -> list[Posting]:
    """What a refund must have posted, sorted: all that was earned before and is not after."""
    if earning is None:
        return []
    was, stays = earning.postings(before_minor), earning.postings(after_minor)
    return sorted(
        Posting(
            target,
            source,
            was[share] - stays[share],
            earning.currency,
            "fee_return" if kind == "fee" else "clawback",
            level,
        )
        for share in was
        for source, target, kind, level in [share]
        if was[share] != stays[share]
    )
