"""Everything stored about one conversion, read once for its explanation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from linkage.domain.commissions.commissions import confirmation_id, refund_id, withdrawal_id
from linkage.domain.commissions.tally_moves import Ending, missed, returned
from linkage.domain.conversions.conversions import (
    Confirmation,
    Conversion,
    Refund,
    Rejection,
    Withdrawal,
)
from linkage.domain.conversions.tallies import Tally, kind_of
from linkage.domain.ledger.ledger import Posting
from linkage.tables.conversions import get_history
from linkage.tables.dynamodb.batch_reads import read, reading_each
from linkage.tables.ledger import commission_in, reading_head

type Head = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A conversion with its facts and the transactions posted for them so far."""

    conversion: Conversion
    confirmation: Confirmation | None
    rejection: Rejection | None
    head: Head | None
    refunds: tuple[tuple[Refund, Head | None], ...]
    withdrawal: Withdrawal | None = None
    withdrawal_head: Head | None = None

    @property
    def heads(self) -> list[Head]:
        """The transactions posted so far, in their order."""
        posted = (self.head, *(head for _, head in self.refunds), self.withdrawal_head)
        return sorted((head for head in posted if head), key=_accepted_at)

    def dated(self) -> Iterator[tuple[Head, Posting, str]]:
        """Every posting with its transaction and the UTC date from which it counts."""
        commission = commission_in(self.head) if self.head else None
        if self.head is None or commission is None:
            return
        for posting in _postings(self.head):
            yield self.head, posting, commission.due_on
        for head, ending, seen in self._endings():
            lost = _lost_dues(self.conversion, ending, seen)
            for posting in _postings(head):
                own = posting.kind == "bonus_return"
                yield head, posting, next(lost) if own else commission.due_on

    def _endings(self) -> Iterator[tuple[Head, Ending, tuple[Tally, ...]]]:
        """Each posted refund, and the withdrawal, with what it ends and the tallies it saw."""
        for refund, head in self.refunds:
            if head:
                yield head, Ending.by_refund(refund), refund.tallies
        if self.withdrawal and self.withdrawal_head:
            ending = Ending.by_withdrawal(self.withdrawal, self.conversion)
            yield self.withdrawal_head, ending, self.withdrawal.tallies


def find(conversion_id: str) -> Found:
    """Reads a conversion's history and its transactions; raises NotFoundError."""
    history = get_history(conversion_id)
    confirmation, withdrawal = confirmation_id(conversion_id), withdrawal_id(conversion_id)
    posted = [refund_id(refund) for refund in history.refunds if refund.posts]
    posted += [confirmation] if history.confirmation else []
    posted += [withdrawal] if history.withdrawal else []
    heads = read(reading_each({each: reading_head(each) for each in posted}))
    return Found(
        history.conversion,
        confirmation=history.confirmation,
        rejection=history.rejection,
        head=heads.get(confirmation),
        refunds=tuple((refund, heads.get(refund_id(refund))) for refund in history.refunds),
        withdrawal=history.withdrawal,
        withdrawal_head=heads.get(withdrawal),
    )


def _accepted_at(head: Head) -> str:
    return str(head["accepted_at"])


def _postings(head: Head) -> list[Posting]:
    return [Posting(**posting) for posting in head["postings"]]


def _lost_dues(conversion: Conversion, ending: Ending, seen: Iterable[Tally]) -> Iterator[str]:
    """When each bonus that was taken back was due, in the order of their postings."""
    for tally in seen:
        if kind_of(tally.name) == "sales":
            for bonus in missed(returned(tally, conversion, ending)):
                yield bonus.due_on
