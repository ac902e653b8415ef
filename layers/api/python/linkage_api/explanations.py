"""The explanation of a conversion: its story, from the click to the payout, each with its why."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

from linkage import clock
from linkage.attribution import Click
from linkage.commissions import confirmation_id, refund_id
from linkage.conversions import Confirmation, Conversion, Refund, Rejection
from linkage.ledger import Line, Posting, affiliate_in, lines_due_on
from linkage.money import amount_text
from linkage.payouts import Payout
from linkage.tables.conversions import get_history
from linkage.tables.ledger import commission_in, find_head
from linkage.tables.pages import LIMIT_MAX
from linkage.tables.payouts import find_batch, list_payouts
from linkage_api.viewers import SOMEBODY_ELSE, Viewer

type Head = dict[str, Any]


@dataclass(frozen=True)
class _Found:
    """Everything stored about one conversion."""

    conversion: Conversion
    confirmation: Confirmation | None
    rejection: Rejection | None
    head: Head | None
    refunds: tuple[tuple[Refund, Head | None], ...]

    @property
    def heads(self) -> list[Head]:
        """The transactions posted so far, in their order."""
        return [head for head in (self.head, *(head for _, head in self.refunds)) if head]

    @property
    def due_on(self) -> str | None:
        """The UTC date from which the commission and all its clawbacks count."""
        commission = commission_in(self.head) if self.head else None
        return commission.due_on if commission else None


def explanation(conversion: Conversion, viewer: Viewer) -> dict[str, Any]:
    """The story in sentences and as data, as far as it is the viewer's."""
    found, covering = _found(conversion), _Covering()
    lines = [_Lined(found, line, head, viewer, covering) for head, line in _lines(found)]
    return {
        "conversion": viewer.conversion(conversion),
        "click": _click(conversion, viewer),
        "attribution": _attribution(conversion, viewer),
        "facts": _facts(found, viewer),
        "postings": [_transaction(head, viewer) for head in found.heads],
        "lines": [line.shown() for line in lines],
        "story": [
            *_click_story(conversion, viewer),
            *_attribution_story(conversion, viewer),
            *_decision_story(found),
            *_posting_story(found, viewer),
            *(line.sentence() for line in lines if line.told),
        ],
    }


def _found(conversion: Conversion) -> _Found:
    history = get_history(conversion.conversion_id)
    confirmed = history.confirmation is not None
    return _Found(
        history.conversion,
        confirmation=history.confirmation,
        rejection=history.rejection,
        head=find_head(confirmation_id(conversion.conversion_id)) if confirmed else None,
        refunds=tuple(
            (refund, find_head(refund_id(refund)) if refund.posts else None)
            for refund in history.refunds
        ),
    )


# ---- click and attribution


def _click(conversion: Conversion, viewer: Viewer) -> dict[str, Any] | None:
    click = conversion.attribution.click
    return asdict(click) if click and _may_see(click, viewer) else None


def _may_see(click: Click, viewer: Viewer) -> bool:
    return not viewer.is_affiliate or click.affiliate_id == viewer.member_id


def _click_story(conversion: Conversion, viewer: Viewer) -> Iterator[str]:
    click = conversion.attribution.click
    if click and _may_see(click, viewer):
        yield (
            f"A visitor clicked link {click.code} of {viewer.said(click.affiliate_id)} "
            f"at {click.clicked_at}."
        )
    amount = amount_text(conversion.amount_minor, conversion.currency)
    yield f"The vendor reported a {conversion.event} of {amount} at {conversion.reported_at}."


def _attribution(conversion: Conversion, viewer: Viewer) -> dict[str, Any]:
    attribution = conversion.attribution
    return {
        "attributed": attribution.affiliate_id is not None,
        "affiliate_id": viewer.affiliate(attribution.affiliate_id),
        "model": attribution.model,
        "reason": viewer.reason(conversion),
        "candidates": [
            asdict(each) | {"reference": each.reference or None}
            for each in map(viewer.candidate, attribution.candidates)
        ],
    }


_CANDIDATES = {
    "click": "click that was sent",
    "named": "affiliate the vendor named",
    "introducer": "customer's introducer",
}


def _attribution_story(conversion: Conversion, viewer: Viewer) -> Iterator[str]:
    attribution = conversion.attribution
    if attribution.affiliate_id is None:
        yield f"It is attributed to nobody: {viewer.reason(conversion)}."
    for each in map(viewer.candidate, attribution.candidates):
        name = each.affiliate_id
        whose = name and (name if name == SOMEBODY_ELSE else viewer.said(name))
        if each.won:
            yield f"It is attributed to {whose}: {each.why}."
        else:
            named = f", {whose}," if whose else ""
            yield f"The {_CANDIDATES[each.model]}{named} was passed over: {each.why}."


# ---- the vendor's word


