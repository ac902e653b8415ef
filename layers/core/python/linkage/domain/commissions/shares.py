"""Shares: who gets how much of a commission, and what a refund takes back of each.

With R refunded of a sale of A the direct commission that remains is half_up(D·(A-R)/A); fees,
overrides and splits are floors of what remains. A clawback is the value before the refund minus
the value after it, so partial refunds add up to a full one (docs/money.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from linkage.domain.commissions.rewards import Part
from linkage.domain.commissions.uplines import Level, Recruitment
from linkage.domain.ledger.ledger import (
    NETWORK_BONUSES,
    NETWORK_FEES,
    Posting,
    affiliate_account,
    vendor_account,
)
from linkage.domain.money import remaining, share_floor
from linkage.domain.people.members import Split


@dataclass(frozen=True)
class Commission:
    """A conversion's commission as it stands before any refund, with all that refunds need.

    `parts` are what named rewards have of it, for their tallies. `splits` are the affiliate's.
    """

    vendor_id: str
    affiliate_id: str
    currency: str
    sale_minor: int
    direct_minor: int
    fee_bps: int
    levels: tuple[Level, ...]
    overrides_from: str
    due_on: str
    affiliate_fee_bps: int = 0
    parts: tuple[Part, ...] = ()
    splits: tuple[Split, ...] = ()
    recruitment: Recruitment | None = None


@dataclass(frozen=True)
class _Share:
    source: str
    target: str
    kind: str
    level: int
    amount_minor: int
    currency: str


def _shares(commission: Commission, refunded_minor: int) -> list[_Share]:
    """Everybody's part, also those of 0, in an order that a refund does not change."""
    vendor, affiliate = (
        vendor_account(commission.vendor_id),
        affiliate_account(commission.affiliate_id),
    )
    currency = commission.currency
    direct_minor = remaining(commission.direct_minor, commission.sale_minor, refunded_minor)
    fee_minor = share_floor(direct_minor, commission.fee_bps)
    own_fee_minor = share_floor(direct_minor, commission.affiliate_fee_bps)
    overrides = [(level, share_floor(direct_minor, level.rate_bps)) for level in commission.levels]
    return [
        _Share(vendor, affiliate, "commission", 0, direct_minor, currency),
        _Share(vendor, NETWORK_FEES, "fee", 0, fee_minor, currency),
        _Share(affiliate, NETWORK_FEES, "affiliate_fee", 0, own_fee_minor, currency),
        *(
            _Share(
                commission.overrides_from,
                affiliate_account(level.member_id),
                "override",
                level.level,
                minor,
                currency,
            )
            for level, minor in overrides
        ),
        *_split(affiliate, 0, direct_minor - own_fee_minor, commission.splits, currency),
        *(
            share
            for level, minor in overrides
            for share in _split(
                affiliate_account(level.member_id), level.level, minor, level.splits, currency
            )
        ),
        *_recruited(commission, refunded_minor),
    ]


def _split(
    source: str, level: int, earned_minor: int, splits: Iterable[Split], currency: str
) -> Iterator[_Share]:
    for split in splits:
        minor = share_floor(earned_minor, split.share_bps)
        yield _Share(source, affiliate_account(split.member_id), "split", level, minor, currency)


def _recruited(commission: Commission, refunded_minor: int) -> Iterator[_Share]:
    bonus = commission.recruitment
    if bonus:
        sponsor = affiliate_account(bonus.member_id)
        stands = commission.sale_minor - refunded_minor >= bonus.floor_minor
        minor = bonus.amount_minor if stands else 0
        yield _Share(NETWORK_BONUSES, sponsor, "recruitment", 0, minor, bonus.currency)


def earned(commission: Commission, refunded_minor: int) -> tuple[Posting, ...]:
    """The postings of a commission when this much of its sale was refunded before it was posted."""
    return tuple(
        Posting(s.source, s.target, s.amount_minor, s.currency, s.kind, s.level)
        for s in _shares(commission, refunded_minor)
        if s.amount_minor
    )


_RETURNS = {"fee": "fee_return", "affiliate_fee": "affiliate_fee_return", "split": "split_return"}


def clawed_back(commission: Commission, before_minor: int, after_minor: int) -> tuple[Posting, ...]:
    """The postings that take back what a refund from `before_minor` to `after_minor` ends."""
    pairs = zip(_shares(commission, before_minor), _shares(commission, after_minor), strict=True)
    return tuple(
        _return(was, was.amount_minor - stays.amount_minor)
        for was, stays in pairs
        if was.amount_minor != stays.amount_minor
    )


def taken_back_whole(commission: Commission, refunded_minor: int) -> tuple[Posting, ...]:
    """The postings that take back all that stands of a commission with this much refunded."""
    shares = _shares(commission, refunded_minor)
    return tuple(_return(share, share.amount_minor) for share in shares if share.amount_minor)


def _return(share: _Share, amount_minor: int) -> Posting:
    kind = _RETURNS.get(share.kind, "clawback")
    return Posting(share.target, share.source, amount_minor, share.currency, kind, share.level)
