"""The stored items as the auditor reads them: plain values, nothing taken on trust.

An item that cannot be read (an attribute missing, a number that is not whole) is a finding. What a
fact or a head keeps in `content` is inflated here, by code that the network has no part in.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from linkage_cli.ledger.audit.findings import Finding

type Item = Mapping[str, Any]

READABLE = "I1"


class UnreadableError(Exception):
    """An item lacks an attribute or has one of the wrong type."""


class Posting(NamedTuple):
    """`amount_minor` moves from source to target."""

    source: str
    target: str
    amount_minor: int
    currency: str
    kind: str
    level: int


@dataclass(frozen=True)
class Head:
    """A transaction's head."""

    transaction_id: str
    account: str
    kind: str
    accepted_at: str
    fingerprint: str
    postings: tuple[Posting, ...]
    rebooked: bool
    reason: str


@dataclass(frozen=True)
class Line:
    """One affiliate's line of a transaction; `debits` is None if an earlier release posted it."""

    account: str
    line: str
    transaction_id: str
    kind: str
    accepted_at: str
    currency: str
    amount_minor: int
    dues: Mapping[str, int]
    parts: tuple[tuple[str, int, int], ...]
    debits: int | None


@dataclass(frozen=True)
class Balance:
    """One affiliate's balance in one currency."""

    account: str
    line: str
    currency: str
    balance_minor: int
    version: int
    open: str
    dues: Mapping[str, int]
    debits: int


@dataclass(frozen=True)
class Debit:
    """A payout as it is written down in its affiliate's account."""

    account: str
    currency: str
    number: int
    through: str
    lines: int
    payout_id: str
    batch_id: str


@dataclass(frozen=True)
class Fact:
    """One fact of a conversion; which of the later fields are there depends on the fact."""

    conversion_id: str
    fact: str
    accepted_at: str
    sequence: int
    unposted: bool
    values: Item

    def text(self, name: str) -> str:
        """A text attribute; raises UnreadableError."""
        return text(self.values, name)

    def whole(self, name: str) -> int:
        """A whole number; raises UnreadableError."""
        return whole(self.values, name)

    @property
    def rules(self) -> int:
        """The version of the rules it was accepted under: the first, if it says nothing."""
        return self.whole("rules") if "rules" in self.values else 1

    def nested(self, name: str) -> Any:
        """A nested value, None when absent; raises UnreadableError if it is no JSON."""
        return nested(self.values, name)


@dataclass(frozen=True)
class Stored:
    """All that the audit reads, as items in plain Python.

    `statistics` are only those of the links' days that `conversions` bill, looked at once. `files`
    are the payout files: `batch_id` and `body`; None if nobody looked for them.
    """

    conversions: Sequence[Item]
    ledger: Sequence[Item]
    payouts: Sequence[Item]
    programs: Sequence[Item]
    settings: Sequence[Item]
    tallies: Sequence[Item] = ()
    statistics: Iterable[Item] = ()
    files: Sequence[Item] | None = None


@dataclass
class Ledger:
    """The ledger table, read; `debits` are the payouts as affiliates' accounts have them."""

    heads: dict[str, Head] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    debits: list[Debit] = field(default_factory=list)


