"""Introductions: which sale binds its customer to its affiliate, and when it no longer does.

A sale that was confirmed, earned and still stands introduces; a lead, a signup or an order of 0
never does. What an introducer earns elsewhere lives by that sale: it falls due no sooner, and is
taken back if too little of the sale stands before it is due (docs/money.md).
"""

from collections.abc import Iterable

from linkage.domain import clock
from linkage.domain.conversions.conversions import Confirmation, Conversion, Refund
from linkage.domain.conversions.tallies import bindings_tally
from linkage.domain.money import amount_text, least_that_earns, remaining
from linkage.domain.rule_versions import RULES_OF_WHAT_STANDS
from linkage.domain.terms.network import NetworkSettings

_CONTACTS_COUNT = 3
"""The rules from which on each new contact counts against a day's bindings."""


def floor_minor(settings: NetworkSettings, currency: str) -> int:
    """The least that must stand of a sale that introduces, minor units; 1 unless one is set."""
    return settings.introduction_minimum_minor.get(currency, 1)


def standing_minor(
    conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings, direct_minor: int
) -> int:
    """The least that must stand of a sale that introduced, minor units of its currency.

    It is the floor, or as much as makes its direct commission `direct_minor`, above 0, still earn.
    """
    least_minor = floor_minor(settings, conversion.currency)
    if confirmation.rules < RULES_OF_WHAT_STANDS:
        return least_minor
    return max(least_minor, least_that_earns(direct_minor, conversion.amount_minor))


def could_introduce(conversion: Conversion) -> bool:
    """Whether its kind introduces at all: an affiliate's own sale, with somebody who bought."""
    return (
        conversion.event == "sale"
        and conversion.attribution.affiliate_id is not None
        and not conversion.attribution.by_introduction
        and bool(conversion.customer_keys)
    )


def introduces(
    conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings, direct_minor: int
) -> bool:
    """Whether a confirmed conversion introduces its customer.

    `direct_minor` is its direct commission before refunds.
    """
    refunded_minor = confirmation.refunded_before_minor
    left_minor = conversion.amount_minor - refunded_minor
    return (
        could_introduce(conversion)
        and not confirmation.introduces_nobody
        and left_minor >= floor_minor(settings, conversion.currency)
        and remaining(direct_minor, conversion.amount_minor, refunded_minor) > 0
    )


def bindings_name(conversion: Conversion, accepted_at: str) -> str:
    """The tally of whom the affiliate introduces at the vendor on the day of the confirmation."""
    on = clock.day(clock.instant(accepted_at)).isoformat()
    affiliate_id = conversion.attribution.affiliate_id or ""
    return bindings_tally(conversion.vendor_id, affiliate_id, on)


def room(conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings) -> int:
    """How many new contacts the affiliate may still introduce at the vendor that day.

    All of the customer's, if the confirmation did not look at that tally: there is nobody new, or
    it is exempt.
    """
    name = bindings_name(conversion, confirmation.accepted_at)
    for tally in confirmation.seen.tallies:
        if tally.name == name:
            return max(0, settings.bindings_per_day_max - tally.count)
    return len(conversion.customer_keys)


def newly_bound(
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    direct_minor: int,
) -> int:
    """How many it adds to the day's tally: the new contacts it introduces, by rules 2 one sale."""
    if not introduces(conversion, confirmation, settings, direct_minor):
        return 0
    return min(_counted(confirmation), room(conversion, confirmation, settings))


def refused(
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    direct_minor: int,
) -> bool:
    """Whether it would have bound more but for the bound on one day's bindings."""
    return introduces(conversion, confirmation, settings, direct_minor) and (
        _counted(confirmation) > room(conversion, confirmation, settings)
    )


def _counted(confirmation: Confirmation) -> int:
    return confirmation.new_contacts if confirmation.rules >= _CONTACTS_COUNT else 1


def reasons(
    conversion: Conversion,
    confirmation: Confirmation,
    settings: NetworkSettings,
    direct_minor: int,
) -> tuple[str, ...]:
    """A sentence where a sale that could introduce its customer does not."""
    refunded_minor = confirmation.refunded_before_minor
    least_minor = floor_minor(settings, conversion.currency)
    if not could_introduce(conversion):
        return ()
    if confirmation.introduces_nobody:
        return (
            "An operator said it, and not its vendor, so it introduces its customer to nobody.",
        )
    if conversion.amount_minor - refunded_minor < least_minor:
        least = amount_text(least_minor, conversion.currency)
        return (f"Less than {least} of it stands, so it introduces its customer to nobody.",)
    if not introduces(conversion, confirmation, settings, direct_minor):
        return ("It earns nothing, so it introduces its customer to nobody.",)
    if refused(conversion, confirmation, settings, direct_minor):
        return (_refusal(conversion, confirmation, settings),)
    return ()


def _refusal(conversion: Conversion, confirmation: Confirmation, settings: NetworkSettings) -> str:
    """Of what it renews it says nothing, since only the customer's bindings know."""
    most = settings.bindings_per_day_max
    if confirmation.rules < _CONTACTS_COUNT:
        return (
            f"The affiliate has introduced {most} new customers at this vendor that day, the most "
            "the network allows: this sale earns as any other and introduces nobody."
        )
    none = "no further" if room(conversion, confirmation, settings) else "no"
    return (
        f"The affiliate has introduced {most} new contacts at this vendor that day, the most the "
        f"network allows: this sale earns as any other and introduces {none} new contact."
    )


def has_ended(floor_minor: int | None, sale: Conversion) -> bool:
    """Whether too little stands of a sale that introduced.

    Without a floor, of before there were any, nothing may stand.
    """
    left_minor = sale.amount_minor - sale.refunded_minor
    if floor_minor is None:
        return left_minor == 0 < sale.amount_minor
    return left_minor < floor_minor


def ended_by(floor_minor: int, sale: Conversion, refunds: Iterable[Refund]) -> Refund | None:
    """The refund by which too little stood of a sale that introduced; None if enough does.

    `refunds` are all of the sale's, in their order.
    """
    for refund in refunds:
        if sale.amount_minor - refund.refunded_after_minor < floor_minor:
            return refund
    return None


def ended_before(refund: Refund, confirmation: Confirmation, due_on: str) -> str | None:
    """The UTC date a refund ended an introduction, if what lived by it is to be taken back.

    It is unless it was due before; whatever is confirmed only afterwards is taken back too.
    """
    on = clock.day(clock.instant(refund.accepted_at)).isoformat()
    is_in_time = on <= due_on if confirmation.rules >= RULES_OF_WHAT_STANDS else on < due_on
    return on if is_in_time or refund.accepted_at <= confirmation.accepted_at else None
