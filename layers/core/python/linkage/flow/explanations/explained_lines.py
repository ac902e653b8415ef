"""What a conversion moved, in words: postings, what each affiliate got of them, when it is paid."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from linkage.domain import clock
from linkage.domain.ledger.ledger import NETWORK_BONUSES, Posting, affiliate_in
from linkage.domain.money import amount_text, decimal_text
from linkage.domain.payouts.payouts import Payout
from linkage.flow.explanations.explained_facts import Found, Head
from linkage.flow.explanations.viewers import Viewer
from linkage.flow.payouts.covering import Covered, Covering, Posted, posted


@dataclass(frozen=True)
class Part:
    """What one posting did to an affiliate, minor units, with what it is called."""

    name: str
    kind: str
    level: int
    amount_minor: int


@dataclass(frozen=True)
class Line:
    """What a transaction did to an affiliate in one currency from one UTC date on.

    `covered` is where its money is, None for whom that is not.
    """

    head: Head
    affiliate_id: str
    currency: str
    due_on: str
    parts: tuple[Part, ...]
    covered: Covered | None

    @property
    def payout(self) -> Payout | None:
        """The payout that holds it, if there is one and the viewer may know."""
        return self.covered.payout if self.covered else None

    @property
    def open_on(self) -> str:
        """From when it counts while no payout holds it: later, if it came back from one."""
        return self.covered.due_on if self.covered else self.due_on

    @property
    def amount_minor(self) -> int:
        """The sum of the parts, minor units."""
        return sum(part.amount_minor for part in self.parts)

    def shown(self, viewer: Viewer) -> dict[str, Any]:
        """The line as data; its payout only for whom that is."""
        shown: dict[str, Any] = {
            "transaction_id": self.head["transaction_id"],
            "affiliate_id": viewer.affiliate(self.affiliate_id),
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "due_on": self.due_on,
            "parts": [
                {"kind": part.kind, "level": part.level, "amount_minor": part.amount_minor}
                for part in self.parts
            ],
        }
        if self.covered:
            shown["payout"] = self.payout and {
                "id": self.payout.payout_id,
                "batch_id": self.payout.batch_id,
                "status": self.payout.status,
            }
        return shown


def lines(found: Found, viewer: Viewer) -> list[Line]:
    """A line for each affiliate, currency and due date of each transaction, in their order."""
    gathered: dict[tuple[str, str, str, str], tuple[Head, list[Part]]] = {}
    for head, posting, due_on in found.dated():
        for account, sign in ((posting.source, -1), (posting.target, 1)):
            affiliate_id = affiliate_in(account)
            if affiliate_id:
                place = (head["transaction_id"], affiliate_id, posting.currency, due_on)
                _, parts = gathered.setdefault(place, (head, []))
                minor = sign * posting.amount_minor
                name = _part_name(posting, minor)
                parts.append(Part(name, posting.kind, posting.level, minor))
    covered = _covered(
        [
            (head, affiliate_id, currency, due_on)
            for (_, affiliate_id, currency, due_on), (head, _) in gathered.items()
            if _is_told(affiliate_id, viewer)
        ]
    )
    return [
        Line(head, affiliate_id, currency, due_on, tuple(parts), covered.get(place))
        for place, (head, parts) in gathered.items()
        for _, affiliate_id, currency, due_on in (place,)
    ]


type _Place = tuple[str, str, str, str]
"""A line's transaction, affiliate, currency and due date."""


def _covered(told: Iterable[tuple[Head, str, str, str]]) -> dict[_Place, Covered]:
    """Where the money is of each line that is told of, each affiliate's lines read together."""
    covering, found = Covering(), {}
    of_affiliate: dict[str, list[tuple[Head, str, str]]] = {}
    for head, affiliate_id, currency, due_on in told:
        of_affiliate.setdefault(affiliate_id, []).append((head, currency, due_on))
    for affiliate_id, own in of_affiliate.items():
        known = posted(
            affiliate_id,
            {(head["transaction_id"], currency): head["accepted_at"] for head, currency, _ in own},
        )
        for head, currency, due_on in own:
            transaction_id = head["transaction_id"]
            found[transaction_id, affiliate_id, currency, due_on] = covering.of(
                Posted(
                    affiliate_id,
                    currency,
                    head["accepted_at"],
                    due_on,
                    known[transaction_id, currency],
                )
            )
    return found