def _facts(found: _Found, viewer: Viewer) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    if found.confirmation:
        facts.append({"fact": "confirmation", "accepted_at": found.confirmation.accepted_at})
    if found.rejection:
        rejected = found.rejection
        facts.append(
            {"fact": "rejection", "accepted_at": rejected.accepted_at, "reason": rejected.reason}
        )
    for refund, _ in found.refunds:
        fact = {
            "fact": "refund",
            "accepted_at": refund.accepted_at,
            "amount_minor": refund.amount_minor,
            "reason": refund.reason,
        }
        facts.append(fact if viewer.is_affiliate else fact | {"external_id": refund.external_id})
    return sorted(facts, key=lambda fact: str(fact["accepted_at"]))


def _decision_story(found: _Found) -> Iterator[str]:
    if found.rejection:
        yield (
            f"The vendor rejected it at {found.rejection.accepted_at}: {found.rejection.reason}. "
            "It earns nothing."
        )
    elif found.confirmation is None:
        yield "The vendor has neither confirmed nor rejected it yet, so nothing is earned yet."
    elif found.confirmation.fact == "report":
        yield "It counts as confirmed with its report: the program confirms on report."
    else:
        yield f"The vendor confirmed it at {found.confirmation.accepted_at}."


# ---- the ledger


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


def _posting_story(found: _Found, viewer: Viewer) -> Iterator[str]:
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
    for head in found.heads:
        yield from head["why"]
        for posting in head["postings"]:
            yield _moved(posting, viewer)


_KINDS = {
    "commission": "commission",
    "fee": "network fee",
    "override": "override",
    "clawback": "clawback",
    "fee_return": "returned network fee",
}


def _moved(posting: dict[str, Any], viewer: Viewer) -> str:
    amount = amount_text(posting["amount_minor"], posting["currency"])
    source, target = (_said(posting[side], viewer) for side in ("source", "target"))
    return f"{amount} {_KINDS[posting['kind']]} moved from {source} to {target}."


def _said(account: str, viewer: Viewer) -> str:
    affiliate_id = affiliate_in(account)
    if affiliate_id:
        return viewer.said(affiliate_id)
    return "the network's fees" if account.startswith("network:") else "the vendor"


# ---- due dates and payouts


def _lines(found: _Found) -> Iterator[tuple[Head, Line]]:
    if found.due_on is None:
        return
    for head in found.heads:
        postings = [Posting(**posting) for posting in head["postings"]]
        for line in lines_due_on(postings, found.due_on):
            yield head, line


class _Covering:
    """Finds the payout that covered a line, reading each affiliate's payouts once."""

    def __init__(self) -> None:
        self._payouts = cache(lambda affiliate_id: list_payouts(affiliate_id, LIMIT_MAX, None).data)
        self._batch = cache(find_batch)

    def payout(self, line: Line, since: str, due_on: str) -> Payout | None:
        """The first payout made after the line whose batch reached its due date."""
        for payout in reversed(self._payouts(line.affiliate_id)):
            if payout.status in {"failed", "cancelled"}:
                continue  # its money came back, and may be in a later one
            if payout.currency == line.currency and payout.created_at >= since:
                batch = self._batch(payout.batch_id)
                if batch and batch.cutoff >= due_on:
                    return payout
        return None


class _Lined:
    """One line of an affiliate's account, with the payout that covered it, if any has."""

    def __init__(
        self, found: _Found, line: Line, head: Head, viewer: Viewer, covering: _Covering
    ) -> None:
        self._found, self._line, self._head, self._viewer = found, line, head, viewer
        self._due_on = next(iter(line.dues))
        # A vendor owes the network; how the network pays its affiliates is not shown to it.
        self.told = viewer.role == "operator" or line.affiliate_id == viewer.member_id
        self._payout = (
            covering.payout(line, head["accepted_at"], self._due_on) if self.told else None
        )

    def shown(self) -> dict[str, Any]:
        """The line as data."""
        shown: dict[str, Any] = {
            "transaction_id": self._head["transaction_id"],
            "affiliate_id": self._viewer.affiliate(self._line.affiliate_id),
            "amount_minor": self._line.amount_minor,
            "currency": self._line.currency,
            "due_on": self._due_on,
        }
        if self.told:
            payout = self._payout
            shown["payout"] = payout and {
                "id": payout.payout_id,
                "batch_id": payout.batch_id,
                "status": payout.status,
            }
        return shown

    def sentence(self) -> str:
        """Where the line's money is, and when it is paid."""
        line, whose = self._line, self._viewer.said(self._line.affiliate_id)
        amount = amount_text(abs(line.amount_minor), line.currency)
        if line.amount_minor < 0:
            said = f"{amount} is taken back from {whose}"
            later = "the next payout is smaller by that"
        else:
            said = f"{amount} for {whose} is due on {self._due_on}{self._hold()}"
            later = "the first payout batch that reaches that day pays it"
        if self._payout is None:
            return f"{said}; {later}."
        return f"{said}; it is in payout {self._payout.payout_id}, which is {self._payout.status}."

    def _hold(self) -> str:
        confirmation = self._found.confirmation
        if confirmation is None:
            return ""
        confirmed_on = clock.day(clock.instant(confirmation.accepted_at))
        days = (date.fromisoformat(self._due_on) - confirmed_on).days
        return f", {days} days after the confirmation" if days else ", the day of the confirmation"
