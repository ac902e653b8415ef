"""Unbinding: an operator ends an introduction, with a reason."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import batched

from linkage.domain import clock
from linkage.domain.errors import BusyError, ConditionFailedError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import Record, recorded
from linkage.domain.people.customers import Binding, customer_keys, is_own_id
from linkage.domain.people.requests import SentUnbinding
from linkage.tables import customers
from linkage.tables.audit import put_record
from linkage.tables.conversions import reading_conversion
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import read, reading_each
from linkage.tables.dynamodb.limits import TRANSACTION_ITEMS_MAX
from linkage.tables.dynamodb.transactions import attempts

_SECRET = os.environ["HASH_SECRET"]


def unbind(sent: SentUnbinding, by: Key) -> tuple[str, ...]:
    """Ends every introduction of a customer; returns the sales that had introduced them.

    It ends under each key that the same affiliate has and that came with one of theirs in a sale
    that bound either, and so on to the end. What was earned by it stays; the customer's next sale
    may introduce them anew. Again changes nothing, or goes on if it had not come to the end.
    """
    keys = customer_keys(_SECRET, sent.vendor_id or "", sent.customer)
    word = _Word(by, sent.reason, clock.text(clock.now()))
    sales, found = set[str](), _bindings(keys)
    for affiliate_id in sorted({each.affiliate_id for each in found}):
        theirs = [each for each in found if each.affiliate_id == affiliate_id]
        sales |= _end_with_tied(theirs, affiliate_id, word)
    return tuple(sorted(sales))


def _end_with_tied(asked: list[Binding], affiliate_id: str, word: "_Word") -> set[str]:
    """Ends these bindings of an affiliate, then all that are tied to them, nearest first.

    Returns their sales. What had been ended leads on too, so that a call which did not come to the
    end is taken up by the next. A vendor's own id leads no further, unless it was asked for.
    """
    sales, known = set[str](), {each.customer_key for each in asked}
    reached, leads = asked, known.copy()
    while reached:
        tied = set[str]()
        for some in batched(reached, TRANSACTION_ITEMS_MAX - 1, strict=False):
            ended, live = _ended(list(some), affiliate_id, word)
            sales |= {each.conversion_id for each in live}
            tied |= _tied([each for each in ended if each.customer_key in leads])
        found = _bindings(sorted(tied - known))
        reached = [each for each in found if each.affiliate_id == affiliate_id]
        known |= tied
        leads = {key for key in tied if not is_own_id(key)}
    return sales


@dataclass(frozen=True)
class _Word:
    """An operator's word that an introduction has ended."""

    by: Key
    why: str
    at: str

    def end(self, binding: Binding) -> Binding:
        """The binding, ended."""
        by = self.by.key_id
        return replace(binding, unbound_at=self.at, unbound_by=by, unbound_why=self.why)

    def record(self, ended: list[Binding]) -> Record:
        """What is kept of some bindings that are ended together, under the first one's customer."""
        said = {
            "customer_keys": sorted(each.customer_key for each in ended),
            "conversion_ids": sorted({each.conversion_id for each in ended}),
            "affiliate_ids": sorted({each.affiliate_id for each in ended}),
        }
        subject = f"customer#{ended[0].customer_key}"
        return recorded(self.by, subject, "customer.unbound", said, None, why=self.why)


def _ended(
    bindings: list[Binding], affiliate_id: str, word: _Word
) -> tuple[list[Binding], list[Binding]]:
    """Those that are the affiliate's once all have ended, and those of them that had not before.

    Expired ones end too: a sale may be reported late.
    """
    for _ in attempts():
        live = [each for each in bindings if each.unbound_at is None]
        ends = [customers.put_binding(word.end(each), each) for each in live]
        try:
            if live:
                transactions.write([*ends, put_record(word.record(live))])
        except ConditionFailedError:
            found = _bindings(each.customer_key for each in bindings)
            bindings = [each for each in found if each.affiliate_id == affiliate_id]
            continue
        return bindings, live
    raise BusyError


def _tied(bindings: list[Binding]) -> set[str]:
    """The keys that came with these in the sales that bound either."""
    bound_by = {each.conversion_id for each in bindings}
    sales = read(reading_each({each: reading_conversion(each) for each in bound_by}))
    keys = {key for sale in sales.values() if sale for key in sale.customer_keys}
    return keys.union(*(each.others for each in bindings))


def _bindings(keys: Iterable[str]) -> list[Binding]:
    """The bindings of these keys, ended ones too."""
    return list(read(customers.reading_bindings(keys)).values())