def _is_told(affiliate_id: str, viewer: Viewer) -> bool:
    """Whether the viewer may know where a line's money is.

    A vendor owes the network; how the network pays its affiliates is not shown to it.
    """
    return viewer.role == "operator" or (viewer.is_affiliate and affiliate_id == viewer.member_id)


_KINDS = {
    "commission": "commission",
    "fee": "network fee",
    "affiliate_fee": "affiliate's fee",
    "split": "split",
    "recruitment": "recruitment bonus",
    "bonus": "bonus for the period's sales",
    "fee_return": "returned network fee",
    "affiliate_fee_return": "returned affiliate's fee",
    "split_return": "returned split",
    "bonus_return": "taken back bonus for the period's sales",
}


def moved(posting: Posting, viewer: Viewer) -> str:
    """A posting as a sentence."""
    amount = amount_text(posting.amount_minor, posting.currency)
    source, target = _said(posting.source, viewer), _said(posting.target, viewer)
    if posting.kind == "override":
        name = f"level {posting.level} override"
    elif posting.kind == "clawback":
        name = f"taken back {_clawed(posting)}"
    else:
        name = _KINDS[posting.kind]
    return f"{amount} {name} moved from {source} to {target}."


def _clawed(posting: Posting) -> str:
    if posting.target == NETWORK_BONUSES:
        return "recruitment bonus"
    return f"level {posting.level} override" if posting.level else "commission"


def _said(account: str, viewer: Viewer) -> str:
    affiliate_id = affiliate_in(account)
    if affiliate_id:
        return viewer.said(affiliate_id)
    if account.startswith("network:"):
        return "the network's bonuses" if account == NETWORK_BONUSES else "the network's fees"
    return "the vendor"


def _part_name(posting: Posting, minor: int) -> str:
    """A posting as a part of an affiliate's line, as its own side of it."""
    if posting.kind == "override":
        return f"level {posting.level} override"
    if posting.kind == "clawback":
        return f"{_clawed(posting)} taken back"
    lost, won = _OWN_SIDE.get(posting.kind, (_KINDS[posting.kind],) * 2)
    return lost if minor < 0 else won


_OWN_SIDE = {
    "affiliate_fee": ("fee to the network", "fee to the network"),
    "affiliate_fee_return": ("fee given back", "fee given back"),
    "split": ("split to another member", "split from another member"),
    "split_return": ("split taken back", "split that comes back"),
    "bonus_return": ("bonus taken back", "bonus taken back"),
}


def parts_text(parts: Iterable[Part], currency: str) -> str:
    """Parts with their amounts, those of one name added up: `commission 12.52, split -2.00`."""
    sums: dict[str, int] = {}
    for part in parts:
        sums[part.name] = sums.get(part.name, 0) + part.amount_minor
    return ", ".join(f"{name} {decimal_text(minor, currency)}" for name, minor in sums.items())


def line_sentence(line: Line, found: Found, viewer: Viewer) -> str:
    """Where the line's money is, and when it is paid."""
    whose = viewer.said(line.affiliate_id)
    amount = amount_text(abs(line.amount_minor), line.currency)
    of = f" ({parts_text(line.parts, line.currency)})" if len(line.parts) > 1 else ""
    if line.amount_minor < 0:
        said = f"{amount}{of} is taken back from {whose}"
        later = f"it makes {smaller(line.due_on)} smaller"
    else:
        said = f"{amount}{of} for {whose} is due on {line.due_on}{hold(found, line.due_on)}"
        later = "the first payout batch that reaches that day pays it"
    if line.covered and line.covered.came_back:
        back = line.covered.came_back
        said = f"{said}; it came back from payout {back.payout_id}, which is {back.status}"
        later = f"it is due again on {line.open_on}, and {later}"
    if line.payout is None:
        return f"{said}; {later}."
    return f"{said}; it is in payout {line.payout.payout_id}, which is {line.payout.status}."


def smaller(due_on: str) -> str:
    """What an amount that is taken back from a due date's money comes off."""
    today = clock.day(clock.now()).isoformat()
    return f"what is due on {due_on}" if due_on > today else "the next payout"


def hold(found: Found, due_on: str) -> str:
    """How long after the confirmation a due date is, to follow it in a sentence."""
    if found.confirmation is None:
        return ""
    confirmed_on = clock.day(clock.instant(found.confirmation.accepted_at))
    days = (date.fromisoformat(due_on) - confirmed_on).days
    if days <= 0:
        return ", the day of the confirmation" if days == 0 else ""
    return f", {days} {'day' if days == 1 else 'days'} after the confirmation"
