"""What a conversion must have posted, computed anew with exact fractions (I7, I8, I20)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from linkage_cli.ledger.audit.counts import member_name, recruits_name
from linkage_cli.ledger.audit.rewards import capped_parts
from linkage_cli.ledger.audit.sales import Sale, is_approved
from linkage_cli.ledger.audit.stored import Posting
from linkage_cli.ledger.audit.terms import half_up, remaining, share

RETURNS = {
    "fee": "fee_return",
    "affiliate_fee": "affiliate_fee_return",
    "split": "split_return",
}
"""The kinds of what a refund takes back; all else is a clawback."""


STANDS_WHILE_IT_EARNS = 3
"""The version of the rules from which on what stands of a sale must still earn."""


@dataclass(frozen=True)
class Earning:
    """What a confirmed conversion earns: the direct commission, and the parts of it by reward."""

    sale: Sale
    direct_minor: int
    parts: Mapping[int, int]
    levels: tuple[tuple[int, Mapping[str, Any], Fraction], ...]

    def postings(self, refunded_minor: int) -> list[Posting]:
        """All that stands with this much refunded; amounts of 0 too, so they can be compared."""
        return list(self._postings(refunded_minor))

    def _postings(self, refunded_minor: int) -> Iterator[Posting]:
        sale, settings = self.sale, self.sale.settings
        vendor, affiliate = f"vendor:{sale.vendor_id}", f"affiliate:{sale.affiliate_id}"
        direct = remaining(self.direct_minor, sale.amount_minor, refunded_minor)
        fee = floor(direct * share(settings["network_fee_bps"]))
        own_fee = floor(direct * share(settings.get("affiliate_fee_bps", 0)))

        def posting(source: str, target: str, amount: int, kind: str, level: int = 0) -> Posting:
            return Posting(source, target, amount, sale.currency, kind, level)

        def splits(
            member: Mapping[str, Any] | None, earned: int, source: str, level: int
        ) -> Iterator[Posting]:
            for split in (member or {}).get("splits") or ():
                part = floor(earned * share(split["share_bps"]))
                yield posting(source, f"affiliate:{split['member_id']}", part, "split", level)

        yield posting(vendor, affiliate, direct, "commission")
        yield posting(vendor, "network:fees", fee, "fee")
        yield posting(affiliate, "network:fees", own_fee, "affiliate_fee")
        payer = "network:fees" if settings["override_funding"] == "network" else vendor
        for level, member, rate in self.levels:
            target = f"affiliate:{member['member_id']}"
            yield posting(payer, target, floor(direct * rate), "override", level)
        yield from splits(sale.standing, direct - own_fee, affiliate, 0)
        for level, member, rate in self.levels:
            source = f"affiliate:{member['member_id']}"
            yield from splits(member, floor(direct * rate), source, level)
        yield from self._recruitment(refunded_minor)

    def _recruitment(self, refunded_minor: int) -> Iterator[Posting]:
        sale, bonus = self.sale, self.sale.settings.get("recruitment_bonus")
        if not bonus or not may_recruit(sale, self.direct_minor) or not sale.upline:
            return
        sponsor, least = sale.upline[0], recruitment_least(sale)
        if is_approved(sponsor) and not sponsor.get("buyer"):
            least = standing_least(sale, self, least or 1)
            stands = sale.amount_minor - refunded_minor >= least
            amount = bonus["amount_minor"] if stands else 0
            target = f"affiliate:{sponsor['member_id']}"
            yield Posting("network:bonuses", target, amount, bonus["currency"], "recruitment", 0)


def may_recruit(sale: Sale, direct_minor: int) -> bool:
    """Whether it is an affiliate's own sale, and the first that may earn its sponsor the bonus."""
    is_first = (
        is_own_sale(sale)
        and sale.tally(member_name(str(sale.affiliate_id))).recruited_by is None
        and sale.refunded_minor < sale.amount_minor
    )
    if sale.rules == 1 or not is_first:
        return is_first
    if sale.upline and sale.upline[0]["member_id"] == sale.vendor_id:
        return False
    least, left = recruitment_least(sale), sale.amount_minor - sale.refunded_minor
    had = sale.tally(recruits_tally(sale)).number if sale.upline else 0
    full = had >= sale.settings.get("recruits_per_month_max", 20)
    return (
        least is not None
        and left >= least
        and remaining(direct_minor, sale.amount_minor, sale.refunded_minor) > 0
        and not (full and sale.settings.get("recruitment_bonus"))
    )


def recruitment_least(sale: Sale) -> int | None:
    """How much of a recruit's sale must stand for the bonus; None if its currency has no amount."""
    if sale.rules == 1:
        return 1
    bonus = sale.settings.get("recruitment_bonus")
    floors = sale.settings.get("introduction_minimum_minor") or {}
    if sale.currency in floors:
        return int(floors[sale.currency])
    if not bonus:
        return 1
    return int(bonus["amount_minor"]) if bonus["currency"] == sale.currency else None


