"""Which payout holds what an affiliate got: read from what each debit wrote down.

A line says how many payouts had been taken out of its balance when it was posted, and each debit
through which due date it took. So the first debit after the line that reached its due date holds
it. If that payout's money came back, the entry that gave it back is followed in the same way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from linkage.domain.ledger.ledger import Debit, due_at_once
from linkage.domain.lists import LIMIT_MAX
from linkage.domain.payouts.payouts import GIVEN_BACK, Payout
from linkage.domain.payouts.results import return_id
from linkage.tables.dynamodb.batch_reads import read, reading_each
from linkage.tables.ledger import debits_after, find_head, reading_debits_when_posted
from linkage.tables.payout_batches import find_batch
from linkage.tables.payouts import find_payout, list_payouts

CAME_BACK_MAX = 50
"""So often money is followed from a payout that gave it back into the next one."""


class Posted(NamedTuple):
    """A line of an affiliate's in one currency: when it was accepted, from when it counts, and how
    many payouts had been taken when it was posted; None of what an earlier release has posted.
    """

    affiliate_id: str
    currency: str
    accepted_at: str
    due_on: str
    debits: int | None


@dataclass(frozen=True)
class Covered:
    """The payout that holds a line, None while it waits for one, and from when it counts now.

    `came_back` is the last payout whose money came back before that, if one did.
    """

    payout: Payout | None
    due_on: str
    came_back: Payout | None = None


def debits_of(
    affiliate_id: str, currency: str, lines: Iterable[tuple[int, str]]
) -> dict[tuple[int, str], Debit]:
    """By how many payouts there had been and the due date: the debit that took such a line.

    Debits are read in their order only until the last line is found in one.
    """
    left = set(lines)
    found: dict[tuple[int, str], Debit] = {}
    if not left:
        return {}
    for debit in debits_after(affiliate_id, currency, min(left)[0]):
        taken = {each for each in left if each[0] < debit.number and each[1] <= debit.through}
        found |= dict.fromkeys(taken, debit)
        left -= taken
        if not left:
            break
    return found


def posted(
    affiliate_id: str, transactions: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], int | None]:
    """By transaction and currency, how many payouts had been taken when it was posted.

    `transactions` has when each was accepted.
    """
    return read(
        reading_each(
            {
                (transaction_id, currency): reading_debits_when_posted(
                    affiliate_id, transaction_id, accepted_at, currency
                )
                for (transaction_id, currency), accepted_at in transactions.items()
            }
        )
    )


class Covering:
    """Finds the payout that holds a line, reading each debit, payout and batch once."""

    def __init__(self) -> None:
        self._debit = cache(_debit)
        self._payout = cache(find_payout)
        self._payouts = cache(lambda affiliate_id: list_payouts(affiliate_id, LIMIT_MAX, None).data)
        self._batch = cache(find_batch)

    def of(self, line: Posted) -> Covered:
        """Where the money of a line is."""
        came_back: Payout | None = None
        for _ in range(CAME_BACK_MAX):
            payout = self._holding(line)
            if payout is None:
                return Covered(None, line.due_on, came_back)
            if payout.status not in GIVEN_BACK:
                return Covered(payout, line.due_on, came_back)
            came_back, back = payout, _given_back(payout)
            if back is None:
                return Covered(None, line.due_on, came_back)
            line = back
        return Covered(came_back, line.due_on)

    def _holding(self, line: Posted) -> Payout | None:
        if line.debits is None:
            return self._inferred(line)
        debit = self._debit(line.affiliate_id, line.currency, line.debits, line.due_on)
        return self._payout(debit.batch_id, debit.payout_id) if debit else None

    def _inferred(self, line: Posted) -> Payout | None:
        """The first of the latest payouts after the line whose batch reached its due date.

        Those that gave their money back are passed over, since it may be in a later one.
        """
        for payout in reversed(self._payouts(line.affiliate_id)):
            is_later = payout.currency == line.currency and payout.created_at >= line.accepted_at
            if is_later and payout.status not in GIVEN_BACK:
                batch = self._batch(payout.batch_id)
                if batch and batch.cutoff >= line.due_on:
                    return payout
        return None


def _debit(affiliate_id: str, currency: str, debits: int, due_on: str) -> Debit | None:
    return debits_of(affiliate_id, currency, [(debits, due_on)]).get((debits, due_on))


def _given_back(payout: Payout) -> Posted | None:
    """The line that gave a payout's money back; None in the moment before it is posted."""
    transaction_id = return_id(payout)
    head = find_head(transaction_id)
    if head is None:
        return None
    accepted_at, whose = str(head["accepted_at"]), (payout.affiliate_id, payout.currency)
    known = posted(payout.affiliate_id, {(transaction_id, payout.currency): accepted_at})
    debits = known[transaction_id, payout.currency]
    return Posted(*whose, accepted_at, due_at_once(accepted_at), debits)
