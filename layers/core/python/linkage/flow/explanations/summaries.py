"""The summary of an explanation: what the viewer gets or pays, why, and when."""

from collections.abc import Iterator, Sequence
from datetime import date

from linkage.domain import clock
from linkage.domain.conversions.conversions import Conversion, known_to
from linkage.domain.conversions.holding import OVER_THE_LIMIT, VENDOR_SUSPENDED
from linkage.domain.ledger.ledger import NETWORK_BONUSES, NETWORK_FEES, vendor_account
from linkage.domain.money import amount_text, decimal_text
from linkage.domain.payouts.payouts import scheduled_batch_id
from linkage.domain.terms.network import Planned, coming_batches
from linkage.flow.explanations.explained_facts import Found
from linkage.flow.explanations.explained_lines import Line, hold, parts_text, smaller
from linkage.flow.explanations.viewers import SOMEBODY_ELSE, Viewer
from linkage.tables.payout_batches import find_batch
from linkage.tables.settings import current_settings

REJECTIONS = {
    "duplicate": "as reported twice",
    "cancelled": "as cancelled",
    "fraud": "as fraud",
    "test": "as a test",
    "not_qualified": "as not qualified",
    "other": "for another reason",
}


def summary(found: Found, lines: Sequence[Line], viewer: Viewer) -> list[str]:
    """What a conversion means for the viewer: one text per currency, or why there is nothing."""
    if viewer.role == "vendor":
        return [*_costs(found)] or [f"This costs you {_nothing(found, viewer)}"]
    if viewer.is_affiliate:
        own = [line for line in lines if line.affiliate_id == viewer.member_id]
        if not own:
            return [f"You get {_nothing(found, viewer)}"]
        return [*_gets(found, own, viewer), _why(found, viewer)]
    gets = [
        text
        for affiliate_id in dict.fromkeys(line.affiliate_id for line in lines)
        for text in _gets(
            found, [line for line in lines if line.affiliate_id == affiliate_id], viewer
        )
    ]
    return [*gets, *_keeps(found)] or [f"Everybody gets {_nothing(found, viewer)}"]


def _why(found: Found, viewer: Viewer) -> str:
    won = next(each for each in found.conversion.attribution.candidates if each.won)
    whose = viewer.affiliate(won.affiliate_id)
    whose = "you" if whose == viewer.member_id else whose
    said = (sentence for head in found.heads for sentence in head["why"])
    return f"Why: it is attributed to {whose}, because {won.why}. {' '.join(said)}"


def _gets(found: Found, lines: Sequence[Line], viewer: Viewer) -> Iterator[str]:
    """What one affiliate gets, a text for each currency."""
    for currency in dict.fromkeys(line.currency for line in lines):
        own = [line for line in lines if line.currency == currency]
        yield f"{_amount(own, currency, viewer)}{_dues(found, own, currency)}"


def _amount(lines: Sequence[Line], currency: str, viewer: Viewer) -> str:
    who = "You" if viewer.is_affiliate else f"Affiliate {lines[0].affiliate_id}"
    get, lose = ("get", "lose") if viewer.is_affiliate else ("gets", "loses")
    total_minor = sum(line.amount_minor for line in lines)
    parts = parts_text((part for line in lines for part in line.parts), currency)
    if total_minor == 0:
        return f"{who} {get} nothing in {currency} in the end: {parts}."
    verb = get if total_minor > 0 else lose
    return f"{who} {verb} {amount_text(abs(total_minor), currency)}: {parts}."


def _dues(found: Found, lines: Sequence[Line], currency: str) -> str:
    """When that is paid, or was: what is left to be paid by its due dates, then the payouts."""
    open_minor: dict[str, int] = {}
    paid_minor: dict[tuple[str, str], int] = {}
    for line in lines:
        if line.payout:
            place = (line.payout.payout_id, line.payout.status)
            paid_minor[place] = paid_minor.get(place, 0) + line.amount_minor
        else:
            open_minor[line.open_on] = open_minor.get(line.open_on, 0) + line.amount_minor
    said = [
        f"{amount_text(minor, currency)} of it is in payout {payout_id}, which is {status}."
        for (payout_id, status), minor in paid_minor.items()
        if minor
    ]
    due = [
        _due(found, minor, currency, due_on, whole=not said and len(open_minor) == 1)
        for due_on, minor in sorted(open_minor.items())
        if minor
    ]
    coming = [date.fromisoformat(due_on) for due_on, minor in open_minor.items() if minor > 0]
    paid = _batches(currency, min(coming)) if coming else ()
    return "".join(f" {sentence}" for sentence in (*said, *due, *paid))


def _batches(currency: str, due_on: date) -> Iterator[str]:
    """When batches come and what they leave for later, as far as the settings now say it."""
    settings = current_settings()
    minimum_minor, schedule = settings.minimum_minor(currency), settings.payout_schedule
    if schedule and currency in schedule.currencies:
        days = ", ".join(map(str, schedule.days_of_month))
        first = next(
            each
            for each in coming_batches(schedule, due_on, clock.now())
            if _is_to_come(each, currency)
        )
        yield (
            f"Batches in {currency} are planned on these days of each month: {days}. The next that "
            f"reaches it is on {first.on}."
        )
    if minimum_minor > 1:
        yield f"A balance below {amount_text(minimum_minor, currency)} waits for a later one."