def standing_least(sale: Sale, earning: Earning | None, least: int) -> int:
    """How much of a sale must stand for it to bring anything: this floor, and that it earns."""
    if sale.rules < STANDS_WHILE_IT_EARNS or earning is None or not earning.direct_minor:
        return least
    halves = Fraction(sale.amount_minor, 2 * earning.direct_minor)
    return max(least, ceil(halves))


def recruits_tally(sale: Sale) -> str:
    """The tally of the sponsor's bonuses of the month in which it was confirmed."""
    return recruits_name(sale.upline[0]["member_id"], sale.accepted_on[:7])


def introduces(sale: Sale, direct_minor: int) -> bool:
    """Whether a confirmed sale introduces its customer, if nobody has and the day has room."""
    floors = sale.settings.get("introduction_minimum_minor") or {}
    left = sale.amount_minor - sale.refunded_minor
    return (
        is_own_sale(sale)
        and not sale.by_introduction
        and not sale.introduces_nobody
        and bool(sale.customer_keys)
        and left >= floors.get(sale.currency, 1)
        and remaining(direct_minor, sale.amount_minor, sale.refunded_minor) > 0
    )


def is_own_sale(sale: Sale) -> bool:
    """Whether an affiliate sold something, by itself."""
    return sale.is_rewarded and sale.event == "sale" and sale.amount_minor > 0


def earning_of(sale: Sale) -> Earning | None:
    """What the conversion earns by its facts and its terms; None if it has no commission."""
    if not sale.earns:
        return None
    levels = tuple(_paid_levels(sale))
    if sale.is_rewarded:
        parts = capped_parts(sale)
        wanted = sum(parts.values())
    else:
        parts = {}
        wanted = half_up(sale.amount_minor * share(sale.program["introducer_rate_bps"]))
    direct = _below_ceiling(sale, levels, wanted)
    return Earning(sale, direct, _lowered(parts, wanted - direct), levels)


def _paid_levels(sale: Sale) -> Iterator[tuple[int, Mapping[str, Any], Fraction]]:
    rates = sale.settings["level_rates_bps"]
    upline = [(member, _may_earn(sale, member)) for member in sale.upline]
    if sale.settings.get("active_days") is not None:
        upline = [(m, True) for m, may_earn in upline if may_earn and m.get("active", True)]
    for level, ((member, may_earn), rate) in enumerate(zip(upline, rates, strict=False), start=1):
        if may_earn:
            yield level, member, share(rate)


def _may_earn(sale: Sale, member: Mapping[str, Any]) -> bool:
    return is_approved(member) and not member.get("buyer") and member["member_id"] != sale.vendor_id


def ceiling_of(sale: Sale) -> int | None:
    """The most the conversion may cost its vendor, minor units; None without a ceiling."""
    bps = sale.program.get("ceiling_bps")
    if bps is None or sale.event != "sale":
        return None
    return floor(sale.amount_minor * share(bps))


def _below_ceiling(
    sale: Sale, levels: tuple[tuple[int, Mapping[str, Any], Fraction], ...], wanted: int
) -> int:
    ceiling = ceiling_of(sale)
    if ceiling is None:
        return wanted
    shares = [share(sale.settings["network_fee_bps"])]
    if sale.settings["override_funding"] == "vendor":
        shares += [rate for _, _, rate in levels]

    def cost(direct: int) -> int:
        return direct + sum(floor(direct * each) for each in shares)

    low, high = 0, wanted
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(middle) <= ceiling else (low, middle - 1)
    return low


def _lowered(parts: Mapping[int, int], excess: int) -> dict[int, int]:
    """The parts with this much taken off, from the last reward backwards."""
    lowered = dict(parts)
    for place in sorted(parts, reverse=True):
        taken = min(excess, lowered[place])
        lowered[place] -= taken
        excess -= taken
    return lowered


def standing_postings(earning: Earning | None, refunded_minor: int) -> list[Posting]:
    """What a confirmation must have posted with this much refunded before it, but bonuses."""
    if earning is None:
        return []
    return [posting for posting in earning.postings(refunded_minor) if posting.amount_minor]


def withdrawn_postings(earning: Earning | None, refunded_minor: int) -> list[Posting]:
    """What a withdrawal must have posted but bonuses: all that stood, given back."""
    return [
        posting._replace(
            source=posting.target,
            target=posting.source,
            kind=RETURNS.get(posting.kind, "clawback"),
        )
        for posting in standing_postings(earning, refunded_minor)
    ]


def returned_postings(
    earning: Earning | None, before_minor: int, after_minor: int
) -> list[Posting]:
    """What a refund must have posted but bonuses: all that stood before it and does not after."""
    if earning is None:
        return []
    pairs = zip(earning.postings(before_minor), earning.postings(after_minor), strict=True)
    return [
        Posting(
            was.target,
            was.source,
            was.amount_minor - stays.amount_minor,
            was.currency,
            RETURNS.get(was.kind, "clawback"),
            was.level,
        )
        for was, stays in pairs
        if was.amount_minor != stays.amount_minor
    ]
