"""What each accepted fact posts: the transactions of confirmations, refunds and withdrawals."""

from dataclasses import asdict
from typing import Any

from linkage.domain.commissions import reasons, tally_moves
from linkage.domain.commissions.commissions import (
    BEYOND_BINDINGS,
    bonuses_lost,
    bonuses_reached,
    commission_of,
    confirmation_id,
    dated_postings,
    postings_of,
    refund_id,
    returned_postings,
    withdrawal_id,
    withdrawn_postings,
)
from linkage.domain.commissions.shares import Commission, earned
from linkage.domain.commissions.tally_moves import Ending
from linkage.domain.conversions import introductions
from linkage.domain.conversions.conversions import (
    Confirmation,
    Conversion,
    Refund,
    Withdrawal,
)
from linkage.domain.ledger.ledger import (
    BY_OPERATOR,
    Posting,
    Transaction,
    dated_lines,
    lines_due_on,
)
from linkage.domain.money import amount_text
from linkage.domain.rule_versions import RULES_FIRST
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program


def confirmation_transaction(
    conversion: Conversion, confirmation: Confirmation, program: Program, settings: NetworkSettings
) -> Transaction:
    """What a confirmation posts, if anything, and why; a head is written even for nothing."""
    commission, why = commission_of(conversion, confirmation, program, settings)
    refunded_minor = confirmation.refunded_before_minor
    if refunded_minor:
        refunded = amount_text(refunded_minor, conversion.currency)
        why = (*why, f"{refunded} was refunded before the confirmation and earns nothing.")
    postings: tuple[Posting, ...] = ()
    noticed: dict[str, bool] = {}
    if commission:
        shares = earned(commission, refunded_minor)
        reached = [*bonuses_reached(conversion, confirmation, program, commission)]
        bonuses = [(tally, bonus) for tally, bonus, granted in reached if granted]
        full = [(tally, bonus) for tally, bonus, granted in reached if not granted]
        postings = postings_of(conversion, confirmation, program, commission)
        why = (*why, *reasons.of_shares(shares, commission), *reasons.of_bonuses(bonuses))
        why = (*why, *reasons.of_bonuses_beyond(full, tally_moves.HELD_MAX))
        if confirmation.rules > RULES_FIRST:
            minor = commission.direct_minor
            why = (*why, *introductions.reasons(conversion, confirmation, settings, minor))
            if introductions.refused(conversion, confirmation, settings, minor):
                noticed = {BEYOND_BINDINGS: True}
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
            "commission": _said(commission) if commission else None,
            **noticed,
            **_by_operator(conversion, program),
        },
        why=why,
    )


def _by_operator(conversion: Conversion, program: Program | None = None) -> dict[str, str]:
    """What an operator said in the vendor's name that this is paid by, or was, if anything."""
    said = {
        "report": conversion.by_operator,
        "confirmation": conversion.confirmed_by_operator,
        "terms": program is not None and program.by_operator,
    }
    named = ", ".join(what for what, is_so in said.items() if is_so)
    return {BY_OPERATOR: named} if named else {}


def _said(commission: Commission) -> dict[str, Any]:
    """A commission as its head keeps it: what came with later rules only where it says something,
    so that what was posted before is posted again to the same bytes."""
    said = asdict(commission)
    if commission.recruitment and commission.recruitment.floor_minor == 1:
        del said["recruitment"]["floor_minor"]
    return said


def refund_transaction(
    conversion: Conversion, refund: Refund, commission: Commission | None
) -> Transaction:
    """What a refund posts, from the commission its confirmation was posted with."""
    before_minor, after_minor = refund.refunded_before_minor, refund.refunded_after_minor
    dated: list[tuple[Posting, str]] = []
    refunded = amount_text(refund.amount_minor, conversion.currency)
    sale = amount_text(conversion.amount_minor, conversion.currency)
    why = [f"{refunded} of {sale} was refunded."]
    if refund.withdrawn:
        why.append("The commission was taken back before, so nothing of it is left to return.")
    if commission:
        ending, returns = Ending.by_refund(refund), returned_postings(refund, commission)
        bonuses = bonuses_lost(conversion, ending, refund.tallies)
        dated = dated_postings(conversion, ending, refund.tallies, commission, returns)
        rest = () if refund.withdrawn else reasons.of_rest(commission, after_minor)
        why += [*rest, *reasons.of_returns(returns)]
        why += [*reasons.of_lost_bonuses(bonuses)]
    return Transaction(
        transaction_id=refund_id(refund),
        kind="clawback",
        accepted_at=refund.accepted_at,
        postings=tuple(posting for posting, _ in dated),
        lines=dated_lines(dated),
        facts={
            "conversion_id": conversion.conversion_id,
            "refund": refund.external_id,
            "refunded_before_minor": before_minor,
            "refunded_after_minor": after_minor,
            **_by_operator(conversion),
        },
        why=tuple(why),
    )


def withdrawal_transaction(
    conversion: Conversion, withdrawal: Withdrawal, commission: Commission | None
) -> Transaction:
    """What takes an introducer's commission back whole, due when it would have been.

    With it go the bonuses that were reached with its help.
    """
    dated: list[tuple[Posting, str]] = []
    due_on = commission.due_on if commission else ""
    when = "on the day" if withdrawal.ended_on == due_on else "before"
    why = [
        "The sale that introduced this customer to the network was refunded on "
        f"{withdrawal.ended_on}, {when} this commission was due: it is taken back whole.",
    ]
    if commission:
        ending = Ending.by_withdrawal(withdrawal, conversion)
        returns = withdrawn_postings(withdrawal, commission)
        bonuses = bonuses_lost(conversion, ending, withdrawal.tallies)
        dated = dated_postings(conversion, ending, withdrawal.tallies, commission, returns)
        why += [*reasons.of_returns(returns), *reasons.of_lost_bonuses(bonuses)]
    return Transaction(
        transaction_id=withdrawal_id(conversion.conversion_id),
        kind="clawback",
        accepted_at=withdrawal.accepted_at,
        postings=tuple(posting for posting, _ in dated),
        lines=dated_lines(dated),
        facts={
            "conversion_id": conversion.conversion_id,
            "introduction_id": withdrawal.introduction_id,
            "ended_on": withdrawal.ended_on,
            **_by_operator(conversion),
        },
        why=tuple(why),
    )