def _is_to_come(planned: Planned, currency: str) -> bool:
    """Whether a scheduled batch takes what is in balances now: it is not made yet."""
    if planned.opens > clock.now():
        return True
    return find_batch(scheduled_batch_id(currency, planned.on)) is None


def _due(found: Found, minor: int, currency: str, due_on: str, *, whole: bool) -> str:
    if minor < 0:
        return f"{amount_text(-minor, currency)} makes {smaller(due_on)} smaller."
    what = "It" if whole else amount_text(minor, currency)
    return (
        f"{what} is due on {due_on}{hold(found, due_on)}; the first payout batch that reaches that "
        "day pays it."
    )


def _nothing(found: Found, viewer: Viewer) -> str:
    """That there is nothing, or nothing yet, and why, to follow whom it is about."""
    never = _why_never(found, viewer)
    return f"nothing: {never}" if never else f"nothing yet: {_why_not_yet(found, viewer)}"


def held_why(conversion: Conversion, viewer: Viewer) -> str:
    """Why a conversion is held and what ends that, to follow a colon, as far as the viewer's."""
    if viewer.is_affiliate:
        return "the network holds it until one of its operators has looked at it."
    why = {
        VENDOR_SUSPENDED: "the vendor was suspended when it was confirmed",
        OVER_THE_LIMIT: "it would have cost the vendor more than its limit for the month",
    }
    return f"{why[conversion.held_reason or '']}. It stands once an operator releases it."


def _why_never(found: Found, viewer: Viewer) -> str | None:
    conversion = known_to(viewer.role, found.conversion)
    if found.rejection:
        code = REJECTIONS[found.rejection.code]
        return f"the vendor rejected it, {code}: {found.rejection.reason}."
    if conversion.attribution.model is None:
        return f"it is attributed to nobody: {viewer.reason(conversion)}."
    lost = _lost(conversion, viewer)
    if lost is None and found.head:
        return " ".join(found.head["why"])
    return lost


def _why_not_yet(found: Found, viewer: Viewer) -> str:
    if found.confirmation:
        return "it is confirmed, and not posted to the ledger yet. That usually takes seconds."
    if found.conversion.held_reason:
        return held_why(found.conversion, viewer)
    waits = "the vendor has neither confirmed nor rejected it."
    confirm_at = found.conversion.confirm_at
    if confirm_at is None:
        return waits
    return f"{waits} It is confirmed by itself at {confirm_at} unless it is rejected."


def _lost(conversion: Conversion, viewer: Viewer) -> str | None:
    """Why a viewer who was only a candidate lost; None for everybody else."""
    if not viewer.is_affiliate or conversion.attribution.affiliate_id == viewer.member_id:
        return None
    own = [
        candidate.why
        for candidate in conversion.attribution.candidates
        if candidate.affiliate_id == viewer.member_id
    ]
    return f"it is attributed to {SOMEBODY_ELSE}: {'; '.join(own)}." if own else None


def _costs(found: Found) -> Iterator[str]:
    """What a vendor pays for a conversion, a text for each currency."""
    account = vendor_account(found.conversion.vendor_id)
    for currency, parts in _of_accounts(found, {account}).items():
        named = ", ".join(
            f"{name} {decimal_text(-minor, currency)}" for name, minor in parts.items() if minor
        )
        cost = amount_text(-sum(parts.values()), currency)
        all_back = f"This costs you nothing in {currency} in the end: all of it was taken back."
        yield f"This costs you {cost}: {named}." if named else all_back


def _keeps(found: Found) -> Iterator[str]:
    """What the vendor pays and the network keeps, for operators."""
    vendor = _of_accounts(found, {vendor_account(found.conversion.vendor_id)})
    network = _of_accounts(found, {NETWORK_FEES, NETWORK_BONUSES})
    for currency in dict.fromkeys([*vendor, *network]):
        paid = amount_text(-sum(vendor.get(currency, {}).values()), currency)
        kept = amount_text(sum(network.get(currency, {}).values()), currency)
        yield f"The vendor pays {paid}; the network keeps {kept}."


def _of_accounts(found: Found, accounts: set[str]) -> dict[str, dict[str, int]]:
    """What came to these accounts by currency and kind, a return counted with its kind."""
    moved: dict[str, dict[str, int]] = {}
    for _, posting, _ in found.dated():
        for account, sign in ((posting.source, -1), (posting.target, 1)):
            if account in accounts:
                parts = moved.setdefault(posting.currency, {})
                name = _COSTS.get(posting.kind, posting.kind)
                if posting.kind == "clawback" and posting.level:
                    name = "overrides"
                parts[name] = parts.get(name, 0) + sign * posting.amount_minor
    return moved


_COSTS = {
    "fee": "network fee",
    "fee_return": "network fee",
    "override": "overrides",
    "clawback": "commission",
    "bonus_return": "bonus",
}
