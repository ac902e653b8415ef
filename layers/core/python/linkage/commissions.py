"""Commissions: what a confirmed conversion earns for whom, and what a refund takes back.

Rules (docs/money.md): the direct commission is rounded half up; with R refunded of A, the part that
remains is half_up(D·(A-R)/A); fee and overrides are floors of what remains. A clawback is the value
before the refund minus the value after it, so partial refunds add up to a full one exactly.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta

from linkage import clock
from linkage.conversions import Confirmation, Conversion, Refund, refund_key
from linkage.ledger import (
    NETWORK_FEES,
    Posting,
    Transaction,
    affiliate_account,
    lines_due_on,
    vendor_account,
)
from linkage.members import Seen
from linkage.money import amount_text, remaining, share_floor, share_half_up
from linkage.network import NetworkSettings
from linkage.programs import Program, reward_for


@dataclass(frozen=True)
class Level:
    """One member of the upline and its percent of the direct commission, in basis points."""

    member_id: str
    level: int
    rate_bps: int


@dataclass(frozen=True)
class Commission:
    """A conversion's commission as it stands before any refund, with all that refunds need."""

    vendor_id: str
    affiliate_id: str
    currency: str
    sale_minor: int
    direct_minor: int
    fee_bps: int
    levels: tuple[Level, ...]
    overrides_from: str
    due_on: str


def confirmation_id(conversion_id: str) -> str:
    """The transaction a conversion's commission is posted under."""
    return f"{conversion_id}/confirmation"


def refund_id(refund: Refund) -> str:
    """The transaction a refund's clawback is posted under."""
    return f"{refund.conversion_id}/{refund_key(refund.external_id).replace('#', '/')}"


def commission_of(
    conversion: Conversion, confirmation: Confirmation, program: Program, settings: NetworkSettings
) -> tuple[Commission | None, tuple[str, ...]]:
    """The commission, or None, with the sentences that say how it came about."""
    affiliate_id = conversion.attribution.affiliate_id
    if affiliate_id is None:
        return None, (f"Not attributed: {conversion.attribution.reason}.",)
    standing = confirmation.seen.affiliate
    if standing is None or standing.status != "approved":
        status = standing.status if standing else "unknown"
        return None, (f"The affiliate was {status} when the conversion was confirmed.",)
    direct_minor, why = _direct(conversion, program)
    if not direct_minor:
        return None, why

    levels, passed_over = _levels(confirmation.seen, settings)
    commission = Commission(
        vendor_id=conversion.vendor_id,
        affiliate_id=affiliate_id,
        currency=conversion.currency,
        sale_minor=conversion.amount_minor,
        direct_minor=direct_minor,
        fee_bps=settings.network_fee_bps,
        levels=levels,
        overrides_from=(
            NETWORK_FEES
            if settings.override_funding == "network"
            else vendor_account(conversion.vendor_id)
        ),
        due_on=_due_on(confirmation, program),
    )
    return commission, (*why, *passed_over)


def _direct(conversion: Conversion, program: Program) -> tuple[int, tuple[str, ...]]:
    sale = amount_text(conversion.amount_minor, conversion.currency)
    if conversion.event == "sale" and conversion.amount_minor == 0:
        return 0, ("The order's amount is 0, so it earns nothing.",)
    if conversion.attribution.model == "introducer":
        rate_bps = program.introducer_rate_bps
        rule = "the program's introducer rate"
    else:
        reward = reward_for(program, conversion.event, conversion.currency)
        if reward is None:
            return 0, (
                f"The program has no reward for a {conversion.event} in {conversion.currency}.",
            )
        if reward.amount_minor is not None:
            fixed = amount_text(reward.amount_minor, conversion.currency)
            return reward.amount_minor, (f"The program pays {fixed} for each {reward.event}.",)
        rate_bps = reward.rate_bps or 0
        rule = f"the program's rate for a {reward.event}"
    direct_minor = share_half_up(conversion.amount_minor, rate_bps)
    direct = amount_text(direct_minor, conversion.currency)
    return direct_minor, (
        f"{rule[0].upper()}{rule[1:]} is {_percent(rate_bps)}: {_percent(rate_bps)} of {sale} is "
        f"{direct}, rounded half up.",
    )


def _levels(seen: Seen, settings: NetworkSettings) -> tuple[tuple[Level, ...], tuple[str, ...]]:
    levels, passed_over = [], []
    reached = zip(seen.upline, settings.level_rates_bps, strict=False)
    for level, (standing, rate_bps) in enumerate(reached, start=1):
        if standing.status == "approved":
            levels.append(Level(standing.member_id, level, rate_bps))
        else:
            passed_over.append(f"Level {level} of the upline was {standing.status}: no override.")
    return tuple(levels), tuple(passed_over)


def _due_on(confirmation: Confirmation, program: Program) -> str:
    accepted_on = clock.day(clock.instant(confirmation.accepted_at))
    return (accepted_on + timedelta(days=program.hold_days)).isoformat()


