"""Moves of tallies: what a confirmation adds to those it saw, and what ends it takes back again.

A tally is told by its name. One that stays as it is keeps its version and is not written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from linkage.domain import clock
from linkage.domain.commissions.rewards import Part
from linkage.domain.commissions.wanted_tallies import sales_name
from linkage.domain.conversions.conversions import Conversion, Refund, Withdrawal
from linkage.domain.conversions.tallies import (
    HeldBonus,
    Tally,
    counts_only,
    currency_in,
    kind_of,
    measured,
    reward_in,
)
from linkage.domain.ledger.ledger import Posting, vendor_account
from linkage.domain.money import remaining
from linkage.domain.terms.programs import Bonus


def changed(pairs: Iterable[tuple[Tally, Tally]]) -> tuple[Tally, ...]:
    """Of tallies before and after, those to be written, each a version on."""
    return tuple(
        replace(after, version=before.version + 1) for before, after in pairs if after != before
    )


# ---- a confirmation


def sold(tally: Tally, conversion: Conversion, refunded_minor: int) -> Tally:
    """A sales tally with this sale in it, less what was refunded before its confirmation."""
    if not _stands(conversion, refunded_minor):
        return tally
    return _sales_moved(tally, 1, conversion.amount_minor - refunded_minor)


HELD_MAX = 24
"""So many bonuses one sales tally holds at a time (rules 2): a refund may take all of them back."""


def granted(tally: Tally, reached: Sequence[HeldBonus], rules: int) -> tuple[HeldBonus, ...]:
    """Of the bonuses a sales tally has reached, those it has room for, in their order."""
    return tuple(reached if rules < 2 else reached[: max(0, HELD_MAX - len(tally.held))])


def reached(
    tally: Tally, conversion: Conversion, bonuses: Iterable[Bonus], due_on: str
) -> tuple[HeldBonus, ...]:
    """The bonuses a moved sales tally has reached and does not hold, in the program's order."""
    affiliate_id = conversion.attribution.affiliate_id or ""
    held = {(bonus.target, bonus.currency) for bonus in tally.held}
    return tuple(
        HeldBonus(bonus.target, bonus.amount_minor, bonus.currency, due_on)
        for bonus in bonuses
        if sales_name(conversion, affiliate_id, bonus.by, bonus.period, bonus.currency)
        == tally.name
        and bonus.target <= measured(tally)
        and (bonus.target, bonus.currency) not in held
    )


def rewarded_in(
    tally: Tally, parts: Iterable[Part], conversion: Conversion, refunded_minor: int
) -> Tally:
    """A reward tally with what this conversion's own part of it leaves after refunds."""
    added_minor = _left(tally, parts, conversion, refunded_minor)
    return replace(tally, amount_minor=tally.amount_minor + added_minor)


def met(tally: Tally, conversion: Conversion, refunded_minor: int, *, earns: bool) -> Tally:
    """A customer's tally with this conversion in it; `since` is the first one that earns."""
    return replace(
        tally,
        count=tally.count + _stands(conversion, refunded_minor),
        since=tally.since or (conversion.occurred_at if earns else None),
    )


def worked(tally: Tally, conversion: Conversion, *, recruited: bool) -> Tally:
    """A member's tally with its own sale, which earns its sponsor the bonus if `recruited`."""
    on = clock.day(clock.instant(conversion.occurred_at)).isoformat()
    return replace(
        tally,
        last_on=max(tally.last_on or on, on),
        recruited_by=conversion.conversion_id if recruited else tally.recruited_by,
    )


def spent(tally: Tally, postings: Iterable[Posting], vendor_id: str) -> Tally:
    """A cost tally with all that a confirmation's postings take from the vendor in its currency."""
    vendor, currency = vendor_account(vendor_id), currency_in(tally.name)
    added_minor = sum(
        each.amount_minor for each in postings if (each.source, each.currency) == (vendor, currency)
    )
    return replace(tally, amount_minor=tally.amount_minor + added_minor)


# ---- a refund, or a withdrawal