def text(item: Item, name: str) -> str:
    """A text attribute; raises UnreadableError."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableError(f"{name} is {value!r}, not a text")
    return value


def whole(item: Item, name: str) -> int:
    """A whole number; raises UnreadableError."""
    value = item.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(f"{name} is {value!r}, not a whole number")
    return value


def nested(item: Item, name: str) -> Any:
    """A value kept as JSON text or as itself, None when absent; raises UnreadableError."""
    value = item.get(name)
    if value is None or isinstance(value, list | dict):
        return value
    try:
        return json.loads(value)
    except (TypeError, ValueError) as error:
        raise UnreadableError(f"{name} is no JSON") from error


def inflated(item: Item) -> Item:
    """The item with what its `content` holds beside its own attributes; raises UnreadableError."""
    if "content" not in item:
        return item
    own = {name: value for name, value in item.items() if name != "content"}
    try:
        content = json.loads(zlib.decompress(bytes(item["content"])))
    except (TypeError, ValueError, zlib.error) as error:
        raise UnreadableError("its content is no deflated JSON") from error
    if not isinstance(content, dict) or own.keys() & content.keys():
        raise UnreadableError("its content is no map, or says again what an attribute says")
    return own | content


def rules_of(fact: Fact) -> int:
    """The version of the rules a fact was accepted under; one that says nothing is of the first."""
    return fact.whole("rules") if "rules" in fact.values else 1


def read_each[T](
    items: Iterable[Item], key: tuple[str, str], read: Callable[[Item], T], findings: list[Finding]
) -> list[T]:
    """The items read; those that cannot be read are findings instead."""
    done = []
    for item in items:
        try:
            done.append(read(item))
        except (UnreadableError, KeyError, TypeError, AttributeError) as error:
            subject = f"{item.get(key[0])} {item.get(key[1])}"
            findings.append(Finding(READABLE, subject, f"cannot be read: {error}"))
    return done


def read_ledger(items: Iterable[Item], findings: list[Finding]) -> Ledger:
    """Heads, lines, balances and debits; whatever is none of them is a finding."""
    ledger = Ledger()

    def add(item: Item) -> None:
        account, line = text(item, "account"), text(item, "line")
        if account.startswith("transaction:") and line == "head":
            head = _head(inflated(item))
            ledger.heads[head.transaction_id] = head
        elif account.startswith("affiliate:") and line.startswith("line#"):
            ledger.lines.append(_line(item))
        elif account.startswith("affiliate:") and line.startswith("balance#"):
            ledger.balances.append(_balance(item))
        elif account.startswith("affiliate:") and line.startswith("debit#"):
            ledger.debits.append(_debit(item))
        else:
            raise UnreadableError("it is neither a head, a line, a balance nor a debit")

    read_each(items, ("account", "line"), add, findings)
    return ledger


def _head(item: Item) -> Head:
    head = Head(
        transaction_id=text(item, "transaction_id"),
        account=text(item, "account"),
        kind=text(item, "kind"),
        accepted_at=text(item, "accepted_at"),
        fingerprint=text(item, "fingerprint"),
        postings=tuple(_posting(posting) for posting in item["postings"]),
        rebooked="rebooked_at" in item,
        reason=str(item.get("reason") or ""),
    )
    if head.account != f"transaction:{head.transaction_id}":
        raise UnreadableError(f"it says it is {head.transaction_id}")
    return head


def _posting(item: Item) -> Posting:
    return Posting(
        text(item, "source"),
        text(item, "target"),
        whole(item, "amount_minor"),
        text(item, "currency"),
        text(item, "kind"),
        whole(item, "level"),
    )


def _line(item: Item) -> Line:
    return Line(
        account=text(item, "account"),
        line=text(item, "line"),
        transaction_id=text(item, "transaction_id"),
        kind=text(item, "kind"),
        accepted_at=text(item, "accepted_at"),
        currency=text(item, "currency"),
        amount_minor=whole(item, "amount_minor"),
        dues={due: whole(item["dues"], due) for due in item["dues"]},
        parts=tuple(
            (text(part, "kind"), whole(part, "level"), whole(part, "amount_minor"))
            for part in item["parts"]
        ),
        debits=whole(item, "debits") if "debits" in item else None,
    )


def _balance(item: Item) -> Balance:
    dues = {
        f"{name[4:8]}-{name[8:10]}-{name[10:]}": whole(item, name)
        for name in item
        if name.startswith("due_")
    }
    return Balance(
        account=text(item, "account"),
        line=text(item, "line"),
        currency=text(item, "currency"),
        balance_minor=whole(item, "balance_minor"),
        version=whole(item, "version"),
        open=text(item, "open"),
        dues=dues,
        debits=whole(item, "debits") if "debits" in item else 0,
    )


def _debit(item: Item) -> Debit:
    _, currency, number = text(item, "line").split("#")
    if not number.isdigit():
        raise UnreadableError(f"{number!r} is no number of a payout")
    return Debit(
        account=text(item, "account"),
        currency=currency,
        number=int(number),
        through=text(item, "through"),
        lines=whole(item, "lines"),
        payout_id=text(item, "payout_id"),
        batch_id=text(item, "batch_id"),
    )


def read_facts(items: Iterable[Item], findings: list[Finding]) -> dict[str, dict[str, Fact]]:
    """Each conversion's facts by their keys."""
    conversions: dict[str, dict[str, Fact]] = {}
    for fact in read_each(items, ("conversion_id", "fact"), _fact, findings):
        conversions.setdefault(fact.conversion_id, {})[fact.fact] = fact
    return conversions


def _fact(stored: Item) -> Fact:
    item = inflated(stored)
    return Fact(
        conversion_id=text(item, "conversion_id"),
        fact=text(item, "fact"),
        accepted_at=text(item, "accepted_at"),
        sequence=whole(item, "sequence"),
        unposted="unposted" in item,
        values=item,
    )
