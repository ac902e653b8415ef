"""Reasons: the sentences that say why each amount of a transaction was posted.

They are for everybody who has a part in it, so they name amounts and roles and no member.
"""

from collections.abc import Iterable, Iterator

from linkage.domain.commissions.shares import Commission
from linkage.domain.conversions.tallies import HeldBonus, Tally, measure_text, measured, period_in
from linkage.domain.ledger.ledger import NETWORK_BONUSES, NETWORK_FEES, Posting, affiliate_account
from linkage.domain.money import amount_text, percent, remaining


def of_shares(postings: Iterable[Posting], commission: Commission) -> Iterator[str]:
    """A sentence for each fee, override and split of a commission."""
    rates = {level.level: percent(level.rate_bps) for level in commission.levels}
    splits = _split_rates(commission)
    for posting in postings:
        amount = amount_text(posting.amount_minor, posting.currency)
        if posting.kind == "fee":
            rate = percent(commission.fee_bps)
            yield f"The network fee is {rate} of the commission: {amount}, paid by the vendor."
        elif posting.kind == "affiliate_fee":
            rate = percent(commission.affiliate_fee_bps)
            yield (
                f"The affiliate's fee to the network is {rate} of the commission, rounded down: "
                f"{amount}, taken out of it."
            )
        elif posting.kind == "override":
            paid = "out of the network fee" if posting.source == NETWORK_FEES else "by the vendor"
            yield (
                f"Level {posting.level} of the upline earns {rates[posting.level]} of the "
                f"commission, rounded down: {amount}, paid {paid}."
            )
        elif posting.kind == "split":
            rate, kept = splits[posting.level, posting.target], _earned(posting)
            if posting.level == 0 and commission.affiliate_fee_bps:
                kept += " after the fee"
            yield (
                f"{rate} of the {kept}, rounded down, goes on to a member it is shared with: "
                f"{amount}."
            )


def _split_rates(commission: Commission) -> dict[tuple[int, str], str]:
    shared = [(0, commission.splits), *((each.level, each.splits) for each in commission.levels)]
    return {
        (level, affiliate_account(split.member_id)): percent(split.share_bps)
        for level, splits in shared
        for split in splits
    }


def of_rest(commission: Commission, refunded_minor: int) -> Iterator[str]:
    """What of a commission remains with this much of its sale refunded."""
    if commission.direct_minor == 0:
        return
    left_minor = remaining(commission.direct_minor, commission.sale_minor, refunded_minor)
    sale, refunded, whole, left = (
        amount_text(minor, commission.currency)
        for minor in (commission.sale_minor, refunded_minor, commission.direct_minor, left_minor)
    )
    yield (
        f"With {refunded} of {sale} refunded in all, {left} of the whole commission of {whole} "
        "remains, rounded half up; fees, overrides and splits are of what remains."
    )


def of_returns(postings: Iterable[Posting]) -> Iterator[str]:
    """A sentence for each posting that takes a part of a commission back."""
    for posting in postings:
        amount = amount_text(posting.amount_minor, posting.currency)
        if posting.kind == "fee_return":
            yield f"{amount} of the network fee is taken back."
        elif posting.kind == "affiliate_fee_return":
            yield f"{amount} of the affiliate's fee is given back to it."
        elif posting.kind == "split_return":
            yield f"{amount} of the {_earned(posting)} comes back from a member it is shared with."
        elif posting.target == NETWORK_BONUSES:
            yield f"The recruitment bonus of {amount} is taken back; the next sale earns it."
        else:
            yield f"{amount} of the {_earned(posting)} is taken back."


def of_bonuses(bonuses: Iterable[tuple[Tally, HeldBonus]]) -> Iterator[str]:
    """A sentence for each bonus of a period that a sale brings, with the tally that reached it."""
    for tally, bonus in bonuses:
        amount = amount_text(bonus.amount_minor, bonus.currency)
        yield (
            f"The affiliate's sales of {period_in(tally.name)} now come to {_reached(tally)}, "
            f"which reaches {measure_text(tally.name, bonus.target)}: a bonus of {amount}, paid by "
            "the vendor."
        )


def of_bonuses_beyond(bonuses: Iterable[tuple[Tally, HeldBonus]], most: int) -> Iterator[str]:
    """A sentence for each bonus that is reached by a tally that holds as many as it may."""
    for tally, bonus in bonuses:
        amount = amount_text(bonus.amount_minor, bonus.currency)
        yield (
            f"The affiliate's sales of {period_in(tally.name)} now come to {_reached(tally)}, "
            f"which reaches {measure_text(tally.name, bonus.target)}, but no more than {most} "
            f"bonuses are held for them at a time: this one of {amount} is not granted."
        )


def of_lost_bonuses(bonuses: Iterable[tuple[Tally, HeldBonus]]) -> Iterator[str]:
    """A sentence for each bonus that a refund takes back, with the tally that no longer does."""
    for tally, bonus in bonuses:
        amount = amount_text(bonus.amount_minor, bonus.currency)
        yield (
            f"The affiliate's sales of {period_in(tally.name)} fall to {_reached(tally)}, below "
            f"{measure_text(tally.name, bonus.target)}: the bonus of {amount} is taken back."
        )


def _reached(tally: Tally) -> str:
    return measure_text(tally.name, measured(tally))


def _earned(posting: Posting) -> str:
    return f"level {posting.level} override" if posting.level else "commission"
