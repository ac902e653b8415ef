"""What is stored at the end of a run: reports, balances, and what each conversion has moved."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from linkage.tables.dynamodb.packed import unpacked
from linkage.tables.dynamodb.transactions import from_wire
from tests.abuse.play import Play

RECRUITMENTS = "network:bonuses"
"""The account that recruitment bonuses come from."""


@dataclass(frozen=True)
class Move:
    """What one posting moved to somebody who cheats (or from), and when that fell due."""

    name: str
    currency: str
    amount_minor: int
    kind: str
    refund: bool
    accepted_at: datetime
    due_on: str
    recruitment: bool

    @property
    def bonus(self) -> bool:
        """Whether it is of a period's bonus, given or taken back."""
        return self.kind in {"bonus", "bonus_return"}


class Stored:
    """Everything stored, by the names people have in the play."""

    def __init__(self, play: Play) -> None:
        self._tables = play.network.standin.tables
        self.names = {p.member_id: n for n, p in play.truth.people.items()}
        self.cheats = {n for n, p in play.truth.people.items() if not p.honest}
        self.reports = {
            item["conversion_id"]["S"]: _whole(item)
            for item in self._tables["conversions"].items()
            if item["fact"]["S"] == "report"
        }
        self._heads = self._read_heads()
        self.moves = self._moves()

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Every affiliate's signed balance: name, currency, minor units."""
        for item in self._tables["ledger"].items():
            name = self._name(item["account"]["S"])
            if name and item["line"]["S"].startswith("balance#"):
                currency = item["line"]["S"].partition("#")[2]
                yield name, currency, int(item["balance_minor"]["N"])

    def attributed(self, found: str) -> str | None:
        """Whose a conversion was said to be."""
        return self.names.get(self.reports[found]["attribution"]["affiliate_id"] or "")

    def reported_at(self, found: str) -> str:
        """When a conversion was reported."""
        return str(self.reports[found]["reported_at"])

    def introducing(self, found: str) -> str | None:
        """The sale whose introduction alone, also of a lead, has made a conversion somebody's."""
        attribution = self.reports[found]["attribution"]
        claims = attribution.get("candidates", ())
        won = next((each["reference"] for each in claims if each["won"]), None)
        if attribution["model"] == "lead":
            return self.introducing(str(won))
        return won if attribution["model"] == "introducer" else None

    def confirmed_at(self, found: str) -> datetime:
        """When a conversion's confirmation was accepted."""
        return _accepted_at(self.confirmation(found))

    def confirmation(self, found: str) -> Mapping[str, Any]:
        """The head of what a conversion's confirmation has posted."""
        return next(head for head in self._heads[found] if _confirms(head))

    def earned_minor(self, found: str, at: datetime) -> int:
        """What a conversion's affiliate had of it after all that was accepted up to a moment."""
        affiliate = f"affiliate:{self.reports[found]['attribution']['affiliate_id']}"
        minor = 0
        for posting in (
            posting
            for head in self._heads.get(found, ())
            if _accepted_at(head) <= at
            for posting in head["postings"]
        ):
            earns = posting["kind"] == "commission" and posting["target"] == affiliate
            loses = posting["kind"] == "clawback" and posting["source"] == affiliate
            minor += posting["amount_minor"] * (earns - loses)
        return minor

    def _name(self, account: str) -> str | None:
        kind, _, member_id = account.partition(":")
        return self.names.get(member_id) if kind == "affiliate" else None

    def _read_heads(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in self._tables["ledger"].items():
            if item["line"]["S"] == "head":
                head = _whole(item)
                if "conversion_id" in head:
                    found[head["conversion_id"]].append(head)
        return found

    def _moves(self) -> dict[str, list[Move]]:
        """What each conversion has moved to and from those who cheat."""
        found: dict[str, list[Move]] = defaultdict(list)
        for conversion_id, heads in self._heads.items():
            for head in heads:
                dues = self._dues.get(head["transaction_id"], {})
                for posting in head["postings"]:
                    for account, sign in ((posting["target"], 1), (posting["source"], -1)):
                        name = self._name(account)
                        if name in self.cheats:
                            found[conversion_id].append(_move(head, posting, str(name), sign, dues))
        return found

    @cached_property
    def _dues(self) -> dict[str, dict[tuple[str, str], list[str]]]:
        """The due dates of each transaction's lines, by name and currency."""
        found: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(dict)
        for item in self._tables["ledger"].items():
            name = self._name(item["account"]["S"])
            if name and item["line"]["S"].startswith("line#"):
                place = name, item["currency"]["S"]
                found[item["transaction_id"]["S"]][place] = sorted(item["dues"]["M"])
        return found


def _move(
    head: Mapping[str, Any],
    posting: Mapping[str, Any],
    name: str,
    sign: int,
    dues: Mapping[tuple[str, str], list[str]],
) -> Move:
    dates = dues.get((name, posting["currency"]), ["9999-12-31"])
    refund = not _confirms(head)
    return Move(
        name=name,
        currency=posting["currency"],
        amount_minor=sign * posting["amount_minor"],
        kind=posting["kind"],
        refund=refund,
        accepted_at=_accepted_at(head),
        due_on=dates[0] if refund else dates[-1],
        recruitment=RECRUITMENTS in {posting["source"], posting["target"]},
    )


def _confirms(head: Mapping[str, Any]) -> bool:
    return str(head["transaction_id"]).endswith("/confirmation")


def _accepted_at(head: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(head["accepted_at"])


def _whole(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with what is packed in it."""
    own = from_wire({name: value for name, value in item.items() if name != "content"})
    packed: dict[str, Any] = unpacked(item["content"]["B"]) if "content" in item else {}
    return own | packed
