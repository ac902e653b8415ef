"""The explanation of a conversion: its story, from the click to the payout, each with its why."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.attribution import Candidate
from linkage.domain.conversions.conversions import (
    BY_REPORT,
    BY_SILENCE,
    BY_VENDOR,
    Conversion,
    counted_text,
)
from linkage.domain.ledger.ledger import Posting
from linkage.domain.lists import fitting
from linkage.domain.money import amount_text
from linkage.flow.explanations.explained_facts import Found, Head, find
from linkage.flow.explanations.explained_lines import line_sentence, lines, moved
from linkage.flow.explanations.summaries import REJECTIONS, held_why, summary
from linkage.flow.explanations.viewers import SOMEBODY_ELSE, Viewer

PART_BYTES_MAX = 200_000
"""Of each list in an explanation; a hundred refunds of a sale with forty payees are far more."""


def explanation(conversion: Conversion, viewer: Viewer) -> dict[str, Any]:
    """The story in sentences and as data, as far as it is the viewer's."""
    found = find(conversion.conversion_id)
    lined = lines(found, viewer)
    whole: dict[str, list[Any]] = {
        "facts": _facts(found, viewer),
        "postings": [_transaction(head, viewer) for head in found.heads],
        "lines": [line.shown(viewer) for line in lined],
        "story": [
            *_click_story(conversion, viewer),
            *_attribution_story(conversion, viewer),
            *_decision_story(found, viewer),
            *_posting_story(found, viewer),
            *(line_sentence(line, found, viewer) for line in lined if line.covered),
        ],
    }
    told = {name: fitting(items, PART_BYTES_MAX) for name, items in whole.items()}
    left_out = {name: len(whole[name]) - len(told[name]) for name in whole}
    return {
        "conversion": viewer.conversion(conversion),
        "summary": summary(found, lined, viewer),
        "click": _click(conversion, viewer),
        "attribution": _attribution(conversion, viewer),
        **told,
        **({"left_out": left_out} if any(left_out.values()) else {}),
    }


def _click(conversion: Conversion, viewer: Viewer) -> dict[str, Any] | None:
    click = conversion.attribution.click
    return asdict(click) if click and _may_see(click, viewer) else None


def _may_see(click: Click, viewer: Viewer) -> bool:
    return not viewer.is_affiliate or click.affiliate_id == viewer.member_id


def _click_story(conversion: Conversion, viewer: Viewer) -> Iterator[str]:
    if conversion.counted:
        yield from _counted_story(conversion, viewer)
        return
    click = conversion.attribution.click
    if click and _may_see(click, viewer):
        yield (
            f"A visitor clicked link {click.code} of {viewer.said(click.affiliate_id)} "
            f"at {click.clicked_at}."
        )
    amount = amount_text(conversion.amount_minor, conversion.currency)
    event = f"a {conversion.event}" if conversion.event != "install" else "an install"
    yield f"The vendor reported {event} of {amount} at {conversion.reported_at}."
    if conversion.occurred_at != conversion.reported_at:
        yield (
            f"It happened at {conversion.occurred_at}: that decides windows, dates and periods, "
            "not when it was reported."
        )


_COUNTED = {
    "click": "Each visitor counts once a day; bots and prefetched pages do not count.",
    "impression": "A visitor's several in one hour count once; bots do not count.",
}


def _counted_story(conversion: Conversion, viewer: Viewer) -> Iterator[str]:
    code = viewer.conversion(conversion).get("code")
    where = f"link {code}" if code else "an affiliate's link"
    yield (
        f"The network counted {counted_text(conversion)} of {where} on "
        f"{conversion.occurred_at[:10]}. {_COUNTED[conversion.event]}"
    )
    yield f"The whole day was billed at {conversion.reported_at}, by the terms in force then."


def _attribution(conversion: Conversion, viewer: Viewer) -> dict[str, Any]:
    attribution = conversion.attribution
    return {
        "attributed": attribution.model is not None,
        "affiliate_id": viewer.affiliate(attribution.affiliate_id),
        "model": attribution.model,
        "reason": viewer.reason(conversion),
        "candidates": [_candidate(each) for each in map(viewer.candidate, attribution.candidates)],
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "reference": candidate.reference or None,
        "affiliate_id": candidate.affiliate_id,
        "won": candidate.won,
        "why": candidate.why,
    }


AN_INTRODUCER = "an introducer"
"""Whoever it is, to a vendor that has not confirmed the conversion."""
_CANDIDATES = {
    "link": "link it was counted on",
    "coupon": "coupon that was sent",
    "click": "click",
    "lead": "lead it is said to come from",
    "joint": "other half of the joint promotion",
    "named": "affiliate the vendor named",
    "introducer": "customer's introducer",
}


