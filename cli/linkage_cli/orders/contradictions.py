"""Columns that nobody named and that speak against taking every row as a sale of one currency."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from linkage_cli.errors import CommandError
from linkage_cli.orders.layouts import Line

STATUSES = frozenset(
    {"status", "state", "financial status", "payment status", "order status", "transaction status"}
)
SOLD = frozenset({"", "paid", "complete", "completed", "succeeded", "successful", "success"})
KINDS = frozenset({"type", "event type", "transaction type", "payment type", "kind"})
NO_SALE = ("refund", "return", "credit", "chargeback", "reversal", "void", "payout", "transfer")
TESTS = frozenset({"test", "is test", "test order", "test mode", "mode", "live mode", "livemode"})
NOT_LIVE = frozenset({"test", "sandbox", "true", "yes", "1"})
NOTHING = frozenset({"", "0", "0.0", "0.00", "0,00", "-", "no", "false", "none", "n/a"})


class ContradictionError(CommandError):
    """A column speaks against importing every row; the user has to say what it means."""


class Watch:
    """Looks at every row of a table for what speaks against it, before any is reported."""

    def __init__(self, names: Sequence[str], used: Collection[str], currency: str | None) -> None:
        free = [name for name in dict.fromkeys(names) if name and name not in used]
        self._currency = currency
        self._columns = {name: _kind(name) for name in free if _kind(name)}
        self._against: dict[str, Counter[str]] = {name: Counter() for name in self._columns}

    def see(self, line: Line) -> None:
        """Counts the cells of a row that speak against it."""
        for name, kind in self._columns.items():
            cell = line[name]
            if self._speaks_against(kind, name, cell):
                self._against[name][cell] += 1

    def _speaks_against(self, kind: str, name: str, cell: str) -> bool:
        text = cell.casefold()
        if kind == "currency":
            return bool(text) and self._currency is not None and text.upper() != self._currency
        if kind == "status":
            return text not in SOLD
        if kind == "kind":
            return any(word in text for word in NO_SALE)
        if kind == "test":
            is_live = "live" in name.casefold()
            return text in {"false", "no", "0"} if is_live else text in NOT_LIVE
        return text not in NOTHING and any(digit in "123456789" for digit in text)

    def refuse(self) -> None:
        """Raises ContradictionError with what to add, if anything speaks against the rows."""
        found = [(name, cells) for name, cells in self._against.items() if cells]
        if not found:
            return
        said = [_sentence(name, self._columns[name], cells) for name, cells in found]
        ignored = " ".join(f"--ignore-column {_quoted(name)}" for name, _ in found)
        raise ContradictionError(
            f"{' '.join(said)} Nothing was reported. If every row is a sale all the same, add "
            f"{ignored}."
        )


def _kind(name: str) -> str:
    """What a column of that name tells, if it can speak against a row; else empty."""
    text = " ".join(name.casefold().replace("_", " ").split())
    if "currency" in text:
        return "currency"
    if text in STATUSES:
        return "status"
    if text in KINDS:
        return "kind"
    if text in TESTS:
        return "test"
    return "refund" if "refund" in text and "reason" not in text else ""


def _sentence(name: str, kind: str, cells: Counter[str]) -> str:
    rows = sum(cells.values())
    shown = _listed(f"{cell or 'nothing'} ({count:,})" for cell, count in cells.most_common(5))
    said = f"The column {name} says {shown}{', …' if len(cells) > 5 else ''} in {rows:,} rows"
    instead = {
        "currency": f"so there are several currencies: add --currency-column {_quoted(name)}.",
        "status": f'so some may be no sales: say which are, for example --only "{name}=Paid".',
        "kind": f'so some are no sales: say which are, for example --only "{name}=Payment".',
        "test": f'so some are tests: say which are real, for example --only "{name}=Live".',
        "refund": f"so money was given back: if that is the sum of it, add --refunded-column "
        f"{_quoted(name)}.",
    }
    return f"{said}, {instead[kind]}"


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name or not name.isalnum() else name