@dataclass(frozen=True)
class Ending:
    """What a refund or a withdrawal ends of a confirmed conversion.

    Minor units of its amount that stand no more before and after it, and the UTC date it was
    accepted on. Of what is withdrawn nothing stands, also of an amount of 0.
    """

    before_minor: int
    after_minor: int
    on: str
    withdraws: bool = False

    @classmethod
    def by_refund(cls, refund: Refund) -> "Ending":
        """What a refund ends."""
        on = clock.day(clock.instant(refund.accepted_at)).isoformat()
        return cls(refund.refunded_before_minor, refund.refunded_after_minor, on)

    @classmethod
    def by_withdrawal(cls, withdrawal: Withdrawal, conversion: Conversion) -> "Ending":
        """What a withdrawal ends: all that stood."""
        on = clock.day(clock.instant(withdrawal.accepted_at)).isoformat()
        return cls(withdrawal.refunded_before_minor, conversion.amount_minor, on, withdraws=True)

    def ends(self, conversion: Conversion) -> bool:
        """Whether the conversion stood before it and does not after it."""
        return self.after_minor == conversion.amount_minor and _stands(
            conversion, self.before_minor
        )


def unspent(
    tally: Tally, dated: Iterable[tuple[Posting, str]], ending: Ending, vendor_id: str
) -> Tally:
    """A cost tally without what comes back to the vendor before it fell due; at least 0.

    What had fallen due may be paid out already, so it makes no room for somebody else's.
    """
    vendor, currency = vendor_account(vendor_id), currency_in(tally.name)
    back_minor = sum(
        each.amount_minor
        for each, due_on in dated
        if (each.target, each.currency) == (vendor, currency) and ending.on < due_on
    )
    return replace(tally, amount_minor=max(0, tally.amount_minor - back_minor))


def undone(
    tally: Tally,
    conversion: Conversion,
    ending: Ending,
    parts: Sequence[Part],
    recruited_floor_minor: int,
) -> Tally:
    """A tally its confirmation saw, with what this ends taken back; never below 0.

    With less than `recruited_floor_minor` of it left, a sale is no recruit's first one any more.
    """
    match kind_of(tally.name):
        case "sales":
            moved = returned(tally, conversion, ending)
            return replace(moved, held=tuple(b for b in moved.held if b not in missed(moved)))
        case "reward":
            back_minor = _left(tally, parts, conversion, ending.before_minor)
            if not ending.withdraws:
                back_minor -= _left(tally, parts, conversion, ending.after_minor)
            return replace(tally, amount_minor=max(0, tally.amount_minor - back_minor))
        case "customer":
            return replace(tally, count=max(0, tally.count - ending.ends(conversion)))
        case _:
            left_minor = conversion.amount_minor - ending.after_minor
            own = tally.recruited_by == conversion.conversion_id
            is_over = own and left_minor < recruited_floor_minor
            return replace(tally, recruited_by=None) if is_over else tally


def returned(tally: Tally, conversion: Conversion, ending: Ending) -> Tally:
    """A sales tally without what this gave back; what it holds is as it was."""
    back_minor = ending.after_minor - ending.before_minor
    return _sales_moved(tally, -ending.ends(conversion), -back_minor)


def missed(tally: Tally) -> tuple[HeldBonus, ...]:
    """The bonuses a sales tally holds and does not reach."""
    return tuple(bonus for bonus in tally.held if bonus.target > measured(tally))


def _sales_moved(tally: Tally, count: int, amount_minor: int) -> Tally:
    if counts_only(tally.name):
        amount_minor = 0
    return replace(
        tally,
        count=max(0, tally.count + count),
        amount_minor=max(0, tally.amount_minor + amount_minor),
    )


def _stands(conversion: Conversion, refunded_minor: int) -> bool:
    return refunded_minor < conversion.amount_minor or conversion.amount_minor == 0


def _left(tally: Tally, parts: Iterable[Part], conversion: Conversion, refunded_minor: int) -> int:
    return sum(
        remaining(part.amount_minor, conversion.amount_minor, refunded_minor)
        for part in parts
        if part.name == reward_in(tally.name)
    )