def _percent(rate_bps: int) -> str:
    return f"{rate_bps // 100}.{rate_bps % 100:02d}".rstrip("0").rstrip(".") + " %"


@dataclass(frozen=True)
class _Share:
    source: str
    target: str
    kind: str
    level: int
    amount_minor: int


def _shares(commission: Commission, refunded_minor: int) -> list[_Share]:
    vendor = vendor_account(commission.vendor_id)
    direct_minor = remaining(commission.direct_minor, commission.sale_minor, refunded_minor)
    fee_minor = share_floor(direct_minor, commission.fee_bps)
    return [
        _Share(vendor, affiliate_account(commission.affiliate_id), "commission", 0, direct_minor),
        _Share(vendor, NETWORK_FEES, "fee", 0, fee_minor),
        *(
            _Share(
                commission.overrides_from,
                affiliate_account(level.member_id),
                "override",
                level.level,
                share_floor(direct_minor, level.rate_bps),
            )
            for level in commission.levels
        ),
    ]


def earned(commission: Commission, refunded_minor: int) -> tuple[Posting, ...]:
    """The postings of a commission when this much of its sale was refunded before it was posted."""
    return tuple(
        Posting(s.source, s.target, s.amount_minor, commission.currency, s.kind, s.level)
        for s in _shares(commission, refunded_minor)
        if s.amount_minor
    )


def clawed_back(commission: Commission, before_minor: int, after_minor: int) -> tuple[Posting, ...]:
    """The postings that take back what a refund from `before_minor` to `after_minor` ends."""
    pairs = zip(_shares(commission, before_minor), _shares(commission, after_minor), strict=True)
    return tuple(
        Posting(
            source=was.target,
            target=was.source,
            amount_minor=was.amount_minor - stays.amount_minor,
            currency=commission.currency,
            kind="fee_return" if was.kind == "fee" else "clawback",
            level=was.level,
        )
        for was, stays in pairs
        if was.amount_minor != stays.amount_minor
    )


def confirmation_transaction(
    conversion: Conversion, confirmation: Confirmation, program: Program, settings: NetworkSettings
) -> Transaction:
    """What a confirmation posts, if anything, and why; a head is written even for nothing."""
    commission, why = commission_of(conversion, confirmation, program, settings)
    refunded_minor = confirmation.refunded_before_minor
    postings = earned(commission, refunded_minor) if commission else ()
    if refunded_minor:
        refunded = amount_text(refunded_minor, conversion.currency)
        why = (*why, f"{refunded} was refunded before the confirmation and earns nothing.")
    return Transaction(
        transaction_id=confirmation_id(conversion.conversion_id),
        kind="commission",
        accepted_at=confirmation.accepted_at,
        postings=postings,
        lines=lines_due_on(postings, commission.due_on) if commission else (),
        facts={
            "conversion_id": conversion.conversion_id,
            "program_id": conversion.program_id,
            "program_version": conversion.program_version,
            "settings_version": conversion.settings_version,
            "commission": asdict(commission) if commission else None,
        },
        why=(*why, *_sentences(postings, settings)),
    )


def refund_transaction(
    conversion: Conversion, refund: Refund, commission: Commission | None
) -> Transaction:
    """What a refund posts, from the commission its confirmation was posted with."""
    before_minor, after_minor = refund.refunded_before_minor, refund.refunded_after_minor
    postings = clawed_back(commission, before_minor, after_minor) if commission else ()
    refunded = amount_text(refund.amount_minor, conversion.currency)
    sale = amount_text(conversion.amount_minor, conversion.currency)
    taken_back = (
        f"{amount_text(p.amount_minor, p.currency)} of the {_taken(p)} is taken back."
        for p in postings
    )
    return Transaction(
        transaction_id=refund_id(refund),
        kind="clawback",
        accepted_at=refund.accepted_at,
        postings=postings,
        lines=lines_due_on(postings, commission.due_on) if commission else (),
        facts={
            "conversion_id": conversion.conversion_id,
            "refund": refund.external_id,
            "refunded_before_minor": before_minor,
            "refunded_after_minor": after_minor,
        },
        why=(f"{refunded} of {sale} was refunded.", *taken_back),
    )


def _taken(posting: Posting) -> str:
    if posting.kind == "fee_return":
        return "network fee"
    return f"level {posting.level} override" if posting.level else "commission"


def _sentences(postings: Iterable[Posting], settings: NetworkSettings) -> list[str]:
    said = []
    for posting in postings:
        amount = amount_text(posting.amount_minor, posting.currency)
        if posting.kind == "fee":
            rate = _percent(settings.network_fee_bps)
            said.append(
                f"The network fee is {rate} of the commission: {amount}, paid by the vendor."
            )
        elif posting.kind == "override":
            rate = _percent(settings.level_rates_bps[posting.level - 1])
            paid = "out of the network fee" if posting.source == NETWORK_FEES else "by the vendor"
            said.append(
                f"Level {posting.level} of the upline earns {rate} of the commission, rounded "
                f"down: {amount}, paid {paid}."
            )
    return said