def _attribution_story(conversion: Conversion, viewer: Viewer) -> Iterator[str]:
    attribution = conversion.attribution
    if attribution.model is None:
        yield f"It is attributed to nobody: {viewer.reason(conversion)}."
    for each in map(viewer.candidate, attribution.candidates):
        name = each.affiliate_id
        whose = name and (name if name == SOMEBODY_ELSE else viewer.said(name))
        if each.won:
            yield f"It is attributed to {whose or AN_INTRODUCER}: {each.why}."
        else:
            named = f", {whose}," if whose else ""
            yield f"The {_CANDIDATES[each.model]}{named} was passed over: {each.why}."


def _facts(found: Found, viewer: Viewer) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    if found.confirmation:
        facts.append(
            {
                "fact": "confirmation",
                "accepted_at": found.confirmation.accepted_at,
                "silent": found.confirmation.silent,
                **({"released": True} if found.confirmation.released_by else {}),
                **_by(found.confirmation.released_by or found.confirmation.by_key, viewer),
            }
        )
    if found.rejection:
        facts.append(
            {
                "fact": "rejection",
                "accepted_at": found.rejection.accepted_at,
                "code": found.rejection.code,
                "reason": found.rejection.reason,
                **_by(found.rejection.by_key, viewer),
            }
        )
    for refund, _ in found.refunds:
        fact = {
            "fact": "refund",
            "accepted_at": refund.accepted_at,
            "amount_minor": refund.amount_minor,
            "reason": refund.reason,
            **_by(refund.by_key, viewer),
        }
        facts.append(fact if viewer.is_affiliate else fact | {"external_id": refund.external_id})
    if found.withdrawal:
        taken = {"fact": "withdrawal", "ended_on": found.withdrawal.ended_on}
        facts.append(taken | {"accepted_at": found.withdrawal.accepted_at})
    return sorted(facts, key=lambda fact: str(fact["accepted_at"]))


def _by(key_id: str | None, viewer: Viewer) -> dict[str, str]:
    """Whose key said it, for operators, where it is known."""
    return {"by_key": key_id} if key_id and viewer.role == "operator" else {}


_RECEIVED = {
    BY_REPORT: "Its report confirmed it",
    BY_VENDOR: "The vendor confirmed it",
    BY_SILENCE: "The vendor was silent for the days its program gives it, which confirmed it",
}


def _decision_story(found: Found, viewer: Viewer) -> Iterator[str]:
    confirmation, rejection = found.confirmation, found.rejection
    if rejection:
        yield (
            f"The vendor rejected it at {rejection.accepted_at}, {REJECTIONS[rejection.code]}: "
            f"{rejection.reason}. It earns nothing."
        )
    elif found.conversion.held_reason:
        received = _RECEIVED[found.conversion.held_by or BY_VENDOR]
        yield (
            f"{received} at {found.conversion.held_at}. It is held since then, and earns nothing "
            f"yet: {held_why(found.conversion, viewer)}"
        )
    elif confirmation is None:
        yield "The vendor has neither confirmed nor rejected it yet, so nothing is earned yet."
        if found.conversion.confirm_at:
            yield (
                f"Unless the vendor rejects it before, it is confirmed by itself at "
                f"{found.conversion.confirm_at}."
            )
    elif confirmation.released_by:
        yield (
            f"Its confirmation had been held; an operator released it at "
            f"{confirmation.accepted_at}, and everything counts from there."
        )
    elif confirmation.silent:
        yield (
            f"It was confirmed by itself at {confirmation.accepted_at}: the vendor had not "
            "rejected it in the days its program gives it."
        )
    elif confirmation.fact == "report":
        yield "It counts as confirmed with its report: the program confirms on report."
    else:
        yield f"The vendor confirmed it at {confirmation.accepted_at}."


def _transaction(head: Head, viewer: Viewer) -> dict[str, Any]:
    return {
        "transaction_id": head["transaction_id"],
        "kind": head["kind"],
        "accepted_at": head["accepted_at"],
        "why": head["why"],
        "postings": [
            posting
            | {
                "source": viewer.account(posting["source"]),
                "target": viewer.account(posting["target"]),
            }
            for posting in head["postings"]
        ],
    }


def _posting_story(found: Found, viewer: Viewer) -> Iterator[str]:
    if found.confirmation and found.head is None:
        yield "It is not posted to the ledger yet; that usually takes a few seconds."
        return
    for refund, head in found.refunds:
        if not refund.posts:
            refunded = amount_text(refund.amount_minor, found.conversion.currency)
            yield f"{refunded} was refunded before any confirmation."
        elif head is None:
            refunded = amount_text(refund.amount_minor, found.conversion.currency)
            yield f"A refund of {refunded} is accepted, and not posted to the ledger yet."
    if found.withdrawal and found.withdrawal_head is None:
        yield "Its commission is taken back, which is not posted to the ledger yet."
    for head in found.heads:
        yield from head["why"]
        for posting in head["postings"]:
            yield moved(Posting(**posting), viewer)
