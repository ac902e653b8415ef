"""What each payout says it took, against the lines of its affiliate's account (I26).

Each line says how many payouts there had been when it was posted. So the payouts of a balance can
be taken again, one after the other, out of the lines that were there: each must come to its amount,
date by date.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.stored import Debit, Ledger, Line

type Whose = tuple[str, str]
"""An affiliate's account and a currency."""


def check_debits(ledger: Ledger) -> Iterator[Finding]:
    """Every finding about the payouts that are written down in affiliates' accounts."""
    debits: dict[Whose, list[Debit]] = defaultdict(list)
    lines: dict[Whose, list[Line]] = defaultdict(list)
    for debit in ledger.debits:
        debits[debit.account, debit.currency].append(debit)
    for line in ledger.lines:
        lines[line.account, line.currency].append(line)
    rebooked = {name for name, head in ledger.heads.items() if head.rebooked}
    counts = {(each.account, each.currency): each.debits for each in ledger.balances}
    for whose in sorted(debits.keys() | counts.keys()):
        own = sorted(debits[whose], key=lambda each: each.number)
        yield from _check_numbers(whose, own, counts.get(whose, 0))
        if any((line.debits or 0) > counts.get(whose, 0) for line in lines[whose]):
            said = "a line says that more payouts were taken out of it than there were"
            yield Finding("I26", f"{whose[0]} balance#{whose[1]}", said)
        yield from _check_taken(own, lines[whose], rebooked)


def _check_numbers(whose: Whose, debits: list[Debit], count: int) -> Iterator[Finding]:
    account, currency = whose
    numbers = [each.number for each in debits]
    if numbers != list(range(1, count + 1)):
        said = ", ".join(map(str, numbers)) or "none"
        yield Finding(
            "I26",
            f"{account} balance#{currency}",
            f"{count} payouts were taken out of it, these are written down: {said}",
        )


def _check_taken(debits: list[Debit], lines: list[Line], rebooked: Set[str]) -> Iterator[Finding]:
    own = {line.transaction_id: line for line in lines if line.kind == "payout"}
    payouts = [(debit, _line_of(debit, own)) for debit in debits]
    numbered = {line.transaction_id for _, line in payouts if line}
    left = [line for line in lines if line.transaction_id not in numbered]
    for debit, line in payouts:
        subject = f"{debit.account} payout {debit.number} in {debit.currency}"
        if line is None:
            yield Finding("I26", subject, f"{debit.payout_id} has no line there")
            continue
        if line.debits != debit.number:
            yield Finding("I26", subject, f"the line of {debit.payout_id} says it is {line.debits}")
        late = max(line.dues, default="")
        if late > debit.through:
            yield Finding("I26", subject, f"it took what is due on {late}, after {debit.through}")
    first = min((line.accepted_at for _, line in payouts if line), default=None)
    if first is None or any(line.debits is None and line.accepted_at > first for line in left):
        return  # functions of two releases posted at once, and the older one does not say when
    for debit in debits:
        count = sum((line.debits or 0) < debit.number for line in lines)
        if count != debit.lines:
            subject = f"{debit.account} payout {debit.number} in {debit.currency}"
            yield Finding("I26", subject, f"{debit.lines} lines were there, {count} say so")
    yield from _taken_again(payouts, left, rebooked)


def _line_of(debit: Debit, own: Mapping[str, Line]) -> Line | None:
    """A payout's line; one that was given back and debited from a file has a second one."""
    again = own.get(f"{debit.payout_id}/rebooked")
    return again if again and again.debits == debit.number else own.get(debit.payout_id)


def _taken_again(
    payouts: Iterable[tuple[Debit, Line | None]], left: list[Line], rebooked: Set[str]
) -> Iterator[Finding]:
    """What is debited from a file is as the file says: what that is beyond the lines there were, or
    less, is left on its cutoff for the next payout."""
    taken: set[tuple[int, str]] = set()
    over: Counter[str] = Counter()
    for debit, line in payouts:
        sums: Counter[str] = Counter()
        for due in [due for due in over if due <= debit.through]:
            sums[due] += over.pop(due)
        for place, each in enumerate(left):
            for due, amount in each.dues.items():
                there = (each.debits or 0) < debit.number and due <= debit.through
                if there and (place, due) not in taken:
                    taken.add((place, due))
                    sums[due] += amount
        for due in sorted(sums.keys() | (line.dues.keys() if line else set())):
            took = -line.dues.get(due, 0) if line else 0
            if line and line.transaction_id in rebooked and due == debit.through:
                over[due] += sums[due] - took
            elif line and took != sums[due]:
                yield Finding(
                    "I26",
                    debit.payout_id,
                    f"it took {took} {debit.currency} due on {due}, the lines there were are "
                    f"{sums[due]}",
                )
